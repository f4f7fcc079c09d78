//! Whom a connection is between (RFC 9293 §3.9.1, §3.9.2).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_REUSEADDR};
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";
const PEER: [u8; 4] = [10, 0, 0, 2];
const OURS: [u8; 4] = [10, 0, 0, 1];

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// RFC 9293 MUST-57: a SYN to all or to a group is not answered at all. RFC 9293 MUST-63: nor is one from nobody, all or a group.
#[test]
fn a_syn_to_or_from_a_group_is_not_answered() {
    let mut t = Script::new();
    let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    t.stack.bind(socket, &address("0.0.0.0:80")).unwrap();
    t.stack.listen(socket, 5).unwrap();
    for dst in [[10, 0, 0, 255], [255, 255, 255, 255], [224, 0, 0, 1]] {
        t.inject_between(PEER, dst, &format!("S 0:0(0) win 65535 <{SYN}>"));
        t.expect_nothing();
    }
    for src in [[0, 0, 0, 0], [10, 0, 0, 255], [255, 255, 255, 255], [224, 0, 0, 1], [127, 0, 0, 1]] {
        t.inject_between(src, OURS, &format!("S 0:0(0) win 65535 <{SYN}>"));
        t.expect_nothing();
    }
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
}

/// RFC 9293 MUST-46: nobody connects to all or to a group.
#[test]
fn connecting_to_a_group_is_refused() {
    let mut t = Script::new();
    for remote in ["10.0.0.255:80", "255.255.255.255:80", "224.0.0.1:80"] {
        let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
        assert_eq!(t.stack.connect(socket, &address(remote)), Err(Errno::ENETUNREACH), "{remote}");
    }
    t.expect_nothing();
}

/// RFC 9293 MUST-43: the local address may be named, RFC 9293 MUST-44: else the network layer chooses it, RFC 9293 MUST-45: and so it stays.
#[test]
fn the_local_address_is_named_or_chosen_and_then_kept() {
    let mut t = Script::new();
    t.stack.add_address(t.link(), "10.0.0.7/24".parse().unwrap()).unwrap();
    let named = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    t.stack.bind(named, &address("10.0.0.7:0")).unwrap();
    assert_eq!(t.stack.connect(named, &address("10.0.0.2:4000")), Err(Errno::EINPROGRESS));
    let syn = t.next_packet().expect("a SYN");
    assert_eq!(syn[12..16], [10, 0, 0, 7]);

    let chosen = t.connect();
    t.expect("S 0:0(0)");
    t.inject(&format!("S. 0:0(0) ack 1 win 65535 <{SYN}>"));
    t.expect(". 1:1(0) ack 1");
    // The address goes; the connection does not change over to the one that is left.
    t.stack.remove_address(t.link(), "10.0.0.1".parse().unwrap()).unwrap();
    let _ = t.stack.send(chosen, b"hello", MsgFlags::NONE);
    while let Some(packet) = t.next_packet() {
        assert_ne!(packet[12..16], [10, 0, 0, 7]);
    }
    let name = t.stack.getsockname(chosen).unwrap();
    assert!(format!("{name:?}").contains("10.0.0.1"), "{name:?}");
}

/// RFC 9293 MUST-41: a new listener does not disturb connections that are there.
#[test]
fn listening_does_not_disturb_connections() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let other = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    t.stack.bind(other, &address("10.0.0.1:81")).unwrap();
    t.stack.listen(other, 5).unwrap();
    t.inject("P. 1:11(10) ack 1 win 65535");
    t.expect(". 1:1(0) ack 11");
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 9293 MUST-42: while connections of a port are being opened, in either direction, one can listen on it.
#[test]
fn a_port_is_listened_on_while_its_connections_open() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.peer_port = 4001;
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.stack.close(listener).unwrap();

    let mut t = Script::new();
    let reusable = |t: &mut Script| {
        let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
        t.stack.setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &1i32.to_ne_bytes()).unwrap();
        t.stack.bind(socket, &address("10.0.0.1:80")).unwrap();
        socket
    };
    let active = reusable(&mut t);
    assert_eq!(t.stack.connect(active, &address("10.0.0.2:4000")), Err(Errno::EINPROGRESS));
    t.expect("S 0:0(0)");
    let passive = reusable(&mut t);
    t.stack.listen(passive, 5).unwrap();
    t.peer_port = 4001;
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
}

/// RFC 9293 MUST-11: a reset sends a half-open connection back to where it came from: the listener listens on, the caller is refused.
#[test]
fn a_reset_while_opening_means_one_thing_for_each_side() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.inject("R 1:1(0) win 0");
    t.expect_nothing();
    assert_eq!(t.ready(listener), Ready::NONE);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");

    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::SynReceived));
    t.inject("R 1:1(0) win 0");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ECONNREFUSED));
}

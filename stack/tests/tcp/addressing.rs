//! Whom a connection is between (RFC 9293 §3.9.1, §3.9.2).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_BINDTOIFINDEX, SO_REUSEADDR};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM};

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

/// To nobody means to ourselves, as in Linux.
#[test]
fn connecting_to_nobody_is_connecting_to_ourselves() {
    let mut t = Script::new();
    for (family, remote, ourselves) in [(AF_INET, "0.0.0.0:80", "127.0.0.1:80"), (AF_INET6, "[::]:80", "[::1]:80")] {
        let [listener, socket] = [(); 2].map(|()| t.stack.socket(family, SOCK_STREAM, 0).unwrap());
        t.stack.bind(listener, &address(ourselves)).unwrap();
        t.stack.listen(listener, 1).unwrap();
        assert_eq!(t.stack.connect(socket, &address(remote)), Err(Errno::EINPROGRESS));
        assert!(t.ready(socket).contains(Ready::OUT));
        assert_eq!(t.stack.getpeername(socket), Ok(address(ourselves)));
    }
}

/// RFC 4007 §6: an address of a link means nothing without the link, and nothing on another one than the socket is bound to.
#[test]
fn an_address_of_a_link_goes_by_that_link_only() {
    let mut t = Script::new();
    let on_link = |scope| {
        let mut remote = address("[fe80::9]:80");
        if let Address::Inet6 { addr, .. } = &mut remote {
            addr.scope = scope;
        }
        remote
    };
    let socket = t.stack.socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    assert_eq!(t.stack.connect(socket, &on_link(0)), Err(Errno::EINVAL));
    let link = u32::from(t.link().0);
    t.stack.setsockopt(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &link.to_ne_bytes()).unwrap();
    assert_eq!(t.stack.connect(socket, &on_link(link + 1)), Err(Errno::EINVAL));
}

/// What was accepted holds the listener's port when that is closed.
#[test]
fn what_was_accepted_holds_its_port() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    t.stack.close(listener).unwrap();
    let other = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(t.stack.bind(other, &address("10.0.0.1:80")), Err(Errno::EADDRINUSE));
    t.stack.close(socket).unwrap();
    t.inject("R 1:1(0) win 0");
    assert_eq!(t.stack.bind(other, &address("10.0.0.1:80")), Ok(()));
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

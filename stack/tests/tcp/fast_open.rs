//! Fast Open (RFC 7413): data in the SYN.

use crate::script::{Script, pattern};
use crate::waiting::waited;
use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_KEY};
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::socket::{Address, Message};
use loggia_stack::{Errno, SocketId};

/// What 10.0.0.2 gets from 10.0.0.1 under the key of sixteen bytes 7.
const COOKIE: &str = "FO 3e473e45f9442e8b";
const CONNECT_AND_LISTEN: u32 = 0x3;

fn client() -> Script {
    Script::with(|config| config.tcp.fastopen = CONNECT_AND_LISTEN)
}

fn stream(t: &mut Script) -> SocketId {
    t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap()
}

/// `sendto` with `MSG_FASTOPEN` by one who does not wait.
fn send(t: &mut Script, socket: SocketId, len: usize) -> Result<usize, Errno> {
    let (data, to): (_, Address) = (pattern(0, len), "10.0.0.2:4000".parse().unwrap());
    let flags = MsgFlags::FASTOPEN | MsgFlags::DONTWAIT;
    t.stack.sendmsg(socket, &Message { data: &[&data], to: Some(&to), flags, ..Message::default() })
}

/// The first connection to a server, which gives a cookie.
fn cookie_received(t: &mut Script) {
    let socket = stream(t);
    assert_eq!(send(t, socket, 1000), Err(Errno::EINPROGRESS), "without a cookie there is no data");
    t.expect("S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 7,FO,nop,nop>");
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0,FO 0102030405060708,nop,nop>");
    t.expect(". 1:1(0) ack 1");
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
}

/// A listener under the test's key that takes data from SYNs.
fn server(t: &mut Script) -> SocketId {
    let listener = t.listen(5);
    t.stack.setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &5i32.to_ne_bytes()).unwrap();
    t.stack.setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN_KEY, &[7; 16]).unwrap();
    listener
}

/// A stream whose connection to come has a cookie.
fn to_a_known_server() -> (Script, SocketId) {
    let mut t = client();
    cookie_received(&mut t);
    let socket = stream(&mut t);
    (t, socket)
}

/// The same with 500 bytes in its SYN.
fn sent_with_the_syn() -> (Script, SocketId) {
    let (mut t, socket) = to_a_known_server();
    assert_eq!(send(&mut t, socket, 500), Ok(500));
    t.expect("S 0:500(500)");
    (t, socket)
}

/// A connection that was accepted before its handshake is over; the peer's window is `window`, its segments are `mss` bytes.
fn accepted_early(window: u16, mss: u16) -> (Script, SocketId) {
    let mut t = client();
    let listener = server(&mut t);
    t.inject(&format!("S 0:100(100) win {window} <mss {mss},sackOK,{COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 101 <mss 1460,nop,nop,sackOK>");
    let (socket, _) = t.stack.accept(listener).expect("open before the last step of the handshake");
    (t, socket)
}

/// RFC 7413 §4.1.3, §4.2.1: with a cookie the SYN brings data, less than the server's segments hold, and the rest follows.
#[test]
fn a_known_server_gets_data_with_the_syn() {
    let (mut t, socket) = to_a_known_server();
    assert_eq!(send(&mut t, socket, 5000), Ok(960));
    t.expect("S 0:960(960) <mss 1460,nop,nop,sackOK,nop,wscale 7,FO 0102030405060708,nop,nop>");
    t.inject("S. 0:0(0) ack 961 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.expect(". 961:961(0) ack 1");
    assert!(t.stack.tcp_info(socket).unwrap().syn_data);
    t.write(socket, 960, 40);
    t.expect("P. 961:1001(40) ack 1");
}

/// RFC 7413 §4.2.1: what the server did not take goes again at once, and that is no sign of congestion.
#[test]
fn data_that_was_not_taken_goes_again() {
    let (mut t, socket) = sent_with_the_syn();
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.expect("P. 1:501(500) ack 1");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.syn_data, info.snd_cwnd), (false, 10));
}

/// A SYN that is repeated is a plain one: something on the path may not like the other.
#[test]
fn a_repeated_syn_is_plain() {
    let (mut t, _) = sent_with_the_syn();
    t.expect_after(1000, "S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 7>");
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.expect("P. 1:501(500) ack 1");
}

/// `TCP_FASTOPEN_CONNECT`: with a cookie `connect` sends nothing and is done; the first write sends the SYN.
#[test]
fn connect_leaves_the_syn_to_the_first_write() {
    let (mut t, socket) = to_a_known_server();
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &1i32.to_ne_bytes()).unwrap();
    let peer: Address = "10.0.0.2:4000".parse().unwrap();
    assert_eq!(t.stack.connect(socket, &peer), Ok(()));
    t.expect_nothing();
    assert!(t.ready(socket).contains(Ready::OUT));
    assert_eq!(t.stack.send(socket, &pattern(0, 100), MsgFlags::DONTWAIT), Ok(100));
    t.expect("S 0:100(100) <mss 1460,nop,nop,sackOK,nop,wscale 7,FO 0102030405060708,nop,nop>");
}

/// The SYN says what fits the path as it is when it leaves, not when it was put off.
#[test]
fn a_syn_that_waited_knows_the_path() {
    let (mut t, socket) = to_a_known_server();
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &1i32.to_ne_bytes()).unwrap();
    let peer: Address = "10.0.0.2:4000".parse().unwrap();
    assert_eq!(t.stack.connect(socket, &peer), Ok(()));
    t.stack.set_mtu(t.link(), 1000).unwrap();
    assert_eq!(t.stack.send(socket, &pattern(0, 100), MsgFlags::DONTWAIT), Ok(100));
    t.expect("S 0:100(100) <mss 960,nop,nop,sackOK,nop,wscale 7,FO 0102030405060708,nop,nop>");
}

/// RFC 7413 §4.1.2, §4.2.2: who asks gets a cookie; who brings it back may write before the handshake is over, and so may the server.
#[test]
fn a_good_cookie_opens_at_once() {
    let mut t = client();
    let listener = server(&mut t);
    t.inject("S 0:0(0) win 65535 <mss 1000,sackOK,FO,nop,nop>");
    t.expect(&format!("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,{COOKIE},nop,nop>"));
    t.inject("R 1:1(0) win 0");
    t.peer_port += 1;
    t.inject(&format!("S 0:100(100) win 65535 <mss 1000,sackOK,{COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 101 <mss 1460,nop,nop,sackOK>");
    let (socket, _) = t.stack.accept(listener).expect("open before the last step of the handshake");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::SynReceived));
    assert_eq!(t.stack.recv(socket, &mut [0; 200], MsgFlags::NONE), Ok(100));
    t.write(socket, 0, 50);
    let packet = t.next_packet().expect("data before the handshake is over");
    assert_eq!(packet[packet.len() - 50..], pattern(0, 50));
    t.inject(". 101:101(0) ack 51 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Established));
    t.run(2000);
    t.expect_nothing();
}

/// A wrong cookie brings the right one, and the data has to come again.
#[test]
fn a_wrong_cookie_is_corrected() {
    let mut t = client();
    let listener = server(&mut t);
    t.inject("S 0:100(100) win 65535 <mss 1000,sackOK,FO 0000000000000000,nop,nop>");
    t.expect(&format!("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,{COOKIE},nop,nop>"));
    assert!(t.stack.accept(listener).is_err());
}

/// RFC 7413 §5.1: only so many connections may be open whose peer has not shown this time that it is there.
#[test]
fn a_flood_of_good_cookies_is_bounded() {
    let mut t = client();
    let listener = server(&mut t);
    t.stack.setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &1i32.to_ne_bytes()).unwrap();
    for (port, acked) in [(5000, 101), (5001, 1)] {
        t.peer_port = port;
        t.inject(&format!("S 0:100(100) win 65535 <mss 1000,sackOK,{COOKIE},nop,nop>"));
        t.expect(&format!("S. 0:0(0) ack {acked}"));
    }
}

/// Nor does what is heard before its answer make one of it.
#[test]
fn what_goes_again_after_the_handshake_begins_no_recovery() {
    let (mut t, socket) = sent_with_the_syn();
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.expect("P. 1:501(500) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    t.inject(". 1:1(0) ack 201 win 65535");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.snd_cwnd >= 10, t.stack.counters().tcp_ext.tcp_sack_recovery), (true, 0));
    t.inject(". 1:1(0) ack 501 win 65535");
    assert_eq!(t.stack.tcp_info(socket).unwrap().ca_state, 0);
}

/// `TCP_INFO`: there is something to send as long as the SYN's data is not acknowledged.
#[test]
fn data_with_the_syn_is_something_to_send() {
    let (mut t, socket) = sent_with_the_syn();
    t.run(40);
    t.inject("S. 0:0(0) ack 501 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.run(100);
    assert_eq!(waited(&mut t, socket), [40, 0, 0]);
}

/// RFC 7413 §4.2.1, RFC 1191 §6.4: as in Linux a SYN whose data makes it too large goes again at once without it, and the data in segments that pass.
/// It announces no more than is known to pass, for what comes mostly goes the same way.
#[test]
fn a_syn_that_is_too_large_goes_again_at_once_without_its_data() {
    let (mut t, socket) = to_a_known_server();
    assert_eq!(send(&mut t, socket, 900), Ok(900));
    t.expect("S 0:900(900) <mss 1460,nop,nop,sackOK,nop,wscale 7,FO 0102030405060708,nop,nop>");
    t.inject_icmp(3, 4, 600, "S 0:900(900)");
    t.expect("S 0:0(0) <mss 560,nop,nop,sackOK,nop,wscale 7>");
    t.inject_icmp(3, 4, 600, "S 0:900(900)");
    t.expect_nothing();
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.expect(". 1:561(560) ack 1");
    t.expect("P. 561:901(340) ack 1");
    let counters = t.stack.counters();
    assert_eq!((counters.tcp_ext.tcp_syn_retrans, counters.tcp_ext.tcp_timeouts), (1, 0));
}

/// A link that takes less than what is announced at least: the SYN brings what goes there.
#[test]
fn a_narrow_link_gets_as_much_data_as_it_takes() {
    let (mut t, socket) = to_a_known_server();
    t.stack.set_mtu(t.link(), 200).unwrap();
    assert_eq!(send(&mut t, socket, 500), Ok(120), "200 bytes less 40 of headers and 40 of options");
    t.expect("S 0:120(120) <mss 256,nop,nop,sackOK,nop,wscale 7,FO 0102030405060708,nop,nop>");
}

/// RFC 7413 §4.2.2: before the handshake is over our SYN-ACK takes no room, neither of the window of the peer's SYN ...
#[test]
fn the_first_flight_may_fill_the_window() {
    let (mut t, socket) = accepted_early(2000, 1000);
    t.write(socket, 0, 2001);
    let sent: usize = std::iter::from_fn(|| t.next()).map(|segment| segment.len).sum();
    assert_eq!(sent, 2000);
}

/// ... nor of the first ten segments (RFC 6928).
#[test]
fn the_first_flight_is_ten_segments() {
    let (mut t, socket) = accepted_early(65_535, 1000);
    t.write(socket, 0, 12_000);
    let sent: usize = std::iter::from_fn(|| t.next()).map(|segment| segment.len).sum();
    assert_eq!(sent, 10_000);
}

/// RFC 9293 MUST-56: as in Linux an error that is a hint for an open connection is one for whoever accepted it before the handshake was over.
#[test]
fn what_was_accepted_early_is_not_ended_by_a_hint() {
    let (mut t, socket) = accepted_early(65_535, 1000);
    for code in [1, 3] {
        t.inject_icmp(3, code, 0, "S. 0:0(0) ack 101");
        assert_eq!(t.stack.tcp_state(socket), Some(TcpState::SynReceived), "code {code}");
        assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    }
    t.inject(". 101:101(0) ack 1 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Established));
}

/// Whom nobody accepted yet is ended by it.
#[test]
fn what_waits_to_be_accepted_is_ended() {
    let mut t = client();
    server(&mut t);
    t.inject(&format!("S 0:100(100) win 65535 <mss 1000,sackOK,{COOKIE},nop,nop>"));
    t.expect("S. 0:0(0) ack 101");
    t.inject_icmp(3, 1, 0, "S. 0:0(0) ack 101");
    t.inject(". 101:101(0) ack 1 win 65535");
    t.expect("R 1:1(0)");
}

/// RFC 1191 §6.4: a first flight that is too large for the path goes again smaller, at once; the SYN-ACK before it does not.
#[test]
fn a_first_flight_that_is_too_large_goes_again_smaller() {
    let (mut t, socket) = accepted_early(65_535, 1400);
    t.write(socket, 0, 1400);
    t.expect("P. 1:1401(1400) ack 101");
    t.inject_icmp(3, 4, 1000, "P. 1:1401(1400) ack 101");
    t.expect(". 1:961(960) ack 101");
    t.expect("P. 961:1401(440) ack 101");
    t.inject(". 101:101(0) ack 1401 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Established));
    t.run(2000);
    t.expect_nothing();
}

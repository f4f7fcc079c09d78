//! Closing (RFC 9293 §3.6).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::numbers::SHUT_WR;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_LINGER};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 §3.6 figure 12: who closes first waits for two segment lifetimes; RFC 9293 MUST-13: it lingers, and answers a repeated FIN.
#[test]
fn closing_first_ends_in_time_wait() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject(". 1:1(0) ack 2 win 65535");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.run(30_000);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.run(59_000);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.run(60_001);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect("R 2:2(0)");
}

/// RFC 9293 §3.6 case 2: the peer closes first; what we have to say still goes.
#[test]
fn closing_second_ends_without_time_wait() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
    assert_eq!(t.ready(socket), Ready::IN | Ready::OUT | Ready::RDHUP);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0), "the end of the stream");
    t.write(socket, 0, 5);
    t.expect("P. 1:6(5) ack 2");
    t.inject(". 2:2(0) ack 6 win 65535");
    t.stack.close(socket).unwrap();
    t.expect("F. 6:6(0) ack 2");
    t.inject(". 2:2(0) ack 7 win 65535");
    t.expect_nothing();
    t.inject(". 2:2(0) ack 7 win 65535");
    t.expect("R 7:7(0)");
}

/// RFC 9293 §3.6 figure 13: both close at once.
#[test]
fn both_may_close_at_once() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 2:2(0) ack 2");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Closing));
    t.inject(". 2:2(0) ack 2 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Closed), "a record waits in its place, as in Linux");
    assert_eq!(t.ready(socket) & Ready::HUP, Ready::HUP);
}

/// Half close (RFC 9293 §3.6 case 1): after `SHUT_WR` the other direction still flows.
#[test]
fn a_half_closed_connection_still_receives() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject(". 1:1(0) ack 2 win 65535");
    assert_eq!(t.stack.send(socket, b"x", MsgFlags::NONE), Err(Errno::EPIPE));
    t.inject("P. 1:101(100) ack 2 win 65535");
    t.expect(". 2:2(0) ack 101");
    assert_eq!(t.read(socket, 0), 100);
}

/// RFC 1122 §4.2.2.13, RFC 9293 §3.6.1: closing with unread data resets, so that the peer knows it was lost.
#[test]
fn closing_with_unread_data_resets() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101");
    t.stack.close(socket).unwrap();
    t.expect("R. 1:1(0) ack 101");
    t.inject(". 101:101(0) ack 1 win 65535");
    t.expect("R 1:1(0)");
}

/// `SO_LINGER` with zero seconds aborts.
#[test]
fn lingering_for_no_time_resets() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
    t.stack.setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger).unwrap();
    t.stack.close(socket).unwrap();
    t.expect("R. 1:1(0) ack 1");
}

/// Data that arrives after the application closed finds no reader: a reset says so (RFC 9293 SHLD-3, §3.6.1), as if there were no
/// connection (RFC 9293 §3.5.2 group 1).
#[test]
fn data_after_close_is_reset() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("P. 1:101(100) ack 2 win 65535");
    t.expect("R 2:2(0)");
}

/// RFC 9293 §3.5.2: the same where the data was under way when our FIN left. The reset is too old for a peer that has the FIN by then; the
/// acknowledgement of the FIN gets one that it must take.
#[test]
fn data_that_crosses_our_fin_is_reset_in_the_end() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect("R 1:1(0)");
    t.inject(". 101:101(0) ack 2 win 65535");
    t.expect("R 2:2(0)");
}

/// Nobody waits for ever for the FIN of a peer that has gone (Linux's `tcp_fin_timeout`).
#[test]
fn an_orphan_leaves_fin_wait_2_after_a_minute() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject(". 1:1(0) ack 2 win 65535");
    t.run(59_000);
    t.inject("P. 1:1(0) ack 2 win 65535");
    t.expect_nothing();
    t.run(2_000);
    t.inject(". 1:1(0) ack 2 win 65535");
    t.expect("R 2:2(0)");
}

/// A FIN that comes before the data it follows is remembered.
#[test]
fn a_fin_may_overtake_its_data() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("F. 101:201(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 1 <nop,nop,sack 101:201>");
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 202");
    assert_eq!(t.read(socket, 0), 200);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0));
}

/// RFC 6191 §2, RFC 9293 MAY-2: a SYN with a newer number takes the place of a connection in TIME-WAIT.
#[test]
fn a_new_syn_may_end_time_wait() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.inject("S 5000:5000(0) win 65535 <mss 1460>");
    let answer = t.next().expect("an answer");
    assert!(answer.flags.contains('S'), "{}", answer.text());
    assert_eq!(t.stack.counters().tcp_ext.tw_recycled, 1);
}

/// RFC 9293 MAY-2 (RFC 1122 §4.2.2.13): our number is then beyond all that the connection before used, also if that was faster than the clock.
#[test]
fn who_takes_the_place_of_another_begins_beyond_its_numbers() {
    let sequence = |packet: Vec<u8>| u32::from_be_bytes(packet[24..28].try_into().expect("four bytes"));
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1000);
    t.expect("P. 1:1001(1000) ack 1");
    t.inject(". 1:1(0) ack 1001 win 65535");
    t.stack.close(socket).unwrap();
    let fin = sequence(t.next_packet().expect("a FIN"));
    t.inject("F. 1:1(0) ack 1002 win 65535");
    t.expect(". 1002:1002(0) ack 2");
    t.inject("S 5000:5000(0) win 65535 <mss 1460>");
    let answer = sequence(t.next_packet().expect("a SYN-ACK"));
    assert!((1..1 << 20).contains(&answer.wrapping_sub(fin)), "{fin} {answer}");
}

/// Who runs a host ends it: the peer that has not closed is told (RFC 9293 §3.10.5), and what came before can be read.
#[test]
fn a_host_that_ends_resets_what_is_open_and_leaves_what_came() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101");
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1:1(0) ack 101");
    t.inject(". 101:101(0) ack 2 win 65535");
    assert_eq!((t.stack.tcp_state(socket), t.stack.is_flushing()), (Some(TcpState::FinWait2), false));
    assert_eq!(t.stack.abort_connections(Errno::ENETDOWN), 1);
    t.expect("R. 2:2(0) ack 101");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Closed));
    assert_eq!(t.read(socket, 0), 100);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ENETDOWN));
    assert_eq!(t.stack.abort_connections(Errno::ENETDOWN), 0);
    t.expect_nothing();
}

/// Who waits until everything has left asks whether it can.
#[test]
fn without_a_route_nothing_more_leaves() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1:1(0) ack 1");
    assert_eq!((t.stack.is_flushing(), t.stack.can_flush()), (true, true));
    t.stack.set_up(t.link(), false).unwrap();
    assert_eq!((t.stack.is_flushing(), t.stack.can_flush()), (true, false));
}

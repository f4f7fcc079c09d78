//! How long we try, and what ends it (RFC 9293 §3.8.1, §3.8.3, §3.8.6, §3.9.2.2).

use crate::script::Script;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::SHUT_WR;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_ERROR};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_SYNCNT, TCP_USER_TIMEOUT};
use loggia_stack::{Errno, SocketId};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

fn error(t: &mut Script, socket: SocketId) -> i32 {
    let mut value = [0; 4];
    t.stack.getsockopt(socket, SOL_SOCKET, SO_ERROR, &mut value).unwrap();
    i32::from_ne_bytes(value)
}

/// All segments sent meanwhile.
fn flush(t: &mut Script) -> usize {
    std::iter::from_fn(|| t.next()).count()
}

/// RFC 9293 MUST-18, RFC 6298 §2.2, §2.3: the timeout follows the round trip; RFC 6298 §3 (Karn): what was sent twice is no measure.
#[test]
fn the_timeout_follows_the_round_trip_and_karn() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.run(100);
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).unwrap();
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.rtt_us, info.rttvar_us, info.rto_us), (100_000, 50_000, 300_000));
    t.write(socket, 0, 100);
    t.expect("P. 1:101(100) ack 1");
    // RFC 8985 §7.2: a probe would come later than the timeout and takes its place.
    t.expect_after(300, "P. 1:101(100) ack 1");
    t.expect_after(300, "P. 1:101(100) ack 1");
    // RFC 9293 MUST-19, RFC 6298 §5.5: exponential backoff.
    t.expect_after(600, "P. 1:101(100) ack 1");
    t.run(700);
    t.inject(". 1:1(0) ack 101 win 65535");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.rtt_us, info.rto_us), (100_000, 300_000), "the acknowledgement is of one of four");
}

/// RFC 9293 MUST-22: SYNs have limits of their own. RFC 9293 MUST-23: three minutes and more can be had; Linux's default, and ours, is
/// 131 seconds (`tcp_syn_retries` of 6, and `tcp_syn_linear_timeouts` of 4).
#[test]
fn a_syn_is_tried_for_as_long_as_is_asked() {
    // No timeout is longer than two minutes.
    for (count, seconds) in [(0, 131), (7, 131 + 120), (2, 7), (1, 3)] {
        let mut t = Script::new();
        let socket = t.connect_with(|stack, socket| {
            if count > 0 {
                stack.setsockopt(socket, IPPROTO_TCP, TCP_SYNCNT, &i32::to_ne_bytes(count)).unwrap();
            }
        });
        t.run(seconds * 1000 - 10);
        assert_eq!(t.ready(socket), Ready::NONE, "after {seconds} s there is still hope");
        t.run(20);
        assert_eq!(error(&mut t, socket), Errno::ETIMEDOUT.number());
    }
}

/// RFC 9293 MUST-20, SHLD-11, §3.8.3: R2 is well over 100 seconds: fifteen retries of Linux take 924.6 s.
#[test]
fn a_silent_peer_is_waited_for_a_quarter_of_an_hour() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 100);
    t.run(900_000);
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    // RFC 9293 SHLD-10: at least three retransmissions on the way.
    assert!(flush(&mut t) > 10);
    t.run(300_000);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ETIMEDOUT));
}

/// RFC 9293 MUST-21: the application sets how long (`TCP_USER_TIMEOUT`).
#[test]
fn the_application_may_be_less_patient() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &5000i32.to_ne_bytes()).unwrap();
    t.write(socket, 0, 100);
    t.run(4_000);
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    t.run(6_000);
    assert_eq!(error(&mut t, socket), Errno::ETIMEDOUT.number());
}

/// RFC 9293 MUST-12: an orderly end and an abort are told apart.
#[test]
fn the_application_learns_how_the_connection_ended() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("F. 1:1(0) ack 1 win 65535");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0));
    assert_eq!(error(&mut t, socket), 0);

    let mut t = Script::new();
    let socket = t.established(SYN);
    // RFC 9293 SHLD-2: a reset may carry an explanation.
    t.inject("R 1:21(20) win 0");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ECONNRESET));
}

/// RFC 9293 MUST-47, MUST-54, MUST-56: a host that is unreachable for the moment does not end a connection; if it never comes back, that
/// is what the application is told, and not "timed out".
#[test]
fn a_soft_error_is_told_when_the_connection_fails() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 100);
    t.expect("P. 1:101(100) ack 1");
    t.inject_icmp(3, 1, 0, "P. 1:1(0) ack 1");
    t.run(10_000);
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    t.run(1_300_000);
    assert_eq!(error(&mut t, socket), Errno::EHOSTUNREACH.number());
}

/// RFC 9293 MUST-55: source quench means nothing any more.
#[test]
fn source_quench_is_ignored() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 100);
    t.expect("P. 1:101(100) ack 1");
    let before = t.stack.tcp_info(socket).unwrap();
    t.inject_icmp(4, 0, 0, "P. 1:1(0) ack 1");
    t.expect_nothing();
    assert_eq!(t.stack.tcp_info(socket).unwrap(), before);
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 MUST-34, SHLD-15, SHLD-16: a window that shrinks below what is in flight: nothing new is sent, what is lost is sent again.
/// RFC 9293 MUST-37, SHLD-17: and the connection lives as long as the peer answers, however long that is.
#[test]
fn a_peer_that_shrinks_its_window_and_answers_is_waited_for() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 5_000);
    assert_eq!(flush(&mut t), 5);
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 5_000, 1_000);
    t.expect_nothing();
    let mut probes = 0;
    for _ in 0..7_200 {
        t.run(1_000);
        while let Some(segment) = t.next() {
            assert!(segment.seq + segment.len as u32 <= 5_001, "nothing new: {}", segment.text());
            probes += 1;
            t.inject(". 1:1(0) ack 1 win 0");
        }
    }
    // RFC 9293 SHLD-30: at growing intervals.
    assert!((10..120).contains(&probes), "{probes}");
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE, "two hours, and every probe was answered");
    t.inject(". 1:1(0) ack 5001 win 10000");
    t.expect("P. 5001:6001(1000) ack 1");
}

/// RFC 9293 MUST-36, MUST-37, SHLD-29: a window that stays closed for hours is probed for hours.
#[test]
fn a_window_may_stay_closed_for_hours() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 0, 100);
    t.expect_nothing();
    for _ in 0..7_200 {
        t.run(1_000);
        while t.next().is_some() {
            t.inject(". 1:1(0) ack 1 win 0");
        }
    }
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    t.inject(". 1:1(0) ack 1 win 1000");
    t.expect("P. 1:101(100) ack 1");
}

/// RFC 9293 §3.8.6.1: a FIN alone waits for the window too. The update that opened it was lost: a probe asks for it again.
#[test]
fn a_fin_that_waits_for_a_closed_window_is_probed_for() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 0");
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect_after(200, ". 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 0");
    t.expect_after(400, ". 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 1000");
    t.expect("F. 1:1(0) ack 1");
}

/// RFC 9293 §3.8.6.1: but if no probe is answered, the peer is gone.
#[test]
fn a_closed_window_of_a_silent_peer_ends_the_connection() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 0, 100);
    t.run(1_300_000);
    assert_eq!(error(&mut t, socket), Errno::ETIMEDOUT.number());
}

/// RFC 7323 §4.1: an echoed timestamp measures also what was sent twice, to within the millisecond that the clock counts.
#[test]
fn a_timestamp_measures_a_retransmission() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1000,sackOK,TS val 1000 ecr 0>");
    t.expect("S. 0:0(0) ack 1");
    t.run(80);
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <nop,nop,TS val 1001 ecr {}>", t.last_ts));
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.write(socket, 0, 100);
    t.expect("P. 1:101(100) ack 1");
    t.run(280);
    t.expect("P. 1:101(100) ack 1");
    t.inject(&format!(". 1:1(0) ack 101 win 65535 <nop,nop,TS val 1002 ecr {}>", t.last_ts));
    assert_eq!(t.stack.tcp_info(socket).unwrap().rtt_us, (80_000 * 7 + 1_000) / 8);
}

//! Loss and recovery (RFC 5681, 6298, 6582, 6675).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::MsgFlags;

const SACK: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";
const NO_SACK: &str = "mss 1000,nop,wscale 0";

/// In two frames of half a window each.
fn ten_in_flight(t: &mut Script, options: &str) -> loggia_stack::SocketId {
    let socket = t.established(options);
    t.write(socket, 0, 10_000);
    for n in 0..10u32 {
        let seq = 1 + n * 1000;
        t.expect(&format!("{} {seq}:{}(1000) ack 1", if n % 5 == 4 { "P." } else { "." }, seq + 1000));
    }
    t.expect_nothing();
    socket
}

/// RFC 6298 §5: the first timeout is at least 200 ms (Linux's floor), then it doubles; an acknowledgement ends the doubling.
#[test]
fn an_unacknowledged_segment_is_sent_again_at_growing_intervals() {
    let mut t = Script::new();
    let socket = t.established(SACK);
    t.write(socket, 0, 100);
    t.expect("P. 1:101(100) ack 1");
    let first = t.next();
    assert_eq!(first, None);
    t.run(1000);
    let count = std::iter::from_fn(|| t.next()).filter(|segment| segment.seq == 1 && segment.len == 100).count();
    assert!((1..=3).contains(&count), "sent again {count} times within a second");
    t.inject(". 1:1(0) ack 101 win 65535");
    t.run(10_000);
    t.expect_nothing();
}

/// RFC 8985 §6.2: three segments SACKed above a hole: it is lost, and sent again at once, once.
#[test]
fn three_sacked_segments_tell_of_a_loss() {
    let mut t = Script::new();
    ten_in_flight(&mut t, SACK);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:4001>");
    t.expect(". 1:1001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.expect_nothing();
    assert_eq!(t.stack.counters().tcp_ext.tcp_sack_recovery, 1);
}

/// RFC 6675 §5, RFC 8985 §6.2: several holes are filled in one round trip, at the pace at which the rest arrives (RFC 6937).
#[test]
fn several_holes_are_filled_in_one_round_trip() {
    let mut t = Script::new();
    ten_in_flight(&mut t, SACK);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 5001:6001 3001:4001 1001:2001>");
    t.expect(". 1:1001(1000) ack 1");
    t.expect(". 2001:3001(1000) ack 1");
    t.expect(". 4001:5001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.expect_nothing();
}

/// RFC 5681 §3.2, RFC 6582 §3.2: without SACK the third duplicate acknowledgement tells of a loss, a partial one of the next.
#[test]
fn three_duplicate_acknowledgements_tell_of_a_loss_and_a_partial_one_of_the_next() {
    let mut t = Script::new();
    ten_in_flight(&mut t, NO_SACK);
    t.inject(". 1:1(0) ack 1 win 65535");
    t.inject(". 1:1(0) ack 1 win 65535");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1 win 65535");
    t.expect(". 1:1001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 5001 win 65535");
    t.expect(". 5001:6001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.expect_nothing();
}

/// RFC 3042: the first two duplicate acknowledgements let new segments go.
#[test]
fn limited_transmit_sends_new_data_on_the_first_duplicates() {
    let mut t = Script::new();
    let socket = ten_in_flight(&mut t, SACK);
    t.write(socket, 10_000, 5_000);
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    t.expect(". 10001:11001(1000) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    t.expect(". 11001:12001(1000) ack 1");
    t.expect_nothing();
}

/// RFC 5681 §3.1: after a timeout everything in flight is lost, and sent again in slow start from one segment.
#[test]
fn after_a_timeout_slow_start_sends_everything_again() {
    let mut t = Script::new();
    ten_in_flight(&mut t, NO_SACK);
    t.run(250);
    t.expect(". 1:1001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1001 win 65535");
    t.expect(". 1001:2001(1000) ack 1");
    t.expect(". 2001:3001(1000) ack 1");
    t.expect_nothing();
}

/// RFC 9293 MUST-20, MUST-21, RFC 9293 §3.8.3: a peer that never answers ends the connection, and the application is told.
#[test]
fn a_silent_peer_ends_the_connection() {
    let mut t = Script::with(|config| config.tcp.retries2 = 3);
    let socket = t.established(SACK);
    t.write(socket, 0, 100);
    t.run(20_000);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ETIMEDOUT));
}

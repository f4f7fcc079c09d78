//! Losses found by time, asked for, and found to be none (RFC 8985, 6937, 5682, 3708, 4015).

use crate::script::Script;
use loggia_stack::SocketId;
use loggia_stack::base::{Counters, Duration};

const ROUND_TRIP: u64 = 40;

/// A connection that we opened over a path of 40 ms, with `segments` of 1000 bytes in flight.
fn in_flight(t: &mut Script, segments: usize, options: &str) -> SocketId {
    let socket = t.connect();
    assert!(t.next().is_some_and(|segment| segment.flags.contains('S')));
    t.run(ROUND_TRIP);
    t.inject(&format!("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,{options}nop,wscale 0>"));
    assert!(t.next().is_some_and(|segment| segment.len == 0));
    t.write(socket, 0, segments * 1000);
    for _ in 0..segments.min(10) {
        assert!(t.next().is_some_and(|segment| segment.len == 1000));
    }
    t.expect_nothing();
    socket
}

fn counters(t: &Script) -> Counters {
    t.stack.counters().clone()
}

/// RFC 8985 §7.2, §7.3: two round trips of silence: the last segment is sent again, once; then the timeout.
#[test]
fn silence_is_met_by_a_probe_before_the_timeout() {
    let mut t = Script::new();
    in_flight(&mut t, 10, "");
    t.expect_after(2 * ROUND_TRIP + 2, "P. 9001:10001(1000) ack 1");
    t.expect_after(240, ". 1:1001(1000) ack 1");
    t.expect_nothing();
    assert_eq!((counters(&t).tcp_ext.tcp_loss_probes, counters(&t).tcp_ext.tcp_timeouts), (1, 1));
}

/// RFC 8985 §7.2: the acknowledgement of a single segment may be delayed.
#[test]
fn a_single_segment_is_given_time_for_a_delayed_acknowledgement() {
    let mut t = Script::new();
    in_flight(&mut t, 1, "");
    t.expect_after(240, "P. 1:1001(1000) ack 1");
}

/// RFC 8985 §7.3: new data is the better probe.
#[test]
fn a_probe_is_new_data_if_there_is_some() {
    let mut t = Script::new();
    in_flight(&mut t, 15, "");
    t.expect_after(2 * ROUND_TRIP + 2, ". 10001:11001(1000) ack 1");
    t.expect_nothing();
}

/// RFC 8985 §7: what a probe brings to light is mended without a timeout.
#[test]
fn the_answer_to_a_probe_tells_what_was_lost() {
    let mut t = Script::new();
    in_flight(&mut t, 10, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 7001 win 65535");
    t.expect_after(2 * ROUND_TRIP + 2, "P. 9001:10001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 7001 win 65535 <nop,nop,sack 9001:10001>");
    t.expect(". 7001:8001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 8001 win 65535 <nop,nop,sack 9001:10001>");
    t.expect(". 8001:9001(1000) ack 1");
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.run(10_000);
    t.expect_nothing();
    assert_eq!((counters(&t).tcp_ext.tcp_sack_recovery, counters(&t).tcp_ext.tcp_timeouts), (1, 0));
}

/// RFC 8985 §7.4.2: a probe that was acknowledged once mended a loss; congestion control hears of it.
#[test]
fn a_probe_that_mends_a_loss_is_a_loss() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 10, "");
    t.expect_after(2 * ROUND_TRIP + 2, "P. 9001:10001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.write(socket, 10_000, 1000);
    t.expect("P. 10001:11001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 11001 win 65535");
    assert_eq!(counters(&t).tcp_ext.tcp_loss_probe_recovery, 1);
}

/// RFC 8985 §7.4.1: a probe that was answered twice was needless.
#[test]
fn a_probe_whose_original_arrived_too_is_no_loss() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 10, "");
    t.expect_after(2 * ROUND_TRIP + 2, "P. 9001:10001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.inject(". 1:1(0) ack 10001 win 65535 <nop,nop,sack 9001:10001>");
    t.write(socket, 10_000, 1000);
    t.expect("P. 10001:11001(1000) ack 1");
    t.inject(". 1:1(0) ack 11001 win 65535");
    assert_eq!((counters(&t).tcp_ext.tcp_loss_probe_recovery, counters(&t).tcp_ext.tcp_dsack_recv), (0, 1));
}

/// RFC 8985 §6.2, §6.3: fewer than three segments SACKed: what is missing is given a quarter of a round trip to come.
#[test]
fn what_is_missing_may_come_a_quarter_of_a_round_trip_later() {
    let mut t = Script::new();
    in_flight(&mut t, 10, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    t.expect_after(ROUND_TRIP / 4 + 2, ". 1:1001(1000) ack 1");
    t.expect_nothing();

    let mut t = Script::new();
    in_flight(&mut t, 10, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    t.run(8);
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.run(1000);
    t.expect_nothing();
    assert_eq!((counters(&t).tcp.retrans_segs, counters(&t).tcp_ext.tcp_sack_reorder), (0, 1));
}

/// RFC 8985 §6.2 step 4: on a path that reorders three segments out of order are no sign of a loss.
#[test]
fn where_there_was_reordering_three_segments_are_not_enough() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 4, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>");
    t.run(1);
    t.inject(". 1:1(0) ack 4001 win 65535");
    t.write(socket, 4000, 6000);
    std::iter::from_fn(|| t.next()).for_each(drop);
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 4001 win 65535 <nop,nop,sack 5001:10001>");
    t.expect_after(ROUND_TRIP / 4 + 2, ". 4001:5001(1000) ack 1");
}

/// RFC 8985 §6.2: a retransmission that is lost is sent again without a timeout.
#[test]
fn a_lost_retransmission_is_sent_again() {
    let mut t = Script::new();
    in_flight(&mut t, 20, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:5001>");
    t.expect(". 1:1001(1000) ack 1");
    std::iter::from_fn(|| t.next()).for_each(drop);
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:10001>");
    t.run(2);
    assert!(std::iter::from_fn(|| t.next()).all(|segment| segment.seq > 10_000), "nothing tells of a loss yet");
    // What was sent after the retransmission arrives, and the retransmission does not.
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:12001>");
    t.run(12);
    assert!(std::iter::from_fn(|| t.next()).any(|segment| segment.seq == 1));
    assert_eq!((counters(&t).tcp_ext.tcp_lost_retransmit, counters(&t).tcp_ext.tcp_timeouts), (1, 0));
}

fn window(t: &Script, socket: SocketId) -> u32 {
    t.stack.tcp_info(socket).expect("a connection").snd_cwnd
}

/// RFC 3708 §2: everything that was sent again is reported as a duplicate: the window is as before.
#[test]
fn a_needless_recovery_is_taken_back_by_dsack() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 10, "");
    t.run(ROUND_TRIP);
    let before = window(&t, socket);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:4001>");
    t.expect(". 1:1001(1000) ack 1");
    t.run(5);
    t.inject(". 1:1(0) ack 10001 win 65535");
    assert!(window(&t, socket) < before);
    t.inject(". 1:1(0) ack 10001 win 65535 <nop,nop,sack 1:1001>");
    assert!(window(&t, socket) >= before);
    assert_eq!(counters(&t).tcp_ext.tcp_dsack_undo, 1);
}

/// RFC 4015 §3.3: an acknowledgement that echoes a time from before the retransmission was for the original.
#[test]
fn a_needless_recovery_is_taken_back_by_timestamps() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let socket = in_flight_with_timestamps(&mut t);
    let (before, sent) = (window(&t, socket), t.last_ts);
    t.run(ROUND_TRIP);
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <nop,nop,TS val 3 ecr {sent},nop,nop,sack 989:3953>"));
    assert!(t.next().is_some_and(|segment| segment.seq == 1));
    t.run(5);
    t.inject(&format!(". 1:1(0) ack 9881 win 65535 <nop,nop,TS val 4 ecr {sent}>"));
    assert!(window(&t, socket) >= before);
    assert_eq!(counters(&t).tcp_ext.tcp_full_undo, 1);
}

/// Ten segments of 988 bytes.
fn in_flight_with_timestamps(t: &mut Script) -> SocketId {
    let socket = t.connect();
    assert!(t.next().is_some_and(|segment| segment.flags.contains('S')));
    let syn = t.last_ts;
    t.run(ROUND_TRIP);
    t.inject(&format!("S. 0:0(0) ack 1 win 65535 <mss 1000,sackOK,TS val 1 ecr {syn},nop,wscale 0>"));
    t.next();
    t.write(socket, 0, 9880);
    for _ in 0..10 {
        assert!(t.next().is_some_and(|segment| segment.len == 988));
    }
    t.expect_nothing();
    socket
}

/// RFC 7323 §5.3, RFC 2883 §4: after an outage in which only acknowledgements were lost, the answer to what is sent again echoes the time of
/// what came before the outage: that is no round trip.
#[test]
fn an_outage_is_no_round_trip() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let socket = in_flight_with_timestamps(&mut t);
    let before_the_outage = t.last_ts;
    t.run(5000);
    std::iter::from_fn(|| t.next()).for_each(drop);
    t.inject(&format!(". 1:1(0) ack 9881 win 65535 <nop,nop,TS val 9 ecr {before_the_outage},nop,nop,sack 1:989>"));
    let info = t.stack.tcp_info(socket).expect("a connection");
    assert!(info.rtt_us < 100_000 && info.rto_us < 400_000, "{} {}", info.rtt_us, info.rto_us);
}

/// RFC 5682 §3.1: after the timeout something arrives that was not sent again: it had only been late.
#[test]
fn a_timeout_that_came_too_early_is_taken_back() {
    let mut t = Script::with(|config| config.tcp.early_retrans = 0);
    let socket = in_flight(&mut t, 12, "");
    let before = window(&t, socket);
    t.expect_after(240, ". 1:1001(1000) ack 1");
    t.inject(". 1:1(0) ack 1001 win 65535");
    t.expect(". 10001:11001(1000) ack 1");
    t.expect("P. 11001:12001(1000) ack 1");
    t.inject(". 1:1(0) ack 2001 win 65535");
    assert!(window(&t, socket) >= before);
    assert_eq!(counters(&t).tcp_ext.tcp_spurious_rtos, 1);
    t.inject(". 1:1(0) ack 12001 win 65535");
    t.run(5000);
    t.expect_nothing();
}

/// RFC 6298 §5.4: what a timeout sent again stands before originals that were sent earlier when the timeout is taken back. Whatever RACK
/// makes of that order, the next timeout comes.
#[test]
fn a_timeout_that_was_taken_back_is_followed_by_others() {
    let mut t = Script::with(|config| config.tcp.early_retrans = 0);
    in_flight(&mut t, 10, "");
    t.expect_after(240, ". 1:1001(1000) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>");
    assert_eq!(counters(&t).tcp_ext.tcp_spurious_rtos, 1);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001,nop,nop,sack 9001:10001>");
    t.run(5_000);
    assert!(counters(&t).tcp_ext.tcp_timeouts >= 3, "{}", counters(&t).tcp_ext.tcp_timeouts);
}

/// RFC 5682 §2.1 step 2b, 3a: new data is sent to ask; a duplicate acknowledgement says that the loss was real.
#[test]
fn after_a_timeout_new_data_asks_whether_anything_was_lost() {
    let mut t = Script::with(|config| config.tcp.early_retrans = 0);
    in_flight(&mut t, 20, "");
    t.expect_after(240, ". 1:1001(1000) ack 1");
    t.inject(". 1:1(0) ack 1001 win 65535");
    t.expect(". 10001:11001(1000) ack 1");
    t.expect(". 11001:12001(1000) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1001 win 65535 <nop,nop,sack 10001:11001>");
    t.expect(". 1001:2001(1000) ack 1");
    assert_eq!(counters(&t).tcp_ext.tcp_spurious_rtos, 0);
}

/// RFC 6937 §3.1: seven tenths of what is delivered are sent, evenly, instead of a pause and a burst.
#[test]
fn in_recovery_sending_is_paced_by_what_is_delivered() {
    let mut t = Script::new();
    in_flight(&mut t, 40, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 10001 win 65535");
    assert_eq!(std::iter::from_fn(|| t.next()).count(), 20, "slow start");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 10001 win 65535 <nop,nop,sack 11001:14001>");
    t.expect(". 10001:11001(1000) ack 1");
    let mut sent = Vec::new();
    for n in 15..=22 {
        t.inject(&format!(". 1:1(0) ack 10001 win 65535 <nop,nop,sack 11001:{n}001>"));
        sent.push(std::iter::from_fn(|| t.next()).count());
    }
    assert!(sent.iter().all(|&count| count <= 1), "no burst: {sent:?}");
    // 0.7 of the eleven that arrived, without the one that was sent again, and those that went with the first acknowledgement.
    assert!((5..=7).contains(&sent.iter().sum::<usize>()), "{sent:?}");
}

/// RFC 8985 §7.4.2 case 2: the peer has SACK and no DSACK: its second acknowledgement says that probe and original arrived, also if nothing is in
/// flight any more when it comes.
#[test]
fn a_needless_probe_is_no_loss_where_duplicates_are_not_told() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 10, "");
    t.expect_after(2 * ROUND_TRIP + 2, "P. 9001:10001(1000) ack 1");
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 10001 win 65535");
    let before = t.stack.tcp_info(socket).unwrap().snd_cwnd;
    t.write(socket, 10_000, 1000);
    t.expect("P. 10001:11001(1000) ack 1");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 11001 win 65535");
    assert_eq!(counters(&t).tcp_ext.tcp_loss_probe_recovery, 0);
    assert!(t.stack.tcp_info(socket).unwrap().snd_cwnd >= before);
}

/// Who finds an acknowledgement waiting after the timeout is due hears it first.
#[test]
fn what_came_in_time_is_heard_before_the_timer() {
    for waits in [false, true] {
        let mut t = Script::new();
        in_flight(&mut t, 1, "");
        let late = t.stack.next_deadline() + Duration::from_millis(5);
        if waits {
            t.stack.set_clock(late);
            t.inject(". 1:1(0) ack 1001 win 65535");
        }
        t.stack.advance(late);
        assert_eq!(counters(&t).tcp_ext.tcp_loss_probes, u64::from(!waits));
    }
}

/// What Linux tells of reordering and of what was sent again: how far segments were late, how often, duplicates, bytes.
#[test]
fn reordering_and_duplicates_are_told() {
    let mut t = Script::new();
    let socket = in_flight(&mut t, 10, "");
    t.run(ROUND_TRIP);
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 9001:10001>");
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 3001:4001 9001:10001>");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.reordering, info.reord_seen), (7, 1));
    t.expect_after(ROUND_TRIP / 4 + 2, ". 1:1001(1000) ack 1");
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 4001 win 65535 <nop,nop,sack 1:1001>");
    let info = t.stack.tcp_info(socket).unwrap();
    assert!(info.bytes_retrans >= 1000 && info.bytes_sent == 10_000 + info.bytes_retrans && info.dsack_dups == 1, "{info:?}");
}

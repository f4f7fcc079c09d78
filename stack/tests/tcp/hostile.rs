//! Segments that no honest peer sends (RFC 5961, RFC 7323 §5.3, RFC 9293 §3.10.7.4).

use crate::script::Script;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_QUICKACK};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

/// RFC 7323 §5.3 R2, R3: only what passed the check of its sequence number sets the timestamp. Else who guesses two ports could end all
/// that follows with one segment from the past that claims to be from the future.
#[test]
fn a_timestamp_from_outside_the_window_is_not_remembered() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1000,sackOK,TS val 1000 ecr 0>");
    t.expect("S. 0:0(0) ack 1");
    let echo = t.last_ts;
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <nop,nop,TS val 1001 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.inject(&format!("P. 4000000000:4000000010(10) ack 1 win 65535 <nop,nop,TS val 900000000 ecr {echo}>"));
    while t.next().is_some() {}
    t.inject(&format!("P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 1002 ecr {echo}>"));
    assert_eq!(t.read(socket, 0), 10);
    // RFC 5961 §5.2: nor by one that acknowledges what was never sent.
    t.inject(&format!("P. 11:21(10) ack 90000 win 65535 <nop,nop,TS val 900000000 ecr {echo}>"));
    while t.next().is_some() {}
    t.inject(&format!("P. 11:21(10) ack 1 win 65535 <nop,nop,TS val 1003 ecr {echo}>"));
    assert_eq!(t.read(socket, 10), 10);
}

/// A FIN behind what is acknowledged is no FIN: the real one still counts.
#[test]
fn a_fin_in_the_past_does_not_hide_the_real_one() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    // What is acknowledged later is still within reach of old segments.
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &0i32.to_ne_bytes()).unwrap();
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect_nothing();
    assert_eq!(t.read(socket, 0), 100);
    t.inject("F. 1:51(50) ack 1 win 65535");
    while t.next().is_some() {}
    t.inject("F. 101:111(10) ack 1 win 65535");
    t.expect_after(40, ". 1:1(0) ack 112");
    assert_eq!(t.read(socket, 100), 10);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0), "the end");
}

/// A cumulative acknowledgement that jumps over what was SACKed long ago opens slow start by what is new, not by the jump (RFC 5681 §3.1).
#[test]
fn a_jump_over_sacked_data_does_not_open_the_window_at_once() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 40_000);
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:10001>");
    while t.next().is_some() {}
    // The retransmission is lost too, and so is what recovery sent behind it.
    t.run(300);
    while t.next().is_some() {}
    let before = t.stack.tcp_info(socket).unwrap();
    assert_eq!(before.snd_cwnd, 1);
    t.inject(". 1:1(0) ack 10001 win 65535");
    let after = t.stack.tcp_info(socket).unwrap();
    assert!(after.snd_cwnd <= 2, "one segment was new, and the window went from {} to {}", before.snd_cwnd, after.snd_cwnd);
}

/// RFC 2018 §8: a peer may throw away what it SACKed; we still have it, and send it again.
#[test]
fn a_peer_that_reneges_gets_everything_again() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 4_000);
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 2001:4001>");
    t.inject(". 1:1(0) ack 2001 win 65535");
    t.run(5_000);
    let mut una = 2001;
    for _ in 0..20 {
        while let Some(segment) = t.next() {
            if segment.seq == una && segment.len > 0 {
                una += segment.len as u32;
            }
        }
        t.inject(&format!(". 1:1(0) ack {una} win 65535"));
        t.run(1_000);
    }
    assert_eq!(una, 4001);
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// Bytes beyond the window are cut off, and a FIN behind them does not count (RFC 9293 §3.10.7.4).
#[test]
fn what_lies_beyond_the_window_is_cut_off() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let window = t.stack.tcp_info(socket).unwrap().rcv_wnd;
    let (start, len) = (window - 10, 100);
    t.inject(&format!("F. {start}:{}({len}) ack 1 win 65535", start + len));
    let ack = t.next().expect("an acknowledgement");
    let sack = ack.options.iter().flatten().find_map(|option| match option {
        crate::segment::Opt::Sack(blocks) => Some(blocks.clone()),
        _ => None,
    });
    assert_eq!(sack, Some(vec![(start, window + 1)]), "{}", ack.text());
}

/// RFC 7323 §5.5: after 24 idle days the old timestamp means nothing, for the peer's clock may have gone around.
#[test]
fn a_timestamp_from_before_a_long_silence_is_not_held_against_the_peer() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1000,sackOK,TS val 3000000000 ecr 0>");
    t.expect("S. 0:0(0) ack 1");
    let echo = t.last_ts;
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <nop,nop,TS val 3000000001 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.run(23 * 86_400_000);
    t.inject(&format!("P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 2900000000 ecr {echo}>"));
    assert_eq!(t.ready(socket), Ready::OUT, "too old by a day");
    t.run(2 * 86_400_000);
    t.inject(&format!("P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 2900000001 ecr {echo}>"));
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 5961 §5.2: an acknowledgement from before the largest window that ever was is not the peer's, nor is its data.
#[test]
fn an_acknowledgement_from_long_ago_is_challenged() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:11(10) ack 4294800000 win 65535");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.ready(socket), Ready::OUT);
    // One from within it is only late.
    t.inject("P. 1:11(10) ack 0 win 65535");
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 5961 §7: challenges are limited for the whole host.
#[test]
fn challenges_are_limited() {
    let mut t = Script::new();
    t.established(SYN);
    for _ in 0..5_000 {
        t.inject("S 1000:1000(0) win 1000");
    }
    let answers = std::iter::from_fn(|| t.next()).count();
    assert!((500..=1500).contains(&answers), "{answers}");
}

//! More than a listener can hold (RFC 4987), and segments that make no sense to it.

use crate::script::Script;
use loggia_stack::base::Ready;

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 4987 §3.6: a flood of SYNs holds no more memory than the backlog; who means it gets in by a cookie meanwhile.
#[test]
fn a_flood_of_syns_is_bounded_and_honest_peers_get_in() {
    let mut t = Script::new();
    let listener = t.listen(8);
    let before = t.stack.memory().0;
    for port in 10_000..14_000 {
        t.peer_port = port;
        t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    }
    assert!(t.stack.memory().0 - before <= 16 * 256, "{} bytes", t.stack.memory().0 - before);
    assert!(t.stack.counters().tcp_ext.syncookies_sent > 3_900);
    while t.next_packet().is_some() {}
    t.peer_port = 20_000;
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("P. 1:11(10) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    assert_eq!(t.read(socket, 0), 10);
    // All that was half-open ends by itself.
    t.run(200_000);
    while t.next_packet().is_some() {}
    t.stack.close(socket).unwrap();
    assert!(t.stack.memory().0 <= before + 1024);
}

/// Without cookies a full SYN queue drops, and the peer's next try finds room.
#[test]
fn without_cookies_a_full_queue_drops() {
    let mut t = Script::with(|config| config.tcp.syncookies = 0);
    t.listen(4);
    for port in 10_000..10_100 {
        t.peer_port = port;
        t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    }
    let answers = std::iter::from_fn(|| t.next_packet()).count();
    assert!((1..=5).contains(&answers), "{answers}");
    assert_eq!(t.stack.counters().tcp_ext.tcp_req_q_full_drop, 100 - answers as u64);
    t.run(200_000);
    while t.next_packet().is_some() {}
    t.peer_port = 20_000;
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
}

/// Flags that do not go together get no answer from a listener but the one that RFC 9293 §3.10.7.2 gives; as in Linux a SYN with FIN is
/// dropped.
#[test]
fn a_listener_is_not_impressed_by_odd_flags() {
    let mut t = Script::new();
    let listener = t.listen(5);
    for flags in ["F", "P", "U", "FPU", "SF", "SR", "R", "R."] {
        t.inject(&format!("{flags} 0:0(0) ack 0 win 65535"));
        t.expect_nothing();
    }
    assert_eq!(t.ready(listener), Ready::NONE);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
}

/// A segment size that is no size, and one that is next to none, harm nothing.
#[test]
fn an_absurd_segment_size_is_borne() {
    for (mss, timestamps) in [(0, false), (1, false), (1, true), (64, true), (65535, true)] {
        let mut t = Script::with(|config| config.tcp.timestamps = timestamps);
        let listener = t.listen(5);
        let stamp = |echo: u32| if timestamps { format!("nop,nop,TS val 5 ecr {echo}") } else { String::new() };
        t.inject(&format!("S 0:0(0) win 65535 <mss {mss},nop,nop,sackOK,{}>", stamp(0)));
        assert!(t.next().expect("an answer").flags.contains('S'));
        let echo = t.last_ts;
        t.inject(&format!(". 1:1(0) ack 1 win 65535 <{}>", stamp(echo)));
        let (socket, _) = t.stack.accept(listener).unwrap();
        // A gap, so that SACK takes room too.
        t.inject(&format!("P. 101:111(10) ack 1 win 65535 <{}>", stamp(echo)));
        while t.next().is_some() {}
        t.write(socket, 0, 2_000);
        let (mut acked, mut rounds) = (1, 0);
        while acked < 2_001 && rounds < 200 {
            while let Some(segment) = t.next() {
                assert!(segment.seq <= acked, "a gap at {acked}");
                acked = acked.max(segment.seq + segment.len as u32);
            }
            t.inject(&format!(". 1:1(0) ack {acked} win 65535 <{}>", stamp(echo)));
            rounds += 1;
        }
        assert_eq!(acked, 2_001, "mss {mss}");
    }
}

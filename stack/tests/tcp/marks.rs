//! Explicit congestion notification (RFC 3168).

use crate::script::{Script, packet_v6, pattern};
use crate::segment::Segment;

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

const STAMPED_SYN: &str = "mss 1000,sackOK,TS val 1000 ecr 0,nop,wscale 7";

/// The ECN bits of the next packet.
fn mark_of_next(t: &mut Script) -> u8 {
    t.next_packet().expect("a packet")[1] & 3
}

/// RFC 3168 §6.1.1: asked for in the SYN, granted in the SYN-ACK; §6.1.4: data may then be marked, acknowledgements not.
#[test]
fn both_ends_agree_on_marks() {
    let mut t = Script::with(|config| config.tcp.ecn = 1);
    let socket = t.connect();
    t.expect("SEW 0:0(0)");
    t.inject(&format!("SE. 0:0(0) ack 1 win 65535 <{SYN}>"));
    assert_eq!(mark_of_next(&mut t), 0, "an acknowledgement");
    t.write(socket, 0, 1000);
    assert_eq!(mark_of_next(&mut t), 2, "ECT(0)");
    t.run(1000);
    assert_eq!(mark_of_next(&mut t), 0, "what goes again");
}

/// By default it is granted and not asked for (`tcp_ecn` 2).
#[test]
fn who_asks_is_granted() {
    let mut t = Script::new();
    t.listen(1);
    t.inject(&format!("SEW 0:0(0) win 65535 <{SYN}>"));
    t.expect("SE. 0:0(0) ack 1");
    let mut t = Script::with(|config| config.tcp.ecn = 0);
    t.listen(1);
    t.inject(&format!("SEW 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
}

/// RFC 3168 §6.1.2: an echo reduces the window once for what was in flight, and the next new data says so. RFC 8511 §3: not as far as a
/// loss would.
#[test]
fn an_echo_reduces_the_window_once() {
    let mut t = Script::with(|config| config.tcp.ecn = 1);
    let socket = t.connect();
    t.expect("SEW 0:0(0)");
    t.inject(&format!("SE. 0:0(0) ack 1 win 65535 <{SYN}>"));
    while t.next().is_some() {}
    t.write(socket, 0, 20_000);
    while t.next().is_some() {}
    t.inject("E. 1:1(0) ack 1001 win 65535");
    t.inject("E. 1:1(0) ack 2001 win 65535");
    let reduced = t.stack.tcp_info(socket).unwrap().snd_cwnd;
    assert_eq!(reduced, 9, "eleven segments by 0.85, and once");
    t.inject(". 1:1(0) ack 6001 win 65535");
    assert_eq!(t.stack.tcp_info(socket).unwrap().delivered_ce, 2, "those that came with an echo");
    t.expect("W. 10001:11001(1000) ack 1");
}

/// RFC 3168 §6.1.3: a mark is echoed with all acknowledgements until the sender says that it has slowed down.
#[test]
fn a_mark_is_echoed_until_the_sender_answers() {
    let mut t = Script::new();
    t.listen(1);
    t.inject(&format!("SEW 0:0(0) win 65535 <{SYN}>"));
    t.expect("SE. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    t.inject_marked(3, "P. 1:1001(1000) ack 1 win 65535");
    t.expect("E. 1:1(0) ack 1001");
    t.inject("P. 1001:2001(1000) ack 1 win 65535");
    t.expect("E. 1:1(0) ack 2001");
    t.inject("PW. 2001:3001(1000) ack 1 win 65535");
    t.expect(". 1:1(0) ack 3001");
}

/// RFC 3168 §6.1.3: the same where the segment has timestamps and no other options, so that it is looked at once, where it lies.
#[test]
fn a_mark_on_a_segment_that_is_looked_at_once_is_echoed() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    t.listen(1);
    t.inject(&format!("SEW 0:0(0) win 65535 <{STAMPED_SYN}>"));
    t.expect("SE. 0:0(0) ack 1");
    let stamps = format!("<nop,nop,TS val 1001 ecr {}>", t.last_ts);
    t.inject(&format!(". 1:1(0) ack 1 win 65535 {stamps}"));
    t.inject_marked(2, &format!("P. 1:1001(1000) ack 1 win 65535 {stamps}"));
    t.expect(". 1:1(0) ack 1001");
    t.inject_marked(3, &format!("P. 1001:2001(1000) ack 1 win 65535 {stamps}"));
    t.expect("E. 1:1(0) ack 2001");
}

/// RFC 3168 §5: in IPv6 the two bits are the last of the traffic class.
#[test]
fn a_mark_is_echoed_over_ipv6_too() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    t.listen_v6();
    let marked = |codepoint: u8, isn: u32, text: &str| {
        let segment = Segment::parse(text);
        let mut packet = packet_v6(&[segment.header((4000, 80), 100, isn), pattern(0, segment.len)].concat());
        packet[1] = codepoint << 4;
        packet
    };
    t.inject_packet(&marked(0, 0, &format!("SEW 0:0(0) win 65535 <{STAMPED_SYN}>")));
    let answer = t.next_packet().expect("a SYN-ACK");
    let isn = u32::from_be_bytes(answer[44..48].try_into().unwrap());
    // Its timestamp stands behind the segment size and SACK.
    let stamps = format!("<nop,nop,TS val 1001 ecr {}>", u32::from_be_bytes(answer[68..72].try_into().unwrap()));
    t.inject_packet(&marked(0, isn, &format!(". 1:1(0) ack 1 win 65535 {stamps}")));
    for (codepoint, text) in [(2, "P. 1:1001(1000) ack 1 win 65535"), (3, "P. 1001:2001(1000) ack 1 win 65535")] {
        t.inject_packet(&marked(codepoint, isn, &format!("{text} {stamps}")));
        let answer = Segment::decode(&t.next_packet().expect("an acknowledgement")[40..], isn, 100);
        assert_eq!(answer.flags.contains('E'), codepoint == 3, "{}", answer.text());
    }
}

/// RFC 3168 §6.1.2: the segment that is to say that the window was reduced finds no room on the link: the one that does leave says it.
#[test]
fn a_full_link_does_not_swallow_what_was_to_be_said() {
    let mut t = Script::narrow(10_000, |config| config.tcp.ecn = 1);
    let socket = t.connect();
    t.expect("SEW 0:0(0)");
    t.inject(&format!("SE. 0:0(0) ack 1 win 65535 <{SYN}>"));
    while t.next().is_some() {}
    t.write(socket, 0, 30_000);
    // Ten segments fill the link; nobody takes them yet.
    t.inject("E. 1:1(0) ack 6001 win 65535");
    for seq in (1..10_001).step_by(1000) {
        let sent = t.next().expect("the first flight");
        assert_eq!((sent.seq, sent.flags.contains('W')), (seq, false));
    }
    t.expect("W. 10001:11001(1000) ack 1");
}

//! When what arrives is acknowledged, as Linux does it (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

use crate::script::Script;
use loggia_stack::base::Frame;
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_DEFER_ACCEPT};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

/// A connection whose application answers: acknowledgements wait for its data.
fn interactive(t: &mut Script) -> loggia_stack::SocketId {
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101");
    assert_eq!(t.read(socket, 0), 100);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 101");
    t.inject(". 101:101(0) ack 11 win 65535");
    socket
}

/// After the peer's FIN the application is likely to close: its FIN can carry the acknowledgement. Where no data ever came there is nothing
/// that the wait could be measured by.
#[test]
fn a_fin_waits_for_ours_in_a_conversation() {
    let mut t = Script::new();
    let socket = interactive(&mut t);
    t.inject("F. 101:101(0) ack 11 win 65535");
    t.expect_after(40, ". 11:11(0) ack 102");
    t.stack.close(socket).unwrap();
    t.expect("F. 11:11(0) ack 102");

    let mut t = Script::new();
    t.established(SYN);
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
}

/// Data that goes out long after data came in is no answer.
#[test]
fn a_late_answer_makes_no_conversation() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101");
    t.run(100);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 101");
    t.inject("P. 101:201(100) ack 11 win 65535");
    t.expect(". 11:11(0) ack 201");
}

/// Who has read a short message to its end, twice without an answer, will not answer it: the acknowledgement goes.
#[test]
fn reading_the_end_of_messages_acknowledges_them() {
    let mut t = Script::new();
    let socket = interactive(&mut t);
    t.inject("P. 101:201(100) ack 11 win 65535");
    t.inject("P. 201:301(100) ack 11 win 65535");
    t.expect_nothing();
    assert_eq!(t.read(socket, 100), 200);
    t.expect(". 11:11(0) ack 301");
}

/// RFC 7323 §3.2: a peer with timestamps drops a segment without one, so a RST has one too.
#[test]
fn a_reset_bears_timestamps() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let socket = t.established("mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 0");
    t.inject("P. 1:101(100) ack 1 win 65535 <nop,nop,TS val 200 ecr 0>");
    while t.next().is_some() {}
    t.stack.close(socket).unwrap();
    t.expect("R. 1:1(0) ack 101 <nop,nop,TS val any ecr 200>");
}

/// RFC 9293 §3.10.7.4: TIME-WAIT acknowledges a FIN that comes again, also a second one; answers to empty segments are limited.
#[test]
fn time_wait_acknowledges_what_is_more_than_an_acknowledgement() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.inject("F. 2:2(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.inject("F. 2:2(0) ack 2 win 65535");
    t.expect_nothing();
    t.inject(". 2:2(0) ack 2 win 65535");
    t.expect_nothing();
    t.run(500);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
}

/// `TCP_DEFER_ACCEPT`: an acknowledgement alone does not wake the application; data does, and so does the end of its patience.
#[test]
fn a_deferred_accept_waits_for_data() {
    let open = |t: &mut Script| {
        let listener = t.listen(5);
        t.stack.setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &3i32.to_ne_bytes()).unwrap();
        t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
        t.expect("S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
        t.inject(". 1:1(0) ack 1 win 65535");
        assert!(t.stack.accept(listener).is_err());
        listener
    };
    let mut t = Script::new();
    let listener = open(&mut t);
    t.inject("P. 1:5(4) ack 1 win 65535");
    t.expect(". 1:1(0) ack 5");
    assert!(t.stack.accept(listener).is_ok());

    let mut t = Script::new();
    let listener = open(&mut t);
    t.expect_after(3000, "S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
    t.inject(". 1:1(0) ack 1 win 65535");
    assert!(t.stack.accept(listener).is_ok(), "its patience is at an end");
}

/// RFC 9293 MUST-58: what arrived together is looked at before any of it is acknowledged. A gap is told at once (RFC 5681 §4.2).
#[test]
fn segments_that_came_together_have_one_acknowledgement() {
    let mut t = Script::new();
    interactive(&mut t);
    let data = |from: u32| format!(". {from}:{}(1000) ack 11 win 65535", from + 1000);
    t.inject_together(&[&data(101), &data(1101), &data(2101), &data(3101)]);
    t.expect(". 11:11(0) ack 4101");
    t.expect_nothing();
    t.inject(&data(4101));
    t.inject(&data(5101));
    t.expect(". 11:11(0) ack 6101");
    t.expect_nothing();
    t.inject_together(&[&data(6101), &data(8101), &data(9101)]);
    t.expect(". 11:11(0) ack 7101 <nop,nop,sack 8101:9101>");
    t.expect(". 11:11(0) ack 7101 <nop,nop,sack 8101:10101>");
    t.expect_nothing();
    // Whoever was reset meanwhile owes nothing more.
    let mut t = Script::new();
    interactive(&mut t);
    t.inject_together(&[&data(101), &data(1101), &data(2101), "R 3101:3101(0)"]);
    t.expect_nothing();
}

/// Two connections whose segments come by turns: each is one of those that acknowledge in the end, once.
#[test]
fn segments_of_two_connections_that_came_together_have_one_acknowledgement_each() {
    let mut t = Script::new();
    t.listen(5);
    let mut of_both = [4000, 4001].map(|port| {
        t.peer_port = port;
        t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
        t.expect("S. 0:0(0) ack 1");
        t.inject(". 1:1(0) ack 1 win 65535");
        // At the beginning each is acknowledged at once.
        let mut from = 1;
        let mut next = |t: &Script| {
            from += 1000;
            t.packet_of(&format!(". {}:{from}(1000) ack 1 win 65535", from - 1000))
        };
        loop {
            let packet = next(&t);
            t.inject_packet(&packet);
            if t.next_packet().is_none() {
                break;
            }
        }
        std::array::from_fn::<_, 4, _>(|_| Frame::from(&next(&t)[..])).into_iter()
    });
    let link = t.link();
    let [one, other] = &mut of_both;
    let by_turns = one.zip(other).flat_map(|(one, other)| [one, other]);
    t.stack.receive_many(link, by_turns.collect::<Vec<_>>());
    let ports = std::iter::from_fn(|| t.next_packet()).map(|packet| u16::from_be_bytes([packet[22], packet[23]]));
    // With the last segment nothing is left to wait for.
    assert_eq!(ports.collect::<Vec<_>>(), [4001, 4000]);
}

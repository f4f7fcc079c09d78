//! Receiving: acknowledgements, windows, what comes out of order, urgent data (RFC 9293 §3.8, RFC 2018, RFC 2883, RFC 7323).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_RCVBUF};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 SHLD-31, MAY-13, RFC 2018 §3, 4: what is here ahead of a gap is told at once, the latest first. RFC 5681 §4.2: filling the gap is told at once.
#[test]
fn segments_ahead_of_a_gap_are_kept_and_reported() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 101:201(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 1 <nop,nop,sack 101:201>");
    t.inject("P. 301:401(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 1 <nop,nop,sack 301:401 101:201>");
    assert_eq!(t.ready(socket), Ready::OUT, "nothing to read yet");
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 201 <nop,nop,sack 301:401>");
    assert_eq!(t.read(socket, 0), 200);
    t.inject("P. 201:301(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 401 <>");
    assert_eq!(t.read(socket, 200), 200);
}

/// RFC 2883 §4.1: what came twice is reported once as such.
#[test]
fn a_duplicate_is_answered_with_dsack() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101 <>");
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 101 <nop,nop,sack 1:101>");
    t.inject("P. 51:151(100) ack 1 win 65535");
    t.expect(". 1:1(0) ack 151 <nop,nop,sack 51:101>");
    assert_eq!(t.read(socket, 0), 150);
}

/// RFC 9293 SHLD-14, MUST-39: the window closes as the buffer fills, is never taken back, and opens again when that is worth telling.
#[test]
fn the_window_closes_and_opens_with_the_buffer() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.stack.setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &8192i32.to_ne_bytes()).unwrap();
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    let window = t.next().unwrap().win.unwrap();
    assert!((5840..=8192).contains(&window), "{window}");
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).unwrap();
    let (mut sent, mut edge) = (0u32, u32::from(window));
    while sent < edge {
        let len = 1000.min(edge - sent);
        t.inject(&format!("P. {}:{}({len}) ack 1 win 65535", 1 + sent, 1 + sent + len));
        sent += len;
        while let Some(ack) = t.next() {
            let new_edge = ack.ack.unwrap() - 1 + u32::from(ack.win.unwrap());
            assert!(new_edge >= edge, "the right edge moved back from {edge} to {new_edge}");
            edge = new_edge;
        }
        t.run(50);
        while let Some(ack) = t.next() {
            edge = edge.max(ack.ack.unwrap() - 1 + u32::from(ack.win.unwrap()));
        }
    }
    assert!(sent <= 8192, "{sent}");
    // RFC 9293 MUST-66: a probe beyond the closed window is answered.
    t.inject(&format!("P. {}:{}(1) ack 1 win 65535", 1 + sent, 2 + sent));
    t.expect(&format!(". 1:1(0) ack {} win 0", 1 + sent));
    assert_eq!(t.read(socket, 0) as u32, sent);
    let update = t.next().expect("a window update");
    assert!(update.win.unwrap() >= 4096, "{}", update.text());
}

/// RFC 9293 MUST-40, SHLD-18, SHLD-19: a lone segment's acknowledgement waits, but not for long; the second one's does not wait.
#[test]
fn acknowledgements_are_delayed_when_the_conversation_goes_back_and_forth() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    // Question and answer: from now on an acknowledgement waits for the answer to carry it.
    t.inject("P. 1:11(10) ack 1 win 65535");
    t.expect(". 1:1(0) ack 11");
    t.read(socket, 0);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 11");
    t.inject("P. 11:21(10) ack 11 win 65535");
    t.expect_after(40, ". 11:11(0) ack 21");
    t.inject(". 21:1481(1460) ack 11 win 65535");
    t.inject(". 1481:2941(1460) ack 11 win 65535");
    let last = std::iter::from_fn(|| t.next()).last().expect("an acknowledgement");
    assert_eq!(last.ack, Some(2941));
}

/// RFC 7323 §5.3 R1: an old timestamp marks an old duplicate. RFC 7323 §3.2: the timestamp is echoed.
#[test]
fn an_old_timestamp_is_refused() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val any ecr 1000>");
    let echo = t.last_ts;
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <nop,nop,TS val 1001 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.inject(&format!("P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 999 ecr {echo}>"));
    t.expect(". 1:1(0) ack 1 <nop,nop,TS val any ecr 1001>");
    assert_eq!(t.stack.counters().tcp_ext.paws_estab, 1);
    t.inject(&format!("P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 1002 ecr {echo}>"));
    t.expect(". 1:1(0) ack 11 <nop,nop,TS val any ecr 1002>");
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 9293 §3.8.5, RFC 6093: one urgent byte, out of band; reading stops at the mark and goes on behind it.
#[test]
fn urgent_data_is_kept_out_of_band() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    // RFC 9293 MUST-62: the pointer names the byte after the urgent one: here the byte with sequence number 5.
    t.inject("PU. 1:11(10) ack 1 win 65535 urg 5");
    assert!(t.ready(socket).contains(Ready::PRI));
    let mut room = [0; 20];
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::OOB), Ok(1));
    assert_eq!(room[0], 4);
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::OOB), Err(Errno::EINVAL), "read once");
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::NONE), Ok(4), "up to the mark");
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::NONE), Ok(5), "behind it");
    assert_eq!(room[..5], [5, 6, 7, 8, 9]);
}

/// RFC 9293 §3.8.5: what is sent with `MSG_OOB` carries the pointer behind its last byte.
#[test]
fn urgent_data_is_announced_to_the_peer() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    assert_eq!(t.stack.send(socket, b"abc", MsgFlags::OOB), Ok(3));
    t.expect("PU. 1:4(3) ack 1 urg 3");
    t.inject(". 1:1(0) ack 4 win 65535");
    t.write(socket, 3, 2);
    t.expect("P. 4:6(2) ack 1");
}

//! Resets, challenges and errors (RFC 9293 §3.5.2, RFC 5961).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 §3.10.7.1: a segment for nobody is reset, with numbers the sender takes for good; a reset is not answered.
#[test]
fn a_segment_for_nobody_is_reset() {
    let mut t = Script::new();
    t.inject(". 5:5(0) ack 9 win 1000");
    t.expect("R 9:9(0)");
    t.inject("S 0:0(0) win 1000");
    let reset = t.next().unwrap();
    assert_eq!((reset.flags.as_str(), reset.ack), ("R.", Some(1)));
    t.inject("R 5:5(0) win 0");
    t.expect_nothing();
}

/// RFC 5961 §3.2: only a reset at exactly the next sequence number resets; one elsewhere in the window is challenged.
#[test]
fn a_reset_must_hit_the_exact_number() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("R 100:100(0) win 0");
    t.expect(". 1:1(0) ack 1");
    t.inject("R 70000:70000(0) win 0");
    t.expect_nothing();
    assert_eq!(t.ready(socket), Ready::OUT);
    t.inject("R 1:1(0) win 0");
    t.expect_nothing();
    assert_eq!(t.ready(socket), Ready::IN | Ready::OUT | Ready::ERR | Ready::HUP | Ready::RDHUP);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ECONNRESET));
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0), "told once; then the end");
    assert_eq!(t.stack.send(socket, b"x", MsgFlags::NONE), Err(Errno::EPIPE));
}

/// RFC 5961 §4.2: a SYN within a connection is challenged.
#[test]
fn a_syn_within_a_connection_is_challenged() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("S 1:1(0) win 1000");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 MAY-12, RFC 5961 §5.2: an acknowledgement of what was never sent is challenged, and its data is not taken.
#[test]
fn an_acknowledgement_of_the_future_is_challenged() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("P. 1:11(10) ack 500 win 1000");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 MUST-56, SHLD-25: an unreachable host is a hint while a connection is open, and an end while it opens.
#[test]
fn icmp_errors_are_hints_or_ends() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject_icmp(3, 3, 0, "S 0:0(0)");
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::ERR);

    // As in Linux, also by an error that would be a hint later.
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject_icmp(3, 1, 0, "S 0:0(0)");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::EHOSTUNREACH));

    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 1");
    t.inject_icmp(3, 1, 0, "P. 1:1(0) ack 1");
    assert_eq!(t.ready(socket) & Ready::ERR, Ready::NONE);
    t.inject(". 1:1(0) ack 11 win 65535");
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 SHLD-6, RFC 1191 §6.4: "fragmentation needed" makes segments smaller and sends again what was too big; RFC 5927 §4: only if it quotes
/// what is in flight.
#[test]
fn a_smaller_path_is_learnt() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1460);
    t.expect("P. 1:1461(1460) ack 1");
    t.inject_icmp(3, 4, 1000, "P. 90000:91460(1460) ack 1");
    t.expect_nothing();
    t.inject_icmp(3, 4, 1000, "P. 1:1461(1460) ack 1");
    t.expect(". 1:961(960) ack 1");
    t.expect("P. 961:1461(500) ack 1");
}

/// As in Linux who opens, or is called, announces no more than is known to pass on the path.
#[test]
fn what_was_learnt_of_a_path_is_announced() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1460);
    t.expect("P. 1:1461(1460) ack 1");
    t.inject_icmp(3, 4, 1000, "P. 1:1461(1460) ack 1");
    while t.next().is_some() {}
    t.peer_port += 1;
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 960>");
    t.connect();
    t.expect("S 0:0(0) <mss 960,nop,nop,sackOK,nop,wscale 7>");
}

/// What others were told of a path meanwhile bounds also what was opened before, from its first segment on, many of them in one frame.
#[test]
fn what_others_learn_of_a_path_counts_for_the_next_segment() {
    for half_open in [true, false] {
        let mut t = Script::new();
        let listener = t.listen(5);
        let opens = format!("S 0:0(0) win 65535 <{SYN}>");
        let open = |t: &mut Script, port_up| {
            t.peer_port += port_up;
            t.inject(&opens);
        };
        let establish = |t: &mut Script| {
            t.inject(". 1:1(0) ack 1 win 65535");
            t.stack.accept(listener).unwrap().0
        };
        // The other connection is the one whose numbers the script counts from when the error comes: its SYN-ACK is looked at last.
        let mut early = None;
        if !half_open {
            open(&mut t, 1);
            t.expect("S. 0:0(0) ack 1");
            early = Some(establish(&mut t));
            t.peer_port -= 1;
        }
        open(&mut t, 0);
        t.expect("S. 0:0(0) ack 1");
        let other = establish(&mut t);
        t.write(other, 0, 1460);
        t.expect("P. 1:1461(1460) ack 1");
        if half_open {
            open(&mut t, 1);
            t.peer_port -= 1;
        }
        t.inject_icmp(3, 4, 1000, "P. 1:1461(1460) ack 1");
        while t.next().is_some() {}
        t.peer_port += 1;
        let socket = early.unwrap_or_else(|| establish(&mut t));
        t.write(socket, 0, 5000);
        let sizes: Vec<usize> = std::iter::from_fn(|| t.next()).map(|segment| segment.len).collect();
        assert_eq!((sizes.iter().sum(), sizes.iter().max()), (5000, Some(&960)), "half open: {half_open}, {sizes:?}");
    }
}

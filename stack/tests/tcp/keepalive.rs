//! Keepalive (RFC 9293 §3.8.4).

use crate::script::Script;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_KEEPALIVE};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_USER_TIMEOUT};
use loggia_stack::{Errno, SocketId};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";
const HOUR: u64 = 3_600_000;

fn switch(t: &mut Script, socket: SocketId, on: i32) {
    t.stack.setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on.to_ne_bytes()).unwrap();
}

/// RFC 9293 MUST-25: nobody probes who was not asked to.
#[test]
fn an_idle_connection_says_nothing_by_default() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.run(48 * HOUR);
    t.expect_nothing();
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 MUST-24: on and off by connection; RFC 9293 MUST-28: two hours by default. RFC 9293 SHLD-12: no data; the number before
/// the window makes the peer answer.
#[test]
fn the_first_probe_comes_after_two_idle_hours() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    switch(&mut t, socket, 1);
    t.expect_after(2 * HOUR, ". 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    t.expect_after(2 * HOUR, ". 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    switch(&mut t, socket, 0);
    t.run(10 * HOUR);
    t.expect_nothing();
}

/// RFC 9293 MUST-26: what arrives puts the probe off, and while something is outstanding retransmission does the asking.
#[test]
fn only_an_idle_connection_is_probed() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    switch(&mut t, socket, 1);
    t.run(HOUR);
    t.inject("P. 1:11(10) ack 1 win 65535");
    t.expect(". 1:1(0) ack 11");
    t.expect_after(2 * HOUR, ". 0:0(0) ack 11");
    t.inject(". 11:11(0) ack 1 win 65535");
    t.run(2 * HOUR - 100);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 11");
    t.run(1000);
    while let Some(segment) = t.next() {
        assert_eq!((segment.seq, segment.len), (1, 10), "{}", segment.text());
    }
}

/// RFC 9293 MUST-27: the interval can be set. RFC 9293 MUST-29: one unanswered probe means nothing; all of them together do.
#[test]
fn a_peer_that_answers_no_probe_at_all_is_dead() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    for (option, value) in [(TCP_KEEPIDLE, 10), (TCP_KEEPINTVL, 3), (TCP_KEEPCNT, 4)] {
        t.stack.setsockopt(socket, IPPROTO_TCP, option, &i32::to_ne_bytes(value)).unwrap();
    }
    switch(&mut t, socket, 1);
    t.expect_after(10_000, ". 0:0(0) ack 1");
    t.expect_after(3_000, ". 0:0(0) ack 1");
    // The second is answered.
    t.inject(". 1:1(0) ack 1 win 65535");
    t.run(8_000);
    for wait in [2_000, 3_000, 3_000, 3_000] {
        t.expect_nothing();
        t.run(wait);
        t.expect(". 0:0(0) ack 1");
        assert_eq!(t.ready(socket), Ready::OUT);
    }
    t.run(3_001);
    t.expect("R. 1:1(0) ack 1");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ETIMEDOUT));
}

/// With `TCP_USER_TIMEOUT` the time decides, not the number of probes (Linux): there may be many.
#[test]
fn a_patient_program_probes_more_than_255_times() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    for (option, value) in [(TCP_KEEPIDLE, 1), (TCP_KEEPINTVL, 1), (TCP_USER_TIMEOUT, 400_000)] {
        t.stack.setsockopt(socket, IPPROTO_TCP, option, &i32::to_ne_bytes(value)).unwrap();
    }
    switch(&mut t, socket, 1);
    for _ in 0..390 {
        t.run(1_000);
        assert!(t.next().is_some_and(|segment| segment.len == 0 && segment.seq == 0));
    }
    assert_eq!(t.ready(socket), Ready::OUT);
    t.run(20_000);
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Err(Errno::ETIMEDOUT));
}

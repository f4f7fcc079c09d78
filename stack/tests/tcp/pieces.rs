//! What writes make of the stream: where it may be cut, where it is pushed, and when no more is taken.

use crate::script::{Script, pattern};
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_CORK, TCP_NODELAY, TCP_NOTSENT_LOWAT};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

/// `MSG_EOR`: what is written afterwards does not come into the same segment, and what it ended does not wait.
#[test]
fn a_record_ends_its_segment() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let send = |t: &mut Script, offset: usize, flags| t.stack.send(socket, &pattern(offset, 400), flags).unwrap();
    send(&mut t, 0, MsgFlags::NONE);
    t.expect("P. 1:401(400) ack 1");
    send(&mut t, 400, MsgFlags::EOR);
    send(&mut t, 800, MsgFlags::EOR);
    send(&mut t, 1200, MsgFlags::NONE);
    t.expect("P. 401:801(400) ack 1");
    t.expect("P. 801:1201(400) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1201 win 65535");
    t.expect("P. 1201:1601(400) ack 1");
}

/// RFC 9293 MUST-60: the end of a write is pushed; what is announced to go on is not. A lost segment goes again as it was.
#[test]
fn the_end_of_a_write_is_pushed_and_stays_so() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1500);
    t.expect(". 1:1001(1000) ack 1");
    t.expect("P. 1001:1501(500) ack 1");
    t.inject(". 1:1(0) ack 1501 win 65535");
    t.stack.send(socket, &pattern(1500, 1000), MsgFlags::MORE).unwrap();
    t.expect(". 1501:2501(1000) ack 1");
    t.write(socket, 2500, 1000);
    t.expect("P. 2501:3501(1000) ack 1");
    t.inject(". 1:1(0) ack 2501 win 65535");
    t.run(1000);
    t.expect("P. 2501:3501(1000) ack 1");
}

/// `TCP_NODELAY` sends at once what a cork holds, although the cork stays (Linux).
#[test]
fn nodelay_pulls_the_cork_once() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let set = |t: &mut Script, name| t.stack.setsockopt(socket, IPPROTO_TCP, name, &1i32.to_ne_bytes()).unwrap();
    set(&mut t, TCP_CORK);
    t.write(socket, 0, 40);
    t.expect_nothing();
    set(&mut t, TCP_NODELAY);
    t.expect("P. 1:41(40) ack 1");
    t.write(socket, 40, 40);
    t.expect_nothing();
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &0i32.to_ne_bytes()).unwrap();
    t.expect_nothing();
}

/// `TCP_NOTSENT_LOWAT`: a write takes no new piece while so much is unsent, and `poll` waits until half of it is left.
#[test]
fn little_is_queued_that_cannot_be_sent() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &4000i32.to_ne_bytes()).unwrap();
    let taken = t.stack.send(socket, &pattern(0, 100_000), MsgFlags::NONE).unwrap();
    assert_eq!(taken, 10_000 + 32_000, "a window that is sent and a piece of half of the peer's window");
    assert!(!t.ready(socket).contains(Ready::OUT));
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 10001 win 65535");
    t.inject(". 1:1(0) ack 30001 win 65535");
    while t.next().is_some() {}
    assert!(t.ready(socket).contains(Ready::OUT), "nothing is unsent");
}

/// The ends of the frames that left, which the cutting shows: each ends with a push.
fn ends_of_frames(t: &mut Script) -> Vec<u32> {
    let segments = std::iter::from_fn(|| t.next());
    segments.filter(|segment| segment.flags.contains('P')).map(|segment| segment.seq + segment.len as u32).collect()
}

/// A frame carries at most half of the congestion window, and on a slow path (10 segments in 100 ms) two segments.
#[test]
fn frames_are_as_large_as_the_path_is_fast() {
    let mut t = Script::new();
    let near = t.established(SYN);
    t.write(near, 0, 10_000);
    assert_eq!(ends_of_frames(&mut t), [5001, 10_001]);

    let mut t = Script::new();
    let listener = t.listen(1);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.run(100);
    t.inject(". 1:1(0) ack 1 win 65535");
    let (far, _) = t.stack.accept(listener).unwrap();
    t.write(far, 0, 5000);
    assert_eq!(ends_of_frames(&mut t), [2001, 4001, 5001]);
}

/// A FIN that goes again without data bears no PSH; what a timer forces out of a cork does.
#[test]
fn a_lone_fin_is_not_pushed_and_what_waited_too_long_is() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.send(socket, &pattern(0, 40), MsgFlags::MORE).unwrap();
    t.expect_after(200, "P. 1:41(40) ack 1");
    t.inject(". 1:1(0) ack 41 win 65535");
    t.write(socket, 40, 10);
    t.expect("P. 41:51(10) ack 1");
    t.stack.shutdown(socket, loggia_stack::socket::numbers::SHUT_WR).unwrap();
    t.expect("F. 51:51(0) ack 1");
    t.inject(". 1:1(0) ack 51 win 65535");
    t.run(1000);
    t.expect("F. 51:51(0) ack 1");
}

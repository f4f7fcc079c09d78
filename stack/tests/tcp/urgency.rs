//! Urgent data (RFC 9293 §3.8.5, RFC 6093).

use crate::script::{Script, pattern};
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::SIOCATMARK;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_OOBINLINE, SO_RCVBUF};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 MUST-32: the application learns that urgent data is on its way before it is here: the out-of-band read says "not yet"
/// instead of "none". RFC 9293 MUST-33: and whether the reader stands before the mark or at it.
#[test]
fn an_urgent_pointer_is_told_before_its_data() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut byte = [0];
    assert_eq!(t.stack.recv(socket, &mut byte, MsgFlags::OOB), Err(Errno::EINVAL), "there is none");
    t.inject("U. 1:11(10) ack 1 win 65535 urg 21");
    assert_eq!(t.stack.recv(socket, &mut byte, MsgFlags::OOB), Err(Errno::EAGAIN), "it is not here yet");
    assert_eq!(t.stack.query(socket, SIOCATMARK), Ok(0));
    assert!(!t.ready(socket).contains(Ready::PRI));
    t.inject("P. 11:31(20) ack 1 win 65535");
    assert!(t.ready(socket).contains(Ready::PRI));
    let mut room = [0; 100];
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::NONE), Ok(20), "up to the mark");
    assert_eq!(t.stack.query(socket, SIOCATMARK), Ok(1));
    assert_eq!(t.stack.recv(socket, &mut byte, MsgFlags::OOB), Ok(1));
    assert_eq!(byte[0], pattern(20, 1)[0]);
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::NONE), Ok(9), "behind it");
    assert_eq!(t.stack.query(socket, SIOCATMARK), Ok(0));
}

/// RFC 9293 MUST-30, MUST-31: urgent data may be longer than a segment; in line it is all part of the stream, up to the mark.
#[test]
fn urgent_data_may_be_long() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.setsockopt(socket, SOL_SOCKET, SO_OOBINLINE, &1i32.to_ne_bytes()).unwrap();
    t.inject("U. 1:1461(1460) ack 1 win 65535 urg 4000");
    t.inject("U. 1461:2921(1460) ack 1 win 65535 urg 2540");
    t.inject("PU. 2921:5001(2080) ack 1 win 65535 urg 1080");
    assert_eq!(t.read(socket, 0), 3999, "everything before the last urgent byte");
    assert_eq!(t.stack.query(socket, SIOCATMARK), Ok(1));
    assert_eq!(t.read(socket, 3999), 1001, "and from it on");
}

/// RFC 9293 MUST-31, MUST-62: what is sent urgently may be long too: every segment points behind its last byte.
#[test]
fn every_segment_of_a_long_urgent_write_points_to_its_end() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    assert_eq!(t.stack.send(socket, &pattern(0, 4000), MsgFlags::OOB), Ok(4000));
    t.expect("U. 1:1461(1460) ack 1 urg 4000");
    t.expect("U. 1461:2921(1460) ack 1 urg 2540");
    t.expect("PU. 2921:4001(1080) ack 1 urg 1080");
}

/// RFC 9293 MUST-66: with a closed window the urgent pointer still counts, and so does a reset.
#[test]
fn a_closed_window_lets_urgent_pointers_and_resets_through() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.stack.setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &4096i32.to_ne_bytes()).unwrap();
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    let mut edge = 1 + u32::from(t.next().unwrap().win.unwrap());
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).unwrap();
    let mut sent = 1;
    while sent < edge {
        let len = 1000.min(edge - sent);
        t.inject(&format!("P. {sent}:{}({len}) ack 1 win 65535", sent + len));
        sent += len;
        t.run(50);
        while let Some(ack) = t.next() {
            edge = edge.max(ack.ack.unwrap() + u32::from(ack.win.unwrap()));
        }
    }
    assert_eq!(t.stack.recv(socket, &mut [0], MsgFlags::OOB), Err(Errno::EINVAL));
    t.inject(&format!("U. {sent}:{}(1) ack 1 win 65535 urg 100", sent + 1));
    t.expect(&format!(". 1:1(0) ack {sent} win 0"));
    assert_eq!(t.stack.recv(socket, &mut [0], MsgFlags::OOB), Err(Errno::EAGAIN), "announced");
    t.inject(&format!("R {sent}:{sent}(0) win 0"));
    assert!(t.ready(socket).contains(Ready::ERR | Ready::HUP));
}

//! Sending: windows, Nagle, cork, probes (RFC 9293 §3.8).

use crate::script::{Script, pattern};
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready, SocketId};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket;
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_CORK, TCP_NODELAY};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 SHLD-7, RFC 9293 MUST-17: small segments wait while one is in flight, unless the application says otherwise.
#[test]
fn nagle_holds_small_writes_while_one_is_in_flight() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 1");
    t.write(socket, 10, 10);
    t.write(socket, 20, 10);
    t.expect_nothing();
    t.inject(". 1:1(0) ack 11 win 65535");
    t.expect("P. 11:31(20) ack 1");
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &1i32.to_ne_bytes()).unwrap();
    t.write(socket, 30, 10);
    t.expect("P. 31:41(10) ack 1");
}

/// A connection whose second write of ten bytes Nagle's rule held back, and whose output is held since before the acknowledgement that sets it free came.
fn freed_while_held() -> (Script, SocketId) {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 1");
    t.write(socket, 10, 10);
    t.stack.hold_output(true);
    t.inject(". 1:1(0) ack 11 win 65535");
    (t, socket)
}

/// The acknowledgement that sets free what Nagle's rule held back comes before more is written, and what was held back goes with that.
#[test]
fn output_that_is_held_goes_with_what_is_written_meanwhile() {
    let (mut t, socket) = freed_while_held();
    t.expect_nothing();
    t.stack.hold_output(false);
    t.write(socket, 20, 1450);
    t.expect("P. 11:1471(1460) ack 1");
    t.stack.release_output();
    t.expect_nothing();
    // Nobody writes: it goes by itself, and nothing waits any longer.
    t.inject(". 1:1(0) ack 1471 win 65535");
    t.write(socket, 1470, 10);
    t.expect("P. 1471:1481(10) ack 1");
    t.write(socket, 1480, 10);
    t.stack.hold_output(true);
    t.inject(". 1:1(0) ack 1481 win 65535");
    t.expect_nothing();
    t.stack.release_output();
    t.expect("P. 1481:1491(10) ack 1");
    // What is acknowledged at once takes it along.
    t.write(socket, 1490, 10);
    t.stack.hold_output(true);
    t.inject("P. 1:11(10) ack 1491 win 65535");
    t.expect("P. 1491:1501(10) ack 11");
    t.stack.release_output();
    t.expect_nothing();
}

/// RFC 5681 §3.2: a peer without SACK finds what is lost by counting; three that come in one look are answered three times.
#[test]
fn duplicate_acknowledgements_do_not_wait() {
    let mut t = Script::new();
    t.established("mss 1460");
    t.stack.hold_output(true);
    for seq in [101, 201, 301] {
        t.inject(&format!("P. {seq}:{}(100) ack 1 win 65535", seq + 100));
        t.expect(". 1:1(0) ack 1");
    }
    t.stack.release_output();
    t.expect_nothing();
}

/// A connection that nobody has any more goes when it has answered the peer's FIN: nobody would be there to answer it later.
#[test]
fn the_answer_to_the_last_fin_does_not_wait() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.stack.hold_output(true);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    t.stack.release_output();
    t.expect_nothing();
}

/// Nor has one anything to say that was reset while it waited, or is closed, or opened anew, by what is done meanwhile.
#[test]
fn what_is_over_says_nothing_of_what_it_held() {
    for call in [|_: &mut Script, _| (), |t: &mut Script, socket| t.stack.close(socket).unwrap()] {
        let (mut t, socket) = freed_while_held();
        t.inject("R. 1:1(0) ack 11 win 65535");
        t.stack.hold_output(false);
        call(&mut t, socket);
        t.stack.release_output();
        t.expect_nothing();
        t.run(300_000);
        t.expect_nothing();
    }
    // Its place is another's, which hears nothing of it.
    let (mut t, socket) = freed_while_held();
    t.inject("R. 1:1(0) ack 11 win 65535");
    t.stack.hold_output(false);
    t.stack.connect(socket, &Address::Unspecified).unwrap();
    assert_eq!(t.stack.connect(socket, &"10.0.0.2:9".parse().unwrap()), Err(Errno::EINPROGRESS));
    let syn = t.next().expect("a SYN");
    assert_eq!(syn.flags, "S");
    t.stack.release_output();
    t.expect_nothing();
}

/// `TCP_CORK` holds a partial segment until it is pulled; full ones go.
#[test]
fn a_cork_holds_the_partial_segment() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_CORK, &1i32.to_ne_bytes()).unwrap();
    t.write(socket, 0, 1500);
    t.expect(". 1:1461(1460) ack 1");
    t.expect_nothing();
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_CORK, &0i32.to_ne_bytes()).unwrap();
    t.expect("P. 1461:1501(40) ack 1");
}

/// `MSG_MORE` is a cork for one call.
#[test]
fn msg_more_joins_two_writes_into_one_segment() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.send(socket, &pattern(0, 10), MsgFlags::MORE).unwrap();
    t.expect_nothing();
    t.write(socket, 10, 10);
    t.expect("P. 1:21(20) ack 1");
}

/// RFC 9293 §3.8.6: never beyond the peer's window. RFC 9293 MUST-35, MUST-36, MUST-37: a closed window is probed, at growing intervals,
/// as long as the probes are answered.
#[test]
fn a_closed_window_is_probed_until_it_opens() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 3000);
    t.expect(". 1:1461(1460) ack 1");
    t.expect(". 1461:2921(1460) ack 1");
    t.expect("P. 2921:3001(80) ack 1");
    t.inject(". 1:1(0) ack 3001 win 0");
    t.write(socket, 3000, 100);
    t.expect_nothing();
    for wait in [200, 400, 800] {
        t.expect_after(wait, ". 3000:3000(0) ack 1");
        t.inject(". 1:1(0) ack 3001 win 0");
    }
    t.inject(". 1:1(0) ack 3001 win 1000");
    t.expect("P. 3001:3101(100) ack 1");
}

/// RFC 9293 MUST-38, §3.8.6.2.1: a sliver of window is not worth a segment.
#[test]
fn a_sliver_of_window_is_not_used() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1460);
    t.expect("P. 1:1461(1460) ack 1");
    t.inject(". 1:1(0) ack 1461 win 100");
    t.write(socket, 1460, 1460);
    t.expect_nothing();
    t.inject(". 1:1(0) ack 1461 win 2000");
    t.expect("P. 1461:2921(1460) ack 1");
}

/// RFC 6928: the initial window is ten segments.
#[test]
fn the_initial_window_is_ten_segments() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 20 * 1460);
    // In two frames of half a window each, which end with a push.
    for n in 0..10u32 {
        let (seq, flags) = (1 + n * 1460, if n % 5 == 4 { "P." } else { "." });
        t.expect(&format!("{flags} {seq}:{}(1460) ack 1", seq + 1460));
    }
    t.expect_nothing();
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.bytes_sent, info.bytes_acked, info.notsent_bytes), (14_600, 0, 14_600));
    // RFC 5681 §3.1: slow start: each acknowledged segment lets two go.
    t.inject(". 1:1(0) ack 2921 win 65535");
    for n in 10..14u32 {
        let (seq, flags) = (1 + n * 1460, if n == 13 { "P." } else { "." });
        t.expect(&format!("{flags} {seq}:{}(1460) ack 1", seq + 1460));
    }
    t.expect_nothing();
}

/// The stack's memory is used up: a writer is refused, is not told it may write, and is told when it may again.
#[test]
fn a_writer_that_found_no_memory_is_told_when_there_is_some() {
    let mut t = Script::with(|config| config.memory = 48 << 10);
    let socket = t.established(SYN);
    let mut written = 0;
    while let Ok(count) = t.stack.send(socket, &[0; 4096], MsgFlags::NONE) {
        written += count;
    }
    assert_eq!(t.stack.send(socket, &[0; 4096], MsgFlags::NONE), Err(Errno::EAGAIN));
    assert!((8192..48 << 10).contains(&written), "{written}");
    assert_eq!(t.ready(socket), Ready::NONE);
    while std::iter::from_fn(|| t.stack.next_ready()).last().is_some() {}
    while let Some(last) = std::iter::from_fn(|| t.next()).last() {
        t.inject(&format!(". 1:1(0) ack {} win 65535", last.seq + last.len as u32));
    }
    let told = std::iter::from_fn(|| t.stack.next_ready()).filter(|(id, _)| *id == socket).last();
    assert_eq!(told, Some((socket, Ready::OUT)));
    assert_eq!(t.stack.send(socket, &[0; 4096], MsgFlags::NONE), Ok(4096));
}

/// RFC 5681 §4.1: a window that the peer held closed for long is as old as any other that was not used.
#[test]
fn slow_start_begins_anew_when_a_closed_window_opens() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 20 * 1460);
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 14601 win 65535");
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 29201 win 0");
    let before = t.stack.tcp_info(socket).unwrap().snd_cwnd;
    assert!(before > 10, "{before}");
    t.write(socket, 29_200, 1460);
    t.run(10_000);
    t.inject(". 1:1(0) ack 29201 win 65535");
    assert_eq!(t.stack.tcp_info(socket).unwrap().snd_cwnd, 10);
}

/// As in Linux each piece of what is written costs something beside its bytes, and a piece that was begun is filled: of ten times what the buffer
/// holds three pieces of half a window are taken.
#[test]
fn a_send_buffer_is_counted_in_pieces() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject("S. 0:0(0) ack 1 win 2000 <mss 1000,nop,nop,sackOK,nop,wscale 7>");
    t.expect(". 1:1(0) ack 1");
    t.stack.setsockopt(socket, sol_socket::LEVEL, sol_socket::SO_SNDBUF, &1000i32.to_ne_bytes()).unwrap();
    assert_eq!(t.stack.send(socket, &pattern(0, 10_000), MsgFlags::NONE), Ok(3000));
    assert_eq!(t.stack.send(socket, &pattern(3000, 1), MsgFlags::NONE), Err(Errno::EAGAIN));
}

//! Corners that a careful reader of the code found to be wrong.

use crate::script::Script;
use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_ERROR, SO_REUSEADDR, SO_SNDBUF};
use loggia_stack::socket::numbers::tcp::{LEVEL as IPPROTO_TCP, TCP_NOTSENT_LOWAT};
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::{Errno, SocketId};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";
const STAMPED_SYN: &str = "mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7";

/// RFC 9293 §3.10.7.4: a peer that closes while the window still keeps our FIN back gets it when the window opens.
#[test]
fn a_fin_that_waits_for_the_window_goes_though_the_peer_closed_meanwhile() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 1000");
    t.write(socket, 0, 1000);
    t.expect("P. 1:1001(1000) ack 1");
    t.stack.close(socket).unwrap();
    t.expect_nothing();
    t.inject("F. 1:1(0) ack 1 win 1000");
    t.expect(". 1001:1001(0) ack 2");
    t.inject(". 2:2(0) ack 1001 win 1000");
    t.expect("F. 1001:1001(0) ack 2");
}

/// RFC 9293 §3.10.7.4: the acknowledgement of a FIN may be lost; the FIN that comes again is acknowledged again.
#[test]
fn a_repeated_fin_is_acknowledged_again() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 2");
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 2:2(0) ack 2");
}

/// The same for a FIN that comes again with data before it, and for data that comes again after the FIN.
#[test]
fn data_that_is_repeated_after_the_fin_is_acknowledged_again() {
    let mut t = Script::new();
    t.established(SYN);
    t.inject("F. 1:11(10) ack 1 win 65535");
    t.expect(". 1:1(0) ack 12");
    t.inject("F. 1:11(10) ack 1 win 65535");
    t.expect(". 1:1(0) ack 12");
    t.inject("P. 11:12(1) ack 1 win 65535");
    t.expect(". 1:1(0) ack 12");
}

/// RFC 4987 §3.6, RFC 7323 §2.2: the window scale that the cookie's SYN-ACK announced is the one that is used.
#[test]
fn a_connection_from_a_cookie_scales_its_window_as_announced() {
    let mut t = Script::with(|config| {
        config.tcp.syncookies = 2;
        config.tcp.timestamps = true;
    });
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{STAMPED_SYN}>"));
    t.expect("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val any ecr 1000,nop,wscale 7>");
    let echo = t.last_ts;
    t.inject(&format!("P. 1:11(10) ack 1 win 500 <nop,nop,TS val 1001 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).expect("the cookie was good");
    assert_eq!(t.stack.tcp_info(socket).unwrap().rcv_wscale, 7);
    let window = t.next().expect("an acknowledgement").win.unwrap();
    assert!(window <= 512, "{window} units of 128 bytes of a buffer of 64 KiB");
}

/// RFC 7323 §5.3: PAWS counts for half-open connections too. What it refuses does not open one, and the SYN-ACK is sent again.
#[test]
fn an_acknowledgement_from_the_past_opens_nothing() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{STAMPED_SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    let echo = t.last_ts;
    t.inject(&format!(". 1:1(0) ack 1 win 500 <nop,nop,TS val 900 ecr {echo}>"));
    assert_eq!(t.stack.accept(listener).unwrap_err(), Errno::EAGAIN);
    t.expect("S. 0:0(0) ack 1");
    t.expect_after(1000, "S. 0:0(0) ack 1");
    t.inject(&format!(". 1:1(0) ack 1 win 500 <nop,nop,TS val 1001 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Established));
}

/// RFC 7323 §2.4: segments smaller than the window's unit do not hold the window open for ever.
#[test]
fn small_segments_close_the_window_too() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let (mut seq, mut edge) = (1, 60_000);
    while seq + 100 <= edge && seq < 300_000 {
        t.inject(&format!("P. {seq}:{}(100) ack 1 win 65535", seq + 100));
        seq += 100;
        t.run(50);
        while let Some(segment) = t.next() {
            edge = segment.ack.unwrap() + (u32::from(segment.win.unwrap()) << 7);
        }
    }
    assert!((60_000..66_000).contains(&seq), "{seq} bytes sent into a buffer of 64 KiB that nobody reads");
    assert_eq!(t.read(socket, 0), seq as usize - 1);
    assert!(t.next().expect("the window opens").win.unwrap() > 400);
}

/// Answers whatever comes with a closed window; says after how many seconds the stack says that there is no such connection.
fn seconds_until_gone(t: &mut Script) -> Option<u32> {
    for second in 0..3600 {
        t.run(1000);
        while let Some(segment) = t.next() {
            if segment.flags.contains('R') {
                return Some(second);
            }
            t.inject(". 1:1(0) ack 1 win 0");
        }
        if second % 100 == 99 {
            t.inject(". 1:1(0) ack 1 win 0");
        }
    }
    None
}

/// Who closed does not wait for a window that is closed for ever: as in Linux a connection without an owner has an end
/// (RFC 9293 MUST-37 is about those that have one).
#[test]
fn a_closed_window_does_not_keep_an_orphan_for_ever() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 0, 100);
    t.stack.close(socket).unwrap();
    let seconds = seconds_until_gone(&mut t);
    assert!(seconds.is_some_and(|seconds| (60..1200).contains(&seconds)), "{seconds:?}");
}

/// The same where the window was shrunk under what is in flight.
#[test]
fn a_shrunk_window_does_not_keep_an_orphan_for_ever() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 100);
    t.stack.close(socket).unwrap();
    let seconds = seconds_until_gone(&mut t);
    assert!(seconds.is_some_and(|seconds| (60..1200).contains(&seconds)), "{seconds:?}");
}

fn reuse_address(t: &mut Script, socket: SocketId) {
    t.stack.setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &1i32.to_ne_bytes()).unwrap();
}

/// A connection gives its port back as it took it, whatever was set meanwhile.
#[test]
fn an_option_set_late_does_not_keep_the_port() {
    let mut t = Script::new();
    let socket = t.connect();
    let name = t.stack.getsockname(socket).unwrap();
    reuse_address(&mut t, socket);
    let other = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(t.stack.bind(other, &name), Err(Errno::EADDRINUSE));
    t.stack.close(socket).unwrap();
    assert_eq!(t.stack.bind(other, &name), Ok(()));
}

/// What takes a connection's place in TIME-WAIT holds the port as the socket's options are by then, bound or not, and gives back what it took.
#[test]
fn an_option_set_late_counts_in_time_wait() {
    for bound in [false, true] {
        let mut t = Script::new();
        let ours: Address = "10.0.0.1:0".parse().unwrap();
        let socket = t.connect_with(|stack, socket| {
            if bound {
                stack.bind(socket, &ours).unwrap();
            }
        });
        t.expect("S 0:0(0)");
        t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000>");
        t.expect(". 1:1(0) ack 1");
        let name = t.stack.getsockname(socket).unwrap();
        reuse_address(&mut t, socket);
        t.stack.close(socket).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject("F. 1:1(0) ack 2 win 65535");
        t.expect(". 2:2(0) ack 2");
        let [plain, sharing] = [(); 2].map(|()| t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap());
        reuse_address(&mut t, sharing);
        assert_eq!(t.stack.bind(plain, &name), Err(Errno::EADDRINUSE), "bound: {bound}");
        assert_eq!(t.stack.bind(sharing, &name), Ok(()), "bound: {bound}");
        t.stack.close(sharing).unwrap();
        t.run(61_000);
        assert_eq!(t.stack.bind(plain, &name), Ok(()), "nobody holds it any more");
    }
}

/// As Linux: what ended the connection before is forgotten by the next attempt.
#[test]
fn another_attempt_begins_without_an_error() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.stack.connect(socket, &Address::Unspecified).unwrap();
    let peer: Address = "10.0.0.2:4000".parse().unwrap();
    assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
    let mut error = [0xff; 4];
    t.stack.getsockopt(socket, SOL_SOCKET, SO_ERROR, &mut error).unwrap();
    assert_eq!(i32::from_ne_bytes(error), 0);
}

/// What the stack tells of a socket's readiness, if it tells anything.
fn told(t: &mut Script, socket: SocketId) -> Option<Ready> {
    std::iter::from_fn(|| t.stack.next_ready()).filter(|(id, _)| *id == socket).last().map(|(_, ready)| ready)
}

/// Who waits for room hears of it when the buffer is made larger, as in Linux.
#[test]
fn a_larger_send_buffer_is_told() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject(". 1:1(0) ack 1 win 0");
    t.stack.send(socket, &vec![0; 1 << 20], MsgFlags::NONE).unwrap();
    assert_eq!(t.ready(socket), Ready::NONE);
    told(&mut t, socket);
    t.stack.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &(1i32 << 20).to_ne_bytes()).unwrap();
    assert_eq!(told(&mut t, socket), Some(Ready::OUT));
}

/// `TCP_NOTSENT_LOWAT`: room is made by sending; an open window is enough.
#[test]
fn what_was_sent_makes_room_below_the_mark() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &1i32.to_ne_bytes()).unwrap();
    t.inject(". 1:1(0) ack 1 win 0");
    t.write(socket, 0, 100);
    assert_eq!(t.ready(socket), Ready::NONE);
    told(&mut t, socket);
    t.inject(". 1:1(0) ack 1 win 1000");
    assert_eq!(told(&mut t, socket), Some(Ready::OUT));
}

/// A server that starts again while a handshake is under way gets the connection: the old listener's half-open one ends with it.
#[test]
fn a_new_listener_takes_what_an_old_one_began() {
    let mut t = Script::new();
    let old = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1000>");
    t.expect("S. 0:0(0) ack 1");
    t.stack.close(old).unwrap();
    let new = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1000>");
    t.expect("S. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    assert!(t.stack.accept(new).is_ok());
}

//! The last segments: FINs that get lost, TIME-WAIT, connections to oneself (RFC 9293 §3.6, RFC 1337, RFC 6191).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{Duration, MsgFlags, SocketId, TcpState};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_REUSEADDR};
use loggia_stack::socket::numbers::{AF_INET, SHUT_WR, SOCK_STREAM};

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 0";

/// A FIN is retransmitted as data is (RFC 9293 §3.8.1), alone or with the data before it.
#[test]
fn a_lost_fin_is_sent_again() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1:1(0) ack 1");
    // RFC 8985 §7.2: a probe in the timeout's place; then timeouts.
    t.expect_after(200, "F. 1:1(0) ack 1");
    t.expect_after(200, "F. 1:1(0) ack 1");
    t.expect_after(400, "F. 1:1(0) ack 1");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.total_retrans, info.bytes_retrans, info.bytes_sent), (3, 0, 0), "a FIN is no data");

    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1_500);
    t.expect(". 1:1001(1000) ack 1");
    t.expect("P. 1001:1501(500) ack 1");
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect("F. 1501:1501(0) ack 1");
    t.inject(". 1:1(0) ack 1001 win 65535");
    t.run(1_000);
    let again = t.next().expect("a retransmission");
    assert_eq!((again.seq, again.len), (1001, 500));
    assert!(again.flags.contains('F'), "the FIN rides with the data: {}", again.text());
    t.inject(". 1:1(0) ack 1502 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::FinWait2));
}

/// A FIN that finds no room on the link has not been sent: it goes when there is room, and the peer hears of the end (RFC 9293 §3.10.4).
#[test]
fn a_fin_that_meets_a_full_link_goes_later() {
    // One packet fills it, until somebody takes that.
    let mut t = Script::narrow(1, |_| ());
    let socket = t.established(SYN);
    t.inject("P. 1:101(100) ack 1 win 65535");
    t.stack.shutdown(socket, SHUT_WR).unwrap();
    t.expect(". 1:1(0) ack 101");
    t.expect("F. 1:1(0) ack 101");
    t.inject(". 101:101(0) ack 2 win 65535");
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::FinWait2));
    t.expect_nothing();
}

/// The last ACK may get lost: the peer's FIN comes again and is answered again (RFC 9293 §3.6).
#[test]
fn a_repeated_fin_is_acknowledged_again() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
    t.run(1_000);
    t.inject("F. 1:1(0) ack 1 win 65535");
    t.expect(". 1:1(0) ack 2");
    assert_eq!(t.stack.recv(socket, &mut [0; 9], MsgFlags::NONE), Ok(0));
}

/// Brings the stack into TIME-WAIT.
fn time_wait(t: &mut Script) {
    let socket = t.established(SYN);
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
}

/// RFC 1337: a RST may end TIME-WAIT, as in Linux, unless `tcp_rfc1337` is set.
#[test]
fn time_wait_may_be_assassinated_only_if_that_is_allowed() {
    let mut t = Script::new();
    time_wait(&mut t);
    t.inject("R 2:2(0) win 0");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect("R 2:2(0)");

    let mut t = Script::with(|config| config.tcp.rfc1337 = true);
    time_wait(&mut t);
    t.inject("R 2:2(0) win 0");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
}

/// RFC 9293 MUST-13: those that began one after the other end together, a 256th of their time later; segments find each over in time.
#[test]
fn records_of_time_wait_end_together_and_are_over_in_time() {
    let mut t = Script::new();
    time_wait(&mut t);
    t.run(60_001);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect("R 2:2(0)");
    assert_eq!(t.stack.counters().tcp_ext.tw, 1, "a segment found it over");

    let mut t = Script::new();
    time_wait(&mut t);
    t.run(60_100);
    assert_eq!(t.stack.counters().tcp_ext.tw, 0);
    t.run(200);
    assert_eq!(t.stack.counters().tcp_ext.tw, 1);
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect("R 2:2(0)");
}

/// One whose time began anew does not keep those that came after it.
#[test]
fn a_record_of_time_wait_that_began_anew_ends_behind_others() {
    let mut t = Script::new();
    let listener = t.listen(5);
    let end_one = |t: &mut Script| {
        t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
        t.expect("S. 0:0(0) ack 1");
        t.inject(". 1:1(0) ack 1 win 65535");
        let (socket, _) = t.stack.accept(listener).expect("a connection");
        t.stack.close(socket).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject("F. 1:1(0) ack 2 win 65535");
        t.expect(". 2:2(0) ack 2");
    };
    end_one(&mut t);
    t.peer_port += 1;
    end_one(&mut t);
    t.peer_port -= 1;
    t.run(30_000);
    t.inject("F. 1:1(0) ack 2 win 65535");
    assert!(t.next().is_some(), "the first one's FIN is acknowledged");
    // One that came after the first began anew, and ends after it.
    t.run(20_000);
    t.peer_port += 2;
    end_one(&mut t);
    t.run(11_000);
    assert_eq!(t.stack.counters().tcp_ext.tw, 1, "the second one");
    t.run(30_000);
    assert_eq!(t.stack.counters().tcp_ext.tw, 2, "the first one");
    t.run(20_000);
    assert_eq!(t.stack.counters().tcp_ext.tw, 3);
}

/// Until it is over, to the microsecond, and no longer: records are removed some time after.
#[test]
fn time_wait_holds_its_port_until_it_is_over() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    t.stack.close(socket).unwrap();
    t.stack.close(listener).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    let bind = |t: &mut Script| {
        let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
        t.stack.bind(socket, &"10.0.0.1:80".parse().unwrap())
    };
    t.run(59_999);
    assert_eq!(bind(&mut t), Err(Errno::EADDRINUSE));
    t.run(1);
    assert_eq!(bind(&mut t), Ok(()));
    assert_eq!(t.stack.counters().tcp_ext.tw, 1);
    t.run(1_000);
    assert_eq!(t.stack.counters().tcp_ext.tw, 1, "its timer finds nobody");
}

/// RFC 6191 §2: a SYN that could be an old duplicate does not end TIME-WAIT; it is acknowledged, and an honest peer resets.
#[test]
fn an_old_syn_does_not_end_time_wait() {
    let mut t = Script::new();
    time_wait(&mut t);
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect(". 2:2(0) ack 2");
    assert_eq!(t.stack.counters().tcp_ext.tw_recycled, 0);
}

/// A socket bound to the port of the ones before it.
fn bound_again(t: &mut Script) -> SocketId {
    let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    t.stack.setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &1i32.to_ne_bytes()).unwrap();
    t.stack.bind(socket, &"10.0.0.1:80".parse().unwrap()).unwrap();
    socket
}

/// RFC 6191 §2: with timestamps a connection takes the place of the last one between the same ends, but not within a second: also where
/// TIME-WAIT is to last longer than it can.
#[test]
fn the_same_ends_may_be_used_again_after_a_second() {
    for minutes in [1, 60] {
        let mut t = Script::with(|config| {
            config.tcp.timestamps = true;
            config.tcp.time_wait = Duration::from_mins(minutes);
        });
        let peer: Address = "10.0.0.2:4000".parse().unwrap();
        let socket = bound_again(&mut t);
        assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
        t.expect("S 0:0(0)");
        t.inject(&format!("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,TS val 100 ecr {}>", t.last_ts));
        t.expect(". 1:1(0) ack 1");
        t.stack.close(socket).unwrap();
        t.expect("F. 1:1(0) ack 1");
        t.inject(&format!("F. 1:1(0) ack 2 win 65535 <nop,nop,TS val 101 ecr {}>", t.last_ts));
        t.expect(". 2:2(0) ack 2");
        let socket = bound_again(&mut t);
        assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EADDRNOTAVAIL), "TIME-WAIT of {minutes} minutes");
        t.run(1_100);
        assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
    }
}

/// RFC 9293 §3.6: without timestamps they may when two segment lifetimes are over, though the record lasts a little longer.
#[test]
fn the_same_ends_may_be_used_again_when_time_wait_is_over() {
    let mut t = Script::new();
    let peer: Address = "10.0.0.2:4000".parse().unwrap();
    let socket = bound_again(&mut t);
    assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
    t.expect("S 0:0(0)");
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000>");
    t.expect(". 1:1(0) ack 1");
    t.stack.close(socket).unwrap();
    t.expect("F. 1:1(0) ack 1");
    t.inject("F. 1:1(0) ack 2 win 65535");
    t.expect(". 2:2(0) ack 2");
    let socket = bound_again(&mut t);
    t.run(59_999);
    assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EADDRNOTAVAIL));
    t.run(2);
    assert_eq!(t.stack.counters().tcp_ext.tw, 0, "the record is there");
    assert_eq!(t.stack.connect(socket, &peer), Err(Errno::EINPROGRESS));
}

/// RFC 9293 §3.5: a socket that connects to itself opens simultaneously with itself, as on every host.
#[test]
fn a_socket_may_talk_to_itself() {
    let mut t = Script::new();
    let socket = t.stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let own: Address = "127.0.0.1:5000".parse().unwrap();
    t.stack.bind(socket, &own).unwrap();
    let _in_progress_or_done = t.stack.connect(socket, &own);
    t.run(10);
    assert_eq!(t.stack.tcp_state(socket), Some(TcpState::Established));
    t.write(socket, 0, 100);
    t.run(10);
    assert_eq!(t.read(socket, 0), 100);
    t.stack.close(socket).unwrap();
    t.run(100_000);
    assert_eq!(t.stack.tcp_state(socket), None);
}

//! Pacing: what is sent waits for its time in the timer wheel (draft-ietf-ccwg-bbr §5.6.2).

use loggia_stack::Stack;
use loggia_stack::base::{Errno, SocketId, TcpState};
use loggia_stack::socket::numbers::{IPPROTO_TCP, sol_socket as so, tcp};
use loggia_stack::transport::tcp::congestion::Algorithm;

use crate::script::Script;

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 7";

fn bound(t: &mut Script, socket: SocketId, rate: u64) {
    assert_eq!(t.stack.setsockopt(socket, so::LEVEL, so::SO_MAX_PACING_RATE, &rate.to_ne_bytes()), Ok(()));
}

fn choose(t: &mut Script, socket: SocketId, name: &str) {
    assert_eq!(t.stack.setsockopt(socket, IPPROTO_TCP, tcp::TCP_CONGESTION, name.as_bytes()), Ok(()));
}

fn cc_info(t: &mut Script, socket: SocketId) -> Vec<u32> {
    let mut value = [0; 64];
    let len = t.stack.getsockopt(socket, IPPROTO_TCP, tcp::TCP_CC_INFO, &mut value).expect("it is known");
    value[..len].chunks(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect()
}

/// The algorithm that was asked for before there was a connection is the connection's, and so is the stack's default of the moment it begins.
#[test]
fn what_was_chosen_before_connecting_counts() {
    let chosen: fn(&mut Stack, SocketId) =
        |stack, socket| stack.setsockopt(socket, IPPROTO_TCP, tcp::TCP_CONGESTION, b"bbr").unwrap();
    let default: fn(&mut Stack, SocketId) = |stack, _| stack.configure_tcp(|config| config.congestion_control = Algorithm::Bbr);
    for prepare in [chosen, default] {
        let mut t = Script::new();
        let socket = t.connect_with(prepare);
        t.expect("S 0:0(0)");
        t.inject(&format!("S. 0:0(0) ack 1 win 65535 <{SYN}>"));
        t.expect(". 1:1(0) ack 1");
        assert!(!cc_info(&mut t, socket).is_empty(), "it is BBR");
    }
}

/// A connection that sent its first flight and may send more, with a bound on its rate.
fn bounded(rate: u64, len: usize) -> (Script, SocketId) {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    // Near peers get more at a time.
    t.run(100);
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    bound(&mut t, socket, rate);
    t.write(socket, 0, len);
    (0..10).for_each(|_| _ = t.next().expect("the first flight"));
    t.run(100);
    t.expect_nothing();
    t.inject(". 1:1(0) ack 10001 win 65535");
    (t, socket)
}

/// The first flight leaves at once (Linux), then two segments at a time, as many a second as were asked for.
#[test]
fn a_bound_on_the_rate_is_kept() {
    let (mut t, socket) = bounded(100_000, 16_000);
    for n in [10, 12] {
        t.expect(&format!(". {}:{}(1000) ack 1", n * 1000 + 1, (n + 1) * 1000 + 1));
        t.expect(&format!("P. {}:{}(1000) ack 1", (n + 1) * 1000 + 1, (n + 2) * 1000 + 1));
        t.expect_nothing();
        t.run(19);
        t.expect_nothing();
        t.run(1);
    }
    t.expect(". 14001:15001(1000) ack 1");
    t.expect("P. 15001:16001(1000) ack 1");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.pacing_rate, info.max_pacing_rate), (100_000, 100_000));
}

#[test]
fn without_the_bound_it_goes_on_at_once() {
    let (mut t, socket) = bounded(1000, 16_000);
    t.run(1);
    t.expect(". 10001:11001(1000) ack 1");
    t.expect("P. 11001:12001(1000) ack 1");
    t.expect_nothing();
    bound(&mut t, socket, u64::MAX);
    t.expect(". 12001:13001(1000) ack 1");
    // As in Linux no rate is no bound.
    let (mut t, _) = bounded(0, 16_000);
    (10..16).for_each(|n| assert_eq!(t.next().map(|segment| segment.len), Some(1000), "{n}"));
}

/// What waits for its time for longer than any timeout is not taken for a peer that does not answer.
#[test]
fn a_very_slow_connection_lives() {
    let (mut t, socket) = bounded(10, 14_000);
    t.expect(". 10001:11001(1000) ack 1");
    t.expect("P. 11001:12001(1000) ack 1");
    t.inject(". 1:1(0) ack 12001 win 65535");
    t.run(199_000);
    t.expect_nothing();
    t.run(1_001);
    t.expect(". 12001:13001(1000) ack 1");
    assert_eq!(t.stack.tcp_info(socket).unwrap().state, TcpState::Established);
}

/// RFC 6298 §5.4: a retransmission at a timeout is sent when the timer fires, not behind what was sent before.
#[test]
fn a_timeout_does_not_wait() {
    let mut t = Script::with(|config| {
        config.tcp.early_retrans = 0;
        config.tcp.timestamps = false;
    });
    let socket = t.established(SYN);
    bound(&mut t, socket, 10);
    t.write(socket, 0, 12_000);
    (0..10).for_each(|_| _ = t.next().expect("the first flight"));
    t.inject(". 1:1(0) ack 2001 win 65535");
    (0..2).for_each(|_| _ = t.next().expect("two more"));
    t.expect_after(200, ". 2001:3001(1000) ack 1");
}

/// Options of a listener are those of what it accepts.
#[test]
fn an_accepted_connection_has_its_listeners_algorithm_and_bound() {
    let mut t = Script::new();
    let listener = t.listen(5);
    choose(&mut t, listener, "bbr");
    bound(&mut t, listener, 50_000);
    t.inject(&format!("S 0:0(0) win 65535 <{SYN}>"));
    t.expect("S. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 65535");
    let (socket, _) = t.stack.accept(listener).expect("a connection");
    assert_eq!(t.stack.tcp_info(socket).unwrap().pacing_rate, 50_000);
    assert_eq!(cc_info(&mut t, socket).len(), 5);
}

/// Linux's `struct tcp_bbr_info`: bandwidth (low, high), lowest round trip in microseconds, gains in 1/256. Others tell nothing.
#[test]
fn cc_info_tells_of_the_model() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    assert_eq!(cc_info(&mut t, socket), []);
    choose(&mut t, socket, "bbr");
    let [0, 0, _, 709, 512] = cc_info(&mut t, socket)[..] else { panic!("{:?}", cc_info(&mut t, socket)) };
    t.run(50);
    t.write(socket, 0, 10_000);
    (0..10).for_each(|_| _ = t.next().expect("the first flight"));
    t.run(100);
    t.inject(". 1:1(0) ack 10001 win 65535");
    assert_eq!(cc_info(&mut t, socket)[0], 100_000, "10,000 bytes in 100 ms");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.delivery_rate, info.delivery_rate_app_limited), (100_000, true), "it had been silent before");
    choose(&mut t, socket, "reno");
    assert_eq!(cc_info(&mut t, socket), []);
    let unknown = t.stack.setsockopt(socket, IPPROTO_TCP, tcp::TCP_CONGESTION, b"bbr2");
    assert_eq!(unknown, Err(Errno::ENOENT));
}

/// Another algorithm in the middle of a connection goes on with its window.
#[test]
fn the_window_outlives_the_algorithm() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 10_000);
    (0..10).for_each(|_| _ = t.next().expect("the first flight"));
    t.inject(". 1:1(0) ack 10001 win 65535");
    for name in ["bbr", "reno", "cubic"] {
        choose(&mut t, socket, name);
        assert_eq!(t.stack.tcp_info(socket).unwrap().snd_cwnd, 20, "{name}");
    }
}

/// A connection that is not paced measures what a round trip delivers.
#[test]
fn every_connection_tells_its_delivery_rate() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 20_000);
    (0..10).for_each(|_| _ = t.next().expect("the first flight"));
    assert_eq!(t.stack.tcp_info(socket).unwrap().delivery_rate, 0, "nothing is known");
    t.run(100);
    t.inject(". 1:1(0) ack 10001 win 65535");
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!(
        (info.delivery_rate / 1000, info.delivery_rate_app_limited),
        (99, false),
        "10,000 bytes in 100 ms, give or take 64"
    );
}

/// Whatever the stack's default becomes, a connection keeps what it began with.
#[test]
fn a_connection_keeps_its_congestion_control() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.stack.configure_tcp(|config| config.congestion_control = Algorithm::Bbr);
    t.stack.setsockopt(socket, tcp::LEVEL, tcp::TCP_NODELAY, &1i32.to_ne_bytes()).unwrap();
    let mut name = [0; 16];
    t.stack.getsockopt(socket, tcp::LEVEL, tcp::TCP_CONGESTION, &mut name).unwrap();
    assert!(name.starts_with(b"cubic"), "{name:?}");
}

/// BBR has no `ssthresh`: whoever follows it in the middle of a recovery keeps its window.
#[test]
fn a_recovery_that_bbr_began_ends_with_a_window() {
    let mut t = Script::new();
    let socket = t.connect();
    choose(&mut t, socket, "bbr");
    t.next();
    t.run(40);
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 0>");
    t.next();
    t.write(socket, 0, 10_000);
    t.run(40);
    while t.next().is_some() {}
    t.inject(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:6001>");
    choose(&mut t, socket, "cubic");
    t.inject(". 1:1(0) ack 10001 win 65535");
    let info = t.stack.tcp_info(socket).expect("a connection");
    assert!(info.snd_cwnd < 1000, "{}", info.snd_cwnd);
}

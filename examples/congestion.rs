//! A congestion control of one's own: it looks at round trips and keeps the queue of the path short, as TCP Vegas did.
//! `cargo run --example congestion` moves data over a slow link, with it and with CUBIC.

use std::collections::VecDeque;

use loggia_stack::base::{Duration, Frame, Instant, LinkId, MsgFlags};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium};
use loggia_stack::socket::numbers::{AF_INET, IPPROTO_TCP, SOCK_STREAM, tcp};
use loggia_stack::transport::tcp::congestion::{Ack, Control, Own, Window};
use loggia_stack::{Errno, Seed};

/// Its name for `TCP_CONGESTION`, and how a connection gets one.
static GENTLE: Own = Own { name: "gentle", make: || Box::new(Gentle { lowest: Duration::MAX, owed: 0 }) };

/// The state of one connection.
#[derive(Debug)]
struct Gentle {
    lowest: Duration,
    /// Acknowledged bytes that have not changed the window yet.
    owed: u32,
}

impl Control for Gentle {
    /// Two to four segments may wait in the queue: with fewer the window grows, with more it shrinks, by a segment in a round trip.
    fn acked(&mut self, window: &mut Window, ack: &Ack) {
        let Some(round_trip) = ack.rtt else { return };
        self.lowest = self.lowest.min(round_trip);
        let (cwnd, mss) = (window.cwnd(), window.mss());
        let waits = round_trip.saturating_sub(self.lowest).as_secs_f64() / round_trip.as_secs_f64();
        let queued = (f64::from(cwnd) * waits) as u32;
        if queued > 4 * mss && window.in_slow_start() {
            window.set_ssthresh(cwnd);
        }
        if ack.limited && window.in_slow_start() {
            window.slow_start(ack.acked);
            return;
        }
        self.owed += ack.acked;
        if self.owed >= cwnd {
            self.owed = 0;
            if queued > 4 * mss {
                window.set_cwnd(cwnd - mss);
            } else if queued < 2 * mss && ack.limited {
                window.grow(mss);
            }
        }
    }

    /// A loss is a loss.
    fn reduce(&mut self, window: &mut Window) {
        window.reduce(1, 2);
    }
}

/// One direction of the link: 1 MB/s, 20 ms, and a queue that holds everything.
#[derive(Default)]
struct Wire {
    free_at: Instant,
    under_way: VecDeque<(Instant, Frame)>,
}

impl Wire {
    fn put(&mut self, now: Instant, frame: Frame) {
        self.free_at = self.free_at.max(now) + Duration::from_micros(frame.len() as u64);
        self.under_way.push_back((self.free_at + Duration::from_millis(20), frame));
    }

    fn next(&self) -> Instant {
        self.under_way.front().map_or(Instant::NEVER, |(at, _)| *at)
    }
}

/// A host that knows of the algorithm.
fn host(address: &str) -> Result<(Stack, LinkId), Errno> {
    let mut config = Config::default();
    config.tcp.own_congestion_controls.push(&GENTLE);
    let mut stack = Stack::new(config, Seed::from(1), Instant::EPOCH);
    let link = LinkConfig { queue_limit: 8 << 20, ..LinkConfig::new("eth0", Medium::Ip, 1500) };
    let link = stack.add_link(link)?;
    stack.set_up(link, true)?;
    stack.add_address(link, address.parse().expect("an address"))?;
    Ok((stack, link))
}

/// Four seconds of sending: how many bytes arrived, and the round trip at the end.
fn transfer(algorithm: &str) -> Result<(usize, Duration), Errno> {
    let mut hosts = [host("10.0.0.1/24")?, host("10.0.0.2/24")?];
    let mut wires = [Wire::default(), Wire::default()];
    let server = "10.0.0.2:80".parse().expect("an address");
    let listener = hosts[1].0.socket(AF_INET, SOCK_STREAM, 0)?;
    hosts[1].0.bind(listener, &server)?;
    hosts[1].0.listen(listener, 1)?;
    let socket = hosts[0].0.socket(AF_INET, SOCK_STREAM, 0)?;
    hosts[0].0.setsockopt(socket, IPPROTO_TCP, tcp::TCP_CONGESTION, algorithm.as_bytes())?;
    assert_eq!(hosts[0].0.connect(socket, &server), Err(Errno::EINPROGRESS));
    let (mut accepted, mut arrived, mut room, mut now) = (None, 0, vec![0; 64 << 10], Instant::EPOCH);
    while now < Instant::from_secs(4) {
        while hosts[0].0.send(socket, &room, MsgFlags::NONE).is_ok() {}
        accepted = accepted.or_else(|| hosts[1].0.accept(listener).ok().map(|(socket, _)| socket));
        while let Some(Ok(count)) = accepted.map(|socket| hosts[1].0.recv(socket, &mut room, MsgFlags::NONE)) {
            arrived += count;
        }
        for ((stack, link), wire) in hosts.iter_mut().zip(&mut wires) {
            while let Some(frame) = stack.transmit(*link) {
                wire.put(now, frame);
            }
        }
        let deadlines = hosts.iter().map(|(stack, _)| stack.next_deadline()).chain(wires.iter().map(Wire::next));
        now = deadlines.min().unwrap_or(Instant::NEVER).max(now + Duration::from_nanos(1));
        for (at, wire) in wires.iter_mut().enumerate() {
            let (stack, link) = &mut hosts[1 - at];
            stack.advance(now);
            while wire.next() <= now {
                let (_, frame) = wire.under_way.pop_front().expect("something arrives");
                stack.receive(*link, frame);
            }
        }
    }
    let info = hosts[0].0.tcp_info(socket).expect("a connection");
    Ok((arrived, Duration::from_micros(info.rtt_us.into())))
}

fn main() -> Result<(), Errno> {
    for algorithm in ["gentle", "cubic"] {
        let (arrived, round_trip) = transfer(algorithm)?;
        println!("{algorithm}: {} kB in 4 s, and a segment is acknowledged after {round_trip:?}", arrived / 1000);
    }
    Ok(())
}

#[test]
fn it_fills_the_link_and_not_the_queue() {
    let ((gentle, short), (_, long)) = (transfer("gentle").unwrap(), transfer("cubic").unwrap());
    assert!(gentle > 3_300_000 && short < Duration::from_millis(50) && long > 2 * short, "{gentle} bytes, {short:?}, {long:?}");
    assert_eq!(transfer("other"), Err(Errno::ENOENT));
}

//! Rows 12 to 15: what a crowd of idle connections costs, and what it costs the one that is active. Each crowd is measured alternately with a
//! pair that has none, in a process of its own.

use std::time::Duration;

use loggia_bench::crowd::Crowd;
use loggia_bench::heap::Heap;
use loggia_bench::pair::{Ends, Pair, Time, WRITE, Wire, pattern};
use loggia_stack::Instant;
use loggia_stack::socket::numbers::sol_socket;

use crate::child;
use crate::figure::{Sample, Unit};
use crate::probe::Effort;
use crate::timing::{processor_time, times};

/// Powers of ten.
const CROWDS: [u32; 4] = [3, 4, 5, 6];
/// How often both are measured, alternately.
const TURNS: usize = 11;
const SUBJECT: &str = "loggia";

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    child::send(&[], "growth", effort)
}

pub(crate) fn listeners(effort: Effort) -> Result<Vec<Sample>, String> {
    child::send(&[], "listeners", effort)
}

/// A crowd, and one connection beside it that is active.
struct Beside {
    crowd: Crowd,
    active: Ends,
    /// Whose turn it is.
    turn: usize,
}

impl Beside {
    fn new(most: usize) -> Self {
        let mut crowd = Crowd::new(Wire::Large, most);
        let active = crowd.pair.connect();
        Self { crowd, active, turn: 0 }
    }

    /// Lets so much time pass that the timers of what was opened have gone by: who was just opened is not idle.
    fn come_to_rest(&mut self) {
        let pair = &mut self.crowd.pair;
        let Time::Virtual(now) = pair.time else { unreachable!("crowds live in virtual time") };
        pass(pair, now + Duration::from_secs(5));
    }

    /// The next of the crowd.
    fn next(&mut self) -> Ends {
        self.turn += 1;
        self.crowd.members[self.turn % self.crowd.members.len()]
    }
}

pub(crate) fn in_child(_: Effort) -> Result<Vec<Sample>, String> {
    let most = 10usize.pow(CROWDS[CROWDS.len() - 1]);
    let mut samples = Vec::new();
    let (mut alone, mut grown) = (Beside::new(1), Beside::new(most));
    alone.crowd.grow(1);
    let (empty, resident_empty) = (Heap::now(), resident()?);
    for power in CROWDS {
        let count = 10usize.pow(power);
        grown.crowd.grow(count);
        for beside in [&mut alone, &mut grown] {
            beside.come_to_rest();
        }
        if count == most {
            let held = Heap::since(empty).live as f64;
            let bytes = |what, value| Sample::new(12, what, SUBJECT, Unit::Bytes, value);
            samples.push(bytes("idle established connection, one end", held / count as f64 / 2.0));
            samples.push(bytes("held, 10^6 connections with both ends", held));
            samples.push(bytes("resident, 10^6 connections with both ends", (resident()? - resident_empty) as f64));
        }
        let mut add = |row, what: String, value| samples.push(Sample::new(row, what, SUBJECT, Unit::Times, value));
        add(13, format!("ping-pong beside 10^{power} idle"), times(TURNS, &mut alone, &mut grown, ping_pong));
        add(13, format!("bulk beside 10^{power} idle"), times(TURNS, &mut alone, &mut grown, bulk));
        add(15, set_up_name(power), times(TURNS, &mut alone, &mut grown, set_up));
        add(14, format!("ping-pong, each of 10^{power} in turn"), times(TURNS, &mut alone, &mut grown, ping_pong_in_turn));
        add(14, format!("16 KiB and an answer, each of 10^{power} in turn"), times(TURNS, &mut alone, &mut grown, bulk_in_turn));
    }
    samples.push(Sample::new(
        15,
        "idle CPU at 10^6 with keepalive",
        SUBJECT,
        Unit::Percent,
        idle_with_keepalive(&mut grown.crowd),
    ));
    // Taking a million connections apart is not measured, and takes its time.
    std::mem::forget((alone, grown));
    Ok(samples)
}

fn set_up_name(power: u32) -> String {
    format!("set-up beside 10^{power}")
}

fn ping_pong(beside: &mut Beside) {
    let active = beside.active;
    (0..5000).for_each(|_| beside.crowd.pair.ping_pong(active));
}

fn bulk(beside: &mut Beside) {
    let (source, mut sink) = (pattern(WRITE), vec![0; WRITE]);
    beside.crowd.pair.bulk(beside.active, 64 << 20, &source, &mut sink);
}

/// Five hundred connections more; they end again, which is in it.
fn set_up(beside: &mut Beside) {
    for _ in 0..500 {
        beside.crowd.pair.short_connection();
        beside.crowd.pair.forget_readiness();
    }
}

fn ping_pong_in_turn(beside: &mut Beside) {
    for _ in 0..20_000 {
        let ends = beside.next();
        beside.crowd.pair.ping_pong(ends);
    }
    beside.crowd.pair.forget_readiness();
}

fn bulk_in_turn(beside: &mut Beside) {
    let (source, mut sink) = (pattern(16 << 10), vec![0; 16 << 10]);
    for _ in 0..4000 {
        let (client, server) = beside.next();
        beside.crowd.pair.bulk((client, server), 16 << 10, &source, &mut sink);
        // Without an answer the acknowledgement would be delayed, and Nagle's algorithm would hold back what comes next.
        beside.crowd.pair.answer((client, server));
    }
    beside.crowd.pair.forget_readiness();
}

/// Processor time over time, in hundredths of a core, of two hours and a bit in which every connection is probed by one end.
fn idle_with_keepalive(crowd: &mut Crowd) -> f64 {
    for at in 0..crowd.members.len() {
        let (_, server) = crowd.members[at];
        crowd.pair.server.set(server, sol_socket::LEVEL, sol_socket::SO_KEEPALIVE, 1);
    }
    let Time::Virtual(began) = crowd.pair.time else { unreachable!("crowds live in virtual time") };
    let probed = crowd.pair.server.stack.counters().tcp.out_segs;
    let idle = Duration::from_secs(2 * 3600 + 300);
    let before = processor_time();
    pass(&mut crowd.pair, began + idle);
    let used = processor_time().saturating_sub(before);
    let probes = crowd.pair.server.stack.counters().tcp.out_segs - probed;
    assert!(probes >= crowd.members.len() as u64, "{probes} probes");
    used.as_secs_f64() / idle.as_secs_f64() * 100.0
}

/// Lets time pass as a driver does: from deadline to deadline.
fn pass(pair: &mut Pair, until: Instant) {
    loop {
        let next = pair.client.stack.next_deadline().min(pair.server.stack.next_deadline());
        let now = next.min(until);
        pair.time = Time::Virtual(now);
        pair.step();
        if now == until {
            return;
        }
    }
}

/// Bytes of memory that this process has in use.
fn resident() -> Result<usize, String> {
    let text = std::fs::read_to_string("/proc/self/statm").map_err(|error| error.to_string())?;
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).ok_or("/proc/self/statm has no numbers")?;
    Ok(pages * rustix::param::page_size())
}

pub(crate) fn listeners_in_child(_: Effort) -> Result<Vec<Sample>, String> {
    let mut samples = Vec::new();
    let (mut alone, mut grown) = (Beside::new(0), Beside::new(0));
    let mut count = 0;
    for power in CROWDS {
        let wanted = 10usize.pow(power);
        grown.crowd.listen_idly(count, wanted - count);
        count = wanted;
        let mut add = |what: String, value| samples.push(Sample::new(13, what, SUBJECT, Unit::Times, value));
        add(format!("ping-pong beside 10^{power} idle listeners"), times(TURNS, &mut alone, &mut grown, ping_pong));
        add(format!("set-up beside 10^{power} idle listeners"), times(TURNS, &mut alone, &mut grown, set_up));
    }
    std::mem::forget((alone, grown));
    Ok(samples)
}

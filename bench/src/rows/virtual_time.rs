//! Rows 17 and 18: a world of the lab in virtual time, in one thread, with and without a record.

use std::time::Duration;

use loggia_bench::lab::{Lab, link, lossy};
use loggia_lab::link::Terms;
use loggia_stack::Instant;
use loggia_stack::engine::Config;

use crate::figure::{Sample, Unit};
use crate::probe::Effort;
use crate::timing::timed;

/// MTU 1500 over a link that loses one packet of a thousand, with captures of headers at both ends: one without a rate, as row 3 has none,
/// whose packets travel together, and one with a rate, whose packets each arrive at a moment of their own.
pub(crate) fn captured(effort: Effort) -> Result<Vec<Sample>, String> {
    let delay = Duration::from_micros(100);
    let far = Instant::from_secs(3600);
    let run = |what, terms: Terms, amount: usize, lab: fn(&Config, Terms) -> Lab| {
        let (mut lab, amount) = (lab(&Config::default(), terms), effort.of(amount));
        lab.bulk(1 << 20, far);
        let took = timed(|| assert!(lab.bulk(amount, far) >= amount));
        Sample::rate(17, what, "loggia", amount, took)
    };
    let rated = || Terms { loss: lossy(delay).loss, ..link(10_000_000_000, delay) };
    Ok(vec![
        run("bulk, MTU 1500, loss 0.1 %", lossy(delay), 600 << 20, Lab::new),
        run("bulk, MTU 1500, loss 0.1 %, headers captured", lossy(delay), 600 << 20, Lab::captured),
        run("bulk, MTU 1500, loss 0.1 %, 10 Gbit/s", rated(), 150 << 20, Lab::new),
        run("bulk, MTU 1500, loss 0.1 %, 10 Gbit/s, headers captured", rated(), 150 << 20, Lab::captured),
    ])
}

/// Packets a second of real time that cross a link in virtual time, and what an hour costs in which nothing happens.
pub(crate) fn packets(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(400 << 20);
    let mut lab = Lab::new(&Config::default(), link(1_000_000_000, Duration::from_millis(1)));
    let far = Instant::from_secs(3600);
    lab.bulk(1 << 20, far);
    let crossed = |lab: &Lab| [0, 1].map(|end| lab.world.wires()[0].pipe(end).counts().delivered).iter().sum::<u64>();
    let before = crossed(&lab);
    let took = timed(|| assert!(lab.bulk(amount, far) >= amount));
    let packets = (crossed(&lab) - before) as usize;
    // What is under way arrives, and then the connection is idle.
    lab.world.advance(lab.world.now() + Duration::from_mins(10));
    let hour = lab.world.now() + Duration::from_hours(1);
    let idle = timed(|| lab.world.advance(hour));
    Ok(vec![
        Sample::per_second(18, "packets in virtual time", "loggia", packets, took),
        Sample::new(18, "an idle hour", "loggia", Unit::Micros, idle.as_secs_f64() * 1e6),
    ])
}

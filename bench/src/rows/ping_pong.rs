//! Row 8: a byte there and a byte back, by calls of the core in one thread.

use std::time::Duration;

use loggia_bench::pair::{Pair, Time, Wire};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

pub(crate) fn core(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(300_000);
    Ok(vec![Sample::each(8, "ping-pong, core calls", "loggia", count, took(count))])
}

/// How long so many round trips take.
pub(super) fn took(count: usize) -> Duration {
    let mut pair = Pair::new(Wire::Large, Time::real());
    let ends = pair.connect();
    (0..1000).for_each(|_| pair.ping_pong(ends));
    timed(|| (0..count).for_each(|_| pair.ping_pong(ends)))
}

//! Row 8: a byte there and a byte back, by calls of the core in one thread.

use loggia_bench::pair::{Pair, Time, Wire};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

pub(crate) fn core(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(300_000);
    let mut pair = Pair::new(Wire::Large, Time::real());
    let ends = pair.connect();
    (0..1000).for_each(|_| pair.ping_pong(ends));
    let took = timed(|| (0..count).for_each(|_| pair.ping_pong(ends)));
    Ok(vec![Sample::each(8, "ping-pong, core calls", "loggia", count, took)])
}

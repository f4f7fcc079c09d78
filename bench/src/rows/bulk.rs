//! Rows 1, 3 and 4: one way as fast as possible, in writes of some 128 KiB that are full segments, in one thread.

use std::time::Duration;

use loggia_bench::pair::{Pair, Time, WRITE, Wire, pattern};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

/// How long so many bytes take.
pub(super) fn took(wire: Wire, amount: usize) -> Duration {
    let mut pair = Pair::new(wire, Time::real());
    let ends = pair.connect();
    let (source, mut sink) = (pattern(wire.write()), vec![0; WRITE]);
    // Until windows and buffers have grown.
    pair.bulk(ends, 8 << 20, &source, &mut sink);
    timed(|| pair.bulk(ends, amount, &source, &mut sink))
}

pub(crate) fn large(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(3 << 30);
    Ok(vec![Sample::rate(1, "bulk, 64 KiB segments", "loggia", amount, took(Wire::Large, amount))])
}

pub(crate) fn packets(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(1 << 30);
    Ok(vec![Sample::rate(3, "bulk, MTU 1500, checksums", "loggia", amount, took(Wire::Packets, amount))])
}

pub(crate) fn bare(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(3 << 30);
    Ok(vec![Sample::rate(4, "bulk, MTU 1500 on a bare link", "loggia", amount, took(Wire::Bare, amount))])
}

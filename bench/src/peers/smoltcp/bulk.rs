//! Rows 1 and 3.

use std::time::Duration;

use loggia_bench::pair::{LARGEST, WRITE, full_segments, pattern};

use super::host::Pair;
use crate::figure::Sample;
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::timed;

fn took(mtu: usize, checksums: bool, amount: usize) -> Duration {
    let mut pair = Pair::new(mtu, checksums);
    pair.connect(40_000);
    let (source, mut sink) = (pattern(full_segments(mtu - 40)), vec![0; WRITE]);
    pair.bulk(8 << 20, &source, &mut sink);
    timed(|| pair.bulk(amount, &source, &mut sink))
}

pub(crate) fn large(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(2 << 30);
    Ok(vec![Sample::rate(1, "bulk, 64 KiB segments", SMOLTCP, amount, took(LARGEST, false, amount))])
}

pub(crate) fn packets(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(1 << 30);
    Ok(vec![Sample::rate(3, "bulk, MTU 1500, checksums", SMOLTCP, amount, took(1500, true, amount))])
}

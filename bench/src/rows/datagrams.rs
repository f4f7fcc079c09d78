//! Row 11: datagrams of 64 bytes, checksums computed and checked, in one thread.

use loggia_bench::datagrams::{BATCH, Datagrams};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let (count, batches) = (effort.of(2_000_000), effort.of(4_000_000) / BATCH);
    let mut hosts = Datagrams::new();
    let each = timed(|| hosts.one_by_one(count));
    let mut hosts = Datagrams::new();
    let batched = timed(|| hosts.batches(batches));
    let sample = |what, count, took| Sample::per_second(11, what, "loggia", count, took);
    Ok(vec![sample("UDP 64 B, a call each", count, each), sample("UDP 64 B, batched", batches * BATCH, batched)])
}

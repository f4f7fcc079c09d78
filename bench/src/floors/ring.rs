//! Floor F1: what the memory allows. Every byte is copied from the writer into a ring of 1 MiB and from there to the reader.

use std::hint::black_box;

use loggia_bench::pair::{BUFFER, WRITE, pattern};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(4 << 30);
    let (source, mut ring, mut sink) = (pattern(WRITE), vec![0u8; BUFFER], vec![0u8; WRITE]);
    let took = timed(|| {
        let (mut moved, mut at) = (0, 0);
        while moved < amount {
            ring[at..at + WRITE].copy_from_slice(black_box(&source));
            sink.copy_from_slice(black_box(&ring[at..at + WRITE]));
            black_box(&mut sink);
            at = (at + WRITE) % BUFFER;
            moved += WRITE;
        }
    });
    Ok(vec![Sample::rate(0, "two copies through a ring, one thread", "floor F1", amount, took)])
}

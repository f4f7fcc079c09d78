//! Floor F1: what the memory allows. Every byte is copied from the writer into a ring of 1 MiB and from there to the reader.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::workload::{BUFFER, Pace, WRITE, pattern};

/// Moves `amount` bytes.
pub(crate) fn run(_: Pace, amount: usize) -> Duration {
    let source = pattern(WRITE);
    let mut ring = vec![0u8; BUFFER];
    let mut sink = vec![0u8; WRITE];
    let began = Instant::now();
    let (mut moved, mut at) = (0, 0);
    while moved < amount {
        ring[at..at + WRITE].copy_from_slice(black_box(&source));
        sink.copy_from_slice(black_box(&ring[at..at + WRITE]));
        black_box(&mut sink);
        at = (at + WRITE) % BUFFER;
        moved += WRITE;
    }
    began.elapsed()
}

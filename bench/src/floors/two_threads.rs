//! Floor F2: as F1, but who writes and who reads are two threads, which wait for each other awake.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use loggia_bench::pair::{BUFFER, WRITE, pattern};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::{on_two_cores, timed};

/// The ring in parts, of which each is only one thread's at a time.
const PART: usize = 64 << 10;
const PARTS: usize = BUFFER / PART;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let parts_to_move = effort.of(4 << 30) / PART;
    let ring: Vec<Mutex<Vec<u8>>> = (0..PARTS).map(|_| Mutex::new(vec![0; PART])).collect();
    let (written, read) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reader = || {
        let mut sink = vec![0u8; WRITE];
        timed(|| {
            for number in 0..parts_to_move {
                while written.load(Ordering::Acquire) == number {
                    std::hint::spin_loop();
                }
                let at = number * PART % WRITE;
                sink[at..at + PART].copy_from_slice(&ring[number % PARTS].lock().expect("no panic"));
                black_box(&mut sink);
                read.store(number + 1, Ordering::Release);
            }
        })
    };
    let writer = || {
        let source = pattern(WRITE);
        for number in 0..parts_to_move {
            while number - read.load(Ordering::Acquire) == PARTS {
                std::hint::spin_loop();
            }
            let at = number * PART % WRITE;
            ring[number % PARTS].lock().expect("no panic").copy_from_slice(black_box(&source[at..at + PART]));
            written.store(number + 1, Ordering::Release);
        }
    };
    let took = on_two_cores(reader, writer);
    Ok(vec![Sample::rate(0, "two copies through a ring, two threads", "floor F2", parts_to_move * PART, took)])
}

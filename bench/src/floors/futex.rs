//! The ping-pong of two threads over a futex: what it costs to be woken, and to wake.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::{on_two_cores, trips};

/// Sleeps until the word is `wanted`.
fn wait_for(word: &AtomicU32, wanted: u32) {
    loop {
        let now = word.load(Ordering::Acquire);
        if now == wanted {
            return;
        }
        // Whatever it says, the word is looked at again.
        let _ = futex::wait(word, futex::Flags::PRIVATE, now, None);
    }
}

fn set(word: &AtomicU32, to: u32) {
    word.store(to, Ordering::Release);
    // Nobody may be asleep yet.
    let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(50_000);
    let word = AtomicU32::new(0);
    let there = || {
        trips(count, || {
            set(&word, 1);
            wait_for(&word, 0);
        })
    };
    let back = || {
        for _ in 0..count {
            wait_for(&word, 1);
            set(&word, 0);
        }
    };
    Ok(on_two_cores(there, back).samples(0, "ping-pong, two threads", "floor futex"))
}

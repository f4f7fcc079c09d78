//! Staying awake for a moment after there was something to do.
//!
//! Programs that talk with each other make the next call some microseconds after an answer. To sleep in between and be woken costs more
//! than that, above all in a virtual machine whose processor stops meanwhile. So whoever had something to do looks for more for a moment,
//! and lets others have the processor between two looks.

use std::io;
use std::time::{Duration, Instant};

use crate::sys::epoll::{Epoll, Events};

/// How long: about what being woken costs, so that at most twice the time is spent.
const MOMENT: Duration = Duration::from_micros(50);

/// Whether there was something to do.
#[derive(Debug, Default)]
pub(super) struct Awake {
    busy: bool,
}

impl Awake {
    /// Whether the last wait found something.
    pub(super) fn found(&mut self, something: bool) {
        self.busy = something;
    }

    /// Looks for a moment, if there was something to do before, and not longer than `timeout`; says whether anything came.
    /// When nothing comes at once, there is time to `prepare`.
    pub(super) fn look_for_more(
        &self,
        epoll: &Epoll,
        events: &mut Events,
        timeout: Option<Duration>,
        prepare: impl FnOnce(),
    ) -> io::Result<bool> {
        if !self.busy {
            return Ok(false);
        }
        let mut prepare = Some(prepare);
        let until = Instant::now() + timeout.unwrap_or(MOMENT).min(MOMENT);
        loop {
            epoll.wait(events, Some(Duration::ZERO))?;
            if !events.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::yield_now();
            if let Some(prepare) = prepare.take() {
                prepare();
            }
        }
    }
}

//! Staying awake for a moment after there was something to do.
//!
//! Programs that talk with each other make the next call some microseconds after an answer. To sleep in between and be woken costs more
//! than that, above all in a virtual machine whose processor stops meanwhile. So whoever had something to do looks for more for a moment,
//! and lets others have the processor between two looks.

use std::io;
use std::time::{Duration, Instant};

use crate::intercept::Supervisor;

/// How long: about what being woken costs, so that at most twice the time is spent.
const MOMENT: Duration = Duration::from_micros(50);

/// Whether there was something to do.
#[derive(Debug, Default)]
pub(super) struct Awake {
    busy: bool,
}

impl Awake {
    /// Waits for something to do, at most `timeout`; if there was something before, by looking for it for a moment first.
    pub(super) fn wait(&mut self, supervisor: &mut Supervisor, timeout: Option<Duration>) -> io::Result<()> {
        self.busy = (self.busy && look_for_more(supervisor, timeout)?) || supervisor.wait(timeout)?;
        Ok(())
    }
}

/// Looks for a moment; says whether anything came. When nothing comes at once, there is time to prepare.
fn look_for_more(supervisor: &mut Supervisor, timeout: Option<Duration>) -> io::Result<bool> {
    let until = Instant::now() + timeout.unwrap_or(MOMENT).min(MOMENT);
    while !supervisor.wait(Some(Duration::ZERO))? {
        supervisor.prepare();
        if Instant::now() >= until {
            return Ok(false);
        }
        std::thread::yield_now();
    }
    Ok(true)
}

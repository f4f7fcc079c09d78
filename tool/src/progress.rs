//! What long work shows on a terminal while it goes on: one line on stderr that is gone when it is over. Nothing in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use loggia_stack::base::Instant;

/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// The line of progress; copies are the same line.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Shows nothing.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Of one run, named `name`, which lasts no longer than `deadline`.
    pub fn run(name: &str, deadline: Duration) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {prefix} {msg}"));
        let most =
            if deadline < Duration::from_secs(86_400) { format!(", {} s at most", deadline.as_secs()) } else { String::new() };
        bar.set_prefix(format!("{name}{most}:"));
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    /// Of several runs, one after the other.
    pub fn runs(count: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {wide_bar} {pos} of {len}, {elapsed}: {msg}"));
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    /// True if nobody sees it.
    pub fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// How far a run is: lab time, and how many of its programs have ended.
    pub fn at(&self, now: Instant, ended: usize, programs: usize) {
        if !self.is_hidden() {
            let seconds = now.since(Instant::EPOCH).as_secs_f64();
            self.0.set_message(format!("{seconds:.1} s of lab time, {ended} of {programs} programs have ended"));
        }
    }

    /// The next of several is this.
    pub fn next(&self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    /// One more of several is done.
    pub fn done(&self) {
        self.0.inc(1);
    }

    /// Prints something above the line.
    pub fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// It is over: the line goes.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

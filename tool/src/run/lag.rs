//! How late the world was: the difference between the moment at which something was due and that at which it was done.

use hdrhistogram::Histogram;
use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

/// Lateness of everything that was due, in microseconds.
#[derive(Clone, Debug)]
pub struct Lag(Histogram<u64>);

impl Default for Lag {
    fn default() -> Self {
        // A minute is the most that is told apart; two digits are enough.
        Self(Histogram::new_with_max(60_000_000, 2).expect("bounds that hdrhistogram allows"))
    }
}

/// What is said of it.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// Moments that were due.
    pub moments: u64,
    /// Half of them were not later than this, in microseconds.
    pub median_us: u64,
    /// Ninety-nine of a hundred were not later than this.
    pub p99_us: u64,
    /// The latest.
    pub max_us: u64,
}

impl Lag {
    /// Something that was `due` is done `now`.
    pub fn met(&mut self, due: Instant, now: Instant) {
        self.0.saturating_record(now.since(due).as_micros() as u64);
    }

    /// What is said of it.
    pub fn summary(&self) -> Summary {
        let Self(histogram) = self;
        Summary {
            moments: histogram.len(),
            median_us: histogram.value_at_quantile(0.5),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
        }
    }
}

impl Summary {
    /// True if more than one of a hundred moments was later than `limit`: the run says nothing about the network it describes.
    pub fn exceeds(&self, limit: Duration) -> bool {
        self.p99_us > limit.as_micros() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_late_more_often_than_once_in_a_hundred_is_too_late() {
        let mut lag = Lag::default();
        let late = |lag: &mut Lag, millis| lag.met(Instant::EPOCH, Instant::from_millis(millis));
        (0..995).for_each(|_| late(&mut lag, 0));
        (0..5).for_each(|_| late(&mut lag, 100));
        assert!(!lag.summary().exceeds(Duration::from_millis(20)));
        assert!(lag.summary().max_us >= 100_000);
        (0..20).for_each(|_| late(&mut lag, 100));
        assert!(lag.summary().exceeds(Duration::from_millis(20)));
    }
}

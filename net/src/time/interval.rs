//! Ticks at even distances.

use std::time::Duration;

use loggia_stack::base::Instant;

use super::sleep::{Sleep, sleep_until};
use crate::host::Host;

/// Ticks now and then every `period`.
pub fn interval(host: &Host, period: Duration) -> Interval {
    interval_at(host, host.now(), period)
}

/// Ticks at `start` and then every `period`.
///
/// # Panics
/// If `period` is zero.
pub fn interval_at(host: &Host, start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval has a length");
    Interval { sleep: sleep_until(host, start), period }
}

/// See [`interval`]. Who comes late gets the ticks that were missed at once, as with tokio's `MissedTickBehavior::Burst`.
/// Once the host has ended all ticks come at once: see [`Sleep`].
#[derive(Debug)]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick; gives the moment it was due. Nothing is lost if this is dropped.
    pub async fn tick(&mut self) -> Instant {
        (&mut self.sleep).await;
        let due = self.sleep.deadline();
        self.sleep.reset(due + self.period);
        due
    }

    /// The distance of two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

//! A deadline in four bytes, for records of which there may be many.

use crate::base::{Duration, Instant};

/// The furthest deadline: what lies up to half an hour ahead can be told from what is over.
const FURTHEST: Duration = Duration::from_mins(30);

/// A deadline in microseconds around 32 bits, at most a microsecond late. A clock that jumps by more than half of the circle (36 minutes)
/// finds one that is over ahead of it, so that what should have ended lasts up to that long once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Near(u32);

impl Near {
    /// So long after now, or half an hour if that is shorter.
    pub(super) fn after(now: Instant, wait: Duration) -> Self {
        Self((now + wait.min(FURTHEST)).nanos().div_ceil(1000) as u32)
    }

    /// When it is, or now if it should have been before.
    pub(super) fn at(self, now: Instant) -> Instant {
        let left = self.0.wrapping_sub(now.micros() as u32) as i32;
        if left > 0 { Instant::from_micros(now.micros() + left as u64) } else { now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_around_the_circle_and_never_early() {
        let minute = Duration::from_secs(60);
        for now in [0, 999, 4_294_967_000_000, 4_294_967_295_999, u64::MAX / 2] {
            let now = Instant::from_nanos(now);
            let near = Near::after(now, minute);
            assert!(near.at(now) >= now + minute && near.at(now) - (now + minute) < Duration::from_micros(1));
            assert_eq!(near.at(now + minute + minute), now + minute + minute, "it is over");
            assert_eq!(Near::after(now, Duration::MAX), Near::after(now, FURTHEST));
        }
    }
}

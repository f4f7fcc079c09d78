//! What becomes of a device whose descriptor calls and calls, and that then has nothing: it rests, longer and longer, instead of burning a
//! core. One that once has something is taken at its word again.

use loggia_stack::base::{Duration, Instant};

/// So often in a row a device may call in vain without a rest: what another thread took away, an error that was told.
const FREE: u32 = 16;

/// The first rest; each next one is twice as long, but for [`DOUBLINGS`].
const FIRST: Duration = Duration::from_millis(1);
const DOUBLINGS: u32 = 7;

/// The rest of one source.
#[derive(Debug, Default)]
pub(super) struct Rest {
    in_vain: u32,
    until: Option<Instant>,
}

impl Rest {
    /// It has called.
    pub(super) fn called(&mut self, in_vain: bool, now: Instant) {
        self.in_vain = if in_vain { self.in_vain.saturating_add(1) } else { 0 };
        let rests = self.in_vain.checked_sub(FREE + 1);
        self.until = rests.map(|rests| now + FIRST * (1 << rests.min(DOUBLINGS)));
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// When it is over, if it is not.
    pub(super) fn end(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_calls_in_vain_rests_longer_and_longer() {
        let (mut rest, mut now) = (Rest::default(), Instant::EPOCH);
        for _ in 0..FREE {
            rest.called(true, now);
            assert!(rest.is_over(now));
        }
        for millis in [1, 2, 4, 8, 16, 32, 64, 128, 128] {
            rest.called(true, now);
            let end = now + Duration::from_millis(millis);
            assert_eq!((rest.is_over(now), rest.is_over(end)), (false, true));
            assert_eq!((rest.end(now), rest.end(end)), (Some(end), None), "nobody wakes up for one that is over");
            now = end;
        }
        rest.called(false, now);
        assert_eq!((rest.is_over(now), rest.end(now)), (true, None));
    }
}

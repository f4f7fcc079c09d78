//! Pacing: when the next (super-)segment may leave (draft-ietf-ccwg-bbr §5.6.2).

use crate::base::{Duration, Instant};

/// So many segments of a connection leave unpaced, as in Linux: the first flight waits for nothing.
const FREE: u32 = 10;

/// The departure times of one connection.
#[derive(Debug)]
pub(in crate::transport::tcp) struct Pacer {
    /// `C.next_send_time`
    next: Instant,
    /// When something that had to wait goes out; never: nothing waits.
    wake: Instant,
    free: u32,
}

impl Pacer {
    pub(super) fn new() -> Self {
        Self { next: Instant::EPOCH, wake: Instant::NEVER, free: FREE }
    }

    /// There is something to send: true if it must wait, until [`Pacer::wake`].
    pub(super) fn holds(&mut self, now: Instant) -> bool {
        let holds = self.next > now;
        self.wake = if holds { self.next } else { Instant::NEVER };
        holds
    }

    /// When what waits may go.
    pub(in crate::transport::tcp) fn wake(&self) -> Instant {
        self.wake
    }

    /// Nothing waits (any more).
    pub(super) fn rest(&mut self) {
        self.wake = Instant::NEVER;
    }

    /// What comes next need not wait: nothing was heard for so long that the path is empty.
    pub(super) fn release(&mut self) {
        self.next = Instant::EPOCH;
    }

    /// `bytes` in `segments` were sent, at so many bytes a second. Who was late may catch up by half of a gap (as in Linux), so that
    /// timers that fire late do not lower the rate.
    pub(super) fn sent(&mut self, now: Instant, bytes: u32, segments: u32, rate: u64) {
        if self.free > 0 {
            self.free = self.free.saturating_sub(segments);
            return;
        }
        let gap = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let gap = Duration::from_nanos(gap.min(u128::from(u64::MAX / 4)) as u64);
        let late = if self.next == Instant::EPOCH { Duration::ZERO } else { now.since(self.next) };
        self.next = self.next.max(now) + gap.saturating_sub(late.min(gap / 2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Pacer {
        let mut pacer = Pacer::new();
        pacer.sent(Instant::EPOCH, 10_000, FREE, 1);
        pacer
    }

    /// draft-ietf-ccwg-bbr §5.6.2: the next departure is a segment's time at the pacing rate later.
    #[test]
    fn a_gap_follows_what_was_sent() {
        let (mut pacer, start) = (begun(), Instant::from_secs(1));
        assert!(!pacer.holds(start) && !pacer.wake().is_set());
        pacer.sent(start, 1000, 1, 100_000);
        assert!(pacer.holds(start));
        assert_eq!(pacer.wake(), start + Duration::from_millis(10));
        assert!(!pacer.holds(pacer.wake()));
    }

    #[test]
    fn who_is_late_catches_up_by_half_a_gap() {
        let (mut pacer, start) = (begun(), Instant::from_secs(1));
        pacer.sent(start, 1000, 1, 100_000);
        for (late, gap) in [(2, 8), (500, 5)] {
            let now = pacer.next + Duration::from_millis(late);
            pacer.sent(now, 1000, 1, 100_000);
            assert_eq!(pacer.next, now + Duration::from_millis(gap), "{late} ms late");
        }
    }

    #[test]
    fn the_first_flight_does_not_wait() {
        let (mut pacer, now) = (Pacer::new(), Instant::from_secs(1));
        for _ in 0..FREE {
            assert!(!pacer.holds(now));
            pacer.sent(now, 1000, 1, 1);
        }
        pacer.sent(now, 1000, 1, 1);
        assert!(pacer.holds(now));
    }
}

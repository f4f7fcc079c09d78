//! A train of acknowledgements: how close they come tells what the narrowest link delivers, and how much the path holds.
//!
//! ```text
//!   │││││││││││││││              ┄      bytes in the train / its length = what the narrowest link delivers;
//!   ├── length ──┤                      times the shortest round trip   = what the path holds
//!   ├─────── round trip ─────────┤
//! ```
//!
//! After Linux's HyStart, which looks only at the length. What is measured here is told after a quarter of a round trip, and a pause, or a delayed
//! acknowledgement, is no part of a train.

use crate::base::{Duration, Instant};

/// Acknowledgements no further apart than this (Linux's `hystart_ack_delta_us`) and than this part of a round trip belong together ...
const GAP: u32 = 2_000;
const GAP_DIVISOR: u32 = 16;
/// ... and on slow links those that come in steps like those before, up to this part of a round trip.
const STEP_DIVISOR: u32 = 8;
/// A train tells nothing before it is as long as this part of the round trip, and as this, and tells of so many segments.
const TRAIN_DIVISOR: u32 = 4;
const SHORTEST_TRAIN: u32 = 1_000;
const LEAST_SEGMENTS: u32 = 8;

/// A tick, as a shift of microseconds: 64 of them.
const TICK: u32 = 6;
/// In [`Train::length`]: the first acknowledgement is yet to come.
const NONE: u16 = u16::MAX;

/// The present train. Times are in ticks of a clock that goes around in four seconds: trains are shorter.
#[derive(Clone, Debug)]
pub(super) struct Train {
    /// Acknowledged since it began.
    bytes: u32,
    begin: u16,
    /// From the first acknowledgement to the last.
    length: u16,
}

impl Default for Train {
    fn default() -> Self {
        Self { bytes: 0, begin: 0, length: NONE }
    }
}

impl Train {
    /// What comes next is no part of it.
    pub(super) fn end(&mut self) {
        self.length = NONE;
    }

    /// An acknowledgement of so many bytes. Gives how many the path seems to hold, once the train tells.
    pub(super) fn couple(&mut self, now: Instant, acked: u32, mss: u32, round_trip: Duration) -> Option<u64> {
        let clock = (now.micros() >> TICK) as u16;
        let (round_trip, since) = (round_trip.as_micros() as u32, clock.wrapping_sub(self.begin));
        if self.length == NONE || since == NONE || !self.continues(since, acked, round_trip) {
            *self = Self { bytes: 0, begin: clock, length: 0 };
            return None;
        }
        if self.quickens(since, acked) {
            *self = Self { bytes: 0, begin: self.begin.wrapping_add(self.length), length: 0 };
        }
        self.bytes = self.bytes.saturating_add(acked);
        self.length = clock.wrapping_sub(self.begin);
        let length = micros(self.length);
        let tells = length >= (round_trip / TRAIN_DIVISOR).max(SHORTEST_TRAIN) && self.bytes >= LEAST_SEGMENTS * mss;
        tells.then(|| u64::from(self.bytes) * u64::from(round_trip) / u64::from(length))
    }

    /// No pause was before what comes now.
    fn continues(&self, since: u16, acked: u32, round_trip: u32) -> bool {
        let step = micros(since.wrapping_sub(self.length));
        let is_near = step <= GAP.min(round_trip / GAP_DIVISOR);
        // By the byte it is no longer than two of those before.
        let is_even = u64::from(step) * u64::from(self.bytes) <= 2 * u64::from(acked) * u64::from(micros(self.length));
        is_near || (is_even && step <= round_trip / STEP_DIVISOR)
    }

    /// By the byte this step is shorter than a quarter of those before: what was taken for the first of them was a pause.
    fn quickens(&self, since: u16, acked: u32) -> bool {
        let step = micros(since.wrapping_sub(self.length));
        u64::from(micros(self.length)) * u64::from(acked) > 4 * u64::from(step) * u64::from(self.bytes)
    }
}

fn micros(ticks: u16) -> u32 {
    u32::from(ticks) << TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1000;
    const ROUND_TRIP: Duration = Duration::from_millis(50);

    /// Acknowledgements of two segments, one every so many microseconds from then on; gives what the last of them tells.
    fn steps(train: &mut Train, from_us: u64, count: u64, every_us: u64) -> Option<u64> {
        let at = |n| Instant::from_micros(from_us + n * every_us);
        (0..count).map(|n| train.couple(at(n), 2 * MSS, MSS, ROUND_TRIP)).last().flatten()
    }

    /// Whatever the clock says; nothing is told before a quarter of a round trip.
    #[test]
    fn a_train_tells_what_the_path_holds() {
        for begin in [0, 4_190_000, 123_456_789] {
            let mut train = Train::default();
            assert_eq!(steps(&mut train, begin, 50, 240), None);
            let held = steps(&mut train, begin + 50 * 240, 50, 240).expect("long enough");
            assert!(held.abs_diff(2_000 * 50_000 / 240) < 8_000, "{held}");
        }
    }

    /// On a slow link the steps are long.
    #[test]
    fn long_steps_make_a_train_too() {
        let held = steps(&mut Train::default(), 1_000_000, 10, 5_000).expect("long enough");
        assert!(held.abs_diff(20_000) < 1_000, "{held}");
    }

    /// A pause begins another one.
    #[test]
    fn what_comes_after_a_pause_is_another_train() {
        let mut train = Train::default();
        steps(&mut train, 0, 40, 240);
        assert_eq!(steps(&mut train, 40 * 240 + 3_000, 40, 240), None);
        train.end();
        assert_eq!(steps(&mut train, 100_000, 50, 240), None);
    }

    /// The acknowledgement that a timer sent for the last segment of a round, a little before the next round.
    #[test]
    fn a_delayed_acknowledgement_is_no_part_of_it() {
        let mut train = Train::default();
        train.couple(Instant::from_micros(100_000), MSS, MSS, ROUND_TRIP);
        let held = steps(&mut train, 105_500, 60, 240).expect("long enough");
        assert!(held.abs_diff(2_000 * 50_000 / 240) < 10_000, "{held}");
    }
}

//! HyStart++ (RFC 9406): the first slow start ends when the round trip grows, before the queue overflows.
//!
//! The RFC ends a round when the sequence number that was next at its start is acknowledged; here the bytes that were in flight at
//! its start are counted down, which is the same without keeping sequence numbers.

use super::Ack;
use super::window::Window;

/// RFC 9406 §4.3, in microseconds where times.
const MIN_RTT_THRESH: u32 = 4_000;
const MAX_RTT_THRESH: u32 = 16_000;
const MIN_RTT_DIVISOR: u32 = 8;
const CSS_GROWTH_DIVISOR: u32 = 4;

const NONE: u32 = u32::MAX;

/// What it knows of the rounds. Times are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    last_round_min: u32,
    this_round_min: u32,
    /// The lowest round trip of the round that ended slow start; `NONE` while that goes on.
    css_baseline: u32,
    /// Bytes until the round is over; `NONE` before the first.
    round_left: u32,
    samples: u8,
    css_rounds: u8,
    /// RFC 9406 §4.3 `N_RTT_SAMPLE` and `CSS_ROUNDS`.
    samples_wanted: u8,
    css_rounds_wanted: u8,
}

impl Default for HyStart {
    fn default() -> Self {
        Self {
            last_round_min: NONE,
            this_round_min: NONE,
            css_baseline: NONE,
            round_left: NONE,
            samples: 0,
            css_rounds: 0,
            samples_wanted: 8,
            css_rounds_wanted: 5,
        }
    }
}

impl HyStart {
    /// How many samples a round must have to say anything, and how many careful rounds end slow start; with none of them it ends at once,
    /// as Linux has it.
    pub(super) fn set(&mut self, samples: u8, css_rounds: u8) {
        self.samples_wanted = samples;
        self.css_rounds_wanted = css_rounds;
    }

    /// Grows the window. When the conservative phase has lasted long enough it sets `ssthresh` and slow start is over.
    pub(super) fn acked(&mut self, window: &mut Window, ack: &Ack) {
        if self.round_left == NONE {
            self.round_left = ack.in_flight;
        }
        if let Some(rtt) = ack.rtt {
            self.sample(window, rtt.as_micros().min(u128::from(NONE - 1)) as u32);
        }
        self.count_round(window, ack);
        // No limit of 8 segments an acknowledgement (RFC 9406 §4.3, L): see `Window::slow_start`.
        let growth = if self.in_css() { ack.acked / CSS_GROWTH_DIVISOR } else { ack.acked };
        if ack.limited && window.in_slow_start() {
            window.slow_start(growth);
        }
    }

    fn in_css(&self) -> bool {
        self.css_baseline != NONE
    }

    fn count_round(&mut self, window: &mut Window, ack: &Ack) {
        if self.round_left > ack.acked {
            self.round_left -= ack.acked;
            return;
        }
        // If nothing is in flight there is no round: it begins with what is sent next.
        self.round_left = match ack.in_flight.saturating_sub(ack.acked) {
            0 => NONE,
            left => left.min(NONE - 1),
        };
        self.last_round_min = self.this_round_min;
        self.this_round_min = NONE;
        self.samples = 0;
        if self.in_css() {
            self.css_rounds += 1;
            if self.css_rounds >= self.css_rounds_wanted {
                window.ssthresh = window.cwnd;
            }
        }
    }

    fn sample(&mut self, window: &mut Window, rtt: u32) {
        self.this_round_min = self.this_round_min.min(rtt);
        self.samples = self.samples.saturating_add(1);
        if self.samples < self.samples_wanted {
            return;
        }
        if self.in_css() {
            if self.this_round_min < self.css_baseline {
                // It was a false alarm: slow start goes on.
                self.css_baseline = NONE;
            }
        } else if self.last_round_min != NONE {
            let threshold = (self.last_round_min / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
            if self.this_round_min >= self.last_round_min.saturating_add(threshold) {
                self.css_baseline = self.this_round_min;
                self.css_rounds = 0;
                if self.css_rounds_wanted == 0 {
                    window.ssthresh = window.cwnd;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::UNLIMITED;
    use super::*;
    use crate::base::{Duration, Instant};

    const MSS: u32 = 1000;

    /// `cwnd` bytes in flight, all acknowledged with the same round trip. (The rounds that HyStart++ sees begin a little earlier:
    /// what an acknowledgement lets go is sent after a round has begun by it.)
    fn round(start: &mut HyStart, window: &mut Window, rtt: Duration) {
        let mut in_flight = window.cwnd;
        for _ in 0..window.cwnd / MSS {
            let ack = Ack { now: Instant::EPOCH, acked: MSS, in_flight, srtt: Some(rtt), rtt: Some(rtt), limited: true };
            start.acked(window, &ack);
            // The window grows and so does what is in flight.
            in_flight = window.cwnd;
        }
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// RFC 9406 §4.2: on a steady path nothing changes, and `cwnd` doubles.
    #[test]
    fn a_steady_round_trip_is_slow_start() {
        let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
        for n in 1..8 {
            round(&mut start, &mut window, ms(50));
            assert_eq!((window.cwnd, window.ssthresh), ((10 * MSS) << n, UNLIMITED));
        }
    }

    /// RFC 9406 §4.2: a round trip that grew by an eighth ends slow start after five careful rounds.
    #[test]
    fn a_growing_round_trip_ends_it_after_five_rounds_at_a_quarter_of_the_speed() {
        let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
        round(&mut start, &mut window, ms(50));
        round(&mut start, &mut window, ms(50));
        round(&mut start, &mut window, ms(57));
        let before = window.cwnd;
        round(&mut start, &mut window, ms(57));
        assert!(start.in_css() && window.cwnd < before * 2);
        let mut rounds = 1;
        while window.in_slow_start() {
            let before = window.cwnd;
            round(&mut start, &mut window, ms(57));
            assert!(window.cwnd <= before * 5 / 4 + MSS);
            rounds += 1;
        }
        assert!((5..=6).contains(&rounds), "{rounds}");
    }

    /// Linux's HyStart has no careful rounds, and looks at the ninth sample.
    #[test]
    fn without_careful_rounds_it_ends_at_once() {
        let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
        start.set(9, 0);
        round(&mut start, &mut window, ms(200));
        round(&mut start, &mut window, ms(200));
        round(&mut start, &mut window, ms(240));
        let before = window.cwnd;
        round(&mut start, &mut window, ms(240));
        // The round that begins in the middle of these has nine samples soon.
        assert!(window.cwnd < before + 9 * MSS && window.ssthresh == window.cwnd, "{window:?}");
    }

    /// RFC 9406 §4.2: one acknowledgement of all that is in flight ends a round; the next begins with what is sent then.
    #[test]
    fn a_round_without_anything_in_flight_is_none() {
        let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
        let ack = |acked, in_flight, millis| Ack {
            now: Instant::EPOCH,
            acked,
            in_flight,
            srtt: None,
            rtt: Some(ms(millis)),
            limited: true,
        };
        start.acked(&mut window, &ack(10 * MSS, 10 * MSS, 200));
        for n in 0..8 {
            assert!(!start.in_css(), "{n}");
            start.acked(&mut window, &ack(2 * MSS, (20 - n) * MSS, 240));
        }
        assert!(start.in_css(), "eight samples of the second round");
    }

    /// RFC 9406 §4.2: if the round trip falls again, it was a false alarm.
    #[test]
    fn a_passing_peak_does_not_end_it() {
        let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
        round(&mut start, &mut window, ms(50));
        round(&mut start, &mut window, ms(50));
        round(&mut start, &mut window, ms(60));
        round(&mut start, &mut window, ms(60));
        assert!(start.in_css());
        round(&mut start, &mut window, ms(50));
        assert!(!start.in_css() && window.ssthresh == UNLIMITED);
    }

    /// RFC 9406 §4.3: at least 4 ms, at most 16 ms.
    #[test]
    fn the_threshold_has_bounds() {
        for (steady, grown, ends) in [(2, 5, false), (2, 6, true), (400, 415, false), (400, 416, true)] {
            let (mut start, mut window) = (HyStart::default(), Window::new(MSS));
            round(&mut start, &mut window, ms(steady));
            round(&mut start, &mut window, ms(steady));
            round(&mut start, &mut window, ms(grown));
            round(&mut start, &mut window, ms(grown));
            assert_eq!(start.in_css(), ends, "{steady} ms, then {grown} ms");
        }
    }
}

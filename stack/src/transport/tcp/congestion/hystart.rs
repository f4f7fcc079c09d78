//! HyStart++ (RFC 9406): the first slow start ends when the round trip grows, before the queue overflows; and, where the queue is too short
//! for that to be seen, when the acknowledgements of a round come for about as long as a round trip takes.
//!
//! From half of what the path holds on the window grows as in the careful phase, at the whole of it slow start is over. Linux leaves slow start
//! at about half (its acknowledgement train), RFC 9406 knows only the round trip's growth: on a queue shorter than an eighth of the round trip that
//! is never seen, and as much is lost as the path holds.
//!
//! The RFC ends a round when the sequence number that was next at its start is acknowledged; here the bytes that were in flight at
//! its start are counted down, which is the same without keeping sequence numbers.

use super::Ack;
use super::train::Train;
use super::window::Window;
use crate::base::Duration;

/// RFC 9406 §4.3, in microseconds where times.
const MIN_RTT_THRESH: u32 = 4_000;
const MAX_RTT_THRESH: u32 = 16_000;
const MIN_RTT_DIVISOR: u32 = 8;
const CSS_GROWTH_DIVISOR: u32 = 4;

/// Smaller windows are not worth the care (Linux's `hystart_low_window`), in segments.
const LOW_WINDOW: u32 = 16;
const NONE: u32 = u32::MAX;
/// In [`HyStart::css_rounds`]: slow start goes on.
const NOT_IN_CSS: u8 = u8::MAX;

/// How HyStart++ is to be (RFC 9406 §4.3 `N_RTT_SAMPLE` and `CSS_ROUNDS`).
#[derive(Clone, Copy, Debug)]
pub struct Careful {
    /// So many samples a round must have to say anything.
    pub samples: u8,
    /// So many careful rounds end slow start; with none of them it ends at once, as Linux has it.
    pub css_rounds: u8,
}

/// What it knows of the rounds. Times are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct HyStart {
    /// The lowest round trip of the round before this one; in the careful phase that of the round that ended slow start, or 0 if it was not a
    /// longer round trip that did.
    base_min: u32,
    this_round_min: u32,
    /// Bytes until the round is over; `NONE` before the first.
    round_left: u32,
    train: Train,
    samples: u8,
    css_rounds: u8,
}

impl Default for HyStart {
    fn default() -> Self {
        Self {
            base_min: NONE,
            this_round_min: NONE,
            round_left: NONE,
            train: Train::default(),
            samples: 0,
            css_rounds: NOT_IN_CSS,
        }
    }
}

impl HyStart {
    /// Grows the window. When slow start is to end it sets `ssthresh`.
    pub(super) fn acked(&mut self, window: &mut Window, ack: &Ack, careful: Careful) {
        if self.round_left == NONE {
            self.round_left = ack.in_flight;
        }
        if let Some(rtt) = ack.rtt {
            self.sample(window, in_micros(rtt), careful);
        }
        self.measure(window, ack, careful);
        self.count_round(window, ack, careful);
        // No limit of 8 segments an acknowledgement (RFC 9406 §4.3, L): see `Window::slow_start`.
        let growth = if self.in_css() { ack.acked / CSS_GROWTH_DIVISOR } else { ack.acked };
        if ack.limited && window.in_slow_start() {
            window.slow_start(growth);
        }
    }

    fn in_css(&self) -> bool {
        self.css_rounds != NOT_IN_CSS
    }

    /// Care begins; `baseline`: a shorter round trip than this would show that it need not have.
    fn enter_css(&mut self, window: &mut Window, baseline: u32, careful: Careful) {
        self.base_min = baseline;
        self.css_rounds = 0;
        if careful.css_rounds == 0 {
            window.ssthresh = window.cwnd;
        }
    }

    fn count_round(&mut self, window: &mut Window, ack: &Ack, careful: Careful) {
        if self.round_left > ack.acked {
            self.round_left -= ack.acked;
            return;
        }
        // If nothing is in flight there is no round: it begins with what is sent next.
        self.round_left = match ack.in_flight.saturating_sub(ack.acked) {
            0 => NONE,
            left => left.min(NONE - 1),
        };
        self.train.end();
        let round_min = core::mem::replace(&mut self.this_round_min, NONE);
        self.samples = 0;
        if self.in_css() {
            self.css_rounds += 1;
            if self.css_rounds >= careful.css_rounds.min(NOT_IN_CSS - 1) {
                window.ssthresh = window.cwnd;
            }
        } else {
            self.base_min = round_min;
        }
    }

    fn sample(&mut self, window: &mut Window, rtt: u32, careful: Careful) {
        self.this_round_min = self.this_round_min.min(rtt);
        self.samples = self.samples.saturating_add(1);
        if self.samples < careful.samples {
            return;
        }
        if self.in_css() {
            if self.this_round_min < self.base_min {
                // It was a false alarm: slow start goes on. What the next round is compared with is this one.
                self.css_rounds = NOT_IN_CSS;
                self.base_min = NONE;
            }
        } else if self.base_min != NONE {
            let threshold = (self.base_min / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
            if self.this_round_min >= self.base_min.saturating_add(threshold) {
                self.enter_css(window, self.this_round_min, careful);
            }
        }
    }

    /// How much does the path hold?
    fn measure(&mut self, window: &mut Window, ack: &Ack, careful: Careful) {
        let held = ack.lowest.and_then(|lowest| self.train.couple(ack.now, ack.acked, window.mss, lowest));
        let Some(held) = held.filter(|_| ack.limited && window.cwnd >= LOW_WINDOW * window.mss) else { return };
        let cwnd = u64::from(window.cwnd);
        if cwnd >= held {
            window.ssthresh = window.cwnd;
        } else if 2 * cwnd >= held && !self.in_css() && careful.css_rounds > 0 {
            self.enter_css(window, 0, careful);
        }
    }
}

fn in_micros(time: Duration) -> u32 {
    time.as_micros() as u32
}

#[cfg(test)]
mod tests {
    use super::super::window::UNLIMITED;
    use super::*;
    use crate::base::{Duration, Entropy, Instant};
    use alloc::collections::VecDeque;

    const MSS: u32 = 1000;
    /// RFC 9406 §4.3.
    const CAREFUL: Careful = Careful { samples: 8, css_rounds: 5 };
    /// Linux's.
    const AT_ONCE: Careful = Careful { samples: 9, css_rounds: 0 };

    /// `cwnd` bytes in flight, all acknowledged with the same round trip. (The rounds that HyStart++ sees begin a little earlier:
    /// what an acknowledgement lets go is sent after a round has begun by it.)
    fn round(start: &mut HyStart, window: &mut Window, rtt: Duration) {
        round_as(CAREFUL, start, window, rtt);
    }

    fn round_as(careful: Careful, start: &mut HyStart, window: &mut Window, rtt: Duration) {
        let mut in_flight = window.cwnd;
        for _ in 0..window.cwnd / MSS {
            let rtt = Some(rtt);
            let ack = Ack { now: Instant::EPOCH, acked: MSS, in_flight, srtt: rtt, rtt, lowest: rtt, limited: true };
            start.acked(window, &ack, careful);
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
        round_as(AT_ONCE, &mut start, &mut window, ms(200));
        round_as(AT_ONCE, &mut start, &mut window, ms(200));
        round_as(AT_ONCE, &mut start, &mut window, ms(240));
        let before = window.cwnd;
        round_as(AT_ONCE, &mut start, &mut window, ms(240));
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
            lowest: None,
            limited: true,
        };
        start.acked(&mut window, &ack(10 * MSS, 10 * MSS, 200), CAREFUL);
        for n in 0..8 {
            assert!(!start.in_css(), "{n}");
            start.acked(&mut window, &ack(2 * MSS, (20 - n) * MSS, 240), CAREFUL);
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

    /// A path that delivers a segment every so many microseconds, its queue without end; acknowledgements are late by up to `jitter`. Gives the
    /// window at which the first slow start ends and the longest queue, both in parts of what the path holds.
    fn leaves_at(round_trip: Duration, spacing: Duration, jitter: Duration) -> (f64, f64) {
        let (mut start, mut window, mut entropy) = (HyStart::default(), Window::new(MSS), Entropy::new(7.into()));
        let held = round_trip.as_secs_f64() / spacing.as_secs_f64();
        // When the last segment leaves the narrowest link; when each was sent and its acknowledgement arrives.
        let (mut now, mut free, mut longest) = (Instant::from_millis(1), Instant::EPOCH, 0.0_f64);
        let mut under_way: VecDeque<(Instant, Instant)> = VecDeque::new();
        while window.in_slow_start() {
            while (under_way.len() as u32 + 1) * MSS <= window.cwnd {
                free = free.max(now) + spacing;
                longest = longest.max(free.since(now).as_secs_f64() / spacing.as_secs_f64() / held);
                let late = jitter * entropy.below(1001) / 1000;
                let arrives = under_way.back().map_or(Instant::EPOCH, |(_, before)| *before).max(free + round_trip + late);
                under_way.push_back((now, arrives));
            }
            let in_flight = under_way.len() as u32 * MSS;
            let (sent, arrives) = under_way.pop_front().expect("something is under way");
            let rtt = Some(arrives - sent);
            now = arrives;
            let ack = Ack { now, acked: MSS, in_flight, srtt: rtt, rtt, lowest: Some(round_trip), limited: true };
            start.acked(&mut window, &ack, CAREFUL);
        }
        (f64::from(window.cwnd / MSS) / held, longest)
    }

    /// Where the path is known from the distance of acknowledgements slow start ends when it is full, and the queue never holds half of what
    /// it does.
    #[test]
    fn a_full_path_ends_it_though_the_round_trip_has_hardly_grown() {
        for (millis, micros) in [(10, 120), (20, 120), (50, 240), (100, 120), (100, 1200), (300, 600)] {
            let (window, queue) = leaves_at(ms(millis), Duration::from_micros(micros), Duration::ZERO);
            assert!((0.6..=1.3).contains(&window), "{millis} ms, {micros} us: {window} of the path");
            assert!(queue <= 0.5, "{millis} ms, {micros} us: a queue of {queue} of the path");
        }
    }

    /// Acknowledgements that come evenly though nothing holds them back do not end it before the window is as large as the path.
    #[test]
    fn jitter_does_not_end_it_much_too_early() {
        for jitter in [ms(1), ms(5)] {
            let (window, _) = leaves_at(ms(100), Duration::from_micros(120), jitter);
            assert!(window >= 0.3, "{jitter:?}: {window} of the path");
        }
    }
}

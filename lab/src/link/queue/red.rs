//! Random early detection (Floyd and Jacobson 1993), by bytes, gentle: above `max` the probability rises to 1 at twice `max`.
//!
//! Only additions, multiplications and divisions are used, which give the same bits on every machine.

use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

use crate::link::draw::{Draws, Odds, Purpose};
use crate::link::packet::Packet;

/// A packet of this size meets the stated probability; a larger one a larger, a smaller one a smaller.
const TYPICAL: f64 = 1000.0;

/// The average of the queue, and what follows from it.
#[derive(Debug)]
pub(in crate::link) struct Red {
    min: f64,
    max: f64,
    probability: f64,
    weight: f64,
    ecn: bool,
    /// How long a packet of a thousand bytes takes: so many would have found an idle queue empty.
    pace: Duration,
    draws: Draws,
    average: f64,
    /// Packets since the last that was dropped or marked.
    count: u64,
    /// Since when the queue is empty.
    idle: Option<Instant>,
}

impl Red {
    pub(super) fn new(min: u64, max: u64, probability: f64, weight: f64, ecn: bool, pace: Duration, draws: Draws) -> Self {
        Self {
            min: min as f64,
            max: max.max(min + 1) as f64,
            probability: probability.clamp(0.0, 1.0),
            weight: weight.clamp(0.0, 1.0),
            ecn,
            pace,
            draws,
            average: 0.0,
            count: 0,
            idle: Some(Instant::EPOCH),
        }
    }

    pub(super) fn set_pace(&mut self, pace: Duration) {
        self.pace = pace;
    }

    /// True if the packet may join a queue of `bytes`. It may have been marked for that.
    pub(super) fn spares(&mut self, packet: &mut Packet, bytes: u64, now: Instant) -> bool {
        self.sample(bytes, now);
        if self.average >= 2.0 * self.max {
            self.count = 0;
            return false;
        }
        if self.average < self.min {
            self.count = 0;
            return true;
        }
        self.count += 1;
        let odds = Odds::new(self.odds(packet.size));
        if !odds.hit(self.draws.draw(Purpose::Red, packet.flow, packet.number)) {
            return true;
        }
        self.count = 0;
        self.ecn && packet.mark()
    }

    /// A packet left; the queue may be empty now.
    pub(super) fn left(&mut self, is_empty: bool, at: Instant) {
        self.idle = is_empty.then_some(at);
    }

    fn sample(&mut self, bytes: u64, now: Instant) {
        match self.idle.take() {
            Some(since) if bytes == 0 => {
                let pace = self.pace.as_nanos().max(1);
                let missed = u64::try_from(now.since(since).as_nanos() / pace).unwrap_or(u64::MAX);
                self.average *= power(1.0 - self.weight, missed);
            }
            _ => self.average += self.weight * (bytes as f64 - self.average),
        }
    }

    /// With the number of packets since the last, so that drops are spread evenly.
    fn odds(&self, size: u32) -> f64 {
        let base = self.base() * f64::from(size) / TYPICAL;
        let since = base * (self.count - 1) as f64;
        if since < 1.0 { base / (1.0 - since) } else { 1.0 }
    }

    /// The probability that belongs to the average.
    fn base(&self) -> f64 {
        if self.average < self.max {
            self.probability * (self.average - self.min) / (self.max - self.min)
        } else {
            self.probability + (1.0 - self.probability) * (self.average - self.max) / self.max
        }
    }
}

/// By squaring: `powi` promises no bits.
fn power(base: f64, exponent: u64) -> f64 {
    let (mut power, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            power *= square;
        }
        square *= square;
        rest >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::PipeSeed;

    fn red(weight: f64) -> Red {
        Red::new(10_000, 30_000, 0.1, weight, false, Duration::from_millis(1), Draws::new(PipeSeed([1; 16])))
    }

    #[test]
    fn the_average_follows_the_queue_and_falls_while_there_is_none() {
        let mut red = red(0.5);
        for _ in 0..40 {
            red.spares(&mut Packet::sample(1000, Instant::EPOCH), 16_000, Instant::EPOCH);
        }
        assert!((red.average - 16_000.0).abs() < 0.01, "{}", red.average);
        red.left(true, Instant::from_millis(100));
        red.spares(&mut Packet::sample(1000, Instant::EPOCH), 0, Instant::from_millis(104));
        assert!((red.average - 1000.0).abs() < 0.01, "four packets would have found it empty: {}", red.average);
    }

    #[test]
    fn the_probability_rises_in_two_lines() {
        let mut red = red(1.0);
        let mut at = |average: f64| {
            red.average = average;
            red.base()
        };
        for (average, probability) in [(10_000.0, 0.0), (20_000.0, 0.05), (30_000.0, 0.1), (45_000.0, 0.55), (60_000.0, 1.0)] {
            assert!((at(average) - probability).abs() < 1e-9, "{average}");
        }
    }

    #[test]
    fn powers_are_powers() {
        assert!((power(0.998, 1000) - 0.998_f64.powi(1000)).abs() < 1e-12);
        assert!(power(0.5, u64::MAX).abs() < 1e-12 && (power(0.5, 0) - 1.0).abs() < 1e-12);
    }
}

//! One direction of a link: a queue in front of a rate, then a delay line on which a frame may be lost, late, doubled or damaged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};

use super::random::Random;

/// What a wire does to frames. Probabilities are between 0 and 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// One way.
    pub(crate) delay: Duration,
    /// Added to the delay, evenly distributed between nothing and this; frames may overtake each other.
    pub(crate) jitter: Duration,
    /// Each flow's delay is `delay` times a factor of its own between 1 - `spread` and 1 + `spread`.
    pub(crate) spread: f64,
    /// How many frames are lost.
    pub(crate) loss: f64,
    /// They are not lost each by itself but in bursts.
    pub(crate) bursts: Option<Bursts>,
    /// How many arrive twice.
    pub(crate) duplicate: f64,
    /// How many arrive with one bit flipped.
    pub(crate) corrupt: f64,
    /// How many arrive `late`.
    pub(crate) reorder: f64,
    /// By how much.
    pub(crate) late: Duration,
    /// Bits a second; 0: no limit.
    pub(crate) rate: u64,
    /// Bytes that may wait for the rate; more are dropped.
    pub(crate) queue: u64,
}

/// Gilbert and Elliott's two states: in the good one nothing is lost, in the bad one much. How often the bad one comes follows from
/// how many frames are lost in all.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bursts {
    /// Frames that the bad state lasts, in the mean.
    pub(crate) length: f64,
    /// How many of them are lost.
    pub(crate) density: f64,
}

impl Bursts {
    /// Probabilities at each frame: of the good state ending, and of the bad one.
    fn turns(self, loss: f64) -> [f64; 2] {
        let (bad, leave) = (loss / self.density, 1.0 / self.length);
        [leave * bad / (1.0 - bad), leave]
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            spread: 0.0,
            loss: 0.0,
            bursts: None,
            duplicate: 0.0,
            corrupt: 0.0,
            reorder: 0.0,
            late: Duration::ZERO,
            rate: 0,
            queue: u64::MAX,
        }
    }
}

/// What became of the frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Fates {
    /// Put onto the wire.
    pub(crate) sent: u64,
    /// Lost on it.
    pub(crate) lost: u64,
    /// Dropped because the queue was full.
    pub(crate) dropped: u64,
    /// Doubled.
    pub(crate) doubled: u64,
    /// Damaged.
    pub(crate) damaged: u64,
    /// Late.
    pub(crate) late: u64,
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct Wire {
    /// What it does; may be changed on the way.
    pub(crate) conditions: Conditions,
    /// What it did.
    pub(crate) fates: Fates,
    random: Random,
    /// Of [`Bursts`].
    bad: bool,
    lots: u64,
    /// When the last bit of what was accepted so far is on the wire.
    free_at: Instant,
    /// Arrival, number (so that equals keep their order), bytes.
    under_way: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    number: u64,
}

impl Wire {
    /// An empty wire.
    pub(crate) fn new(conditions: Conditions, random: Random) -> Self {
        let mut random = random;
        let lots = random.next();
        Self {
            conditions,
            fates: Fates::default(),
            random,
            bad: false,
            lots,
            free_at: Instant::EPOCH,
            under_way: BinaryHeap::new(),
            number: 0,
        }
    }

    /// A frame leaves. Only its bytes go: what the sender knew of it does not cross a real wire.
    pub(crate) fn put(&mut self, now: Instant, frame: &Frame) {
        self.fates.sent += 1;
        let Some(leaves) = self.serialize(now, frame.len() as u64) else {
            self.fates.dropped += 1;
            return;
        };
        let conditions = self.conditions;
        if self.loses() {
            self.fates.lost += 1;
            return;
        }
        let mut bytes = frame.to_vec();
        if self.random.chance(conditions.corrupt) {
            self.fates.damaged += 1;
            let bit = self.random.below(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if self.random.chance(conditions.duplicate) {
            self.fates.doubled += 1;
            self.launch(leaves, bytes.clone());
        }
        self.launch(leaves, bytes);
    }

    /// When the frame's last bit is on the wire; none if the queue is full.
    fn serialize(&mut self, now: Instant, len: u64) -> Option<Instant> {
        let Conditions { rate, queue, .. } = self.conditions;
        if rate == 0 {
            return Some(now);
        }
        let begins = self.free_at.max(now);
        let waiting = begins.since(now).as_nanos() as u64 / 8 * rate / 1_000_000_000;
        if waiting + len > queue {
            return None;
        }
        self.free_at = begins + Duration::from_nanos(len * 8 * 1_000_000_000 / rate);
        Some(self.free_at)
    }

    fn loses(&mut self) -> bool {
        let Conditions { loss, bursts, .. } = self.conditions;
        let Some(bursts) = bursts else { return self.random.chance(loss) };
        let [enter, leave] = bursts.turns(loss);
        self.bad = if self.bad { !self.random.chance(leave) } else { self.random.chance(enter) };
        self.bad && self.random.chance(bursts.density)
    }

    fn launch(&mut self, leaves: Instant, bytes: Vec<u8>) {
        let Conditions { delay, jitter, spread, reorder, late, .. } = self.conditions;
        let factor = if spread > 0.0 { 1.0 + spread * self.lot(&bytes) } else { 1.0 };
        let mut arrives = leaves + delay.mul_f64(factor);
        if !jitter.is_zero() {
            arrives += Duration::from_nanos(self.random.below(jitter.as_nanos() as u64));
        }
        if self.random.chance(reorder) {
            self.fates.late += 1;
            arrives += late;
        }
        self.number += 1;
        self.under_way.push(Reverse((arrives, self.number, bytes)));
    }

    /// A number from -1 to 1 that belongs to an IPv4 frame's ports, in either order, and to this wire.
    fn lot(&self, bytes: &[u8]) -> f64 {
        let port = |at| bytes.get(at..at + 2).map_or(0, |two| u64::from(two[0]) << 8 | u64::from(two[1]));
        let mut lot = Random::new(self.lots, port(20).max(port(22)) << 16 | port(20).min(port(22)));
        lot.below(2001) as f64 / 1000.0 - 1.0
    }

    /// When the next frame arrives.
    pub(crate) fn next_arrival(&self) -> Instant {
        self.under_way.peek().map_or(Instant::NEVER, |Reverse((arrives, ..))| *arrives)
    }

    /// The next frame that has arrived.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Frame> {
        if self.next_arrival() > now {
            return None;
        }
        self.under_way.pop().map(|Reverse((_, _, bytes))| Frame::from(bytes::Bytes::from(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(len: usize) -> Frame {
        Frame::from(&vec![7u8; len][..])
    }

    fn arrivals(wire: &mut Wire) -> Vec<u64> {
        let mut at = Vec::new();
        while wire.next_arrival().is_set() {
            let now = wire.next_arrival();
            wire.take(now).expect("it has arrived");
            at.push(now.micros());
        }
        at
    }

    #[test]
    fn a_delay_does_not_lower_the_rate_and_a_full_queue_drops() {
        // 8 Mbit/s is a byte a microsecond.
        let conditions = Conditions { delay: Duration::from_millis(5), rate: 8_000_000, queue: 3000, ..Conditions::default() };
        let mut wire = Wire::new(conditions, Random::new(1, 0));
        (0..5).for_each(|_| wire.put(Instant::EPOCH, &frame(1000)));
        assert_eq!(arrivals(&mut wire), [6000, 7000, 8000]);
        assert_eq!(wire.fates, Fates { sent: 5, dropped: 2, ..Fates::default() });
    }

    #[test]
    fn fates_come_as_often_as_asked() {
        let conditions = Conditions {
            loss: 0.1,
            duplicate: 0.05,
            corrupt: 0.02,
            reorder: 0.2,
            late: Duration::from_millis(3),
            ..Conditions::default()
        };
        let mut wire = Wire::new(conditions, Random::new(7, 0));
        (0..10_000).for_each(|_| wire.put(Instant::EPOCH, &frame(100)));
        let near = |count: u64, expected: u64| count.abs_diff(expected) < expected / 5;
        let Fates { lost, doubled, damaged, late, .. } = wire.fates;
        assert!(near(lost, 1000) && near(doubled, 450) && near(damaged, 180) && near(late, 1890), "{:?}", wire.fates);
        assert_eq!(arrivals(&mut wire).len() as u64, 10_000 - lost + doubled);
    }

    #[test]
    fn bursts_lose_as_many_and_together() {
        let (length, loss) = (8.0, 0.05);
        let conditions = Conditions { loss, bursts: Some(Bursts { length, density: 1.0 }), ..Conditions::default() };
        let mut wire = Wire::new(conditions, Random::new(7, 0));
        let (mut runs, mut before, mut lost) = (0, 0, false);
        for _ in 0..100_000 {
            wire.put(Instant::EPOCH, &frame(100));
            let now = wire.fates.lost > before;
            runs += u32::from(now && !lost);
            (before, lost) = (wire.fates.lost, now);
        }
        let (share, mean) = (before as f64 / 100_000.0, before as f64 / f64::from(runs));
        assert!((share / loss - 1.0).abs() < 0.1 && (mean / length - 1.0).abs() < 0.1, "{share} in runs of {mean}");
    }
}

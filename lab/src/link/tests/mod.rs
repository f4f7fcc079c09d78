//! What a link does, told as stories.

mod anything;
mod changes;
mod fates;
mod queues;
mod statistics;
mod together;
mod wire;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::Train;

use crate::link::samples::Sample;
use crate::link::*;

/// A link with its clock.
struct Bench {
    pipe: Pipe,
    now: Instant,
}

/// What arrived: packet, moment, frame.
type Arrived = Vec<(u64, Instant, Frame)>;

impl Bench {
    fn new(terms: Terms) -> Self {
        Self::seeded(terms, 1)
    }

    fn seeded(terms: Terms, seed: u8) -> Self {
        Self { pipe: Pipe::new(terms, PipeSeed([seed; 16])), now: Instant::EPOCH }
    }

    fn put(&mut self, sample: &Sample) -> u64 {
        self.pipe.put(self.now, sample.frame()).0
    }

    fn put_train(&mut self, frame: &Frame) {
        let (_, whole) = self.pipe.put_train(self.now, frame, Train::of(frame).as_ref());
        if let Some(whole) = whole {
            self.pipe.hand_over(whole, frame.clone());
        }
    }

    fn puts(&mut self, count: u64, sample: &Sample) {
        (0..count).for_each(|_| {
            self.put(sample);
        });
    }

    /// Puts `count` frames of `size` bytes, one every `gap`; keeps what arrives meanwhile.
    fn stream(&mut self, count: usize, size: usize, gap: Duration) -> Arrived {
        let sample = Sample::sized(size);
        let mut arrived = Vec::new();
        for _ in 0..count {
            self.put(&sample);
            arrived.extend(self.until(self.now + gap));
        }
        arrived
    }

    /// Lets time pass, always to the next moment at which the link wants to be looked at.
    fn until(&mut self, until: Instant) -> Arrived {
        let mut arrived = Vec::new();
        while self.pipe.next() <= until {
            self.now = self.now.max(self.pipe.next());
            while let Some(arrival) = self.pipe.take(self.now) {
                assert!(arrival.at <= self.now);
                arrived.push((arrival.packet.0, arrival.at, arrival.frame));
            }
        }
        self.now = until;
        arrived
    }

    /// Lets all arrive that will.
    fn rest(&mut self) -> Arrived {
        self.until(Instant::from_nanos(u64::MAX - 1))
    }

    fn fates(&mut self) -> Vec<Fate> {
        std::iter::from_fn(|| self.pipe.next_fate()).collect()
    }

    fn set(&mut self, change: impl FnOnce(&mut Terms)) {
        let mut terms = self.pipe.terms().clone();
        change(&mut terms);
        self.pipe.set(self.now, terms);
    }

    fn dropped(&self, cause: Cause) -> u64 {
        self.pipe.counts().dropped[cause as usize]
    }
}

fn terms(change: impl FnOnce(&mut Terms)) -> Terms {
    let mut terms = Terms::default();
    change(&mut terms);
    terms
}

fn fixed(bits: u64) -> Rate {
    Rate::Fixed { bits, burst: 0, overhead: 0 }
}

fn chance(probability: f64) -> Chance {
    Chance { probability, correlation: 0.0 }
}

fn cause(fate: &Fate) -> Option<Cause> {
    match fate.verdict {
        Verdict::Dropped(cause) => Some(cause),
        Verdict::Delivered { .. } => None,
    }
}

fn marks(fate: &Fate) -> Marks {
    match fate.verdict {
        Verdict::Delivered { marks, .. } => marks,
        Verdict::Dropped(_) => Marks::default(),
    }
}

/// Names and arrival in milliseconds.
fn told(arrived: &Arrived) -> Vec<(u64, u64)> {
    arrived.iter().map(|(packet, at, _)| (*packet, at.millis())).collect()
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

//! One direction of a link.

use std::collections::VecDeque;

use loggia_stack::base::{Frame, Instant};

use super::fate::{Counts, Fate, Marks, PacketId, Verdict};
use super::terms::Terms;

/// What all draws of one direction follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PipeSeed(pub [u8; 16]);

/// A frame at the far end.
#[derive(Debug)]
pub struct Arrival {
    /// Which packet it was.
    pub packet: PacketId,
    /// When it arrived: not later than asked.
    pub at: Instant,
    /// The frame.
    pub frame: Frame,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Pipe {
    terms: Terms,
    counts: Counts,
    line: VecDeque<Arrival>,
    fates: VecDeque<Fate>,
}

impl Pipe {
    /// An empty one.
    pub fn new(terms: Terms, seed: PipeSeed) -> Self {
        let _ = seed;
        Self { terms, counts: Counts::default(), line: VecDeque::new(), fates: VecDeque::new() }
    }

    /// What it does.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Changes what it does from now on. What is under way arrives as was decided.
    pub fn set(&mut self, now: Instant, terms: Terms) {
        let _ = now;
        self.terms = terms;
    }

    /// A frame is put onto it; says under which name fates will tell of it.
    pub fn put(&mut self, now: Instant, frame: Frame) -> PacketId {
        self.counts.sent += 1;
        let packet = PacketId(self.counts.sent);
        let arrives = now + self.terms.delay;
        self.fates.push_back(Fate {
            packet,
            flow: 0,
            number: packet.0,
            at: now,
            verdict: Verdict::Delivered { arrives, queued: loggia_stack::base::time::Duration::ZERO, marks: Marks::default() },
        });
        self.line.push_back(Arrival { packet, at: arrives, frame });
        packet
    }

    /// When it has to be looked at again: a packet arrives or leaves the queue. [`Instant::NEVER`] if nothing is under way.
    pub fn next(&self) -> Instant {
        self.line.front().map_or(Instant::NEVER, |arrival| arrival.at)
    }

    /// The next frame that has arrived by `now`.
    pub fn take(&mut self, now: Instant) -> Option<Arrival> {
        if self.next() <= now { self.line.pop_front() } else { None }
    }

    /// The oldest fate nobody has fetched.
    pub fn next_fate(&mut self) -> Option<Fate> {
        self.fates.pop_front()
    }

    /// What became of all packets so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

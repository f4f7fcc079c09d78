//! The delay line: frames on the wire, each until its own moment. How many there are does not matter to how fast they come.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use loggia_stack::base::{Frame, Instant};

use super::pipe::Arrival;

/// A frame under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) arrival: Arrival,
    /// Packets it stands for.
    pub(super) packets: u32,
    /// Bytes of these.
    pub(super) bytes: u32,
    /// Bytes of memory it was charged with.
    pub(super) memory: u32,
    /// Which it was of those that were put.
    turn: u64,
}

/// Frames under way. Those that arrive in the order in which they were put, which without jitter are all, wait in a queue; only the
/// others cost a heap.
#[derive(Debug, Default)]
pub(super) struct Line {
    ordered: VecDeque<Flight>,
    early: BinaryHeap<Early>,
    put: u64,
}

/// One that arrives before another that was put before it.
#[derive(Debug)]
struct Early(Flight);

impl Early {
    fn key(&self) -> (Instant, u64) {
        (self.0.arrival.at, self.0.turn)
    }
}

impl Ord for Early {
    /// The greatest is the one that arrives first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Early {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Early {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Early {}

impl Line {
    /// Puts a frame under way that arrives at `arrival.at`.
    pub(super) fn put(&mut self, arrival: Arrival, packets: u32, bytes: u32, memory: u32) {
        self.put += 1;
        let flight = Flight { arrival, packets, bytes, memory, turn: self.put };
        if self.ordered.back().is_none_or(|last| last.arrival.at <= flight.arrival.at) {
            self.ordered.push_back(flight);
        } else {
            self.early.push(Early(flight));
        }
    }

    /// When the next one arrives.
    pub(super) fn next(&self) -> Instant {
        let ordered = self.ordered.front().map_or(Instant::NEVER, |flight| flight.arrival.at);
        self.early.peek().map_or(ordered, |Early(flight)| flight.arrival.at.min(ordered))
    }

    /// All frames under way, in no order.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.ordered.iter().chain(self.early.iter().map(|Early(flight)| flight)).map(|flight| &flight.arrival.frame)
    }

    /// The next one that has arrived by `now`. Of two that arrive at the same moment, the one that was put first.
    pub(super) fn take(&mut self, now: Instant) -> Option<Flight> {
        if self.next() > now {
            return None;
        }
        let key = |flight: &Flight| (flight.arrival.at, flight.turn);
        match (self.ordered.front(), self.early.peek()) {
            (Some(ordered), Some(Early(early))) if key(early) < key(ordered) => self.early.pop().map(|Early(flight)| flight),
            (Some(_), _) => self.ordered.pop_front(),
            (None, _) => self.early.pop().map(|Early(flight)| flight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fate::PacketId;
    use super::*;

    #[test]
    fn frames_arrive_by_their_moments_and_at_the_same_moment_as_they_were_put() {
        let mut line = Line::default();
        for (packet, at) in [(1, 50), (2, 20), (3, 50), (4, 20), (5, 60), (6, 10), (7, 60), (8, 50)] {
            let at = Instant::from_millis(at);
            line.put(Arrival { packet: PacketId(packet), names: 1, at, frame: Frame::default() }, 1, 0, 0);
        }
        assert_eq!(line.next(), Instant::from_millis(10));
        assert!(line.take(Instant::from_millis(9)).is_none());
        let order: Vec<u64> =
            std::iter::from_fn(|| line.take(Instant::from_secs(1))).map(|flight| flight.arrival.packet.0).collect();
        assert_eq!(order, [6, 2, 4, 1, 3, 8, 5, 7]);
        assert_eq!(line.next(), Instant::NEVER);
    }
}

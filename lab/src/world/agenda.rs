//! Who wants to be looked at, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use loggia_stack::base::Instant;

/// Who is due. The order among those due at the same moment is that of this type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Due {
    /// One direction of a link: what was sent earlier arrives before timers fire.
    Pipe { wire: usize, end: usize },
    /// A host's timers.
    Host(usize),
}

/// All appointments. Each party has one at a time: an earlier one replaces a later one, which stays here and is not kept when its time comes;
/// who finds at the earlier one that nothing is due makes it again.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(Instant, Due)>>,
}

impl Agenda {
    /// Makes an appointment unless `booked`, the party's own note of its earliest one, is early enough.
    pub(super) fn book(&mut self, due: Due, at: Instant, booked: &mut Instant) {
        if at < *booked {
            *booked = at;
            self.heap.push(Reverse((at, due)));
        }
    }

    /// How many there are, with those that were replaced.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// When the next one is.
    pub(super) fn next(&self) -> Instant {
        self.heap.peek().map_or(Instant::NEVER, |Reverse((at, _))| *at)
    }

    /// The next one, if it is due by `until`.
    pub(super) fn pop(&mut self, until: Instant) -> Option<(Instant, Due)> {
        if self.next() > until {
            return None;
        }
        self.heap.pop().map(|Reverse(appointment)| appointment)
    }
}

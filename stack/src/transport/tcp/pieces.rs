//! Where the stream of a sender may be cut and where it is pushed: the pieces that writes made of it.
//!
//! ```text
//!   una            nxt                                        written
//!    │ sent pieces  │            pieces to be sent               │
//!    ├────┬────┬────┼──────────────────┬───────┬─────────────────┤
//!         P    P    P                  P      EOR                P
//! ```
//!
//! Linux queues what is written in pieces of up to half of the peer's largest window (its `size_goal`), and what can be seen of them on
//! the wire is part of how a sender behaves: no segment goes over the end of a piece, a segment that ends with one bears its PSH, and
//! only the last piece waits for company (Nagle's rule). `MSG_EOR` ends a piece for good. A piece of which the beginning was sent
//! takes more at its end.

use alloc::collections::VecDeque;
use core::hint::cold_path;

use super::seq::Seq;

/// A piece, from the end of the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Piece {
    end: Seq,
    /// A segment that ends with it bears PSH.
    push: bool,
    /// `MSG_EOR`: nothing is appended.
    closed: bool,
}

/// The pieces from `una` to the end of what was written. A single one, as most writes make it, costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    first: Option<Piece>,
    /// Those behind it; none if there is no first.
    rest: VecDeque<Piece>,
    /// The end of what was pushed last; means something once `has_pushed`.
    pushed: Seq,
    has_pushed: bool,
}

impl Pieces {
    /// Bytes that the last piece still takes if none holds more than `goal`. `nxt`: what was sent before it is closed.
    pub(super) fn room(&self, nxt: Seq, goal: u32) -> u32 {
        match self.last() {
            Some(last) if !last.closed && last.end.after(nxt) => goal.saturating_sub(last.end - self.begin_of_last(nxt)),
            _ => 0,
        }
    }

    fn begin_of_last(&self, nxt: Seq) -> Seq {
        let before = self.len().checked_sub(2).and_then(|at| self.get(at));
        before.map_or(nxt, |before| before.end.max(nxt))
    }

    /// Nothing was written yet.
    pub(super) fn clear(&mut self) {
        let Self { first, rest, pushed, has_pushed } = self;
        // Memory of its own is what few have.
        if rest.capacity() > 0 {
            cold_path();
            *rest = VecDeque::new();
        }
        (*first, *pushed, *has_pushed) = (None, Seq::default(), false);
    }

    /// The last piece now goes to `end`.
    pub(super) fn extend(&mut self, end: Seq) {
        if let Some(last) = self.last_mut() {
            last.end = end;
        }
    }

    /// A new piece goes to `end`.
    pub(super) fn begin(&mut self, end: Seq) {
        let piece = Piece { end, push: false, closed: false };
        if self.first.is_none() {
            self.first = Some(piece);
        } else {
            self.rest.push_back(piece);
        }
    }

    /// The last piece is to be pushed.
    pub(super) fn push(&mut self) {
        if let Some(last) = self.last_mut() {
            last.push = true;
            self.pushed = last.end;
            self.has_pushed = true;
        }
    }

    /// True if more than `most` bytes were written since the last push, which began with the connection at `first`.
    pub(super) fn is_push_due(&self, first: Seq, most: u32) -> bool {
        let pushed = if self.has_pushed { self.pushed } else { first };
        self.last().is_some_and(|last| last.end.after(pushed + most))
    }

    /// Nothing is appended to the last piece any more.
    pub(super) fn close(&mut self) {
        if let Some(last) = self.last_mut() {
            last.closed = true;
        }
    }

    /// Bytes from `seq` to the end of its piece, and whether it is the last one.
    pub(super) fn rest(&self, seq: Seq) -> Option<(u32, bool)> {
        let at = self.find(seq);
        self.get(at).map(|piece| (piece.end - seq, at + 1 == self.len()))
    }

    /// A segment that ends at `end` bears PSH.
    pub(super) fn is_pushed_at(&self, end: Seq) -> bool {
        self.get(self.find(end - 1)).is_some_and(|piece| piece.end == end && piece.push)
    }

    /// A piece ends at `end`, or none goes beyond it.
    pub(super) fn is_cut_at(&self, end: Seq) -> bool {
        self.get(self.find(end - 1)).is_none_or(|piece| piece.end == end)
    }

    /// New data up to `end` was sent: it is a piece of its own.
    pub(super) fn sent(&mut self, end: Seq) {
        let at = self.find(end - 1);
        if self.get(at).is_some_and(|piece| piece.end != end) {
            self.insert(at, Piece { end, push: false, closed: true });
        }
    }

    /// Everything before `una` is acknowledged.
    pub(super) fn acked(&mut self, una: Seq) {
        while self.first.is_some_and(|piece| piece.end.at_or_before(una)) {
            self.first = self.rest.pop_front();
        }
    }

    /// Memory held.
    pub(super) fn charge(&self) -> usize {
        self.len() * size_of::<Piece>()
    }

    /// The place of the piece that `seq` is in.
    fn find(&self, seq: Seq) -> usize {
        match self.first {
            Some(first) if first.end.at_or_before(seq) => 1 + self.rest.partition_point(|piece| piece.end.at_or_before(seq)),
            _ => 0,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    fn get(&self, at: usize) -> Option<&Piece> {
        match at.checked_sub(1) {
            None => self.first.as_ref(),
            Some(at) => self.rest.get(at),
        }
    }

    fn last(&self) -> Option<&Piece> {
        self.rest.back().or(self.first.as_ref())
    }

    fn last_mut(&mut self) -> Option<&mut Piece> {
        self.rest.back_mut().or(self.first.as_mut())
    }

    fn insert(&mut self, at: usize, piece: Piece) {
        match at.checked_sub(1) {
            None => {
                if let Some(first) = self.first.replace(piece) {
                    self.rest.push_front(first);
                }
            }
            Some(at) => self.rest.insert(at, piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_takes_more_until_it_is_full_or_closed() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.room(Seq(1), 1000), 0, "there is none");
        pieces.begin(Seq(401));
        assert_eq!(pieces.room(Seq(1), 1000), 600);
        pieces.extend(Seq(1001));
        assert_eq!(pieces.room(Seq(1), 1000), 0);
        pieces.sent(Seq(601));
        assert_eq!(pieces.room(Seq(601), 1000), 600, "what was sent of it does not count");
        pieces.close();
        assert_eq!(pieces.room(Seq(601), 1000), 0);
    }

    #[test]
    fn what_was_sent_is_a_piece_and_only_the_end_of_the_write_is_pushed() {
        let mut pieces = Pieces::default();
        pieces.begin(Seq(5001));
        pieces.push();
        for end in [2001, 3001, 5001] {
            pieces.sent(Seq(end));
        }
        let ends: alloc::vec::Vec<bool> = [1001, 2001, 3001, 5001].map(|end| pieces.is_pushed_at(Seq(end))).into();
        assert_eq!(ends, [false, false, false, true]);
        assert_eq!(pieces.rest(Seq(2501)), Some((500, false)));
        pieces.acked(Seq(3500));
        assert_eq!((pieces.rest(Seq(3500)), pieces.charge()), (Some((1501, true)), size_of::<Piece>()));
    }

    #[test]
    fn half_a_window_without_a_push_makes_one_due() {
        let mut pieces = Pieces::default();
        pieces.begin(Seq(1001));
        assert!(!pieces.is_push_due(Seq(1), 1000));
        pieces.extend(Seq(1002));
        assert!(pieces.is_push_due(Seq(1), 1000));
        pieces.push();
        pieces.begin(Seq(2002));
        assert!(!pieces.is_push_due(Seq(1), 1000));
    }
}

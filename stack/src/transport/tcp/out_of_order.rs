//! What arrived ahead of its time: segments beyond a gap, and the SACK blocks that tell the peer of them (RFC 2018, 2883).
//!
//! ```text
//!  rcv_nxt
//!    ▼        run               run
//!    ┊ gap  ┌─────┬─────┐ gap ┌─────────┐
//!    ┊      │piece│piece│     │  piece  │
//!           └─────┴─────┘     └─────────┘
//! ```
//!
//! Payload lies in pieces. What arrives at the end of a piece is appended to it; what arrives in front of one stays a piece of its
//! own, so that no order of arrival makes bytes be moved. Runs, which SACK reports, are kept beside them. Both are trees: an
//! insertion costs the logarithm of what is there, and a peer that leaves a gap at every other byte pays for them in `charge`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use super::chunk_queue::ChunkQueue;
use super::header::SackBlocks;
use super::seq::Seq;
use crate::base::Rope;

/// What a piece and its run cost beside the bytes: their entries in the trees, which may be half empty.
const PIECE: usize = 2 * (size_of::<(Position, ChunkQueue)>() + size_of::<(Position, Position)>());

/// A place in the stream (see [`Seq::place`]).
type Position = u64;

/// The out-of-order queue of a connection: disjoint runs, sorted. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct OutOfOrder {
    runs: Option<Box<Runs>>,
}

#[derive(Debug)]
struct Runs {
    pieces: BTreeMap<Position, ChunkQueue>,
    /// Begin and end. Two runs neither overlap nor touch.
    runs: BTreeMap<Position, Position>,
    /// Where the runs begin that had the latest arrivals, latest first. As in Linux not more than an option can carry.
    recent: [Option<Position>; 4],
    /// Some position near all others: what sequence numbers are compared to.
    near: Position,
    /// What the pieces hold.
    held: usize,
}

impl OutOfOrder {
    /// True if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.runs.is_none()
    }

    /// Memory held.
    pub fn charge(&self) -> usize {
        self.runs.as_ref().map_or(0, |runs| runs.charge())
    }

    /// Keeps `[seq, seq+len)`; what was there already is kept as it was (the first arrival wins) and returned as the
    /// duplicate range for a DSACK; if there are several, the first (RFC 2883 §4).
    pub fn insert(&mut self, seq: Seq, payload: Rope) -> Option<(Seq, Seq)> {
        if payload.is_empty() {
            return None;
        }
        let runs = self.runs.get_or_insert_with(|| Box::new(Runs::new(seq)));
        let start = runs.position(seq);
        let duplicate = runs.insert(start, &payload)?;
        Some((Seq::at_place(duplicate.0), Seq::at_place(duplicate.1)))
    }

    /// Takes the run that begins at or before `rcv_nxt` and reaches beyond it, cut to begin at `rcv_nxt`.
    /// Drops what lies before `rcv_nxt`.
    pub fn take(&mut self, rcv_nxt: Seq) -> Option<Rope> {
        let runs = self.runs.as_mut()?;
        let next = runs.position(rcv_nxt);
        let taken = runs.take(next);
        self.free_if_empty();
        taken
    }

    /// The SACK blocks, at most `most`: the run with the latest arrival first, then the ones reported before it (RFC 2018 §4).
    pub fn sack_blocks(&self, most: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        let Some(runs) = &self.runs else { return blocks };
        for &begin in runs.recent.iter().flatten().take(most) {
            if let Some((start, end)) = runs.run_at(begin) {
                blocks.push(Seq::at_place(start), Seq::at_place(end));
            }
        }
        blocks
    }

    /// Drops what is furthest ahead until at most `charge` is held; says how many bytes went.
    pub fn prune(&mut self, charge: usize) -> usize {
        let Some(runs) = &mut self.runs else { return 0 };
        let mut dropped = 0;
        while runs.charge() > charge && !runs.pieces.is_empty() {
            dropped += runs.drop_last();
        }
        self.free_if_empty();
        dropped
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.runs = None;
    }

    fn free_if_empty(&mut self) {
        if self.runs.as_ref().is_some_and(|runs| runs.pieces.is_empty()) {
            self.runs = None;
        }
    }
}

impl Runs {
    fn new(seq: Seq) -> Self {
        // Not near zero: what comes next may lie before it.
        let near = 1 << 32 | Position::from(seq.0);
        Self { pieces: BTreeMap::new(), runs: BTreeMap::new(), recent: [None; 4], near, held: 0 }
    }

    #[cold]
    #[inline(never)]
    fn charge(&self) -> usize {
        size_of::<Self>() + self.held + self.pieces.len() * PIECE
    }

    /// The position of a sequence number; and remembers it, so that the circle is never left behind.
    fn position(&mut self, seq: Seq) -> Position {
        self.near = seq.place(self.near);
        self.near
    }

    /// The run that begins at or before `position` and reaches beyond it.
    fn run_at(&self, position: Position) -> Option<(Position, Position)> {
        self.runs.range(..=position).next_back().map(|(&start, &end)| (start, end)).filter(|run| run.1 > position)
    }

    /// Puts what is new of `payload` in its place and joins the runs it touches; gives the first part that is not new.
    fn insert(&mut self, start: Position, payload: &Rope) -> Option<(Position, Position)> {
        let end = start + payload.len() as u64;
        let mut run = (start, end);
        let mut duplicate = None;
        // Up to here everything is in its place.
        let mut placed = start;
        if let Some((&before, &until)) = self.runs.range(..start).next_back()
            && until >= start
        {
            self.runs.remove(&before);
            run = (before, end.max(until));
            duplicate = (until > start).then(|| (start, until.min(end)));
            placed = until;
        }
        while let Some((&other, &until)) = self.runs.range(start..=end).next() {
            self.runs.remove(&other);
            if other > placed {
                self.place(placed, payload.slice((placed - start) as usize, (other - placed) as usize));
            }
            if other < end {
                duplicate = duplicate.or(Some((other, until.min(end))));
            }
            placed = until;
            run.1 = run.1.max(until);
        }
        if placed < end {
            self.place(placed, payload.slice((placed - start) as usize, (end - placed) as usize));
        }
        self.runs.insert(run.0, run.1);
        self.note_recent(run);
        duplicate
    }

    /// Appends to the piece that ends here, or begins one.
    fn place(&mut self, at: Position, bytes: Rope) {
        let before = self.pieces.range(..at).next_back();
        let begin = before.filter(|(begin, piece)| *begin + piece.len() as u64 == at).map_or(at, |(&begin, _)| begin);
        let piece = self.pieces.entry(begin).or_default();
        let held = piece.charge();
        piece.absorb(bytes);
        self.held = self.held + piece.charge() - held;
    }

    /// Puts a run in front of the recent ones, in the place of those it swallowed.
    fn note_recent(&mut self, run: (Position, Position)) {
        let others = self.recent.into_iter().filter(|begin| begin.is_some_and(|begin| begin < run.0 || begin >= run.1));
        let mut recent = [Some(run.0), None, None, None];
        for (slot, begin) in recent[1..].iter_mut().zip(others) {
            *slot = begin;
        }
        self.recent = recent;
    }

    fn take(&mut self, next: Position) -> Option<Rope> {
        while let Some((&begin, &end)) = self.runs.first_key_value()
            && begin <= next
        {
            self.runs.pop_first();
            self.forget_recent(begin);
            let rope = self.take_pieces(next, end);
            if !rope.is_empty() {
                return Some(rope);
            }
        }
        None
    }

    /// The pieces that begin before `end`, without what lies before `next`.
    fn take_pieces(&mut self, next: Position, end: Position) -> Rope {
        let mut rope = Rope::new();
        while let Some(entry) = self.pieces.first_entry()
            && *entry.key() < end
        {
            let (begin, mut piece) = entry.remove_entry();
            self.held -= piece.charge();
            piece.advance(next.saturating_sub(begin) as usize);
            rope.append(piece.into_rope());
        }
        rope
    }

    /// Drops the last chunk of the last piece.
    fn drop_last(&mut self) -> usize {
        let Some(mut piece) = self.pieces.last_entry() else { return 0 };
        let held = piece.get().charge();
        let dropped = piece.get_mut().drop_last();
        let end = *piece.key() + piece.get().len() as u64;
        self.held = self.held + piece.get().charge() - held;
        if piece.get().is_empty() {
            piece.remove();
        }
        if let Some(mut run) = self.runs.last_entry() {
            if *run.key() < end {
                run.insert(end);
            } else {
                let (begin, _) = run.remove_entry();
                self.forget_recent(begin);
            }
        }
        dropped
    }

    /// A run is gone.
    fn forget_recent(&mut self, begin: Position) {
        let others = self.recent.into_iter().flatten().filter(|&other| other != begin);
        let mut recent = [None; 4];
        for (slot, other) in recent.iter_mut().zip(others) {
            *slot = Some(other);
        }
        self.recent = recent;
    }
}

#[cfg(test)]
mod tests;

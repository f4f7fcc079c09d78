//! One datagram of which not all fragments have arrived.
//!
//! ```text
//!   0                                        end (known when the last fragment has arrived)
//!   ├── piece ──┼── piece ──┤   hole   ├── piece ──┤
//! ```

use alloc::vec::Vec;
use bytes::Bytes;

use crate::base::Rope;

/// More fragments than this are not collected for one datagram: 65535 bytes over a path of MTU 276 make fewer.
const MAX_PIECES: usize = 256;
/// What a piece costs beyond its bytes.
const PIECE_COST: usize = 96;

/// What became of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Added {
    /// More is needed.
    Pending,
    /// It was the last that was missing.
    Complete,
    /// All of it was there.
    Duplicate,
    /// Part of it was there: the datagram is no longer trusted.
    Overlap,
    /// It contradicts what is known of the datagram's end.
    Contradiction,
    /// Too many pieces.
    TooMany,
}

#[derive(Clone, Debug)]
struct Piece {
    start: usize,
    data: Bytes,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.data.len()
    }
}

/// The pieces that have arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Datagram {
    /// In order; none overlaps another.
    pieces: Vec<Piece>,
    have: usize,
    end: Option<usize>,
    /// Which of the four ECN codepoints occurred, as bits.
    ecn: u8,
}

impl Datagram {
    /// Takes a piece that starts at `start`; `more` says that it is not the last. `ecn` are the two low bits of its traffic class.
    pub(super) fn add(&mut self, start: usize, data: Bytes, more: bool, ecn: u8) -> Added {
        let end = start + data.len();
        if self.contradicts(end, more) {
            return Added::Contradiction;
        }
        let at = self.pieces.partition_point(|piece| piece.end() <= start);
        if self.pieces.get(at).is_some_and(|next| next.start < end) {
            return if self.covers(at, start, end) { Added::Duplicate } else { Added::Overlap };
        }
        if self.pieces.len() >= MAX_PIECES {
            return Added::TooMany;
        }
        self.have += data.len();
        self.pieces.insert(at, Piece { start, data });
        self.ecn |= 1 << (ecn & 3);
        if !more {
            self.end = Some(end);
        }
        if self.end == Some(self.have) { Added::Complete } else { Added::Pending }
    }

    fn contradicts(&self, end: usize, more: bool) -> bool {
        let furthest = self.pieces.last().map_or(0, Piece::end);
        match (self.end, more) {
            (Some(known), true) => end > known,
            (Some(known), false) => end != known,
            (None, true) => false,
            (None, false) => end < furthest,
        }
    }

    /// True if everything from `start` to `end` is there; `at` is the first piece that ends after `start`.
    fn covers(&self, at: usize, start: usize, end: usize) -> bool {
        let mut reached = start;
        for piece in &self.pieces[at..] {
            if piece.start > reached || reached >= end {
                break;
            }
            reached = piece.end();
        }
        reached >= end
    }

    /// Bytes of memory it holds.
    pub(super) fn cost(&self) -> usize {
        self.have + self.pieces.len() * PIECE_COST
    }

    /// What one more piece of `len` bytes costs.
    pub(super) const fn cost_of(len: usize) -> usize {
        len + PIECE_COST
    }

    /// The ECN codepoint of the whole (RFC 3168 §5.3), given that of the first fragment; none if they contradict: congestion was
    /// experienced by a datagram that says it knows no ECN.
    pub(super) const fn ecn(&self, first: u8) -> Option<u8> {
        match (self.ecn & 1 << 3 != 0, self.ecn & 1 != 0) {
            (true, true) => None,
            (true, false) => Some(3),
            (false, _) => Some(first & 3),
        }
    }

    /// All pieces, one after the other.
    pub(super) fn into_payload(self) -> Rope {
        let mut whole = Rope::new();
        self.pieces.into_iter().for_each(|piece| whole.push(piece.data));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    fn add(datagram: &mut Datagram, start: usize, len: usize, more: bool) -> Added {
        let data: Vec<u8> = (start..start + len).map(|i| i as u8).collect();
        datagram.add(start, data.into(), more, 0)
    }

    #[test]
    fn pieces_arrive_in_any_order() {
        for seed in 0..200u64 {
            let mut random = Entropy::new(seed.into());
            let mut starts: Vec<usize> = (0..20).map(|i| i * 24).collect();
            let mut datagram = Datagram::default();
            while !starts.is_empty() {
                let start = starts.swap_remove(random.below(starts.len() as u32) as usize);
                let added = add(&mut datagram, start, 24, start != 19 * 24);
                assert_eq!(added, if starts.is_empty() { Added::Complete } else { Added::Pending }, "seed {seed}");
                assert_eq!(add(&mut datagram, start + 8, 8, true), Added::Duplicate, "seed {seed}");
            }
            let expected: Vec<u8> = (0..480).map(|i| i as u8).collect();
            assert_eq!(datagram.into_payload().to_vec(), expected, "seed {seed}");
        }
    }

    #[test]
    fn overlaps_and_duplicates_are_told_apart() {
        let mut datagram = Datagram::default();
        assert_eq!(add(&mut datagram, 0, 16, true), Added::Pending);
        assert_eq!(add(&mut datagram, 16, 16, true), Added::Pending);
        assert_eq!(add(&mut datagram, 40, 16, true), Added::Pending);
        assert_eq!(add(&mut datagram, 8, 16, true), Added::Duplicate);
        for (start, len) in [(24, 16), (32, 16), (32, 32), (0, 64), (48, 16)] {
            assert_eq!(add(&mut datagram, start, len, true), Added::Overlap, "{start}+{len}");
        }
    }

    #[test]
    fn the_end_is_told_once() {
        let mut datagram = Datagram::default();
        assert_eq!(add(&mut datagram, 80, 8, false), Added::Pending);
        assert_eq!(add(&mut datagram, 88, 8, true), Added::Contradiction);
        assert_eq!(add(&mut datagram, 40, 8, false), Added::Contradiction);
        let mut datagram = Datagram::default();
        assert_eq!(add(&mut datagram, 80, 8, true), Added::Pending);
        assert_eq!(add(&mut datagram, 40, 8, false), Added::Contradiction);
    }

    #[test]
    fn pieces_are_bounded() {
        let mut datagram = Datagram::default();
        let kept = (0..1000).filter(|i| add(&mut datagram, i * 16, 8, true) == Added::Pending).count();
        assert_eq!(kept, MAX_PIECES);
    }

    #[test]
    fn congestion_in_any_fragment_is_congestion_of_the_whole() {
        // RFC 3168 §5.3
        let merged = |codepoints: &[u8]| {
            let mut datagram = Datagram::default();
            for (i, &ecn) in codepoints.iter().enumerate() {
                datagram.add(i * 8, Bytes::from_static(&[0; 8]), true, ecn);
            }
            datagram.ecn(codepoints[0])
        };
        assert_eq!(merged(&[2, 3, 2]), Some(3));
        assert_eq!(merged(&[1, 2]), Some(1));
        assert_eq!(merged(&[0, 0]), Some(0));
        assert_eq!(merged(&[0, 3]), None);
    }
}

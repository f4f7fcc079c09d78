//! Frames of a host, in order, until what became of each is known.

use std::collections::VecDeque;

use loggia_stack::base::{Direction, Frame, Instant};

/// Most frames that are held back for the fate of the first; then it is written without.
const FRAMES: usize = 16_384;
/// Most bytes that are.
const BYTES: usize = 64 << 20;
/// Bytes of packets that were written which are kept before the others are moved to the front.
const SPENT: usize = 64 << 10;

/// A packet that waits to be written.
#[derive(Debug)]
pub struct Held {
    /// When it passed the border of the host.
    pub at: Instant,
    /// By which interface.
    pub port: usize,
    /// Which way.
    pub direction: Direction,
    /// First sequence number, if it is of TCP and may turn out to have been sent before: until its moment is over a host may say so.
    pub seq: Option<u32>,
    /// What is to be said of it.
    pub comments: Vec<String>,
    /// Its fate is not known yet.
    pub open: bool,
}

impl Held {
    /// True if nothing more can be said of it at `now`: its fate is known, and if it may have been sent before, its moment is over.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        !self.open && (self.seq.is_none() || self.at < now)
    }
}

/// What is to be written of it.
#[derive(Debug)]
pub(super) enum Kept {
    /// All of it.
    Frame {
        /// The packet, or a super-segment.
        frame: Frame,
        /// With how many bytes of headers each of its packets begins.
        headers: usize,
    },
    /// The first bytes, as a block without comments; or those of the packets of a super-segment, as blocks one behind the other.
    Blocks {
        /// Where they begin, counted from the first that was ever kept.
        from: u64,
        /// How many bytes all blocks take.
        kept: u32,
        /// How many bytes each block takes but the last.
        block: u32,
        /// How many bytes the packets had.
        len: u32,
    },
}

impl Kept {
    fn len(&self) -> usize {
        match self {
            Self::Frame { frame, .. } => frame.len(),
            Self::Blocks { len, .. } => *len as usize,
        }
    }
}

/// Where a held frame is: valid until it is written, and harmless afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place(u64);

/// The frames of one host.
#[derive(Debug, Default)]
pub(super) struct Hold {
    queue: VecDeque<(Held, Kept)>,
    /// Place of the first of the queue.
    first: u64,
    bytes: usize,
    /// First bytes of packets as blocks, one after the other, and where the first of them begins.
    blocks: Vec<u8>,
    began: u64,
    /// Where those end that were written.
    spent: u64,
}

impl Hold {
    /// Appends a frame.
    pub(super) fn push(&mut self, held: Held, kept: Kept) -> Place {
        self.bytes += kept.len();
        self.queue.push_back((held, kept));
        Place(self.first + self.queue.len() as u64 - 1)
    }

    /// Appends packets of `len` bytes in all of which `append` appends the blocks; it says how many bytes each takes but the last.
    pub(super) fn push_blocks(&mut self, held: Held, len: usize, append: impl FnOnce(&mut Vec<u8>) -> usize) -> Place {
        let mut block = 0;
        let (from, kept) = self.keep(|blocks| block = append(blocks) as u32);
        self.push(held, Kept::Blocks { from, kept, block, len: len as u32 })
    }

    /// Keeps what `append` appends; says where it begins, and how much it is.
    fn keep(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> (u64, u32) {
        self.tidy();
        let from = self.blocks.len();
        append(&mut self.blocks);
        (self.began + from as u64, (self.blocks.len() - from) as u32)
    }

    /// What was kept; there until more is.
    pub(super) fn blocks(&self, from: u64, kept: u32) -> &[u8] {
        let from = (from - self.began) as usize;
        &self.blocks[from..from + kept as usize]
    }

    /// Gives up the room of what was written.
    fn tidy(&mut self) {
        let spent = (self.spent - self.began) as usize;
        if spent == self.blocks.len() || (spent >= SPENT && spent >= self.blocks.len() / 2) {
            self.blocks.drain(..spent);
            self.began = self.spent;
        }
    }

    /// True if nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// A frame that has not been written.
    pub(super) fn get(&mut self, Place(place): Place) -> Option<&mut Held> {
        self.queue.get_mut(place.checked_sub(self.first)? as usize).map(|(held, _)| held)
    }

    /// Says something of a frame.
    pub(super) fn remark(&mut self, place: Place, comments: impl IntoIterator<Item = String>) {
        if let Some(held) = self.get(place) {
            held.comments.extend(comments);
        }
    }

    /// A frame's fate is known.
    pub(super) fn close(&mut self, place: Place) {
        if let Some(held) = self.get(place) {
            held.open = false;
        }
    }

    /// The frames that left at `at` and hold sequence numbers from `seq` on, `len` of them.
    pub(super) fn sent_at(&mut self, at: Instant, seq: u32, len: u32) -> impl Iterator<Item = &mut Held> {
        let within = move |first: u32| first.wrapping_sub(seq) < len.max(1);
        let moment = self.queue.iter_mut().rev().map(|(held, _)| held).take_while(move |held| held.at == at);
        moment.filter(move |held| held.direction == Direction::Out && held.seq.is_some_and(within))
    }

    /// The next frame nothing more can be said of at `now`. Or there are too many.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Held, Kept)> {
        let (head, _) = self.queue.front()?;
        let crowded = self.queue.len() > FRAMES || self.bytes > BYTES;
        if !head.is_settled(now) && !crowded {
            return None;
        }
        self.pop_any()
    }

    /// The next frame, whatever may yet be said of it.
    pub(super) fn pop_any(&mut self) -> Option<(Held, Kept)> {
        let (held, kept) = self.queue.pop_front()?;
        self.first += 1;
        self.bytes -= kept.len();
        if let Kept::Blocks { from, kept, .. } = kept {
            self.spent = from + u64::from(kept);
        }
        Some((held, kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(at: u64, open: bool) -> Held {
        let (at, seq) = (Instant::from_millis(at), Some(at as u32));
        Held { at, port: 0, direction: Direction::Out, seq, comments: Vec::new(), open }
    }

    fn whole() -> Kept {
        Kept::Frame { frame: Frame::from(&[0; 60][..]), headers: 60 }
    }

    #[test]
    fn frames_keep_their_order_while_the_first_waits_for_its_fate() {
        let mut hold = Hold::default();
        let first = hold.push(held(1, true), whole());
        hold.push(held(2, false), whole());
        assert!(hold.pop(Instant::from_millis(5)).is_none());
        hold.remark(first, ["lost".into()]);
        hold.close(first);
        let (written, _) = hold.pop(Instant::from_millis(5)).expect("the first");
        assert_eq!((written.at, written.comments), (Instant::from_millis(1), vec!["lost".to_string()]));
        assert!(hold.pop(Instant::from_millis(2)).is_none(), "its moment is not over: more may be said of it");
        assert!(hold.pop(Instant::from_millis(3)).is_some());
        hold.remark(first, ["too late".into()]);
    }

    #[test]
    fn what_cannot_have_been_sent_before_waits_for_its_fate_alone() {
        let mut hold = Hold::default();
        let place = hold.push(Held { seq: None, ..held(1, true) }, whole());
        assert!(hold.pop(Instant::from_millis(1)).is_none());
        hold.close(place);
        assert!(hold.pop(Instant::from_millis(1)).is_some() && hold.is_empty());
    }

    #[test]
    fn a_fate_that_never_comes_holds_back_a_bounded_number() {
        let mut hold = Hold::default();
        (0..FRAMES as u64 + 10).for_each(|n| {
            hold.push(held(n, true), whole());
        });
        let mut written = 0;
        while hold.pop(Instant::EPOCH).is_some() {
            written += 1;
        }
        assert_eq!(written, 10);
    }

    #[test]
    fn a_retransmission_is_found_by_moment_and_number() {
        let mut hold = Hold::default();
        hold.push(held(1, false), whole());
        hold.push(held(7, false), whole());
        assert_eq!(hold.sent_at(Instant::from_millis(7), 5, 10).count(), 1);
        assert_eq!(hold.sent_at(Instant::from_millis(7), 8, 10).count(), 0);
        assert_eq!(hold.sent_at(Instant::from_millis(1), 1, 1).count(), 0, "only the latest moment is searched");
    }

    /// First bytes of many packets, whole frames between them, in a memory that does not grow with them.
    #[test]
    fn first_bytes_are_there_until_they_are_written_and_not_longer() {
        let mut hold = Hold::default();
        let (mut next, mut longest) = (0u64, 0);
        for n in 0..20_000u64 {
            if n % 7 == 0 {
                hold.push(held(n, false), whole());
            } else {
                hold.push_blocks(held(n, false), 1514, |blocks| {
                    blocks.resize(blocks.len() + 60 + n as usize % 40, n as u8);
                    30
                });
            }
            if n % 300 == 299 {
                while let Some((_, kept)) = hold.pop(Instant::from_millis(n.saturating_sub(50))) {
                    if let Kept::Blocks { from, kept, len, block } = kept {
                        let expected = vec![next as u8; 60 + next as usize % 40];
                        assert_eq!((hold.blocks(from, kept), len, block), (&expected[..], 1514, 30));
                    }
                    next += 1;
                }
            }
            longest = longest.max(hold.blocks.len());
        }
        assert!(next > 19_000 && longest < 3 * SPENT, "{longest} bytes");
    }
}

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
    /// First sequence number, if it is TCP.
    pub seq: Option<u32>,
    /// What is to be said of it.
    pub comments: Vec<String>,
    /// Its fate is not known yet.
    pub open: bool,
}

/// What is to be written of it.
#[derive(Debug)]
pub(super) enum Kept {
    /// All, or the first bytes of each packet of a super-segment.
    Frame(Frame),
    /// The first bytes, which are kept in one place with those of others.
    Head {
        /// Where they begin, counted from the first that was ever kept.
        from: u64,
        /// How many there are.
        kept: u32,
        /// How many there were.
        len: u32,
    },
    /// The first bytes of packets of a super-segment, one behind the other.
    Run {
        /// Where they begin.
        from: u64,
        /// How many bytes there are of all.
        kept: u32,
        /// How many packets.
        count: u32,
        /// How many bytes there were of each but the last.
        len: u32,
        /// And of the last.
        last: u32,
    },
}

impl Kept {
    fn len(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Head { len, .. } => *len as usize,
            Self::Run { count, len, last, .. } => (*count as usize - 1) * *len as usize + *last as usize,
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
    /// First bytes of packets, one after the other, and where the first of them begins.
    heads: Vec<u8>,
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

    /// Appends a packet of `len` bytes of which the first `kept` are filled in.
    pub(super) fn push_head(&mut self, held: Held, len: usize, kept: usize, fill: impl FnOnce(&mut [u8])) -> Place {
        let from = self.keep(kept, fill);
        self.push(held, Kept::Head { from, kept: kept as u32, len: len as u32 })
    }

    /// Makes room for so many bytes that are kept; says where they begin.
    pub(super) fn keep(&mut self, kept: usize, fill: impl FnOnce(&mut [u8])) -> u64 {
        self.tidy();
        let from = self.heads.len();
        self.heads.resize(from + kept, 0);
        fill(&mut self.heads[from..]);
        self.began + from as u64
    }

    /// The first bytes of a packet; there until another one is pushed.
    pub(super) fn head(&self, from: u64, kept: u32) -> &[u8] {
        let from = (from - self.began) as usize;
        &self.heads[from..from + kept as usize]
    }

    /// Gives up the room of what was written.
    fn tidy(&mut self) {
        let spent = (self.spent - self.began) as usize;
        if spent == self.heads.len() || (spent >= SPENT && spent >= self.heads.len() / 2) {
            self.heads.drain(..spent);
            self.began = self.spent;
        }
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

    /// The next frame nothing more can be said of at `now`: its moment is over and its fate known. Or there are too many.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Held, Kept)> {
        let (head, _) = self.queue.front()?;
        let crowded = self.queue.len() > FRAMES || self.bytes > BYTES;
        if (head.open || head.at >= now) && !crowded {
            return None;
        }
        self.pop_any()
    }

    /// The next frame, whatever may yet be said of it.
    pub(super) fn pop_any(&mut self) -> Option<(Held, Kept)> {
        let (held, kept) = self.queue.pop_front()?;
        self.first += 1;
        self.bytes -= kept.len();
        if let Kept::Head { from, kept, .. } | Kept::Run { from, kept, .. } = kept {
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
        Kept::Frame(Frame::from(&[0; 60][..]))
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
                hold.push_head(held(n, false), 1514, 60 + n as usize % 40, |head| head.fill(n as u8));
            }
            if n % 300 == 299 {
                while let Some((_, kept)) = hold.pop(Instant::from_millis(n.saturating_sub(50))) {
                    if let Kept::Head { from, kept, len } = kept {
                        assert_eq!((hold.head(from, kept), len), (&vec![next as u8; 60 + next as usize % 40][..], 1514));
                    }
                    next += 1;
                }
            }
            longest = longest.max(hold.heads.len());
        }
        assert!(next > 19_000 && longest < 3 * SPENT, "{longest} bytes");
    }
}

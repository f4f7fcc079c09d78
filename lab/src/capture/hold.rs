//! Frames of a host, in order, until what became of each is known.

use std::collections::VecDeque;

use loggia_stack::base::{Direction, Frame, Instant};

/// Most frames that are held back for the fate of the first; then it is written without.
const FRAMES: usize = 16_384;
/// Most bytes that are.
const BYTES: usize = 64 << 20;

/// A frame that waits to be written.
#[derive(Debug)]
pub struct Held {
    /// When it passed the border of the host.
    pub at: Instant,
    /// By which interface.
    pub port: usize,
    /// Which way.
    pub direction: Direction,
    /// The frame, maybe a super-segment.
    pub frame: Frame,
    /// First sequence number, if it is TCP.
    pub seq: Option<u32>,
    /// What is to be said of it.
    pub comments: Vec<String>,
    /// Its fate is not known yet.
    pub open: bool,
}

/// Where a held frame is: valid until it is written, and harmless afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(u64);

/// The frames of one host.
#[derive(Debug, Default)]
pub struct Hold {
    queue: VecDeque<Held>,
    /// Place of the first of the queue.
    first: u64,
    bytes: usize,
}

impl Hold {
    /// Appends a frame.
    pub fn push(&mut self, held: Held) -> Place {
        self.bytes += held.frame.len();
        self.queue.push_back(held);
        Place(self.first + self.queue.len() as u64 - 1)
    }

    /// A frame that has not been written.
    pub fn get(&mut self, Place(place): Place) -> Option<&mut Held> {
        self.queue.get_mut(place.checked_sub(self.first)? as usize)
    }

    /// Says something of a frame.
    pub fn remark(&mut self, place: Place, comments: impl IntoIterator<Item = String>) {
        if let Some(held) = self.get(place) {
            held.comments.extend(comments);
        }
    }

    /// A frame's fate is known.
    pub fn close(&mut self, place: Place) {
        if let Some(held) = self.get(place) {
            held.open = false;
        }
    }

    /// The frames that left at `at` and hold sequence numbers from `seq` on, `len` of them.
    pub fn sent_at(&mut self, at: Instant, seq: u32, len: u32) -> impl Iterator<Item = &mut Held> {
        let within = move |first: u32| first.wrapping_sub(seq) < len.max(1);
        let moment = self.queue.iter_mut().rev().take_while(move |held| held.at == at);
        moment.filter(move |held| held.direction == Direction::Out && held.seq.is_some_and(within))
    }

    /// The next frame nothing more can be said of at `now`: its moment is over and its fate known. Or there are too many.
    pub fn pop(&mut self, now: Instant) -> Option<Held> {
        let head = self.queue.front()?;
        let crowded = self.queue.len() > FRAMES || self.bytes > BYTES;
        if (head.open || head.at >= now) && !crowded {
            return None;
        }
        self.pop_any()
    }

    /// The next frame, whatever may yet be said of it.
    pub fn pop_any(&mut self) -> Option<Held> {
        let held = self.queue.pop_front()?;
        self.first += 1;
        self.bytes -= held.frame.len();
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(at: u64, open: bool) -> Held {
        let frame = Frame::from(&[0; 60][..]);
        Held {
            at: Instant::from_millis(at),
            port: 0,
            direction: Direction::Out,
            frame,
            seq: Some(at as u32),
            comments: Vec::new(),
            open,
        }
    }

    #[test]
    fn frames_keep_their_order_while_the_first_waits_for_its_fate() {
        let mut hold = Hold::default();
        let first = hold.push(held(1, true));
        hold.push(held(2, false));
        assert!(hold.pop(Instant::from_millis(5)).is_none());
        hold.remark(first, ["lost".into()]);
        hold.close(first);
        let written = hold.pop(Instant::from_millis(5)).expect("the first");
        assert_eq!((written.at, written.comments), (Instant::from_millis(1), vec!["lost".to_string()]));
        assert!(hold.pop(Instant::from_millis(2)).is_none(), "its moment is not over: more may be said of it");
        assert!(hold.pop(Instant::from_millis(3)).is_some());
        hold.remark(first, ["too late".into()]);
    }

    #[test]
    fn a_fate_that_never_comes_holds_back_a_bounded_number() {
        let mut hold = Hold::default();
        (0..FRAMES as u64 + 10).for_each(|n| {
            hold.push(held(n, true));
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
        hold.push(held(1, false));
        hold.push(held(7, false));
        assert_eq!(hold.sent_at(Instant::from_millis(7), 5, 10).count(), 1);
        assert_eq!(hold.sent_at(Instant::from_millis(7), 8, 10).count(), 0);
        assert_eq!(hold.sent_at(Instant::from_millis(1), 1, 1).count(), 0, "only the latest moment is searched");
    }
}

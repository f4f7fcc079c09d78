//! What arrived in order and was not read yet.
//!
//! ```text
//!    short            chunks
//!   ┌──────────────┐ ┌──────────┬──────────┬───
//!   │ up to 62 B   │ │          │          │
//!   └──────────────┘ └──────────┴──────────┴───
//!      front            what came behind it
//! ```

use bytes::Bytes;

use super::chunk_queue::ChunkQueue;
use crate::base::Rope;

/// The receive queue of a connection. Empty, it owns no memory; a short message takes none either.
#[derive(Debug, Default)]
pub struct ReceiveQueue {
    short: Short,
    chunks: ChunkQueue,
}

impl ReceiveQueue {
    /// Bytes that can be read.
    pub fn len(&self) -> usize {
        self.short.len() + self.chunks.len()
    }

    /// True if there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.short.is_empty() && self.chunks.is_empty()
    }

    /// Memory held: what small slices pin is bounded by copying them together.
    pub fn charge(&self) -> usize {
        self.chunks.charge() + if self.short.is_empty() { 0 } else { size_of::<Short>() }
    }

    /// Appends what arrived next.
    #[inline(always)]
    pub fn push(&mut self, payload: Rope) {
        if self.chunks.is_empty() && self.short.fits(payload.len()) {
            self.short.append(&payload);
        } else {
            self.chunks.absorb(payload);
        }
    }

    /// Copies out from the front (after `skip` bytes) without taking; says how much.
    pub fn peek(&self, skip: usize, into: &mut [u8]) -> usize {
        let short = self.short.bytes();
        let ahead = short.get(skip..).unwrap_or_default();
        let count = ahead.len().min(into.len());
        into[..count].copy_from_slice(&ahead[..count]);
        if count == into.len() || self.chunks.is_empty() {
            return count;
        }
        count + self.chunks.copy_to(skip.saturating_sub(short.len()), &mut into[count..])
    }

    /// Drops the first `count` bytes.
    #[inline(always)]
    pub fn consume(&mut self, count: usize) {
        let here = self.short.advance(count);
        if here < count {
            self.chunks.advance(count - here);
        }
    }

    /// Takes the first chunk, at most `max` bytes of it (zero copy, unless it is short).
    pub fn take(&mut self, max: usize) -> Option<Bytes> {
        if self.short.is_empty() || max == 0 {
            return self.chunks.take(max);
        }
        let taken = Bytes::copy_from_slice(&self.short.bytes()[..max.min(self.short.len())]);
        self.short.advance(taken.len());
        Some(taken)
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A few bytes in place: a request, a reply.
#[derive(Debug)]
struct Short {
    start: u8,
    end: u8,
    room: [u8; 62],
}

impl Default for Short {
    fn default() -> Self {
        Self { start: 0, end: 0, room: [0; 62] }
    }
}

impl Short {
    fn bytes(&self) -> &[u8] {
        &self.room[usize::from(self.start)..usize::from(self.end)]
    }

    fn len(&self) -> usize {
        usize::from(self.end - self.start)
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn fits(&self, len: usize) -> bool {
        len <= self.room.len() - usize::from(self.end)
    }

    fn append(&mut self, payload: &Rope) {
        let end = usize::from(self.end);
        self.end += payload.copy_to(0, &mut self.room[end..end + payload.len()]) as u8;
    }

    /// Drops up to `count` bytes; says how many.
    fn advance(&mut self, count: usize) -> usize {
        let count = count.min(self.len());
        self.start += count as u8;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_owns_nothing_when_empty() {
        assert!(size_of::<ReceiveQueue>() <= 136);
        let mut queue = ReceiveQueue::default();
        queue.push(Rope::from(&b"hello "[..]));
        queue.push(Rope::from(&b"world"[..]));
        let mut read = [0; 5];
        assert_eq!(queue.peek(4, &mut read), 5);
        assert_eq!(&read, b"o wor");
        queue.consume(6);
        assert_eq!(queue.take(100).unwrap(), "world");
        assert!(queue.is_empty() && queue.chunks.owns_nothing());
    }

    #[test]
    fn a_full_segment_is_not_copied() {
        let segment = Bytes::from(alloc::vec![1; 1448]);
        let mut queue = ReceiveQueue::default();
        queue.push(segment.clone().into());
        assert_eq!(queue.take(usize::MAX).unwrap().as_ptr(), segment.as_ptr());
        assert!(queue.chunks.owns_nothing());
    }

    #[test]
    fn one_byte_segments_do_not_hold_the_frames_they_came_in() {
        let mut queue = ReceiveQueue::default();
        let mut frames = alloc::vec::Vec::new();
        for _ in 0..4000 {
            let frame = Bytes::from(alloc::vec![0; 64]);
            queue.push(frame.slice(10..11).into());
            frames.push(frame);
        }
        assert!(frames.iter().all(Bytes::is_unique), "nothing of them is held");
        assert_eq!(queue.len(), 4000);
        assert!(queue.charge() < 3 * 4000, "{}", queue.charge());
    }

    #[test]
    fn what_comes_behind_a_short_message_is_read_behind_it() {
        let mut queue = ReceiveQueue::default();
        let whole: alloc::vec::Vec<u8> = (0..200).collect();
        queue.push(Rope::from(&whole[..40]));
        assert_eq!(queue.charge(), 64, "no chunk");
        queue.push(Rope::from(&whole[40..80]));
        queue.push(Rope::from(&whole[80..]));
        for (skip, len) in [(0, 200), (39, 3), (40, 10), (70, 100), (190, 20)] {
            let mut read = alloc::vec![0; len];
            let count = queue.peek(skip, &mut read);
            assert_eq!(&read[..count], &whole[skip..(skip + len).min(200)]);
        }
        queue.consume(30);
        assert_eq!(queue.take(100).unwrap(), &whole[30..40]);
        queue.consume(159);
        assert_eq!((queue.len(), queue.take(9).unwrap()), (1, Bytes::from_static(&[199])));
        assert!(queue.is_empty() && queue.chunks.owns_nothing());
    }

    #[test]
    fn small_and_large_keep_their_order() {
        let mut queue = ReceiveQueue::default();
        let mut want = alloc::vec::Vec::new();
        for (i, size) in [10, 20, 600, 5, 5, 2000, 1].into_iter().enumerate() {
            let bytes = alloc::vec![i as u8; size];
            want.extend_from_slice(&bytes);
            queue.push(bytes.into());
        }
        let mut got = alloc::vec::Vec::new();
        while let Some(chunk) = queue.take(700) {
            got.extend_from_slice(&chunk);
        }
        assert_eq!(got, want);
    }
}

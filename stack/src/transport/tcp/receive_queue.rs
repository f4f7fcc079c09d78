//! What arrived in order and was not read yet.

use bytes::Bytes;

use super::chunk_queue::ChunkQueue;
use crate::base::Rope;

/// The receive queue of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct ReceiveQueue {
    chunks: ChunkQueue,
}

impl ReceiveQueue {
    /// Bytes that can be read.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// True if there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Memory held: what small slices pin is bounded by copying them together.
    pub fn charge(&self) -> usize {
        self.chunks.charge()
    }

    /// Appends what arrived next.
    pub fn push(&mut self, payload: Rope) {
        self.chunks.absorb(payload);
    }

    /// Copies out from the front (after `skip` bytes) without taking; says how much.
    pub fn peek(&self, skip: usize, into: &mut [u8]) -> usize {
        self.chunks.copy_to(skip, into)
    }

    /// Drops the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        self.chunks.advance(count);
    }

    /// Takes the first chunk, at most `max` bytes of it (zero copy).
    pub fn take(&mut self, max: usize) -> Option<Bytes> {
        self.chunks.take(max)
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_owns_nothing_when_empty() {
        assert!(size_of::<ReceiveQueue>() <= 48);
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

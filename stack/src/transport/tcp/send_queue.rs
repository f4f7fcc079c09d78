//! What the application wrote and the peer has not acknowledged: shared chunks from `snd_una` on.
//!
//! ```text
//!   snd_una            snd_nxt                 written
//!      │ sent, not acked  │  not sent yet         │
//!      ▼                  ▼                       ▼
//!   ┌──────┬──────────────┬──────┬────────────────┬ ─ ─ ─
//!   │chunk │    chunk     │chunk │  tail (grows)  │ room
//!   └──────┴──────────────┴──────┴────────────────┴ ─ ─ ─
//!      0       offsets count from snd_una
//! ```

use bytes::Bytes;

use super::chunk_queue::ChunkQueue;
use super::chunks::Chunks;
use crate::base::Rope;

/// The send queue of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct SendQueue {
    chunks: ChunkQueue,
}

impl SendQueue {
    /// Bytes from `snd_una` to the last one written.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// True if all that was written is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Memory held, counted as buffers count it (chunks with their overhead).
    pub fn charge(&self) -> usize {
        self.chunks.charge()
    }

    /// Copies `data` in: small writes share a chunk, large ones get chunks of up to 64 KiB.
    pub(super) fn write(&mut self, data: &[u8], chunks: &mut Chunks) {
        self.chunks.append_in(data, chunks);
    }

    /// Takes a chunk as it is (zero copy).
    pub fn push(&mut self, chunk: Bytes) {
        self.chunks.push(chunk);
    }

    /// `len` bytes from `offset` on (as many of them as there are), shared; at most 17 chunks, beyond that copied into one.
    #[inline(always)]
    pub fn slice(&mut self, offset: usize, len: usize) -> Rope {
        self.chunks.slice(offset, len)
    }

    /// True if the `len` bytes from `offset` on lie in the first chunk: to share them changes nothing here.
    #[inline(always)]
    pub(super) fn is_in_first(&self, offset: usize, len: usize) -> bool {
        self.chunks.is_in_first(offset, len)
    }

    /// These bytes, as [`SendQueue::slice`] gives them.
    #[inline(always)]
    pub(super) fn slice_of_first(&self, offset: usize, len: usize) -> Rope {
        self.chunks.slice_of_first(offset, len)
    }

    /// Drops the first `count` bytes: they were acknowledged. Large chunks go back to `chunks`.
    pub(super) fn release(&mut self, count: usize, chunks: &mut Chunks) {
        self.chunks.advance_into(count, chunks);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        // Empty, as nearly always, it owns nothing.
        if !self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_owns_nothing_when_empty() {
        assert!(size_of::<SendQueue>() <= 72);
        let mut queue = SendQueue::default();
        for size in [10, 10, 100_000, 10] {
            queue.write(&alloc::vec![7; size], &mut Chunks::default());
        }
        queue.push(Bytes::from_static(b"as it is"));
        assert_eq!(queue.len(), 100_038);
        queue.release(100_037, &mut Chunks::default());
        assert!(!queue.is_empty() && !queue.chunks.owns_nothing());
        queue.release(1, &mut Chunks::default());
        assert!(queue.is_empty() && queue.chunks.owns_nothing());
        queue.write(b"again", &mut Chunks::default());
        queue.clear();
        assert!(queue.chunks.owns_nothing());
    }

    #[test]
    fn small_writes_share_a_chunk_also_after_a_part_was_sent() {
        let mut queue = SendQueue::default();
        queue.write(&[0; 10], &mut Chunks::default());
        for i in 1..=100 {
            queue.write(&[i; 10], &mut Chunks::default());
        }
        assert_eq!(queue.slice(0, 1010).chunk_count(), 2);
        queue.write(&[101; 10], &mut Chunks::default());
        let last = queue.slice(1005, 15);
        assert_eq!(last.to_vec(), [[100; 5], [101; 5], [101; 5]].concat());
        assert!(queue.charge() < 8192, "one tail: {}", queue.charge());
    }

    #[test]
    fn a_large_write_is_cut_into_few_chunks_and_shared_by_all_who_send_it() {
        let mut queue = SendQueue::default();
        let data: alloc::vec::Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
        queue.write(&data, &mut Chunks::default());
        assert_eq!(queue.slice(0, 200_000).chunk_count(), 4);
        let (once, again) = (queue.slice(70_000, 1448), queue.slice(70_000, 1448));
        let address = |rope: &Rope| rope.chunks().next().unwrap().as_ptr();
        assert_eq!(address(&once), address(&again));
        assert_eq!(once.to_vec(), &data[70_000..71_448]);
    }

    #[test]
    fn a_slice_of_very_many_chunks_is_one_copy() {
        let mut queue = SendQueue::default();
        for i in 0..100 {
            queue.push(Bytes::copy_from_slice(&[i; 2]));
        }
        assert_eq!(queue.slice(0, 34).chunk_count(), 17);
        let copy = queue.slice(1, 198);
        assert_eq!((copy.chunk_count(), copy.len()), (1, 198));
    }
}

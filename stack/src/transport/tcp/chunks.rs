//! Large chunks that nobody needs at the moment, kept for what is written next.
//!
//! A writer of much takes a chunk of 64 KiB for each piece, and gives it back when the piece is acknowledged. An allocator that returns so much to
//! the system and asks for it again makes the system clear its pages each time; and the chunk that was given back last is still in the cache.

use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};

/// The largest chunk that copied data gets, and the capacity of each that is kept.
pub(super) const CHUNK: usize = 64 << 10;
/// What is at least so long gets one of them.
pub(super) const LARGE: usize = CHUNK - CHUNK / 8;
/// What a stack keeps at most. In flight on a path without a delay are few: what is written until somebody
/// looks for acknowledgements, and as much again.
const MOST: usize = 8;

/// The chunks, empty; that which was given back last at the end.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    free: Vec<BytesMut>,
}

impl Chunks {
    /// A copy of data in a chunk of those, if it fills one well.
    #[inline(always)]
    pub(super) fn copy(&mut self, data: &[u8]) -> Option<Bytes> {
        if !(LARGE..=CHUNK).contains(&data.len()) {
            return None;
        }
        let mut chunk = self.free.pop().unwrap_or_else(|| BytesMut::with_capacity(CHUNK));
        chunk.extend_from_slice(data);
        Some(chunk.freeze())
    }

    /// Nobody needs this one any more but perhaps others who share it: then it goes when they let it go.
    pub(super) fn keep(&mut self, chunk: Bytes) {
        if self.free.len() >= MOST || chunk.len() > CHUNK {
            return;
        }
        let Ok(mut chunk) = chunk.try_into_mut() else { return };
        chunk.clear();
        // What somebody made larger than those here is not for us to hold, be this its end.
        if chunk.try_reclaim(CHUNK) && !chunk.try_reclaim(2 * CHUNK) {
            self.free.push(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Buf;

    #[test]
    fn a_chunk_that_nobody_shares_is_used_again() {
        let mut chunks = Chunks::default();
        let mut first = chunks.copy(&alloc::vec![7; CHUNK - 10]).expect("it is large");
        let at = first.as_ptr();
        // Acknowledged bit by bit.
        first.advance(60_000);
        chunks.keep(first);
        let again = chunks.copy(&alloc::vec![8; CHUNK]).expect("it is large");
        assert_eq!((again.as_ptr(), &again[..]), (at, &alloc::vec![8; CHUNK][..]));
        let shared = again.slice(9..10);
        chunks.keep(again);
        assert_eq!((chunks.free.len(), &shared[..]), (0, &[8][..]), "others still read it");
    }

    #[test]
    fn few_are_kept_and_only_those_that_fit() {
        let mut chunks = Chunks::default();
        let many: Vec<_> = (0..2 * MOST).map(|_| chunks.copy(&alloc::vec![0; CHUNK]).expect("it is large")).collect();
        many.into_iter().for_each(|chunk| chunks.keep(chunk));
        assert_eq!(chunks.free.len(), MOST);
        chunks.free.clear();
        for other in [alloc::vec![0; 3 * CHUNK], alloc::vec![0; 100], Vec::with_capacity(9 * CHUNK)] {
            chunks.keep(other.into());
        }
        let whole = Bytes::from(alloc::vec![0; 9 * CHUNK]);
        let end = whole.slice(8 * CHUNK..);
        drop(whole);
        chunks.keep(end);
        static FIXED: [u8; CHUNK] = [0; CHUNK];
        chunks.keep(Bytes::from_static(&FIXED));
        assert!(chunks.free.is_empty());
        assert!(chunks.copy(&[0; 1000]).is_none() && chunks.copy(&alloc::vec![0; CHUNK + 1]).is_none());
    }
}

//! A byte queue of shared chunks: what the send and the receive queue of a connection have in common.
//!
//! ```text
//!    first      rest.chunks (sorted by position)        rest.tail
//!   ┌───────┐  ┌──────────┬─────┬──────────────────┐  ┌─────────┬ ─ ─ ─ ┐
//!   │       │  │          │     │                  │  │ written   spare
//!   └───────┘  └──────────┴─────┴──────────────────┘  └─────────┴ ─ ─ ─ ┘
//!      0        start      end   end                end           offsets count from the first byte
//! ```
//!
//! Invariants: if `first` is empty, so is the queue, and it owns no memory; a few bytes lie in `first` itself. Chunks know their position in the stream, so that any
//! offset is found by binary search. The tail is the only part that grows; it is frozen into a chunk when somebody wants to share it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use core::hint::cold_path;

use super::chunks::{CHUNK, Chunks};
use crate::base::{Rope, rope};

/// What small writes share.
const TAIL: usize = 4 << 10;
/// Memory a chunk costs beside its bytes: its entry here, its reference count, the allocator's words.
const OVERHEAD: usize = size_of::<Chunk>() + 48;
/// Arrived slices below this are copied together: they may be a byte of a frame of 64 KiB, which would be held as long as they are.
const SMALL: usize = 512;
/// More chunks than this are copied into one: a frame of 64 KiB of full tails needs 17.
const MOST_CHUNKS: usize = 17;
/// The list of chunks gives memory back when it uses less than a quarter of more than this.
const KEEP: usize = 64;

/// A copy of data in a chunk. What is shared later has a reference count of its own elsewhere; a little data is put beside its count,
/// so that a short message costs one allocation.
fn shareable(data: &[u8]) -> Bytes {
    Little::new(data).map_or_else(|| Bytes::copy_from_slice(data), Bytes::from_owner)
}

/// Up to 63 bytes in place.
struct Little {
    len: u8,
    bytes: [u8; 63],
}

impl Little {
    fn new(data: &[u8]) -> Option<Self> {
        let mut bytes = [0; 63];
        bytes.get_mut(..data.len())?.copy_from_slice(data);
        Some(Self { len: data.len() as u8, bytes })
    }
}

impl AsRef<[u8]> for Little {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct ChunkQueue {
    /// One chunk, or a few bytes in place.
    first: Rope,
    first_cost: usize,
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    /// Bytes in all, kept because it is asked for in many places: each would have to look at both parts.
    len: usize,
    chunks: VecDeque<Chunk>,
    /// Where in the stream the first chunk of `chunks` begins.
    start: u64,
    /// What the chunks cost.
    cost: usize,
    tail: BytesMut,
}

#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    /// Where in the stream it ends.
    end: u64,
    cost: usize,
}

impl ChunkQueue {
    pub(super) fn len(&self) -> usize {
        let Some(rest) = &self.rest else { return self.first.len() };
        // Who has so much queued does not feel a jump.
        cold_path();
        self.first.len() + rest.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Memory held, to within one tail at the front that is partly released.
    pub(super) fn charge(&self) -> usize {
        let Some(rest) = &self.rest else { return self.first_cost };
        cold_path();
        self.first_cost + rest.cost + rest.tail.capacity()
    }

    /// Copies `data` in. Into an empty queue it gets a chunk of its size (a request, a reply), after that small pieces share a tail.
    pub(super) fn append(&mut self, data: &[u8]) {
        self.append_in(data, &mut Chunks::default());
    }

    /// As [`ChunkQueue::append`], where `chunks` are at hand for what is large.
    #[inline(always)]
    pub(super) fn append_in(&mut self, data: &[u8], chunks: &mut Chunks) {
        let mut more = data;
        if self.is_empty() && !data.is_empty() {
            let (head, tail) = data.split_at(data.len().min(CHUNK));
            self.first_cost = head.len() + OVERHEAD;
            if head.len() <= rope::SHORT {
                self.first.begin_short(head);
            } else {
                self.first = chunks.copy(head).unwrap_or_else(|| shareable(head)).into();
            }
            more = tail;
        }
        if !more.is_empty() {
            self.rest.get_or_insert_default().append(more, chunks);
        }
    }

    /// Takes a chunk as it is.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        if self.is_empty() {
            self.first_cost = chunk.len() + OVERHEAD;
            self.first = chunk.into();
        } else {
            self.rest.get_or_insert_default().push(chunk);
        }
    }

    /// Takes what arrived, in such a way that little of it cannot hold much memory.
    pub(super) fn absorb(&mut self, payload: Rope) {
        for chunk in payload {
            if chunk.len() < SMALL {
                self.append(&chunk);
            } else {
                self.push(chunk);
            }
        }
    }

    /// `len` bytes from `offset` on, or as many as there are, shared.
    pub(super) fn slice(&mut self, offset: usize, len: usize) -> Rope {
        let len = len.min(self.len().saturating_sub(offset));
        let here = self.first.len().saturating_sub(offset).min(len);
        let mut rope = if here > 0 { self.first.slice(offset, here) } else { Rope::new() };
        if let Some(rest) = &mut self.rest
            && here < len
        {
            rest.slice(offset + here - self.first.len(), len - here, &mut rope);
        }
        if rope.chunk_count() > MOST_CHUNKS { joined(&rope) } else { rope }
    }

    /// True if the `len` bytes from `offset` on lie in the first chunk: to share them changes nothing here.
    #[inline(always)]
    pub(super) fn is_in_first(&self, offset: usize, len: usize) -> bool {
        offset + len <= self.first.len()
    }

    /// These bytes, made where they are to lie.
    #[inline(always)]
    pub(super) fn slice_of_first(&self, offset: usize, len: usize) -> Rope {
        self.first.slice(offset, len)
    }

    /// Copies from `skip` on into `into`, as much as there is; says how much.
    pub(super) fn copy_to(&self, skip: usize, into: &mut [u8]) -> usize {
        let mut done = 0;
        if skip < self.first.len() {
            done = self.first.copy_to(skip, into);
        }
        if let Some(rest) = &self.rest
            && done < into.len()
        {
            done += rest.copy_to((skip + done).saturating_sub(self.first.len()), &mut into[done..]);
        }
        done
    }

    /// Drops the first `count` bytes (all, if there are fewer).
    pub(super) fn advance(&mut self, count: usize) {
        self.advance_each(count, drop);
    }

    /// As [`ChunkQueue::advance`], and keeps in `chunks` what is large.
    pub(super) fn advance_into(&mut self, count: usize, chunks: &mut Chunks) {
        self.advance_each(count, |chunk| chunks.keep(chunk));
    }

    fn advance_each(&mut self, count: usize, mut gone: impl FnMut(Bytes)) {
        let mut left = count;
        // An empty queue has no first one that could go.
        while !self.is_empty() && left >= self.first.len() {
            left -= self.first.len();
            let chunk = core::mem::take(&mut self.first);
            let found = self.next_first();
            if let Some(chunk) = chunk.into_chunk() {
                gone(chunk);
            }
            if !found {
                return;
            }
        }
        if left > 0 {
            self.first.advance(left.min(self.first.len()));
        }
    }

    /// Takes the first chunk, at most `max` bytes of it.
    pub(super) fn take(&mut self, max: usize) -> Option<Bytes> {
        if self.is_empty() || max == 0 {
            return None;
        }
        if max < self.first.len() {
            let taken = self.first.slice(0, max).to_bytes();
            self.first.advance(max);
            return Some(taken);
        }
        let taken = core::mem::take(&mut self.first);
        self.next_first();
        Some(taken.into_bytes())
    }

    /// Drops the last chunk; says how many bytes it had.
    pub(super) fn drop_last(&mut self) -> usize {
        match self.rest.as_mut().map(|rest| rest.drop_last()) {
            Some(dropped) if dropped > 0 => dropped,
            _ => core::mem::take(self).first.len(),
        }
    }

    /// Everything, as a rope of as many chunks as there are.
    pub(super) fn into_rope(mut self) -> Rope {
        let mut rope = Rope::new();
        while let Some(chunk) = self.take(usize::MAX) {
            rope.push(chunk);
        }
        rope
    }

    /// Puts the next chunk in the place of the first; says if there was one. Else the queue is empty and gives all memory back.
    fn next_first(&mut self) -> bool {
        let next = self.rest.as_mut().and_then(|rest| rest.pop());
        let found = next.is_some();
        match next {
            Some(chunk) => (self.first, self.first_cost) = (chunk.bytes.into(), chunk.cost),
            None => (self.rest, self.first_cost) = (None, 0),
        }
        found
    }

    #[cfg(test)]
    pub(super) fn owns_nothing(&self) -> bool {
        self.first.is_empty() && self.rest.is_none() && self.charge() == 0
    }
}

impl Rest {
    /// Where the chunks end and the tail begins.
    fn frozen_end(&self) -> u64 {
        self.chunks.back().map_or(self.start, |chunk| chunk.end)
    }

    fn append(&mut self, data: &[u8], chunks: &mut Chunks) {
        self.len += data.len();
        let fit = data.len().min(self.tail.capacity() - self.tail.len());
        let (fitting, more) = data.split_at(fit);
        self.tail.extend_from_slice(fitting);
        if more.is_empty() {
            return;
        }
        self.freeze();
        if more.len() < TAIL {
            self.tail = BytesMut::with_capacity(TAIL);
            self.tail.extend_from_slice(more);
        } else {
            for piece in more.chunks(CHUNK) {
                self.push_back(chunks.copy(piece).unwrap_or_else(|| Bytes::copy_from_slice(piece)));
            }
        }
    }

    fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        self.freeze();
        self.push_back(chunk);
    }

    fn push_back(&mut self, bytes: Bytes) {
        let cost = bytes.len() + OVERHEAD;
        let end = self.frozen_end() + bytes.len() as u64;
        self.cost += cost;
        self.chunks.push_back(Chunk { bytes, end, cost });
    }

    /// Makes what is in the tail a chunk; its spare room stays for what comes.
    fn freeze(&mut self) {
        if !self.tail.is_empty() {
            let piece = self.tail.split().freeze();
            self.push_back(piece);
        }
    }

    fn pop(&mut self) -> Option<Chunk> {
        if self.chunks.is_empty() {
            self.freeze();
        }
        let chunk = self.chunks.pop_front()?;
        self.start = chunk.end;
        self.len -= chunk.bytes.len();
        self.cost -= chunk.cost;
        let (used, capacity) = (self.chunks.len(), self.chunks.capacity());
        if capacity > KEEP && used < capacity / 4 {
            self.chunks.shrink_to(used * 2);
        }
        Some(chunk)
    }

    fn drop_last(&mut self) -> usize {
        let mut dropped = core::mem::take(&mut self.tail).len();
        if dropped == 0
            && let Some(chunk) = self.chunks.pop_back()
        {
            self.cost -= chunk.cost;
            dropped = chunk.bytes.len();
        }
        self.len -= dropped;
        dropped
    }

    /// The frozen bytes from `offset` on, chunk by chunk.
    fn pieces(&self, offset: usize) -> impl Iterator<Item = (&Bytes, usize)> {
        let position = self.start + offset as u64;
        let index = self.chunks.partition_point(|chunk| chunk.end <= position);
        let within = self.chunks.get(index).map_or(0, |chunk| chunk.bytes.len() - (chunk.end - position) as usize);
        self.chunks.range(index..).enumerate().map(move |(i, chunk)| (&chunk.bytes, if i == 0 { within } else { 0 }))
    }

    fn slice(&mut self, offset: usize, len: usize, rope: &mut Rope) {
        if self.start + (offset + len) as u64 > self.frozen_end() {
            self.freeze();
        }
        let mut left = len;
        for (bytes, within) in self.pieces(offset) {
            let take = (bytes.len() - within).min(left);
            rope.push(bytes.slice(within..within + take));
            left -= take;
            if left == 0 {
                return;
            }
        }
    }

    #[inline(never)]
    fn copy_to(&self, offset: usize, into: &mut [u8]) -> usize {
        let mut done = 0;
        for (bytes, within) in self.pieces(offset) {
            done += copy(&bytes[within..], &mut into[done..]);
            if done == into.len() {
                return done;
            }
        }
        let frozen = (self.frozen_end() - self.start) as usize;
        let within = (offset + done).saturating_sub(frozen).min(self.tail.len());
        done + copy(&self.tail[within..], &mut into[done..])
    }
}

/// In one chunk.
#[cold]
#[inline(never)]
fn joined(rope: &Rope) -> Rope {
    rope.to_vec().into()
}

/// Copies as much as fits; says how much.
fn copy(from: &[u8], into: &mut [u8]) -> usize {
    let count = from.len().min(into.len());
    into[..count].copy_from_slice(&from[..count]);
    count
}

#[cfg(test)]
mod tests;

//! Payload as a list of shared, reference-counted chunks: cut, joined and passed on without copying.

use alloc::vec::Vec;
use core::iter::Chain;
use core::{mem, option, slice};

use bytes::{Buf, Bytes};

use super::checksum::Sum;

/// A run of bytes made of shared chunks. A single chunk, as nearly all are, costs no allocation of its own; an empty rope owns no memory.
#[derive(Clone, Debug, Default)]
pub struct Rope {
    len: usize,
    chunks: Chunks,
}

/// No chunk is empty.
#[derive(Clone, Debug, Default)]
enum Chunks {
    #[default]
    None,
    One(Bytes),
    Many(Vec<Bytes>),
}

impl Rope {
    /// An empty rope.
    pub const fn new() -> Self {
        Self { len: 0, chunks: Chunks::None }
    }

    /// Bytes in all chunks.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is not a byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The chunks in order; none is empty.
    pub fn chunks(&self) -> slice::Iter<'_, Bytes> {
        self.as_slice().iter()
    }

    /// How many chunks there are.
    pub fn chunk_count(&self) -> usize {
        self.as_slice().len()
    }

    fn as_slice(&self) -> &[Bytes] {
        match &self.chunks {
            Chunks::None => &[],
            Chunks::One(chunk) => slice::from_ref(chunk),
            Chunks::Many(chunks) => chunks,
        }
    }

    /// Appends a chunk; an empty one is dropped.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        self.len += chunk.len();
        if let Chunks::Many(chunks) = &mut self.chunks {
            return chunks.push(chunk);
        }
        self.chunks = match mem::take(&mut self.chunks) {
            Chunks::One(first) => Chunks::Many(alloc::vec![first, chunk]),
            _ => Chunks::One(chunk),
        };
    }

    /// Appends all chunks of `other`.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        for chunk in other {
            self.push(chunk);
        }
    }

    /// The part from `start` on, `len` bytes of it, sharing the chunks.
    ///
    /// # Panics
    /// If the rope is shorter than that.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.len, "slice {start}+{len} of a rope of {}", self.len);
        if let Chunks::One(chunk) = &self.chunks {
            return chunk.slice(start..start + len).into();
        }
        let mut part = Self::new();
        for (chunk, from, until) in self.pieces(start, len) {
            part.push(chunk.slice(from..until));
        }
        part
    }

    /// The `len` bytes from `start` on of a rope of one chunk.
    fn in_one_chunk(&self, start: usize, len: usize) -> Option<&[u8]> {
        if let Chunks::One(chunk) = &self.chunks { chunk.get(start..start + len) } else { None }
    }

    /// The chunks that the `len` bytes from `start` on lie in, as far as there are so many, and which part of each.
    fn pieces(&self, start: usize, len: usize) -> impl Iterator<Item = (&Bytes, usize, usize)> {
        let (mut skip, mut left) = (start, len);
        let pieces = self.chunks().map_while(move |chunk| {
            let from = skip.min(chunk.len());
            let take = (chunk.len() - from).min(left);
            let more = left > 0;
            skip -= from;
            left -= take;
            more.then_some((chunk, from, from + take))
        });
        pieces.filter(|(_, from, until)| from < until)
    }

    /// Drops the first `count` bytes.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn advance(&mut self, count: usize) {
        match &mut self.chunks {
            Chunks::One(chunk) if count < chunk.len() => {
                chunk.advance(count);
                self.len -= count;
            }
            _ => *self = self.slice(count, self.len - count),
        }
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        match &mut self.chunks {
            Chunks::One(chunk) if len > 0 => {
                chunk.truncate(len);
                self.len = len;
            }
            _ => *self = self.slice(0, len),
        }
    }

    /// Copies from `start` on into `into`, as many bytes as fit; says how many.
    pub fn copy_to(&self, start: usize, into: &mut [u8]) -> usize {
        if let Some(bytes) = self.in_one_chunk(start, into.len()) {
            into.copy_from_slice(bytes);
            return into.len();
        }
        let mut done = 0;
        for (chunk, from, until) in self.pieces(start, into.len()) {
            into[done..done + until - from].copy_from_slice(&chunk[from..until]);
            done += until - from;
        }
        done
    }

    /// Adds the `len` bytes from `start` on, or as many as there are, to a checksum.
    pub fn add_to(&self, sum: &mut Sum, start: usize, len: usize) {
        if let Some(bytes) = self.in_one_chunk(start, len) {
            return sum.add(bytes);
        }
        for (chunk, from, until) in self.pieces(start, len) {
            sum.add(&chunk[from..until]);
        }
    }

    /// The whole as one contiguous chunk; copies only if there are several.
    pub fn to_bytes(&self) -> Bytes {
        match &self.chunks {
            Chunks::None => Bytes::new(),
            Chunks::One(chunk) => chunk.clone(),
            Chunks::Many(_) => Bytes::from(self.to_vec()),
        }
    }

    /// A copy of the whole.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len);
        for chunk in self.chunks() {
            all.extend_from_slice(chunk);
        }
        all
    }
}

impl From<Bytes> for Rope {
    fn from(chunk: Bytes) -> Self {
        let len = chunk.len();
        Self { len, chunks: if len == 0 { Chunks::None } else { Chunks::One(chunk) } }
    }
}

impl From<&[u8]> for Rope {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

impl From<Vec<u8>> for Rope {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl IntoIterator for Rope {
    type Item = Bytes;
    type IntoIter = Chain<option::IntoIter<Bytes>, alloc::vec::IntoIter<Bytes>>;
    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.chunks {
            Chunks::None => (None, Vec::new()),
            Chunks::One(chunk) => (Some(chunk), Vec::new()),
            Chunks::Many(chunks) => (None, chunks),
        };
        one.into_iter().chain(many)
    }
}

impl PartialEq for Rope {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.chunks().flat_map(|c| c.iter()).eq(other.chunks().flat_map(|c| c.iter()))
    }
}

impl Eq for Rope {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(parts: &[&'static [u8]]) -> Rope {
        let mut rope = Rope::new();
        for part in parts {
            rope.push(Bytes::from_static(part));
        }
        rope
    }

    #[test]
    fn slices_cross_chunks() {
        let whole = rope(&[b"abc", b"", b"de", b"fgh", b"i"]);
        assert_eq!(whole.len(), 9);
        assert_eq!(whole.slice(2, 5).to_vec(), b"cdefg");
        assert_eq!(whole.slice(9, 0).to_vec(), b"");
        let mut tail = whole.clone();
        tail.advance(4);
        assert_eq!(tail.to_vec(), b"efghi");
        tail.truncate(2);
        assert_eq!(tail.to_vec(), b"ef");
    }

    #[test]
    fn copy_to_takes_what_fits() {
        let whole = rope(&[b"abc", b"de", b"fgh"]);
        let mut four = [0; 4];
        assert_eq!(whole.copy_to(2, &mut four), 4);
        assert_eq!(&four, b"cdef");
        assert_eq!(whole.copy_to(7, &mut four), 1);
    }

    #[test]
    fn equality_ignores_how_it_is_cut() {
        assert_eq!(rope(&[b"ab", b"cd"]), rope(&[b"abcd"]));
        assert_ne!(rope(&[b"ab"]), rope(&[b"ac"]));
    }
}

//! Payload as a list of shared, reference-counted chunks: cut, joined and passed on without copying.

use alloc::vec::Vec;
use bytes::{Buf, Bytes};

use super::checksum::Sum;

/// A run of bytes made of shared chunks. Up to two chunks cost no allocation of their own; an empty rope owns no memory.
#[derive(Clone, Debug, Default)]
pub struct Rope {
    first: Bytes,
    second: Bytes,
    rest: Vec<Bytes>,
    len: usize,
}

impl Rope {
    /// An empty rope.
    pub const fn new() -> Self {
        Self { first: Bytes::new(), second: Bytes::new(), rest: Vec::new(), len: 0 }
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
    pub fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        [&self.first, &self.second].into_iter().filter(|chunk| !chunk.is_empty()).chain(self.rest.iter())
    }

    /// How many chunks there are.
    pub fn chunk_count(&self) -> usize {
        usize::from(!self.first.is_empty()) + usize::from(!self.second.is_empty()) + self.rest.len()
    }

    /// Appends a chunk; an empty one is dropped.
    pub fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        self.len += chunk.len();
        if self.first.is_empty() && self.second.is_empty() && self.rest.is_empty() {
            self.first = chunk;
        } else if self.second.is_empty() && self.rest.is_empty() {
            self.second = chunk;
        } else {
            self.rest.push(chunk);
        }
    }

    /// Appends all chunks of `other`.
    pub fn append(&mut self, other: Self) {
        if other.second.is_empty() && other.rest.is_empty() {
            return self.push(other.first);
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
        if start + len <= self.first.len() {
            return self.first.slice(start..start + len).into();
        }
        let (from, until) = (self.first.len(), self.first.len() + self.second.len());
        if start >= from && start + len <= until {
            return self.second.slice(start - from..start - from + len).into();
        }
        let mut part = Self::new();
        let mut skip = start;
        for chunk in self.chunks() {
            if part.len == len {
                break;
            }
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            let take = (chunk.len() - skip).min(len - part.len);
            part.push(chunk.slice(skip..skip + take));
            skip = 0;
        }
        part
    }

    /// Drops the first `count` bytes.
    pub fn advance(&mut self, count: usize) {
        if count < self.first.len() {
            self.first.advance(count);
            self.len -= count;
            return;
        }
        *self = self.slice(count, self.len - count);
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            *self = self.slice(0, len);
        }
    }

    /// Adds `len` bytes from `start` on, or as many as there are, to a checksum.
    pub fn add_to(&self, sum: &mut Sum, start: usize, len: usize) {
        if let Some(bytes) = self.first.get(start..start + len) {
            return sum.add(bytes);
        }
        let (mut skip, mut left) = (start, len);
        for chunk in self.chunks() {
            let from = skip.min(chunk.len());
            let take = (chunk.len() - from).min(left);
            sum.add(&chunk[from..from + take]);
            skip -= from;
            left -= take;
        }
    }

    /// Copies from `start` on into `into`, as many bytes as fit; says how many.
    pub fn copy_to(&self, start: usize, into: &mut [u8]) -> usize {
        if let Some(bytes) = self.first.get(start..start + into.len()) {
            into.copy_from_slice(bytes);
            return into.len();
        }
        let mut skip = start;
        let mut done = 0;
        for chunk in self.chunks() {
            if done == into.len() {
                break;
            }
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            let take = (chunk.len() - skip).min(into.len() - done);
            into[done..done + take].copy_from_slice(&chunk[skip..skip + take]);
            done += take;
            skip = 0;
        }
        done
    }

    /// The whole as one contiguous chunk; copies only if there are several.
    pub fn to_bytes(&self) -> Bytes {
        match self.chunk_count() {
            0 => Bytes::new(),
            1 => self.first.clone(),
            _ => Bytes::from(self.to_vec()),
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
        Self { len: chunk.len(), first: chunk, second: Bytes::new(), rest: Vec::new() }
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
    type IntoIter =
        core::iter::Chain<core::iter::Filter<core::array::IntoIter<Bytes, 2>, fn(&Bytes) -> bool>, alloc::vec::IntoIter<Bytes>>;
    fn into_iter(self) -> Self::IntoIter {
        fn not_empty(chunk: &Bytes) -> bool {
            !chunk.is_empty()
        }
        [self.first, self.second].into_iter().filter(not_empty as fn(&Bytes) -> bool).chain(self.rest)
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

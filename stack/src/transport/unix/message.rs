//! One message in a receive queue: what one write (or one piece of a large one) made.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::{Credentials, Right};
use crate::base::Key;

/// What waits to be read.
#[derive(Debug)]
pub(super) struct Message {
    /// Where the unread bytes begin in all that was put into this queue: of a stream the place in it.
    pub(super) offset: u64,
    /// Bytes not read yet. A stream's urgent byte that was read out of band leaves an empty message: the mark.
    pub(super) data: Bytes,
    /// Who sent it, and pays for its memory.
    pub(super) sender: Key,
    /// The sender's credentials, if either end asked for them or the sender gave them.
    pub(super) credentials: Option<Credentials>,
    pub(super) rights: Box<[Right]>,
    /// Memory charged to the sender and the stack's budget.
    pub(super) charge: u32,
    /// A stream's urgent byte, not yet read in any way.
    pub(super) urgent: bool,
    /// An empty message that was peeked at: `SO_PEEK_OFF` passes it then.
    pub(super) peeked: bool,
}

impl Message {
    /// Drops the first `count` bytes.
    pub(super) fn read(&mut self, count: usize) {
        self.data.advance(count);
        self.offset = self.offset.wrapping_add(count as u64);
    }

    /// What `SCM_CREDENTIALS` says of it.
    pub(super) fn stated_credentials(&self) -> Credentials {
        self.credentials.unwrap_or(Credentials::OVERFLOW)
    }
}

/// The caller's data, taken piece by piece.
#[derive(Debug)]
pub(super) struct Gather<'a> {
    slices: &'a [&'a [u8]],
    /// Bytes of the first slice that were taken.
    skip: usize,
    left: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn new(slices: &'a [&'a [u8]]) -> Self {
        Self { slices, skip: 0, left: slices.iter().map(|slice| slice.len()).sum() }
    }

    /// Bytes not taken yet.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// A copy of the next `len` bytes: the one copy on the way in.
    pub(super) fn take(&mut self, len: usize) -> Bytes {
        let mut into = Vec::with_capacity(len);
        while let Some((first, rest)) = self.slices.split_first()
            && into.len() < len
        {
            let piece = &first[self.skip..];
            let piece = &piece[..piece.len().min(len - into.len())];
            into.extend_from_slice(piece);
            self.skip += piece.len();
            if self.skip == first.len() {
                self.slices = rest;
                self.skip = 0;
            }
        }
        self.left -= into.len();
        Bytes::from(into)
    }
}

/// The caller's room, filled piece by piece.
#[derive(Debug)]
pub(super) struct Scatter<'a, 'b> {
    slices: &'a mut [&'b mut [u8]],
    index: usize,
    filled: usize,
}

impl<'a, 'b> Scatter<'a, 'b> {
    pub(super) fn new(slices: &'a mut [&'b mut [u8]]) -> Self {
        Self { slices, index: 0, filled: 0 }
    }

    /// Bytes of room.
    pub(super) fn room(&self) -> usize {
        self.slices[self.index..].iter().map(|slice| slice.len()).sum::<usize>() - self.filled
    }

    /// Copies as much of `data` as there is room for: the one copy on the way out.
    pub(super) fn put(&mut self, mut data: &[u8]) {
        while let Some(slice) = self.slices.get_mut(self.index)
            && !data.is_empty()
        {
            let room = &mut slice[self.filled..];
            let count = room.len().min(data.len());
            room[..count].copy_from_slice(&data[..count]);
            data = &data[count..];
            self.filled += count;
            if self.filled == slice.len() {
                self.index += 1;
                self.filled = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathering_crosses_slices() {
        let mut gather = Gather::new(&[b"ab", b"", b"cde", b"f"]);
        assert_eq!(gather.left(), 6);
        assert_eq!(&gather.take(3)[..], b"abc");
        assert_eq!(&gather.take(0)[..], b"");
        assert_eq!(&gather.take(9)[..], b"def");
        assert_eq!(gather.left(), 0);
    }

    #[test]
    fn scattering_crosses_slices() {
        let (mut a, mut b, mut c) = ([0; 2], [0; 0], [0; 3]);
        let mut slices = [&mut a[..], &mut b[..], &mut c[..]];
        let mut scatter = Scatter::new(&mut slices);
        assert_eq!(scatter.room(), 5);
        scatter.put(b"abc");
        assert_eq!(scatter.room(), 2);
        scatter.put(b"defg");
        assert_eq!(scatter.room(), 0);
        assert_eq!((&a, &c), (b"ab", b"cde"));
    }
}

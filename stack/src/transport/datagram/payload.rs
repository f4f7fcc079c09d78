//! What a datagram carries.

use alloc::vec::Vec;

use bytes::Bytes;

use super::gathering::{append, use_up};
use crate::base::frame::SHORT;
use crate::base::{Frame, Rope};

/// The bytes of a datagram.
#[derive(Clone, Debug, Default)]
pub enum Payload {
    /// Not there: it was taken.
    #[default]
    Taken,
    /// A part of the frame that brought it, which is kept as it is for its only reader: nothing is moved.
    Framed {
        /// The frame.
        frame: Frame,
        /// Where in it the bytes begin.
        at: u32,
        /// How many they are.
        len: u32,
    },
    /// Chunks that others may share.
    Shared(Rope),
    /// Short ones, of several datagrams, that were copied together: that costs less than to keep the frames.
    Gathered {
        /// All that were gathered.
        bytes: Vec<u8>,
        /// Where those begin that were not used yet.
        at: u32,
    },
}

impl From<Rope> for Payload {
    fn from(rope: Rope) -> Self {
        Self::Shared(rope)
    }
}

impl Payload {
    /// How many bytes there are.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Taken => 0,
            Self::Framed { len, .. } => *len as usize,
            Self::Shared(rope) => rope.len(),
            Self::Gathered { bytes, at } => bytes.len() - *at as usize,
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies from `start` on into `into`, as many bytes as fit; says how many.
    #[inline]
    pub fn copy_to(&self, start: usize, into: &mut [u8]) -> usize {
        match self {
            Self::Taken => 0,
            Self::Framed { frame, at, len } => {
                let count = (*len as usize).saturating_sub(start).min(into.len());
                frame.copy_to(*at as usize + start, &mut into[..count])
            }
            Self::Shared(rope) => rope.copy_to(start, into),
            Self::Gathered { bytes, at } => {
                let bytes = bytes.get(*at as usize + start..).unwrap_or_default();
                let count = bytes.len().min(into.len());
                into[..count].copy_from_slice(&bytes[..count]);
                count
            }
        }
    }

    /// All bytes, if they lie together.
    #[inline]
    pub fn together(&self) -> Option<&[u8]> {
        match self {
            Self::Taken => None,
            Self::Framed { frame, at, len } => frame.together(*at as usize, *len as usize),
            Self::Shared(rope) => rope.as_one(),
            Self::Gathered { bytes, at } => bytes.get(*at as usize..),
        }
    }

    /// Takes in the `len` bytes from `start` on of a frame behind these: copied if they are few, else shared if they stand right behind these in the
    /// same chunk. Says if it did.
    #[inline]
    pub fn take_in(&mut self, frame: &Frame, start: usize, len: usize) -> bool {
        if len > SHORT {
            return start.checked_sub(frame.head().len()).is_some_and(|skip| self.grow(&frame.body, skip, len));
        }
        let Some(more) = frame.together(start, len) else { return false };
        match self {
            Self::Gathered { bytes, at } => append(bytes, at, more),
            _ => *self = self.gathered(more),
        }
        true
    }

    /// These bytes and more, copied, with room for others.
    #[inline(never)]
    fn gathered(&self, more: &[u8]) -> Self {
        /// As many again will come, or it was not worth while.
        const DATAGRAMS: usize = 16;
        let mut bytes = Vec::with_capacity((self.len() + more.len()).max(DATAGRAMS * more.len()));
        bytes.resize(self.len(), 0);
        self.copy_to(0, &mut bytes);
        bytes.extend_from_slice(more);
        Self::Gathered { bytes, at: 0 }
    }

    /// Takes in the `len` bytes from `start` on of the body of a frame, if they stand right behind these in the same chunk; says if it did.
    #[inline]
    fn grow(&mut self, body: &Rope, start: usize, more: usize) -> bool {
        match self {
            Self::Taken => false,
            Self::Framed { frame, at, len } => {
                let (at, end) = (*at as usize, (*at + *len) as usize);
                let grows = end == frame.len() && at >= frame.head().len() && frame.body.grow(body, start, more);
                *len += if grows { more as u32 } else { 0 };
                grows
            }
            Self::Shared(rope) => rope.grow(body, start, more),
            Self::Gathered { .. } => false,
        }
    }

    /// Drops the first `count` bytes, of which there are so many.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        match self {
            Self::Taken => {}
            Self::Framed { at, len, .. } => {
                *at += count as u32;
                *len -= count as u32;
            }
            Self::Shared(rope) => rope.advance(count),
            Self::Gathered { bytes, at } => use_up(bytes, at, count),
        }
    }

    /// The first `count` bytes, of which there are so many, shared.
    pub fn first(&self, count: usize) -> Self {
        match self {
            Self::Taken => Self::Taken,
            Self::Framed { frame, at, .. } => frame.rope(*at as usize, count).into(),
            Self::Shared(rope) => rope.slice(0, count).into(),
            Self::Gathered { bytes, at } => Rope::from(&bytes[*at as usize..][..count]).into(),
        }
    }

    /// The bytes as one chunk. They are copied if they lie in several, or in the head of a frame.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Taken => Bytes::new(),
            Self::Framed { frame, at, len } => frame.rope(*at as usize, *len as usize).to_bytes(),
            Self::Shared(rope) => rope.to_bytes(),
            Self::Gathered { bytes, at } => Bytes::copy_from_slice(&bytes[*at as usize..]),
        }
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = alloc::vec![0; self.len()];
        self.copy_to(0, &mut all);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes 2 to 8 of "..abcdef.", wherever they lie.
    #[test]
    fn readers_do_not_care_where_the_bytes_lie() {
        let (all, framed) = (b"..abcdef.", |frame| Payload::Framed { frame, at: 2, len: 6 });
        let mut halves = Frame::from(&all[5..]);
        halves.prepend(&all[..5]);
        let chunks = Rope::from(&all[2..8]);
        for payload in [framed(Frame::from(&all[..])), framed(Frame::copy_of(all)), framed(halves), chunks.into()] {
            assert_eq!((payload.len(), payload.is_empty()), (6, false));
            assert_eq!((&payload.to_vec()[..], &payload.to_bytes()[..]), (&b"abcdef"[..], &b"abcdef"[..]));
            for (start, room, read) in [(0, 6, "abcdef"), (0, 10, "abcdef"), (1, 3, "bcd"), (4, 5, "ef"), (6, 5, ""), (9, 5, "")]
            {
                let mut into = alloc::vec![0; room];
                let copied = payload.copy_to(start, &mut into);
                assert_eq!(&into[..copied], read.as_bytes(), "from {start}, room for {room}");
            }
        }
        assert_eq!((Payload::Taken.len(), Payload::Taken.to_vec().len()), (0, 0));
    }

    /// Whatever holds it, and wherever they lie.
    #[test]
    fn short_ones_are_copied_together() {
        let framed = Payload::Framed { frame: Frame::copy_of(b"..ab."), at: 2, len: 2 };
        for mut payload in [framed, Rope::from(&b"ab"[..]).into()] {
            for (frame, at) in [(Frame::copy_of(b"12cd"), 2), (Frame::from(&b"ef34"[..]), 0)] {
                assert!(payload.take_in(&frame, at, 2));
            }
            assert!(!payload.take_in(&Frame::copy_of(b"g"), 0, 2), "there are not so many");
            assert_eq!((payload.together(), payload.len()), (Some(&b"abcdef"[..]), 6));
            payload.advance(2);
            assert!(payload.take_in(&Frame::copy_of(b"gh"), 0, 2));
            assert_eq!((payload.to_vec(), &payload.to_bytes()[..]), (b"cdefgh".to_vec(), &b"cdefgh"[..]));
            assert_eq!(payload.first(2).to_vec(), b"cd");
            let mut into = [0; 9];
            assert_eq!((payload.copy_to(4, &mut into), payload.copy_to(9, &mut [0; 9])), (2, 0));
            assert_eq!(&into[..2], b"gh");
        }
    }

    /// What stands behind it in its chunk is taken in, as long as nothing stands between.
    #[test]
    fn a_payload_grows_by_what_lies_behind_it_and_is_used_up_from_the_front() {
        let chunk = Rope::from(Bytes::from_static(b"abcdefghijkl"));
        let (first, rest, other) = (chunk.slice(0, 4), chunk.slice(4, 8), Rope::from(&b"efgh"[..]));
        let framed = |at, len| {
            let mut frame = Frame::new(first.clone());
            frame.prepend(b"12");
            Payload::Framed { frame, at, len }
        };
        for mut payload in [framed(2, 4), first.clone().into()] {
            assert!(!payload.grow(&other, 0, 4) && !payload.grow(&rest, 1, 3) && payload.grow(&rest, 0, 3));
            assert_eq!((payload.together(), payload.len()), (Some(&b"abcdefg"[..]), 7));
            payload.advance(2);
            assert!(payload.grow(&rest, 3, 1));
            assert_eq!((payload.to_vec(), payload.first(3).to_vec()), (b"cdefgh".to_vec(), b"cde".to_vec()));
        }
        let (padded, in_head) = (framed(2, 3), framed(1, 5));
        for mut payload in [padded, in_head, Payload::Taken] {
            let before = payload.to_vec();
            assert!(!payload.grow(&rest, 0, 3));
            assert_eq!(payload.to_vec(), before);
        }
    }
}

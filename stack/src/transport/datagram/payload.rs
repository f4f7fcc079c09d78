//! What a datagram carries.

use bytes::Bytes;

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
        }
    }

    /// All bytes, if they lie together.
    #[inline]
    pub fn together(&self) -> Option<&[u8]> {
        match self {
            Self::Taken => None,
            Self::Framed { frame, at, len } => {
                let (at, len, head) = (*at as usize, *len as usize, frame.head());
                match at.checked_sub(head.len()) {
                    Some(skip) => frame.body.as_one()?.get(skip..skip + len),
                    None => head.get(at..at + len),
                }
            }
            Self::Shared(rope) => rope.as_one(),
        }
    }

    /// Takes in the `len` bytes from `start` on of the body of a frame, if they stand right behind these in the same chunk; says if it did.
    #[inline]
    pub fn grow(&mut self, body: &Rope, start: usize, more: usize) -> bool {
        match self {
            Self::Taken => false,
            Self::Framed { frame, at, len } => {
                let (at, end) = (*at as usize, (*at + *len) as usize);
                let grows = end == frame.len() && at >= frame.head().len() && frame.body.grow(body, start, more);
                *len += if grows { more as u32 } else { 0 };
                grows
            }
            Self::Shared(rope) => rope.grow(body, start, more),
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
        }
    }

    /// The first `count` bytes, of which there are so many, shared.
    pub fn first(&self, count: usize) -> Self {
        match self {
            Self::Taken => Self::Taken,
            Self::Framed { frame, at, .. } => frame.rope(*at as usize, count).into(),
            Self::Shared(rope) => rope.slice(0, count).into(),
        }
    }

    /// The bytes as one chunk. They are copied if they lie in several, or in the head of a frame.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Taken => Bytes::new(),
            Self::Framed { frame, at, len } => frame.rope(*at as usize, *len as usize).to_bytes(),
            Self::Shared(rope) => rope.to_bytes(),
        }
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> alloc::vec::Vec<u8> {
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

    /// What stands behind it in its chunk is taken in, as long as nothing stands between.
    #[test]
    fn a_payload_grows_by_what_lies_behind_it_and_is_used_up_from_the_front() {
        let chunk = Rope::from(&b"abcdefghijkl"[..]);
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

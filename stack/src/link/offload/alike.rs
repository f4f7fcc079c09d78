//! Where the headers of two segments of one flow may differ, so that one can be cut off the other again.

use crate::base::Version;
use crate::base::frame::HEAD;

use super::layout::Layout;

pub(super) const FIN: u8 = 0x01;
pub(super) const PSH: u8 = 0x08;

const WORDS: usize = HEAD / 8;

/// Which bits of the headers must be the same: all but what a [`Template`](super::template::Template) leaves to each segment. In the words of
/// a frame's head area, at whose end the headers stand.
#[derive(Debug)]
pub(super) struct Alike {
    /// Nothing of what stands before the headers.
    fixed: [u64; WORDS],
}

impl Alike {
    /// For headers that lie like this: TCP over IP without options and extension headers.
    pub(super) fn new(layout: &Layout) -> Self {
        let &Layout { version, l3, l4, payload, .. } = layout;
        let mut fixed = [0; HEAD];
        let headers = &mut fixed[HEAD - payload..];
        headers.fill(0xff);
        match version {
            // Length and identification, checksum.
            Version::V4 => [2..6, 10..12].into_iter().for_each(|range| headers[l3..][range].fill(0)),
            // Length.
            Version::V6 => headers[l3..][4..6].fill(0),
        }
        // Sequence number, flags, checksum.
        [4..8, 13..14, 16..18].into_iter().for_each(|range| headers[l4..][range].fill(0));
        let (fixed, _) = fixed.as_chunks();
        Self { fixed: core::array::from_fn(|at| u64::from_ne_bytes(fixed[at])) }
    }

    /// True if two heads are the same where they must be. Also the words before them are looked at: a fixed number costs less than the few would.
    #[inline]
    pub(super) fn are(&self, a: &[u8; HEAD], b: &[u8; HEAD]) -> bool {
        let pairs = a.as_chunks().0.iter().zip(b.as_chunks().0).zip(&self.fixed);
        let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
        pairs.fold(0, |differ, ((a, b), fixed)| differ | (word(a) ^ word(b)) & fixed) == 0
    }
}

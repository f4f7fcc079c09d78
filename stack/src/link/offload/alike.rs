//! Where the headers of two segments of one flow may differ, so that one can be cut off the other again.

use core::ops::Range;

use crate::base::Version;
use crate::base::frame::HEAD;

use super::layout::Layout;

pub(super) const FIN: u8 = 0x01;
pub(super) const PSH: u8 = 0x08;

const WORDS: usize = HEAD / 8;
/// In the back half there is room for all headers that are common.
const HALF: usize = WORDS / 2;

/// Which bits of the headers must be the same: all but what a [`Template`](super::template::Template) leaves to each segment. In the words of
/// a frame's head area, at whose end the headers stand.
#[derive(Debug)]
pub(super) struct Alike {
    /// Nothing of what stands before the headers.
    fixed: [u64; WORDS],
    /// True if there are headers in the front half.
    long: bool,
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
        Self { fixed: core::array::from_fn(|at| u64::from_ne_bytes(fixed[at])), long: payload > HALF * 8 }
    }

    /// True if two heads are the same where they must be. Also words before them are looked at: a fixed number costs less than the few would.
    #[inline]
    pub(super) fn are(&self, a: &[u8; HEAD], b: &[u8; HEAD]) -> bool {
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        let differs = |at: usize| (u64::from_ne_bytes(a[at]) ^ u64::from_ne_bytes(b[at])) & self.fixed[at];
        let differ = |words: Range<usize>| words.fold(0, |differ, at| differ | differs(at)) != 0;
        !(differ(HALF..WORDS) || self.long && differ(0..HALF))
    }
}

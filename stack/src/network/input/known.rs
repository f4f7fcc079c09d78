//! Pairs of addresses that were judged before: the long way asks the address table four times for each packet.

use crate::base::{Addr, Entropy, LinkId};
use crate::network::quick::Quick;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pair {
    src: Addr,
    dst: Addr,
    link: LinkId,
    generation: u64,
}

/// Packets from `src` to `dst` by `link` that are for this host alone. Void with every change of addresses.
#[derive(Debug)]
pub(in crate::network) struct Known(Quick<Pair, 256>);

impl Known {
    pub(in crate::network) fn new(entropy: &Entropy) -> Self {
        Self(Quick::new(entropy, "known pairs"))
    }

    /// True if such a packet was found to be ours, and nothing has changed since.
    #[inline]
    pub(super) fn is_ours(&self, src: Addr, dst: Addr, link: LinkId, generation: u64) -> bool {
        self.0.get(src, dst, Some(link)) == Some(&Pair { src, dst, link, generation })
    }

    /// Such a packet was found to be ours.
    pub(super) fn keep(&mut self, src: Addr, dst: Addr, link: LinkId, generation: u64) {
        self.0.put(src, dst, Some(link), Pair { src, dst, link, generation });
    }
}

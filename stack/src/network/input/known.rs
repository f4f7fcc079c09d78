//! Pairs of addresses that were judged before: the long way asks the address table four times for each packet.

use alloc::boxed::Box;

use crate::base::{Addr, Entropy, LinkId};
use crate::network::quick::Mixer;

const SLOTS: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pair {
    src: Addr,
    dst: Addr,
    link: LinkId,
    generation: u64,
}

/// Packets from `src` to `dst` by `link` that are for this host alone, direct-mapped. Void with every change of addresses.
#[derive(Debug)]
pub(in crate::network) struct Known {
    mixer: Mixer,
    slots: Box<[Option<Pair>]>,
}

impl Known {
    pub(in crate::network) fn new(entropy: &Entropy) -> Self {
        Self { mixer: Mixer::new(entropy, "known pairs"), slots: Box::new([]) }
    }

    #[inline]
    fn place(&self, src: Addr, dst: Addr, link: LinkId) -> usize {
        self.mixer.slot(src, dst, link.0, SLOTS)
    }

    /// True if such a packet was found to be ours, and nothing has changed since.
    #[inline]
    pub(super) fn is_ours(&self, src: Addr, dst: Addr, link: LinkId, generation: u64) -> bool {
        let slot = self.slots.get(self.place(src, dst, link)).copied().flatten();
        slot == Some(Pair { src, dst, link, generation })
    }

    /// Such a packet was found to be ours.
    pub(super) fn keep(&mut self, src: Addr, dst: Addr, link: LinkId, generation: u64) {
        if self.slots.is_empty() {
            self.slots = alloc::vec![None; SLOTS].into();
        }
        let place = self.place(src, dst, link);
        self.slots[place] = Some(Pair { src, dst, link, generation });
    }
}

//! A quick way from a pair of addresses to what was found out of them before: direct-mapped caches.
//!
//! The mixing need not withstand attackers: two pairs in one slot cost a look-up the long way, never a wrong answer.

use alloc::boxed::Box;

use crate::base::{Addr, Entropy, LinkId};

/// Mixes addresses.
#[derive(Clone, Copy, Debug)]
struct Mixer(u64);

impl Mixer {
    fn new(entropy: &Entropy, purpose: &str) -> Self {
        Self(u64::from_le_bytes(entropy.key(purpose).secret(b"mixer").to_le_bytes()) | 1)
    }

    /// A slot below `slots`, a power of two.
    #[inline]
    fn slot(self, a: Addr, b: Addr, link: u16, slots: usize) -> usize {
        let [a, b] = [a, b].map(|addr| {
            // Where an entry lies is nobody's business outside: it may differ from machine to machine.
            let all = u128::from_ne_bytes(addr.octets());
            (all >> 64) as u64 ^ (all as u64).rotate_left(17)
        });
        let mixed = (a ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ b ^ u64::from(link) << 48;
        (mixed.wrapping_mul(self.0) >> 40) as usize & (slots - 1)
    }
}

/// What was found out last of each of so many pairs of addresses, a power of two. An entry says itself what it is of, and whether it still holds.
#[derive(Debug)]
pub(in crate::network) struct Quick<T, const SLOTS: usize> {
    mixer: Mixer,
    slots: Box<[Option<T>]>,
}

impl<T: Clone, const SLOTS: usize> Quick<T, SLOTS> {
    /// Empty; takes its memory with the first entry.
    pub(in crate::network) fn new(entropy: &Entropy, purpose: &str) -> Self {
        const { assert!(SLOTS.is_power_of_two()) };
        Self { mixer: Mixer::new(entropy, purpose), slots: Box::new([]) }
    }

    /// Where the entry of these two (and this link) would be.
    #[inline]
    pub(in crate::network) fn place(&self, a: Addr, b: Addr, link: Option<LinkId>) -> usize {
        self.mixer.slot(a, b, link.map_or(0, |link| link.0), SLOTS)
    }

    /// The entry where that of these two (and this link) would be.
    #[inline]
    pub(in crate::network) fn get(&self, a: Addr, b: Addr, link: Option<LinkId>) -> Option<&T> {
        self.at(self.place(a, b, link))
    }

    /// The entry at a place.
    #[inline]
    pub(in crate::network) fn at(&self, place: usize) -> Option<&T> {
        self.slots.get(place)?.as_ref()
    }

    /// Keeps an entry in the place of the one that was there.
    pub(in crate::network) fn put(&mut self, a: Addr, b: Addr, link: Option<LinkId>, entry: T) {
        if self.slots.is_empty() {
            self.slots = alloc::vec![None; SLOTS].into();
        }
        let place = self.place(a, b, link);
        self.slots[place] = Some(entry);
    }
}

//! A quick way from a pair of addresses to a slot of a direct-mapped cache.
//!
//! The mixing need not withstand attackers: two pairs in one slot cost a look-up the long way, never a wrong answer.

use crate::base::{Addr, Entropy};

/// Mixes addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixer(u64);

impl Mixer {
    pub(crate) fn new(entropy: &Entropy, purpose: &str) -> Self {
        Self(u64::from_le_bytes(entropy.key(purpose).secret(b"mixer").to_le_bytes()) | 1)
    }

    /// A slot below `slots`, a power of two.
    #[inline]
    pub(crate) fn slot(self, a: Addr, b: Addr, link: u16, slots: usize) -> usize {
        let [a, b] = [a, b].map(|addr| {
            let all = u128::from_be_bytes(addr.octets());
            (all >> 64) as u64 ^ (all as u64).rotate_left(17)
        });
        let mixed = (a ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ b ^ u64::from(link) << 48;
        (mixed.wrapping_mul(self.0) >> 40) as usize & (slots - 1)
    }
}

//! What a timer of this layer is for.

use super::Links;
use crate::base::{Addr, LinkId, Timer};

/// The meaning of [`Timer::key`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimerKey {
    /// The neighbour at this place of the cache.
    Neighbour(u32),
    /// The claim to an IPv4 address on a link.
    Claim(LinkId, Addr),
}

const CLAIM: u64 = 1 << 63;

impl TimerKey {
    pub(super) fn to_bits(self) -> u64 {
        match self {
            Self::Neighbour(index) => index.into(),
            Self::Claim(link, addr) => CLAIM | u64::from(link.0) << 32 | u64::from(u32::from_be_bytes(addr.v4_octets())),
        }
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        if bits & CLAIM == 0 {
            Self::Neighbour(bits as u32)
        } else {
            Self::Claim(LinkId((bits >> 32) as u16), Addr::from_v4((bits as u32).to_be_bytes()))
        }
    }
}

impl Links {
    /// A timer of [`TimerOwner::Neighbour`](crate::base::TimerOwner::Neighbour) fired.
    pub fn timer(&mut self, timer: Timer) {
        match TimerKey::from_bits(timer.key) {
            TimerKey::Neighbour(index) => self.neighbour_timer(index),
            TimerKey::Claim(link, addr) => self.arp_timer(link, addr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_bits() {
        for key in [TimerKey::Neighbour(u32::MAX), TimerKey::Claim(LinkId(u16::MAX), Addr::v4(255, 0, 1, 2))] {
            assert_eq!(TimerKey::from_bits(key.to_bits()), key);
        }
    }
}

//! Identification of fragments: counters that start at secret places, one for each of many groups of paths, so that a peer
//! sees no other path's count (RFC 7739 §5.3) and no ident comes again soon (RFC 6864 §4).

use alloc::vec::Vec;
use core::hash::Hasher;

use crate::base::{Addr, Entropy, HashKey};

/// As many as Linux has at least (`ip_idents`).
const COUNTERS: usize = 2048;

/// The counters.
#[derive(Debug)]
pub(in crate::network) struct Idents {
    hash: HashKey,
    counters: Vec<u32>,
}

impl Idents {
    pub(in crate::network) fn new(entropy: &Entropy) -> Self {
        Self { hash: entropy.key("ident"), counters: Vec::new() }
    }

    /// The next ident for the path; IPv4 takes the low half.
    pub(in crate::network) fn next(&mut self, src: Addr, dst: Addr, protocol: u8) -> u32 {
        let (counter, start) = self.counter(src, dst, protocol);
        *counter = counter.wrapping_add(1);
        counter.wrapping_add(start)
    }

    /// So many idents of the path are used that follow the last one.
    pub(in crate::network) fn skip(&mut self, src: Addr, dst: Addr, protocol: u8, count: u32) {
        let (counter, _) = self.counter(src, dst, protocol);
        *counter = counter.wrapping_add(count);
    }

    /// The counter of a path, and from where it counts.
    fn counter(&mut self, src: Addr, dst: Addr, protocol: u8) -> (&mut u32, u32) {
        if self.counters.is_empty() {
            self.counters.resize(COUNTERS, 0);
        }
        let mut hasher = self.hash.hasher();
        hasher.write(&src.octets());
        hasher.write(&dst.octets());
        hasher.write_u8(protocol);
        let hash = hasher.finish();
        (&mut self.counters[hash as usize % COUNTERS], (hash >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_up_from_a_secret_start() {
        let mut idents = Idents::new(&Entropy::new(1.into()));
        let mut next = |host| idents.next(Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, host), 17);
        let (first, other) = (next(2), next(3));
        assert_ne!(first, other);
        assert_eq!(next(2), first.wrapping_add(1));
        let (ours, theirs) = (Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2));
        idents.skip(ours, theirs, 17, 3);
        assert_eq!(idents.next(ours, theirs, 17), first.wrapping_add(5));
    }
}

//! How ports find their places in a table. It need not withstand attackers: there are but 65,536 keys, and no two of them have one hash.

use core::hash::{BuildHasherDefault, Hasher};

/// For maps whose keys are ports.
pub(super) type PortHash = BuildHasherDefault<PortHasher>;

/// The golden ratio: neighbours come to lie far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes one port.
#[derive(Debug, Default)]
pub(super) struct PortHasher(u64);

impl Hasher for PortHasher {
    #[inline]
    fn write_u16(&mut self, port: u16) {
        self.0 = u64::from(port).wrapping_mul(SPREAD);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(SPREAD);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

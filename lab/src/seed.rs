//! Everything random in a lab follows from one seed and from names.

use std::hash::Hasher as _;

use loggia_stack::base::Seed;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// 16 bytes that follow from the seed, a purpose and a name.
fn derive(seed: &Seed, purpose: &str, name: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&seed.0[..16]);
    let mut hasher = SipHasher24::new_with_key(&key);
    hasher.write(&seed.0[16..]);
    hasher.write(purpose.as_bytes());
    hasher.write_u8(0);
    hasher.write(name.as_bytes());
    hasher.finish128().as_bytes()
}

/// The seed of a host's stack.
pub(crate) fn of_host(seed: &Seed, name: &str) -> Seed {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&derive(seed, "host", name));
    bytes[16..].copy_from_slice(&derive(seed, "host-2", name));
    Seed(bytes)
}

/// The seed of one direction of a link.
pub(crate) fn of_pipe(seed: &Seed, name: &str, end: usize) -> [u8; 16] {
    derive(seed, if end == 0 { "there" } else { "back" }, name)
}

//! The cookie (RFC 7413 §4.1.2), as Linux makes it: SipHash-2-4 of both addresses under a key that can be set.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::base::{Addr, Entropy};

/// The shortest and the longest cookie (RFC 7413 §4.1.1), and ours.
const SHORTEST: usize = 4;
const LONGEST: usize = 16;
const OURS: usize = 8;

/// A cookie; an empty one asks for a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cookie {
    bytes: [u8; LONGEST],
    len: u8,
}

impl Cookie {
    /// From the bytes of an option: none if they cannot be a cookie.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let valid = bytes.is_empty() || ((SHORTEST..=LONGEST).contains(&bytes.len()) && bytes.len().is_multiple_of(2));
        if !valid {
            return None;
        }
        let mut cookie = Self { bytes: [0; LONGEST], len: bytes.len() as u8 };
        cookie.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(cookie)
    }

    /// The cookie of a client (RFC 7413 §4.1.2).
    pub(in crate::transport::tcp) fn of(key: [u8; 16], client: Addr, server: Addr) -> Self {
        let mut hasher = SipHasher24::new_with_key(&key);
        if client.is_v4() {
            hasher.write(&[client.v4_octets(), server.v4_octets()].concat());
        } else {
            hasher.write(&[client.octets(), server.octets()].concat());
        }
        let mut bytes = [0; LONGEST];
        bytes[..OURS].copy_from_slice(&hasher.finish().to_le_bytes());
        Self { bytes, len: OURS as u8 }
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// It asks for a cookie.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A stack's own key.
pub(in crate::transport::tcp) fn key(entropy: &Entropy) -> [u8; 16] {
    let key = entropy.key("tcp fast open");
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.secret(b"low").to_le_bytes());
    bytes[8..].copy_from_slice(&key.secret(b"high").to_le_bytes());
    bytes
}

/// The option as it stands in a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FastOpenOption {
    /// The cookie.
    pub cookie: Cookie,
    /// It is the experimental option.
    pub experimental: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux answers 192.0.2.1 at 192.168.0.1, and the same over IPv6, under the key a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4.
    #[test]
    fn a_cookie_is_the_one_of_linux() {
        let key = [[0xa1; 4], [0xb2; 4], [0xc3; 4], [0xd4; 4]].concat().try_into().unwrap();
        let of = |client: &str, server: &str| Cookie::of(key, client.parse().unwrap(), server.parse().unwrap());
        let v4 = of("192.0.2.1", "192.168.0.1");
        assert_eq!(v4.as_slice(), [0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb]);
        let v6 = of("fd3d:fa7b:d17d::1", "fd3d:0a0b:17d6::1");
        assert_eq!(v6.as_slice(), [0xc1, 0xd1, 0xe9, 0x74, 0x2a, 0x47, 0xa9, 0xbc]);
    }

    /// RFC 7413 §4.1.1: 4 to 16 bytes, an even number of them.
    #[test]
    fn a_cookie_has_a_valid_length_or_is_none() {
        let valid: alloc::vec::Vec<usize> = (0..=20).filter(|len| Cookie::new(&[1; 20][..*len]).is_some()).collect();
        assert_eq!(valid, [0, 4, 6, 8, 10, 12, 14, 16]);
    }
}

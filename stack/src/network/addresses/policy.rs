//! The policy table of RFC 6724 §2.1: a precedence and a label for each part of the address space.

use crate::base::{Addr, Cidr};

/// What the table says of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Destinations of higher precedence are tried first.
    pub precedence: u8,
    /// Source and destination of the same label fit each other.
    pub label: u8,
}

/// The default table, longest prefixes first. IPv4 addresses are looked up as `::ffff:0:0/96`, which is how they are stored.
const DEFAULT: [(&[u16], u8, Policy); 9] = [
    (&[0, 0, 0, 0, 0, 0, 0, 1], 128, Policy { precedence: 50, label: 0 }),
    (&[0, 0, 0, 0, 0, 0xffff], 96, Policy { precedence: 35, label: 4 }),
    (&[0, 0, 0, 0, 0, 0], 96, Policy { precedence: 1, label: 3 }),
    (&[0x2001, 0], 32, Policy { precedence: 5, label: 5 }),
    (&[0x2002], 16, Policy { precedence: 30, label: 2 }),
    (&[0x3ffe], 16, Policy { precedence: 1, label: 12 }),
    (&[0xfec0], 10, Policy { precedence: 1, label: 11 }),
    (&[0xfc00], 7, Policy { precedence: 3, label: 13 }),
    (&[], 0, Policy { precedence: 40, label: 1 }),
];

/// What the default policy table says of `addr`: the entry with the longest matching prefix.
pub fn policy(addr: Addr) -> Policy {
    let octets = addr.octets();
    let matching = DEFAULT.iter().find(|(prefix, bits, _)| starts_with(&octets, prefix, *bits));
    matching.map_or(Policy { precedence: 40, label: 1 }, |(_, _, policy)| *policy)
}

fn starts_with(octets: &[u8; 16], prefix: &[u16], bits: u8) -> bool {
    let mut wanted = [0u8; 16];
    for (bytes, word) in wanted.chunks_exact_mut(2).zip(prefix) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    let differs = u128::from_be_bytes(*octets) ^ u128::from_be_bytes(wanted);
    differs.leading_zeros() >= u32::from(bits)
}

/// How far an address reaches, as the numbers of multicast scopes (RFC 4291 §2.7); `2` link, `5` site, `14` global.
///
/// RFC 6724 §3.1: a unicast address has the scope it is used in; §3.2: IPv4 loopback and link-local addresses are link-local.
/// Unique local addresses (`fc00::/7`) are global.
pub fn scope(addr: Addr) -> u8 {
    const LINK: u8 = 2;
    const SITE: u8 = 5;
    const GLOBAL: u8 = 14;
    if !addr.is_v4() && addr.is_multicast() {
        return addr.octets()[1] & 0x0f;
    }
    if addr.is_link_local() || addr.is_loopback() {
        return LINK;
    }
    let site_local = Cidr::new(Addr::from_v6([0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 10);
    if site_local.contains(addr) { SITE } else { GLOBAL }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Policy {
        policy(text.parse().unwrap())
    }

    #[test]
    fn the_default_table_of_rfc_6724() {
        // RFC 6724 §2.1
        for (addr, precedence, label) in [
            ("::1", 50, 0),
            ("2001:db8::1", 40, 1),
            ("fe80::1", 40, 1),
            ("192.0.2.1", 35, 4),
            ("2002:c633:6401::1", 30, 2),
            ("2001:0:1::1", 5, 5),
            ("fd00::1", 3, 13),
            ("::192.0.2.1", 1, 3),
            ("fec0::1", 1, 11),
            ("3ffe::1", 1, 12),
        ] {
            assert_eq!(of(addr), Policy { precedence, label }, "{addr}");
        }
    }

    #[test]
    fn scopes_reach_from_the_link_to_the_world() {
        // RFC 6724 §3.1, §3.2
        for (addr, expected) in [
            ("fe80::1", 2),
            ("::1", 2),
            ("127.0.0.1", 2),
            ("169.254.1.1", 2),
            ("fec0::1", 5),
            ("fd00::1", 14),
            ("10.0.0.1", 14),
            ("2001:db8::1", 14),
            ("ff02::1", 2),
            ("ff05::1", 5),
            ("ff0e::1", 14),
        ] {
            assert_eq!(scope(addr.parse().unwrap()), expected, "{addr}");
        }
    }
}

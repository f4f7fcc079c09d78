//! What the headers of two segments of one flow must have in common, so that one can be cut off the other again.

use crate::base::Version;

pub(super) const FIN: u8 = 0x01;
pub(super) const PSH: u8 = 0x08;

/// True if the IP headers say the same. Of IPv4 all but length, checksum and identification, which must count on by `count` (or mean nothing: RFC
/// 6864 §4.1, DF set); of IPv6 all but the length. Both without options and extension headers.
#[inline]
pub(super) fn network(version: Version, a: &[u8], b: &[u8], count: u16) -> bool {
    match version {
        Version::V4 => a.first_chunk().zip(b.first_chunk()).is_some_and(|(a, b)| v4(a, b, count)),
        Version::V6 => a.first_chunk().zip(b.first_chunk()).is_some_and(|(a, b)| v6(a, b)),
    }
}

#[inline]
fn v4(a: &[u8; 20], b: &[u8; 20], count: u16) -> bool {
    let id = |header: &[u8; 20]| u16::from_be_bytes([header[4], header[5]]);
    let atomic = a[6] & 0x40 != 0 && id(a) == id(b);
    let differ = differ(a, b, 0, 0x0000_ffff_ffff_0000) | differ(a, b, 8, 0x0000_ffff_0000_0000) | differ(a, b, 12, 0);
    differ == 0 && (atomic || id(b) == id(a).wrapping_add(count))
}

#[inline]
fn v6(a: &[u8; 40], b: &[u8; 40]) -> bool {
    let addresses = [8, 16, 24, 32].iter().fold(0, |all, &at| all | differ(a, b, at, 0));
    differ(a, b, 0, 0xffff_0000) | addresses == 0
}

/// True if the TCP headers say the same: all but sequence number, checksum, PSH and FIN. What is told of marks is the same in all (RFC 9768
/// §3.3.3).
#[inline]
pub(super) fn tcp(a: &[u8], b: &[u8]) -> bool {
    const FLAGS: u64 = (FIN | PSH) as u64;
    let (Some((x, more)), Some((y, others))) = (a.split_first_chunk::<20>(), b.split_first_chunk::<20>()) else { return false };
    let differ = differ(x, y, 0, 0xffff_ffff) | differ(x, y, 8, FLAGS << 16) | differ(x, y, 12, FLAGS << 48 | 0xffff_0000);
    differ == 0 && same_options(more, others)
}

/// Options are whole words, and few: this is faster than a call to compare bytes.
#[inline]
fn same_options(a: &[u8], b: &[u8]) -> bool {
    let pairs = a.as_chunks::<4>().0.iter().zip(b.as_chunks::<4>().0);
    a.len() == b.len() && pairs.fold(0, |differ, (a, b)| differ | (u32::from_ne_bytes(*a) ^ u32::from_ne_bytes(*b))) == 0
}

/// Not 0 if the eight bytes from `at` on differ in other bits than those that are set in `free`, read as a number in the network's order.
#[inline]
fn differ<const N: usize>(a: &[u8; N], b: &[u8; N], at: usize, free: u64) -> u64 {
    let word = |bytes: &[u8; N]| bytes[at..].first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    (word(a) ^ word(b)) & !free.to_be()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bit of a header in turn: those that may differ, and no others.
    fn differing(len: usize, alike: impl Fn(&[u8], &[u8]) -> bool) -> alloc::vec::Vec<usize> {
        let header: alloc::vec::Vec<u8> = (0..len as u8).map(|at| at.wrapping_mul(37)).collect();
        let free = (0..len * 8).filter(|bit| {
            let mut other = header.clone();
            other[bit / 8] ^= 0x80 >> (bit % 8);
            alike(&header, &other)
        });
        free.collect()
    }

    #[test]
    fn of_ipv4_length_and_checksum_may_differ() {
        let free = differing(20, |a, b| {
            let (mut a, mut b) = (a.to_vec(), b.to_vec());
            a[4..6].fill(0);
            b[4..6].copy_from_slice(&[0, 3]);
            network(Version::V4, &a, &b, 3)
        });
        // The identification is set above.
        let expected: alloc::vec::Vec<usize> = (16..48).chain(80..96).collect();
        assert_eq!(free, expected);
    }

    #[test]
    fn an_identification_counts_on_or_means_nothing() {
        let mut a = [0x45; 20];
        for (flags, id, next, alike) in
            [(0, 7, 9, true), (0, 7, 7, false), (0x40, 7, 7, true), (0, 0xffff, 1, true), (0x40, 7, 8, false)]
        {
            let mut b = a;
            (a[6], b[6]) = (flags, flags);
            a[4..6].copy_from_slice(&u16::to_be_bytes(id));
            b[4..6].copy_from_slice(&u16::to_be_bytes(next));
            assert_eq!(network(Version::V4, &a, &b, 2), alike, "{flags:#x}: {id}, {next}");
        }
    }

    #[test]
    fn of_ipv6_the_length_may_differ() {
        let expected: alloc::vec::Vec<usize> = (32..48).collect();
        assert_eq!(differing(40, |a, b| network(Version::V6, a, b, 1)), expected);
    }

    #[test]
    fn of_tcp_sequence_number_checksum_push_and_end_may_differ() {
        let expected: alloc::vec::Vec<usize> = (32..64).chain([13 * 8 + 4, 13 * 8 + 7]).chain(128..144).collect();
        assert_eq!(differing(32, tcp), expected);
        assert!(!tcp(&[0; 24], &[0; 28]), "other options");
    }
}

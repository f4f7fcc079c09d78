//! The IPv4 header (RFC 791 §3.1).
//!
//! ```text
//!    0                   1                   2                   3
//!   |Version|  IHL  |Type of Service|          Total Length         |
//!   |         Identification        |0|D|M|    Fragment Offset      |
//!   |  Time to Live |    Protocol   |         Header Checksum       |
//!   |                       Source Address                          |
//!   |                    Destination Address                        |
//!   |                    Options, up to 40 bytes                    |
//! ```

pub mod options;

use crate::base::checksum::checksum;
use crate::base::{Addr, Discard, Sum};

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Bytes of the longest header.
pub const MAX_HEADER_LEN: usize = 60;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// A header without its options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes of header, options included: 20-60, a multiple of four.
    pub header_len: u8,
    /// TOS: DSCP and ECN.
    pub traffic_class: u8,
    /// Bytes of the packet, header included.
    pub total_len: u16,
    /// Which datagram a fragment belongs to.
    pub ident: u16,
    /// Routers must not cut it.
    pub dont_fragment: bool,
    /// Another fragment follows.
    pub more_fragments: bool,
    /// Where in the datagram's payload this fragment starts, in bytes: a multiple of eight.
    pub offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// The upper protocol.
    pub protocol: u8,
    /// From.
    pub src: Addr,
    /// To.
    pub dst: Addr,
}

impl Header {
    /// Reads the header at the start of `bytes`, of which there are at least [`HEADER_LEN`]; the checksum is not looked at.
    /// `available` bytes of packet are there. RFC 1122 §3.2.1.1, RFC 1812 §5.2.2.
    #[inline(always)]
    pub fn parse(bytes: &[u8; HEADER_LEN], available: usize) -> Result<Self, Discard> {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let addr = |at: usize| Addr::v4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let flags = word(6);
        let header = Self {
            header_len: (bytes[0] & 0x0f) * 4,
            traffic_class: bytes[1],
            total_len: word(2),
            ident: word(4),
            dont_fragment: flags & DONT_FRAGMENT != 0,
            more_fragments: flags & MORE_FRAGMENTS != 0,
            offset: (flags & 0x1fff) << 3,
            ttl: bytes[8],
            protocol: bytes[9],
            src: addr(12),
            dst: addr(16),
        };
        let fits = HEADER_LEN <= header.len() && header.len() <= header.total() && header.total() <= available;
        if bytes[0] >> 4 == 4 && fits { Ok(header) } else { Err(Discard::IpMalformed) }
    }

    /// Bytes of header.
    pub const fn len(&self) -> usize {
        self.header_len as usize
    }

    /// False: a header has at least 20 bytes.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Bytes of the packet.
    pub const fn total(&self) -> usize {
        self.total_len as usize
    }

    /// True if this is a fragment of something larger.
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.offset != 0
    }

    /// Writes the header to the start of `into`, with `options` (a multiple of four bytes, at most 40) and the checksum.
    ///
    /// # Panics
    /// If `into` is shorter than `header_len`, or `options` does not fill what it says.
    #[inline]
    pub fn emit(&self, options: &[u8], into: &mut [u8]) {
        let into = &mut into[..self.len()];
        let (fixed, rest) = into.split_first_chunk_mut::<HEADER_LEN>().expect("a header has 20 bytes");
        *fixed = self.fixed();
        rest.copy_from_slice(options);
        complete_checksum(into);
    }

    /// The bytes of a header without options, with the checksum.
    #[inline]
    pub fn plain(&self) -> [u8; HEADER_LEN] {
        let mut bytes = self.fixed();
        let mut sum = Sum::new();
        for word in bytes.as_chunks().0 {
            sum.add_word(u32::from_be_bytes(*word));
        }
        bytes[10..12].copy_from_slice(&sum.finish().to_be_bytes());
        bytes
    }

    /// The bytes before the options, without the checksum.
    #[inline]
    pub(crate) fn fixed(&self) -> [u8; HEADER_LEN] {
        let mut flags = self.offset >> 3;
        if self.dont_fragment {
            flags |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            flags |= MORE_FRAGMENTS;
        }
        let mut fixed = [0; HEADER_LEN];
        fixed[0] = 0x40 | (self.header_len / 4);
        fixed[1] = self.traffic_class;
        fixed[2..4].copy_from_slice(&self.total_len.to_be_bytes());
        fixed[4..6].copy_from_slice(&self.ident.to_be_bytes());
        fixed[6..8].copy_from_slice(&flags.to_be_bytes());
        fixed[8] = self.ttl;
        fixed[9] = self.protocol;
        fixed[12..16].copy_from_slice(&self.src.v4_octets());
        fixed[16..20].copy_from_slice(&self.dst.v4_octets());
        fixed
    }
}

/// Fills in the checksum of a header that is complete but for it.
pub fn complete_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let sum = checksum(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Entropy, Seed};

    fn any_header(entropy: &mut Entropy) -> Header {
        let options = entropy.below(11) as u8 * 4;
        let header_len = 20 + options;
        Header {
            header_len,
            traffic_class: entropy.next_u32() as u8,
            total_len: u16::from(header_len) + entropy.below(60000) as u16,
            ident: entropy.next_u32() as u16,
            dont_fragment: entropy.below(2) == 0,
            more_fragments: entropy.below(2) == 0,
            offset: (entropy.below(0x2000) as u16) << 3,
            ttl: entropy.next_u32() as u8,
            protocol: entropy.next_u32() as u8,
            src: Addr::from_v4(entropy.next_u32().to_be_bytes()),
            dst: Addr::from_v4(entropy.next_u32().to_be_bytes()),
        }
    }

    #[test]
    fn what_is_emitted_parses_to_the_same_and_sums_up() {
        for seed in 0..500u64 {
            let mut entropy = Entropy::new(seed.into());
            let header = any_header(&mut entropy);
            let mut bytes = [0; MAX_HEADER_LEN];
            header.emit(&[1; 40][..header.len() - HEADER_LEN], &mut bytes);
            let first = bytes[..HEADER_LEN].try_into().unwrap();
            assert_eq!(Header::parse(&first, header.total()), Ok(header), "seed {seed}");
            assert_eq!(checksum(&bytes[..header.len()]), 0, "seed {seed}");
            if header.len() == HEADER_LEN {
                assert_eq!(header.plain(), first, "seed {seed}");
            }
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let mut entropy = Entropy::new(Seed::from(1));
        let mut header = any_header(&mut entropy);
        (header.header_len, header.total_len) = (20, 100);
        let mut good = [0; 20];
        header.emit(&[], &mut good);
        assert_eq!(Header::parse(&good, 100), Ok(header));
        // RFC 1812 §5.2.2 (1): the link brought less than the total length says.
        assert_eq!(Header::parse(&good, 99), Err(Discard::IpMalformed));
        for (at, value) in [(0, 0x44), (0, 0x65), (3, 19)] {
            let mut bad = good;
            bad[at] = value;
            assert_eq!(Header::parse(&bad, 1000), Err(Discard::IpMalformed), "byte {at} = {value:#x}");
        }
    }
}

//! The IPv6 header (RFC 8200 §3) and the chain of extension headers after it.
//!
//! ```text
//!    0                   1                   2                   3
//!   |Version| Traffic Class |           Flow Label                  |
//!   |         Payload Length        |  Next Header  |   Hop Limit   |
//!   |                       Source Address, 16 bytes                |
//!   |                  Destination Address, 16 bytes                |
//! ```

pub mod chain;
pub mod options;

use crate::base::{Addr, Discard};

/// Bytes of the header without extension headers.
pub const HEADER_LEN: usize = 40;
/// Bytes of a fragment header.
pub const FRAGMENT_LEN: usize = 8;
/// The MTU every link must have (RFC 8200 §5).
pub const MIN_MTU: u32 = 1280;

/// The fixed header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Bytes after this header, extension headers included.
    pub payload_len: u16,
    /// What follows.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// From.
    pub src: Addr,
    /// To.
    pub dst: Addr,
}

impl Header {
    /// Reads the header. `available` bytes of packet are there.
    pub fn parse(bytes: &[u8; HEADER_LEN], available: usize) -> Result<Self, Discard> {
        let first = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let addr = |at: usize| Addr::from_v6(core::array::from_fn(|i| bytes[at + i]));
        let header = Self {
            traffic_class: (first >> 20) as u8,
            flow_label: first & 0xf_ffff,
            payload_len: u16::from_be_bytes([bytes[4], bytes[5]]),
            next_header: bytes[6],
            hop_limit: bytes[7],
            src: addr(8),
            dst: addr(24),
        };
        if first >> 28 == 6 && header.total() <= available { Ok(header) } else { Err(Discard::IpMalformed) }
    }

    /// Bytes of the packet.
    pub const fn total(&self) -> usize {
        HEADER_LEN + self.payload_len as usize
    }

    /// Writes the header to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_LEN`].
    pub fn emit(&self, into: &mut [u8]) {
        let first = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0xf_ffff;
        into[..4].copy_from_slice(&first.to_be_bytes());
        into[4..6].copy_from_slice(&self.payload_len.to_be_bytes());
        into[6] = self.next_header;
        into[7] = self.hop_limit;
        into[8..24].copy_from_slice(&self.src.octets());
        into[24..40].copy_from_slice(&self.dst.octets());
    }
}

/// A fragment header (RFC 8200 §4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// What follows.
    pub next_header: u8,
    /// Where in the fragmentable part this fragment starts, in bytes: a multiple of eight.
    pub offset: u16,
    /// Another fragment follows.
    pub more: bool,
    /// Which packet it belongs to.
    pub ident: u32,
}

impl Fragment {
    /// Reads the header.
    pub fn parse(bytes: [u8; FRAGMENT_LEN]) -> Self {
        let place = u16::from_be_bytes([bytes[2], bytes[3]]);
        Self {
            next_header: bytes[0],
            offset: place & 0xfff8,
            more: place & 1 != 0,
            ident: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        }
    }

    /// The header's bytes.
    pub fn emit(&self) -> [u8; FRAGMENT_LEN] {
        let place = (self.offset & 0xfff8 | u16::from(self.more)).to_be_bytes();
        let ident = self.ident.to_be_bytes();
        [self.next_header, 0, place[0], place[1], ident[0], ident[1], ident[2], ident[3]]
    }

    /// True if the packet is whole in spite of this header (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    #[test]
    fn what_is_emitted_parses_to_the_same() {
        for seed in 0..500u64 {
            let mut entropy = Entropy::new(seed.into());
            let mut octets = [[0; 16]; 2];
            octets.iter_mut().for_each(|octets| entropy.fill(octets));
            let header = Header {
                traffic_class: entropy.next_u32() as u8,
                flow_label: entropy.below(1 << 20),
                payload_len: entropy.next_u32() as u16,
                next_header: entropy.next_u32() as u8,
                hop_limit: entropy.next_u32() as u8,
                src: Addr::from_v6(octets[0]),
                dst: Addr::from_v6(octets[1]),
            };
            let mut bytes = [0; HEADER_LEN];
            header.emit(&mut bytes);
            assert_eq!(Header::parse(&bytes, header.total()), Ok(header), "seed {seed}");
            assert!(header.payload_len == 0 || Header::parse(&bytes, header.total() - 1).is_err(), "seed {seed}");
            bytes[0] ^= 0x20;
            assert_eq!(Header::parse(&bytes, 1 << 17), Err(Discard::IpMalformed), "seed {seed}");
            let mut raw = [0; FRAGMENT_LEN];
            entropy.fill(&mut raw);
            let fragment = Fragment::parse(raw);
            assert_eq!(Fragment::parse(fragment.emit()), fragment, "seed {seed}");
        }
    }
}

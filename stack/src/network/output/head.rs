//! The network header of packets that are all alike: made once, but for what says how long each is.

use super::said_len;
use crate::base::{Frame, Sum, Version};
use crate::network::{ipv4, ipv6};

/// A header without options or extension headers, in which the length is left open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    /// Without checksum too; with the sum of all but both.
    V4 {
        bytes: [u8; ipv4::HEADER_LEN],
        sum: Sum,
    },
    V6 {
        bytes: [u8; ipv6::HEADER_LEN],
    },
}

impl Head {
    /// Of IPv4; what it says of its length and its checksum does not count.
    pub(super) fn v4(header: &ipv4::Header) -> Self {
        let bytes = ipv4::Header { total_len: 0, ..*header }.fixed();
        let mut sum = Sum::new();
        sum.add(&bytes);
        Self::V4 { bytes, sum }
    }

    /// Of IPv6; what it says of its length does not count.
    pub(super) fn v6(header: &ipv6::Header) -> Self {
        let mut bytes = [0; ipv6::HEADER_LEN];
        header.emit(&mut bytes);
        Self::V6 { bytes }
    }

    #[inline]
    pub(super) const fn version(&self) -> Version {
        match self {
            Self::V4 { .. } => Version::V4,
            Self::V6 { .. } => Version::V6,
        }
    }

    /// Its bytes.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::V4 { .. } => ipv4::HEADER_LEN,
            Self::V6 { .. } => ipv6::HEADER_LEN,
        }
    }

    /// The longest packet that says its length.
    pub(super) const fn longest(&self) -> usize {
        match self {
            // RFC 791 §3.1: all of it.
            Self::V4 { .. } => super::MAX_LEN,
            // RFC 8200 §3: what follows the header.
            Self::V6 { .. } => ipv6::HEADER_LEN + super::MAX_LEN,
        }
    }

    /// Puts the header in front of the `len` bytes of a transport's packet.
    #[inline(always)] // Whoever makes a packet does it with the frame in hand.
    pub(super) fn push(&self, frame: &mut Frame, len: usize) {
        frame.l2_len = 0;
        match self {
            Self::V4 { bytes, sum } => {
                write_v4(bytes, *sum, len, frame.room_for());
                frame.l3_len = ipv4::HEADER_LEN as u16;
            }
            Self::V6 { bytes } => {
                write_v6(bytes, len, frame.room_for());
                frame.l3_len = ipv6::HEADER_LEN as u16;
            }
        }
    }

    /// The same, at the end of a place that holds any header.
    pub(super) fn write(&self, into: &mut [u8; ipv6::HEADER_LEN], len: usize) {
        match self {
            Self::V4 { bytes, sum } => write_v4(bytes, *sum, len, into.last_chunk_mut().expect("it is the shorter one")),
            Self::V6 { bytes } => write_v6(bytes, len, into),
        }
    }
}

#[inline(always)]
fn write_v4(bytes: &[u8; ipv4::HEADER_LEN], sum: Sum, len: usize, into: &mut [u8; ipv4::HEADER_LEN]) {
    let said = said_len(ipv4::HEADER_LEN + len);
    let mut sum = sum;
    sum.add_word(said.into());
    *into = *bytes;
    into[2..4].copy_from_slice(&said.to_be_bytes());
    into[10..12].copy_from_slice(&sum.finish().to_be_bytes());
}

#[inline(always)]
fn write_v6(bytes: &[u8; ipv6::HEADER_LEN], len: usize, into: &mut [u8; ipv6::HEADER_LEN]) {
    *into = *bytes;
    into[4..6].copy_from_slice(&(len as u16).to_be_bytes());
}

//! The two families, as whoever looks at all headers of a packet at once, where they lie, has to know them: what stands where in a network header
//! that has neither options nor extension headers.

use super::{v4, v6};
use crate::base::{Addr, Frame, LinkId, Sum, Version};
use crate::link::{LinkCast, Received};
use crate::network::ipv6::chain::Position;
use crate::network::{Cast, Packet, ipv4, ipv6};

/// A family.
pub trait Family {
    /// Which.
    const VERSION: Version;
    /// Bytes of the header.
    const LEN: usize;
    /// Bytes of both addresses.
    const ADDRESSES: usize;
    /// The header.
    type Header;
    /// Both addresses and ports, as they lie one behind the other, the source first.
    type Ends: AsRef<[u8]> + Copy;

    /// The header at the front of a packet.
    fn header(packet: &[u8]) -> Option<&Self::Header>;

    /// The ends, of the headers of network and transport.
    fn ends(headers: &[u8]) -> Option<&Self::Ends>;

    /// The addresses among the ends.
    fn addresses(ends: &Self::Ends) -> (Addr, Addr);

    /// The ports among them.
    fn ports(ends: &Self::Ends) -> [u16; 2] {
        let port = |at| ends.as_ref()[at..].first_chunk().map_or(0, |port| u16::from_be_bytes(*port));
        [port(Self::ADDRESSES), port(Self::ADDRESSES + 2)]
    }

    /// What follows the header.
    fn protocol(header: &Self::Header) -> u8;

    /// TOS or traffic class.
    fn traffic_class(header: &Self::Header) -> u8;

    /// True if this is a right header of a whole packet of so many bytes, and nothing stands between it and what follows. Nothing is known of its
    /// addresses but that they are of this family.
    fn is_plain(header: &Self::Header, len: usize) -> bool;

    /// The packet that begins at `network` in a frame and has such a header.
    fn packet(link: LinkId, frame: Frame, network: usize) -> Option<Packet>;
}

/// IPv4 (RFC 791 §3.1).
#[derive(Debug)]
pub enum V4 {}

/// IPv6 (RFC 8200 §3).
#[derive(Debug)]
pub enum V6 {}

/// The first byte of a header of version 4 without options: it has five words.
const PLAIN: u8 = 0x45;
/// More fragments follow, or some go before.
const FRAGMENT: u16 = 0x3fff;

impl Family for V4 {
    const VERSION: Version = Version::V4;
    const LEN: usize = ipv4::HEADER_LEN;
    const ADDRESSES: usize = 8;
    type Header = [u8; ipv4::HEADER_LEN];
    type Ends = [u8; 12];

    #[inline(always)]
    fn header(packet: &[u8]) -> Option<&Self::Header> {
        packet.first_chunk()
    }

    #[inline(always)]
    fn ends(headers: &[u8]) -> Option<&Self::Ends> {
        headers.get(12..)?.first_chunk()
    }

    fn addresses(ends: &Self::Ends) -> (Addr, Addr) {
        let [a, b, c, d, e, f, g, h, ..] = *ends;
        (Addr::v4(a, b, c, d), Addr::v4(e, f, g, h))
    }

    #[inline(always)]
    fn protocol(header: &Self::Header) -> u8 {
        header[9]
    }

    #[inline(always)]
    fn traffic_class(header: &Self::Header) -> u8 {
        header[1]
    }

    #[inline(always)]
    fn is_plain(header: &Self::Header, len: usize) -> bool {
        usize::from(u16::from_be_bytes([header[2], header[3]])) == len && Self::is_plain_within(header)
    }

    fn packet(link: LinkId, frame: Frame, network: usize) -> Option<Packet> {
        let fixed = Self::header(frame.together(network, Self::LEN)?)?;
        let header = ipv4::Header::parse(fixed, frame.len() - network).ok()?;
        Some(v4::packet(received(link, Self::VERSION, frame, network), &header, Cast::Unicast))
    }
}

impl V4 {
    /// As [`Family::is_plain`], of a packet behind which there may be other bytes.
    #[inline(always)]
    pub(super) fn is_plain_within(header: &[u8; ipv4::HEADER_LEN]) -> bool {
        let is_whole = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT == 0;
        header[0] == PLAIN && is_whole && is_right(header)
    }
}

impl Family for V6 {
    const VERSION: Version = Version::V6;
    const LEN: usize = ipv6::HEADER_LEN;
    const ADDRESSES: usize = 32;
    type Header = [u8; ipv6::HEADER_LEN];
    type Ends = [u8; 36];

    #[inline(always)]
    fn header(packet: &[u8]) -> Option<&Self::Header> {
        packet.first_chunk()
    }

    #[inline(always)]
    fn ends(headers: &[u8]) -> Option<&Self::Ends> {
        headers.get(8..)?.first_chunk()
    }

    fn addresses(ends: &Self::Ends) -> (Addr, Addr) {
        let addr = |at| Addr::from_v6(core::array::from_fn(|i| ends[at + i]));
        (addr(0), addr(16))
    }

    #[inline(always)]
    fn protocol(header: &Self::Header) -> u8 {
        header[6]
    }

    #[inline(always)]
    fn traffic_class(header: &Self::Header) -> u8 {
        header[0] << 4 | header[1] >> 4
    }

    #[inline(always)]
    fn is_plain(header: &Self::Header, len: usize) -> bool {
        let is_all = Self::LEN + usize::from(u16::from_be_bytes([header[4], header[5]])) == len;
        // Mapped addresses belong inside a host: on the wire they would pass for IPv4's.
        header[0] >> 4 == 6 && is_all && !is_mapped(header, 8) && !is_mapped(header, 24)
    }

    fn packet(link: LinkId, frame: Frame, network: usize) -> Option<Packet> {
        let fixed = Self::header(frame.together(network, Self::LEN)?)?;
        let header = ipv6::Header::parse(fixed, frame.len() - network).ok()?;
        let upper = Position::first(network, header.next_header);
        Some(v6::packet(received(link, Self::VERSION, frame, network), &header, Cast::Unicast, upper))
    }
}

fn received(link: LinkId, version: Version, frame: Frame, network: usize) -> Received {
    Received { link, version, frame, network, cast: LinkCast::Unicast }
}

/// The checksum is right. RFC 1071 §2 (B): the order of bytes does not matter for that.
#[inline(always)]
fn is_right(header: &[u8; ipv4::HEADER_LEN]) -> bool {
    let mut sum = Sum::new();
    header.as_chunks().0.iter().for_each(|word| sum.add_word(u32::from_ne_bytes(*word)));
    sum.finish() == 0
}

/// The address that begins there is an IPv4 one.
#[inline(always)]
fn is_mapped(header: &[u8; ipv6::HEADER_LEN], at: usize) -> bool {
    header[at..at + 12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
}

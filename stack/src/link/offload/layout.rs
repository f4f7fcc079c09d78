//! Where the headers of a frame lie, for cutting and joining.

use crate::base::frame::HEAD;
use crate::base::{Addr, Frame, Version};

/// Protocol numbers. The network layer has the full list, but lies above.
mod protocol {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const DESTINATION: u8 = 60;
}

/// A transport whose payload can be cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    /// TCP (RFC 9293 §3.1).
    Tcp,
    /// UDP (RFC 768).
    Udp,
}

impl Transport {
    /// Its protocol number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Tcp => protocol::TCP,
            Self::Udp => protocol::UDP,
        }
    }

    /// Where in its header the checksum lies.
    pub(crate) const fn checksum_offset(self) -> u8 {
        match self {
            Self::Tcp => 16,
            Self::Udp => 6,
        }
    }
}

/// The headers of a whole (not fragmented) TCP or UDP packet; all places count from the start of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    pub(crate) version: Version,
    pub(crate) transport: Transport,
    /// Where the IP header starts.
    pub(crate) l3: usize,
    /// Where the transport header starts.
    pub(crate) l4: usize,
    /// Where the payload starts; at most [`HEAD`], so that a copy of all headers fits a head.
    pub(crate) payload: usize,
    /// Where the packet ends by its IP header; what is behind is padding. Not after the end of the frame.
    pub(crate) end: usize,
    /// True if the IP header has neither options nor extension headers.
    pub(crate) plain: bool,
}

impl Layout {
    /// The layout of the packet at `l3`; none if it is anything but TCP or UDP in one piece, or malformed.
    pub(crate) fn of(frame: &Frame, l3: usize) -> Option<Self> {
        Self::usual(frame, l3).or_else(|| Self::any(frame, l3))
    }

    /// That of TCP over IPv4 without options of the latter, whose headers lie in one piece; none for anything else. The short way of
    /// [`Layout::any`].
    #[inline]
    fn usual(frame: &Frame, l3: usize) -> Option<Self> {
        const SHORTEST: u8 = 0x50;
        let headers = frame.head().get(l3..)?.first_chunk::<40>()?;
        let &[0x45, _, high, low, _, _, fragment, offset, _, protocol::TCP, ..] = headers else { return None };
        let (total, header) = (usize::from(u16::from_be_bytes([high, low])), headers[32]);
        let (l4, end) = (l3 + 20, if total == 0 { frame.len() } else { l3 + total });
        let payload = l4 + usize::from(header >> 4) * 4;
        let sound = header >= SHORTEST && payload <= end && end <= frame.len() && payload <= HEAD;
        let whole = fragment & 0x3f | offset == 0;
        let (version, transport, plain) = (Version::V4, Transport::Tcp, true);
        (sound && whole).then_some(Self { version, transport, l3, l4, payload, end, plain })
    }

    #[inline(never)]
    fn any(frame: &Frame, l3: usize) -> Option<Self> {
        let (version, number, l4, end) = match frame.read::<1>(l3)?[0] >> 4 {
            4 => v4(frame, l3)?,
            6 => v6(frame, l3)?,
            _ => return None,
        };
        let (transport, header) = match number {
            protocol::TCP => (Transport::Tcp, usize::from(frame.read::<1>(l4 + 12)?[0] >> 4) * 4),
            protocol::UDP => (Transport::Udp, 8),
            _ => return None,
        };
        let shortest = if transport == Transport::Tcp { 20 } else { 8 };
        let payload = l4 + header;
        let plain = l4 - l3 == if version == Version::V4 { 20 } else { 40 };
        let sound = header >= shortest && payload <= end && end <= frame.len() && payload <= HEAD;
        sound.then_some(Self { version, transport, l3, l4, payload, end, plain })
    }

    /// Bytes of payload.
    pub(crate) const fn payload_len(&self) -> usize {
        self.end - self.payload
    }

    /// Source and destination address of the headers in `head`, a copy of the frame's first bytes.
    pub(crate) fn addresses(&self, head: &[u8]) -> (Addr, Addr) {
        match self.version {
            Version::V4 => (v4_addr(head, self.l3 + 12), v4_addr(head, self.l3 + 16)),
            Version::V6 => (v6_addr(head, self.l3 + 8), v6_addr(head, self.l3 + 24)),
        }
    }
}

type Parsed = (Version, u8, usize, usize);

fn v4(frame: &Frame, l3: usize) -> Option<Parsed> {
    let header: [u8; 20] = frame.read(l3)?;
    let len = usize::from(header[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
    // A super-segment of more than 64 KiB has no room for its length: 0, and the frame ends where the packet does.
    let end = if total == 0 { frame.len() } else { l3 + total };
    (len >= 20 && fragment == 0).then_some((Version::V4, header[9], l3 + len, end))
}

fn v6(frame: &Frame, l3: usize) -> Option<Parsed> {
    let header: [u8; 40] = frame.read(l3)?;
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let end = if len == 0 { frame.len() } else { l3 + 40 + len };
    let (mut next, mut at) = (header[6], l3 + 40);
    while matches!(next, protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION) && at <= HEAD {
        let [after, units] = frame.read(at)?;
        next = after;
        at += 8 + usize::from(units) * 8;
    }
    Some((Version::V6, next, at, end))
}

fn v4_addr(head: &[u8], at: usize) -> Addr {
    let mut octets = [0; 4];
    octets.copy_from_slice(&head[at..at + 4]);
    Addr::from_v4(octets)
}

fn v6_addr(head: &[u8], at: usize) -> Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&head[at..at + 16]);
    Addr::from_v6(octets)
}

#[cfg(test)]
mod tests {
    use super::super::samples::Sample;
    use super::*;

    /// Whatever a byte of the headers is changed to.
    #[test]
    fn the_short_way_finds_what_the_general_one_finds() {
        for (version, transport) in [(Version::V4, Transport::Tcp), (Version::V6, Transport::Tcp), (Version::V4, Transport::Udp)]
        {
            let frame = Sample::new(version, transport, 500, 0).frame();
            let is_usual = (version, transport) == (Version::V4, Transport::Tcp);
            assert_eq!(Layout::usual(&frame, 0).is_some(), is_usual);
            for at in 0..frame.head().len().min(60) {
                for byte in 0..=255 {
                    let mut changed = frame.clone();
                    changed.overwrite(at, &[byte]);
                    let (short, general) = (Layout::usual(&changed, 0), Layout::any(&changed, 0));
                    assert!(short.is_none() || short == general, "{at} {byte}: {short:?} {general:?}");
                    assert_eq!(Layout::of(&changed, 0), general);
                }
            }
        }
    }
}

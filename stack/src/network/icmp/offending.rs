//! The packet an error is about, and whether it may be answered at all (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e)).

use crate::base::{Addr, Frame, LinkId, Rope, Version};
use crate::link::LinkCast;
use crate::network::ipv6::chain::{self, Position};
use crate::network::{Cast, Packet, ipv4, ipv6, protocol};

use super::types::{Problem, v4, v6};

/// A packet that went wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offending<'a> {
    /// The link it came by.
    pub(crate) link: LinkId,
    /// The frame it is in.
    pub(crate) frame: &'a Frame,
    /// Where in the frame its IP header starts.
    pub(crate) network: usize,
    /// How it was addressed, on the link or in its header: the wider of the two.
    pub(crate) cast: Cast,
}

/// What an answer must know of the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) version: Version,
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) traffic_class: u8,
    /// Bytes of the packet that are there.
    pub(super) len: usize,
    /// It is not the start of what its sender sent (IPv4).
    later_fragment: bool,
    /// The type, if it is an ICMP message of its family.
    icmp_type: Option<u8>,
}

impl<'a> Offending<'a> {
    /// The packet a transport was given.
    pub(crate) fn of(packet: &'a Packet) -> Self {
        Self { link: packet.link, frame: &packet.frame, network: packet.network, cast: packet.cast }
    }

    /// The facts; none if it is not an IP packet.
    pub(super) fn facts(&self) -> Option<Facts> {
        let [first] = self.frame.read::<1>(self.network)?;
        if first >> 4 == 4 { self.facts_v4() } else { self.facts_v6() }
    }

    fn facts_v4(&self) -> Option<Facts> {
        let header = ipv4::Header::parse(&self.frame.read(self.network)?, usize::MAX).ok()?;
        let kind = self.frame.read::<1>(self.network + header.len()).map(|[kind]| kind);
        Some(Facts {
            version: Version::V4,
            src: header.src,
            dst: header.dst,
            traffic_class: header.traffic_class,
            len: header.total().min(self.frame.len() - self.network),
            later_fragment: header.offset != 0,
            icmp_type: kind.filter(|_| header.protocol == protocol::ICMP),
        })
    }

    fn facts_v6(&self) -> Option<Facts> {
        let header = ipv6::Header::parse(&self.frame.read(self.network)?, usize::MAX).ok()?;
        let len = header.total().min(self.frame.len() - self.network);
        let upper = chain::skip(self.frame, Position::first(self.network, header.next_header), self.network + len);
        let kind = upper.filter(|upper| upper.protocol == protocol::ICMPV6);
        Some(Facts {
            version: Version::V6,
            src: header.src,
            dst: header.dst,
            traffic_class: header.traffic_class,
            len,
            later_fragment: false,
            // An ICMPv6 message whose type is not there is not answered either.
            icmp_type: kind.map(|upper| self.frame.read::<1>(upper.at).map_or(0, |[kind]| kind)),
        })
    }

    /// The packet from its IP header on, `len` bytes of it.
    pub(super) fn quote(&self, len: usize) -> Rope {
        Rope::from(self.frame.rope(self.network, len).to_vec())
    }
}

impl Facts {
    /// True if RFC 1122 §3.2.2 and RFC 4443 §2.4 (e) allow an answer, whatever the addresses: those are for
    /// [`Network::may_be_answered`](crate::network::Network).
    pub(super) fn answerable(&self, cast: Cast, problem: Problem) -> bool {
        match self.version {
            Version::V4 => cast == Cast::Unicast && !self.later_fragment && !self.icmp_type.is_some_and(v4::is_error),
            Version::V6 => (cast == Cast::Unicast || even_multicast(problem)) && !self.icmp_type.is_some_and(v6::is_error),
        }
    }

    /// True if the source names one host (RFC 1122 §3.2.2: not zero, not loopback unless we are both, not a group, not class E).
    pub(super) fn single_source(&self) -> bool {
        let class_e = self.src.is_v4() && self.src.v4_octets()[0] >= 240;
        let net_zero = self.src.is_v4() && self.src.v4_octets()[0] == 0;
        !self.src.is_unspecified() && !self.src.is_multicast() && !class_e && !net_zero
    }
}

/// RFC 4443 §2.4 (e.3): two exceptions, so that path MTU discovery works for groups and unknown options are told.
fn even_multicast(problem: Problem) -> bool {
    matches!(problem, Problem::TooBig { .. } | Problem::Parameter { code: 2, .. })
}

/// The wider of how a packet was addressed on the link and in its header.
pub(crate) fn wider(on_link: LinkCast, in_header: Cast) -> Cast {
    match (in_header, on_link) {
        (Cast::Unicast, LinkCast::Broadcast) => Cast::Broadcast,
        (Cast::Unicast, LinkCast::Multicast) => Cast::Multicast,
        _ => in_header,
    }
}

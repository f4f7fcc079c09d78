//! IPv6 in: the fixed header, hop-by-hop options where they come first, then the chain as the final destination walks it.

use crate::base::{Discard, Version};
use crate::link::{LinkCast, Received};
use crate::network::icmp::offending::wider;
use crate::network::icmp::types::Problem;
use crate::network::ipv6::chain::{self, End, Position, Refusal};
use crate::network::ipv6::{FRAGMENT_LEN, Header};
use crate::network::{Cast, Network, Packet, Up};

use super::martian::Verdict;
use super::{Arrived, From};

impl Network {
    pub(super) fn arrived_v6(&mut self, received: Received, from: From) -> Option<Up> {
        let header = match read_header(&received) {
            Ok(header) => header,
            Err(reason) => {
                self.bad_header(&received, reason);
                return None;
            }
        };
        let verdict = self.judge(header.src, header.dst, received.link, from);
        if let Verdict::Refused(reason) = verdict {
            self.bad_address(&received, reason);
            return None;
        }
        let cast = wider(received.cast, if let Verdict::Ours(cast) = verdict { cast } else { Cast::Unicast });
        let (network, end) = (received.network, received.network + header.total());
        let first = Position::first(network, header.next_header);
        let next = match chain::hop_by_hop(&received.frame, network, first, end) {
            Ok((next, _)) => next,
            Err(refusal) => return self.refuse(Arrived { received: &received, cast }, refusal),
        };
        match verdict {
            Verdict::Ours(_) => self.walk_chain(received, &header, cast, next),
            _ => {
                self.forward_v6(received, &header, cast);
                None
            }
        }
    }

    /// Processes the chain from `from` on and delivers what is at its end. A packet is put together from fragments at most once.
    fn walk_chain(&mut self, received: Received, header: &Header, cast: Cast, from: Position) -> Option<Up> {
        let (network, end) = (received.network, received.network + header.total());
        match chain::walk(&received.frame, network, from, end) {
            Ok(End::Upper(upper)) => self.deliver(packet(received, header, cast, upper)),
            // RFC 6946: whatever else is under way with its ident, an atomic fragment is a packet of its own.
            Ok(End::Fragment(place, fragment)) if fragment.is_atomic() => {
                let after = Position { protocol: fragment.next_header, at: place.at + FRAGMENT_LEN, named_at: place.at };
                self.walk_on(packet(received, header, cast, place), after)
            }
            Ok(End::Fragment(place, fragment)) => {
                let (whole, after) = self.reassemble_v6(packet(received, header, cast, place), place, fragment)?;
                self.walk_on(whole, after)
            }
            Err(refusal) => self.refuse(Arrived { received: &received, cast }, refusal),
        }
    }

    /// Processes what comes after a fragment header: a second one is refused.
    fn walk_on(&mut self, packet: Packet, from: Position) -> Option<Up> {
        let end = packet.transport + packet.len;
        let refusal = match chain::walk(&packet.frame, packet.network, from, end) {
            Ok(End::Upper(upper)) => {
                return self.deliver(Packet { protocol: upper.protocol, transport: upper.at, len: end - upper.at, ..packet });
            }
            Ok(End::Fragment(..)) => Refusal::Silent,
            Err(refusal) => refusal,
        };
        let Packet { link, cast, network, .. } = packet;
        let received = Received { link, version: Version::V6, frame: packet.frame, network, cast: LinkCast::Unicast };
        self.refuse(Arrived { received: &received, cast }, refusal)
    }

    /// Discards a packet whose chain cannot be followed, with a word to its sender where RFC 8200 wants one.
    fn refuse(&mut self, arrived: Arrived<'_>, refusal: Refusal) -> Option<Up> {
        let problem = match refusal {
            Refusal::Silent | Refusal::Truncated => None,
            Refusal::Field { pointer } => Some((0, pointer)),
            Refusal::NextHeader { pointer } => Some((1, pointer)),
            Refusal::UnknownOption { even_multicast: false, .. } if arrived.cast != Cast::Unicast => None,
            Refusal::UnknownOption { pointer, .. } => Some((2, pointer)),
        };
        if let Some((code, pointer)) = problem {
            self.icmp_error(&arrived.about(), Problem::Parameter { code, pointer });
        }
        self.bad_header(arrived.received, Discard::IpExtensionHeader);
        None
    }
}

/// The packet as a transport sees it whose header is at `upper`.
pub(super) fn packet(received: Received, header: &Header, cast: Cast, upper: Position) -> Packet {
    Packet {
        link: received.link,
        src: header.src,
        dst: header.dst,
        cast,
        protocol: upper.protocol,
        hop_limit: header.hop_limit,
        traffic_class: header.traffic_class,
        flow_label: header.flow_label,
        transport: upper.at,
        len: received.network + header.total() - upper.at,
        network: received.network,
        frame: received.frame,
    }
}

/// The header, if it is one that may come over a wire.
pub(super) fn read_header(received: &Received) -> Result<Header, Discard> {
    let available = received.frame.len().saturating_sub(received.network);
    let header = Header::parse(&received.frame.read(received.network).ok_or(Discard::IpMalformed)?, available)?;
    // Mapped addresses belong inside a host: on the wire they would pass for IPv4's (Linux discards them too).
    if header.src.is_v4() {
        Err(Discard::IpBadSource)
    } else if header.dst.is_v4() {
        Err(Discard::IpBadDestination)
    } else {
        Ok(header)
    }
}

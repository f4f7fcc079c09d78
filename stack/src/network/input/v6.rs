//! IPv6 in: the fixed header, hop-by-hop options where they come first, then the chain as the final destination walks it.

use crate::base::Discard;
use crate::link::Received;
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
        let cast = wider(received.cast, if let Verdict::Ours(cast) = verdict { cast } else { Cast::Unicast });
        let arrived = Arrived { cast, end: received.network + header.total(), received };
        if let Verdict::Refused(reason) = verdict {
            self.bad_address(&arrived.received, reason);
            return None;
        }
        let network = arrived.received.network;
        let first = Position::first(network, header.next_header);
        let next = match chain::hop_by_hop(&arrived.received.frame, network, first, arrived.end) {
            Ok((next, _)) => next,
            Err(refusal) => return self.refuse(&arrived, refusal),
        };
        match verdict {
            Verdict::Ours(_) => self.walk_chain(arrived, &header, next),
            _ => {
                self.forward_v6(arrived.received, &header, cast);
                None
            }
        }
    }

    /// Processes the chain from `from` on and delivers what is at its end. A packet is put together from fragments at most once.
    fn walk_chain(&mut self, arrived: Arrived, header: &Header, from: Position) -> Option<Up> {
        let network = arrived.received.network;
        match chain::walk(&arrived.received.frame, network, from, arrived.end) {
            Ok(End::Upper(upper)) => self.deliver_v6(arrived, header, upper),
            // RFC 6946: whatever else is under way with its ident, an atomic fragment is a packet of its own.
            Ok(End::Fragment(place, fragment)) if fragment.is_atomic() => {
                let after = Position { protocol: fragment.next_header, at: place.at + FRAGMENT_LEN, named_at: place.at };
                self.walk_after_fragment(arrived, header, after)
            }
            Ok(End::Fragment(place, fragment)) => {
                let packet = packet(arrived, header, place);
                let (whole, after) = self.reassemble_v6(packet, place, fragment)?;
                let end = whole.transport + whole.len;
                let cast = whole.cast;
                let received = Received {
                    link: whole.link,
                    version: crate::base::Version::V6,
                    frame: whole.frame,
                    network: whole.network,
                    cast: crate::link::LinkCast::Unicast,
                    from: None,
                };
                let header = Header { traffic_class: whole.traffic_class, ..*header };
                self.walk_after_fragment(Arrived { received, cast, end }, &header, after)
            }
            Err(refusal) => self.refuse(&arrived, refusal),
        }
    }

    fn walk_after_fragment(&mut self, arrived: Arrived, header: &Header, from: Position) -> Option<Up> {
        match chain::walk(&arrived.received.frame, arrived.received.network, from, arrived.end) {
            Ok(End::Upper(upper)) => self.deliver_v6(arrived, header, upper),
            Ok(End::Fragment(..)) => self.refuse(&arrived, Refusal::Silent),
            Err(refusal) => self.refuse(&arrived, refusal),
        }
    }

    fn deliver_v6(&mut self, arrived: Arrived, header: &Header, upper: Position) -> Option<Up> {
        let packet = packet(arrived, header, upper);
        self.deliver(packet)
    }

    /// Discards a packet whose chain cannot be followed, with a word to its sender where RFC 8200 wants one.
    fn refuse(&mut self, arrived: &Arrived, refusal: Refusal) -> Option<Up> {
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
        self.bad_header(&arrived.received, Discard::IpExtensionHeader);
        None
    }
}

/// The packet as a transport sees it whose header is at `upper`.
fn packet(arrived: Arrived, header: &Header, upper: Position) -> Packet {
    let Arrived { received, cast, end } = arrived;
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
        len: end - upper.at,
        network: received.network,
        frame: received.frame,
    }
}

fn read_header(received: &Received) -> Result<Header, Discard> {
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

//! What leaves: the IP header goes in front of a transport's packet, and what is too big is cut or refused.
//!
//! [`Outgoing::options`] of an IPv6 packet are whole extension headers with one byte in front: the number of the first of them.
//! The last one's "next header" field is filled in here. Those of an IPv4 packet are its options, a multiple of four bytes.

mod head;
pub(super) mod ident;
mod included;
mod v4;
mod v6;
pub(super) mod way;

use crate::base::{Checksum, Errno, Frame, LinkId, Rope, Sum, Version};
use crate::link::{Hop, LinkCast, Links, Received};

pub use way::{Along, LONGEST_HEADER, Manner, Onward, Straight, Way};

use super::{Cast, Fragmentation, Network, Outgoing, Route};

/// No IP packet is longer (RFC 791 §3.1; RFC 8200 §3 without jumbo payloads, of the payload).
const MAX_LEN: usize = 65535;
/// The longest headers of such a packet in front of what a transport sends.
const LONGEST_HEADERS: u32 = 60 + 60;
/// How many copies of our own multicasts and broadcasts may wait for us.
const MAX_LOOPED: usize = 1024;

/// The longest packet that `frame` may become, of `total` bytes: a super-segment may be longer than any packet where the device cuts such ones.
#[inline]
fn longest(links: &Links, link: LinkId, frame: &Frame, total: usize) -> usize {
    if total <= MAX_LEN || frame.segment_size == 0 {
        return MAX_LEN;
    }
    MAX_LEN.max(links.link_cuts_at_most(link).saturating_add(LONGEST_HEADERS) as usize)
}

/// What an IPv4 packet says of its length: one that is longer than any says 0, as Linux's do (BIG TCP), and ends with its frame.
#[inline]
fn said_len(total: usize) -> u16 {
    u16::try_from(total).unwrap_or(0)
}

impl Network {
    /// Sends a transport's packet along `route`: pushes the IP header, cuts into fragments where allowed. A super-segment is never
    /// cut here: the link layer does it, and each segment fits.
    /// `EMSGSIZE` if it is too big and must not be cut, `ENOBUFS` if the link's queue is full, `EINVAL` for malformed options.
    pub fn send(&mut self, route: &Route, outgoing: &Outgoing, frame: Frame) -> Result<(), Errno> {
        self.links.base.counters.ip.out_requests += 1;
        let sent = match (outgoing.header_included, outgoing.dst.version()) {
            (true, version) => self.send_included(route, version, outgoing, frame),
            (false, Version::V4) => self.send_v4(route, outgoing, frame),
            (false, Version::V6) => self.send_v6(route, outgoing, frame),
        };
        if sent.is_err() {
            self.links.base.counters.ip.out_discards += 1;
        }
        sent
    }

    /// The largest packet that may go out whole.
    fn size_limit(&self, route: &Route, version: Version, fragmentation: Fragmentation) -> usize {
        match fragmentation {
            Fragmentation::Probe => self.link_mtu(route.link, version) as usize,
            Fragmentation::Never | Fragmentation::Local | Fragmentation::Anybody => route.mtu as usize,
        }
    }

    fn hop_limit_for(&self, route: &Route, outgoing: &Outgoing) -> u8 {
        let advertised = || self.advertised_hop_limit(route.link).filter(|_| !outgoing.dst.is_v4());
        match (outgoing.hop_limit, route.cast) {
            // RFC 1112 §6.1, RFC 3493 §5.2: groups are reached on the link alone unless more is asked for.
            (0, Cast::Multicast) => 1,
            (0, _) => advertised().unwrap_or_else(|| self.default_hop_limit(outgoing.dst.version())),
            (limit, _) => limit,
        }
    }

    /// Hands a whole packet to the link.
    pub(super) fn hand_down(&mut self, link: LinkId, hop: Hop, version: Version, frame: Frame) -> Result<(), Errno> {
        self.links.base.counters.ip.out_octets += frame.len() as u64;
        self.links.send(link, hop, version, frame)
    }

    /// Hands fragments to the link; the first that is refused ends it, for the datagram is lost.
    pub(super) fn hand_down_fragments(
        &mut self,
        link: LinkId,
        hop: Hop,
        version: Version,
        fragments: impl Iterator<Item = Frame>,
    ) -> Result<(), Errno> {
        for fragment in fragments {
            if let Err(errno) = self.hand_down(link, hop, version, fragment) {
                self.links.base.counters.ip.frag_fails += 1;
                return Err(errno);
            }
            self.links.base.counters.ip.frag_creates += 1;
        }
        self.links.base.counters.ip.frag_oks += 1;
        Ok(())
    }

    /// A copy of a multicast for the members on this host, or of a broadcast, comes back as if from the link.
    fn loop_back(&mut self, route: &Route, outgoing: &Outgoing, frame: &Frame) {
        let wanted = match route.cast {
            Cast::Unicast => false,
            Cast::Broadcast => true,
            Cast::Multicast => !outgoing.no_loopback && self.groups.is_member(route.link, outgoing.dst, route.src),
        };
        if !wanted || route.link == super::LOOPBACK || self.looped.len() >= MAX_LOOPED {
            return;
        }
        let cast = if route.cast == Cast::Broadcast { LinkCast::Broadcast } else { LinkCast::Multicast };
        let (link, version) = (route.link, outgoing.dst.version());
        self.looped.push_back(Received { link, version, frame: frame.clone(), network: 0, cast });
    }
}

/// Puts `header` in front of a frame: into its head if there is room for it and for a link header, else before its body.
fn push_front(mut frame: Frame, header: &[u8]) -> Frame {
    const LINK_ROOM: usize = 18;
    if frame.headroom() >= header.len() + LINK_ROOM {
        frame.prepend(header);
        return frame;
    }
    let mut body = Rope::from(header);
    body.append(frame.rope(0, frame.len()));
    replace(&mut frame, body);
    frame
}

/// Puts other bytes into a frame; what is known of it stays.
fn replace(frame: &mut Frame, body: Rope) {
    frame.pull(frame.head().len());
    frame.body = body;
}

/// Completes a partial transport checksum, for a frame that is about to be cut: the pieces cannot do it any more.
/// The transport header starts at `transport`.
pub(super) fn complete_checksum(mut frame: Frame, transport: usize) -> Frame {
    let Checksum::Partial { offset } = frame.checksum else { return frame };
    let mut bytes = frame.to_vec();
    let field = transport + usize::from(offset);
    let mut sum = Sum::new();
    sum.add(bytes.get(transport..).unwrap_or_default());
    // RFC 768: a sum of zero is sent as all ones, which for the other protocols is the same number.
    let sum = match sum.finish() {
        0 => 0xffff,
        sum => sum,
    };
    if let Some(place) = bytes.get_mut(field..field + 2) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    replace(&mut frame, bytes.into());
    frame.checksum = Checksum::Unknown;
    frame
}

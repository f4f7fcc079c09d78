//! The way of packets that are all alike but for what they carry: decided once, and the IPv4 header but for length and checksum made once.

use super::MAX_LEN;
use crate::base::{Errno, Frame, Sum, Version};
use crate::network::ipv4::HEADER_LEN;
use crate::network::{Cast, Fragmentation, Network, Outgoing, Route};

/// A way that packets went and others may go: no options, no fragments, to one host. It holds until anything changes that routes depend on.
#[derive(Clone, Debug)]
pub struct Way {
    route: Route,
    generation: u64,
    /// The largest packet, in bytes.
    largest: usize,
    /// Without length and checksum.
    header: [u8; HEADER_LEN],
    /// The sum of that.
    sum: Sum,
}

impl Way {
    /// The route.
    pub const fn route(&self) -> &Route {
        &self.route
    }
}

impl Network {
    /// The way of packets as `outgoing` says along `route`, which was found just now. None where one packet's header is not like another's, and
    /// where the path takes less than the link, for what is known of that expires.
    pub fn way(&mut self, route: &Route, outgoing: &Outgoing) -> Option<Way> {
        let Outgoing { dst, fragmentation, ref options, header_included, .. } = *outgoing;
        let is_plain = dst.is_v4() && route.cast == Cast::Unicast && options.is_none() && !header_included;
        // RFC 6864 §4.1: what nobody may cut has no ident of its own.
        let is_whole = matches!(fragmentation, Fragmentation::Never | Fragmentation::Local);
        let is_wide = route.mtu > self.config.ipv4.min_pmtu && route.mtu == self.link_mtu(route.link, Version::V4);
        if !(is_plain && is_whole && is_wide) {
            return None;
        }
        let header = self.header_v4(route, outgoing, (HEADER_LEN as u8, 0), true).fixed();
        let mut sum = Sum::new();
        sum.add(&header);
        let largest = MAX_LEN.min(route.mtu as usize);
        Some(Way { route: *route, generation: self.routes.generation(), largest, header, sum })
    }

    /// True if a packet of so many bytes, IP header included, may go a way now: nothing has changed, and the link has room.
    #[inline]
    pub fn takes(&self, way: &Way, len: usize) -> bool {
        way.generation == self.routes.generation() && len <= way.largest && self.links.has_room(way.route.link)
    }

    /// As [`Network::send`], for a packet for which [`Network::takes`] was asked.
    pub fn send_along(&mut self, way: &Way, mut frame: Frame) -> Result<(), Errno> {
        let total = (HEADER_LEN + frame.len()) as u16;
        let mut header = way.header;
        let mut sum = way.sum;
        sum.add_word(total.into());
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[10..12].copy_from_slice(&sum.finish().to_be_bytes());
        frame.prepend(&header);
        (frame.l2_len, frame.l3_len) = (0, HEADER_LEN as u16);
        self.links.base.counters.ip.out_requests += 1;
        let sent = self.hand_down(way.route.link, way.route.hop, Version::V4, frame);
        if sent.is_err() {
            self.links.base.counters.ip.out_discards += 1;
        }
        sent
    }
}

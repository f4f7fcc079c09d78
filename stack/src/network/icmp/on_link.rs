//! ICMPv6 messages that stay on one link and ask no routing table: neighbour discovery and MLD.

use bytes::Bytes;

use crate::base::{Addr, Errno, Frame, LinkId, Sum, Version};
use crate::link::Hop;
use crate::network::{Cast, Network, Outgoing, Route, protocol};

impl Network {
    /// Sends an ICMPv6 message on `link`; its checksum field is filled in here. `src` may be `::`. Groups are sent to as such,
    /// other destinations as neighbours. `hop_limit` is 255 for neighbour discovery and 1 for MLD. `extensions` are as in
    /// [`Outgoing::options`]: the number of the first extension header, then the headers.
    pub(crate) fn send_icmpv6_on_link(
        &mut self,
        link: LinkId,
        src: Addr,
        dst: Addr,
        hop_limit: u8,
        extensions: Option<Bytes>,
        message: &[u8],
    ) -> Result<(), Errno> {
        let (hop, cast) =
            if dst.is_multicast() { (Hop::Multicast(dst), Cast::Multicast) } else { (Hop::Neighbour(dst), Cast::Unicast) };
        let route = Route { link, hop, src, mtu: self.link_mtu(link, Version::V6), cast, local: false };
        let options = extensions;
        let outgoing = Outgoing { dst, protocol: protocol::ICMPV6, hop_limit, options, no_loopback: true, ..Outgoing::default() };
        let mut message = alloc::vec::Vec::from(message);
        if let Some(field) = message.get_mut(2..4) {
            field.fill(0);
            let mut sum = Sum::pseudo(src, dst, protocol::ICMPV6, message.len());
            sum.add(&message);
            message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
        }
        self.links.base.counters.icmp.out_msgs += 1;
        self.send(&route, &outgoing, Frame::new(message.into()))
    }
}

//! The last step up: what is the network layer's own is handled, and everything goes to the transports.

use crate::network::{Cast, Network, Packet, Up, protocol};

impl Network {
    /// A whole packet for this host.
    pub(super) fn deliver(&mut self, packet: Packet) -> Option<Up> {
        let ip = &mut self.links.base.counters.ip;
        ip.in_delivers += 1;
        match packet.cast {
            Cast::Unicast => {}
            Cast::Multicast => ip.in_mcast_pkts += 1,
            Cast::Broadcast => ip.in_bcast_pkts += 1,
        }
        let fit = match (packet.protocol, packet.src.is_v4()) {
            (protocol::ICMP, true) => self.icmp_receive(&packet),
            (protocol::ICMPV6, false) => self.icmpv6_receive(&packet),
            (protocol::IGMP, true) => {
                self.igmp_receive(&packet);
                true
            }
            _ => true,
        };
        fit.then_some(Up::Packet(packet))
    }
}

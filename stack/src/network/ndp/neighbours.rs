//! Neighbour solicitations and advertisements (RFC 4861 §7.2).

use crate::base::{Addr, Discard, LinkId};
use crate::link::Mac;

use super::super::addresses::AddrState;
use super::super::{Network, Packet};
use super::{Message, NeighbourAdvertisement};

impl Network {
    /// Asks for a neighbour's link address: all who might be it, or, when it is only to be checked that the neighbour is still
    /// there, himself (RFC 4861 §7.2.2, 7.3.3).
    pub(crate) fn send_solicitation(&mut self, link: LinkId, target: Addr, unicast: Option<Mac>) {
        let Some(src) = self.source_on_link(link, target) else { return };
        let dst = if unicast.is_some() { target } else { target.solicited_node() };
        let source_mac = self.mac_of(link);
        self.send_ndp(link, src, dst, &Message::NeighbourSolicitation { target, source_mac, nonce: None });
    }

    /// The source for a solicitation: it must be an address of this link, so that the answer finds the way.
    fn source_on_link(&self, link: LinkId, target: Addr) -> Option<Addr> {
        let selected = self.addresses.select_source(target, link, target);
        let here = selected.filter(|&addr| self.addresses.get(link, addr).is_some_and(|own| own.state.usable()));
        here.or_else(|| self.addresses.link_local(link))
    }

    /// Somebody asks for the link address of `target` (RFC 4861 §7.2.3).
    pub(super) fn neighbour_solicited(&mut self, packet: &Packet, target: Addr, mac: Option<Mac>, nonce: Option<[u8; 6]>) {
        let link = packet.link;
        let Some(key) = self.addresses.key(link, target) else { return };
        let Some(state) = self.addresses.by_key(key).map(|assigned| assigned.state) else { return };
        let from_nobody = packet.src.is_unspecified();
        match state {
            // RFC 4862 §5.4.3: solicitations from somewhere for a tentative address are none of our business.
            AddrState::Tentative if from_nobody => self.probed_by_another(key, nonce),
            AddrState::Tentative | AddrState::Duplicate => {}
            AddrState::Preferred | AddrState::Deprecated if from_nobody => {
                // RFC 4861 §7.2.4: the prober has no address yet, so everybody gets the answer.
                self.send_advertisement(link, target, Addr::ALL_NODES, false);
            }
            AddrState::Preferred | AddrState::Deprecated => {
                if self.addresses.is_local_on(link, packet.src) {
                    return self.links.base.discard(Some(link), Discard::NdpMalformed, packet.len);
                }
                self.learn(link, packet.src, mac);
                self.send_advertisement(link, target, packet.src, true);
            }
        }
    }

    /// Tells `dst` our link address. It replaces what he knew before: no address of ours is anycast (RFC 4861 §7.2.4).
    fn send_advertisement(&mut self, link: LinkId, target: Addr, dst: Addr, solicited: bool) {
        let advertisement = NeighbourAdvertisement {
            router: self.config.ipv6.forwarding,
            solicited,
            overrides: true,
            target,
            target_mac: self.mac_of(link),
        };
        self.send_ndp(link, target, dst, &Message::NeighbourAdvertisement(advertisement));
    }

    /// Somebody tells his link address (RFC 4861 §7.2.5), which may be one we want to use (RFC 4862 §5.4.4).
    pub(super) fn neighbour_advertised(&mut self, packet: &Packet, advertisement: &NeighbourAdvertisement) {
        let &NeighbourAdvertisement { router, solicited, overrides, target, target_mac } = advertisement;
        let link = packet.link;
        if let Some(key) = self.addresses.key(link, target) {
            let state = self.addresses.by_key(key).map(|assigned| assigned.state);
            match state {
                Some(AddrState::Tentative) => self.address_taken(key),
                // Not for us to settle: RFC 4862 has no defence of addresses in use; Linux notes it and goes on.
                Some(AddrState::Preferred | AddrState::Deprecated) => self.links.base.counters.neighbour.conflicts += 1,
                Some(AddrState::Duplicate) | None => {}
            }
            return;
        }
        let unicast = target_mac.filter(|mac| mac.0[0] & 1 == 0);
        if target_mac.is_some() && unicast.is_none() {
            return self.links.base.discard(Some(link), Discard::NdpMalformed, packet.len);
        }
        self.links.neighbour_advertised(link, target, unicast, solicited, overrides, router);
        if !router {
            // RFC 4861 §7.2.5: who says that he is no router any more is no default router any more.
            self.forget_router(link, target);
        }
    }
}

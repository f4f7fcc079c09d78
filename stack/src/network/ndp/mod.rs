//! Neighbour discovery (RFC 4861): the messages, and what a host does on them. The cache of neighbours and its states are the
//! link layer's; here is what travels in ICMPv6.
//!
//! | file | what | after |
//! |---|---|---|
//! | `message`, `option` | the wire format | RFC 4861 §4 |
//! | `neighbours` | solicitations and advertisements, ours and others' | RFC 4861 §7.2 |
//! | `routers` | router advertisements: default routers, prefixes, parameters of the link | RFC 4861 §6.3, RFC 4191 |
//! | `solicit` | asking for routers | RFC 4861 §6.3.7, RFC 7559 |
//! | `advertise` | being a router | RFC 4861 §6.2 |
//! | `send` | from a message to a packet | |
//!
//! Invariants: a message that has crossed a router (hop limit below 255) is never believed; nothing here grows beyond
//! [`MAX_ROUTERS`] and [`MAX_PREFIXES`] a link, whatever is advertised.

mod advertise;
pub mod message;
mod neighbours;
pub mod option;
mod routers;
mod send;
mod solicit;
#[cfg(test)]
mod tests;

use crate::base::{Addr, Discard, LinkId};
use crate::link::Mac;

use super::{Network, Packet};
pub(crate) use advertise::Advertiser;
pub use advertise::Advertising;
pub use message::{Message, NeighbourAdvertisement, Preference, RouterAdvertisement};
pub use option::PrefixInformation;
pub(crate) use routers::Discovery;
pub use routers::{MAX_PREFIXES, MAX_ROUTERS, Router};

impl Network {
    /// An ICMPv6 message of type 133-137; checksum verified, nothing else.
    pub(crate) fn ndp_receive(&mut self, packet: &Packet) {
        let bytes = packet.payload(0).to_bytes();
        let message = Message::read(&bytes);
        let valid = |message: &Message| message::valid_on_arrival(message, packet.hop_limit, packet.src, packet.dst);
        let Some(message) = message.filter(valid) else {
            return self.links.base.discard(Some(packet.link), Discard::NdpMalformed, packet.len);
        };
        match message {
            Message::RouterSolicitation { source_mac } => self.router_solicited(packet, source_mac),
            Message::RouterAdvertisement(advertisement) => self.router_advertised(packet, &advertisement),
            Message::NeighbourSolicitation { target, source_mac, nonce } => {
                self.neighbour_solicited(packet, target, source_mac, nonce);
            }
            Message::NeighbourAdvertisement(advertisement) => self.neighbour_advertised(packet, &advertisement),
            Message::Redirect { target, destination, target_mac, .. } => {
                self.redirected(packet, target, destination, target_mac);
            }
        }
    }

    /// RFC 4861 §8.3. Whether the sender is the present first hop to the destination is for the routes to judge.
    fn redirected(&mut self, packet: &Packet, target: Addr, destination: Addr, target_mac: Option<Mac>) {
        let accepted = self.link_settings(packet.link).is_some_and(|settings| settings.accept_redirects);
        if !accepted || self.config.ipv6.forwarding {
            return self.links.base.discard(Some(packet.link), Discard::RedirectRefused, packet.len);
        }
        if self.redirect(packet.link, destination, target, packet.src) {
            self.learn(packet.link, target, target_mac);
        } else {
            self.links.base.discard(Some(packet.link), Discard::RedirectRefused, packet.len);
        }
    }

    /// A link address that came with a message.
    pub(super) fn learn(&mut self, link: LinkId, addr: Addr, mac: Option<Mac>) {
        if let Some(mac) = mac
            && mac.0[0] & 1 == 0
        {
            self.links.neighbour_learnt(link, addr, mac);
        }
    }
}

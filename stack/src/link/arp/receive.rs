//! An ARP packet that comes in (RFC 826 "Packet Reception", RFC 5227 §2.1.1 and 2.4).

use super::super::neighbour::{Creation, Said};
use super::super::up::LinkCast;
use super::super::{Links, Mac};
use super::claims::Stage;
use super::packet::{ArpPacket, Operation};
use crate::base::{Addr, Discard, Frame, LinkId};

impl Links {
    /// Takes the ARP packet at `at`.
    pub(in super::super) fn arp_receive(&mut self, link: LinkId, frame: &Frame, at: usize, cast: LinkCast) {
        let Some((own, _)) = self.ports.ethernet(link) else { return };
        self.base.counters.neighbour.arp_in += 1;
        let Some(packet) = ArpPacket::parse(frame, at).filter(is_sane) else {
            self.drop_incoming(link, Discard::ArpMalformed, frame.len());
            return;
        };
        if packet.sender_mac == own {
            // Our own broadcast, reflected by a bridge or a hub: no conflict (RFC 5227 §2.1.1) and no news.
            return;
        }
        if let Some(contested) = self.contested(link, &packet) {
            self.drop_incoming(link, Discard::ArpConflict, frame.len());
            return self.arp_conflict(link, contested, packet.sender_mac);
        }
        self.merge(link, &packet, cast);
        if packet.operation == Operation::Request && self.owns(link, packet.target) {
            self.reply(link, own, &packet);
        }
    }

    fn owns(&self, link: LinkId, addr: Addr) -> bool {
        self.ports.get(link).is_some_and(|port| port.claims.owns(addr))
    }

    /// The address of ours that the packet's sender uses, or wants to use while we probe for it too.
    fn contested(&self, link: LinkId, packet: &ArpPacket) -> Option<Addr> {
        let claims = &self.ports.get(link)?.claims;
        if claims.stage(packet.sender).is_some() {
            return Some(packet.sender);
        }
        let probes = packet.operation == Operation::Request && packet.sender == Addr::V4_ANY;
        let both = matches!(claims.stage(packet.target), Some(Stage::Probing(_)));
        (probes && both).then_some(packet.target)
    }

    /// RFC 826's "merge": a known neighbour is updated by whatever it sends; a new one is remembered if it asks for us, since we
    /// shall answer it. An unasked reply makes no neighbour (as Linux without `arp_accept`).
    fn merge(&mut self, link: LinkId, packet: &ArpPacket, cast: LinkCast) {
        if packet.sender == Addr::V4_ANY {
            return;
        }
        let said = match packet.operation {
            _ if packet.is_gratuitous() => Said::Gratuitous,
            Operation::Reply if cast == LinkCast::Unicast => Said::Answer,
            _ => Said::Hint,
        };
        let asks_us = packet.operation == Operation::Request && self.owns(link, packet.target);
        let creation = if asks_us { Creation::IfAbsent } else { Creation::Never };
        self.neighbour_said(link, packet.sender, packet.sender_mac, said, creation);
    }

    fn reply(&mut self, link: LinkId, own: Mac, packet: &ArpPacket) {
        let reply = ArpPacket {
            operation: Operation::Reply,
            sender_mac: own,
            sender: packet.target,
            target_mac: packet.sender_mac,
            target: packet.sender,
        };
        self.arp_send(link, packet.sender_mac, reply);
    }
}

/// False for senders that cannot be one, and for addresses that ARP is not for.
fn is_sane(packet: &ArpPacket) -> bool {
    let group = |addr: Addr| addr.is_multicast() || addr.is_limited_broadcast() || addr.is_loopback();
    let nobody = packet.operation == Operation::Reply && packet.sender == Addr::V4_ANY;
    packet.sender_mac.is_station() && !group(packet.sender) && !group(packet.target) && !nobody
}

//! Raw sockets: the way in.

use super::{Raw, Socket};
use crate::base::{Base, Discard, Rope, SockAddr, Version};
use crate::network::{Cast, Network, Packet, TransportError, protocol};
use crate::transport::datagram::{Datagram, DatagramOptions, Endpoint, kept};
use crate::transport::inet::needs_scope;

impl Raw {
    /// True if there is no raw socket.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Gives a copy (payload shared) to every socket that wants `packet`; true if there was one for its protocol and ends,
    /// also if its filter did not let the packet in: the protocol is then not unknown.
    pub fn receive(&mut self, net: &mut Network, packet: &Packet) -> bool {
        let mut matches = core::mem::take(&mut self.matches);
        matches.clear();
        matches.extend(self.matching(packet.protocol, packet.src, packet.dst, packet.link));
        for &id in &matches {
            self.sockets[id].take(&mut net.links.base, packet);
        }
        let taken = !matches.is_empty();
        self.matches = matches;
        taken
    }

    /// An ICMP error for a packet that a raw socket may have sent: all whose ends fit learn of it.
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        let mut matches = core::mem::take(&mut self.matches);
        matches.clear();
        matches.extend(self.matching(error.protocol, error.remote, error.local, error.link));
        for &id in &matches {
            self.sockets[id].endpoint.icmp_error(&mut net.links.base, error, 0, 0);
        }
        self.matches = matches;
    }
}

impl Socket {
    fn take(&mut self, base: &mut Base, packet: &Packet) {
        let endpoint = &mut self.endpoint;
        if filtered(&endpoint.options, packet) || !admits_group(endpoint, packet) {
            return;
        }
        // With IPV6_CHECKSUM the kernel vouches for the checksum (RFC 3542 §3.1).
        if endpoint.options.checksum_offset.is_some() && !packet.checksum_ok() {
            return base.discard(Some(packet.link), Discard::RawChecksum, packet.len);
        }
        let scope = if needs_scope(packet.src) { u32::from(packet.link.0) } else { 0 };
        let datagram = Datagram {
            data: kept(content(packet), packet.frame.len()).into(),
            from: SockAddr { addr: packet.src, port: 0, scope },
            to: packet.dst,
            to_port: 0,
            link: packet.link,
            hop_limit: packet.hop_limit,
            tos: packet.traffic_class,
            flow_label: packet.flow_label,
            at: base.now,
            options: None,
            segment_size: 0,
        };
        if endpoint.deliver(base, datagram).is_err() {
            base.discard(Some(packet.link), Discard::RawBufferFull, packet.len);
        }
    }
}

/// What a reader gets: for IPv4 all from the IP header on, for IPv6 what follows the headers.
fn content(packet: &Packet) -> Rope {
    match packet.dst.version() {
        Version::V4 => {
            let header = packet.transport.saturating_sub(packet.network);
            packet.frame.rope(packet.network, header + packet.len)
        }
        Version::V6 => packet.payload(0),
    }
}

fn admits_group(endpoint: &Endpoint, packet: &Packet) -> bool {
    let all = endpoint.options.multicast_all;
    packet.cast != Cast::Multicast || endpoint.groups.admits(packet.dst, packet.src, packet.link, all)
}

/// True if `ICMP_FILTER` or `ICMP6_FILTER` keeps the message out. The former does not know types above 31.
fn filtered(options: &DatagramOptions, packet: &Packet) -> bool {
    let Some([kind]) = packet.frame.read::<1>(packet.transport).filter(|_| packet.len > 0) else { return false };
    let bit = 1 << (kind % 32);
    match packet.protocol {
        protocol::ICMP => kind < 32 && options.icmp_filter & bit != 0,
        protocol::ICMPV6 => options.icmp6_filter[usize::from(kind / 32)] & bit != 0,
        _ => false,
    }
}

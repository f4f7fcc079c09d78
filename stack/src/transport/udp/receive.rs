//! The way in: from the network layer to the queues.

use bytes::Bytes;

use super::flows::Ends;
use super::header::{self, Header};
use super::trail::Trail;
use super::{Udp, base};
use crate::base::{Base, Discard, Instant, Key, LinkId, Rope, SockAddr};
use crate::network::{Cast, Network, Packet};
use crate::transport::datagram::{Datagram, Endpoint, Payload, Refused, kept};
use crate::transport::inet::needs_scope;

impl Udp {
    /// A packet of UDP for this host.
    pub fn receive(&mut self, net: &mut Network, mut packet: Packet) {
        let header = match header::parse(&mut packet) {
            Ok(header) => header,
            Err(reason) => return refuse(base(net), &packet, reason),
        };
        if packet.cast == Cast::Unicast {
            let len = packet.len;
            match self.lookup(&ends(&packet, header), packet.link) {
                Some((id, Seen::Before)) if len == self.last_len => self.deliver_and_remember(net, id, packet, header),
                Some((id, _)) => self.deliver_last(net, id, packet, header),
                None => nobody(net, &packet),
            }
            self.last_len = len;
        } else {
            self.receive_for_many(net, packet, header);
        }
    }

    /// A packet to a group or to all on a link: each socket it is for gets a copy.
    fn receive_for_many(&mut self, net: &mut Network, packet: Packet, header: Header) {
        let mut matches = core::mem::take(&mut self.matches);
        matches.clear();
        self.lookup_all(&packet, header, &mut matches);
        match matches.split_last() {
            None => nobody(net, &packet),
            Some((&last, others)) => {
                for &id in others {
                    let content = self.content(id, &packet);
                    self.deliver(net, id, &packet, header, content);
                }
                self.deliver_last(net, last, packet, header);
            }
        }
        self.matches = matches;
    }

    /// The last socket, nearly always the only one, shares nothing.
    #[inline]
    fn deliver_last(&mut self, net: &mut Network, id: Key, mut packet: Packet, header: Header) {
        let endpoint = &mut self.sockets[id].endpoint;
        if packet.frame.segment_size == 0 && is_all(&packet) && !wants_options(endpoint) {
            return queue_whole(base(net), endpoint, packet, header);
        }
        let (options, whole) = (self.wanted_options(id, &packet), packet.frame.len());
        let content = Content { options, payload: kept(packet.take_payload(header::LEN), whole) };
        self.deliver(net, id, &packet, header, content);
    }

    /// The second datagram of a flow that is as long as the one before it: others may follow.
    #[inline(never)]
    fn deliver_and_remember(&mut self, net: &mut Network, id: Key, packet: Packet, header: Header) {
        let (trail, arrived) = (Trail::of(net, id, &packet, header), self.sockets[id].endpoint.queue.arrived());
        self.deliver_last(net, id, packet, header);
        if let Some(trail) = trail {
            self.leave(trail, arrived);
        }
    }

    /// The one socket a packet to this host is for: the one connected to its sender, else the best of those bound; of a
    /// `SO_REUSEPORT` group the one its flow falls to. Says too if the packet before it was of its flow.
    pub(super) fn lookup(&mut self, ends: &Ends, link: LinkId) -> Option<(Key, Seen)> {
        if let Some((_, id)) = self.last.filter(|(of, _)| *of == (*ends, link)) {
            return Some((id, Seen::Before));
        }
        let found = self.look_up(ends, link)?;
        self.last = Some(((*ends, link), found));
        Some((found, Seen::New))
    }

    fn look_up(&mut self, ends: &Ends, link: LinkId) -> Option<Key> {
        if let Some(id) = self.flows.find(&self.sockets, ends, link.0) {
            return Some(id);
        }
        let mut best = core::mem::take(&mut self.candidates);
        best.clear();
        self.ports.best(ends.local, ends.local_port, link.0, &mut best);
        let chosen = match best.len() {
            0 | 1 => best.first().copied(),
            count => Some(best[(ends.hash(&self.spread) % count as u64) as usize]),
        };
        self.candidates = best;
        chosen
    }

    /// All sockets a packet to a group or to all on a link is for (Linux's `__udp_is_mcast_sock`).
    fn lookup_all(&self, packet: &Packet, header: Header, into: &mut alloc::vec::Vec<Key>) {
        let link = packet.link.0;
        let bound = self.ports.at(header.dst_port).iter().filter(|one| one.takes(packet.dst, link)).map(|one| one.socket);
        into.extend(bound);
        let connected = into.len();
        into.extend(self.flows.matching(&self.sockets, &ends(packet, header), link));
        into[connected..].sort_unstable_by_key(|id| self.sockets[*id].connected_at);
        into.retain(|id| {
            let endpoint = &self.sockets[*id].endpoint;
            let all = endpoint.options.multicast_all;
            packet.cast != Cast::Multicast || endpoint.groups.admits(packet.dst, packet.src, packet.link, all)
        });
    }

    /// What a socket gets of a packet that others get too.
    fn content(&self, id: Key, packet: &Packet) -> Content {
        Content { options: self.wanted_options(id, packet), payload: kept(packet.payload(header::LEN), packet.frame.len()) }
    }

    fn wanted_options(&self, id: Key, packet: &Packet) -> Option<Bytes> {
        if wants_options(&self.sockets[id].endpoint) { ip_options(packet) } else { None }
    }

    /// Queues what a packet carries. One whose segments were joined is split again unless the socket wants it whole.
    fn deliver(&mut self, net: &mut Network, id: Key, packet: &Packet, header: Header, content: Content) {
        let payload = &content.payload;
        let size = packet.frame.segment_size as usize;
        let options = &self.options(id);
        let whole = size == 0 || payload.len() <= size;
        if whole || options.gro {
            let segment_size = if whole { 0 } else { packet.frame.segment_size };
            return queue(base(net), &mut self.sockets[id].endpoint, packet, header, content, segment_size);
        }
        let mut at = 0;
        while at < payload.len() {
            let len = size.min(payload.len() - at);
            let part = Content { payload: payload.slice(at, len), options: content.options.clone() };
            queue(base(net), &mut self.sockets[id].endpoint, packet, header, part, 0);
            at += len;
        }
    }
}

/// Whether the flow of a packet was that of the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Before,
    New,
}

/// True if next to nothing lies behind a packet in its frame: kept as it is, the frame holds no more memory than the queue charges.
#[inline]
fn is_all(packet: &Packet) -> bool {
    /// What Ethernet fills up at most.
    const PADDING: usize = 46;
    packet.frame.len() <= packet.transport + packet.len + PADDING
}

/// Queues a datagram in the frame that brought it.
#[inline]
fn queue_whole(base: &mut Base, endpoint: &mut Endpoint, packet: Packet, header: Header) {
    let len = packet.len - header::LEN;
    match endpoint.queue.push(&mut base.budget, endpoint.options.rcvbuf, len, 0) {
        Ok(place) => {
            describe(place, base.now, &packet, header);
            (place.options, place.segment_size) = (None, 0);
            place.data = Payload::Framed { at: (packet.transport + header::LEN) as u32, len: len as u32, frame: packet.frame };
            let from = place.from;
            base.counters.udp.in_datagrams += 1;
            endpoint.delivered(base, from, len);
        }
        Err(refused) => full(base, packet.link, packet.len, refused),
    }
}

/// Queues a datagram, or a part of what was joined.
fn queue(base: &mut Base, endpoint: &mut Endpoint, packet: &Packet, header: Header, content: Content, segment_size: u16) {
    let len = content.payload.len();
    match endpoint.queue.push(&mut base.budget, endpoint.options.rcvbuf, len, segment_size) {
        Ok(place) => {
            describe(place, base.now, packet, header);
            (place.options, place.segment_size) = (content.options, segment_size);
            place.data = content.payload.into();
            let from = place.from;
            base.counters.udp.in_datagrams += 1;
            endpoint.delivered(base, from, len);
        }
        Err(refused) => full(base, packet.link, packet.len, refused),
    }
}

/// Writes down what a packet says of its datagram, but for what it carries.
#[inline]
pub(super) fn describe(place: &mut Datagram, now: Instant, packet: &Packet, header: Header) {
    let Datagram { data: _, from, to, to_port, link, hop_limit, tos, flow_label, at, options: _, segment_size: _ } = place;
    let scope = if needs_scope(packet.src) { u32::from(packet.link.0) } else { 0 };
    *from = SockAddr { addr: packet.src, port: header.src_port, scope };
    (*to, *to_port, *link) = (packet.dst, header.dst_port, packet.link);
    (*hop_limit, *tos, *flow_label) = (packet.hop_limit, packet.traffic_class, packet.flow_label);
    *at = now;
}

/// True if a socket wants to know the options of the IPv4 header.
#[inline]
fn wants_options(endpoint: &Endpoint) -> bool {
    let wanted = &endpoint.options.recv;
    wanted.options || wanted.retopts
}

/// What a socket gets of a packet beside its addresses.
struct Content {
    payload: Rope,
    /// The options of the IPv4 header, if the socket wants to know them.
    options: Option<Bytes>,
}

/// The flow a packet belongs to, seen from here.
fn ends(packet: &Packet, header: Header) -> Ends {
    Ends { local: packet.dst, local_port: header.dst_port, remote: packet.src, remote_port: header.src_port }
}

/// The options of the IPv4 header, copied: a chunk that is shared would be held for them, whatever the queue charges.
fn ip_options(packet: &Packet) -> Option<Bytes> {
    let first = packet.network + 20;
    let len = packet.transport.checked_sub(first).filter(|&len| len > 0 && packet.dst.is_v4())?;
    let mut options = alloc::vec![0; len];
    packet.frame.copy_to(first, &mut options);
    Some(options.into())
}

/// Nobody is there. RFC 1122 §4.1.3.1: tell the sender, but never of a packet to many (§3.2.2).
fn nobody(net: &mut Network, packet: &Packet) {
    if packet.cast == Cast::Unicast {
        base(net).counters.udp.no_ports += 1;
        base(net).discard(Some(packet.link), Discard::UdpNoPort, packet.len);
        net.port_unreachable(packet);
    } else {
        base(net).counters.udp.ignored_multi += 1;
        base(net).discard(Some(packet.link), Discard::UdpNoPort, packet.len);
    }
}

#[cold]
fn refuse(base: &mut Base, packet: &Packet, reason: Discard) {
    base.counters.udp.in_errors += 1;
    if reason == Discard::UdpChecksum {
        base.counters.udp.in_csum_errors += 1;
    }
    base.discard(Some(packet.link), reason, packet.len);
}

/// There is no room for a datagram of so many bytes, its header included.
#[cold]
pub(super) fn full(base: &mut Base, link: LinkId, len: usize, refused: Refused) {
    base.counters.udp.in_errors += 1;
    let reason = match refused {
        Refused::Buffer => {
            base.counters.udp.rcvbuf_errors += 1;
            Discard::UdpBufferFull
        }
        Refused::Memory => {
            base.counters.udp.mem_errors += 1;
            Discard::OutOfMemory
        }
    };
    base.discard(Some(link), reason, len);
}

//! The way of packets that are all alike but for what they carry: decided once, and the IPv4 header but for length and checksum made once.
//!
//! A socket of datagrams keeps its way. Connections, of which there may be a million, have no room for that: theirs lie in a small direct-mapped cache.

use super::{MAX_LEN, longest, said_len};
use crate::base::{Errno, Frame, Sum, Version};
use crate::link::{Lane, Links};
use crate::network::ipv4::HEADER_LEN;
use crate::network::quick::Quick;
use crate::network::{Cast, Fragmentation, Network, Outgoing, Route, RouteQuery};

/// A path that does not take the longest headers, of IPv4 without options and of TCP with them, is no way.
const HEADERS: u32 = HEADER_LEN as u32 + 60;

/// A way that packets went and others may go: no options, no fragments, to one host. It holds until anything changes that routes depend on.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    route: Route,
    generation: u64,
    /// The largest packet, in bytes.
    largest: usize,
    /// Without length and checksum.
    header: [u8; HEADER_LEN],
    /// The sum of that.
    sum: Sum,
    /// The sum of the transport's pseudo-header but for the length.
    pseudo: Sum,
}

impl Way {
    /// The route.
    pub const fn route(&self) -> &Route {
        &self.route
    }

    /// The sum of the transport's pseudo-header but for the length.
    pub const fn pseudo(&self) -> Sum {
        self.pseudo
    }

    /// The header of a packet of so many bytes, of which it is the first.
    #[inline]
    pub fn header(&self, len: usize) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        self.write_header(len, &mut header);
        header
    }

    /// The same, written where it is to lie.
    #[inline(always)]
    pub fn write_header(&self, len: usize, into: &mut [u8; HEADER_LEN]) {
        let said = said_len(len);
        let mut sum = self.sum;
        sum.add_word(said.into());
        *into = self.header;
        into[2..4].copy_from_slice(&said.to_be_bytes());
        into[10..12].copy_from_slice(&sum.finish().to_be_bytes());
    }
}

/// A way over a link that takes packets as they are: for one packet, now.
#[derive(Debug)]
pub struct Straight<'a> {
    lane: Lane<'a>,
    len: usize,
}

/// A way, and the links it leads over: for one packet, now.
#[derive(Debug)]
pub struct Along<'a> {
    way: &'a Way,
    links: &'a mut Links,
}

/// What the packets of a connection say of themselves, all of them alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// The upper protocol.
    pub protocol: u8,
    /// TTL or hop limit; 0: the stack's default.
    pub hop_limit: u8,
    /// TOS or traffic class.
    pub traffic_class: u8,
    /// Whether they may be cut.
    pub fragmentation: Fragmentation,
}

impl Manner {
    /// Nothing but the protocol is said: the stack's defaults, and never cut.
    pub fn of(protocol: u8) -> Self {
        Self { protocol, hop_limit: 0, traffic_class: 0, fragmentation: Fragmentation::Never }
    }

    /// As the network layer is told.
    pub fn outgoing(self, query: &RouteQuery) -> Outgoing {
        let Self { protocol, hop_limit, traffic_class, fragmentation } = self;
        Outgoing { dst: query.dst, protocol, hop_limit, traffic_class, fragmentation, ..Outgoing::default() }
    }
}

/// A way that packets went before.
#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct Slot {
    query: RouteQuery,
    manner: Manner,
    way: Way,
}

impl Slot {
    /// It is the way of such packets, and holds.
    #[inline]
    fn is_of(&self, query: &RouteQuery, manner: Manner, generation: u64) -> bool {
        self.way.generation == generation && self.query == *query && self.manner == manner
    }
}

/// Few packets in a row go to more hosts than that.
pub(in crate::network) type Ways = Quick<Slot, 64>;

impl Network {
    /// The way of such packets, if there is one (see [`Network::way`]). Costs a look-up when the same was asked before.
    #[inline(always)]
    pub fn along(&mut self, query: &RouteQuery, manner: Manner) -> Option<Along<'_>> {
        if !query.dst.is_v4() {
            return None;
        }
        let (place, generation) = (self.ways.place(query.dst, query.src, query.link), self.routes.generation());
        if !self.ways.at(place).is_some_and(|slot| slot.is_of(query, manner, generation)) {
            self.way_anew(query, manner)?;
        }
        let slot = self.ways.at(place)?;
        Some(Along { way: &slot.way, links: &mut self.links })
    }

    #[inline(never)]
    fn way_anew(&mut self, query: &RouteQuery, manner: Manner) -> Option<()> {
        let route = self.route(query).ok()?;
        let way = self.way(&route, &manner.outgoing(query))?;
        self.ways.put(query.dst, query.src, query.link, Slot { query: *query, manner, way });
        Some(())
    }

    /// The way of packets as `outgoing` says along `route`, which was found just now. None where one packet's header is not like another's, and
    /// where the path takes less than the link, for what is known of that expires.
    pub fn way(&mut self, route: &Route, outgoing: &Outgoing) -> Option<Way> {
        let Outgoing { dst, fragmentation, ref options, header_included, .. } = *outgoing;
        let is_plain = dst.is_v4() && route.cast == Cast::Unicast && options.is_none() && !header_included;
        // RFC 6864 §4.1: what nobody may cut has no ident of its own.
        let is_whole = matches!(fragmentation, Fragmentation::Never | Fragmentation::Local);
        let is_wide = route.mtu > self.config.ipv4.min_pmtu.max(HEADERS) && route.mtu == self.link_mtu(route.link, Version::V4);
        if !(is_plain && is_whole && is_wide) {
            return None;
        }
        let header = self.header_v4(route, outgoing, (HEADER_LEN as u8, 0), true).fixed();
        let mut sum = Sum::new();
        sum.add(&header);
        let largest = MAX_LEN.min(route.mtu as usize);
        let pseudo = Sum::pseudo(route.src, dst, outgoing.protocol, 0);
        Some(Way { route: *route, generation: self.routes.generation(), largest, header, sum, pseudo })
    }

    /// True if a transport's packet of so many bytes may go a way now: nothing has changed, and the link has room.
    #[inline]
    pub fn takes(&self, way: &Way, len: usize) -> bool {
        way.generation == self.routes.generation() && HEADER_LEN + len <= way.largest && self.links.has_room(way.route.link)
    }

    /// A way straight on for a transport's packet of so many bytes. None where it does not go so, or not now.
    #[inline(always)] // Whoever makes the packet does it with the way in hand.
    pub fn straight(&mut self, way: &Way, len: usize) -> Option<Straight<'_>> {
        let len = HEADER_LEN + len;
        if way.generation != self.routes.generation() || len > way.largest {
            return None;
        }
        self.links.lane(way.route.link, len).map(|lane| Straight { lane, len })
    }

    /// How many packets of a transport, each of so many bytes, may go a way now as one super-segment, of those for which
    /// [`Network::takes`] was asked: as many as would go one by one.
    pub fn takes_at_once(&self, way: &Way, len: usize) -> usize {
        let Route { link, hop, .. } = way.route;
        self.links.takes_at_once(link, hop, HEADER_LEN + len)
    }

    /// Sends a super-segment of `count` packets, of a transport whose header has so many bytes; [`Network::takes_at_once`] was asked. It is counted as if
    /// they went one by one.
    pub fn send_at_once(&mut self, way: &Way, frame: Frame, count: usize) -> Result<(), Errno> {
        let more = count as u64 - 1;
        let headers = HEADER_LEN as u64 + u64::from(frame.l4_len);
        let ip = &mut self.links.base.counters.ip;
        ip.out_requests += more;
        ip.out_octets += more * headers;
        self.send_along(way, frame)
    }

    /// As [`Network::send`], for a packet for which [`Network::takes`] was asked.
    #[inline]
    pub fn send_along(&mut self, way: &Way, frame: Frame) -> Result<(), Errno> {
        Along { way, links: &mut self.links }.send(frame)
    }
}

impl Straight<'_> {
    /// True if the device makes the checksums of transports: they may be left partial.
    #[inline]
    pub const fn has_checksums(&self) -> bool {
        self.lane.has_checksums()
    }

    /// As [`Network::send`], of the packet that was asked for, with its [header](Way::header) pushed.
    #[inline(always)]
    pub fn send(self, mut frame: Frame) {
        let Self { lane, len } = self;
        (frame.l2_len, frame.l3_len) = (0, HEADER_LEN as u16);
        let ip = &mut lane.base.counters.ip;
        ip.out_requests += 1;
        ip.out_octets += len as u64;
        lane.send(frame, len);
    }
}

impl<'a> Along<'a> {
    /// The route.
    pub const fn route(&self) -> &Route {
        &self.way.route
    }

    /// The way, and straight on along it for a transport's packet of so many bytes. None where it does not go so, or not now.
    #[inline(always)] // Whoever makes the packet does it with the way in hand.
    pub fn straight(self, len: usize) -> Option<(&'a Way, Straight<'a>)> {
        let Self { way, links } = self;
        let len = HEADER_LEN + len;
        let lane = if len > way.largest { None } else { links.lane(way.route.link, len) };
        lane.map(|lane| (way, Straight { lane, len }))
    }

    /// The sum of the transport's pseudo-header but for the length.
    pub const fn pseudo(&self) -> Sum {
        self.way.pseudo
    }

    /// The largest super-segment (payload bytes) that the device cuts.
    pub fn cuts_at_most(&self) -> u32 {
        self.links.link_cuts_at_most(self.way.route.link)
    }

    /// True if the link has room for a packet.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.links.has_room(self.way.route.link)
    }

    /// True if a transport's packet goes the way whole, or is a super-segment, whose segments do.
    #[inline]
    pub fn fits(&self, frame: &Frame) -> bool {
        let total = HEADER_LEN + frame.len();
        total <= if frame.segment_size > 0 { longest(self.links, self.way.route.link, frame, total) } else { self.way.largest }
    }

    /// As [`Network::send`], for a packet that [`Along::fits`].
    pub fn send(self, mut frame: Frame) -> Result<(), Errno> {
        let Self { way, links } = self;
        let len = HEADER_LEN + frame.len();
        frame.prepend(&way.header(len));
        (frame.l2_len, frame.l3_len) = (0, HEADER_LEN as u16);
        let ip = &mut links.base.counters.ip;
        ip.out_requests += 1;
        ip.out_octets += len as u64;
        let sent = links.send(way.route.link, way.route.hop, Version::V4, frame);
        if sent.is_err() {
            links.base.counters.ip.out_discards += 1;
        }
        sent
    }
}

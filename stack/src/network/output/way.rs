//! The way of packets that are all alike but for what they carry: decided once, and their [network header](super::head) made once.
//!
//! A socket of datagrams keeps its way. Connections, of which there may be a million, have no room for that: theirs lie in a small direct-mapped cache.

use core::hint::cold_path;

use super::head::Head;
use super::longest;
use crate::base::{Errno, Frame, Sum, Version};
use crate::link::{Lane, Links, Outlet, Progress};
use crate::network::quick::Quick;
use crate::network::{Cast, Fragmentation, Network, Outgoing, Route, RouteQuery, ipv4, ipv6};

/// The longest header of a transport, that of TCP with options: a path that does not take it behind that of its network is no way.
const LONGEST_TRANSPORT: usize = 60;

/// Bytes of the longest network header that packets of a [`Way`] have.
pub const LONGEST_HEADER: usize = ipv6::HEADER_LEN;

/// A way that packets went and others may go: no options, no fragments, to one host. It holds until anything changes that routes depend on.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    route: Route,
    generation: u64,
    /// The largest packet, in bytes.
    largest: usize,
    /// Bytes of the network header.
    header_len: usize,
    head: Head,
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

    /// Of the packets.
    #[inline]
    pub const fn version(&self) -> Version {
        self.head.version()
    }

    /// Bytes of the network header.
    #[inline]
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// Puts the network header in front of the `len` bytes of a transport's packet.
    #[inline(always)] // Whoever makes a packet does it with the frame in hand.
    pub fn push_header(&self, frame: &mut Frame, len: usize) {
        self.head.push(frame, len);
    }

    /// The same, at the end of a place that holds any header.
    pub fn write_header(&self, into: &mut [u8; LONGEST_HEADER], len: usize) {
        self.head.write(into, len);
    }
}

/// A way over a link of which nothing is to be asked: for one packet, now.
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

/// A way as far as the link by which a packet of so many bytes leaves, which is not one of packets.
#[derive(Debug)]
pub struct Onward<'a> {
    way: &'a Way,
    outlet: Outlet<'a>,
    len: usize,
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
        // A link has a number above 0: asked so, it is one comparison.
        let link_of = |query: &RouteQuery| query.link.map_or(0, |link| link.0);
        let RouteQuery { dst, src, link: _ } = *query;
        let same_ends = (self.query.dst == dst) & (self.query.src == src) & (link_of(&self.query) == link_of(query));
        (self.way.generation == generation) & same_ends & (self.manner == manner)
    }
}

/// Few packets in a row go to more hosts than that.
pub(in crate::network) type Ways = Quick<Slot, 64>;

impl Network {
    /// The way of such packets, if there is one (see [`Network::way`]). Costs a look-up when the same was asked before.
    #[inline(never)] // Where it is not asked for each packet.
    pub fn along(&mut self, query: &RouteQuery, manner: Manner) -> Option<Along<'_>> {
        self.along_here(query, manner)
    }

    /// The same as a part of who asks for each packet.
    #[inline(always)]
    pub fn along_here(&mut self, query: &RouteQuery, manner: Manner) -> Option<Along<'_>> {
        let (place, generation) = (self.ways.place(query.dst, query.src, query.link), self.routes.generation());
        if !self.ways.at(place).is_some_and(|slot| slot.is_of(query, manner, generation)) {
            cold_path();
            self.way_anew(query, manner)?;
        }
        let Some(slot) = self.ways.at(place) else {
            cold_path();
            return None;
        };
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
        let is_plain = route.cast == Cast::Unicast && options.is_none() && !header_included;
        // RFC 6864 §4.1: what nobody may cut has no ident of its own.
        let is_whole = matches!(fragmentation, Fragmentation::Never | Fragmentation::Local);
        if !(is_plain && is_whole && self.is_wide(route, dst.version())) {
            return None;
        }
        let head = match dst.version() {
            Version::V4 => Head::v4(&self.header_v4(route, outgoing, (ipv4::HEADER_LEN as u8, 0), true)),
            Version::V6 => Head::v6(&self.header_v6(route, outgoing, outgoing.protocol, 0)),
        };
        let largest = head.longest().min(route.mtu as usize);
        let pseudo = Sum::pseudo(route.src, dst, outgoing.protocol, 0);
        Some(Way { route: *route, generation: self.routes.generation(), largest, header_len: head.len(), head, pseudo })
    }

    /// True if a path takes the longest headers, all that its link takes, and nothing that is only believed.
    fn is_wide(&self, route: &Route, version: Version) -> bool {
        let (header, believed) = match version {
            Version::V4 => (ipv4::HEADER_LEN, self.config.ipv4.min_pmtu),
            Version::V6 => (ipv6::HEADER_LEN, 0),
        };
        route.mtu > believed.max((header + LONGEST_TRANSPORT) as u32) && route.mtu == self.link_mtu(route.link, version)
    }

    /// True if a transport's packet of so many bytes may go a way now: nothing has changed, and the link has room.
    #[inline]
    pub fn takes(&self, way: &Way, len: usize) -> bool {
        way.generation == self.routes.generation() && way.header_len() + len <= way.largest && self.links.has_room(way.route.link)
    }

    /// A way straight on for a transport's packet of so many bytes, over a link of packets. None where it does not go so, or not now.
    #[inline(always)] // Whoever makes the packet does it with the way in hand.
    pub fn straight_bare(&mut self, way: &Way, len: usize) -> Option<Straight<'_>> {
        let len = self.fitting(way, len)?;
        match self.links.outlet(way.route.link).map(|outlet| outlet.bare_lane(len)) {
            Some(Ok(lane)) => Some(Straight { lane, len }),
            _ => {
                cold_path();
                None
            }
        }
    }

    /// The same over any link.
    #[inline(always)] // The same.
    pub fn straight(&mut self, way: &Way, len: usize) -> Option<Straight<'_>> {
        let len = self.fitting(way, len)?;
        let lane = self.links.outlet(way.route.link)?.lane(&way.route.hop, len, Progress::Unknown)?;
        Some(Straight { lane, len })
    }

    /// The length of the packet of a transport's of so many bytes, if that may go a way: nothing has changed.
    #[inline(always)]
    fn fitting(&self, way: &Way, len: usize) -> Option<usize> {
        let len = way.header_len() + len;
        if way.generation != self.routes.generation() || len > way.largest {
            cold_path();
            return None;
        }
        Some(len)
    }

    /// How many packets of a transport, each of so many bytes, may go a way now as one super-segment, of those for which
    /// [`Network::takes`] was asked: as many as would go one by one.
    pub fn takes_at_once(&self, way: &Way, len: usize) -> usize {
        let Route { link, hop, .. } = way.route;
        self.links.takes_at_once(link, hop, way.header_len() + len)
    }

    /// Sends a super-segment of `count` packets, of a transport whose header has so many bytes; [`Network::takes_at_once`] was asked. It is counted as if
    /// they went one by one.
    pub fn send_at_once(&mut self, way: &Way, frame: Frame, count: usize) -> Result<(), Errno> {
        let more = count as u64 - 1;
        let headers = way.header_len() as u64 + u64::from(frame.l4_len);
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

    /// As [`Network::send`], of the packet that was asked for, with the [header](Way::push_header) of the way pushed.
    #[inline(always)]
    pub fn send(self, way: &Way, frame: Frame) {
        let Self { lane, len } = self;
        let ip = &mut lane.base.counters.ip;
        ip.out_requests += 1;
        ip.out_octets += len as u64;
        lane.send(way.route.link, way.version(), frame, len);
    }
}

impl<'a> Onward<'a> {
    /// As [`Along::straight_bare`], over any link. `progress`: what is known of the neighbour that the way leads to.
    #[inline(always)] // The same.
    pub fn straight(self, progress: Progress) -> Option<(&'a Way, Straight<'a>)> {
        let Self { way, outlet, len } = self;
        let lane = outlet.lane(&way.route.hop, len, progress)?;
        Some((way, Straight { lane, len }))
    }
}

impl<'a> Along<'a> {
    /// The route.
    pub const fn route(&self) -> &Route {
        &self.way.route
    }

    /// The way, and straight on along it for a transport's packet of so many bytes, over a link of packets. Where it does not go so, what may be asked
    /// for such a packet over another link, if anything.
    #[inline(always)] // Whoever makes the packet does it with the way in hand.
    pub fn straight_bare(self, len: usize) -> Result<(&'a Way, Straight<'a>), Option<Onward<'a>>> {
        let Self { way, links } = self;
        let len = way.header_len() + len;
        let outlet = if len <= way.largest { links.outlet(way.route.link) } else { None };
        match outlet.map(|outlet| outlet.bare_lane(len)) {
            Some(Ok(lane)) => Ok((way, Straight { lane, len })),
            refused => {
                cold_path();
                let outlet = refused.and_then(Result::err);
                Err(outlet.map(|outlet| Onward { way, outlet, len }))
            }
        }
    }

    /// The sum of the transport's pseudo-header but for the length.
    pub const fn pseudo(&self) -> Sum {
        self.way.pseudo
    }

    /// The largest super-segment (payload bytes) that the device cuts and that goes this way.
    pub fn cuts_at_most(&self) -> u32 {
        let most = self.links.link_cuts_at_most(self.way.route.link);
        match self.way.version() {
            Version::V4 => most,
            // Without jumbo payloads no longer one says its length.
            Version::V6 => most.min(super::MAX_LEN as u32 - LONGEST_TRANSPORT as u32),
        }
    }

    /// True if the link has room for a packet.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.links.has_room(self.way.route.link)
    }

    /// True if a transport's packet goes the way whole, or is a super-segment, whose segments do.
    #[inline(always)]
    pub fn fits(&self, frame: &Frame) -> bool {
        let Self { way, links } = self;
        let total = way.header_len() + frame.len();
        let most = match way.version() {
            _ if frame.segment_size == 0 => way.largest,
            Version::V4 => longest(links, way.route.link, frame, total),
            Version::V6 => way.head.longest(),
        };
        total <= most
    }

    /// As [`Network::send`], for a packet that [`Along::fits`].
    #[inline(always)]
    pub fn send(self, mut frame: Frame) -> Result<(), Errno> {
        let Self { way, links } = self;
        let len = frame.len();
        way.push_header(&mut frame, len);
        let ip = &mut links.base.counters.ip;
        ip.out_requests += 1;
        ip.out_octets += (way.header_len + len) as u64;
        let sent = links.send(way.route.link, way.route.hop, way.version(), frame);
        if sent.is_err() {
            links.base.counters.ip.out_discards += 1;
        }
        sent
    }
}

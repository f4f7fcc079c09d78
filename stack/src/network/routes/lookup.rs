//! From a destination to a route: what kind of address it is, which entry of the table holds, which source fits.

use crate::base::{Addr, Errno, Instant, LinkId, Version};
use crate::link::Hop;
use crate::network::{Cast, LOOPBACK, Network, Route, RouteQuery};

use super::table::{Entry, Via};

/// Where a packet goes next, before a source is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Next {
    pub(crate) link: LinkId,
    pub(crate) hop: Hop,
    pub(crate) cast: Cast,
}

impl Network {
    /// How a packet gets there. `ENETUNREACH` without a route, `EHOSTUNREACH`, `EACCES` and `EINVAL` by routes that refuse,
    /// `EINVAL` for a source that is not ours, `EADDRNOTAVAIL` if no source fits. That a broadcast needs permission is the caller's.
    /// Costs a hash look-up when the same was asked before and nothing changed.
    pub fn route(&mut self, query: &RouteQuery) -> Result<Route, Errno> {
        if let Some(route) = self.routes.cache.get(query, self.links.base.now) {
            return Ok(*route);
        }
        self.route_anew(query)
    }

    #[inline(never)]
    fn route_anew(&mut self, query: &RouteQuery) -> Result<Route, Errno> {
        let route = self.find_route(query)?;
        let (route, expires) = self.with_path_mtu(query.dst, route);
        self.routes.cache.put(query, route, expires);
        Ok(route)
    }

    fn find_route(&self, query: &RouteQuery) -> Result<Route, Errno> {
        if !query.src.is_unspecified() && (query.src.version() != query.dst.version() || !self.may_send_from(query.src)) {
            return Err(Errno::EINVAL);
        }
        if self.is_local(query.dst) {
            return Ok(self.local_route(query));
        }
        let next = self.next_hop(query.dst, query.src, query.link)?;
        let src = self.source_for(query, &next)?;
        let mtu = self.link_mtu(next.link, query.dst.version());
        Ok(Route { link: next.link, hop: next.hop, src, mtu, cast: next.cast, local: false })
    }

    /// Packets to ourselves go through the loopback link, with the destination as their source unless one was asked for.
    fn local_route(&self, query: &RouteQuery) -> Route {
        let src = if query.src.is_unspecified() { query.dst } else { query.src };
        let mtu = self.link_mtu(LOOPBACK, query.dst.version());
        Route { link: LOOPBACK, hop: Hop::Neighbour(query.dst), src, mtu, cast: Cast::Unicast, local: true }
    }

    /// The largest packet of a family that a link takes.
    pub(crate) fn link_mtu(&self, link: LinkId, version: Version) -> u32 {
        match version {
            Version::V4 => self.links.config(link).map_or(0, |config| config.mtu),
            Version::V6 => self.ipv6_mtu(link).unwrap_or(0),
        }
    }

    fn source_for(&self, query: &RouteQuery, next: &Next) -> Result<Addr, Errno> {
        if !query.src.is_unspecified() {
            // What comes from the loopback net would be a martian elsewhere (RFC 1122 §3.2.1.3 (g)).
            return if query.src.is_loopback() && next.link != LOOPBACK { Err(Errno::EINVAL) } else { Ok(query.src) };
        }
        let next_hop = if let Hop::Neighbour(hop) = next.hop { hop } else { query.dst };
        match self.addresses.select_source(query.dst, next.link, next_hop) {
            Some(src) => Ok(src),
            // A link without an address may still ask for one: DHCP sends from 0.0.0.0 (RFC 1122 §3.2.1.3 (a)).
            None if query.dst.is_v4() => Ok(Addr::V4_ANY),
            None => Err(Errno::EADDRNOTAVAIL),
        }
    }

    fn with_path_mtu(&self, dst: Addr, route: Route) -> (Route, Instant) {
        match self.path_mtu.get(dst, self.links.base.now) {
            Some(found) if found.mtu < route.mtu && !route.local => (Route { mtu: found.mtu, ..route }, found.expires),
            _ => (route, Instant::NEVER),
        }
    }

    /// Where a packet to `dst`, which is not ours, goes next; `src` (if any) and `link` (if any) narrow the choice.
    pub(crate) fn next_hop(&self, dst: Addr, src: Addr, link: Option<LinkId>) -> Result<Next, Errno> {
        if link.is_some_and(|link| self.links.config(link).is_none()) {
            return Err(Errno::ENODEV);
        }
        if link.is_some_and(|link| !self.links.is_up(link)) {
            return Err(Errno::ENETDOWN);
        }
        if dst.is_multicast() {
            let link = self.multicast_link(dst, src, link)?;
            return Ok(Next { link, hop: Hop::Multicast(dst), cast: Cast::Multicast });
        }
        if self.is_broadcast(dst) {
            let link = self.broadcast_link(dst, src, link)?;
            return Ok(Next { link, hop: Hop::Broadcast, cast: Cast::Broadcast });
        }
        if dst.is_loopback() || dst.is_unspecified() {
            return Err(Errno::ENETUNREACH);
        }
        let next = |link, hop| Next { link, hop: Hop::Neighbour(hop), cast: Cast::Unicast };
        match (self.best_entry(dst, link), link) {
            (Some(entry), _) => Ok(next(entry.link, self.first_hop(dst, &entry)?)),
            // Linux: with a link given and no route, the destination is taken to be on it.
            (None, Some(link)) if dst.is_v4() || dst.is_link_local() => Ok(next(link, dst)),
            (None, _) => Err(Errno::ENETUNREACH),
        }
    }

    fn first_hop(&self, dst: Addr, entry: &Entry) -> Result<Addr, Errno> {
        if let (Some(hop), Via::OnLink | Via::Gateway(_)) = (self.routes.redirects.get(dst, entry.link), entry.via) {
            return Ok(hop);
        }
        match entry.via {
            Via::OnLink => Ok(dst),
            Via::Gateway(router) => Ok(router),
            Via::Blackhole => Err(Errno::EINVAL),
            Via::Unreachable => Err(Errno::EHOSTUNREACH),
            Via::Prohibit => Err(Errno::EACCES),
        }
    }

    /// The entry that holds for `dst`: longest prefix, lowest metric, and among equals a router not known to be silent
    /// (RFC 4861 §6.3.6, RFC 1122 §3.3.1.5).
    fn best_entry(&self, dst: Addr, link: Option<LinkId>) -> Option<Entry> {
        for group in self.routes.table.matching(dst) {
            let mut equals = group.iter().filter(|entry| self.may_use(entry, link)).peekable();
            let Some(&&best) = equals.peek() else { continue };
            let mut equals = equals.take_while(|entry| entry.metric == best.metric);
            return Some(equals.find(|entry| self.seems_alive(entry)).copied().unwrap_or(best));
        }
        None
    }

    fn may_use(&self, entry: &Entry, link: Option<LinkId>) -> bool {
        match entry.via {
            Via::Blackhole | Via::Unreachable | Via::Prohibit => true,
            Via::OnLink | Via::Gateway(_) => link.is_none_or(|link| link == entry.link) && self.links.is_up(entry.link),
        }
    }

    fn seems_alive(&self, entry: &Entry) -> bool {
        match entry.via {
            Via::Gateway(router) => self.links.neighbour_usable(entry.link, router),
            _ => true,
        }
    }

    /// The link for a group: the one asked for, that of the source, or the one the table leads to. Linux gives every link a
    /// route to `ff00::/8`; we take the default route's link and then the first that is up and not loopback.
    fn multicast_link(&self, dst: Addr, src: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        if let Some(link) = link.or_else(|| self.link_of_source(src)) {
            return Ok(link);
        }
        match self.best_entry(dst, None) {
            Some(entry) => self.first_hop(dst, &entry).map(|_| entry.link),
            None if dst.is_v4() => Err(Errno::ENETUNREACH),
            None => {
                let up = |link: &LinkId| *link != LOOPBACK && self.links.is_up(*link);
                self.links.ids().into_iter().find(up).ok_or(Errno::ENETUNREACH)
            }
        }
    }

    fn broadcast_link(&self, dst: Addr, src: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        if let Some(link) = link.or_else(|| self.link_of_source(src).filter(|_| dst.is_limited_broadcast())) {
            return Ok(link);
        }
        let entry = self.best_entry(dst, None).ok_or(Errno::ENETUNREACH)?;
        self.first_hop(dst, &entry).map(|_| entry.link)
    }

    fn link_of_source(&self, src: Addr) -> Option<LinkId> {
        if src.is_unspecified() || src.is_loopback() { None } else { self.addresses.link_of(src) }
    }
}

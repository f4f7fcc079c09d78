//! Routes: the table (`table`), the way to an answer (`lookup`), answers given before (`cache`), and what routers told us
//! (`redirects`).
//!
//! The host model is the weak one, as Linux's: a packet to any address of ours is ours whichever link it came by, and a source
//! address may leave by any link (RFC 1122 §3.3.4.2).

mod cache;
mod lookup;
mod redirects;
pub mod table;

use alloc::vec::Vec;

use crate::base::{Addr, Cidr, Entropy, Errno, LinkId};

use super::Network;
pub(crate) use lookup::Next;
pub use table::{Entry, Origin, Via};

/// The routing table, what redirects changed in it, and the cache.
#[derive(Debug)]
pub(crate) struct Routes {
    table: table::Table,
    redirects: redirects::Redirects,
    cache: cache::Cache,
}

impl Routes {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self {
            table: table::Table::new(entropy.key("routes")),
            redirects: redirects::Redirects::new(entropy),
            cache: cache::Cache::new(entropy),
        }
    }

    /// Adds a route; says no if it was there.
    pub(crate) fn insert(&mut self, entry: Entry) -> bool {
        self.changed();
        self.table.insert(entry)
    }

    /// Takes away the routes to `dst` for which `gone` says so; tells how many went.
    pub(crate) fn remove(&mut self, dst: Cidr, gone: impl Fn(&Entry) -> bool) -> usize {
        self.changed();
        self.table.remove(dst, gone)
    }

    /// Takes away all routes for which `gone` says so.
    pub(crate) fn remove_all(&mut self, gone: impl Fn(&Entry) -> bool) {
        self.changed();
        self.table.remove_all(gone);
    }

    /// All routes by a link go.
    pub(crate) fn remove_link(&mut self, link: LinkId) {
        self.remove_all(|entry| entry.link == link);
        self.redirects.forget_link(link);
    }

    /// Changes with every [`Routes::changed`].
    pub(crate) const fn generation(&self) -> u64 {
        self.cache.generation()
    }

    /// What routes depend on has changed (addresses, links, path MTUs, reachability of routers): cached answers are void.
    pub(crate) fn changed(&mut self) {
        self.cache.clear();
    }
}

impl Network {
    /// Adds a route: `gateway` none means on-link; the lowest metric wins among equal prefixes.
    /// `ENODEV` without such a link, `EEXIST`, `EINVAL` for a gateway of the other family, `ENETUNREACH` for one that is not on
    /// the link (IPv6 link-local gateways are on every link).
    pub fn add_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId, metric: u32) -> Result<(), Errno> {
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        let via = match gateway.filter(|gateway| !gateway.is_unspecified()) {
            None => Via::OnLink,
            Some(gateway) => self.checked_gateway(dst, gateway, link)?,
        };
        self.insert_route(Entry { dst, via, link, metric, origin: Origin::Static })
    }

    /// Adds a route that refuses: `via` is [`Via::Blackhole`], [`Via::Unreachable`] or [`Via::Prohibit`]. `EEXIST`, `EINVAL`.
    pub fn add_refusal(&mut self, dst: Cidr, via: Via, metric: u32) -> Result<(), Errno> {
        if matches!(via, Via::OnLink | Via::Gateway(_)) {
            return Err(Errno::EINVAL);
        }
        self.insert_route(Entry { dst, via, link: super::LOOPBACK, metric, origin: Origin::Static })
    }

    /// Takes a route of [`Network::add_route`] away. `ESRCH` of Linux is told as `ENOENT`.
    pub fn remove_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId) -> Result<(), Errno> {
        let via = gateway.filter(|gateway| !gateway.is_unspecified()).map_or(Via::OnLink, Via::Gateway);
        let is_it = |entry: &Entry| entry.link == link && entry.via == via;
        if self.routes.remove(dst, is_it) > 0 { Ok(()) } else { Err(Errno::ENOENT) }
    }

    /// Takes a route of [`Network::add_refusal`] away. `ENOENT`
    pub fn remove_refusal(&mut self, dst: Cidr, via: Via) -> Result<(), Errno> {
        if self.routes.remove(dst, |entry| entry.via == via) > 0 { Ok(()) } else { Err(Errno::ENOENT) }
    }

    /// All routes, sorted: IPv4 before IPv6, longest prefix first.
    pub fn route_entries(&self) -> Vec<Entry> {
        self.routes.table.entries()
    }

    /// An address of ours became usable: its connected prefix gets a route. Cached answers are void.
    pub(crate) fn address_usable(&mut self, link: LinkId, addr: Cidr) {
        self.routes.changed();
        let host = if addr.addr.is_v4() { 32 } else { 128 };
        if addr.prefix < host {
            self.routes.insert(connected(link, addr));
        }
    }

    /// The reverse of [`Network::address_usable`]. If another address shares the prefix, its owner calls `address_usable` again.
    pub(crate) fn address_gone(&mut self, link: LinkId, addr: Cidr) {
        self.routes.remove(addr, |entry| entry.link == link && entry.origin == Origin::Connected);
    }

    fn insert_route(&mut self, entry: Entry) -> Result<(), Errno> {
        if self.routes.insert(entry) { Ok(()) } else { Err(Errno::EEXIST) }
    }

    fn checked_gateway(&self, dst: Cidr, gateway: Addr, link: LinkId) -> Result<Via, Errno> {
        if gateway.version() != dst.addr.version() || gateway.is_multicast() || self.is_local(gateway) {
            return Err(Errno::EINVAL);
        }
        let on_link = !gateway.is_v4() && gateway.is_link_local() || self.is_on_link(gateway, link);
        if on_link { Ok(Via::Gateway(gateway)) } else { Err(Errno::ENETUNREACH) }
    }

    /// True if `addr` is reached on `link` without a router.
    pub(crate) fn is_on_link(&self, addr: Addr, link: LinkId) -> bool {
        let mut groups = self.routes.table.matching(addr);
        groups.next().is_some_and(|group| group.iter().any(|entry| entry.link == link && entry.via == Via::OnLink))
    }
}

/// The route that comes with an address. Linux: metric 0 for IPv4, 256 for IPv6.
fn connected(link: LinkId, addr: Cidr) -> Entry {
    let metric = if addr.addr.is_v4() { 0 } else { 256 };
    Entry { dst: addr, via: Via::OnLink, link, metric, origin: Origin::Connected }
}

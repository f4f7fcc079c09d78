//! The routing table.

use crate::base::{Addr, Cidr, Entropy, Errno, LinkId};

use super::{Network, Route, RouteQuery};

/// The routing table and its cache.
#[derive(Debug)]
pub struct Routes {}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
impl Routes {
    pub(crate) fn new(_entropy: &Entropy) -> Self {
        Self {}
    }
    /// All routes by a link go.
    pub(crate) fn remove_link(&mut self, link: LinkId) {}
    /// What routes depend on has changed (addresses, links, path MTUs): cached answers are void.
    pub(crate) fn changed(&mut self) {}
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut, clippy::todo)]
impl Network {
    /// How a packet gets there. `ENETUNREACH`, `EHOSTUNREACH`, `EINVAL` (source not ours), `EACCES` is the caller's (broadcast).
    /// Costs a hash look-up when the same was asked before and nothing changed.
    pub fn route(&mut self, query: &RouteQuery) -> Result<Route, Errno> {
        todo!()
    }
    /// Adds a route: `gateway` none means on-link; the lowest metric wins among equal prefixes.
    pub fn add_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId, metric: u32) -> Result<(), Errno> {
        todo!()
    }
    /// Takes a route away. `ESRCH`-like: `ENOENT` if there is none.
    pub fn remove_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId) -> Result<(), Errno> {
        todo!()
    }
    /// An address of ours became usable: its connected prefix gets a route. Void caches.
    pub(crate) fn address_usable(&mut self, link: LinkId, addr: Cidr) {}
    /// The reverse of [`Network::address_usable`].
    pub(crate) fn address_gone(&mut self, link: LinkId, addr: Cidr) {}
}

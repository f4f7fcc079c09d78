//! Redirects: what routers told of better first hops (RFC 1122 §3.2.2.2, RFC 4861 §8). Bounded; they last as long as the routes
//! they were told for.

use crate::base::{Addr, Entropy, LinkId};
use crate::link::Hop;
use crate::network::lru::Lru;
use crate::network::{Network, RouteQuery};

use super::table::Via;

const CAPACITY: usize = 1024;

/// Better first hops to single destinations.
#[derive(Debug)]
pub(super) struct Redirects {
    hops: Lru<(Addr, LinkId), Addr>,
}

impl Redirects {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { hops: Lru::new(entropy.key("redirects"), CAPACITY) }
    }

    /// The first hop to `dst` that a router told us for `link`.
    pub(super) fn get(&self, dst: Addr, link: LinkId) -> Option<Addr> {
        self.hops.get(&(dst, link)).copied()
    }

    pub(super) fn forget_link(&mut self, link: LinkId) {
        self.hops.retain(|(_, at), _| *at != link);
    }

    /// Forgets those that name `hop`: it does not answer.
    fn forget_hop(&mut self, link: LinkId, hop: Addr) {
        self.hops.retain(|(_, at), to| *at != link || *to != hop);
    }
}

impl Network {
    /// A router says that packets to `dst` go better to `hop` (`dst` itself: it is on the link). Taken only if `router` is the
    /// present first hop to `dst` and the settings allow it; says whether.
    pub(crate) fn redirect(&mut self, link: LinkId, dst: Addr, hop: Addr, router: Addr) -> bool {
        let taken = self.accepts_redirects(dst) && self.may_be_hop(link, dst, hop) && self.is_first_hop(link, dst, router);
        if taken {
            self.routes.redirects.hops.insert((dst, link), hop);
            self.routes.changed();
        }
        taken
    }

    /// A neighbour does not answer: redirects to it are forgotten, and another router may be chosen.
    pub(crate) fn hop_failed(&mut self, link: LinkId, hop: Addr) {
        self.routes.redirects.forget_hop(link, hop);
        self.routes.changed();
    }

    /// A router follows its routes alone (RFC 1812 §5.2.7.2, RFC 4861 §8.3).
    fn accepts_redirects(&self, dst: Addr) -> bool {
        if dst.is_v4() {
            self.config.ipv4.accept_redirects && !self.config.ipv4.forward
        } else {
            self.config.ipv6.accept_redirects && !self.config.ipv6.forwarding
        }
    }

    /// RFC 1122 §3.2.2.2: the new hop must be on the link the redirect came by. RFC 4861 §8.1: it is the destination itself or
    /// link-local.
    fn may_be_hop(&self, link: LinkId, dst: Addr, hop: Addr) -> bool {
        let unicast = |addr: Addr| {
            !addr.is_multicast()
                && !addr.is_unspecified()
                && !addr.is_loopback()
                && !self.is_broadcast(addr)
                && !self.is_local(addr)
        };
        if hop.version() != dst.version() || !unicast(hop) || !unicast(dst) {
            return false;
        }
        if !dst.is_v4() {
            return hop == dst || hop.is_link_local();
        }
        self.is_on_link(hop, link)
            && (self.config.ipv4.shared_media || !self.config.ipv4.secure_redirects || self.is_default_router(link, hop))
    }

    fn is_default_router(&self, link: LinkId, hop: Addr) -> bool {
        let default = self.routes.table.matching(Addr::any(hop.version())).last();
        default.is_some_and(|group| {
            group.iter().any(|entry| entry.dst.prefix == 0 && entry.link == link && entry.via == Via::Gateway(hop))
        })
    }

    fn is_first_hop(&mut self, link: LinkId, dst: Addr, router: Addr) -> bool {
        let query = RouteQuery { dst, src: Addr::any(dst.version()), link: None };
        self.route(&query).is_ok_and(|route| route.link == link && route.hop == Hop::Neighbour(router))
    }
}

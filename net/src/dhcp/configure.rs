//! What a lease means for the host: an address, routes, an MTU, a resolver; and how all that goes again.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use loggia_stack::base::{Addr, Cidr, Errno};
use loggia_stack::network::addresses::{AddrState, AddressConfig, Detection};

use super::config::Config;
use super::lease::Lease;
use crate::dns::{self, Resolver};
use crate::host::{Host, Prefix, Route};
use crate::socket::error;

/// What the host has by a lease.
#[derive(Debug)]
pub(super) struct Configured {
    host: Host,
    interface: String,
    config: Config,
    address: Option<Prefix>,
    routes: Vec<Route>,
    /// The interface's MTU before.
    mtu: Option<u32>,
    /// The names' servers of the lease before; none if the resolver is not ours.
    resolver: Option<dns::Config>,
}

/// How far the search for another user of an address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Probed {
    NotYet,
    Free,
    Taken,
}

impl Configured {
    pub(super) fn new(host: &Host, interface: &str, config: &Config) -> Self {
        Self {
            host: host.clone(),
            interface: interface.to_owned(),
            config: config.clone(),
            address: None,
            routes: Vec::new(),
            mtu: None,
            resolver: None,
        }
    }

    /// Begins to look for another user of the lease's address (RFC 5227): it is ours, but not used yet.
    pub(super) fn probe(&mut self, lease: &Lease) -> io::Result<()> {
        self.set_address(lease.address, Detection::Probe)
    }

    /// What has been found. On a link without ARP nobody can be found.
    pub(super) fn probed(&self, address: Ipv4Addr) -> Probed {
        let address = Addr::from(IpAddr::from(address));
        self.host.with(|stack, _| {
            let link = stack.link_by_name(&self.interface);
            let mut found = stack.assigned().filter(|assigned| Some(assigned.link) == link && assigned.cidr.addr == address);
            match found.next().map(|assigned| assigned.state) {
                Some(AddrState::Tentative) => Probed::NotYet,
                Some(AddrState::Preferred | AddrState::Deprecated) => Probed::Free,
                // Somebody took it away: as good as taken.
                Some(AddrState::Duplicate) | None => Probed::Taken,
            }
        })
    }

    /// The host has what the lease says, and nothing more of the one before.
    pub(super) fn bind(&mut self, lease: &Lease) -> io::Result<()> {
        self.set_address(lease.address, Detection::Skip)?;
        self.set_mtu(lease.mtu);
        self.set_routes(if self.config.routes { self.wanted(lease)? } else { Vec::new() });
        self.set_resolver(lease);
        Ok(())
    }

    /// The host is as it was before.
    pub(super) fn unbind(&mut self) {
        self.set_routes(Vec::new());
        self.set_mtu(None);
        if self.resolver.take().is_some() {
            // It was set a lease ago.
            let _ = self.host.remove_resolver();
        }
        if let Some(address) = self.address.take() {
            // The interface may be gone.
            let _ = self.host.remove_address(&self.interface, address.addr());
        }
    }

    fn set_address(&mut self, address: Prefix, detection: Detection) -> io::Result<()> {
        if self.address == Some(address) {
            return Ok(());
        }
        if self.address.is_some() {
            self.unbind();
        }
        let cidr = Cidr::new(address.addr().into(), address.prefix_len());
        let added = self.host.with(|stack, _| {
            let link = stack.link_by_name(&self.interface).ok_or(Errno::ENODEV)?;
            stack.add_address_with(link, AddressConfig { detection, ..AddressConfig::new(cidr) })
        });
        match added {
            // Somebody configured it by hand: then it stays when the lease goes.
            Err(Errno::EEXIST) => return Ok(()),
            added => added.map_err(error)?,
        }
        self.address = Some(address);
        Ok(())
    }

    /// The routes of a lease. RFC 3442: where there are classless ones the routers do not count.
    fn wanted(&self, lease: &Lease) -> io::Result<Vec<Route>> {
        let by_router = lease.routers.first().map(|router| (Prefix::any(Ipv4Addr::UNSPECIFIED.into()), *router));
        let pairs = if lease.routes.is_empty() { by_router.into_iter().collect() } else { lease.routes.clone() };
        let mut routes = Vec::new();
        for (destination, router) in pairs {
            let mut route = Route::to(destination)?.on(&self.interface).metric(self.config.metric);
            if !router.is_unspecified() {
                if !lease.address.contains(router.into()) {
                    // A router beyond our network is on the link all the same: so it is in many a cloud.
                    routes.push(Route::to(Prefix::new(router.into(), 32)?)?.on(&self.interface).metric(self.config.metric));
                }
                route = route.by(router.into());
            }
            routes.push(route);
        }
        Ok(routes)
    }

    fn set_routes(&mut self, wanted: Vec<Route>) {
        let mut kept = Vec::new();
        for route in std::mem::take(&mut self.routes).into_iter().rev() {
            if wanted.contains(&route) {
                kept.push(route);
            } else {
                // It may have gone with its interface.
                let _ = self.host.remove_route(&route);
            }
        }
        for route in wanted {
            // One that cannot be, or that is there already by somebody else's hand, is not ours to take away.
            if kept.contains(&route) || self.host.add_route(&route).is_ok() {
                self.routes.push(route);
            }
        }
    }

    /// The lease's MTU if the device can carry it; none: what it was before.
    fn set_mtu(&mut self, wanted: Option<u32>) {
        let now = self.host.interfaces().into_iter().find(|interface| interface.name == self.interface).map(|found| found.mtu);
        let before = self.mtu.or(now);
        let (Some(now), Some(before)) = (now, before) else { return };
        let mtu = wanted.map_or(before, |wanted| wanted.min(before));
        self.mtu = (mtu != before).then_some(before);
        if mtu != now {
            // The interface may be gone.
            let _ = self.host.set_mtu(&self.interface, mtu);
        }
    }

    fn set_resolver(&mut self, lease: &Lease) {
        let Some(base) = &self.config.resolver else { return };
        if lease.dns_servers.is_empty() {
            return;
        }
        let mut config = dns::Config { servers: dns::Config::new(lease.dns_servers.iter().copied()).servers, ..base.clone() };
        if !lease.search.is_empty() {
            config.set_search(lease.search.iter().map(String::as_str));
        } else if let Some(domain) = &lease.domain {
            config.set_search([domain.as_str()].into_iter());
        }
        if self.resolver.as_ref() != Some(&config) && self.host.set_resolver(Resolver::new(config.clone())).is_ok() {
            self.resolver = Some(config);
        }
    }
}

//! Static routes by the shortest way, and the link addresses that hosts know.

use std::collections::{HashSet, VecDeque};

use loggia_stack::base::{Addr, Cidr, Version};

use super::networks::{Networks, PortId};
use super::planner::Planner;
use super::{Neighbour, Plan, Route};
use crate::world::{Frames, HostId};

/// Most link addresses a host knows from the beginning; for those beyond it asks. The stack keeps 1024.
const KNOWN: usize = 900;

/// In networks of more hosts than this everybody asks: what all know of all would be millions.
const CROWD: usize = 1000;

/// How a host reaches a network that it is not in.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) network: usize,
    /// By which of its interfaces.
    port: usize,
    /// To whose interface first.
    gateway: PortId,
}

impl Plan {
    /// How a host reaches all networks that it is not in, the nearest first; of ways of the same length that by the earlier link.
    pub(super) fn ways(&self, from: HostId, networks: &Networks) -> Vec<Way> {
        let mut ways: Vec<Way> = Vec::new();
        let mut seen: Vec<bool> = vec![false; networks.links.len()];
        // A router with many interfaces is met by each of them, and is gone through once.
        let mut passed: HashSet<HostId> = HashSet::from([from]);
        let mut queue: VecDeque<(usize, usize, Option<PortId>)> = VecDeque::new();
        for port in 0..self.hosts[from.0].ports.len() {
            let network = networks.of_port(self, (from, port));
            if !std::mem::replace(&mut seen[network], true) {
                queue.push_back((network, port, None));
            }
        }
        while let Some((network, port, gateway)) = queue.pop_front() {
            ways.extend(gateway.map(|gateway| Way { network, port, gateway }));
            for router in networks.routers[network].iter().filter(|(host, _)| passed.insert(*host)) {
                for beyond in 0..self.hosts[router.0.0].ports.len() {
                    let next = networks.of_port(self, (router.0, beyond));
                    if !std::mem::replace(&mut seen[next], true) {
                        queue.push_back((next, port, Some(gateway.unwrap_or(*router))));
                    }
                }
            }
        }
        ways
    }

    /// The address of an interface.
    fn address(&self, (host, port): PortId, version: Version) -> Option<Addr> {
        self.hosts[host.0].ports[port].addresses.iter().map(|cidr| cidr.addr).find(|addr| addr.version() == version)
    }

    /// The network's prefix, as its first interface with an address has it.
    fn prefix(&self, networks: &Networks, network: usize, version: Version) -> Option<Cidr> {
        let addresses = networks.ports[network].iter().flat_map(|(host, port)| &self.hosts[host.0].ports[*port].addresses);
        addresses.filter(|cidr| cidr.addr.version() == version).map(|cidr| Cidr::new(cidr.network(), cidr.prefix)).next()
    }
}

impl Planner<'_> {
    pub(super) fn routes(&mut self, networks: &Networks) {
        for number in 0..self.plan.hosts.len() {
            let ways = self.plan.ways(HostId(number), networks);
            let mut routes = Vec::new();
            for version in [Version::V4, Version::V6] {
                routes.extend(self.routes_of(HostId(number), &ways, networks, version));
            }
            self.plan.hosts[number].routes = routes;
        }
    }

    fn routes_of(&self, host: HostId, ways: &[Way], networks: &Networks, version: Version) -> Vec<Route> {
        let route = |to, port, gateway| Some(Route { to, gateway: Some(self.plan.address(gateway, version)?), port });
        let first = ways.first().map(|way| (way.port, way.gateway));
        let only = first.filter(|first| ways.iter().all(|way| (way.port, way.gateway) == *first));
        let default = self.way_out(host, ways, networks).or(only);
        let everything = Cidr::new(Addr::any(version), 0);
        let mut routes: Vec<Route> = default.and_then(|(port, gateway)| route(everything, port, gateway)).into_iter().collect();
        for Way { network, port, gateway } in ways.iter().copied().filter(|way| default != Some((way.port, way.gateway))) {
            routes.extend(self.plan.prefix(networks, network, version).and_then(|to| route(to, port, gateway)));
        }
        routes
    }

    /// The way to the host that stands for the machine.
    fn way_out(&self, host: HostId, ways: &[Way], networks: &Networks) -> Option<(usize, PortId)> {
        let uplink = self.plan.uplink.filter(|uplink| *uplink != host)?;
        let own = self.networks_of(host, networks);
        let theirs = self.networks_of(uplink, networks);
        let shared = own
            .iter()
            .enumerate()
            .find_map(|(port, network)| theirs.iter().position(|other| other == network).map(|other| (port, (uplink, other))));
        let routed = || ways.iter().find(|way| theirs.contains(&way.network)).map(|way| (way.port, way.gateway));
        shared.or_else(routed)
    }

    /// The network of each interface of a host.
    fn networks_of(&self, host: HostId, networks: &Networks) -> Vec<usize> {
        (0..self.plan.hosts[host.0].ports.len()).map(|port| networks.of_port(&self.plan, (host, port))).collect()
    }

    /// True if packets of one host find a way to another.
    pub(super) fn reaches(&self, from: HostId, to: HostId, networks: &Networks) -> bool {
        let own = self.networks_of(from, networks);
        let theirs = self.networks_of(to, networks);
        let routed = || self.plan.ways(from, networks).iter().any(|way| theirs.contains(&way.network));
        from == to || own.iter().any(|network| theirs.contains(network)) || routed()
    }

    /// Link addresses known from the beginning, in networks where nobody has to ask.
    pub(super) fn neighbours(&mut self, networks: &Networks) {
        for (number, ports) in networks.ports.iter().enumerate() {
            if ports.len() > CROWD || networks.links[number].iter().any(|link| self.link_of[*link].arp) {
                continue;
            }
            let all: Vec<(PortId, Neighbour)> = ports.iter().flat_map(|port| self.neighbour(*port)).collect();
            for (host, port) in ports {
                let others = all.iter().filter(|((other, _), _)| other != host);
                let known = &mut self.plan.hosts[host.0].neighbours;
                let room = KNOWN.saturating_sub(known.len());
                known.extend(others.take(room).map(|(_, neighbour)| Neighbour { port: *port, ..*neighbour }));
            }
        }
    }

    /// How others know an interface.
    fn neighbour(&self, id: PortId) -> Vec<(PortId, Neighbour)> {
        let (host, port) = id;
        let own = &self.plan.hosts[host.0].ports[port];
        own.addresses.iter().map(|cidr| (id, Neighbour { port: 0, addr: cidr.addr, mac: own.mac })).collect()
    }

    /// Says which interfaces may send super-segments: what all links of their network allow, whatever happens to those, and all beyond its
    /// routers, who hand on what they get.
    pub(super) fn frames(&mut self, networks: &Networks) {
        let changes = || self.plan.changes.iter().flat_map(|change| &change.actions);
        let changed = |link: usize| {
            changes().filter_map(move |action| match action {
                super::Action::Terms(pipe, terms) => (pipe.wire == link).then(|| Frames::of(terms)),
                super::Action::Mtu { .. } => Some(Frames::Packets),
            })
        };
        let of_link = |link: &usize| self.plan.links[*link].terms.iter().map(Frames::of).chain(changed(*link)).min();
        let mut all: Vec<Frames> =
            networks.links.iter().map(|links| links.iter().filter_map(of_link).min().unwrap_or(Frames::Whole)).collect();
        let routers: Vec<Vec<usize>> = (0..self.plan.hosts.len())
            .filter(|host| self.plan.hosts[*host].forward)
            .map(|host| {
                (0..self.plan.hosts[host].ports.len()).map(|port| networks.of_port(&self.plan, (HostId(host), port))).collect()
            })
            .collect();
        // Each round carries it over one more router at least.
        for _ in &routers {
            for joined in &routers {
                if let Some(least) = joined.iter().map(|network| all[*network]).min() {
                    joined.iter().for_each(|network| all[*network] = least);
                }
            }
        }
        for (number, ports) in networks.ports.iter().enumerate() {
            for (host, port) in ports {
                self.plan.hosts[host.0].ports[*port].frames = all[number];
            }
        }
    }
}

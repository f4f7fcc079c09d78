//! What may change while a host runs: links, addresses, routes, neighbours.

use std::io;
use std::net::IpAddr;

use loggia_stack::base::{Addr, Cidr, Errno, LinkId};
use loggia_stack::engine::Stack;
use loggia_stack::link::{self, Mac, Medium};
use loggia_stack::network::routes::{Entry, Via};

use super::Host;
use super::address::{IntoIp, IntoPrefix, Prefix, addr};
use super::status::{Counter, InterfaceStatus, Neighbour, NeighbourState, Route};
use crate::device::MacAddr;
use crate::socket::error;

/// Configuration at run time. Interfaces go by their names. Changes give `ENETDOWN` once the host has ended.
impl Host {
    fn configure<T>(&self, work: impl FnOnce(&mut Stack) -> Result<T, Errno>) -> io::Result<T> {
        self.with(|stack, waiters| waiters.check().and_then(|()| work(stack))).map_err(error)
    }

    fn on_link(&self, name: &str, work: impl FnOnce(&mut Stack, LinkId) -> Result<(), Errno>) -> io::Result<()> {
        self.configure(|stack| {
            let link = stack.link_by_name(name).ok_or(Errno::ENODEV)?;
            work(stack, link)
        })
    }

    /// All interfaces by number, `lo` first.
    pub fn interfaces(&self) -> Vec<InterfaceStatus> {
        self.with(|stack, _| stack.links().map(|link| interface(stack, &link)).collect())
    }

    /// Takes an interface up or down. `ENODEV`
    pub fn set_up(&self, interface: &str, up: bool) -> io::Result<()> {
        self.on_link(interface, |stack, link| stack.set_up(link, up))
    }

    /// Sets the largest IP packet of an interface. `ENODEV`, `EINVAL`
    pub fn set_mtu(&self, interface: &str, mtu: u32) -> io::Result<()> {
        self.on_link(interface, |stack, link| stack.set_mtu(link, mtu))
    }

    /// Gives an interface an address; see [`Interface::address`](crate::Interface::address). `ENODEV`, `EEXIST`, `EINVAL`
    pub fn add_address(&self, interface: &str, address: impl IntoPrefix) -> io::Result<()> {
        let address = address.into_prefix()?.cidr();
        self.on_link(interface, |stack, link| stack.add_address(link, address))
    }

    /// Takes an address away from an interface. `ENODEV`, `EADDRNOTAVAIL`
    pub fn remove_address(&self, interface: &str, address: impl IntoIp) -> io::Result<()> {
        let address = addr(address)?;
        self.on_link(interface, |stack, link| stack.remove_address(link, address))
    }

    /// Adds a route. `ENODEV`, `EEXIST`, `EINVAL`, `ENETUNREACH` for a gateway that no interface reaches.
    pub fn add_route(&self, route: &Route) -> io::Result<()> {
        self.configure(|stack| {
            let link = link_of(stack, route)?;
            stack.add_route(route.destination.cidr(), route.gateway.map(Addr::from), link, route.metric)
        })
    }

    /// Takes a route away that was added. `ENODEV`, `ENOENT`, `ENETUNREACH`
    pub fn remove_route(&self, route: &Route) -> io::Result<()> {
        self.configure(|stack| {
            let link = link_of(stack, route)?;
            stack.remove_route(route.destination.cidr(), route.gateway.map(Addr::from), link)
        })
    }

    /// All routes: IPv4 before IPv6, longest prefix first.
    pub fn routes(&self) -> Vec<Route> {
        self.with(|stack, _| stack.routes().iter().map(|entry| route(stack, entry)).collect())
    }

    /// Sets a neighbour's station address for good. `ENODEV`, `EINVAL`
    pub fn set_neighbour(&self, interface: &str, neighbour: impl IntoIp, mac: MacAddr) -> io::Result<()> {
        let neighbour = addr(neighbour)?;
        self.on_link(interface, |stack, link| stack.neighbour_set(link, neighbour, Mac(mac)))
    }

    /// Forgets a neighbour. `ENODEV`
    pub fn remove_neighbour(&self, interface: &str, neighbour: impl IntoIp) -> io::Result<()> {
        let neighbour = addr(neighbour)?;
        self.on_link(interface, |stack, link| {
            stack.neighbour_remove(link, neighbour);
            Ok(())
        })
    }

    /// All neighbours that are known.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        self.with(|stack, _| stack.neighbours().map(|known| neighbour(stack, &known)).collect())
    }

    /// All counters that are not zero, named as under `/proc/net`.
    pub fn counters(&self) -> Vec<Counter> {
        self.with(|stack, _| {
            let counters = stack.counters().iter().filter(|(_, _, value)| *value != 0);
            counters.map(|(group, name, value)| Counter { group, name, value }).collect()
        })
    }

    /// The whole state of the host as a tree for people: links, addresses, routes, neighbours, sockets, counters. Its form may change.
    pub fn inspect(&self) -> String {
        self.with(|stack, _| stack.inspect())
    }
}

/// A default route by `gateway`. Where there are no link addresses nobody needs to find the gateway, so it may be anywhere.
pub(super) fn add_gateway(stack: &mut Stack, link: LinkId, gateway: Addr) -> Result<(), Errno> {
    let any = Cidr::new(Addr::any(gateway.version()), 0);
    match stack.add_route(any, Some(gateway), link, 0) {
        Err(Errno::ENETUNREACH) if is_bare(stack, link) => stack.add_route(any, None, link, 0),
        done => done,
    }
}

fn is_bare(stack: &Stack, link: LinkId) -> bool {
    stack.links().any(|status| status.link == link && status.config.medium == Medium::Ip)
}

/// The link of a route: what it says, or whose network the gateway (else the destination) is in.
fn link_of(stack: &Stack, route: &Route) -> Result<LinkId, Errno> {
    if let Some(name) = &route.interface {
        return stack.link_by_name(name).ok_or(Errno::ENODEV);
    }
    let hop = Addr::from(route.gateway.unwrap_or_else(|| route.destination.addr()));
    let by = stack.addresses().find(|(_, cidr)| cidr.addr.is_v4() == hop.is_v4() && cidr.contains(hop));
    by.map(|(link, _)| link).ok_or(Errno::ENETUNREACH)
}

fn name_of(stack: &Stack, link: LinkId) -> String {
    stack.links().find(|status| status.link == link).map(|status| status.config.name.clone()).unwrap_or_default()
}

fn interface(stack: &Stack, status: &link::LinkStatus<'_>) -> InterfaceStatus {
    let addresses = stack.addresses().filter(|(link, _)| *link == status.link);
    let stats = status.stats;
    InterfaceStatus {
        name: status.config.name.clone(),
        index: status.link.0.into(),
        up: status.up,
        mtu: status.config.mtu,
        mac: match status.config.medium {
            Medium::Ethernet { mac, .. } => Some(mac.0),
            Medium::Ip | Medium::Loopback => None,
        },
        addresses: addresses.map(|(_, cidr)| Prefix::of(cidr)).collect(),
        queued: status.queued,
        received_packets: stats.rx_packets,
        received_bytes: stats.rx_bytes,
        received_dropped: stats.rx_dropped,
        sent_packets: stats.tx_packets,
        sent_bytes: stats.tx_bytes,
        sent_dropped: stats.tx_dropped,
    }
}

fn route(stack: &Stack, entry: &Entry) -> Route {
    let gateway = match entry.via {
        Via::Gateway(gateway) => Some(IpAddr::from(gateway)),
        Via::OnLink | Via::Blackhole | Via::Unreachable | Via::Prohibit => None,
    };
    let interface = Some(name_of(stack, entry.link));
    Route { destination: Prefix::of(entry.dst), gateway, interface, metric: entry.metric }
}

fn neighbour(stack: &Stack, known: &link::Neighbour) -> Neighbour {
    Neighbour {
        interface: name_of(stack, known.link),
        addr: known.addr.into(),
        mac: known.mac.map(|mac| mac.0),
        state: match known.state {
            link::NeighbourState::Incomplete => NeighbourState::Incomplete,
            link::NeighbourState::Reachable => NeighbourState::Reachable,
            link::NeighbourState::Stale => NeighbourState::Stale,
            link::NeighbourState::Delay | link::NeighbourState::Probe => NeighbourState::Probing,
            link::NeighbourState::Failed => NeighbourState::Failed,
            link::NeighbourState::Permanent => NeighbourState::Permanent,
        },
    }
}

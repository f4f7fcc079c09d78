//! Addresses, routes and neighbours, on all shards.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use super::Shards;
use crate::device::MacAddr;
use crate::host::{Counter, InterfaceStatus, IntoIp, IntoPrefix, Neighbour, Route};

/// Configuration at run time, of all shards alike; see [`Host`](crate::Host) for each. What fails on one fails on all.
impl Shards {
    /// All interfaces by number, with what the shards received and sent together.
    pub fn interfaces(&self) -> Vec<InterfaceStatus> {
        let mut all = self.hosts()[0].interfaces();
        for host in &self.hosts()[1..] {
            for (sum, of) in all.iter_mut().zip(host.interfaces()) {
                sum.queued += of.queued;
                sum.received_packets += of.received_packets;
                sum.received_bytes += of.received_bytes;
                sum.received_dropped += of.received_dropped;
                sum.sent_packets += of.sent_packets;
                sum.sent_bytes += of.sent_bytes;
                sum.sent_dropped += of.sent_dropped;
            }
        }
        for interface in &mut all {
            // What a shard was too slow to take.
            interface.received_dropped += self.lost_on_the_way(&interface.name);
        }
        all
    }

    /// Takes an interface up or down. `ENODEV`
    pub fn set_up(&self, interface: &str, up: bool) -> io::Result<()> {
        self.on_all(|host| host.set_up(interface, up))
    }

    /// Sets the largest IP packet of an interface. `ENODEV`, `EINVAL`
    pub fn set_mtu(&self, interface: &str, mtu: u32) -> io::Result<()> {
        self.on_all(|host| host.set_mtu(interface, mtu))
    }

    /// Gives an interface an address. `ENODEV`, `EEXIST`, `EINVAL`
    pub fn add_address(&self, interface: &str, address: impl IntoPrefix) -> io::Result<()> {
        let address = address.into_prefix()?;
        self.on_all(|host| host.add_address(interface, address))
    }

    /// Takes an address away from an interface. `ENODEV`, `EADDRNOTAVAIL`
    pub fn remove_address(&self, interface: &str, address: impl IntoIp) -> io::Result<()> {
        let address = address.into_ip()?;
        self.on_all(|host| host.remove_address(interface, address))
    }

    /// Adds a route. `ENODEV`, `EEXIST`, `EINVAL`, `ENETUNREACH`
    pub fn add_route(&self, route: &Route) -> io::Result<()> {
        self.on_all(|host| host.add_route(route))
    }

    /// Takes a route away. `ENODEV`, `ENOENT`, `ENETUNREACH`
    pub fn remove_route(&self, route: &Route) -> io::Result<()> {
        self.on_all(|host| host.remove_route(route))
    }

    /// All routes, which are the same on all shards.
    pub fn routes(&self) -> Vec<Route> {
        self.hosts()[0].routes()
    }

    /// Sets a neighbour's station address for good. `ENODEV`, `EINVAL`
    pub fn set_neighbour(&self, interface: &str, neighbour: impl IntoIp, mac: MacAddr) -> io::Result<()> {
        let neighbour = neighbour.into_ip()?;
        self.on_all(|host| host.set_neighbour(interface, neighbour, mac))
    }

    /// Forgets a neighbour. `ENODEV`
    pub fn remove_neighbour(&self, interface: &str, neighbour: impl IntoIp) -> io::Result<()> {
        let neighbour = neighbour.into_ip()?;
        self.on_all(|host| host.remove_neighbour(interface, neighbour))
    }

    /// All neighbours that any shard knows. Each has its own cache, so one may be there several times, in different states.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let mut all: Vec<Neighbour> = Vec::new();
        for neighbour in self.hosts().iter().flat_map(crate::Host::neighbours) {
            if !all.contains(&neighbour) {
                all.push(neighbour);
            }
        }
        all
    }

    /// Lets all shards know a name.
    pub fn add_name(&self, name: &str, addrs: impl IntoIterator<Item = IpAddr>) -> io::Result<()> {
        let addrs: Vec<_> = addrs.into_iter().collect();
        self.on_all(|host| host.add_name(name, addrs.iter().copied()))
    }

    /// The counters of all shards, added up; those that are not zero.
    pub fn counters(&self) -> Vec<Counter> {
        let mut sums: BTreeMap<(&str, &str), Counter> = BTreeMap::new();
        for counter in self.hosts().iter().flat_map(crate::Host::counters) {
            sums.entry((counter.group, counter.name)).and_modify(|sum| sum.value += counter.value).or_insert(counter);
        }
        sums.into_values().collect()
    }
}

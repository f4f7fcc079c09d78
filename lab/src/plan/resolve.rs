//! Names inside the lab.

use loggia_stack::base::{Addr, Version};

use super::networks::Networks;
use super::{MACHINE_NAME, MACHINE_V4, MACHINE_V6, Plan};
use crate::world::HostId;

impl Plan {
    /// What a name means to a host: addresses of `NAME`, of a further name, or of all hosts alike; IPv4 first. Of a host with several
    /// interfaces only those by which the asker's packets arrive. `None` if the lab has no such name; case does not matter, and
    /// neither does a dot at the end.
    pub fn resolve(&self, asker: HostId, name: &str) -> Option<Vec<Addr>> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name == "localhost" {
            return Some(vec![Addr::V4_LOOPBACK, Addr::V6_LOOPBACK]);
        }
        if name == MACHINE_NAME && self.uplink.is_some() {
            return Some(vec![MACHINE_V4.into(), MACHINE_V6.into()]);
        }
        let hosts = self.hosts_called(&name);
        if hosts.is_empty() {
            return None;
        }
        let networks = Networks::of(self);
        let mut all: Vec<Addr> = hosts.into_iter().flat_map(|host| self.seen_from(asker, host, &networks)).collect();
        all.sort_by_key(|addr| addr.version() == Version::V6);
        Some(all)
    }

    /// All names a host may be called by, with what they mean to `asker`, for its `/etc/hosts`.
    pub fn names_for(&self, asker: HostId) -> Vec<(String, Vec<Addr>)> {
        let mut names: Vec<String> = Vec::new();
        for host in &self.hosts {
            names.push(host.name.clone());
            names.push(host.group.clone());
            names.extend(host.names.iter().map(|name| name.to_ascii_lowercase()));
        }
        if self.uplink.is_some() {
            names.push(MACHINE_NAME.into());
        }
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.resolve(asker, &name).map(|addresses| (name, addresses))).collect()
    }

    /// Whose address this is: the name of the host.
    pub fn name_of(&self, addr: Addr) -> Option<&str> {
        let of = |host: &&super::Host| host.ports.iter().flat_map(|port| &port.addresses).any(|cidr| cidr.addr == addr);
        self.hosts.iter().find(of).map(|host| host.name.as_str())
    }

    /// Hosts of this name in the file: one, or all alike.
    pub fn hosts_named(&self, name: &str) -> Vec<HostId> {
        self.hosts_where(|host| host.name == name || host.group == name)
    }

    fn hosts_called(&self, name: &str) -> Vec<HostId> {
        self.hosts_where(|host| {
            host.name == name || host.group == name || host.names.iter().any(|other| other.eq_ignore_ascii_case(name))
        })
    }

    fn hosts_where(&self, mut wanted: impl FnMut(&super::Host) -> bool) -> Vec<HostId> {
        self.hosts.iter().enumerate().filter(|(_, host)| wanted(host)).map(|(number, _)| HostId(number)).collect()
    }

    /// The addresses of a host's interface by which packets of `asker` arrive; if they cannot, of its first.
    fn seen_from(&self, asker: HostId, host: HostId, networks: &Networks) -> Vec<Addr> {
        let ports = &self.hosts[host.0].ports;
        let own: Vec<usize> = (0..self.hosts[asker.0].ports.len()).map(|port| networks.of_port(self, (asker, port))).collect();
        let of = |port: usize| networks.of_port(self, (host, port));
        let shared = (0..ports.len()).find(|port| own.contains(&of(*port)));
        let port = shared.or_else(|| self.nearest_port(asker, host, networks)).unwrap_or(0);
        ports.get(port).map(|port| port.addresses.iter().map(|cidr| cidr.addr).collect()).unwrap_or_default()
    }

    /// The interface of a host that is the fewest hops from `asker`.
    fn nearest_port(&self, asker: HostId, host: HostId, networks: &Networks) -> Option<usize> {
        let ways = self.ways(asker, networks);
        let of = |port: usize| networks.of_port(self, (host, port));
        let place = |port: usize| ways.iter().position(|way| way.network == of(port));
        (0..self.hosts[host.0].ports.len()).filter_map(|port| Some((place(port)?, port))).min().map(|(_, port)| port)
    }
}

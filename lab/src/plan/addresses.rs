//! Addresses: those that are stated, and for the others the next free ones of their network.

use std::collections::HashSet;

use loggia_stack::base::{Addr, Cidr, Version};

use super::networks::{Networks, PortId};
use super::planner::Planner;
use crate::file::{Address, Span};

/// Networks with more ends than this are large: a /16.
const SMALL: usize = 250;
/// Most ends of a network.
const MOST: usize = 65_000;
/// IPv6 needs this much (RFC 8200 §5).
const IPV6_MTU: u32 = 1280;

impl Planner<'_> {
    pub(super) fn addresses(&mut self, networks: &Networks) {
        self.stated();
        for version in [Version::V4, Version::V6] {
            let stated = self.networks_stated(networks, version);
            self.apart(networks, &stated);
            let mut given = Given { taken: self.all_stated(), small: 0, large: 0 };
            for (number, ports) in networks.ports.iter().enumerate() {
                let Some(network) = stated[number].or_else(|| given.next(ports.len(), version)) else {
                    self.too_many(networks, number);
                    return;
                };
                self.give(ports, network, version);
            }
        }
    }

    /// Puts stated addresses on their interfaces.
    fn stated(&mut self) {
        let mut seen: HashSet<Addr> = HashSet::new();
        let description = self.description;
        for host in description.hosts.iter().filter(|host| !host.addresses.is_empty()) {
            if let Some(count) = &host.count {
                let message = format!("host {:?} has a count and a stated address", host.name.value);
                self.errors.add(
                    host.addresses[0].cidr.span,
                    message,
                    format!("leave the address out, or state {} hosts by name", count.value),
                );
                continue;
            }
            for address in &host.addresses {
                if !seen.insert(address.cidr.addr) {
                    self.errors.add(
                        address.cidr.span,
                        format!("the address {} is stated twice", address.cidr.addr),
                        "expected another one for each",
                    );
                }
                if let Some((host, number)) = self.port_for(&host.name.value, address) {
                    let port = &mut self.plan.hosts[host.0].ports[number];
                    if !address.cidr.addr.is_v4() && port.mtu < IPV6_MTU {
                        let message = format!("{} cannot be on a link with an mtu of {}", address.cidr.value, port.mtu);
                        self.errors.add(address.cidr.span, message, "IPv6 needs 1280 bytes at least");
                    }
                    port.addresses.push(address.cidr.value);
                }
            }
        }
    }

    fn port_for(&mut self, host: &str, address: &Address) -> Option<PortId> {
        let id = *self.hosts_named(host).first()?;
        let ports = &self.plan.hosts[id.0].ports;
        let link = |port: &super::Port| &self.plan.links[port.pipe.wire];
        let fits = |port: &super::Port| {
            address.link.as_ref().is_none_or(|name| link(port).name == name.value || link(port).group == name.value)
        };
        let fitting: Vec<usize> = (0..ports.len()).filter(|port| fits(&ports[*port])).collect();
        match fitting.as_slice() {
            [port] => Some((id, *port)),
            [] => None,
            several => {
                let names: Vec<_> = several.iter().map(|port| link(&ports[*port]).name.clone()).collect();
                let message = format!("host {host:?} has several links: {} is for which?", address.cidr.value);
                let remedy = format!(
                    "state it by link, one of {}: address = {{ {} = [\"{}\"] }}",
                    names.join(", "),
                    names[0],
                    address.cidr.value
                );
                self.errors.add(address.cidr.span, message, remedy);
                None
            }
        }
    }

    /// The network that stated addresses give to each network; those outside of it are noted.
    fn networks_stated(&mut self, networks: &Networks, version: Version) -> Vec<Option<Cidr>> {
        let mut all = Vec::new();
        for ports in &networks.ports {
            let mut network: Option<Cidr> = None;
            for (host, port) in ports {
                let of_version = |cidr: &&Cidr| cidr.addr.version() == version;
                let own: Vec<Cidr> = self.plan.hosts[host.0].ports[*port].addresses.iter().filter(of_version).copied().collect();
                let Some(first) = own.first() else { continue };
                match network {
                    None => network = Some(Cidr::new(first.network(), first.prefix)),
                    Some(network) if own.iter().any(|cidr| cidr.network() == network.addr && cidr.prefix == network.prefix) => {}
                    Some(network) => {
                        let message = format!("{first} is not in {network}, the network of its link");
                        let span = self.span_of(host.0, *first);
                        self.errors.add(span, message, "expected an address of the same network as the other end's");
                    }
                }
            }
            all.push(network);
        }
        all
    }

    /// All networks in which addresses were stated.
    fn all_stated(&self) -> Vec<Cidr> {
        let addresses = self.host_of.iter().flat_map(|host| &host.addresses);
        addresses.map(|address| Cidr::new(address.cidr.network(), address.cidr.prefix)).collect()
    }

    /// Where an address of a host was stated.
    fn span_of(&self, host: usize, cidr: Cidr) -> Span {
        let host = self.host_of[host];
        host.addresses.iter().find(|address| address.cidr.value == cidr).map_or(host.name.span, |address| address.cidr.span)
    }

    /// Notes stated networks that have addresses in common.
    fn apart(&mut self, networks: &Networks, stated: &[Option<Cidr>]) {
        let all: Vec<(usize, Cidr)> =
            stated.iter().enumerate().filter_map(|(number, network)| Some((number, (*network)?))).collect();
        for (at, (number, network)) in all.iter().enumerate() {
            if let Some((other, same)) = all[..at].iter().find(|(_, other)| overlap(*other, *network)) {
                let name = |network: usize| self.plan.links[networks.links[network][0]].name.clone();
                let message = format!("{network} of link {:?} is also (in) {same} of link {:?}", name(*number), name(*other));
                let link = self.link_of[networks.links[*number][0]];
                self.errors.add(
                    link.name.span,
                    message,
                    "expected a network of its own for each link that no switch joins with another",
                );
            }
        }
    }

    /// Gives addresses to the interfaces of a network that have none of this version.
    fn give(&mut self, ports: &[PortId], network: Cidr, version: Version) {
        let has = |cidrs: &[Cidr]| cidrs.iter().any(|cidr| cidr.addr.version() == version);
        let addresses = |(host, port): &PortId| &self.plan.hosts[host.0].ports[*port].addresses;
        let taken: HashSet<Addr> = ports.iter().flat_map(addresses).map(|cidr| cidr.addr).collect();
        let mut free = hosts_of(network).filter(|addr| !taken.contains(addr));
        for (host, port) in ports {
            let at = &mut self.plan.hosts[host.0].ports[*port];
            if has(&at.addresses) || version == Version::V6 && at.mtu < IPV6_MTU {
                continue;
            }
            match free.next() {
                Some(addr) => at.addresses.push(Cidr::new(addr, network.prefix)),
                None => {
                    let host = self.host_of[host.0];
                    self.errors.add(
                        host.name.span,
                        format!("{network} has no address left for host {:?}", host.name.value),
                        "state a larger network",
                    );
                    return;
                }
            }
        }
    }

    fn too_many(&mut self, networks: &Networks, number: usize) {
        let link = self.link_of[networks.links[number][0]];
        let message = format!("there is no network left for [link.{}]", link.name.value);
        self.errors.add(
            link.name.span,
            message,
            format!("at most 32768 networks and {MOST} hosts on a switch are given addresses"),
        );
    }
}

/// Networks that are given out.
struct Given {
    taken: Vec<Cidr>,
    small: u32,
    large: u32,
}

impl Given {
    /// The next one for so many ends.
    fn next(&mut self, ends: usize, version: Version) -> Option<Cidr> {
        loop {
            let network = if ends <= SMALL { self.small() } else { self.large(ends) }?;
            let network = match version {
                Version::V4 => network,
                Version::V6 => v6(network),
            };
            if !self.taken.iter().any(|taken| overlap(*taken, network)) {
                return Some(network);
            }
        }
    }

    fn small(&mut self) -> Option<Cidr> {
        let number = self.small;
        self.small += 1;
        (number < 128 << 8).then(|| Cidr::new(Addr::v4(10, (number >> 8) as u8, number as u8, 0), 24))
    }

    fn large(&mut self, ends: usize) -> Option<Cidr> {
        let number = self.large;
        self.large += 1;
        (number < 100 && ends <= MOST).then(|| Cidr::new(Addr::v4(10, 128 + number as u8, 0, 0), 16))
    }
}

/// The IPv6 network beside an IPv4 network: `fd00:0:0:xxyy::/64` beside `10.x.y.0`.
fn v6(network: Cidr) -> Cidr {
    let [_, x, y, _] = network.addr.v4_octets();
    Cidr::new(Addr::from_v6([0xfd, 0, 0, 0, 0, 0, x, y, 0, 0, 0, 0, 0, 0, 0, 0]), 64)
}

fn overlap(one: Cidr, other: Cidr) -> bool {
    one.contains(other.addr) || other.contains(one.addr)
}

/// The addresses that hosts of a network can have, in order; of large ones the first 65,534.
fn hosts_of(network: Cidr) -> impl Iterator<Item = Addr> {
    let width = if network.addr.is_v4() { 32 } else { 128 } - u32::from(network.prefix);
    let size = 1u128.checked_shl(width).unwrap_or(u128::MAX).min(65_536);
    // RFC 3021: both addresses of a /31 are hosts. Otherwise the first is the network's (IPv4) or all routers' (IPv6, RFC 4291 §2.6.1).
    let hosts = if width <= 1 { 0..size } else { 1..size - u128::from(network.addr.is_v4()) };
    let first = u128::from_be_bytes(network.network().octets());
    hosts.map(move |number| Addr::from_v6((first + number).to_be_bytes()))
}

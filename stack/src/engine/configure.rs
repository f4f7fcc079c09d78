//! What the owner of a host sets: links, addresses, routes, neighbours, and the settings that may change while it lives.

use alloc::vec::Vec;

use super::stack::Stack;
use crate::base::{Addr, Cidr, Errno, LinkId};
use crate::link::{LinkConfig, LinkStatus, Mac, Neighbour};
use crate::network;
use crate::network::addresses::{AddressConfig, Assigned};
use crate::network::routes::Entry;
use crate::socket;
use crate::transport::tcp::TcpConfig;

impl Stack {
    /// Adds a link; it is down until [`Stack::set_up`]. `EEXIST`, `EINVAL`.
    pub fn add_link(&mut self, config: LinkConfig) -> Result<LinkId, Errno> {
        let result = self.net.add_link(config);
        self.settle();
        result
    }

    /// Takes a link away with its addresses and routes. `ENODEV`
    pub fn remove_link(&mut self, link: LinkId) -> Result<(), Errno> {
        let result = self.net.remove_link(link);
        self.links_drained(None);
        self.settled(result)
    }

    /// Takes a link up or down. `ENODEV`
    pub fn set_up(&mut self, link: LinkId, up: bool) -> Result<(), Errno> {
        let result = self.net.set_link_up(link, up);
        self.links_drained(None);
        self.settled(result)
    }

    /// Lets this host answer for others: TCP and UDP that come by `link` for any single host are for this one, and its sockets may send
    /// from any address. For gateways that carry connections on by other means. `ENODEV`, `EINVAL` (loopback).
    pub fn set_transparent(&mut self, link: LinkId, on: bool) -> Result<(), Errno> {
        let result = self.net.set_transparent(link, on);
        self.settled(result)
    }

    /// Sets the largest IP packet of a link. `ENODEV`, `EINVAL`.
    pub fn set_mtu(&mut self, link: LinkId, mtu: u32) -> Result<(), Errno> {
        let result = self.net.links.set_mtu(link, mtu);
        self.net.routes.changed();
        self.settled(result)
    }

    /// All links by number.
    pub fn links(&self) -> impl Iterator<Item = LinkStatus<'_>> {
        self.net.links.links()
    }

    /// The link of this name.
    pub fn link_by_name(&self, name: &str) -> Option<LinkId> {
        self.net.links.by_name(name)
    }

    /// Gives a link an address; its network is on the link. `ENODEV`, `EEXIST`, `EINVAL`.
    ///
    /// On Ethernet an IPv6 address is checked for duplicates first, for one to two seconds; it cannot be bound to or sent from before.
    /// [`dad_transmits`](crate::network::autoconf::LinkSettings::dad_transmits) 0 leaves that out.
    pub fn add_address(&mut self, link: LinkId, addr: Cidr) -> Result<(), Errno> {
        let result = self.net.add_address(link, addr);
        self.settled(result)
    }

    /// As [`Stack::add_address`], with lifetimes and a say about the check for duplicates, which IPv4 has too if it is asked for
    /// (RFC 5227); [`Stack::assigned`] tells how that goes. `EINVAL` also for lifetimes that cannot be.
    pub fn add_address_with(&mut self, link: LinkId, config: AddressConfig) -> Result<(), Errno> {
        let result = self.net.add_address_with(link, config);
        self.settled(result)
    }

    /// All addresses with the length of their networks' prefixes, link by link.
    pub fn addresses(&self) -> impl Iterator<Item = (LinkId, Cidr)> {
        self.net.addresses.iter().map(|assigned| (assigned.link, assigned.cidr))
    }

    /// All addresses with their states and lifetimes, link by link.
    pub fn assigned(&self) -> impl Iterator<Item = &Assigned> {
        self.net.addresses.iter()
    }

    /// Takes an address away. `EADDRNOTAVAIL`, `ENODEV`.
    pub fn remove_address(&mut self, link: LinkId, addr: Addr) -> Result<(), Errno> {
        let result = self.net.remove_address(link, addr);
        self.settled(result)
    }

    /// Adds a route; without a gateway the destination is on the link. The lowest metric wins among equal prefixes.
    pub fn add_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId, metric: u32) -> Result<(), Errno> {
        let result = self.net.add_route(dst, gateway, link, metric);
        self.settled(result)
    }

    /// Takes a route away. `ESRCH` is `ENOENT` here.
    pub fn remove_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId) -> Result<(), Errno> {
        let result = self.net.remove_route(dst, gateway, link);
        self.settled(result)
    }

    /// All routes, sorted: IPv4 before IPv6, longest prefix first, of equal ones the lowest metric first.
    pub fn routes(&self) -> Vec<Entry> {
        self.net.route_entries()
    }

    /// Sets a neighbour's link address for good. `ENODEV`, `EINVAL`.
    pub fn neighbour_set(&mut self, link: LinkId, addr: Addr, mac: Mac) -> Result<(), Errno> {
        let result = self.net.links.neighbour_set(link, addr, mac);
        self.settled(result)
    }

    /// Forgets a neighbour.
    pub fn neighbour_remove(&mut self, link: LinkId, addr: Addr) {
        self.net.links.neighbour_remove(link, addr);
        self.settle();
    }

    /// All neighbours known.
    pub fn neighbours(&self) -> impl Iterator<Item = Neighbour> {
        self.net.links.neighbours()
    }

    /// Settings of the network layer.
    pub fn network_config(&self) -> &network::Config {
        &self.net.config
    }

    /// Changes settings of the network layer (`ip_forward` and kin) from now on.
    pub fn configure_network(&mut self, change: impl FnOnce(&mut network::Config)) {
        change(&mut self.net.config);
        self.net.routes.changed();
        self.settle();
    }

    /// Settings of TCP.
    pub fn tcp_config(&self) -> &TcpConfig {
        self.sockets.tcp.config()
    }

    /// Changes settings of TCP; connections that are there keep what they were born with.
    pub fn configure_tcp(&mut self, change: impl FnOnce(&mut TcpConfig)) {
        change(self.sockets.tcp.config_mut());
    }

    /// Forgets what is remembered of servers that were connected to (`ip tcp_metrics flush`).
    pub fn flush_tcp_metrics(&mut self) {
        self.sockets.tcp.flush_metrics();
    }

    /// Settings of the socket layer.
    pub fn socket_config(&self) -> &socket::Config {
        &self.sockets.config
    }

    /// Changes settings of the socket layer; sockets that are there keep what they were born with.
    pub fn configure_sockets(&mut self, change: impl FnOnce(&mut socket::Config)) {
        change(&mut self.sockets.config);
        self.sockets.set_ports();
    }

    fn settled(&mut self, result: Result<(), Errno>) -> Result<(), Errno> {
        self.settle();
        result
    }
}

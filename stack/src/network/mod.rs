//! Layer 2, network: IPv4 and IPv6 as equals. Addresses, routes, fragments, ICMP, neighbour discovery, groups, forwarding.

pub mod packet;
pub mod protocol;

use crate::base::{Addr, Cidr, Errno, Frame, LinkId, Timer, Version};
use crate::link::{Hop, Links};
pub use packet::{Cast, ErrorCause, Fragmentation, Outgoing, Packet, TransportError};

/// What goes up from the network layer.
#[derive(Clone, Debug)]
pub enum Up {
    /// A packet for a transport on this host (reassembled, header checked, transport checksum not yet).
    /// ICMP messages come up too, for raw sockets, after the network layer has dealt with them.
    Packet(Packet),
    /// An ICMP error, or a local one of the same meaning, for the flow that caused it.
    Error(TransportError),
}

/// The answer to "how does a packet get there".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// By which link.
    pub link: LinkId,
    /// To whom on that link.
    pub hop: Hop,
    /// With which source address (the one asked for, if one was).
    pub src: Addr,
    /// The largest packet the path takes as far as is known: the link's MTU or what path MTU discovery found.
    pub mtu: u32,
    /// What kind of address the destination is.
    pub cast: Cast,
    /// The destination is an address of this host.
    pub local: bool,
}

/// What a route must satisfy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RouteQuery {
    /// Where to.
    pub dst: Addr,
    /// From this address; unspecified: choose one (RFC 6724).
    pub src: Addr,
    /// By this link only.
    pub link: Option<LinkId>,
}

/// The network layer of a host.
#[derive(Debug)]
pub struct Network {
    /// The layer below.
    pub links: Links,
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Network {
    // CONTRACT
    pub fn new(links: Links) -> Self {
        Self { links }
    }
    /// A frame from a link.
    pub fn receive(&mut self, link: LinkId, frame: Frame) {
        todo!()
    }
    /// The next thing a transport must know. Drains the link layer too; call it until it gives none after every input.
    pub fn poll(&mut self) -> Option<Up> {
        todo!()
    }
    /// A timer of `Neighbour`, `Fragments`, `Autoconf` or `Groups` fired.
    pub fn timer(&mut self, timer: Timer) {
        todo!()
    }
    /// How a packet gets there. `ENETUNREACH`, `EHOSTUNREACH`, `EINVAL` (source not ours), `EACCES` is the caller's (broadcast).
    /// Costs a hash look-up when the same was asked before and nothing changed.
    pub fn route(&mut self, query: &RouteQuery) -> Result<Route, Errno> {
        todo!()
    }
    /// Sends a transport's packet along `route`: pushes the IP header, cuts into fragments where allowed.
    /// `EMSGSIZE` if it is too big and must not be cut, `ENOBUFS` if the link's queue is full.
    pub fn send(&mut self, route: &Route, outgoing: &Outgoing, frame: Frame) -> Result<(), Errno> {
        todo!()
    }
    /// Answers `packet` with an ICMP "port unreachable" (rate-limited, RFC 1122 §3.2.2 and RFC 4443 §2.4 rules).
    pub fn port_unreachable(&mut self, packet: &Packet) {
        todo!()
    }
    /// True if packets to `addr` are delivered on this host (any of its addresses, loopback net).
    pub fn is_local(&self, addr: Addr) -> bool {
        todo!()
    }
    /// True if `addr` is a broadcast address of a link of ours.
    pub fn is_broadcast(&self, addr: Addr) -> bool {
        todo!()
    }
    pub fn add_address(&mut self, link: LinkId, addr: Cidr) -> Result<(), Errno> {
        todo!()
    }
    pub fn remove_address(&mut self, link: LinkId, addr: Addr) -> Result<(), Errno> {
        todo!()
    }
    /// Adds a route: `gateway` unspecified means on-link; the lowest metric wins among equal prefixes.
    pub fn add_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId, metric: u32) -> Result<(), Errno> {
        todo!()
    }
    pub fn remove_route(&mut self, dst: Cidr, gateway: Option<Addr>, link: LinkId) -> Result<(), Errno> {
        todo!()
    }
    /// A socket joins a group on a link (chosen by route if none); counted, so that each join needs one leave.
    pub fn join_group(&mut self, group: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        todo!()
    }
    pub fn leave_group(&mut self, group: Addr, link: LinkId) -> Result<(), Errno> {
        todo!()
    }
    /// The default hop limit of a family.
    pub fn default_hop_limit(&self, version: Version) -> u8 {
        64
    }
}

//! Layer 2, network: IPv4 and IPv6 as equals. Addresses, routes, fragments, ICMP, neighbour discovery, groups, forwarding.
//!
//! ```text
//!   Links::poll ─▶ input ─┬─▶ (fragments) ─▶ deliver ─┬─▶ icmp, ndp, groups ─▶ Up::Packet, Up::Error ─▶ transports
//!                         └─▶ forward ──┐             └─▶ Up::Packet ────────────────────────────────▶
//!   transports ─▶ route ─▶ send ────────┴─▶ output ─▶ (fragments) ─▶ Links::send
//! ```
//!
//! | file | what | after |
//! |---|---|---|
//! | `config` | settings, named as in `net.ipv4.*` and `net.ipv6.*` | Linux |
//! | `packet`, `protocol` | what passes between this layer and the transports | |
//! | `ipv4`, `ipv6` | the header codecs; the extension header chain | RFC 791, RFC 8200 |
//! | `input` | what arrives: checks, delivery or forwarding | RFC 1122 §3, RFC 1812 §5, RFC 8200 |
//! | `output` | what leaves: headers, fragments | |
//! | `fragments` | cutting and reassembly | RFC 791, 815, 5722, 6946 |
//! | `routes` | the table by longest prefix; the route cache; redirects | RFC 1812 §5.2.4, RFC 4861 §6.3.6, §8 |
//! | `path_mtu` | what is known of paths | RFC 1191, 8201 |
//! | `forward` | the router | RFC 1812, RFC 8200 |
//! | `transparent` | answering for others | |
//! | `icmp` | echo, errors out, errors in, rate limits | RFC 792, 1122 §3.2.2, 4443 |
//! | `lru`, `quick` | a bounded map; direct-mapped caches | |
//! | `addresses` | addresses of links, source selection | RFC 6724 |
//! | `autoconf`, `ndp` | neighbour discovery, duplicate detection, SLAAC | RFC 4861, 4862, 7217 |
//! | `groups` | multicast membership | RFC 9776, 9777 |
//!
//! Invariants: whatever a remote peer can make grow (fragments, path MTUs, redirects, rate limits) is bounded; an error is never
//! answered by an error; every packet that goes no further is counted by [`Base::discard`](crate::base::Base::discard).

pub mod addresses;
pub mod autoconf;
pub mod config;
pub mod fragments;
pub mod groups;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod ndp;
pub mod packet;
mod path_mtu;
pub mod protocol;
pub mod routes;

mod forward;
mod input;
pub(crate) mod lru;
mod output;
mod quick;
#[cfg(test)]
mod tests;
mod transparent;

use alloc::collections::VecDeque;
use alloc::string::String;

use crate::base::{Addr, Cidr, Errno, LinkId, Timer, TimerOwner, Version, What};
use crate::link::{Hop, LinkConfig, Links, Medium, Offloads, Received};
pub use config::Config;
pub use input::{family, usual};
pub use output::{Along, LONGEST_HEADER, Manner, Onward, Straight, Way};
pub use packet::{Cast, ErrorCause, Fragmentation, Outgoing, Packet, TransportError};
pub use transparent::Unreachable;

/// The loopback link, which every host has from the start.
pub const LOOPBACK: LinkId = LinkId(1);

/// What goes up from the network layer.
#[derive(Clone, Debug)]
// A packet goes up by value: a box would be an allocation for each of them.
#[allow(clippy::large_enum_variant)]
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
    /// Settings; may be changed at any time.
    pub config: Config,
    /// What waits for the transports.
    pub(crate) up: VecDeque<Up>,
    /// Addresses of links.
    pub(crate) addresses: addresses::Addresses,
    /// Duplicate detection, SLAAC, routers heard.
    pub(crate) autoconf: autoconf::Autoconf,
    /// Multicast membership.
    pub(crate) groups: groups::Groups,
    /// The routing table and its cache.
    pub(crate) routes: routes::Routes,
    /// Path MTUs found.
    pub(crate) path_mtu: path_mtu::PathMtus,
    /// Datagrams of which not all fragments have arrived.
    pub(crate) fragments: fragments::Fragments,
    /// Rate limits of the ICMP messages we send.
    pub(crate) icmp: icmp::Limits,
    /// Idents of fragments.
    idents: output::ident::Idents,
    /// Links by which this host answers for others.
    transparent: transparent::Transparent,
    /// Pairs of addresses judged before.
    known: input::known::Known,
    /// Ways of packets sent before.
    ways: output::way::Ways,
    /// Copies of our own multicasts and broadcasts, on their way back up.
    looped: VecDeque<Received>,
    /// More will come of what came together.
    more: bool,
}

impl Network {
    /// A host with a loopback link (`lo`, 127.0.0.1/8 and ::1/128) on top of `links`, which must be empty.
    pub fn new(links: Links) -> Self {
        let entropy = &links.base.entropy;
        let mut network = Self {
            config: Config::default(),
            up: VecDeque::new(),
            addresses: addresses::Addresses::new(entropy),
            autoconf: autoconf::Autoconf::new(entropy),
            groups: groups::Groups::new(entropy),
            routes: routes::Routes::new(entropy),
            path_mtu: path_mtu::PathMtus::new(entropy),
            fragments: fragments::Fragments::new(entropy),
            icmp: icmp::Limits::new(entropy),
            idents: output::ident::Idents::new(entropy),
            transparent: transparent::Transparent::default(),
            known: input::known::Known::new(entropy),
            ways: output::way::Ways::new(entropy, "ways"),
            looped: VecDeque::new(),
            more: false,
            links,
        };
        network.add_loopback();
        network
    }

    fn add_loopback(&mut self) {
        let config = LinkConfig {
            name: String::from("lo"),
            medium: Medium::Loopback,
            mtu: 65536,
            offloads: Offloads { checksum: true, segmentation: 65536, coalesce: false },
            queue_limit: 4 << 20,
        };
        let link = self.links.add(config).expect("the first link of a host");
        debug_assert_eq!(link, LOOPBACK);
        self.links.set_up(link, true);
        self.add_address(link, Cidr::new(Addr::V4_LOOPBACK, 8)).expect("the first address");
        self.add_address(link, Cidr::host(Addr::V6_LOOPBACK)).expect("the second address");
    }

    /// Adds a link and starts autoconfiguration on it. Errors as those of [`Links::add`].
    pub fn add_link(&mut self, config: LinkConfig) -> Result<LinkId, Errno> {
        let link = self.links.add(config)?;
        self.autoconf_link_added(link);
        Ok(link)
    }

    /// Takes a link away with its addresses, routes and groups. `ENODEV`
    pub fn remove_link(&mut self, link: LinkId) -> Result<(), Errno> {
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        self.autoconf_link_removed(link);
        self.groups_link_removed(link);
        self.routes.remove_link(link);
        self.transparent_link_removed(link);
        if self.links.is_up(link) {
            self.links.base.emit(What::Link { link, up: false });
        }
        self.links.remove(link)
    }

    /// Takes a link up or down. Its routes count only while it is up. `ENODEV`
    pub fn set_link_up(&mut self, link: LinkId, up: bool) -> Result<(), Errno> {
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        if self.links.is_up(link) != up {
            self.links.base.emit(What::Link { link, up });
        }
        self.links.set_up(link, up);
        self.routes.changed();
        self.autoconf_link_changed(link, up);
        Ok(())
    }

    /// Changes the MTU of a link. `ENODEV`, `EINVAL`
    pub fn set_link_mtu(&mut self, link: LinkId, mtu: u32) -> Result<(), Errno> {
        self.links.set_mtu(link, mtu)?;
        self.routes.changed();
        Ok(())
    }

    /// A timer of `Neighbour`, `Fragments`, `Autoconf` or `Groups` fired.
    pub fn timer(&mut self, timer: Timer) {
        match timer.owner {
            TimerOwner::Neighbour => self.links.timer(timer),
            TimerOwner::Fragments => self.fragments_timer(timer.key),
            TimerOwner::Autoconf => self.autoconf_timer(timer.key),
            TimerOwner::Groups => self.groups_timer(timer.key),
            TimerOwner::Tcp | TimerOwner::HalfOpen | TimerOwner::TimeWait => debug_assert!(false, "a timer of a transport"),
        }
    }

    /// Datagrams of which not all fragments have arrived, and the bytes they hold.
    pub fn fragments_waiting(&self) -> (usize, usize) {
        (self.fragments.len(), self.fragments.used())
    }

    /// The default hop limit of a family.
    pub fn default_hop_limit(&self, version: Version) -> u8 {
        match version {
            Version::V4 => self.config.ipv4.default_ttl,
            Version::V6 => self.config.ipv6.hop_limit,
        }
    }

    /// True if packets to `addr` are delivered on this host (any of its addresses, loopback net).
    pub fn is_local(&self, addr: Addr) -> bool {
        self.addresses.is_local(addr)
    }

    /// True if `addr` is a broadcast address of a link of ours.
    pub fn is_broadcast(&self, addr: Addr) -> bool {
        addr.is_limited_broadcast() || self.addresses.is_broadcast(addr)
    }
}

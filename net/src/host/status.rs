//! What a host says of its interfaces, routes and neighbours.

use std::io;
use std::net::IpAddr;

use super::address::{IntoIp, IntoPrefix, Prefix};

/// An interface as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InterfaceStatus {
    /// Its name; `lo` is loopback.
    pub name: String,
    /// Its number, for scopes of link-local addresses and multicast groups.
    pub index: u32,
    /// Whether it is up.
    pub up: bool,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Our station's address on an Ethernet.
    pub mac: Option<[u8; 6]>,
    /// Its addresses with their prefix lengths.
    pub addresses: Vec<Prefix>,
    /// Bytes that wait for the device.
    pub queued: usize,
    /// Packets that came in.
    pub received_packets: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Packets that came in and were not taken.
    pub received_dropped: u64,
    /// Packets that left; one may stand for many segments.
    pub sent_packets: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Packets that were to leave and did not, those that the device refused included.
    pub sent_dropped: u64,
}

/// A number that only grows, as under `/proc/net`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Counter {
    /// `Ip`, `Tcp`, `Udp`, …; `Discard` says why packets went no further.
    pub group: &'static str,
    /// Its name, as `InSegs`.
    pub name: &'static str,
    /// What it has come to.
    pub value: u64,
}

/// A route. What is not said is chosen: the interface whose network has the gateway, metric 0.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Route {
    /// Destinations it holds for.
    pub destination: Prefix,
    /// The next hop; without one the destinations are on the link.
    pub gateway: Option<IpAddr>,
    /// By which interface.
    pub interface: Option<String>,
    /// Among equal prefixes the lowest wins.
    pub metric: u32,
}

impl Route {
    /// To `destination`. `InvalidInput` if that is no prefix.
    pub fn to(destination: impl IntoPrefix) -> io::Result<Self> {
        Ok(Self { destination: destination.into_prefix()?, gateway: None, interface: None, metric: 0 })
    }

    /// To everything of the family of `gateway`. `InvalidInput` if that is no address.
    pub fn default_by(gateway: impl IntoIp) -> io::Result<Self> {
        let gateway = gateway.into_ip()?;
        Ok(Self { destination: Prefix::any(gateway), gateway: Some(gateway), interface: None, metric: 0 })
    }

    /// By this next hop.
    pub fn by(mut self, gateway: IpAddr) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// By this interface.
    pub fn on(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// With this metric.
    pub fn metric(mut self, metric: u32) -> Self {
        self.metric = metric;
        self
    }
}

/// A neighbour on an Ethernet.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Neighbour {
    /// On which interface.
    pub interface: String,
    /// Its address.
    pub addr: IpAddr,
    /// Its station's address, if known.
    pub mac: Option<[u8; 6]>,
    /// What is known of it.
    pub state: NeighbourState,
}

/// What is known of a neighbour (RFC 4861 §7.3.2; the same for ARP).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NeighbourState {
    /// It is being looked for.
    Incomplete,
    /// It was reached a short time ago.
    Reachable,
    /// It has not been heard of for a while.
    Stale,
    /// It will be asked soon, or is being asked.
    Probing,
    /// It does not answer.
    Failed,
    /// It was set by hand.
    Permanent,
}

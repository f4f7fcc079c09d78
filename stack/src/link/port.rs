//! One link as this layer keeps it, and the list of all.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::arp::Claims;
use super::config::{LinkConfig, Medium};
use super::groups::Groups;
use super::mac::Mac;
use super::neighbour::Times;
use super::queue::OutputQueue;
use crate::base::LinkId;

/// What passed a link, as in `/proc/net/dev`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkStats {
    /// Frames that came in.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames that came in and were not taken.
    pub rx_dropped: u64,
    /// Frames that left.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Packets that were to leave and did not.
    pub tx_dropped: u64,
}

/// A link of ours.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) config: LinkConfig,
    pub(super) up: bool,
    pub(super) queue: OutputQueue,
    pub(super) groups: Groups,
    pub(super) claims: Claims,
    pub(super) times: Times,
    pub(super) stats: LinkStats,
}

impl Port {
    pub(super) fn new(config: LinkConfig) -> Self {
        Self {
            up: true,
            queue: OutputQueue::new(config.queue_limit),
            groups: Groups::default(),
            claims: Claims::default(),
            times: Times::default(),
            stats: LinkStats::default(),
            config,
        }
    }

    /// True if a packet of so many bytes may go out now.
    pub(super) fn takes(&self, len: usize) -> bool {
        self.up & self.queue.has_room() & (len <= self.config.mtu as usize)
    }

    /// True if it may, and nothing is in front of it: this is a link of packets.
    #[inline(always)]
    pub(super) fn takes_bare(&self, len: usize) -> bool {
        self.config.medium == Medium::Ip && self.takes(len)
    }

    /// The largest super-segment (payload bytes) that the device cuts.
    pub(super) fn cuts_at_most(&self) -> u32 {
        if self.config.medium == Medium::Loopback { 0 } else { self.config.offloads.cuts_at_most() }
    }

    /// Our link address and VLAN, if the link is an Ethernet.
    pub(super) fn ethernet(&self) -> Option<(Mac, Option<u16>)> {
        match self.config.medium {
            Medium::Ethernet { mac, vlan } => Some((mac, vlan)),
            Medium::Ip | Medium::Loopback => None,
        }
    }
}

/// All links by number. A number is never used again, so that nobody takes a new link for an old one.
#[derive(Debug, Default)]
pub(super) struct Ports {
    ports: Vec<Option<Box<Port>>>,
}

impl Ports {
    /// Adds a link; none if all numbers are used up.
    pub(super) fn push(&mut self, port: Port) -> Option<LinkId> {
        let id = u16::try_from(self.ports.len() + 1).ok()?;
        self.ports.push(Some(Box::new(port)));
        Some(LinkId(id))
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&Port> {
        self.ports.get(usize::from(id.0).checked_sub(1)?)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut Port> {
        self.ports.get_mut(usize::from(id.0).checked_sub(1)?)?.as_deref_mut()
    }

    /// Our link address and VLAN on a link, if it is an Ethernet.
    pub(super) fn ethernet(&self, id: LinkId) -> Option<(Mac, Option<u16>)> {
        self.get(id)?.ethernet()
    }

    pub(super) fn take(&mut self, id: LinkId) -> Option<Box<Port>> {
        self.ports.get_mut(usize::from(id.0).checked_sub(1)?)?.take()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (LinkId, &Port)> {
        let numbered = self.ports.iter().zip(1u16..);
        numbered.filter_map(|(port, id)| Some((LinkId(id), port.as_deref()?)))
    }
}

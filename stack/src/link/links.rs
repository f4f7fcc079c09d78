//! The links of a host: adding, removing, up and down, listing.

use alloc::string::String;
use alloc::vec::Vec;

use super::backlog::Backlog;
use super::config::{LinkConfig, valid_mtu};
use super::neighbour::Table;
use super::port::{LinkStats, Port, Ports};
use crate::base::{Addr, Base, Discard, Errno, LinkId};

/// All links of a host.
#[derive(Debug)]
pub struct Links {
    /// What every layer stands on.
    pub base: Base,
    pub(super) ports: Ports,
    pub(super) neighbours: Table,
    pub(super) backlog: Backlog,
    /// The most that any of the devices cuts.
    cuts_at_most: u32,
}

/// A link for listings.
#[derive(Clone, Copy, Debug)]
pub struct LinkStatus<'a> {
    /// Its number.
    pub link: LinkId,
    /// What it is.
    pub config: &'a LinkConfig,
    /// Whether it is up.
    pub up: bool,
    /// Bytes in its output queue.
    pub queued: usize,
    /// What passed it.
    pub stats: LinkStats,
}

impl Links {
    /// A host without links.
    pub fn new(base: Base) -> Self {
        Self {
            ports: Ports::default(),
            neighbours: Table::new(&base.entropy),
            backlog: Backlog::default(),
            cuts_at_most: 0,
            base,
        }
    }

    /// Adds a link, which is up; its number is one more than the last one's, and no number is used twice.
    /// `EEXIST` if another has the name, `EINVAL` for a name, MTU or VLAN that cannot be one, `EADDRNOTAVAIL` for a link address
    /// no station can have, `ENFILE` if all numbers are used up.
    pub fn add(&mut self, config: LinkConfig) -> Result<LinkId, Errno> {
        config.check()?;
        if self.by_name(&config.name).is_some() {
            return Err(Errno::EEXIST);
        }
        let link = self.ports.push(Port::new(config)).ok_or(Errno::ENFILE)?;
        self.note_largest();
        Ok(link)
    }

    /// Removes a link with all that waits for it. `ENODEV` if there is none.
    pub fn remove(&mut self, link: LinkId) -> Result<(), Errno> {
        self.ports.get(link).ok_or(Errno::ENODEV)?;
        self.flush(link);
        self.ports.take(link);
        self.note_largest();
        Ok(())
    }

    /// The largest super-segment (payload bytes) that the device of any link cuts: what most links need not be asked for.
    pub const fn cuts_at_most(&self) -> u32 {
        self.cuts_at_most
    }

    /// The largest super-segment (payload bytes) that the device of this link cuts; 0: what leaves is cut before, and on loopback never.
    pub fn link_cuts_at_most(&self, link: LinkId) -> u32 {
        self.ports.get(link).map_or(0, Port::cuts_at_most)
    }

    fn note_largest(&mut self) {
        self.cuts_at_most = self.ports.iter().map(|(_, port)| port.cuts_at_most()).max().unwrap_or_default();
    }

    /// What a link is.
    pub fn config(&self, link: LinkId) -> Option<&LinkConfig> {
        self.ports.get(link).map(|port| &port.config)
    }

    /// The link of this name.
    pub fn by_name(&self, name: &str) -> Option<LinkId> {
        self.ports.iter().find(|(_, port)| port.config.name == name).map(|(id, _)| id)
    }

    /// The numbers of all links, ascending.
    pub fn ids(&self) -> Vec<LinkId> {
        self.ports.iter().map(|(id, _)| id).collect()
    }

    /// All links by number.
    pub fn links(&self) -> impl Iterator<Item = LinkStatus<'_>> {
        self.ports.iter().map(|(link, port)| LinkStatus {
            link,
            config: &port.config,
            up: port.up,
            queued: port.queue.bytes(),
            stats: port.stats,
        })
    }

    /// True if the link is there and up.
    pub fn is_up(&self, link: LinkId) -> bool {
        self.ports.get(link).is_some_and(|port| port.up)
    }

    /// Takes a link up or down. Down: its queue, its neighbours (also permanent ones, as Linux) and what came by it and waits are
    /// gone. Up: its IPv4 addresses are announced, or probed from the start.
    pub fn set_up(&mut self, link: LinkId, up: bool) {
        let Some(port) = self.ports.get_mut(link) else { return };
        if port.up == up {
            return;
        }
        port.up = up;
        if up {
            self.arp_resume(link);
        } else {
            self.flush(link);
        }
    }

    /// Sets the largest IP packet. `ENODEV`, or `EINVAL` outside of [`MTU_MIN`](super::MTU_MIN) to [`MTU_MAX`](super::MTU_MAX).
    pub fn set_mtu(&mut self, link: LinkId, mtu: u32) -> Result<(), Errno> {
        let port = self.ports.get_mut(link).ok_or(Errno::ENODEV)?;
        if !valid_mtu(mtu) {
            return Err(Errno::EINVAL);
        }
        port.config.mtu = mtu;
        Ok(())
    }

    /// Gives a link another name; errors as [`Links::add`].
    pub fn rename(&mut self, link: LinkId, name: String) -> Result<(), Errno> {
        let mut config = self.config(link).ok_or(Errno::ENODEV)?.clone();
        if self.by_name(&name).is_some_and(|other| other != link) {
            return Err(Errno::EEXIST);
        }
        config.name = name;
        config.check()?;
        if let Some(port) = self.ports.get_mut(link) {
            port.config = config;
        }
        Ok(())
    }

    /// Takes in frames for a multicast group; each join needs a [`Links::group_leave`].
    pub fn group_join(&mut self, link: LinkId, group: Addr) {
        if let Some(port) = self.ports.get_mut(link) {
            port.groups.join(group);
        }
    }

    /// Undoes one [`Links::group_join`].
    pub fn group_leave(&mut self, link: LinkId, group: Addr) {
        if let Some(port) = self.ports.get_mut(link) {
            port.groups.leave(group);
        }
    }

    /// Drops and counts all that waits of a link.
    fn flush(&mut self, link: LinkId) {
        self.arp_pause(link);
        self.neighbours_flush(link);
        let (received, looped) = self.backlog.forget(link);
        let queued = self.ports.get_mut(link).map(|port| port.queue.clear()).unwrap_or_default();
        for len in received {
            self.drop_incoming(link, Discard::LinkDown, len);
        }
        for len in looped.into_iter().chain(queued) {
            self.drop_outgoing(link, Discard::LinkDown, len);
        }
    }
}

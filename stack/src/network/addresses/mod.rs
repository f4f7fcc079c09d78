//! The addresses of this host: which, on which link, in which state, until when (RFC 4862 §5.5.4, RFC 1122 §3.3.4).
//!
//! ```text
//!   add ──► Tentative ──(nobody else has it)──► Preferred ──(preferred lifetime over)──► Deprecated ──(valid lifetime over)──► gone
//!               └──(somebody has it)──► Duplicate
//! ```
//!
//! Invariants: an address stands at most once on a link; [`Addresses::is_local`] and [`Addresses::is_broadcast`] cost one look-up
//! in a keyed hash table, however many addresses there are; an address that is tentative or a duplicate is not local.
//! This is the table alone: [`autoconf`](super::autoconf) moves addresses from state to state and tells links and groups.

mod configure;
pub mod policy;
pub mod select;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use hashbrown::HashTable;

use crate::base::{Addr, Cidr, Entropy, HashKey, Instant, Key, LinkId, Slab, TimerId, Version};
pub use configure::{AddressConfig, Detection};

/// What may be done with an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AddrState {
    /// It is being checked that nobody else has it; nothing is received on it nor sent from it.
    Tentative,
    /// For everything.
    Preferred,
    /// For what uses it already; new communication chooses another where there is one.
    Deprecated,
    /// Somebody else has it: it is not used (`dadfailed` on Linux).
    Duplicate,
}

impl AddrState {
    /// True if packets to the address are delivered and packets from it are sent.
    pub const fn usable(self) -> bool {
        matches!(self, Self::Preferred | Self::Deprecated)
    }
}

/// Where an address comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// Somebody configured it.
    Static,
    /// Made by this host for the link (RFC 4862 §5.3).
    LinkLocal,
    /// Made by this host for a prefix that a router advertised (RFC 4862 §5.5).
    Advertised,
}

/// An address on a link.
#[derive(Clone, Debug)]
pub struct Assigned {
    /// The address with the length of its network's prefix.
    pub cidr: Cidr,
    /// The link.
    pub link: LinkId,
    /// What may be done with it.
    pub state: AddrState,
    /// Where it comes from.
    pub origin: Origin,
    /// When it becomes deprecated.
    pub preferred_until: Instant,
    /// When it is removed.
    pub valid_until: Instant,
    /// How often this address was found to be taken and made anew (`DAD_Counter` of RFC 7217 §5).
    pub dad_counter: u8,
    /// Whether it is checked that nobody else has it.
    pub detection: Detection,
    /// The route to its network was added for it.
    pub(crate) routed: bool,
    /// The group where it is solicited was joined for it.
    pub(crate) solicitable: bool,
    /// Duplicate address detection, while it goes on.
    pub(crate) dad: Option<super::autoconf::Probing>,
    /// The timer for whatever comes next.
    pub(crate) timer: Option<TimerId>,
}

impl Assigned {
    /// An address that is valid for ever, usable at once.
    pub const fn new(link: LinkId, cidr: Cidr, origin: Origin) -> Self {
        Self {
            cidr,
            link,
            state: AddrState::Preferred,
            origin,
            preferred_until: Instant::NEVER,
            valid_until: Instant::NEVER,
            dad_counter: 0,
            detection: Detection::AsLink,
            routed: false,
            solicitable: false,
            dad: None,
            timer: None,
        }
    }
}

/// A broadcast address, and how many addresses bring it.
#[derive(Clone, Copy, Debug)]
struct Broadcast {
    addr: Addr,
    users: u32,
}

/// All addresses of a host.
#[derive(Debug)]
pub struct Addresses {
    hash: HashKey,
    all: Slab<Assigned>,
    /// By address; an address on two links stands here twice.
    by_addr: HashTable<Key>,
    broadcasts: HashTable<Broadcast>,
    /// The keys of each link's addresses in the order they were added.
    by_link: Vec<(LinkId, Vec<Key>)>,
}

impl Addresses {
    /// A host without addresses; `127.0.0.0/8` and `::1` are local all the same.
    pub fn new(entropy: &Entropy) -> Self {
        let hash = entropy.key("addresses");
        Self { hash, all: Slab::new(), by_addr: HashTable::new(), broadcasts: HashTable::new(), by_link: Vec::new() }
    }

    /// True if packets to `addr` are for this host: one of its usable addresses, on whichever link, or a loopback address.
    ///
    /// Like Linux this is the "weak host" of RFC 1122 §3.3.4.2, but for link-local addresses see [`Addresses::is_local_on`].
    pub fn is_local(&self, addr: Addr) -> bool {
        addr.is_loopback() || self.find_if(addr, |assigned| assigned.state.usable()).is_some()
    }

    /// True if packets to `addr` that come by `link` are for this host. An IPv6 link-local address counts on its own link
    /// alone (RFC 4007 §6).
    pub fn is_local_on(&self, link: LinkId, addr: Addr) -> bool {
        if !addr.is_v4() && addr.is_link_local() {
            return self.get(link, addr).is_some_and(|assigned| assigned.state.usable());
        }
        self.is_local(addr)
    }

    /// True if `addr` is `255.255.255.255` or the directed broadcast address of a network of ours.
    pub fn is_broadcast(&self, addr: Addr) -> bool {
        addr.is_limited_broadcast()
            || addr.is_v4() && self.broadcasts.find(self.hash_of(addr), |broadcast| broadcast.addr == addr).is_some()
    }

    /// The address on this link, in whatever state.
    pub fn get(&self, link: LinkId, addr: Addr) -> Option<&Assigned> {
        self.key(link, addr).map(|key| &self.all[key])
    }

    /// The link that has `addr`, usable; the first one if several have. In the hash table those of one address have no order that
    /// is the same on every machine.
    pub fn link_of(&self, addr: Addr) -> Option<LinkId> {
        let same = self.by_addr.iter_hash(self.hash_of(addr)).map(|&key| &self.all[key]);
        same.filter(|assigned| assigned.cidr.addr == addr && assigned.state.usable()).map(|assigned| assigned.link).min()
    }

    /// The addresses of a link in the order they were added.
    pub fn on_link(&self, link: LinkId) -> impl Iterator<Item = &Assigned> {
        self.keys_of(link).iter().map(|&key| &self.all[key])
    }

    /// All addresses, link by link.
    pub fn iter(&self) -> impl Iterator<Item = &Assigned> {
        self.by_link.iter().flat_map(|(_, keys)| keys).map(|&key| &self.all[key])
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The usable link-local IPv6 address of a link.
    pub fn link_local(&self, link: LinkId) -> Option<Addr> {
        let mut all = self.on_link(link).filter(|a| a.state.usable()).map(|a| a.cidr.addr);
        all.find(|addr| !addr.is_v4() && addr.is_link_local())
    }

    /// True if an earlier address of the same link has the same network: Linux's `IFA_F_SECONDARY`.
    pub fn is_secondary(&self, assigned: &Assigned) -> bool {
        let same =
            |other: &Assigned| other.cidr.prefix == assigned.cidr.prefix && other.cidr.network() == assigned.cidr.network();
        let first = self.on_link(assigned.link).find(|other| same(other));
        first.is_some_and(|first| first.cidr.addr != assigned.cidr.addr)
    }

    /// The source address for packets to `dst` that leave by `link` towards `next_hop` (`dst` itself if that is on the link).
    /// None if no address will do. `dst` an address of this host: that address.
    pub fn select_source(&self, dst: Addr, link: LinkId, next_hop: Addr) -> Option<Addr> {
        if self.is_local_on(link, dst) {
            return Some(dst);
        }
        match dst.version() {
            Version::V4 => select::source_v4(self, link, next_hop),
            Version::V6 => select::source_v6(self, link, dst),
        }
    }

    pub(crate) fn key(&self, link: LinkId, addr: Addr) -> Option<Key> {
        self.find_if(addr, |assigned| assigned.link == link)
    }

    pub(crate) fn key_at(&self, index: u32) -> Option<Key> {
        self.all.key_at(index)
    }

    pub(crate) fn keys_of(&self, link: LinkId) -> &[Key] {
        self.by_link.iter().find(|(id, _)| *id == link).map_or(&[], |(_, keys)| keys)
    }

    pub(crate) fn by_key(&self, key: Key) -> Option<&Assigned> {
        self.all.get(key)
    }

    /// To change state, lifetimes and timers. The address itself, its prefix and its link never change.
    pub(crate) fn by_key_mut(&mut self, key: Key) -> Option<&mut Assigned> {
        self.all.get_mut(key)
    }

    /// Adds an address that is not yet on its link.
    pub(crate) fn insert(&mut self, assigned: Assigned) -> Key {
        let Assigned { cidr, link, .. } = assigned;
        let key = self.all.insert(assigned);
        let Self { hash, all, by_addr, .. } = self;
        by_addr.insert_unique(hash_of(hash, cidr.addr), key, |&key| hash_of(hash, all[key].cidr.addr));
        match self.by_link.iter_mut().find(|(id, _)| *id == link) {
            Some((_, keys)) => keys.push(key),
            None => self.by_link.push((link, alloc::vec![key])),
        }
        if let Some(broadcast) = cidr.broadcast() {
            self.broadcast_used(broadcast);
        }
        key
    }

    /// Takes an address out.
    pub(crate) fn take(&mut self, key: Key) -> Option<Assigned> {
        let hash = self.hash_of(self.all.get(key)?.cidr.addr);
        if let Ok(entry) = self.by_addr.find_entry(hash, |&other| other == key) {
            entry.remove();
        }
        let assigned = self.all.remove(key)?;
        if let Some(at) = self.by_link.iter().position(|(id, _)| *id == assigned.link) {
            self.by_link[at].1.retain(|&other| other != key);
            if self.by_link[at].1.is_empty() {
                self.by_link.remove(at);
            }
        }
        if let Some(broadcast) = assigned.cidr.broadcast() {
            self.broadcast_unused(broadcast);
        }
        Some(assigned)
    }

    fn broadcast_used(&mut self, addr: Addr) {
        let hash = self.hash_of(addr);
        if let Some(known) = self.broadcasts.find_mut(hash, |broadcast| broadcast.addr == addr) {
            known.users += 1;
            return;
        }
        let key = self.hash;
        self.broadcasts.insert_unique(hash, Broadcast { addr, users: 1 }, |broadcast| hash_of(&key, broadcast.addr));
    }

    fn broadcast_unused(&mut self, addr: Addr) {
        let hash = self.hash_of(addr);
        if let Ok(mut entry) = self.broadcasts.find_entry(hash, |broadcast| broadcast.addr == addr) {
            entry.get_mut().users -= 1;
            if entry.get().users == 0 {
                entry.remove();
            }
        }
    }

    fn find_if(&self, addr: Addr, wanted: impl Fn(&Assigned) -> bool) -> Option<Key> {
        let matches = |&key: &Key| self.all[key].cidr.addr == addr && wanted(&self.all[key]);
        self.by_addr.find(self.hash_of(addr), matches).copied()
    }

    fn hash_of(&self, addr: Addr) -> u64 {
        hash_of(&self.hash, addr)
    }
}

fn hash_of(key: &HashKey, addr: Addr) -> u64 {
    // Only the host's owner (and routers, within bounds) puts addresses into the tables.
    key.quick(addr, 0)
}

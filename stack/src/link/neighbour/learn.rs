//! What the cache is told: by advertisements, by ARP, by the layers above, by the user.

use super::super::{Links, Mac};
use super::entry::Entry;
use super::state::{Advert, Change, NeighbourState, advertised, learnt};
use super::times::LOCK;
use crate::base::{Addr, Discard, Errno, Key, LinkId, What};

/// What an ARP packet says of its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// A reply to us.
    Answer,
    /// Anything else that tells the sender's address.
    Hint,
    /// "This is me" to all, unasked; it replaces what was known.
    Gratuitous,
}

/// A line of the neighbour cache, for listings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// On which link.
    pub link: LinkId,
    /// Its protocol address.
    pub addr: Addr,
    /// Its link address, if known.
    pub mac: Option<Mac>,
    /// What is known of it now.
    pub state: NeighbourState,
    /// It advertised that it is a router.
    pub router: bool,
    /// How many packets wait for it.
    pub waiting: usize,
}

/// For the network layer and the user.
impl Links {
    /// A neighbour advertisement (RFC 4861 §7.2.5): its target, target link address option and flags.
    pub fn neighbour_advertised(
        &mut self,
        link: LinkId,
        addr: Addr,
        mac: Option<Mac>,
        solicited: bool,
        overrides: bool,
        router: bool,
    ) {
        let advert = Advert { mac: mac.filter(|mac| mac.is_station()), solicited, overrides, router };
        if let Some(key) = self.neighbours.find(link, addr) {
            let entry = self.neighbours.get(key);
            let change = advertised(entry.state(self.base.now), entry.mac, &advert);
            self.neighbour_apply(key, change);
        }
    }

    /// A link address learnt from a solicitation, a router message or a redirect: STALE if it is new (RFC 4861 §7.2.3, 6.3.4, 8.3).
    pub fn neighbour_learnt(&mut self, link: LinkId, addr: Addr, mac: Mac) {
        let able = self.ports.get(link).is_some_and(|port| port.up && port.ethernet().is_some());
        if able && mac.is_station() {
            self.neighbour_said(link, addr, mac, Said::Gratuitous, Creation::IfAbsent);
        }
    }

    /// The layer above saw forward progress: REACHABLE (RFC 4861 §7.3.1).
    pub fn neighbour_confirmed(&mut self, link: LinkId, addr: Addr) {
        let Some(key) = self.neighbours.find_again(link, addr) else { return };
        match self.neighbours.get(key).kept_state() {
            NeighbourState::Reachable => self.extend_reachable(key),
            NeighbourState::Stale | NeighbourState::Delay | NeighbourState::Probe => {
                self.neighbour_enter(key, NeighbourState::Reachable);
            }
            NeighbourState::Incomplete | NeighbourState::Failed | NeighbourState::Permanent => {}
        }
    }

    /// Sets a permanent entry. `ENODEV` if there is no such link, `ENETDOWN` when it is down, `EINVAL` if it has no neighbours or an
    /// address cannot be one's, `ENOBUFS` if the table is full of permanent ones.
    pub fn neighbour_set(&mut self, link: LinkId, addr: Addr, mac: Mac) -> Result<(), Errno> {
        let port = self.ports.get(link).ok_or(Errno::ENODEV)?;
        if !port.up {
            return Err(Errno::ENETDOWN);
        }
        if port.ethernet().is_none() || !mac.is_station() || addr.is_multicast() || addr.is_unspecified() {
            return Err(Errno::EINVAL);
        }
        let found = self.neighbours.find(link, addr);
        let key = found.or_else(|| self.neighbour_create(link, addr, NeighbourState::Permanent)).ok_or(Errno::ENOBUFS)?;
        let change = Change { mac: Some(mac), state: Some(NeighbourState::Permanent), router: None };
        self.neighbour_apply(key, change);
        Ok(())
    }

    /// Removes an entry, permanent or not; packets that wait for it are discarded.
    pub fn neighbour_remove(&mut self, link: LinkId, addr: Addr) {
        if let Some(key) = self.neighbours.find(link, addr) {
            self.neighbour_forget(key, Discard::NeighbourFailed);
        }
    }

    /// True if the neighbour is not known to be unreachable, for router choice (RFC 4861 §6.3.6): one that did not answer stays
    /// unusable while it is asked again.
    pub fn neighbour_usable(&self, link: LinkId, addr: Addr) -> bool {
        self.neighbours.find(link, addr).is_none_or(|key| !self.neighbours.get(key).failed)
    }

    /// `ReachableTime` and `RetransTimer` of a link as advertised by routers, in milliseconds; 0 leaves one as it is.
    pub fn neighbour_times(&mut self, link: LinkId, reachable_ms: u32, retrans_ms: u32) {
        if let Some(port) = self.ports.get_mut(link) {
            port.times.advertised(reachable_ms, retrans_ms);
        }
    }

    /// All neighbours, in the order of their places in the cache.
    pub fn neighbours(&self) -> impl Iterator<Item = Neighbour> {
        self.neighbours.iter().map(|(_, entry)| Neighbour {
            link: entry.link,
            addr: entry.addr,
            mac: entry.mac,
            state: entry.state(self.base.now),
            router: entry.router,
            waiting: entry.waiting.len(),
        })
    }
}

/// Whether a neighbour nobody asked for is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Creation {
    IfAbsent,
    Never,
}

impl Links {
    /// A station says that `addr` is at `mac`.
    pub(in super::super) fn neighbour_said(&mut self, link: LinkId, addr: Addr, mac: Mac, said: Said, creation: Creation) {
        let found = self.neighbours.find(link, addr);
        let create =
            || (creation == Creation::IfAbsent).then(|| self.neighbour_create(link, addr, NeighbourState::Stale)).flatten();
        let Some(key) = found.or_else(create) else { return };
        let entry = self.neighbours.get(key);
        let state = entry.state(self.base.now);
        if state == NeighbourState::Permanent || (said != Said::Gratuitous && self.is_locked(entry, mac)) {
            return;
        }
        let change = match said {
            Said::Answer => Change { mac: Some(mac), state: Some(NeighbourState::Reachable), router: None },
            Said::Hint | Said::Gratuitous => learnt(state, entry.mac, mac),
        };
        self.neighbour_apply(key, change);
    }

    /// Another link address just after one was learnt: the first counts, as on Linux.
    fn is_locked(&self, entry: &Entry, mac: Mac) -> bool {
        entry.mac.is_some_and(|known| known != mac) && self.base.now < entry.updated + LOCK
    }

    fn neighbour_apply(&mut self, key: Key, change: Change) {
        let now = self.base.now;
        let entry = self.neighbours.get_mut(key);
        entry.router = change.router.unwrap_or(entry.router);
        if let Some(mac) = change.mac.filter(|mac| entry.mac != Some(*mac)) {
            (entry.mac, entry.updated) = (change.mac, now);
            let (link, addr) = (entry.link, entry.addr);
            self.base.emit(What::Neighbour { link, addr, mac: Some(mac.0) });
        }
        if let Some(state) = change.state {
            self.neighbour_enter(key, state);
        }
    }

    /// Enters a state in which the link address is known: what waited for it leaves.
    fn neighbour_enter(&mut self, key: Key, state: NeighbourState) {
        let was = self.neighbours.get(key).kept_state();
        self.neighbour_change_state(key, state);
        if state == NeighbourState::Reachable {
            self.extend_reachable(key);
        }
        self.neighbours.get_mut(key).failed = false;
        if !was.is_resolved() {
            self.base.counters.neighbour.resolved += 1;
            self.release_waiting(key);
        }
    }

    fn extend_reachable(&mut self, key: Key) {
        let link = self.neighbours.get(key).link;
        if let Some(port) = self.ports.get_mut(link) {
            let until = self.base.now + port.times.reachable(self.base.now, &mut self.base.entropy);
            self.neighbours.get_mut(key).until = until;
        }
    }

    /// Forgets all neighbours of a link.
    pub(in super::super) fn neighbours_flush(&mut self, link: LinkId) {
        let keys: alloc::vec::Vec<Key> =
            self.neighbours.iter().filter(|(_, entry)| entry.link == link).map(|(key, _)| key).collect();
        for key in keys {
            self.neighbour_forget(key, Discard::LinkDown);
        }
    }
}

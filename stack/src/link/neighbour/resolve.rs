//! From a packet to a link address: asking, waiting, giving up.

use super::super::timer::TimerKey;
use super::super::up::Up;
use super::super::{Links, Mac};
use super::entry::Entry;
use super::state::NeighbourState;
use super::times::{DELAY_FIRST_PROBE, FAILED_HOLD, MULTICAST_SOLICITS, UNICAST_SOLICITS};
use super::waiting::{ALL_BYTES, Packet};
use crate::base::{Addr, Discard, Duration, Errno, Frame, Key, LinkId, TimerOwner, Version, What};

/// What becomes of a packet for a neighbour.
enum Choice {
    Send(Mac),
    Wait,
    GiveUp,
}

impl Links {
    /// Sends a packet to a neighbour, at once or when its link address is known. `ENOBUFS` if it can neither be sent nor wait.
    pub(in super::super) fn send_to_neighbour(
        &mut self,
        id: LinkId,
        to: Addr,
        version: Version,
        frame: Frame,
    ) -> Result<(), Errno> {
        let key = match self.neighbours.find_again(id, to) {
            Some(key) => key,
            None => match self.neighbour_create(id, to, NeighbourState::Incomplete) {
                Some(key) => key,
                None => return Err(self.refuse(id, Discard::NeighbourTableFull, frame.len(), Errno::ENOBUFS)),
            },
        };
        self.neighbours.touch(key);
        match self.neighbour_use(key) {
            Choice::Send(mac) => {
                self.put(id, mac, version, frame);
                Ok(())
            }
            Choice::Wait => self.neighbour_wait(key, Packet { version, frame }),
            Choice::GiveUp => {
                self.unreachable(id, frame);
                Ok(())
            }
        }
    }

    /// True if a packet to a neighbour would go at once: its link address is known.
    pub(in super::super) fn is_there(&self, link: LinkId, addr: Addr) -> bool {
        self.neighbours.find(link, addr).is_some_and(|key| {
            let entry = self.neighbours.get(key);
            let unknown = matches!(entry.state(self.base.now), NeighbourState::Failed | NeighbourState::Incomplete);
            entry.mac.is_some() && !unknown
        })
    }

    /// RFC 4861 §7.3.3: the first packet to a stale neighbour starts the delay after which it is probed.
    fn neighbour_use(&mut self, key: Key) -> Choice {
        let entry = self.neighbours.get(key);
        match (entry.state(self.base.now), entry.mac) {
            (NeighbourState::Failed, _) if self.base.now < entry.until => Choice::GiveUp,
            (NeighbourState::Failed, _) => {
                self.neighbour_change_state(key, NeighbourState::Incomplete);
                Choice::Wait
            }
            (NeighbourState::Incomplete, _) | (_, None) => Choice::Wait,
            (NeighbourState::Stale, Some(mac)) => {
                self.neighbour_change_state(key, NeighbourState::Delay);
                self.neighbour_arm(key, DELAY_FIRST_PROBE);
                Choice::Send(mac)
            }
            (_, Some(mac)) => Choice::Send(mac),
        }
    }

    /// Lets a packet wait; of too many the oldest goes (RFC 4861 §7.2.2). Asks for the neighbour if nobody has yet.
    fn neighbour_wait(&mut self, key: Key, packet: Packet) -> Result<(), Errno> {
        let (cost, len, link) = (packet.cost(), packet.frame.len(), self.neighbours.get(key).link);
        while self.neighbours.get(key).waiting.is_full_for(cost) {
            self.drop_oldest_waiting(key, Discard::NeighbourQueueFull);
        }
        let result = if self.neighbours.waiting_bytes + cost > ALL_BYTES {
            Err(self.refuse(link, Discard::NeighbourQueueFull, len, Errno::ENOBUFS))
        } else if !self.base.budget.allows(cost) {
            Err(self.refuse(link, Discard::OutOfMemory, len, Errno::ENOBUFS))
        } else {
            self.base.budget.charge(cost);
            self.neighbours.waiting_bytes += cost;
            self.neighbours.get_mut(key).waiting.push(packet);
            Ok(())
        };
        if self.neighbours.get(key).timer.is_none() {
            self.neighbours.get_mut(key).asker = self.asker(key);
            self.neighbours.get_mut(key).probes = 0;
            self.solicit(key);
        }
        result
    }

    fn drop_oldest_waiting(&mut self, key: Key, reason: Discard) {
        if let Some(packet) = self.take_waiting(key) {
            let link = self.neighbours.get(key).link;
            self.base.counters.neighbour.unresolved_discards += 1;
            self.drop_outgoing(link, reason, packet.frame.len());
        }
    }

    fn take_waiting(&mut self, key: Key) -> Option<Packet> {
        let packet = self.neighbours.get_mut(key).waiting.pop()?;
        self.base.budget.release(packet.cost());
        self.neighbours.waiting_bytes -= packet.cost();
        Some(packet)
    }

    /// Sends what waited for a link address.
    pub(super) fn release_waiting(&mut self, key: Key) {
        let Entry { link, mac: Some(mac), .. } = *self.neighbours.get(key) else { return };
        while let Some(Packet { version, frame }) = self.take_waiting(key) {
            self.put(link, mac, version, frame);
        }
    }

    /// Whose address an ARP request for this neighbour gives as the sender's: that of the packet that waits, if it is ours on this
    /// link (it is not if we forward), else our first one there.
    fn asker(&self, key: Key) -> Addr {
        let entry = self.neighbours.get(key);
        let Some(port) = self.ports.get(entry.link) else { return Addr::V4_ANY };
        let source = entry.waiting.front().filter(|packet| packet.version == Version::V4);
        let source = source.and_then(|packet| packet.frame.read::<4>(12)).map(Addr::from_v4);
        source.filter(|source| port.claims.owns(*source)).or_else(|| port.claims.first()).unwrap_or(Addr::V4_ANY)
    }

    /// Asks for a neighbour, and again after RetransTimer: all stations, or in PROBE only the one we knew (RFC 4861 §7.2.2, 7.3.3).
    fn solicit(&mut self, key: Key) {
        let entry = self.neighbours.get_mut(key);
        entry.probes += 1;
        let unicast = entry.mac.filter(|_| entry.kept_state() == NeighbourState::Probe);
        let (link, target, asker) = (entry.link, entry.addr, entry.asker);
        let retrans = self.ports.get(link).map_or(Duration::from_secs(1), |port| port.times.retrans);
        self.neighbour_arm(key, retrans);
        if target.is_v4() {
            self.arp_request(link, asker, target, unicast);
        } else {
            self.backlog.tell(Up::Solicit { link, target, unicast });
        }
    }

    pub(in super::super) fn neighbour_timer(&mut self, index: u32) {
        let Some(key) = self.neighbours.key_at(index) else { return };
        let entry = self.neighbours.get_mut(key);
        entry.timer = None;
        match (entry.kept_state(), entry.probes) {
            (NeighbourState::Incomplete, 0..MULTICAST_SOLICITS) | (NeighbourState::Probe, 0..UNICAST_SOLICITS) => {
                self.solicit(key);
            }
            (NeighbourState::Incomplete, _) => self.give_up(key, FAILED_HOLD),
            // RFC 4861 §7.3.3: the entry is as good as deleted; the next packet asks everybody.
            (NeighbourState::Probe, _) => self.give_up(key, Duration::ZERO),
            (NeighbourState::Delay, _) => {
                entry.probes = 0;
                self.neighbours.set_state(key, NeighbourState::Probe);
                self.neighbours.get_mut(key).asker = self.asker(key);
                self.solicit(key);
            }
            _ => {}
        }
    }

    /// RFC 4861 §7.2.2: what waited goes up, for an ICMP error each.
    fn give_up(&mut self, key: Key, hold: Duration) {
        self.base.counters.neighbour.failed += 1;
        self.neighbour_change_state(key, NeighbourState::Failed);
        let until = self.base.now + hold;
        let entry = self.neighbours.get_mut(key);
        (entry.mac, entry.failed, entry.until) = (None, true, until);
        let (link, addr) = (entry.link, entry.addr);
        self.base.emit(What::Neighbour { link, addr, mac: None });
        while let Some(packet) = self.take_waiting(key) {
            self.unreachable(link, packet.frame);
        }
    }

    fn unreachable(&mut self, link: LinkId, frame: Frame) {
        self.drop_outgoing(link, Discard::NeighbourFailed, frame.len());
        self.backlog.tell(Up::Unreachable { link, frame, network: 0 });
    }

    /// Adds a neighbour that is not there yet; none if the table is full of what must stay.
    pub(super) fn neighbour_create(&mut self, link: LinkId, addr: Addr, state: NeighbourState) -> Option<Key> {
        let Ok(victim) = self.neighbours.victim(state) else {
            self.base.counters.neighbour.table_fulls += 1;
            return None;
        };
        if let Some(victim) = victim {
            self.base.counters.neighbour.table_fulls += 1;
            self.neighbour_forget(victim, Discard::NeighbourTableFull);
        }
        let key = self.neighbours.insert(Entry::new(link, addr, state, self.base.now));
        self.base.counters.neighbour.entries = self.neighbours.len() as u64;
        Some(key)
    }

    /// Takes a neighbour out; what waits for it is discarded.
    pub(super) fn neighbour_forget(&mut self, key: Key, reason: Discard) {
        self.neighbour_disarm(key);
        while self.neighbours.get(key).waiting.len() > 0 {
            self.drop_oldest_waiting(key, reason);
        }
        self.neighbours.remove(key);
        self.base.counters.neighbour.entries = self.neighbours.len() as u64;
    }

    /// Changes the state and stops what the old one waited for.
    pub(super) fn neighbour_change_state(&mut self, key: Key, state: NeighbourState) {
        self.neighbour_disarm(key);
        self.neighbours.set_state(key, state);
    }

    fn neighbour_arm(&mut self, key: Key, after: Duration) {
        self.neighbour_disarm(key);
        let timer = self.base.arm(after, TimerOwner::Neighbour, TimerKey::Neighbour(key.index()).to_bits());
        self.neighbours.get_mut(key).timer = Some(timer);
    }

    fn neighbour_disarm(&mut self, key: Key) {
        if let Some(timer) = self.neighbours.get_mut(key).timer.take() {
            self.base.timers.cancel(timer);
        }
    }
}

//! The timer of an address: probing, deprecation, removal (RFC 4862 §5.5.4).

use crate::base::event::class;
use crate::base::{AddressNews, Instant, Key, Timer, TimerOwner, What};

use super::super::Network;
use super::super::addresses::{AddrState, Assigned};

/// When something happens to an address next.
fn next_event(assigned: &Assigned) -> Instant {
    let probe = assigned.dad.map_or(Instant::NEVER, |probing| probing.next);
    let deprecation = if assigned.state == AddrState::Preferred { assigned.preferred_until } else { Instant::NEVER };
    probe.min(deprecation).min(assigned.valid_until)
}

impl Network {
    /// Arms the timer of an address for what happens to it next.
    pub(crate) fn schedule_address(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        let timers = &mut self.links.base.timers;
        if let Some(timer) = assigned.timer.take() {
            timers.cancel(timer);
        }
        let next = next_event(assigned);
        if next.is_set() {
            let timer = Timer { owner: TimerOwner::Autoconf, key: u64::from(key.index()) };
            assigned.timer = Some(timers.arm(next, timer));
        }
    }

    /// The timer of the address at a place of the table fired.
    pub(super) fn address_timer(&mut self, index: u32) {
        let Some(key) = self.addresses.key_at(index) else { return };
        let now = self.links.base.now;
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        assigned.timer = None;
        if assigned.valid_until <= now {
            return self.drop_address(key);
        }
        let probe_due = assigned.dad.is_some_and(|probing| probing.next <= now);
        if assigned.state == AddrState::Preferred && assigned.preferred_until <= now {
            self.set_state(key, AddrState::Deprecated);
        }
        if probe_due {
            self.probe_step(key);
        }
        self.schedule_address(key);
    }

    /// Sets a state and makes routes forget what they chose by it.
    pub(crate) fn set_state(&mut self, key: Key, state: AddrState) {
        if let Some(assigned) = self.addresses.by_key_mut(key) {
            assigned.state = state;
            self.routes.changed();
        }
        self.tell_state(key);
    }

    /// Reports the state of an address.
    pub(crate) fn tell_state(&mut self, key: Key) {
        if !self.links.base.events.wanted(class::NETWORK) {
            return;
        }
        let Some(assigned) = self.addresses.by_key(key) else { return };
        let news = match assigned.state {
            AddrState::Tentative => AddressNews::Tentative,
            AddrState::Preferred => AddressNews::Usable,
            AddrState::Deprecated => AddressNews::Deprecated,
            AddrState::Duplicate => AddressNews::Duplicate,
        };
        self.links.base.emit(What::Address { link: assigned.link, addr: assigned.cidr.addr, news });
    }
}

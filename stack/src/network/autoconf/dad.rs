//! Duplicate address detection: is somebody else using an address we want? (RFC 4862 §5.4; RFC 5227 for IPv4, whose probes are
//! the link layer's.)
//!
//! ```text
//!   0..1 s at random      RetransTimer             RetransTimer
//!   ├──────────── NS ─────────────── (NS …) ──────────────────┤ nobody answered: the address is ours
//!                   an NA for it, or another's NS for it: it is taken
//! ```

use crate::base::{Addr, Cidr, Duration, Instant, Key, LinkId};
use crate::link::Mac;

use super::super::Network;
use super::super::addresses::{AddrState, Assigned, Origin};
use super::super::ndp::Message;
use super::stable::IDGEN_RETRIES;

/// `MAX_RTR_SOLICITATION_DELAY`, which bounds the delay before the first probe too (RFC 4862 §5.4.2).
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Probing for other users of an IPv6 address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probing {
    /// What tells our probes from others' when they come back to us (RFC 7527 §4).
    nonce: [u8; 6],
    /// Probes yet to be sent.
    left: u8,
    /// When the next is sent, or the last one counts as unanswered.
    pub next: Instant,
}

impl Network {
    /// Starts to probe for a tentative IPv6 address, after a random delay so that hosts that boot together do not speak at once.
    pub(crate) fn begin_probing(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key(key) else { return };
        let left = self.link_settings(assigned.link).map_or(1, |settings| settings.dad_transmits.max(1));
        let mut nonce = [0; 6];
        self.links.base.entropy.fill(&mut nonce);
        let delay = self.random_within(MAX_DELAY);
        let next = self.links.base.now + delay;
        // RFC 4862 §5.4.2: before probing, listen where the answers and the probes of others go.
        self.join_solicited_node(key);
        if let Some(assigned) = self.addresses.by_key_mut(key) {
            assigned.dad = Some(Probing { nonce, left, next });
        }
        self.schedule_address(key);
    }

    /// The next probe, or the end of probing.
    pub(super) fn probe_step(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key(key) else { return };
        let (link, target) = (assigned.link, assigned.cidr.addr);
        let Some(mut probing) = assigned.dad else { return };
        if probing.left == 0 {
            return self.address_ready(key);
        }
        probing.left -= 1;
        probing.next = self.links.base.now + self.retrans_time(link);
        if let Some(assigned) = self.addresses.by_key_mut(key) {
            assigned.dad = Some(probing);
        }
        // RFC 4862 §5.4.2: from nobody, to the solicited-node group, without our link address.
        let solicitation = Message::NeighbourSolicitation { target, source_mac: None, nonce: Some(probing.nonce) };
        self.send_ndp(link, Addr::V6_ANY, target.solicited_node(), &solicitation);
    }

    /// Somebody solicits from nowhere for a tentative address of ours: he probes for it too (RFC 4862 §5.4.3). Our own probe that
    /// comes back does not count (RFC 7527 §4.2).
    pub(crate) fn probed_by_another(&mut self, key: Key, nonce: Option<[u8; 6]>) {
        let own = self.addresses.by_key(key).and_then(|assigned| assigned.dad).map(|probing| probing.nonce);
        if nonce.is_none() || nonce != own {
            self.address_taken(key);
        }
    }

    /// A tentative address turned out to be another's (RFC 4862 §5.4.5). One we made ourselves is made anew a few times
    /// (RFC 7217 §6); one that somebody configured stays, unused, for him to see.
    pub(crate) fn address_taken(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        assigned.dad = None;
        assigned.state = AddrState::Duplicate;
        self.tell_state(key);
        self.links.base.counters.neighbour.conflicts += 1;
        self.leave_solicited_node(key);
        self.schedule_address(key);
        let Some(assigned) = self.addresses.by_key(key).cloned() else { return };
        if assigned.origin == Origin::Static || assigned.dad_counter >= IDGEN_RETRIES {
            return;
        }
        let prefix = Cidr::new(assigned.cidr.network(), assigned.cidr.prefix);
        if let Some((addr, dad_counter)) = self.stable_address(assigned.link, prefix, assigned.dad_counter + 1) {
            self.drop_address(key);
            let cidr = Cidr::new(addr, assigned.cidr.prefix);
            self.assign(Assigned { cidr, dad_counter, timer: None, ..assigned });
        }
    }

    /// The link went down: what was being probed waits for it to come up again.
    pub(super) fn stop_probing(&mut self, link: LinkId) {
        for key in self.addresses.keys_of(link).to_vec() {
            if let Some(assigned) = self.addresses.by_key_mut(key)
                && assigned.dad.take().is_some()
            {
                self.schedule_address(key);
            }
        }
    }

    /// The link came up: another host may have taken our addresses meanwhile.
    pub(super) fn recheck_addresses(&mut self, link: LinkId) {
        for key in self.addresses.keys_of(link).to_vec() {
            let Some(assigned) = self.addresses.by_key(key) else { continue };
            // IPv4 addresses are announced, or probed for from the start, by the link layer.
            if !assigned.cidr.addr.is_v4() && self.is_probed_for(assigned) {
                self.withdraw(key);
                self.set_state(key, AddrState::Tentative);
                self.begin_probing(key);
            }
        }
    }

    /// Another station claims an IPv4 address of ours. While we probe, it is his; in use we keep it, as Linux does: RFC 5227
    /// §2.4 (c) leaves defence to the link layer, which has announced it again.
    pub(crate) fn autoconf_conflict(&mut self, link: LinkId, addr: Addr, _mac: Mac) {
        let Some(key) = self.addresses.key(link, addr) else { return };
        if self.addresses.by_key(key).is_some_and(|assigned| assigned.state == AddrState::Tentative) {
            self.links.arp_disown(link, addr);
            self.set_state(key, AddrState::Duplicate);
        }
    }

    /// Probing found no other user of an IPv4 address (RFC 5227 §2.1.1).
    pub(crate) fn autoconf_probe_done(&mut self, link: LinkId, addr: Addr) {
        let Some(key) = self.addresses.key(link, addr) else { return };
        if self.addresses.by_key(key).is_some_and(|assigned| assigned.state == AddrState::Tentative) {
            self.address_ready(key);
        }
    }

    /// A random part of `most`, to the microsecond.
    pub(crate) fn random_within(&mut self, most: Duration) -> Duration {
        let micros = u32::try_from(most.as_micros()).unwrap_or(u32::MAX);
        Duration::from_micros(u64::from(self.links.base.entropy.below(micros)))
    }
}

//! Claiming an IPv4 address: probing, announcing, defending (RFC 5227 §2).

use super::super::ethernet::ethertype;
use super::super::timer::TimerKey;
use super::super::up::Up;
use super::super::{Links, Mac};
use super::claims::Stage;
use super::packet::{ArpPacket, Operation};
use crate::base::{Addr, Duration, LinkId, TimerOwner};

/// PROBE_WAIT: the first probe waits a random time up to this.
const PROBE_WAIT_MS: u32 = 1000;
/// PROBE_NUM
const PROBES: u8 = 3;
/// PROBE_MIN, PROBE_MAX: random time between two probes.
const PROBE_SPACING_MS: (u32, u32) = (1000, 2000);
/// ANNOUNCE_WAIT: silence for so long after the last probe.
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
/// ANNOUNCE_NUM
const ANNOUNCEMENTS: u8 = 2;
/// ANNOUNCE_INTERVAL
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
/// MAX_CONFLICTS: after so many on a link, probing waits [`RATE_LIMIT_INTERVAL`].
const MAX_CONFLICTS: u32 = 10;
/// RATE_LIMIT_INTERVAL
const RATE_LIMIT_INTERVAL: Duration = Duration::from_mins(1);
/// How often an address is defended at most (RFC 5227 §1.1).
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// Protocol addresses, for ARP. The network layer keeps them in step with its own.
impl Links {
    /// Answers ARP for `addr` from now on and announces it (RFC 5227 §2.3); while the announcements go out, saying it again does
    /// nothing. Nothing happens for what is not IPv4 or on a link without ARP.
    pub fn arp_own(&mut self, link: LinkId, addr: Addr) {
        let Some(port) = self.ports.get(link).filter(|port| addr.is_v4() && port.ethernet().is_some()) else { return };
        if !port.claims.is_being_announced(addr) {
            self.set_stage(link, addr, Stage::Announcing(0));
            self.announce(link, addr);
        }
    }

    /// Probes for another user of `addr` first (RFC 5227 §2.1.1); `Conflict` or `ProbeDone` comes up, and after `ProbeDone` the
    /// address is nobody's until [`Links::arp_own`]. On a link without ARP it is done at once.
    pub fn arp_probe(&mut self, link: LinkId, addr: Addr) {
        if self.ports.get(link).is_none() || !addr.is_v4() {
            return;
        }
        if self.has_arp(link) {
            self.start_probing(link, addr);
        } else {
            self.backlog.tell(Up::ProbeDone { link, addr });
        }
    }

    /// Answers for `addr` no more; also ends its probing.
    pub fn arp_disown(&mut self, link: LinkId, addr: Addr) {
        let claim = self.ports.get_mut(link).and_then(|port| port.claims.remove(addr));
        if let Some(timer) = claim.and_then(|claim| claim.timer) {
            self.base.timers.cancel(timer);
        }
    }
}

impl Links {
    fn has_arp(&self, link: LinkId) -> bool {
        self.ports.ethernet(link).is_some()
    }

    fn start_probing(&mut self, link: LinkId, addr: Addr) {
        self.set_stage(link, addr, Stage::Probing(0));
        let crowded = self.ports.get(link).is_some_and(|port| port.claims.conflicts >= MAX_CONFLICTS);
        let wait = Duration::from_millis(self.base.entropy.below(PROBE_WAIT_MS).into());
        self.arm_claim(link, addr, if crowded { RATE_LIMIT_INTERVAL + wait } else { wait });
    }

    pub(in super::super) fn arp_timer(&mut self, link: LinkId, addr: Addr) {
        let claim = self.ports.get_mut(link).and_then(|port| port.claims.get_mut(addr));
        let Some(claim) = claim else { return };
        claim.timer = None;
        match claim.stage {
            Stage::Probing(PROBES..) => {
                self.arp_disown(link, addr);
                self.backlog.tell(Up::ProbeDone { link, addr });
            }
            Stage::Probing(sent) => self.probe(link, addr, sent + 1),
            Stage::Announcing(_) => self.announce(link, addr),
            Stage::Held => {}
        }
    }

    /// RFC 5227 §2.1.1: the sender's protocol address of a probe is zero, so that it pollutes no cache.
    fn probe(&mut self, link: LinkId, addr: Addr, sent: u8) {
        self.set_stage(link, addr, Stage::Probing(sent));
        self.arp_request(link, Addr::V4_ANY, addr, None);
        let (least, most) = PROBE_SPACING_MS;
        let spacing = Duration::from_millis((least + self.base.entropy.below(most - least + 1)).into());
        self.arm_claim(link, addr, if sent < PROBES { spacing } else { ANNOUNCE_WAIT });
    }

    /// RFC 5227 §2.3: announcements, ANNOUNCE_INTERVAL apart.
    fn announce(&mut self, link: LinkId, addr: Addr) {
        let claim = self.ports.get_mut(link).and_then(|port| port.claims.get_mut(addr));
        let Some(claim) = claim else { return };
        let sent = if let Stage::Announcing(sent) = claim.stage { sent + 1 } else { 1 };
        claim.stage = if sent < ANNOUNCEMENTS { Stage::Announcing(sent) } else { Stage::Held };
        self.arp_request(link, addr, addr, None);
        if sent < ANNOUNCEMENTS {
            self.arm_claim(link, addr, ANNOUNCE_INTERVAL);
        }
    }

    /// Sends an ARP request: to all, or to one station.
    pub(in super::super) fn arp_request(&mut self, link: LinkId, sender: Addr, target: Addr, unicast: Option<Mac>) {
        let Some((sender_mac, _)) = self.ports.ethernet(link) else { return };
        let target_mac = unicast.unwrap_or(Mac::ZERO);
        let packet = ArpPacket { operation: Operation::Request, sender_mac, sender, target_mac, target };
        self.arp_send(link, unicast.unwrap_or(Mac::BROADCAST), packet);
    }

    pub(super) fn arp_send(&mut self, link: LinkId, to: Mac, packet: ArpPacket) {
        self.base.counters.neighbour.arp_out += 1;
        self.put_control(link, to, ethertype::ARP, packet.to_frame());
    }

    /// Another station uses `addr`, which we probe for or own.
    pub(super) fn arp_conflict(&mut self, link: LinkId, addr: Addr, mac: Mac) {
        self.base.counters.neighbour.conflicts += 1;
        let now = self.base.now;
        let Some(port) = self.ports.get_mut(link) else { return };
        match port.claims.get_mut(addr) {
            Some(claim) if matches!(claim.stage, Stage::Probing(_)) => {
                port.claims.conflicts = port.claims.conflicts.saturating_add(1);
                self.arp_disown(link, addr);
            }
            // RFC 5227 §2.4 (c): a host that must keep its address defends it, but not in an endless loop with another such host.
            Some(claim) if now >= claim.quiet_until => {
                claim.quiet_until = now + DEFEND_INTERVAL;
                self.arp_request(link, addr, addr, None);
            }
            _ => return,
        }
        self.backlog.tell(Up::Conflict { link, addr, mac });
    }

    /// The link went down: nothing is sent until it is up again.
    pub(in super::super) fn arp_pause(&mut self, link: LinkId) {
        for addr in self.claimed(link) {
            let claim = self.ports.get_mut(link).and_then(|port| port.claims.get_mut(addr));
            if let Some(timer) = claim.and_then(|claim| claim.timer.take()) {
                self.base.timers.cancel(timer);
            }
        }
    }

    /// The link is up (again), perhaps elsewhere: what was probed is probed from the start, what is ours is announced.
    pub(in super::super) fn arp_resume(&mut self, link: LinkId) {
        for addr in self.claimed(link) {
            match self.ports.get(link).and_then(|port| port.claims.stage(addr)) {
                Some(Stage::Probing(_)) => self.start_probing(link, addr),
                _ => self.arp_own(link, addr),
            }
        }
    }

    fn claimed(&self, link: LinkId) -> alloc::vec::Vec<Addr> {
        self.ports.get(link).map(|port| port.claims.addrs()).unwrap_or_default()
    }

    fn set_stage(&mut self, link: LinkId, addr: Addr, stage: Stage) {
        let timer = self.ports.get_mut(link).and_then(|port| port.claims.set(addr, stage));
        if let Some(timer) = timer {
            self.base.timers.cancel(timer);
        }
    }

    /// Arms the timer of a claim, unless the link is down.
    fn arm_claim(&mut self, link: LinkId, addr: Addr, after: Duration) {
        if !self.is_up(link) {
            return;
        }
        let timer = self.base.arm(after, TimerOwner::Neighbour, TimerKey::Claim(link, addr).to_bits());
        let claim = self.ports.get_mut(link).and_then(|port| port.claims.get_mut(addr));
        if let Some(claim) = claim {
            claim.timer = Some(timer);
        }
    }
}

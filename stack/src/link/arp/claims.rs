//! Our IPv4 addresses on one link, and how sure we are of each.

use alloc::vec::Vec;

use crate::base::{Addr, Instant, TimerId};

/// How far a claim has come (RFC 5227 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// So many probes were sent.
    Probing(u8),
    /// It is ours, and so many announcements were sent.
    Announcing(u8),
    /// It is ours, and everybody was told.
    Held,
}

/// One address.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) addr: Addr,
    pub(super) stage: Stage,
    pub(super) timer: Option<TimerId>,
    /// Not to be defended again before.
    pub(super) quiet_until: Instant,
}

/// All claims of a link, oldest first. There are as many as the user or autoconfiguration set: few.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    claims: Vec<Claim>,
    /// Conflicts found by probing, for RFC 5227 §2.1.1's MAX_CONFLICTS.
    pub(super) conflicts: u32,
}

impl Claims {
    pub(super) fn get_mut(&mut self, addr: Addr) -> Option<&mut Claim> {
        self.claims.iter_mut().find(|claim| claim.addr == addr)
    }

    pub(super) fn stage(&self, addr: Addr) -> Option<Stage> {
        self.claims.iter().find(|claim| claim.addr == addr).map(|claim| claim.stage)
    }

    /// Sets the stage of a claim, made if it is new; gives the timer that the old stage had armed.
    pub(super) fn set(&mut self, addr: Addr, stage: Stage) -> Option<TimerId> {
        match self.get_mut(addr) {
            Some(claim) => {
                claim.stage = stage;
                claim.timer.take()
            }
            None => {
                self.claims.push(Claim { addr, stage, timer: None, quiet_until: Instant::EPOCH });
                None
            }
        }
    }

    pub(super) fn remove(&mut self, addr: Addr) -> Option<Claim> {
        let place = self.claims.iter().position(|claim| claim.addr == addr)?;
        Some(self.claims.remove(place))
    }

    /// True if the address is ours for certain.
    pub(crate) fn owns(&self, addr: Addr) -> bool {
        matches!(self.stage(addr), Some(Stage::Announcing(_) | Stage::Held))
    }

    /// True if announcements of the address go out.
    pub(super) fn is_being_announced(&self, addr: Addr) -> bool {
        let announced =
            |claim: &Claim| claim.addr == addr && matches!(claim.stage, Stage::Announcing(_)) && claim.timer.is_some();
        self.claims.iter().any(announced)
    }

    /// The first address that is ours for certain.
    pub(crate) fn first(&self) -> Option<Addr> {
        self.claims.iter().find(|claim| !matches!(claim.stage, Stage::Probing(_))).map(|claim| claim.addr)
    }

    pub(super) fn addrs(&self) -> Vec<Addr> {
        self.claims.iter().map(|claim| claim.addr).collect()
    }
}

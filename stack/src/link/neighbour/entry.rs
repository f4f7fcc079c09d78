//! One neighbour.

use super::super::mac::Mac;
use super::state::NeighbourState;
use super::waiting::Waiting;
use crate::base::{Addr, Instant, LinkId, TimerId};

/// What the cache keeps of a neighbour.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) link: LinkId,
    pub(super) addr: Addr,
    pub(super) mac: Option<Mac>,
    /// As last set; see [`Entry::state`].
    state: NeighbourState,
    /// When REACHABLE ends; when FAILED may be asked again.
    pub(super) until: Instant,
    /// When state or link address last changed.
    pub(super) updated: Instant,
    /// Solicitations sent in this state.
    pub(super) probes: u8,
    pub(super) router: bool,
    /// It did not answer when last asked; forgotten when it does.
    pub(super) failed: bool,
    /// Armed in INCOMPLETE, DELAY and PROBE.
    pub(super) timer: Option<TimerId>,
    /// Our address that asks, for ARP.
    pub(super) asker: Addr,
    pub(super) waiting: Waiting,
}

impl Entry {
    pub(super) fn new(link: LinkId, addr: Addr, state: NeighbourState, now: Instant) -> Self {
        Self {
            link,
            addr,
            mac: None,
            state,
            until: now,
            updated: now,
            probes: 0,
            router: false,
            failed: false,
            timer: None,
            asker: Addr::V4_ANY,
            waiting: Waiting::default(),
        }
    }

    /// The state at moment `now`: REACHABLE becomes STALE by itself.
    pub(super) fn state(&self, now: Instant) -> NeighbourState {
        if self.state == NeighbourState::Reachable && now >= self.until { NeighbourState::Stale } else { self.state }
    }

    pub(super) fn set_state(&mut self, state: NeighbourState) {
        self.state = state;
    }

    /// The state as last set, for those whom the passing of time does not matter.
    pub(super) const fn kept_state(&self) -> NeighbourState {
        self.state
    }
}

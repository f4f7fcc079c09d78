//! A packet's number in the run: one name for it on all links it crosses.

use std::collections::{HashMap, VecDeque};

use loggia_stack::base::Instant;

use crate::link::PacketId;
use crate::observe::PipeId;

use super::dissect::Heads;

/// Most packets under way that are remembered; the oldest are forgotten first.
const UNDER_WAY: usize = 1 << 18;
/// Most packets of a forwarding host that are remembered.
const PASSING: usize = 4096;

/// Numbers for packets.
#[derive(Debug, Default)]
pub(super) struct Trail {
    last: u64,
    names: HashMap<(PipeId, PacketId), (u64, Instant)>,
    order: VecDeque<(PipeId, PacketId)>,
}

impl Trail {
    /// A packet nobody has seen.
    pub(super) fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The packet goes by this name on this link, onto which it is put now.
    pub(super) fn name(&mut self, name: (PipeId, PacketId), number: u64, now: Instant) {
        if self.names.insert(name, (number, now)).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > UNDER_WAY
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    /// Which packet goes by this name; 0 if it is forgotten.
    pub(super) fn number(&self, name: (PipeId, PacketId)) -> u64 {
        self.names.get(&name).map_or(0, |(number, _)| *number)
    }

    /// When it was put onto the link.
    pub(super) fn put(&self, name: (PipeId, PacketId)) -> Option<u64> {
        self.names.get(&name).map(|(_, put)| put.nanos())
    }
}

/// What arrived at a host and may be forwarded.
#[derive(Debug, Default)]
pub(super) struct Passing {
    packets: VecDeque<(Heads, u64)>,
}

impl Passing {
    /// A packet arrived.
    pub(super) fn arrived(&mut self, heads: &Heads, number: u64) {
        if self.packets.len() == PASSING {
            self.packets.pop_front();
        }
        self.packets.push_back((heads.clone(), number));
    }

    /// A packet leaves: the number of the one that arrived and says the same, if there is one.
    pub(super) fn leaves(&mut self, heads: &Heads) -> Option<u64> {
        let at = self.packets.iter().rposition(|(arrived, _)| arrived == heads)?;
        self.packets.remove(at).map(|(_, number)| number)
    }
}

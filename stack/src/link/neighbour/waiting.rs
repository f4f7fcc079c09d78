//! Packets that wait for a link address.

use alloc::collections::VecDeque;

use crate::base::{Frame, Version};

/// How many packets wait for one neighbour at most (Linux's `unres_qlen`).
pub(super) const PACKETS: usize = 101;
/// How many bytes wait for one neighbour at most (Linux's `unres_qlen_bytes`).
pub(super) const BYTES: usize = 212_992;
/// How many bytes wait for all neighbours together.
pub(super) const ALL_BYTES: usize = 4 << 20;

/// A packet without its link header.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) version: Version,
    pub(super) frame: Frame,
}

impl Packet {
    /// Bytes it holds: its own and its frame's.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.frame.memory()
    }
}

/// The packets that wait for one neighbour, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    packets: VecDeque<Packet>,
    bytes: usize,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// True if the oldest must go before a packet of `cost` bytes fits.
    pub(super) fn is_full_for(&self, cost: usize) -> bool {
        !self.packets.is_empty() && (self.packets.len() >= PACKETS || self.bytes + cost > BYTES)
    }

    pub(super) fn push(&mut self, packet: Packet) {
        self.bytes += packet.cost();
        self.packets.push_back(packet);
    }

    pub(super) fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.cost();
        Some(packet)
    }

    /// The oldest one, to see who asked.
    pub(super) fn front(&self) -> Option<&Packet> {
        self.packets.front()
    }
}

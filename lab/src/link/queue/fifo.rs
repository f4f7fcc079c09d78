//! Packets in the order in which they came.

use std::collections::VecDeque;

use super::{Drops, within};
use crate::link::fate::Cause;
use crate::link::packet::Packet;
use crate::link::terms::Limit;

/// Packets in order, and their bytes.
#[derive(Debug, Default)]
pub(in crate::link) struct Fifo {
    packets: VecDeque<Packet>,
    bytes: u64,
}

impl Fifo {
    pub(super) fn push(&mut self, packet: Packet) {
        self.bytes += u64::from(packet.size);
        self.packets.push_back(packet);
    }

    /// Appends it, or drops it if the queue is full.
    pub(super) fn push_within(&mut self, packet: Packet, limit: Limit, drops: &mut Drops) {
        if within(limit, self.packets.len() as u64, self.bytes, packet.size) {
            self.push(packet);
        } else {
            drops.push((packet, Cause::QueueFull));
        }
    }

    pub(super) fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.bytes -= u64::from(packet.size);
        Some(packet)
    }

    pub(super) fn drain(&mut self) -> Vec<Packet> {
        self.bytes = 0;
        std::mem::take(&mut self.packets).into()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

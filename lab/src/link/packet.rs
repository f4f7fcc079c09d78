//! A packet between being put and leaving the queue.

use loggia_stack::base::{Frame, Instant};

use super::fate::{Fate, PacketId, Verdict};
use super::flow::Known;
use super::lots::Lot;

/// A packet on its way to the wire.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) id: PacketId,
    pub(super) frame: Frame,
    pub(super) flow: u64,
    pub(super) number: u64,
    /// When it was put.
    pub(super) since: Instant,
    /// What happens to it on the wire.
    pub(super) lot: Lot,
    /// Bytes, Ethernet header included.
    pub(super) size: u32,
    /// Bytes of memory it was charged with.
    pub(super) memory: u32,
    /// Where its network header starts.
    pub(super) l3: u8,
    /// It is IPv4 or IPv6.
    pub(super) ip: bool,
    /// A host sends it of itself.
    pub(super) housekeeping: bool,
    /// It was marked with "congestion experienced".
    pub(super) marked: bool,
}

impl Packet {
    /// One that is put at `now`; `place` is its number in its flow and its lot.
    pub(super) fn new(id: PacketId, frame: Frame, known: &Known, place: (u64, Lot), now: Instant) -> Self {
        let Known { flow, l3, ip, housekeeping } = *known;
        let (number, lot) = place;
        let (size, memory) = (frame.len() as u32, frame.memory() as u32);
        Self { id, frame, flow, number, since: now, lot, size, memory, l3: l3 as u8, ip, housekeeping, marked: false }
    }

    /// Bytes of the packet without the link header.
    pub(super) fn network_len(&self) -> u32 {
        self.size - u32::from(self.l3)
    }

    /// Marks it if its transport is capable of that; says whether.
    pub(super) fn mark(&mut self) -> bool {
        self.marked |= self.ip && super::alter::mark(&mut self.frame, usize::from(self.l3));
        self.marked
    }

    /// Its fate.
    pub(super) fn fate(&self, at: Instant, verdict: Verdict) -> Fate {
        Fate { packet: self.id, flow: self.flow, number: self.number, at, verdict }
    }
}

#[cfg(test)]
impl Packet {
    /// One of `size` bytes that was put at `since`.
    pub(super) fn sample(size: usize, since: Instant) -> Self {
        let frame = super::samples::Sample::sized(size).frame();
        let (id, lot, memory) = (PacketId(since.nanos()), Lot::default(), frame.memory() as u32);
        Self {
            id,
            frame,
            flow: 1,
            number: 1,
            since,
            lot,
            size: size as u32,
            memory,
            l3: 14,
            ip: true,
            housekeeping: false,
            marked: false,
        }
    }

    /// The same of a transport that is capable of ECN.
    pub(super) fn capable(mut self) -> Self {
        self.frame = super::samples::Sample { ecn: 1, ..super::samples::Sample::sized(self.size as usize) }.frame();
        self
    }
}

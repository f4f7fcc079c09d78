//! A shard's end of a shared device: the shard takes it for a device of its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::hub::Hub;
use crate::device::{Device, Packet, Properties};

/// Packets of others that one call passes on at most.
const OTHERS: usize = 64;

/// A shard's end of a device. Its queues are those of the device, and last the lane by which others pass packets on. Each queue is read by
/// one shard alone, so that packets keep their order: one for which there is no queue sends by another's. When a shard goes, another reads
/// what it read; so each has places for all of them, and shows the descriptors of those that are its own.
pub(super) struct ShardPort {
    hub: Arc<Hub>,
    index: usize,
    /// Queues of the device; by the first it sends.
    queues: Vec<usize>,
    /// The first is another's to read, as long as that one is there: the same queue stands behind it once more, for when it is not.
    only_sends: bool,
}

impl ShardPort {
    pub(super) fn new(hub: Arc<Hub>, index: usize) -> Self {
        let only_sends = hub.queues > 0 && index >= hub.queues;
        let first = index.checked_rem(hub.queues);
        let others = (0..hub.queues).filter(|queue| only_sends || Some(*queue) != first);
        let queues = first.into_iter().chain(others).collect();
        Self { hub, index, queues, only_sends }
    }

    /// The queue at this place, if it is this shard's to read.
    fn reads(&self, place: usize) -> Option<usize> {
        let queue = *self.queues.get(place).filter(|_| place > 0 || !self.only_sends)?;
        // The one that it was given first is its own as long as it is there.
        (place == 0 || self.hub.is_reader(queue, self.index)).then_some(queue)
    }

    fn is_lane(&self, place: usize) -> bool {
        place == self.queues.len()
    }
}

impl Device for ShardPort {
    fn properties(&self) -> Properties {
        let properties = self.hub.device.properties().queues(self.queues.len() + 1);
        properties.woken_by_bell(self.queues.is_empty()).sends_only_by_the_first(self.only_sends)
    }

    fn receive(&self, place: usize) -> io::Result<Packet> {
        if self.is_lane(place) {
            return self.hub.next(self.index);
        }
        match self.reads(place) {
            Some(queue) => self.hub.receive(queue, self.index, OTHERS),
            None => Err(self.hub.nothing(io::ErrorKind::WouldBlock.into())),
        }
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let queue = self.queues.first().copied().unwrap_or_default();
        let sent = self.hub.send(queue, packet);
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.hub.lanes[self.index].block();
            // It may have got room before it could tell us.
            return self.hub.send(queue, packet);
        }
        sent
    }

    fn flush(&self) {
        self.hub.device.flush();
    }

    fn descriptor(&self, place: usize) -> Option<BorrowedFd<'_>> {
        if self.is_lane(place) {
            return Some(self.hub.lanes[self.index].as_fd());
        }
        // By the first it waits for room at least.
        let queue = if place == 0 { self.queues.first().copied() } else { self.reads(place) };
        self.hub.device.descriptor(queue?)
    }
}

impl Drop for ShardPort {
    /// Its shard has ended or given up the interface: another does what it did for all.
    fn drop(&mut self) {
        self.hub.leave(self.index);
    }
}

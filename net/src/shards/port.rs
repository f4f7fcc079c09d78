//! A shard's end of a shared device: the shard takes it for a device of its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::hub::Hub;
use crate::device::{Device, Packet, Properties};

/// Packets of others that one call passes on at most.
const OTHERS: usize = 64;

/// A shard's end of a device. Its queues are those of the device that are its own, and last the lane by which others pass packets on. Each
/// queue is read by one shard alone, so that packets keep their order: one for which there is no queue sends by another's.
pub(super) struct ShardPort {
    hub: Arc<Hub>,
    index: usize,
    /// Queues of the device that this shard reads; it sends by the first.
    own: Vec<usize>,
    /// It reads none: the one is another's.
    only_sends: bool,
}

impl ShardPort {
    pub(super) fn new(hub: Arc<Hub>, index: usize) -> Self {
        let shards = hub.lanes.len();
        let own = match hub.queues {
            0 => Vec::new(),
            queues if queues < shards => vec![index % queues],
            queues => (index..queues).step_by(shards).collect(),
        };
        let only_sends = hub.queues > 0 && index >= hub.queues;
        Self { hub, index, own, only_sends }
    }
}

impl Device for ShardPort {
    fn properties(&self) -> Properties {
        let properties = self.hub.device.properties().queues(self.own.len() + 1);
        properties.woken_by_bell(self.own.is_empty()).sends_only_by_the_first(self.only_sends)
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        match self.own.get(queue) {
            Some(_) if self.only_sends => Err(io::ErrorKind::WouldBlock.into()),
            Some(own) => self.hub.receive(*own, self.index, OTHERS),
            None => self.hub.next(self.index),
        }
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let queue = self.own.first().copied().unwrap_or_default();
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

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        match self.own.get(queue) {
            Some(own) => self.hub.device.descriptor(*own),
            None => Some(self.hub.lanes[self.index].as_fd()),
        }
    }
}

//! What the shards of one device share: the device, and a lane to each of them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use loggia_stack::base::Frame;
use loggia_stack::transport::shard::Shards;

use super::fragments::Fragments;
use super::lane::Lane;
use super::port::ShardPort;
use super::steer::{Target, target};
use crate::device::{Device, Notified, Notifier, Packet};
use crate::host::Interface;

/// A device that several shards share.
pub(crate) struct Hub {
    pub(super) device: Arc<dyn Device>,
    ethernet: bool,
    rule: Shards,
    pub(super) lanes: Vec<Lane>,
    /// Queues with descriptors; none: the device tells when it is ready.
    pub(super) queues: usize,
    /// One packet at a time goes by each queue.
    sending: Vec<Mutex<()>>,
    /// One reads at a time, so that packets keep their order.
    reading: Mutex<()>,
    fragments: Mutex<Fragments>,
    /// The device is lost.
    lost: AtomicBool,
}

impl Hub {
    /// What is shared, and an interface for each shard.
    pub(crate) fn share(interface: Interface, rule: &Shards) -> io::Result<(Arc<Self>, Vec<Interface>)> {
        let device = interface.device.clone();
        let properties = device.properties();
        let queues = if device.descriptor(0).is_some() { properties.queue_count() } else { 0 };
        let lanes: io::Result<Vec<Lane>> = (0..rule.count()).map(|_| Lane::new()).collect();
        let hub = Arc::new(Self {
            ethernet: properties.mac().is_some(),
            rule: *rule,
            lanes: lanes?,
            queues,
            sending: (0..queues.max(1)).map(|_| Mutex::default()).collect(),
            reading: Mutex::default(),
            fragments: Mutex::default(),
            lost: AtomicBool::new(false),
            device,
        });
        if queues == 0 {
            let told: Arc<dyn Notified> = hub.clone();
            hub.device.attach(Notifier::new(Arc::downgrade(&told)));
        }
        let of = |index| interface.over(ShardPort::new(hub.clone(), index));
        let interfaces = (0..hub.lanes.len()).map(of).collect();
        Ok((hub, interfaces))
    }

    /// Reads a queue for shard `own`, up to `most` packets: gives its own next one and passes on what is others'.
    pub(super) fn receive(&self, queue: usize, own: usize, most: usize) -> io::Result<Packet> {
        for _ in 0..most {
            let packet = self.device.receive(queue)?;
            if let Some(packet) = self.steer(packet, Some(own)) {
                return Ok(packet);
            }
        }
        // Others' packets have a limit too; there is more, and the queue says so.
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Sends by a queue.
    pub(super) fn send(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        let _turn = self.sending[queue].lock().unwrap_or_else(PoisonError::into_inner);
        if self.queues == 0 { self.device.send(packet) } else { self.device.send_by(queue, packet) }
    }

    /// Gives a packet to whom it is for; back, if that is `own`.
    fn steer(&self, packet: Packet, own: Option<usize>) -> Option<Packet> {
        let frame: &Frame = packet.frame();
        match target(&self.rule, frame, self.ethernet) {
            Target::One(shard) if own == Some(shard.into()) => Some(packet),
            Target::One(shard) => {
                self.lanes[usize::from(shard)].put([packet]);
                None
            }
            Target::All => {
                let others = self.lanes.iter().enumerate().filter(|(shard, _)| own != Some(*shard));
                others.for_each(|(_, lane)| lane.put([packet.clone()]));
                own.map(|_| packet)
            }
            Target::Piece(identity, shard) => {
                let mut fragments = self.fragments.lock().unwrap_or_else(PoisonError::into_inner);
                let (shard, packets) = fragments.piece(identity, shard, packet)?;
                // Under the lock, so that the pieces keep their order.
                self.lanes[usize::from(shard)].put(packets);
                None
            }
        }
    }

    /// What is left to say when a lane is empty.
    pub(super) fn end(&self) -> io::Error {
        let kind = if self.lost.load(Ordering::Acquire) { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::WouldBlock };
        kind.into()
    }

    /// Packets that a shard was too slow for.
    pub(super) fn dropped(&self) -> u64 {
        self.lanes.iter().map(Lane::dropped).sum()
    }
}

/// The device has something, or room. Whoever says so steers; the shards' own threads do the rest.
impl Notified for Hub {
    fn device_ready(&self) {
        let turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let end = loop {
            match self.device.receive(0) {
                Ok(packet) => _ = self.steer(packet, None),
                Err(error) => break error,
            }
        };
        drop(turn);
        if end.kind() != io::ErrorKind::WouldBlock {
            self.lost.store(true, Ordering::Release);
            self.lanes.iter().for_each(Lane::ring);
        }
        self.lanes.iter().for_each(Lane::unblock);
    }
}

//! A host's end of a device.

use std::io;
use std::sync::Arc;

use loggia_stack::base::{Frame, LinkId};
use loggia_stack::engine::Stack;

use super::observers::Observers;
use crate::device::{Device, Packet};

/// Most packets received in one go: enough for them to be joined, few enough that others get the lock.
pub(super) const BATCH: usize = 64;

/// What came by a device in one go.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) frames: Vec<Frame>,
    /// There may be more.
    pub(super) full: bool,
    /// The device is lost.
    pub(super) lost: bool,
}

impl Batch {
    /// Receives what there is.
    pub(super) fn fill(&mut self, device: &dyn Device, queue: usize) {
        (self.full, self.lost) = (true, false);
        while self.frames.len() < BATCH {
            match device.receive(queue) {
                Ok(packet) => self.frames.push(packet.into()),
                Err(error) => {
                    (self.full, self.lost) = (false, error.kind() != io::ErrorKind::WouldBlock);
                    return;
                }
            }
        }
    }
}

/// A device, and the link that it is for the stack.
pub(super) struct Port {
    pub(super) link: LinkId,
    pub(super) device: Arc<dyn Device>,
    /// How many of its queues the host's thread polls; 0: it tells when it is ready.
    pub(super) polled: usize,
    /// Its descriptors only wake the thread: it tells by them when it has room, and wants to be told of what was sent.
    bell: bool,
    /// What the device had no room for.
    held: Option<Packet>,
    /// Something was sent or received since its last `flush`.
    touched: bool,
    /// The thread has been told that the device is full.
    pub(super) watched: bool,
    /// It is being received from. If that is so while nobody is at it, it has panicked.
    pub(super) receiving: bool,
}

impl Port {
    pub(super) fn new(link: LinkId, device: Arc<dyn Device>) -> Self {
        let properties = device.properties();
        let (polled, bell) =
            (if device.descriptor(0).is_some() { properties.queue_count() } else { 0 }, properties.is_woken_by_bell());
        Self { link, device, polled, bell, held: None, touched: false, watched: false, receiving: false }
    }

    /// True if the device is full and something waits for it.
    pub(super) fn is_full(&self) -> bool {
        self.held.is_some()
    }

    /// True if the thread must see to it that the device wakes it once it has room.
    pub(super) fn wants_watch(&self) -> bool {
        self.polled > 0 && !self.bell && self.is_full()
    }

    /// Gives the device what the stack has for it, as far as there is room.
    pub(super) fn send(&mut self, stack: &mut Stack, observers: &mut Observers) {
        while let Some(packet) = self.held.take().or_else(|| stack.transmit(self.link).map(Packet::from)) {
            self.touched = true;
            // What a device refuses for another reason than want of room is lost, as packets are.
            let sent = self.device.send(&packet);
            if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                self.held = Some(packet);
                return;
            }
            observers.sent(stack, self.link, &packet, &sent);
        }
    }

    /// Receives from a device that tells when it is ready, and runs it through.
    pub(super) fn receive(&mut self, stack: &mut Stack, batch: &mut Batch, observers: &mut Observers) {
        self.receiving = true;
        batch.fill(&*self.device, 0);
        self.receiving = false;
        self.touched |= !batch.frames.is_empty();
        observers.receive(stack, self.link, batch.frames.drain(..));
    }

    /// The device, if it wants to be told of what happened since.
    pub(super) fn take_flush(&mut self) -> Option<Arc<dyn Device>> {
        (std::mem::take(&mut self.touched) && (self.polled == 0 || self.bell)).then(|| self.device.clone())
    }
}

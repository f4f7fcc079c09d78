//! A host's end of a device.

use std::io;
use std::sync::Arc;

use loggia_stack::base::{Frame, LinkId};
use loggia_stack::engine::Stack;

use super::lookout::Source;
use super::observers::Observers;
use crate::device::{Device, Packet};

/// So many packets are received in one go, and some more if they come together: enough for them to be joined, few enough that others get the lock.
pub(super) const BATCH: usize = 64;

/// What came by a device in one go.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) frames: Vec<Frame>,
    /// There may be more.
    pub(super) full: bool,
    /// The device is lost.
    pub(super) lost: bool,
    /// There was nothing at all.
    pub(super) idle: bool,
}

impl Batch {
    /// Receives what there is.
    pub(super) fn fill(&mut self, device: &dyn Device, queue: usize) {
        (self.full, self.lost, self.idle) = (true, false, false);
        // A device that drops what it read gives nothing, again and again.
        for _ in 0..BATCH {
            if self.frames.len() >= BATCH {
                return;
            }
            match device.receive_several(queue, &mut |packet| self.frames.push(packet.into_frame())) {
                Ok(()) => {}
                Err(error) => {
                    let kind = error.kind();
                    self.full = false;
                    self.lost = !matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
                    self.idle = self.frames.is_empty() && kind != io::ErrorKind::Interrupted;
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
    /// Its first queue is only sent by.
    only_sends: bool,
    /// What the device had no room for.
    held: Option<Packet>,
    /// Something was sent or received since its last `flush`.
    touched: bool,
    /// Bytes that were sent since one looked what came by it.
    sent: usize,
    /// The thread has been told that the device is full.
    pub(super) watched: bool,
    /// It is being received from. If that is so while nobody is at it, it has panicked.
    pub(super) receiving: bool,
}

impl Port {
    pub(super) fn new(link: LinkId, device: Arc<dyn Device>) -> Self {
        let properties = device.properties();
        let polled = if device.descriptor(0).is_some() { properties.queue_count() } else { 0 };
        let (bell, only_sends) = (properties.is_woken_by_bell(), properties.only_sends());
        Self { link, device, polled, bell, only_sends, held: None, touched: false, sent: 0, watched: false, receiving: false }
    }

    /// The queues that the host's thread polls.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        let reads = |queue| queue > 0 || !self.only_sends;
        (0..self.polled).map(move |queue| Source { link: self.link, device: self.device.clone(), queue, reads: reads(queue) })
    }

    /// True if a caller may wait for the device instead of the thread.
    pub(super) fn lets_callers_wait(&self) -> bool {
        !self.bell
    }

    /// Bytes that were sent since this was last asked, to a device that is polled.
    pub(super) fn take_sent(&mut self) -> usize {
        let sent = std::mem::take(&mut self.sent);
        if self.polled > 0 { sent } else { 0 }
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
        while let Some(packet) = self.held.take().or_else(|| stack.transmit(self.link).map(Packet::of)) {
            self.touched = true;
            self.sent += packet.len();
            let sent = self.device.send(&packet);
            match &sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.held = Some(packet);
                    return;
                }
                // What a device refuses for another reason than want of room is lost, as packets are.
                Err(_) => stack.refused(self.link, packet.len()),
                Ok(()) => {}
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::device::Properties;

    /// Has one packet, or none, and then says this.
    struct Says(AtomicBool, io::ErrorKind);

    impl Device for Says {
        fn properties(&self) -> Properties {
            Properties::ip(1500)
        }

        fn receive(&self, _: usize) -> io::Result<Packet> {
            if self.0.swap(false, Ordering::Relaxed) { Ok(vec![0; 9].into()) } else { Err(self.1.into()) }
        }

        fn send(&self, _: &Packet) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_for_others_is_neither_a_loss_nor_a_call_in_vain() {
        let said = |some: bool, kind| {
            let mut batch = Batch::default();
            batch.fill(&Says(some.into(), kind), 0);
            (batch.frames.len(), batch.lost, batch.idle)
        };
        assert_eq!(said(false, io::ErrorKind::Interrupted), (0, false, false));
        assert_eq!(said(false, io::ErrorKind::WouldBlock), (0, false, true));
        assert_eq!(said(true, io::ErrorKind::WouldBlock), (1, false, false));
        assert_eq!(said(false, io::ErrorKind::UnexpectedEof), (0, true, true));
    }
}

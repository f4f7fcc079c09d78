//! Who looks on at what a host does: listeners to events, and captures. All of it is used under the host's lock, and costs a test of a flag
//! while nobody does.

use std::io;
use std::task::Waker;

use loggia_stack::base::event::What;
use loggia_stack::base::{Frame, LinkId};
use loggia_stack::engine::Stack;

use crate::capture::{Tap, Taps};
use crate::device::Packet;
use crate::events::{Listener, Listeners};

/// Who looks on.
#[derive(Debug, Default)]
pub(super) struct Observers {
    listeners: Listeners,
    taps: Taps,
    /// Classes of events that the stack records for them.
    classes: u16,
    woken: Vec<Waker>,
}

impl Observers {
    pub(super) fn listen(&mut self, stack: &mut Stack, listener: Listener) {
        self.listeners.add(stack, listener);
        self.refresh(stack);
    }

    pub(super) fn tap(&mut self, stack: &mut Stack, tap: Tap) {
        self.taps.add(tap, stack.now());
        self.refresh(stack);
    }

    /// Has the stack record what is still wanted.
    fn refresh(&mut self, stack: &mut Stack) {
        self.classes = self.listeners.classes() | self.taps.classes();
        stack.listen_events(self.classes);
    }

    /// Tells what the stack has to say. Gives who is to be woken without the lock.
    pub(super) fn settle(&mut self, stack: &mut Stack) -> Vec<Waker> {
        if self.classes == 0 && self.taps.is_empty() {
            return Vec::new();
        }
        self.hear(stack);
        // Who has gone is noticed here.
        self.refresh(stack);
        std::mem::take(&mut self.woken)
    }

    fn hear(&mut self, stack: &mut Stack) {
        while let Some(event) = stack.next_event() {
            self.listeners.tell(stack, &event, &mut self.woken);
            if self.taps.wants_comments() {
                match event.what {
                    What::Retransmit { seq, len, why, .. } => self.taps.sent_again(seq, len, why),
                    What::Discard { reason, .. } => self.taps.discarded(reason.text()),
                    _ => {}
                }
            }
        }
    }

    /// Runs what came by a device through the stack.
    pub(super) fn receive(&mut self, stack: &mut Stack, link: LinkId, frames: impl IntoIterator<Item = Frame>) {
        if self.taps.is_empty() {
            return stack.receive_many(link, frames);
        }
        if self.taps.wants_comments() {
            // What is dropped from now on is the packet that is under way.
            self.hear(stack);
            self.taps.forget_discarded();
            for frame in frames {
                stack.receive(link, frame.clone());
                self.hear(stack);
                self.taps.received(stack, link, frame);
            }
        } else {
            let frames: Vec<Frame> = frames.into_iter().collect();
            frames.iter().for_each(|frame| self.taps.received(stack, link, frame.clone()));
            stack.receive_many(link, frames);
        }
    }

    /// A device was given a packet and took it, or lost it.
    #[inline]
    pub(super) fn sent(&mut self, stack: &mut Stack, link: LinkId, packet: &Packet, result: &io::Result<()>) {
        if let Err(error) = result {
            self.refused(stack, link, packet, error);
        }
        if !self.taps.is_empty() {
            self.tap_sent(stack, link, packet, result);
        }
    }

    #[cold]
    fn refused(&mut self, stack: &mut Stack, link: LinkId, packet: &Packet, error: &io::Error) {
        self.hear(stack);
        self.listeners.tell_refused(stack, link, packet.len(), error, &mut self.woken);
    }

    #[cold]
    fn tap_sent(&mut self, stack: &mut Stack, link: LinkId, packet: &Packet, result: &io::Result<()>) {
        self.hear(stack);
        let refused = result.as_ref().err().map(|error| format!("lost: the device refused it: {error}"));
        self.taps.sent(stack, link, packet.clone().into_frame(), refused);
    }

    /// An interface is gone.
    pub(super) fn link_gone(&mut self, link: LinkId) {
        self.taps.link_gone(link);
    }
}

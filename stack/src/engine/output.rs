//! What a host has to say. Everything waits until it is asked for.

use super::stack::Stack;
use crate::base::{Counters, Event, Frame, Instant, LinkId, Pressure, Ready, SocketId};

impl Stack {
    /// The next frame for the device of a link. Ask until there is none, or for as many as the device takes.
    #[inline]
    pub fn transmit(&mut self, link: LinkId) -> Option<Frame> {
        if self.net.links.has_nothing_for(link) { None } else { self.transmit_next(link) }
    }

    fn transmit_next(&mut self, link: LinkId) -> Option<Frame> {
        let (frame, drained) = self.net.links.transmit_next(link)?;
        if drained {
            self.has_room_again(link);
        }
        Some(frame)
    }

    #[cold]
    #[inline(never)]
    fn has_room_again(&mut self, link: LinkId) {
        self.links_drained(Some(link));
        self.settle();
    }

    /// From now on TCP connections that would send because of what arrives wait with it (`true`), or those that follow do not any longer. What waits,
    /// waits until [`Stack::release_output`], which has to follow: who is about to write has what Nagle's rule held back go with what is written,
    /// though the acknowledgement that frees it has come before. Acknowledgements that are due at once do not wait.
    pub fn hold_output(&mut self, holds: bool) {
        self.sockets.tcp.hold_output(holds);
    }

    /// What waited goes now, as far as it did not go with what was written, and nothing waits any longer.
    pub fn release_output(&mut self) {
        self.sockets.tcp.release_held(&mut self.net);
        self.settle();
    }

    /// The device did not take a frame of so many bytes that [`Stack::transmit`] gave, and it is lost. It is counted; events are the caller's.
    pub fn refused(&mut self, link: LinkId, len: usize) {
        self.net.links.refused(link, len);
    }

    /// Whoever waits for a queue may go on: that of `link` has room again, or one is gone with all that was in it.
    pub(super) fn links_drained(&mut self, link: Option<LinkId>) {
        self.sockets.tcp.links_drained(&mut self.net, link);
        self.sockets.udp.links_drained(&mut self.net);
    }

    /// When [`Stack::advance`] must be called at the latest: may be early, never late. [`Instant::NEVER`] if no timer runs.
    pub fn next_deadline(&self) -> Instant {
        self.net.links.base.timers.next_deadline()
    }

    /// The next socket whose readiness may have changed since it was told last, with all its bits as they are now. A socket
    /// comes once, however much happened to it; one that was closed meanwhile does not come.
    pub fn next_ready(&mut self) -> Option<(SocketId, Ready)> {
        loop {
            let index = self.net.links.base.notify.pop()?;
            if let Some(id) = self.sockets.at(index)
                && let Ok(ready) = self.sockets.readiness(id)
            {
                return Some((id, ready));
            }
        }
    }

    /// The oldest event nobody has fetched; see [`Stack::listen_events`].
    pub fn next_event(&mut self) -> Option<Event> {
        self.net.links.base.events.pop()
    }

    /// Records events of these classes from now on (see [`class`](crate::base::event::class)); none at first.
    pub fn listen_events(&mut self, classes: u16) {
        self.net.links.base.events.listen(classes);
    }

    /// All counters, named as under `/proc/net`.
    pub fn counters(&self) -> &Counters {
        &self.net.links.base.counters
    }

    /// Bytes of memory in use, and how near that is to the limit.
    pub fn memory(&self) -> (usize, Pressure) {
        let budget = &self.net.links.base.budget;
        (budget.used(), budget.pressure())
    }

    /// Bytes of memory that may be used.
    pub fn memory_limit(&self) -> usize {
        self.net.links.base.budget.limit()
    }
}

//! How a host ends.

use std::sync::PoisonError;
use std::task::Waker;
use std::time::Duration;

use loggia_stack::base::Errno;
use loggia_stack::socket::numbers::{SHUT_RDWR, SHUT_WR};

use super::{After, Phase, Running, State};
use crate::host::observers::Observers;
use crate::host::port::Port;

/// Its end.
impl Running {
    /// Begins to end: `limit` is for what is still to be sent.
    pub(in crate::host) fn stop(&self, limit: Duration) {
        let mut state = self.lock();
        if state.phase != Phase::Alive {
            return;
        }
        let now = self.now();
        state.stack.advance(now);
        state.phase = Phase::Ending(now + limit);
        state.waiters.begin_end();
        state.end_writing();
        let mut after = state.settle();
        state.call(&mut after);
        drop(state);
        self.conclude(after);
    }

    /// It is over, whatever state it is in.
    pub(in crate::host) fn abandon(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Over { .. }) {
            return;
        }
        let (ports, woken, observers) = state.end(false);
        let lookout = state.lookout.take();
        self.changed.notify_all();
        drop(state);
        drop((ports, observers, lookout));
        woken.into_iter().for_each(Waker::wake);
        // A caller who is at the helm hears of its end by this alone.
        self.bell.ring();
    }

    /// Waits until it is over; says whether everything that was written has left.
    pub(in crate::host) fn wait(&self) -> bool {
        self.wait_until(|_| false).unwrap_or_default()
    }

    /// Waits until `done`, or until it is over; then says whether everything that was written has left.
    pub(super) fn wait_until(&self, done: impl Fn(&State) -> bool) -> Option<bool> {
        let mut state = self.lock();
        loop {
            if let Phase::Over { clean } = state.phase {
                return Some(clean);
            }
            if done(&state) {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// Shuts down writing on every socket that is still there, and listeners altogether: whom nobody has accepted yet nobody will.
    pub(super) fn end_writing(&mut self) {
        for row in self.stack.socket_rows() {
            let Some(socket) = row.socket else { continue };
            let listens = (row.netid, row.state) == ("tcp", "LISTEN");
            // Those that are not connected have nothing to end.
            let _ = self.stack.shutdown(socket, if listens { SHUT_RDWR } else { SHUT_WR });
        }
    }

    /// Tells the peers that there is nobody here any more: resets what is not closed by both ends, and has the devices take the resets. Who
    /// would still write to us, or wait for us, learns that it is in vain.
    pub(super) fn part(&mut self) -> After {
        self.stack.abort_connections(Errno::ENETDOWN);
        After { ring: false, ..self.settle() }
    }

    /// True if all that was written has been acknowledged by the other ends.
    pub(super) fn is_clean(&self) -> bool {
        self.ports.iter().all(|port| !port.is_full()) && !self.stack.is_flushing()
    }

    /// True if what was written can never be acknowledged: each interface is down or has lost its device, and what is left to be sent is not
    /// for this host itself.
    pub(super) fn is_cut_off(&mut self) -> bool {
        let is_up = |link| self.stack.links().any(|status| status.link == link && status.up);
        !self.ports.iter().any(|port| is_up(port.link)) && self.stack.is_flushing() && !self.stack.can_flush()
    }

    /// Ends all connections and gives what is to be dropped and woken without the lock.
    pub(super) fn end(&mut self, clean: bool) -> (Vec<Port>, Vec<Waker>, Observers) {
        self.phase = Phase::Over { clean };
        self.generation += 1;
        // Where the host did not [part](Self::part) in order, at least its own sockets know.
        self.stack.abort_connections(Errno::ENETDOWN);
        let links: Vec<_> = self.ports.iter().map(|port| port.link).collect();
        for link in links {
            // The device is let go; the link may have been removed.
            let _ = self.stack.set_up(link, false);
        }
        // What happens last is told too.
        let mut woken = self.observers.settle(&mut self.stack);
        woken.extend(self.waiters.close());
        (std::mem::take(&mut self.ports), woken, std::mem::take(&mut self.observers))
    }
}

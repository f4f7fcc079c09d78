//! Who runs a host's stack: a device loop, or a world of many hosts. Sockets reach their stack only through this door.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::task::Waker;
use std::time::Duration;

use loggia_stack::base::{Addr, Instant, Ready, SocketId};
use loggia_stack::engine::Stack;

/// Runs one host's stack. Whoever implements it keeps a [`Waiters`] beside the stack, under the same lock, and after everything that happens
/// to the stack gives each pair of [`Stack::next_ready`] to [`Waiters::ready`].
pub trait Driver: Send + Sync {
    /// Runs `work` on the stack at the present moment under the host's lock, then lets what it caused take effect.
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters));

    /// The present moment.
    fn now(&self) -> Instant;

    /// The addresses of a name that this host knows; none if it does not. Numbers are not names.
    fn lookup(&self, name: &str) -> Vec<Addr>;

    /// See [`Host::attach`](crate::Host::attach). [`Unsupported`](io::ErrorKind::Unsupported) unless whoever runs the host has devices.
    #[cfg(unix)]
    fn attach(&self, interface: crate::host::Interface) -> io::Result<()> {
        let _ = interface;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Host::detach`](crate::Host::detach).
    #[cfg(unix)]
    fn detach(&self, interface: &str) -> io::Result<()> {
        let _ = interface;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Host::add_name`](crate::Host::add_name).
    fn add_name(&self, name: &str, addrs: Vec<Addr>) -> io::Result<()> {
        let _ = (name, addrs);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Host::shutdown`](crate::Host::shutdown).
    fn shutdown(&self, limit: Duration) -> io::Result<()> {
        let _ = limit;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// For what somebody waits at a socket: who waits again under the same name takes the place of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// The one who polls for reading, connections included.
    Reader,
    /// The one who polls for writing.
    Writer,
    /// One of many; [`Waiters::slot`] gives it.
    Other(u64),
}

#[derive(Debug)]
struct Waiting {
    slot: Slot,
    interest: Ready,
    waker: Waker,
}

/// Who waits for sockets and for moments of one host.
#[derive(Debug, Default)]
pub struct Waiters {
    sockets: HashMap<SocketId, Vec<Waiting>>,
    moments: BTreeMap<(Instant, u64), Waker>,
    number: u64,
    closed: bool,
}

impl Waiters {
    /// This socket is one of those that are waited for here, now or later: [`Waiters::ready`] will know it.
    pub fn know(&mut self, socket: SocketId) {
        self.sockets.entry(socket).or_default();
    }

    /// A name for one who waits, which no other has.
    pub fn slot(&mut self) -> Slot {
        self.number += 1;
        Slot::Other(self.number)
    }

    /// Wakes `waker` once when any bit of `interest` is ready (`ERR` and `HUP` always wake). To be called under the same lock as the call
    /// that said `EAGAIN`. Takes the place of who waited under the same name.
    pub fn wait(&mut self, socket: SocketId, slot: Slot, interest: Ready, waker: &Waker) {
        let waiting = self.sockets.entry(socket).or_default();
        match waiting.iter_mut().find(|other| other.slot == slot) {
            Some(other) => {
                other.interest = interest;
                other.waker.clone_from(waker);
            }
            None => waiting.push(Waiting { slot, interest, waker: waker.clone() }),
        }
    }

    /// Who waited under this name does so no more.
    pub fn leave(&mut self, socket: SocketId, slot: Slot) {
        if let Some(waiting) = self.sockets.get_mut(&socket) {
            waiting.retain(|other| other.slot != slot);
        }
    }

    /// Wakes `waker` at a moment; gives a name for [`Waiters::cancel`].
    pub fn wait_until(&mut self, moment: Instant, waker: &Waker) -> (Instant, u64) {
        self.number += 1;
        self.moments.insert((moment, self.number), waker.clone());
        (moment, self.number)
    }

    /// Nobody waits for that moment any more. False if it has come already.
    pub fn cancel(&mut self, name: (Instant, u64)) -> bool {
        self.moments.remove(&name).is_some()
    }

    /// Nobody waits for this socket any more; it is closed. The wakers are to be dropped outside of the lock: with the last one of a task
    /// the task may go, and with it other sockets.
    #[must_use = "wakers are dropped outside of the lock"]
    pub fn forget(&mut self, socket: SocketId) -> Vec<Waker> {
        let waiting = self.sockets.remove(&socket).unwrap_or_default();
        waiting.into_iter().map(|waiting| waiting.waker).collect()
    }

    /// Wakes who waits for these bits of a socket; says whether the socket is one of those that are waited for here at all.
    pub fn ready(&mut self, socket: SocketId, ready: Ready) -> bool {
        self.release(socket, ready, Waker::wake)
    }

    /// As [`Waiters::ready`], but gives the wakers to `wake`: to be woken without the lock, which the woken will want.
    pub fn release(&mut self, socket: SocketId, ready: Ready, mut wake: impl FnMut(Waker)) -> bool {
        let Some(waiting) = self.sockets.get_mut(&socket) else { return false };
        let due = |waiting: &mut Waiting| ready.intersects(waiting.interest | Ready::ERR | Ready::HUP);
        waiting.extract_if(.., due).for_each(|waiting| wake(waiting.waker));
        true
    }

    /// Wakes who waits for a moment that has come; says whether anybody did.
    pub fn advance(&mut self, now: Instant) -> bool {
        let mut woken = false;
        self.release_until(now, |waker| {
            waker.wake();
            woken = true;
        });
        woken
    }

    /// As [`Waiters::advance`], but gives the wakers to `wake`.
    pub fn release_until(&mut self, now: Instant, mut wake: impl FnMut(Waker)) {
        while let Some(entry) = self.moments.first_entry() {
            if entry.key().0 > now {
                break;
            }
            wake(entry.remove());
        }
    }

    /// The first moment somebody waits for.
    pub fn next_deadline(&self) -> Instant {
        self.moments.first_key_value().map_or(Instant::NEVER, |((at, _), _)| *at)
    }

    /// The host is no more: nobody need wait for sockets again. Gives who did.
    #[must_use = "wakers are woken outside of the lock"]
    pub fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        let waiting = self.sockets.values_mut().flat_map(std::mem::take).map(|waiting| waiting.waker);
        waiting.chain(std::mem::take(&mut self.moments).into_values()).collect()
    }

    /// True once the host is no more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

//! Who runs a host's stack: a device loop, or a world of many hosts. Sockets reach their stack only through this door.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Waker;
use std::time::Duration;

use loggia_stack::base::{Addr, Errno, Instant, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::lookup::Resolve;

/// Runs one host's stack. Whoever implements it keeps a [`Waiters`] beside the stack, under the same lock, and after everything that happens
/// to the stack gives each pair of [`Stack::next_ready`] to [`Waiters::ready`].
pub trait Driver: Send + Sync {
    /// Runs `work` on the stack at the present moment under the host's lock, then lets what it caused take effect.
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters));

    /// Waits on this thread until its waker is woken or the deadline is there; perhaps less. To be called after the call to
    /// [`with`](Self::with) in which the thread left that waker and [took its stand](Waiters::stand). Whoever runs the host may have the
    /// thread that waits do its work meanwhile.
    fn park(&self, stand: Stand, deadline: Option<std::time::Instant>) {
        let _ = stand;
        crate::blocking::park(deadline);
    }

    /// The present moment.
    fn now(&self) -> Instant;

    /// What the host is called; none if it has no name.
    fn name(&self) -> Option<&str> {
        None
    }

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

    /// Who finds addresses of names that the host does not know.
    fn resolver(&self) -> Option<Arc<dyn Resolve>> {
        None
    }

    /// See [`Host::set_resolver`](crate::Host::set_resolver).
    fn set_resolver(&self, resolver: Option<Arc<dyn Resolve>>) -> io::Result<()> {
        let _ = resolver;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Host::events`](crate::Host::events).
    fn listen(&self, listener: crate::events::Listener) -> io::Result<()> {
        drop(listener);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Host::capture`](crate::Host::capture).
    fn tap(&self, tap: crate::capture::Tap) -> io::Result<()> {
        drop(tap);
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

/// The waker of one who waits no more. It is to be dropped outside of the host's lock: with the last waker of a task the task may go, and with
/// it sockets, which want the lock.
#[derive(Debug, Default)]
#[must_use = "wakers are dropped outside of the lock"]
pub struct Left(#[allow(dead_code, reason = "it is there to be dropped")] Option<Waker>);

/// What a thread that is about to wait knows of who else does: it waits for `count` sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(unix), allow(dead_code, reason = "whoever runs a host elsewhere does not ask"))]
pub struct Stand {
    pub(crate) count: usize,
    /// How many had been woken by then.
    pub(crate) released: u64,
}

/// Who waits for sockets and for moments of one host.
#[derive(Debug, Default)]
pub struct Waiters {
    sockets: HashMap<SocketId, Vec<Waiting>>,
    /// How many there are in `sockets`.
    count: usize,
    /// How many of them have been woken.
    released: u64,
    /// How many came to wait, but for the threads that took their stands.
    came: usize,
    moments: BTreeMap<(Instant, u64), Waker>,
    number: u64,
    ending: bool,
    closed: bool,
    /// Sockets that lived on when a handle of theirs was dropped.
    shared: HashSet<SocketId>,
    /// At how many of these one looks which have ended.
    look_at: usize,
    /// Whether calls of sockets that were passed in a message wait: what passes is the very same socket, and its mode with it.
    modes: HashMap<SocketId, Arc<AtomicBool>>,
}

/// How many sockets of which nobody tells when they end there may be at least before one looks.
const LOOK_AT: usize = 64;

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
    /// that said `EAGAIN`. Takes the place of who waited under the same name, and gives his waker if it was another.
    pub fn wait(&mut self, socket: SocketId, slot: Slot, interest: Ready, waker: &Waker) -> Left {
        let waiting = self.sockets.entry(socket).or_default();
        match waiting.iter_mut().find(|other| other.slot == slot) {
            Some(other) => {
                other.interest = interest;
                Left((!other.waker.will_wake(waker)).then(|| std::mem::replace(&mut other.waker, waker.clone())))
            }
            None => {
                waiting.push(Waiting { slot, interest, waker: waker.clone() });
                self.count += 1;
                self.came += 1;
                Left::default()
            }
        }
    }

    /// The thread that has come to wait for `count` sockets in this call will wait by [`Driver::park`].
    pub fn stand(&mut self, count: usize) -> Stand {
        self.came = 0;
        Stand { count, released: self.released }
    }

    /// How many wait for sockets.
    #[cfg(unix)]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// True if nobody else waits, and nobody has been woken since.
    #[cfg(unix)]
    pub(crate) fn stands_alone(&self, stand: Stand) -> bool {
        (self.count, self.released) == (stand.count, stand.released)
    }

    /// Whether somebody came to wait since this was asked who does not wait by [`Driver::park`].
    #[cfg(unix)]
    pub(crate) fn take_came(&mut self) -> bool {
        std::mem::take(&mut self.came) > 0
    }

    /// Who waited under this name does so no more.
    pub fn leave(&mut self, socket: SocketId, slot: Slot) -> Left {
        let Some(waiting) = self.sockets.get_mut(&socket) else { return Left::default() };
        let place = waiting.iter().position(|other| other.slot == slot);
        self.count -= usize::from(place.is_some());
        Left(place.map(|place| waiting.remove(place).waker))
    }

    /// Wakes `waker` at a moment; gives a name for [`Waiters::cancel`].
    pub fn wait_until(&mut self, moment: Instant, waker: &Waker) -> (Instant, u64) {
        self.number += 1;
        self.moments.insert((moment, self.number), waker.clone());
        (moment, self.number)
    }

    /// Nobody waits for that moment any more. Nothing is left of it if it has come already.
    pub fn cancel(&mut self, name: (Instant, u64)) -> Left {
        Left(self.moments.remove(&name))
    }

    /// Nobody waits for this socket any more; it is closed. The wakers are to be dropped outside of the lock, as with [`Left`].
    #[must_use = "wakers are dropped outside of the lock"]
    pub fn forget(&mut self, socket: SocketId) -> Vec<Waker> {
        if self.shared.remove(&socket) {
            // Those that were many need not become so many again before one looks.
            self.look_at = self.look_at.min(2 * self.shared.len().max(LOOK_AT));
        }
        self.modes.remove(&socket);
        let waiting = self.sockets.remove(&socket).unwrap_or_default();
        self.count -= waiting.len();
        waiting.into_iter().map(|waiting| waiting.waker).collect()
    }

    /// A handle of a socket was dropped. One that is open still, under way in a message or with a handle elsewhere, is looked at again
    /// later: nobody tells when it ends.
    #[must_use = "wakers are dropped outside of the lock"]
    pub(crate) fn handle_gone(&mut self, socket: SocketId, is_open: impl Fn(SocketId) -> bool) -> Vec<Waker> {
        if !is_open(socket) {
            return self.forget(socket);
        }
        self.shared.insert(socket);
        if self.shared.len() < self.look_at.max(LOOK_AT) {
            return Vec::new();
        }
        let ended: Vec<_> = self.shared.extract_if(|socket| !is_open(*socket)).collect();
        self.look_at = 2 * self.shared.len();
        ended.into_iter().flat_map(|socket| self.forget(socket)).collect()
    }

    /// A socket is passed on, and whether its calls wait.
    pub(crate) fn pass(&mut self, socket: SocketId, nonblocking: &Arc<AtomicBool>) {
        self.modes.insert(socket, nonblocking.clone());
    }

    /// As [`Waiters::know`], of a socket that came in a message; gives whether its calls wait.
    pub(crate) fn know_passed(&mut self, socket: SocketId) -> Arc<AtomicBool> {
        self.know(socket);
        self.modes.get(&socket).cloned().unwrap_or_default()
    }

    /// Wakes who waits for these bits of a socket; says whether the socket is one of those that are waited for here at all.
    pub fn ready(&mut self, socket: SocketId, ready: Ready) -> bool {
        self.release(socket, ready, Waker::wake)
    }

    /// As [`Waiters::ready`], but gives the wakers to `wake`: to be woken without the lock, which the woken will want.
    pub fn release(&mut self, socket: SocketId, ready: Ready, mut wake: impl FnMut(Waker)) -> bool {
        let Some(waiting) = self.sockets.get_mut(&socket) else { return false };
        let due = |waiting: &mut Waiting| ready.intersects(waiting.interest | Ready::ERR | Ready::HUP);
        let mut released = 0;
        for waiting in waiting.extract_if(.., due) {
            released += 1;
            wake(waiting.waker);
        }
        self.count -= released;
        self.released += released as u64;
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
        self.released += std::mem::take(&mut self.count) as u64;
        let waiting = self.sockets.values_mut().flat_map(std::mem::take).map(|waiting| waiting.waker);
        waiting.chain(std::mem::take(&mut self.moments).into_values()).collect()
    }

    /// The host begins to end: listeners are closed already.
    #[cfg(unix)]
    pub(crate) fn begin_end(&mut self) {
        self.ending = true;
    }

    /// `ENETDOWN` once the host is no more.
    pub(crate) fn check(&self) -> Result<(), Errno> {
        if self.closed { Err(Errno::ENETDOWN) } else { Ok(()) }
    }

    /// What a call at a listener gave. Who still uses one that the host's end has closed is told of that end.
    pub(crate) fn of_listener<T>(&self, result: Result<T, Errno>) -> Result<T, Errno> {
        result.map_err(|errno| if errno == Errno::EINVAL && self.ending { Errno::ENETDOWN } else { errno })
    }

    /// True once the host is no more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Key;

    use super::*;
    use crate::waiting::testing::waker;

    fn socket(number: u64) -> SocketId {
        Key::from_bits(number)
    }

    #[test]
    fn wakers_are_given_back_and_never_dropped_inside() {
        let mut waiters = Waiters::default();
        let ((first, firsts), (second, seconds)) = (waker(), waker());
        let nobody = waiters.wait(socket(1), Slot::Reader, Ready::IN, &first);
        let again = waiters.wait(socket(1), Slot::Reader, Ready::OUT, &first);
        assert_eq!((firsts(), nobody.0.is_none(), again.0.is_none()), (2, true, true));
        let left = waiters.wait(socket(1), Slot::Reader, Ready::IN, &second);
        assert_eq!((firsts(), seconds()), (2, 2), "the one before is in our hands");
        drop(left);
        assert_eq!(firsts(), 1);
        let left = waiters.leave(socket(1), Slot::Reader);
        assert_eq!(seconds(), 2);
        drop(left);
        assert_eq!(seconds(), 1);
        let moment = waiters.wait_until(Instant::NEVER, &first);
        let left = waiters.cancel(moment);
        assert_eq!(firsts(), 2);
        drop(left);
        assert_eq!(firsts(), 1);
    }

    /// A socket may end where nobody tells: in a message that nobody receives.
    #[test]
    fn what_ends_unseen_is_forgotten_in_the_end() {
        let mut waiters = Waiters::default();
        for number in 0..10_000 {
            waiters.know(socket(number));
            // Open while the handle is dropped, and until the one after the next comes.
            assert!(waiters.handle_gone(socket(number), |other| other == socket(number)).is_empty());
            assert!(waiters.sockets.len() <= LOOK_AT && waiters.shared.len() <= LOOK_AT);
        }
        // One that is passed about for ever is one.
        for _ in 0..1000 {
            assert!(waiters.handle_gone(socket(1), |_| true).is_empty());
        }
        assert!(waiters.shared.len() <= LOOK_AT);
    }

    #[test]
    fn many_that_were_there_once_do_not_let_many_gather() {
        let mut waiters = Waiters::default();
        for number in 0..10_000 {
            assert!(waiters.handle_gone(socket(number), |_| true).is_empty());
        }
        for number in 0..10_000 {
            assert!(waiters.handle_gone(socket(number), |_| false).is_empty());
        }
        for number in 0..10_000 {
            assert!(waiters.handle_gone(socket(number), |other| other == socket(number)).is_empty());
            assert!(waiters.shared.len() <= 2 * LOOK_AT);
        }
    }
}

//! Who runs a host's stack: a device loop, or a world of many hosts. Sockets reach their stack only through this door.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;

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
}

/// A host whose stack somebody runs. Cloning it is cheap and gives the same host.
#[derive(Clone)]
pub struct Host(Arc<dyn Driver>);

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    /// The host that `driver` runs.
    pub fn new(driver: Arc<dyn Driver>) -> Self {
        Self(driver)
    }

    /// Runs `work` on the stack; see [`Driver::with`].
    pub fn with<T>(&self, work: impl FnOnce(&mut Stack, &mut Waiters) -> T) -> T {
        let (mut work, mut result) = (Some(work), None);
        self.0.with(&mut |stack, waiters| {
            if let Some(work) = work.take() {
                result = Some(work(stack, waiters));
            }
        });
        result.expect("a driver runs what it is given")
    }

    /// The present moment.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The addresses of a name that this host knows.
    pub fn lookup(&self, name: &str) -> Vec<Addr> {
        self.0.lookup(name)
    }
}

/// Who waits for sockets and for moments of one host.
#[derive(Debug, Default)]
pub struct Waiters {
    sockets: HashMap<SocketId, Vec<(Ready, Waker)>>,
    moments: BTreeMap<(Instant, u64), Waker>,
    number: u64,
}

impl Waiters {
    /// Wakes `waker` when any bit of `interest` is ready (`ERR` and `HUP` always wake). To be called under the same lock as the call that
    /// said `EAGAIN`. A waker that waits already for the same bits is not doubled.
    pub fn wait(&mut self, socket: SocketId, interest: Ready, waker: &Waker) {
        let waiting = self.sockets.entry(socket).or_default();
        if !waiting.iter().any(|(bits, other)| *bits == interest && other.will_wake(waker)) {
            waiting.push((interest, waker.clone()));
        }
    }

    /// Wakes `waker` at a moment; gives a name for [`Waiters::cancel`].
    pub fn wait_until(&mut self, moment: Instant, waker: &Waker) -> (Instant, u64) {
        self.number += 1;
        self.moments.insert((moment, self.number), waker.clone());
        (moment, self.number)
    }

    /// Nobody waits for that moment any more.
    pub fn cancel(&mut self, name: (Instant, u64)) {
        self.moments.remove(&name);
    }

    /// Nobody waits for this socket any more; it is closed.
    pub fn forget(&mut self, socket: SocketId) {
        self.sockets.remove(&socket);
    }

    /// Wakes who waits for these bits of a socket; says whether anybody did.
    pub fn ready(&mut self, socket: SocketId, ready: Ready) -> bool {
        let Some(waiting) = self.sockets.get_mut(&socket) else { return false };
        let always = Ready::ERR | Ready::HUP;
        let before = waiting.len();
        waiting.retain(|(interest, waker)| {
            let due = ready.intersects(*interest | always);
            if due {
                waker.wake_by_ref();
            }
            !due
        });
        let woken = waiting.len() < before;
        if waiting.is_empty() {
            self.sockets.remove(&socket);
        }
        woken
    }

    /// Wakes who waits for a moment that has come.
    pub fn advance(&mut self, now: Instant) -> bool {
        let mut woken = false;
        while let Some(entry) = self.moments.first_entry() {
            if entry.key().0 > now {
                break;
            }
            entry.remove().wake();
            woken = true;
        }
        woken
    }

    /// The first moment somebody waits for.
    pub fn next_deadline(&self) -> Instant {
        self.moments.first_key_value().map_or(Instant::NEVER, |((at, _), _)| *at)
    }
}

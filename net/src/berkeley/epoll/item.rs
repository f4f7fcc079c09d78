//! An interest.

use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};

use loggia_stack::base::Ready;

use super::super::numbers::{EPOLLET, EPOLLONESHOT};
use super::Event;
use super::set::{Set, Watch, lock};
use crate::blocking::WeakBlocking;
use crate::driver::Slot;

/// An interest of a set.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) set: Weak<Set>,
    pub(super) target: Target,
    pub(super) wish: Mutex<Wish>,
}

/// What the interest is in.
#[derive(Debug)]
pub(super) enum Target {
    Socket { socket: WeakBlocking, slot: Slot },
    Set { set: Weak<Set>, watch: Mutex<Option<Watch>> },
}

/// What is wished.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) events: u32,
    pub(super) data: u64,
    /// Off after an event with `EPOLLONESHOT`, and once it is out of the set.
    pub(super) on: bool,
    /// It is among those where something may be there.
    pub(super) queued: bool,
    /// Counts its changes: one that came while somebody looked for the one before is not lost.
    pub(super) version: u64,
}

/// Whether what is found is told, and so taken from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Takes,
    Leaves,
}

impl Wake for Item {
    fn wake(self: Arc<Self>) {
        if let Some(set) = self.set.upgrade() {
            set.queue(self);
        }
    }
}

impl Target {
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::Socket { socket, .. } => socket.is_alive(),
            Self::Set { set, .. } => set.strong_count() > 0,
        }
    }
}

impl Item {
    /// Looks whether something is there, and lets itself be told of what comes from now on. With `EPOLLONESHOT` one of all who look takes it.
    pub(super) fn look(self: &Arc<Self>, look: Look) -> Option<Event> {
        loop {
            let seen = *lock(&self.wish);
            if !seen.on {
                return None;
            }
            let ready = self.readiness(Ready(seen.events as u16))?;
            let mut wish = lock(&self.wish);
            if wish.version != seen.version {
                continue;
            }
            if ready == Ready::NONE || !wish.on {
                return None;
            }
            if look == Look::Takes && wish.events & EPOLLONESHOT != 0 {
                wish.on = false;
            }
            return Some(Event { events: ready.0.into(), data: wish.data });
        }
    }

    /// What is there of `interest`; none if the socket or set has gone.
    fn readiness(self: &Arc<Self>, interest: Ready) -> Option<Ready> {
        match &self.target {
            Target::Socket { socket, slot } => {
                let (socket, waker) = (socket.upgrade()?, Waker::from(self.clone()));
                let socket = socket.socket();
                let (left, ready) = socket.host.with(|stack, waiters| {
                    let left = waiters.wait(socket.id, *slot, interest, &waker);
                    (left, stack.readiness(socket.id).unwrap_or(Ready::HUP))
                });
                drop(left);
                Some(ready & (interest | Ready::ERR | Ready::HUP))
            }
            Target::Set { set, .. } => Some(if set.upgrade()?.is_ready() { interest & Ready::IN } else { Ready::NONE }),
        }
    }

    /// True for one that is told again as long as something is there.
    pub(super) fn stays(&self) -> bool {
        let wish = lock(&self.wish);
        wish.on && wish.events & EPOLLET == 0
    }
}

//! Sets of interests, in the manner of `epoll`.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use loggia_stack::base::{Errno, Ready};

use super::numbers::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET, EPOLLONESHOT};
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, WeakBlocking, moment_in};
use crate::driver::Slot;
use crate::host::Host;
use crate::socket::error;

/// What is there at a descriptor of a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// `EPOLLIN`, `EPOLLOUT`, …
    pub events: u32,
    /// What was given with the interest.
    pub data: u64,
}

/// A set of interests.
#[derive(Debug, Default)]
pub(super) struct Set {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// By descriptor and socket: a number that was given back may be given out again while the socket lives on under another.
    items: BTreeMap<(Fd, usize), Arc<Item>>,
    /// Where something may be there.
    ready: VecDeque<Arc<Item>>,
}

/// An interest.
#[derive(Debug)]
struct Item {
    set: Weak<Set>,
    socket: WeakBlocking,
    slot: Slot,
    wish: Mutex<Wish>,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    events: u32,
    data: u64,
    /// Off after an event with `EPOLLONESHOT`, and once it is out of the set.
    on: bool,
    /// It is among those where something may be there.
    queued: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wake for Item {
    fn wake(self: Arc<Self>) {
        if let Some(set) = self.set.upgrade() {
            set.queue(self);
        }
    }
}

impl Set {
    fn queue(&self, item: Arc<Item>) {
        let mut state = lock(&self.state);
        let mut wish = lock(&item.wish);
        if wish.on && !std::mem::replace(&mut wish.queued, true) {
            drop(wish);
            state.ready.push_back(item);
            self.changed.notify_one();
        }
    }

    fn add(self: &Arc<Self>, host: &Host, fd: Fd, socket: &Blocking, events: u32, data: u64) -> io::Result<()> {
        let slot = host.with(|_, waiters| waiters.slot());
        let wish = Mutex::new(Wish { events, data, on: true, queued: false });
        let item = Arc::new(Item { set: Arc::downgrade(self), socket: socket.downgrade(), slot, wish });
        let mut state = lock(&self.state);
        state.items.retain(|_, item| item.socket.is_alive());
        let key = (fd, socket.key());
        if state.items.contains_key(&key) {
            return Err(error(Errno::EEXIST));
        }
        state.items.insert(key, item.clone());
        drop(state);
        // Whether something is there already the next wait finds out.
        self.queue(item);
        Ok(())
    }

    fn modify(&self, fd: Fd, socket: &Blocking, events: u32, data: u64) -> io::Result<()> {
        let item = lock(&self.state).items.get(&(fd, socket.key())).cloned().ok_or_else(|| error(Errno::ENOENT))?;
        let queued = {
            let mut wish = lock(&item.wish);
            *wish = Wish { events, data, on: true, queued: wish.queued };
            wish.queued
        };
        if !queued {
            self.queue(item);
        }
        Ok(())
    }

    fn remove(&self, fd: Fd, socket: &Blocking) -> io::Result<()> {
        let item = lock(&self.state).items.remove(&(fd, socket.key())).ok_or_else(|| error(Errno::ENOENT))?;
        lock(&item.wish).on = false;
        let socket = socket.socket();
        socket.host.with(|_, waiters| waiters.leave(socket.id, item.slot));
        Ok(())
    }

    fn wait(&self, most: usize, timeout: Option<Duration>) -> Vec<Event> {
        let deadline = timeout.map(moment_in);
        let mut events = Vec::new();
        loop {
            // Each is looked at once, those that stay included.
            let turns = lock(&self.state).ready.len();
            for _ in 0..turns {
                if events.len() == most {
                    break;
                }
                let Some(item) = lock(&self.state).ready.pop_front() else { break };
                lock(&item.wish).queued = false;
                if let Some(event) = look(&item) {
                    events.push(event);
                    if event_stays(&item) {
                        self.queue(item);
                    }
                }
            }
            if !events.is_empty() {
                return events;
            }
            let state = lock(&self.state);
            if !state.ready.is_empty() {
                continue;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match left {
                Some(Duration::ZERO) => return events,
                Some(left) => drop(self.changed.wait_timeout(state, left)),
                None => drop(self.changed.wait(state)),
            }
        }
    }
}

/// Looks whether something is there, and lets the item be told of what comes from now on.
fn look(item: &Arc<Item>) -> Option<Event> {
    let socket = item.socket.upgrade()?;
    let wish = *lock(&item.wish);
    if !wish.on {
        return None;
    }
    let interest = Ready(wish.events as u16);
    let (socket, waker) = (socket.socket(), Waker::from(item.clone()));
    let ready = socket.host.with(|stack, waiters| {
        waiters.wait(socket.id, item.slot, interest, &waker);
        stack.readiness(socket.id).unwrap_or(Ready::HUP)
    });
    let events = ready.0 & (interest | Ready::ERR | Ready::HUP).0;
    if events == 0 {
        return None;
    }
    if wish.events & EPOLLONESHOT != 0 {
        lock(&item.wish).on = false;
    }
    Some(Event { events: events.into(), data: wish.data })
}

/// True for an item that is told again as long as something is there.
fn event_stays(item: &Item) -> bool {
    let wish = lock(&item.wish);
    wish.on && wish.events & EPOLLET == 0
}

impl Berkeley {
    /// An empty set. `EMFILE`
    pub fn epoll_create(&self) -> io::Result<Fd> {
        self.table.put(Entry::Epoll(Arc::default()), 0)
    }

    /// Adds (`EPOLL_CTL_ADD`), changes (`EPOLL_CTL_MOD`) or removes (`EPOLL_CTL_DEL`) the interest in a socket. `events` may have `EPOLLET`
    /// (told once each time something comes) and `EPOLLONESHOT` (told once, until it is changed) in it. A socket that is closed leaves by
    /// itself. `EBADF`, `EEXIST`, `ENOENT`, `EINVAL`, `ENOTSOCK` (sets of sets are not there)
    pub fn epoll_ctl(&self, set: Fd, operation: i32, fd: Fd, events: u32, data: u64) -> io::Result<()> {
        let (set, socket) = (self.set(set)?, self.get(fd)?);
        match operation {
            EPOLL_CTL_ADD => set.add(&self.host, fd, &socket, events, data),
            EPOLL_CTL_MOD => set.modify(fd, &socket, events, data),
            EPOLL_CTL_DEL => set.remove(fd, &socket),
            _ => Err(error(Errno::EINVAL)),
        }
    }

    /// Waits until something is there at one of the set, or `timeout` is over; at most `most` events, whose turn comes round.
    /// `EBADF`, `EINVAL`
    pub fn epoll_wait(&self, set: Fd, most: usize, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        if most == 0 {
            return Err(error(Errno::EINVAL));
        }
        Ok(self.set(set)?.wait(most, timeout))
    }

    fn set(&self, fd: Fd) -> io::Result<Arc<Set>> {
        match self.table.get(fd)? {
            Entry::Epoll(set) => Ok(set),
            Entry::Socket(_) => Err(error(Errno::EINVAL)),
        }
    }
}

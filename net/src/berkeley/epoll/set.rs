//! A set of interests.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use loggia_stack::base::{Errno, Instant as Moment};

use super::super::Fd;
use super::super::table::Entry;
use super::Event;
use super::item::{Item, Look, Target, Wish};
use super::nesting;
use crate::blocking::moment_in;
use crate::driver::Left;
use crate::host::Host;
use crate::socket::error;

/// A set of interests.
#[derive(Debug)]
pub(in super::super) struct Set {
    host: Host,
    state: Mutex<State>,
    changed: Condvar,
    /// Under which it is told of the host's end.
    end: OnceLock<(Moment, u64)>,
}

#[derive(Debug, Default)]
struct State {
    /// By descriptor and what it stands for: a number that was given back may be given out again while that lives on under another.
    items: BTreeMap<Key, Arc<Item>>,
    /// Where something may be there.
    ready: VecDeque<Arc<Item>>,
    /// Who is told when something gets there, besides those who wait for the set's events.
    watchers: BTreeMap<u64, Watcher>,
    number: u64,
    /// At how many interests one looks which have lost what they are in.
    look_at: usize,
    /// The host has ended.
    over: bool,
}

/// How many interests there may be at least before one looks.
const LOOK_AT: usize = 64;

impl State {
    /// Something may be there at this one.
    fn put(&mut self, item: Arc<Item>) {
        if !std::mem::replace(&mut lock(&item.wish).queued, true) {
            self.ready.push_back(item);
        }
    }

    /// Takes out the interest under this key.
    fn take(&mut self, key: &Key) -> Option<Arc<Item>> {
        let item = self.items.remove(key)?;
        // Those that were many need not become so many again before one looks.
        self.look_at = self.look_at.min(2 * self.items.len().max(LOOK_AT));
        Some(item)
    }

    /// Takes out interests in what is gone, once there are twice as many interests as were left the last time. They are to be dropped
    /// without the lock.
    fn sweep(&mut self) -> Vec<(Key, Arc<Item>)> {
        if self.items.len() < self.look_at.max(LOOK_AT) {
            return Vec::new();
        }
        let gone = self.items.extract_if(.., |_, item| !item.target.is_alive()).collect();
        self.look_at = 2 * self.items.len();
        gone
    }
}

type Key = (Fd, usize);

#[derive(Clone, Debug)]
struct Watcher {
    waker: Waker,
    /// The set that this one is in, if that is who watches.
    outer: Option<Weak<Set>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a set of its host's end.
struct End(Weak<Set>);

impl Wake for End {
    fn wake(self: Arc<Self>) {
        if let Some(set) = self.0.upgrade() {
            lock(&set.state).over = true;
            set.changed.notify_all();
        }
    }
}

/// One watches a set's queue, until it is dropped.
#[derive(Debug)]
pub(in super::super) struct Watch {
    set: Weak<Set>,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(set) = self.set.upgrade() {
            let watcher = lock(&set.state).watchers.remove(&self.number);
            drop(watcher);
        }
    }
}

impl Set {
    pub(super) fn new(host: &Host) -> Arc<Self> {
        let set = Arc::new(Self { host: host.clone(), state: Mutex::default(), changed: Condvar::new(), end: OnceLock::new() });
        let waker = Waker::from(Arc::new(End(Arc::downgrade(&set))));
        let (end, over) = host.with(|_, waiters| (waiters.wait_until(Moment::NEVER, &waker), waiters.is_closed()));
        // It is set this once.
        let _ = set.end.set(end);
        lock(&set.state).over |= over;
        set
    }

    /// Wakes `waker` whenever something may have got there, until the watch is dropped.
    pub(in super::super) fn watch(self: &Arc<Self>, waker: Waker, outer: Option<Weak<Self>>) -> Watch {
        let mut state = lock(&self.state);
        state.number += 1;
        let number = state.number;
        state.watchers.insert(number, Watcher { waker, outer });
        Watch { set: Arc::downgrade(self), number }
    }

    /// Something came to this one. Who watches is told each time, also while it waits to be looked at since an earlier time: for edges.
    pub(super) fn queue(&self, item: Arc<Item>) {
        let mut state = lock(&self.state);
        if !lock(&item.wish).on {
            return;
        }
        state.put(item);
        let watchers: Vec<Waker> = state.watchers.values().map(|watcher| watcher.waker.clone()).collect();
        drop(state);
        self.changed.notify_one();
        watchers.into_iter().for_each(Waker::wake);
    }

    /// There still is what was found at this one: nothing came, so nobody who watches is told.
    fn keep(&self, item: Arc<Item>) {
        lock(&self.state).put(item);
        self.changed.notify_one();
    }

    /// Takes the first where something may be there.
    fn next(&self) -> Option<Arc<Item>> {
        let item = lock(&self.state).ready.pop_front()?;
        lock(&item.wish).queued = false;
        Some(item)
    }

    /// True if it has something to tell. Takes nothing away.
    pub(in super::super) fn is_ready(&self) -> bool {
        let turns = lock(&self.state).ready.len();
        for _ in 0..turns {
            let Some(item) = self.next() else { break };
            if item.look(Look::Leaves).is_some() {
                self.keep(item);
                return true;
            }
        }
        false
    }

    /// What there is to tell now: each is looked at once, those that stay included.
    fn collect(&self, most: usize) -> Vec<Event> {
        let mut events = Vec::new();
        let turns = lock(&self.state).ready.len();
        for _ in 0..turns {
            if events.len() == most {
                break;
            }
            let Some(item) = self.next() else { break };
            if let Some(event) = item.look(Look::Takes) {
                events.push(event);
                if item.stays() {
                    self.keep(item);
                }
            }
        }
        events
    }

    pub(super) fn wait(&self, most: usize, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        let deadline = timeout.map(moment_in);
        loop {
            let events = self.collect(most);
            if !events.is_empty() {
                return Ok(events);
            }
            let state = lock(&self.state);
            if !state.ready.is_empty() {
                continue;
            }
            if state.over {
                return Err(error(Errno::ENETDOWN));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match left {
                Some(Duration::ZERO) => return Ok(events),
                Some(left) => drop(self.changed.wait_timeout(state, left)),
                None => drop(self.changed.wait(state)),
            }
        }
    }
}

/// Interests.
impl Set {
    pub(super) fn add(self: &Arc<Self>, host: &Host, fd: Fd, entry: &Entry, events: u32, data: u64) -> io::Result<()> {
        /// One at a time, or two could make a circle together.
        static NESTING: Mutex<()> = Mutex::new(());
        let mut nesting = None;
        let target = match entry {
            Entry::Socket(socket) => Target::Socket { socket: socket.downgrade(), slot: host.with(|_, waiters| waiters.slot()) },
            Entry::Epoll(inner) => {
                nesting = Some(lock(&NESTING));
                nesting::check(self, inner).map_err(error)?;
                Target::Set { set: Arc::downgrade(inner), watch: Mutex::default() }
            }
        };
        let wish = Mutex::new(Wish { events, data, on: true, queued: false, version: 0 });
        let item = Arc::new(Item { set: Arc::downgrade(self), target, wish });
        let mut state = lock(&self.state);
        let gone = state.sweep();
        // What is added is there, and what is gone keeps its place in memory while there is an interest in it.
        if state.items.contains_key(&key(fd, entry)) {
            drop(state);
            return Err(error(Errno::EEXIST));
        }
        state.items.insert(key(fd, entry), item.clone());
        drop(state);
        drop(gone);
        if let (Target::Set { watch, .. }, Entry::Epoll(inner)) = (&item.target, entry) {
            // The watch holds the item, and the item the watch, until it is taken out.
            *lock(watch) = Some(inner.watch(Waker::from(item.clone()), Some(Arc::downgrade(self))));
        }
        drop(nesting);
        // Whether something is there already the next wait finds out.
        self.queue(item);
        Ok(())
    }

    pub(super) fn modify(&self, fd: Fd, entry: &Entry, events: u32, data: u64) -> io::Result<()> {
        let item = lock(&self.state).items.get(&key(fd, entry)).cloned().ok_or_else(|| error(Errno::ENOENT))?;
        {
            let mut wish = lock(&item.wish);
            *wish = Wish { events, data, on: true, queued: wish.queued, version: wish.version + 1 };
        }
        self.queue(item);
        Ok(())
    }

    pub(super) fn remove(&self, fd: Fd, entry: &Entry) -> io::Result<()> {
        let item = lock(&self.state).take(&key(fd, entry)).ok_or_else(|| error(Errno::ENOENT))?;
        self.let_go(&[item]);
        Ok(())
    }

    /// These are told of nothing any more.
    fn let_go(&self, items: &[Arc<Item>]) {
        let mut watches: Vec<Option<Watch>> = Vec::new();
        // Owned beyond the lock: we may come to be the last who has one, and closing wants the lock.
        let sockets = items.iter().filter_map(|item| match &item.target {
            Target::Socket { socket, slot } => Some((socket.upgrade()?, *slot)),
            Target::Set { .. } => None,
        });
        let sockets: Vec<_> = sockets.collect();
        let left: Vec<Left> =
            self.host.with(|_, waiters| sockets.iter().map(|(socket, slot)| waiters.leave(socket.socket().id, *slot)).collect());
        for item in items {
            lock(&item.wish).on = false;
            if let Target::Set { watch, .. } = &item.target {
                watches.push(lock(watch).take());
            }
        }
        drop((left, watches));
    }

    /// The sets that are in it.
    pub(super) fn inner(&self) -> Vec<Arc<Self>> {
        let state = lock(&self.state);
        let sets = state.items.values().filter_map(|item| match &item.target {
            Target::Set { set, .. } => set.upgrade(),
            Target::Socket { .. } => None,
        });
        sets.collect()
    }

    /// The sets that it is in.
    pub(super) fn outer(&self) -> Vec<Arc<Self>> {
        lock(&self.state).watchers.values().filter_map(|watcher| watcher.outer.as_ref()?.upgrade()).collect()
    }
}

fn key(fd: Fd, entry: &Entry) -> Key {
    (
        fd,
        match entry {
            Entry::Socket(socket) => socket.key(),
            Entry::Epoll(set) => Arc::as_ptr(set).addr(),
        },
    )
}

impl Drop for Set {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        let items: Vec<_> = state.items.into_values().collect();
        self.let_go(&items);
        if let Some(end) = self.end.get() {
            drop(self.host.with(|_, waiters| waiters.cancel(*end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM};

    use super::super::super::numbers::EPOLLIN;
    use super::*;
    use crate::blocking::Blocking;

    #[test]
    fn interests_in_what_is_gone_do_not_gather() {
        let host = Host::builder().start().expect("a host");
        let set = Set::new(&host);
        let add = |fd| {
            let entry = Entry::Socket(Blocking::open(&host, AF_INET, SOCK_DGRAM).expect("a socket"));
            set.add(&host, fd, &entry, EPOLLIN, 0).expect("it is new");
            let again = set.add(&host, fd, &entry, EPOLLIN, 0).expect_err("it is there");
            assert_eq!(again.raw_os_error(), Some(17), "EEXIST");
            entry
        };
        let kept: Vec<_> = (0..1000).map(add).collect();
        (0..3000).for_each(|_| drop(add(2000)));
        assert!(lock(&set.state).items.len() <= 2 * kept.len());
        assert!(kept.iter().zip(0..).all(|(entry, fd)| set.remove(fd, entry).is_ok()), "those that are there stay");
        (0..1000).for_each(|_| drop(add(2000)));
        assert!(lock(&set.state).items.len() <= 2 * LOOK_AT, "nothing is there");
    }
}

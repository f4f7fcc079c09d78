//! `poll`.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loggia_stack::base::{Errno, Instant as Moment, Ready};

use super::epoll::{Set, Watch};
use super::numbers::{POLLIN, POLLNVAL};
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, moment_in, park, waker};
use crate::driver::{Left, Slot, Stand, Waiters};
use crate::host::Host;
use crate::socket::error;

/// What is waited for at a descriptor, and what came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollFd {
    /// The descriptor; a negative one is passed over.
    pub fd: Fd,
    /// `POLLIN`, `POLLOUT`, …
    pub events: i16,
    /// What is there: of `events`, and always `POLLERR`, `POLLHUP`, `POLLNVAL`.
    pub revents: i16,
}

impl Berkeley {
    /// Waits until something is there at one of the descriptors, or `timeout` is over; says at how many. A set of interests is readable when
    /// it has something to tell. `ENETDOWN` if the host has ended and nothing will come.
    pub fn poll(&self, fds: &mut [PollFd], timeout: Option<Duration>) -> io::Result<usize> {
        self.poll_for(fds, timeout, &|poll| poll.revents != 0)
    }

    /// As [`Berkeley::poll`], where only those count of which `counts` is true.
    pub(super) fn poll_for(
        &self,
        fds: &mut [PollFd],
        timeout: Option<Duration>,
        counts: &dyn Fn(&PollFd) -> bool,
    ) -> io::Result<usize> {
        let deadline = timeout.map(moment_in);
        let mut poller = Poller::new(self, fds);
        let mut waits = Waits::No;
        loop {
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let found = poller.look(fds, waits, counts)?;
            if found > 0 || late {
                return Ok(found);
            }
            if waits == Waits::Yes {
                poller.park(deadline);
            }
            waits = Waits::Yes;
        }
    }
}

/// What a descriptor of a call stands for.
enum Target {
    /// It is passed over.
    Nothing,
    /// There is no such descriptor.
    Unknown,
    Socket(Blocking),
    Set(Arc<Set>),
}

/// Whether one who finds nothing will wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    No,
    Yes,
}

/// One who polls, until it is dropped. Each entry waits under a name of its own: two may be for one socket.
struct Poller<'a> {
    host: &'a Host,
    targets: Vec<Target>,
    /// By entry; none before one waits.
    slots: Vec<Slot>,
    watches: Vec<Watch>,
    /// Tells of the host's end.
    end: Option<(Moment, u64)>,
    /// Where this thread is woken by the host alone, and not by a set too.
    stand: Option<Stand>,
}

impl<'a> Poller<'a> {
    fn new(berkeley: &'a Berkeley, fds: &[PollFd]) -> Self {
        let target = |fd| match berkeley.table.get(fd) {
            Ok(Entry::Socket(socket)) => Target::Socket(socket),
            Ok(Entry::Epoll(set)) => Target::Set(set),
            Err(_) if fd < 0 => Target::Nothing,
            Err(_) => Target::Unknown,
        };
        let targets = fds.iter().map(|poll| target(poll.fd)).collect();
        Self { host: &berkeley.host, targets, slots: Vec::new(), watches: Vec::new(), end: None, stand: None }
    }

    /// Looks what is there, and lets this thread be woken by what comes if it waits.
    fn look(&mut self, fds: &mut [PollFd], waits: Waits, counts: &dyn Fn(&PollFd) -> bool) -> io::Result<usize> {
        if waits == Waits::Yes && self.end.is_none() {
            let sets = self.targets.iter().filter_map(|target| if let Target::Set(set) = target { Some(set) } else { None });
            self.watches.extend(sets.map(|set| set.watch(waker(), None)));
        }
        for (poll, target) in fds.iter_mut().zip(&self.targets) {
            poll.revents = match target {
                Target::Nothing | Target::Socket(_) => 0,
                Target::Unknown => POLLNVAL,
                Target::Set(set) => {
                    if set.is_ready() {
                        poll.events & POLLIN
                    } else {
                        0
                    }
                }
            };
        }
        let host = self.host;
        let (found, left) = host.with(|stack, waiters| {
            for (poll, target) in fds.iter_mut().zip(&self.targets) {
                if let Target::Socket(socket) = target {
                    let ready = stack.readiness(socket.socket().id).unwrap_or(Ready::ERR);
                    poll.revents = ready.0 as i16 & (poll.events | Ready::ERR.0 as i16 | Ready::HUP.0 as i16);
                }
            }
            match fds.iter().filter(|poll| counts(poll)).count() {
                0 if waiters.is_closed() => (Err(error(Errno::ENETDOWN)), Vec::new()),
                0 if waits == Waits::Yes => (Ok(0), self.wait(fds, waiters)),
                found => (Ok(found), Vec::new()),
            }
        });
        drop(left);
        found
    }

    fn wait(&mut self, fds: &[PollFd], waiters: &mut Waiters) -> Vec<Left> {
        let waker = waker();
        if self.end.is_none() {
            self.end = Some(waiters.wait_until(Moment::NEVER, &waker));
            self.slots = self.targets.iter().map(|_| waiters.slot()).collect();
        }
        let entries = fds.iter().zip(&self.targets).zip(&self.slots);
        let sockets = entries.filter_map(|((poll, target), slot)| match target {
            Target::Socket(socket) => Some((poll, socket, slot)),
            _ => None,
        });
        let left: Vec<_> = sockets
            .map(|(poll, socket, slot)| waiters.wait(socket.socket().id, *slot, Ready(poll.events as u16), &waker))
            .collect();
        self.stand = self.watches.is_empty().then(|| waiters.stand(left.len()));
        left
    }

    fn park(&mut self, deadline: Option<Instant>) {
        match self.stand.take() {
            Some(stand) => self.host.park(stand, deadline),
            None => park(deadline),
        }
    }
}

impl Drop for Poller<'_> {
    fn drop(&mut self) {
        let Some(end) = self.end.take() else { return };
        let left: Vec<Left> = self.host.with(|_, waiters| {
            let sockets = self.targets.iter().zip(&self.slots);
            let left = sockets.filter_map(|(target, slot)| match target {
                Target::Socket(socket) => Some(waiters.leave(socket.socket().id, *slot)),
                _ => None,
            });
            let mut left: Vec<_> = left.collect();
            left.push(waiters.cancel(end));
            left
        });
        drop(left);
    }
}

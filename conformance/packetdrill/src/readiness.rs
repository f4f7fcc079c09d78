//! `poll` and `epoll`.

use std::collections::BTreeMap;

use loggia_stack::base::Ready;
use loggia_stack::{Errno, SocketId};

use crate::descriptors::Kind;
use crate::machine::{Machine, Outcome, Patience, World};
use crate::sys;

/// What `epoll_ctl` was told of a descriptor.
#[derive(Clone, Copy, Debug)]
struct Interest {
    events: u32,
    data: u64,
    /// Something changed since it was reported last.
    fresh: bool,
}

/// An epoll instance.
#[derive(Debug, Default)]
pub struct Epoll {
    interests: BTreeMap<i32, Interest>,
}

/// An event of `epoll_wait`: bits and the caller's own data.
pub type Event = (u32, u64);

const ALWAYS: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
/// The bits that name a condition; the others say how it is reported.
const CONDITIONS: u32 = 0x2fff;

impl Epoll {
    /// A closed descriptor leaves every instance.
    pub fn forget(&mut self, fd: i32) {
        self.interests.remove(&fd);
    }

    fn change(&mut self, op: i32, fd: i32, event: Event) -> Result<(), Errno> {
        let known = self.interests.contains_key(&fd);
        match op {
            libc::EPOLL_CTL_ADD if known => return Err(Errno::EEXIST),
            libc::EPOLL_CTL_ADD => {}
            libc::EPOLL_CTL_MOD | libc::EPOLL_CTL_DEL if !known => return Err(Errno::ENOENT),
            libc::EPOLL_CTL_MOD => {}
            libc::EPOLL_CTL_DEL => {
                self.forget(fd);
                return Ok(());
            }
            _ => return Err(Errno::EINVAL),
        }
        self.interests.insert(fd, Interest { events: event.0, data: event.1, fresh: true });
        Ok(())
    }
}

impl World {
    /// Notes which sockets changed, for who wants to be told of changes only.
    fn note_changes(&mut self) {
        let mut changed: Vec<SocketId> = Vec::new();
        while let Some((id, _)) = self.host.stack.next_ready() {
            changed.push(id);
        }
        if changed.is_empty() {
            return;
        }
        let ids: BTreeMap<i32, SocketId> = self.descriptors.sockets().collect();
        for epoll in self.descriptors.epolls() {
            for (fd, interest) in &mut epoll.interests {
                interest.fresh |= ids.get(fd).is_some_and(|id| changed.contains(id));
            }
        }
    }

    fn bits(&self, fd: i32) -> u32 {
        self.descriptors
            .id(fd)
            .map_or(0, |id| u32::from(self.host.stack.readiness(id).unwrap_or(Ready::NONE).0) | normal(self, id))
    }

    /// What an epoll instance has to tell.
    fn epoll_events(&mut self, epfd: i32, most: usize) -> Outcome<Vec<Event>> {
        self.note_changes();
        let watched: Vec<i32> = self.descriptors.epoll(epfd)?.interests.keys().copied().collect();
        let bits: Vec<(i32, u32)> = watched.into_iter().map(|fd| (fd, self.bits(fd))).collect();
        let epoll = self.descriptors.epoll(epfd)?;
        let mut events = Vec::new();
        for (fd, bits) in bits {
            let Some(interest) = epoll.interests.get_mut(&fd) else { continue };
            let seen = bits & (interest.events & CONDITIONS | ALWAYS);
            let edge = interest.events & libc::EPOLLET as u32 != 0;
            let spent = interest.events & CONDITIONS == 0;
            if seen == 0 || spent || (edge && !interest.fresh) || events.len() == most {
                continue;
            }
            interest.fresh = false;
            events.push((seen, interest.data));
            if interest.events & libc::EPOLLONESHOT as u32 != 0 {
                interest.events &= !CONDITIONS;
            }
        }
        if events.is_empty() { Err(Errno::EAGAIN.into()) } else { Ok(events) }
    }
}

/// `POLLRDNORM` and `POLLWRNORM`, which Linux sets with `POLLIN` and `POLLOUT`.
fn normal(world: &World, id: SocketId) -> u32 {
    let ready = world.host.stack.readiness(id).unwrap_or(Ready::NONE);
    let bit = |has: Ready, bit: u32| if ready.contains(has) { bit } else { 0 };
    bit(Ready::IN, 0x40) | bit(Ready::OUT, 0x100)
}

/// Milliseconds of a `poll` as patience.
fn patience(timeout_ms: i32) -> Patience {
    match timeout_ms {
        0 => Patience::None,
        ms if ms < 0 => Patience::Endless,
        ms => Patience::Micros(ms as u64 * 1000),
    }
}

/// Nothing happened in time: no events, not an error.
fn or_nothing<T: Default>(result: Outcome<T>) -> Outcome<T> {
    match result {
        Err(failed) if failed == Errno::EAGAIN.into() => Ok(T::default()),
        result => result,
    }
}

impl Machine {
    /// `poll`: fills what happened; says for how many.
    pub fn poll(&self, fds: &mut [libc::pollfd], timeout_ms: i32) -> Outcome<usize> {
        or_nothing(self.call(patience(timeout_ms), |world| {
            for entry in fds.iter_mut() {
                entry.revents = if world.descriptors.is_ours(entry.fd) {
                    world.bits(entry.fd) as i16 & (entry.events | (libc::POLLERR | libc::POLLHUP))
                } else {
                    sys::kernel::poll_now(entry.fd, entry.events)
                };
            }
            match fds.iter().filter(|entry| entry.revents != 0).count() {
                0 => Err(Errno::EAGAIN.into()),
                count => Ok(count),
            }
        }))
    }

    /// `epoll_create`
    pub fn epoll_create(&self, size: i32) -> Outcome<i32> {
        if size <= 0 {
            return Err(Errno::EINVAL.into());
        }
        self.lock().descriptors.open(Kind::Epoll(Epoll::default()))
    }

    /// `epoll_ctl`
    pub fn epoll_ctl(&self, epfd: i32, op: i32, fd: i32, event: Event) -> Outcome<()> {
        self.call(Patience::None, |world| {
            world.descriptors.id(fd)?;
            Ok(world.descriptors.epoll(epfd)?.change(op, fd, event)?)
        })
    }

    /// `epoll_wait`: at most so many events.
    pub fn epoll_wait(&self, epfd: i32, most: usize, timeout_ms: i32) -> Outcome<Vec<Event>> {
        or_nothing(self.call(patience(timeout_ms), |world| world.epoll_events(epfd, most)))
    }
}

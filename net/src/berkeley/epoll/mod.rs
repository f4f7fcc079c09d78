//! Sets of interests, in the manner of `epoll`.
//!
//! A socket that an interest is in has the interest's waker among its waiters; when it is woken, the interest gets into the queue of its
//! set, where the next wait looks what is there. Whoever polls a set, and a set that it is in, watches this queue in turn.
//!
//! | file | what |
//! |---|---|
//! | `set` | a set, its queue and who waits for it |
//! | `item` | an interest: what it is in, and what is wished |
//! | `nesting` | sets in sets: no circles, and not too deep |

mod item;
mod nesting;
mod set;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use loggia_stack::base::Errno;

use super::numbers::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD};
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::socket::error;

pub(super) use set::{Set, Watch};

/// What is there at a descriptor of a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// `EPOLLIN`, `EPOLLOUT`, …
    pub events: u32,
    /// What was given with the interest.
    pub data: u64,
}

impl Berkeley {
    /// An empty set. `EMFILE`
    pub fn epoll_create(&self) -> io::Result<Fd> {
        let number = self.table.reserve(0)?;
        Ok(number.fill(Entry::Epoll(Set::new(&self.host))))
    }

    /// Adds (`EPOLL_CTL_ADD`), changes (`EPOLL_CTL_MOD`) or removes (`EPOLL_CTL_DEL`) the interest in a socket, or in another set, which is
    /// readable when it has something to tell. `events` may have `EPOLLET` (told once each time something comes) and `EPOLLONESHOT` (told
    /// once, until it is changed) in it. What is closed leaves by itself. `EBADF`, `EEXIST`, `ENOENT`, `EINVAL`, `ELOOP` for sets in a circle
    /// or too deep in each other
    pub fn epoll_ctl(&self, set: Fd, operation: i32, fd: Fd, events: u32, data: u64) -> io::Result<()> {
        let (outer, entry) = (self.table.get(set)?, self.table.get(fd)?);
        let Entry::Epoll(outer) = outer else { return Err(error(Errno::EINVAL)) };
        if matches!(&entry, Entry::Epoll(inner) if Arc::ptr_eq(inner, &outer)) {
            return Err(error(Errno::EINVAL));
        }
        match operation {
            EPOLL_CTL_ADD => outer.add(&self.host, fd, &entry, events, data),
            EPOLL_CTL_MOD => outer.modify(fd, &entry, events, data),
            EPOLL_CTL_DEL => outer.remove(fd, &entry),
            _ => Err(error(Errno::EINVAL)),
        }
    }

    /// Waits until something is there at one of the set, or `timeout` is over; at most `most` events, whose turn comes round.
    /// `EBADF`, `EINVAL`, `ENETDOWN` if the host has ended and nothing will come
    pub fn epoll_wait(&self, set: Fd, most: usize, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        if most == 0 {
            return Err(error(Errno::EINVAL));
        }
        match self.table.get(set)? {
            Entry::Epoll(set) => set.wait(most, timeout),
            Entry::Socket(_) => Err(error(Errno::EINVAL)),
        }
    }
}

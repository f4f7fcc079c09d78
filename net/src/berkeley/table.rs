//! Descriptors.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_stack::base::Errno;

use super::Fd;
use super::epoll::Set;
use crate::blocking::Blocking;
use crate::socket::error;

/// The first descriptor: those before are a program's input and outputs.
const FIRST: usize = 3;
/// Most descriptors, as Linux's `fs.nr_open`.
const LIMIT: usize = 1 << 20;

/// What a descriptor stands for.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Socket(Blocking),
    Epoll(Arc<Set>),
}

/// Descriptors by number, from [`FIRST`] on.
#[derive(Debug, Default)]
pub(super) struct Table(Mutex<Vec<Option<Entry>>>);

impl Table {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `EBADF`
    pub(super) fn get(&self, fd: Fd) -> io::Result<Entry> {
        let place = place(fd)?;
        self.lock().get(place).cloned().flatten().ok_or_else(|| error(Errno::EBADF))
    }

    /// The lowest number that is free, `least` at the lowest. `EMFILE`
    pub(super) fn put(&self, entry: Entry, least: Fd) -> io::Result<Fd> {
        let least = place(least).unwrap_or(0);
        let mut entries = self.lock();
        let free = entries.iter().skip(least).position(Option::is_none).map_or(entries.len().max(least), |at| least + at);
        if free >= LIMIT {
            return Err(error(Errno::EMFILE));
        }
        if free >= entries.len() {
            entries.resize(free + 1, None);
        }
        entries[free] = Some(entry);
        Ok((FIRST + free) as Fd)
    }

    /// Puts it under this number; gives what was there. `EBADF`
    pub(super) fn put_at(&self, entry: Entry, fd: Fd) -> io::Result<Option<Entry>> {
        let place = place(fd).ok().filter(|place| *place < LIMIT).ok_or_else(|| error(Errno::EBADF))?;
        let mut entries = self.lock();
        if place >= entries.len() {
            entries.resize(place + 1, None);
        }
        Ok(entries[place].replace(entry))
    }

    /// Takes it out; it is to be dropped without the lock. `EBADF`
    pub(super) fn take(&self, fd: Fd) -> io::Result<Entry> {
        let place = place(fd)?;
        self.lock().get_mut(place).and_then(Option::take).ok_or_else(|| error(Errno::EBADF))
    }
}

fn place(fd: Fd) -> io::Result<usize> {
    usize::try_from(fd).ok().and_then(|fd| fd.checked_sub(FIRST)).ok_or_else(|| error(Errno::EBADF))
}

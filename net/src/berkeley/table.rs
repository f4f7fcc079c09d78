//! Descriptors.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_stack::base::Errno;

use super::Fd;
use super::epoll::Set;
use crate::blocking::Blocking;
use crate::socket::error;

/// The first descriptor: those before are a program's input and outputs.
const FIRST: usize = 3;
/// Most descriptors unless said, as Linux's `fs.nr_open`.
pub(super) const LIMIT: usize = 1 << 20;

/// What a descriptor stands for.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Socket(Blocking),
    Epoll(Arc<Set>),
}

/// A number.
#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    Free,
    /// Whoever has it will put something there: what is made is not lost because no number is left for it.
    Reserved,
    Taken(Entry),
}

impl Place {
    fn entry(&self) -> Option<&Entry> {
        if let Self::Taken(entry) = self { Some(entry) } else { None }
    }

    fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }
}

/// Descriptors by number, from [`FIRST`] on.
#[derive(Debug)]
pub(super) struct Table {
    numbers: Mutex<Numbers>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Numbers {
    places: Vec<Place>,
    /// Those of them that are free: the lowest is found at once, however many are taken.
    free: BTreeSet<usize>,
}

impl Numbers {
    /// The lowest free place, `least` at the lowest.
    fn free(&self, least: usize) -> usize {
        self.free.range(least..).next().copied().unwrap_or(self.places.len().max(least))
    }

    /// Puts something there; gives what was.
    fn put(&mut self, place: usize, what: Place) -> Place {
        if place >= self.places.len() {
            self.free.extend(self.places.len()..=place);
            self.places.resize(place + 1, Place::Free);
        }
        if what.is_free() {
            self.free.insert(place);
        } else {
            self.free.remove(&place);
        }
        std::mem::replace(&mut self.places[place], what)
    }
}

impl Table {
    /// Numbers go up to `limit`, and not including it.
    pub(super) fn new(limit: usize) -> Self {
        Self { numbers: Mutex::default(), limit: limit.min(LIMIT).saturating_sub(FIRST) }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `EBADF`
    pub(super) fn get(&self, fd: Fd) -> io::Result<Entry> {
        let place = place(fd)?;
        self.lock().places.get(place).and_then(Place::entry).cloned().ok_or_else(|| error(Errno::EBADF))
    }

    /// Sets the lowest number aside that is free, `least` at the lowest. `EMFILE`
    pub(super) fn reserve(&self, least: Fd) -> io::Result<Reserved<'_>> {
        let least = place(least).unwrap_or(0);
        let mut numbers = self.lock();
        let free = numbers.free(least);
        if free >= self.limit {
            return Err(error(Errno::EMFILE));
        }
        numbers.put(free, Place::Reserved);
        Ok(Reserved { table: self, place: Some(free) })
    }

    /// Puts it under the lowest number that is free. `EMFILE`
    pub(super) fn put(&self, entry: Entry) -> io::Result<Fd> {
        self.reserve(0).map(|reserved| reserved.fill(entry))
    }

    /// Another number for what a descriptor stands for, `least` at the lowest. `EINVAL` where no number can be, `EMFILE`
    pub(super) fn duplicate(&self, entry: Entry, least: Fd) -> io::Result<Fd> {
        if least < 0 || place(least).is_ok_and(|place| place >= self.limit) {
            return Err(error(Errno::EINVAL));
        }
        self.reserve(least).map(|reserved| reserved.fill(entry))
    }

    /// Puts it under this number; gives what was there. `EBADF`, `EBUSY` for a number that somebody is about to give out
    pub(super) fn put_at(&self, entry: Entry, fd: Fd) -> io::Result<Option<Entry>> {
        let place = place(fd).ok().filter(|place| *place < self.limit).ok_or_else(|| error(Errno::EBADF))?;
        let mut numbers = self.lock();
        if let Some(Place::Reserved) = numbers.places.get(place) {
            return Err(error(Errno::EBUSY));
        }
        let Place::Taken(before) = numbers.put(place, Place::Taken(entry)) else { return Ok(None) };
        Ok(Some(before))
    }

    /// Takes it out; it is to be dropped without the lock. `EBADF`
    pub(super) fn take(&self, fd: Fd) -> io::Result<Entry> {
        let place = place(fd)?;
        let mut numbers = self.lock();
        if numbers.places.get(place).and_then(Place::entry).is_none() {
            return Err(error(Errno::EBADF));
        }
        let Place::Taken(entry) = numbers.put(place, Place::Free) else { return Err(error(Errno::EBADF)) };
        Ok(entry)
    }
}

/// A number that was set aside; free again if it is dropped.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    table: &'a Table,
    place: Option<usize>,
}

impl Reserved<'_> {
    pub(super) fn fill(mut self, entry: Entry) -> Fd {
        let place = self.place.take().expect("it is filled once");
        self.table.lock().put(place, Place::Taken(entry));
        (FIRST + place) as Fd
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.table.lock().put(place, Place::Free);
        }
    }
}

fn place(fd: Fd) -> io::Result<usize> {
    usize::try_from(fd).ok().and_then(|fd| fd.checked_sub(FIRST)).ok_or_else(|| error(Errno::EBADF))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in some order that is the same each time.
    fn some(below: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(1usize), |last| Some(last.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1)))
            .map(move |number| (number >> 33) % below)
    }

    #[test]
    fn the_lowest_is_given_whatever_was_given_back() {
        let (mut numbers, mut taken) = (Numbers::default(), BTreeSet::new());
        for (step, number) in some(60).take(5000).enumerate() {
            if step % 2 == 0 {
                let lowest = (number / 3..=5000).find(|place| !taken.contains(place)).expect("there is one");
                assert_eq!(numbers.free(number / 3), lowest);
                numbers.put(lowest, Place::Reserved);
                taken.insert(lowest);
            } else {
                let was = numbers.places.get(number).is_some_and(|place| !place.is_free());
                assert_eq!(was, taken.remove(&number));
                numbers.put(number, Place::Free);
            }
        }
    }
}

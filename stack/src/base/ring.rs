//! A queue whose entries are made and emptied where they lie.

use alloc::vec::Vec;

/// A queue in a ring of places. An entry of more than a few words that is made elsewhere and moved is slow: what was just written in
/// small pieces is waited for when it is read in large ones. So whoever queues gets the place to write to, and whoever takes reads it there.
/// An empty queue owns no memory until the first entry comes.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    /// A power of two of them, or none.
    places: Vec<T>,
    first: usize,
    len: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { places: Vec::new(), first: 0, len: 0 }
    }
}

impl<T: Default> Ring<T> {
    /// How many entries wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if none waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many entries there is memory for.
    pub const fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Queues an entry; gives its place, in which is what the entry before left there.
    #[inline]
    pub fn push(&mut self) -> &mut T {
        if self.len == self.places.len() {
            self.grow();
        }
        let at = self.place(self.len);
        self.len += 1;
        &mut self.places[at]
    }

    #[cold]
    fn grow(&mut self) {
        self.places.rotate_left(self.first);
        self.first = 0;
        self.places.resize_with((self.places.len() * 2).max(4), T::default);
    }

    /// The place of the entry with so many before it.
    #[inline]
    const fn place(&self, before: usize) -> usize {
        (self.first + before) & self.places.len().wrapping_sub(1)
    }

    /// The oldest entry.
    #[inline]
    pub fn front(&self) -> Option<&T> {
        if self.len == 0 { None } else { self.places.get(self.first) }
    }

    /// The oldest entry, to be changed.
    #[inline]
    pub fn front_mut(&mut self) -> Option<&mut T> {
        if self.len == 0 { None } else { self.places.get_mut(self.first) }
    }

    /// The entry that was queued last, to be changed.
    #[inline]
    pub fn back_mut(&mut self) -> Option<&mut T> {
        let at = self.place(self.len.checked_sub(1)?);
        self.places.get_mut(at)
    }

    /// All entries, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).map(|before| &self.places[self.place(before)])
    }

    /// Leaves the oldest entry, if there is one; its place keeps what is still in it.
    #[inline]
    pub fn leave(&mut self) {
        if self.len > 0 {
            self.first = self.place(1);
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::string::{String, ToString};

    use super::*;
    use crate::base::{Entropy, Seed};

    /// Against a queue of the standard library, with phases in which it grows and shrinks.
    #[test]
    fn entries_come_in_order_whatever_the_ring_went_through() {
        let mut entropy = Entropy::new(Seed::from(1));
        let (mut ring, mut model) = (Ring::<String>::default(), VecDeque::new());
        for step in 0..20_000u32 {
            let pushes = entropy.below(100) < if step / 500 % 2 == 0 { 60 } else { 40 };
            if pushes {
                *ring.push() = step.to_string();
                model.push_back(step.to_string());
            } else {
                assert_eq!(ring.front_mut().map(core::mem::take), model.pop_front());
                ring.leave();
            }
            assert_eq!((ring.front(), ring.len(), ring.is_empty()), (model.front(), model.len(), model.is_empty()));
            assert_eq!(ring.back_mut(), model.back_mut());
            assert!(step % 100 > 0 || ring.iter().eq(&model));
        }
        assert!(ring.capacity().is_power_of_two() && ring.capacity() >= 64, "{}", ring.capacity());
    }

    #[test]
    fn an_empty_ring_owns_nothing() {
        let mut ring = Ring::<u64>::default();
        ring.leave();
        assert_eq!((ring.capacity(), ring.front(), ring.len()), (0, None, 0));
    }
}

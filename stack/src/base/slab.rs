//! A paged slab: stable indices, pages that never move, so that the millionth entry costs what the first did.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

const PAGE: usize = 128;

/// Names an entry for as long as it lives. A key of an entry that is gone names nothing, also after its place is taken again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    index: u32,
    /// One more than how many entries had the place before, so that an optional key takes no more room.
    generation: NonZeroU32,
}

impl Key {
    /// The entry's place; unique among the living.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Both halves in one number, for those who must keep a key as an integer.
    pub const fn to_bits(self) -> u64 {
        (self.predecessors() as u64) << 32 | self.index as u64
    }

    /// The reverse of [`Key::to_bits`].
    pub const fn from_bits(bits: u64) -> Self {
        Self { index: bits as u32, generation: NonZeroU32::MIN.saturating_add((bits >> 32) as u32) }
    }

    /// How many entries had the place before.
    const fn predecessors(self) -> u32 {
        self.generation.get() - 1
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.index, self.predecessors())
    }
}

#[derive(Debug)]
struct Entry<T> {
    generation: NonZeroU32,
    next_free: u32,
    value: Option<T>,
}

/// Entries by [`Key`].
#[derive(Debug)]
pub struct Slab<T> {
    pages: Vec<Vec<Entry<T>>>,
    free: u32,
    len: usize,
}

const NONE: u32 = u32::MAX;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slab<T> {
    /// An empty slab; owns no memory.
    pub const fn new() -> Self {
        Self { pages: Vec::new(), free: NONE, len: 0 }
    }

    /// How many entries live.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if none lives.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    fn entry(&self, index: u32) -> Option<&Entry<T>> {
        self.pages.get(index as usize / PAGE)?.get(index as usize % PAGE)
    }

    #[inline(always)]
    fn entry_mut(&mut self, index: u32) -> Option<&mut Entry<T>> {
        self.pages.get_mut(index as usize / PAGE)?.get_mut(index as usize % PAGE)
    }

    /// Adds an entry.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> Key {
        let (key, place) = self.occupy();
        *place = Some(value);
        key
    }

    /// Adds an entry that may contain its own key.
    #[inline]
    pub fn insert_with(&mut self, value: impl FnOnce(Key) -> T) -> Key {
        let (key, place) = self.occupy();
        *place = Some(value(key));
        key
    }

    /// A place for a new entry, to be put there at once.
    #[inline(always)]
    fn occupy(&mut self) -> (Key, &mut Option<T>) {
        if self.free == NONE {
            self.grow();
        }
        let index = self.free;
        let entry = self.pages.get_mut(index as usize / PAGE).and_then(|page| page.get_mut(index as usize % PAGE));
        let entry = entry.expect("the free list names a place");
        self.free = entry.next_free;
        self.len += 1;
        (Key { index, generation: entry.generation }, &mut entry.value)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let full = self.pages.last().is_none_or(|page| page.len() == PAGE);
        if full {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let page_number = self.pages.len() - 1;
        let page = &mut self.pages[page_number];
        let index = (page_number * PAGE + page.len()) as u32;
        page.push(Entry { generation: NonZeroU32::MIN, next_free: NONE, value: None });
        self.free = index;
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.vacate(key)?.take()
    }

    /// Drops an entry where it is; says if it lived.
    pub fn discard(&mut self, key: Key) -> bool {
        self.vacate(key).map(|place| *place = None).is_some()
    }

    /// The place of an entry that is about to be taken out.
    fn vacate(&mut self, key: Key) -> Option<&mut Option<T>> {
        let free = self.free;
        let entry = self.pages.get_mut(key.index as usize / PAGE)?.get_mut(key.index as usize % PAGE)?;
        if entry.generation != key.generation || entry.value.is_none() {
            return None;
        }
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        entry.next_free = free;
        self.free = key.index;
        self.len -= 1;
        Some(&mut entry.value)
    }

    /// The entry, if it lives.
    #[inline(always)]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.entry(key.index).filter(|entry| entry.generation == key.generation)?.value.as_ref()
    }

    /// The entry, if it lives.
    #[inline(always)]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.entry_mut(key.index).filter(|entry| entry.generation == key.generation)?.value.as_mut()
    }

    /// True if the entry lives.
    pub fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// The key of whatever lives at `index`.
    pub fn key_at(&self, index: u32) -> Option<Key> {
        self.entry(index).filter(|entry| entry.value.is_some()).map(|entry| Key { index, generation: entry.generation })
    }

    /// All entries in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.pages.iter().flatten().enumerate().filter_map(|(index, entry)| {
            let key = Key { index: index as u32, generation: entry.generation };
            entry.value.as_ref().map(|value| (key, value))
        })
    }

    /// All keys in the order of their places.
    pub fn keys(&self) -> Vec<Key> {
        self.iter().map(|(key, _)| key).collect()
    }
}

impl<T> core::ops::Index<Key> for Slab<T> {
    type Output = T;
    /// # Panics
    /// If the entry is gone: a bug in whoever kept the key.
    #[inline(always)]
    fn index(&self, key: Key) -> &T {
        self.get(key).expect("a key of a living entry")
    }
}

impl<T> core::ops::IndexMut<Key> for Slab<T> {
    /// # Panics
    /// If the entry is gone: a bug in whoever kept the key.
    #[inline(always)]
    fn index_mut(&mut self, key: Key) -> &mut T {
        self.get_mut(key).expect("a key of a living entry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_dies_with_its_entry() {
        let mut slab = Slab::new();
        let a = slab.insert('a');
        assert_eq!(slab.remove(a), Some('a'));
        let b = slab.insert('b');
        assert_eq!(a.index(), b.index());
        assert_eq!(slab.get(a), None);
        assert_eq!(slab.remove(a), None);
        assert!(!slab.discard(a));
        assert_eq!(slab[b], 'b');
        assert_eq!((Key::from_bits(a.to_bits()), Key::from_bits(b.to_bits())), (a, b));
        assert_eq!((a.to_bits(), b.to_bits()), (0, 1 << 32));
        assert_eq!(size_of::<Option<Key>>(), size_of::<Key>());
        assert!(slab.discard(b) && slab.get(b).is_none() && slab.is_empty());
    }

    #[test]
    fn thousands_of_entries_keep_their_places() {
        let mut slab = Slab::new();
        let keys: Vec<Key> = (0..1000).map(|n| slab.insert(n)).collect();
        for &key in keys.iter().step_by(2) {
            slab.remove(key);
        }
        assert_eq!(slab.len(), 500);
        assert!(slab.iter().map(|(_, n)| *n).eq((0..1000).filter(|n| n % 2 == 1)));
    }
}

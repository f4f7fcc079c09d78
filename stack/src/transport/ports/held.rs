//! Ports that connections hold: eight bytes a port, however many connections hold it.
//!
//! Those that hold a port are nearly always of one kind; then its entry says which, and how many they are. Kinds are few, one for each local
//! address and set of options in use, and are kept once, under a number.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Holder;
use super::kinds::Kinds;
use crate::base::{Entropy, Slab};

const PAGE: usize = 256;

/// The table.
#[derive(Debug)]
pub(super) struct Held {
    /// Up to the page of the highest port that was ever held.
    pages: Vec<Option<Box<Page>>>,
    /// The page that became empty last: a port that is held by turns does not ask for memory each time.
    spare: Option<Box<Page>>,
    /// The holders of ports that are held by several kinds.
    several: Slab<Vec<Group>>,
    kinds: Kinds,
}

#[derive(Debug)]
struct Page {
    used: u16,
    entries: [Packed; PAGE],
}

/// An [`Entry`] in eight bytes: kind and count; nobody is a count of 0, a list the kind [`SEVERAL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Packed(u32, u32);

const NOBODY: Packed = Packed(0, 0);
const SEVERAL: u32 = u32::MAX;

/// So many connections of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Group {
    kind: u32,
    count: u32,
}

/// Who holds a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entry {
    Nobody,
    One(Group),
    /// A place among the lists.
    Several(u32),
}

impl From<Entry> for Packed {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Nobody => NOBODY,
            Entry::One(Group { kind, count }) => Self(kind, count),
            Entry::Several(list) => Self(SEVERAL, list + 1),
        }
    }
}

impl From<Packed> for Entry {
    fn from(packed: Packed) -> Self {
        match packed {
            NOBODY => Self::Nobody,
            Packed(SEVERAL, list) => Self::Several(list - 1),
            Packed(kind, count) => Self::One(Group { kind, count }),
        }
    }
}

impl Page {
    #[cold] // The one that was left last is kept.
    #[inline(never)]
    fn fresh() -> Box<Self> {
        Box::new(Self { used: 0, entries: [NOBODY; PAGE] })
    }
}

impl Held {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { pages: Vec::new(), spare: None, several: Slab::new(), kinds: Kinds::new(entropy) }
    }

    /// One more connection holds a port.
    pub(super) fn hold(&mut self, port: u16, holder: &Holder) {
        let kind = self.kinds.number(holder);
        let (number, place) = place_of(port);
        if number >= self.pages.len() {
            self.pages.resize_with(number + 1, || None);
        }
        let page = self.pages[number].get_or_insert_with(|| self.spare.take().unwrap_or_else(Page::fresh));
        match &mut page.entries[place] {
            nobody if *nobody == NOBODY => {
                *nobody = Packed(kind, 1);
                page.used += 1;
                self.kinds.add_user(kind);
            }
            Packed(same, count) if *same == kind => *count = count.saturating_add(1),
            held => {
                let held = Entry::from(*held);
                self.hold_beside(port, held, Group { kind, count: 1 });
            }
        }
    }

    /// Another kind holds it already, or several do.
    #[cold]
    #[inline(never)]
    fn hold_beside(&mut self, port: u16, held: Entry, new: Group) {
        match held {
            Entry::One(group) => {
                self.kinds.add_user(new.kind);
                let list = self.several.insert(alloc::vec![group, new]).index();
                self.change(port, Entry::Several(list));
            }
            Entry::Several(list) => self.hold_among(list, new),
            Entry::Nobody => {}
        }
    }

    fn hold_among(&mut self, list: u32, new: Group) {
        let Some(groups) = self.several.key_at(list).and_then(|key| self.several.get_mut(key)) else { return };
        match groups.iter_mut().find(|group| group.kind == new.kind) {
            Some(group) => group.count = group.count.saturating_add(1),
            None => {
                groups.push(new);
                self.kinds.add_user(new.kind);
            }
        }
    }

    /// One connection of a kind holds it no more.
    #[inline(always)]
    pub(super) fn release(&mut self, port: u16, holder: &Holder) {
        let Some(kind) = self.kinds.find(holder) else { return };
        let (number, place) = place_of(port);
        let Some(page) = self.pages.get_mut(number).and_then(Option::as_deref_mut) else { return };
        match &mut page.entries[place] {
            nobody if *nobody == NOBODY => {}
            Packed(same, count) if *same == kind && *count > 1 => *count -= 1,
            last @ Packed(..) if *last == Packed(kind, 1) => {
                *last = NOBODY;
                page.used -= 1;
                if page.used == 0 {
                    self.spare = self.pages[number].take();
                }
                self.kinds.remove_user(kind);
            }
            Packed(SEVERAL, list) => {
                let list = *list - 1;
                self.release_among(port, list, kind);
            }
            Packed(..) => {}
        }
    }

    #[cold]
    #[inline(never)]
    fn release_among(&mut self, port: u16, list: u32, kind: u32) {
        let Some(key) = self.several.key_at(list) else { return };
        let groups = &mut self.several[key];
        let Some(place) = groups.iter().position(|group| group.kind == kind) else { return };
        groups[place].count -= 1;
        if groups[place].count > 0 {
            return;
        }
        groups.swap_remove(place);
        self.kinds.remove_user(kind);
        if let [last] = groups[..] {
            self.several.remove(key);
            self.change(port, Entry::One(last));
        }
    }

    /// True if one of the kinds that hold a port is such.
    pub(super) fn any(&self, port: u16, is_such: impl Fn(&Holder) -> bool) -> bool {
        let such = |group: &Group| self.kinds.get(group.kind).is_some_and(&is_such);
        match self.get(port) {
            Entry::Nobody => false,
            Entry::One(group) => such(&group),
            Entry::Several(list) => self.several.key_at(list).is_some_and(|key| self.several[key].iter().any(such)),
        }
    }

    /// How many kinds hold a port.
    #[cfg(test)]
    pub(super) fn kinds_of(&self, port: u16) -> usize {
        match self.get(port) {
            Entry::Nobody => 0,
            Entry::One(_) => 1,
            Entry::Several(list) => self.several.key_at(list).map_or(0, |key| self.several[key].len()),
        }
    }

    /// Nothing is held, and no memory by it but a spare page.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pages.iter().all(Option::is_none) && self.several.is_empty() && self.kinds.is_empty()
    }

    fn get(&self, port: u16) -> Entry {
        let (number, place) = place_of(port);
        let page = self.pages.get(number).and_then(Option::as_deref);
        page.map_or(Entry::Nobody, |page| page.entries[place].into())
    }

    /// Somebody holds a port, and still does.
    fn change(&mut self, port: u16, entry: Entry) {
        let (number, place) = place_of(port);
        if let Some(page) = self.pages.get_mut(number).and_then(Option::as_deref_mut) {
            page.entries[place] = entry.into();
        }
    }
}

/// The number of a port's page, and its place there.
fn place_of(port: u16) -> (usize, usize) {
    (usize::from(port) / PAGE, usize::from(port) % PAGE)
}

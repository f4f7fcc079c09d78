//! Neighbours by address: a keyed hash table over a slab, with lists in the order of use.

use hashbrown::HashTable;

use super::entry::Entry;
use super::state::NeighbourState;
use crate::base::{Addr, Entropy, HashKey, Key, LinkId, Slab};

/// How many neighbours are kept (Linux's `gc_thresh3`).
pub(super) const ENTRIES: usize = 1024;

/// By what entries compete for room. Each class may push out only its own once it holds half of the table: neither a scan that
/// makes us ask for thousands of absent neighbours nor a flood of forged requests empties the other half.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Unresolved,
    Resolved,
    /// Never pushed out.
    Pinned,
}

impl Class {
    fn of(state: NeighbourState) -> Self {
        match state {
            NeighbourState::Permanent => Self::Pinned,
            state if state.is_resolved() => Self::Resolved,
            _ => Self::Unresolved,
        }
    }
}

#[derive(Debug)]
struct Node {
    entry: Entry,
    class: Class,
    older: Option<Key>,
    newer: Option<Key>,
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    oldest: Option<Key>,
    newest: Option<Key>,
    len: usize,
}

/// How many neighbours are found again without a look into the index.
const FOUND: usize = 16;

/// The cache of all links.
#[derive(Debug)]
pub(crate) struct Table {
    hash: HashKey,
    index: HashTable<(u64, Key)>,
    /// Who was found last of those whose addresses end alike.
    found: [Option<Key>; FOUND],
    nodes: Slab<Node>,
    lists: [List; 3],
    limit: usize,
    /// Bytes of all packets that wait.
    pub(super) waiting_bytes: usize,
}

impl Table {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self {
            hash: entropy.key("neighbour"),
            index: HashTable::new(),
            found: [None; FOUND],
            nodes: Slab::new(),
            lists: [List::default(); 3],
            limit: ENTRIES,
            waiting_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn hash(&self, link: LinkId, addr: Addr) -> u64 {
        self.hash.quick(addr, u64::from(link.0))
    }

    #[inline]
    pub(super) fn find(&self, link: LinkId, addr: Addr) -> Option<Key> {
        // Links of plain IP have no neighbours.
        if self.index.is_empty() { None } else { self.find_hashed(link, addr) }
    }

    fn find_hashed(&self, link: LinkId, addr: Addr) -> Option<Key> {
        self.index.find(self.hash(link, addr), |(_, key)| self.is_of(*key, link, addr)).map(|(_, key)| *key)
    }

    /// As [`Table::find`], for whoever asks for the same few again and again.
    #[inline]
    pub(super) fn find_again(&mut self, link: LinkId, addr: Addr) -> Option<Key> {
        if self.index.is_empty() {
            return None;
        }
        let place = usize::from(addr.octets()[15]) % FOUND;
        match self.found[place] {
            Some(key) if self.is_of(key, link, addr) => Some(key),
            _ => {
                self.found[place] = self.find(link, addr);
                self.found[place]
            }
        }
    }

    /// True if this is the key of a living entry, that of this neighbour.
    fn is_of(&self, key: Key, link: LinkId, addr: Addr) -> bool {
        self.nodes.get(key).is_some_and(|node| node.entry.addr == addr && node.entry.link == link)
    }

    pub(super) fn get(&self, key: Key) -> &Entry {
        &self.nodes[key].entry
    }

    pub(super) fn get_mut(&mut self, key: Key) -> &mut Entry {
        &mut self.nodes[key].entry
    }

    /// The entry at a place, for timers.
    pub(super) fn key_at(&self, index: u32) -> Option<Key> {
        self.nodes.key_at(index)
    }

    /// Who must go before a neighbour in this state can be added: `Ok(None)` if there is room, `Err` if nobody can go.
    pub(super) fn victim(&self, state: NeighbourState) -> Result<Option<Key>, ()> {
        let list = |class: Class| &self.lists[class as usize];
        let (unresolved, resolved) = (list(Class::Unresolved), list(Class::Resolved));
        let crowded = |list: &List| list.len >= self.limit / 2;
        if Class::of(state) == Class::Unresolved && crowded(unresolved) {
            return Ok(unresolved.oldest);
        }
        if self.nodes.len() < self.limit {
            return Ok(None);
        }
        let victim = if crowded(resolved) { resolved.oldest } else { unresolved.oldest.or(resolved.oldest) };
        victim.map(Some).ok_or(())
    }

    /// Adds an entry that is not there yet, as the most recently used one of its class.
    pub(super) fn insert(&mut self, entry: Entry) -> Key {
        let hash = self.hash(entry.link, entry.addr);
        let class = Class::of(entry.kept_state());
        let key = self.nodes.insert(Node { entry, class, older: None, newer: None });
        self.index.insert_unique(hash, (hash, key), |(hash, _)| *hash);
        self.attach(key);
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Entry {
        self.detach(key);
        let node = self.nodes.remove(key).expect("a key of a living entry");
        let hash = self.hash(node.entry.link, node.entry.addr);
        if let Ok(found) = self.index.find_entry(hash, |(_, other)| *other == key) {
            found.remove();
        }
        node.entry
    }

    /// Makes an entry the most recently used one of its class.
    pub(super) fn touch(&mut self, key: Key) {
        let class = self.nodes[key].class;
        if self.lists[class as usize].newest != Some(key) {
            self.detach(key);
            self.attach(key);
        }
    }

    /// Sets an entry's state.
    pub(super) fn set_state(&mut self, key: Key, state: NeighbourState) {
        let node = &mut self.nodes[key];
        node.entry.set_state(state);
        if Class::of(state) != node.class {
            self.detach(key);
            self.nodes[key].class = Class::of(state);
            self.attach(key);
        }
    }

    /// All entries in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.nodes.iter().map(|(key, node)| (key, &node.entry))
    }

    fn attach(&mut self, key: Key) {
        let list = &mut self.lists[self.nodes[key].class as usize];
        let older = list.newest.replace(key);
        list.oldest = list.oldest.or(Some(key));
        list.len += 1;
        self.nodes[key].older = older;
        self.nodes[key].newer = None;
        if let Some(older) = older {
            self.nodes[older].newer = Some(key);
        }
    }

    fn detach(&mut self, key: Key) {
        let Node { class, older, newer, .. } = self.nodes[key];
        let list = &mut self.lists[class as usize];
        list.len -= 1;
        match older {
            Some(older) => self.nodes[older].newer = newer,
            None => list.oldest = newer,
        }
        let list = &mut self.lists[class as usize];
        match newer {
            Some(newer) => self.nodes[newer].older = older,
            None => list.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Instant;
    use NeighbourState::{Incomplete, Permanent, Stale};

    fn addr(n: u32) -> Addr {
        Addr::from_v4((0x0a00_0000 + n).to_be_bytes())
    }

    fn table(limit: usize) -> Table {
        let mut table = Table::new(&Entropy::new(7.into()));
        table.limit = limit;
        table
    }

    fn fill(table: &mut Table, numbers: core::ops::Range<u32>, state: NeighbourState) {
        numbers.for_each(|n| assert!(add(table, n, state).is_ok()));
    }

    fn add(table: &mut Table, n: u32, state: NeighbourState) -> Result<Key, ()> {
        if let Some(victim) = table.victim(state)? {
            table.remove(victim);
        }
        Ok(table.insert(Entry::new(LinkId(1), addr(n), state, Instant::EPOCH)))
    }

    #[test]
    fn the_least_recently_used_one_goes() {
        let mut table = table(4);
        let keys: alloc::vec::Vec<Key> = (0..4).map(|n| add(&mut table, n, Stale).unwrap()).collect();
        table.touch(keys[0]);
        add(&mut table, 9, Stale).unwrap();
        let there = |n| table.find(LinkId(1), addr(n)).is_some();
        assert_eq!([0, 1, 2, 3, 9].map(there), [true, false, true, true, true]);
        assert!(table.find(LinkId(2), addr(0)).is_none(), "another link, another neighbour");
    }

    #[test]
    fn a_scan_of_absent_neighbours_leaves_the_present_ones() {
        let mut table = table(8);
        fill(&mut table, 0..4, Stale);
        fill(&mut table, 100..200, Incomplete);
        assert_eq!(table.len(), 8);
        assert!((0..4).all(|n| table.find(LinkId(1), addr(n)).is_some()));
        fill(&mut table, 300..400, Stale);
        assert_eq!(table.len(), 8);
        assert_eq!(table.lists[Class::Unresolved as usize].len, 4, "nor does a flood of claims end our questions");
    }

    #[test]
    fn permanent_ones_never_go() {
        let mut table = table(4);
        fill(&mut table, 0..4, Permanent);
        assert_eq!(add(&mut table, 9, Stale), Err(()));
        assert_eq!(add(&mut table, 9, Incomplete), Err(()));
    }

    #[test]
    fn lists_and_index_agree_after_anything() {
        let mut entropy = Entropy::new(11.into());
        let mut table = table(16);
        for _ in 0..5000 {
            let (n, state) = (entropy.below(40), [Incomplete, Stale, Permanent][entropy.below(3) as usize]);
            match (table.find(LinkId(1), addr(n)), entropy.below(4)) {
                (Some(key), 0) => drop(table.remove(key)),
                (Some(key), 1) => table.touch(key),
                (Some(key), _) => table.set_state(key, state),
                (None, _) => _ = add(&mut table, n, state),
            }
            assert!(table.len() <= 16);
            assert_eq!(table.lists.iter().map(|list| list.len).sum::<usize>(), table.len());
            assert_eq!(table.index.len(), table.len());
            for list in &table.lists {
                let mut seen = 0;
                let (mut at, mut last) = (list.oldest, None);
                while let Some(key) = at {
                    (seen, last, at) = (seen + 1, at, table.nodes[key].newer);
                }
                assert_eq!((seen, last), (list.len, list.newest));
            }
        }
    }
}

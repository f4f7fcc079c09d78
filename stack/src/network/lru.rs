//! A bounded map: when it is full, what was used longest ago goes. For whatever a remote peer can make us remember.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;

use crate::base::HashKey;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Node<K, V> {
    key: K,
    value: V,
    newer: u32,
    older: u32,
}

/// At most `capacity` values by key.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    hash: HashKey,
    capacity: usize,
    table: HashTable<u32>,
    nodes: Vec<Node<K, V>>,
    newest: u32,
    oldest: u32,
}

impl<K: Hash + Eq + Copy, V> Lru<K, V> {
    /// An empty map; owns no memory.
    pub(crate) const fn new(hash: HashKey, capacity: usize) -> Self {
        Self { hash, capacity, table: HashTable::new(), nodes: Vec::new(), newest: NONE, oldest: NONE }
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.hash, self.capacity);
    }

    /// The value, without marking it as used.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.find(key).map(|index| &self.nodes[index as usize].value)
    }

    /// The value, marked as used just now; made by `make` if there was none.
    pub(crate) fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let index = match self.find(&key) {
            Some(index) => {
                self.unlink(index);
                index
            }
            None => self.place(key, make()),
        };
        self.link(index);
        &mut self.nodes[index as usize].value
    }

    /// Sets a value and marks it as used just now.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Some(index) = self.find(&key) {
            self.unlink(index);
            self.nodes[index as usize].value = value;
            self.link(index);
        } else {
            let index = self.place(key, value);
            self.link(index);
        }
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let index = self.find(key)?;
        self.forget(index);
        self.unlink(index);
        let last = self.nodes.len() as u32 - 1;
        if index != last {
            self.rename(last, index);
        }
        Some(self.nodes.swap_remove(index as usize).value)
    }

    /// Keeps only what `keep` says, looking at all from the oldest to the newest.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let mut gone = Vec::new();
        let mut index = self.oldest;
        while let Some(node) = self.nodes.get(index as usize) {
            if !keep(&node.key, &node.value) {
                gone.push(node.key);
            }
            index = node.newer;
        }
        for key in gone {
            self.remove(&key);
        }
    }

    fn hash_of(hash: HashKey, key: &K) -> u64 {
        let mut hasher = hash.hasher();
        key.hash(&mut hasher);
        hasher.finish()
    }

    fn find(&self, key: &K) -> Option<u32> {
        if self.nodes.is_empty() {
            return None;
        }
        self.table.find(Self::hash_of(self.hash, key), |&index| self.nodes[index as usize].key == *key).copied()
    }

    /// Puts a new key into a node that is not linked: a fresh one, or that of the oldest.
    fn place(&mut self, key: K, value: V) -> u32 {
        let node = Node { key, value, newer: NONE, older: NONE };
        let index = if self.nodes.len() < self.capacity {
            self.nodes.push(node);
            self.nodes.len() as u32 - 1
        } else {
            let index = self.oldest;
            self.forget(index);
            self.unlink(index);
            self.nodes[index as usize] = node;
            index
        };
        let (hash, nodes) = (self.hash, &self.nodes);
        let rehash = |&index: &u32| Self::hash_of(hash, &nodes[index as usize].key);
        self.table.insert_unique(Self::hash_of(hash, &key), index, rehash);
        index
    }

    fn forget(&mut self, index: u32) {
        let hash = Self::hash_of(self.hash, &self.nodes[index as usize].key);
        if let Ok(entry) = self.table.find_entry(hash, |&at| at == index) {
            entry.remove();
        }
    }

    /// Lets everything that names node `from` name `to` instead.
    fn rename(&mut self, from: u32, to: u32) {
        let hash = Self::hash_of(self.hash, &self.nodes[from as usize].key);
        if let Some(index) = self.table.find_mut(hash, |&at| at == from) {
            *index = to;
        }
        let Node { newer, older, .. } = self.nodes[from as usize];
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = to,
            None => self.newest = to,
        }
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = to,
            None => self.oldest = to,
        }
    }

    fn link(&mut self, index: u32) {
        let older = core::mem::replace(&mut self.newest, index);
        let node = &mut self.nodes[index as usize];
        (node.newer, node.older) = (NONE, older);
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = index,
            None => self.oldest = index,
        }
    }

    fn unlink(&mut self, index: u32) {
        let Node { newer, older, .. } = self.nodes[index as usize];
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    fn map(capacity: usize) -> Lru<u32, u32> {
        Lru::new(Entropy::new(1.into()).key("test"), capacity)
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut map = map(3);
        (0..3).for_each(|key| map.insert(key, key * 10));
        assert_eq!(*map.get_or_insert(0, || 99), 0);
        map.insert(7, 70);
        assert_eq!(map.get(&1), None);
        assert_eq!([map.get(&0), map.get(&2), map.get(&7)], [Some(&0), Some(&20), Some(&70)]);
    }

    #[test]
    fn it_does_what_a_list_does() {
        for seed in 0..20u64 {
            let mut random = Entropy::new(seed.into());
            let mut map = map(16);
            let mut model: Vec<(u32, u32)> = Vec::new();
            for step in 0..2000 {
                let key = random.below(40);
                match random.below(8) {
                    0 => {
                        let at = model.iter().position(|entry| entry.0 == key);
                        assert_eq!(map.remove(&key), at.map(|at| model.remove(at).1), "seed {seed}");
                    }
                    1 if step % 50 == 0 => {
                        map.retain(|key, _| key % 3 != 0);
                        model.retain(|entry| entry.0 % 3 != 0);
                    }
                    _ => {
                        model.retain(|entry| entry.0 != key);
                        if model.len() == 16 {
                            model.remove(0);
                        }
                        model.push((key, step));
                        map.insert(key, step);
                    }
                }
                assert_eq!(map.len(), model.len(), "seed {seed}");
                assert!(model.iter().all(|(key, value)| map.get(key) == Some(value)), "seed {seed}");
            }
        }
    }
}

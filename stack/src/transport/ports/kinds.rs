//! The kinds of connections that hold ports, each under a number as long as it is in use.

use alloc::vec::Vec;
use hashbrown::HashTable;

use super::Holder;
use crate::base::{Entropy, HashKey};

/// The kinds.
#[derive(Debug)]
pub(super) struct Kinds {
    key: HashKey,
    /// With how many ports each is used for.
    kinds: Vec<(Holder, u32)>,
    free: Vec<u32>,
    index: HashTable<u32>,
}

impl Kinds {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { key: entropy.key("port holders"), kinds: Vec::new(), free: Vec::new(), index: HashTable::new() }
    }

    /// The number of a kind, which gets one if it has none; it is in use once it has a user.
    pub(super) fn number(&mut self, holder: &Holder) -> u32 {
        if let Some(number) = self.find(holder) {
            return number;
        }
        let number = self.free.pop().unwrap_or(self.kinds.len() as u32);
        match self.kinds.get_mut(number as usize) {
            Some(kind) => *kind = (*holder, 0),
            None => self.kinds.push((*holder, 0)),
        }
        let Self { key, kinds, index, .. } = self;
        index.insert_unique(hash(*key, holder), number, |number| hash(*key, &kinds[*number as usize].0));
        number
    }

    /// The number of a kind that is in use.
    pub(super) fn find(&self, holder: &Holder) -> Option<u32> {
        self.index.find(hash(self.key, holder), |number| self.kinds[*number as usize].0 == *holder).copied()
    }

    /// A kind that is in use.
    pub(super) fn get(&self, number: u32) -> Option<&Holder> {
        self.kinds.get(number as usize).map(|(holder, _)| holder)
    }

    /// One more port is held by it.
    pub(super) fn add_user(&mut self, number: u32) {
        self.kinds[number as usize].1 += 1;
    }

    /// One less.
    pub(super) fn remove_user(&mut self, number: u32) {
        let (holder, users) = &mut self.kinds[number as usize];
        *users -= 1;
        if *users > 0 {
            return;
        }
        if let Ok(entry) = self.index.find_entry(hash(self.key, holder), |other| *other == number) {
            entry.remove();
        }
        self.free.push(number);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

fn hash(key: HashKey, holder: &Holder) -> u64 {
    let Holder { local, link, reuse_addr, reuse_port } = *holder;
    key.quick(local, u64::from(link) << 2 | u64::from(reuse_addr) << 1 | u64::from(reuse_port))
}

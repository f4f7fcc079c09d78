//! The kinds of connections that hold ports, each under a number as long as it is in use, and one of them a while longer: connections that
//! come and go one by one are mostly of one kind.

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
    /// The one that was asked for last.
    last: u32,
    /// One that nobody uses any more and that has its number still.
    unused: Option<u32>,
}

impl Kinds {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self {
            key: entropy.key("port holders"),
            kinds: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            last: 0,
            unused: None,
        }
    }

    /// The number of a kind, which gets one if it has none; it is in use once it has a user.
    pub(super) fn number(&mut self, holder: &Holder) -> u32 {
        if let Some(number) = self.find(holder) {
            self.last = number;
            return number;
        }
        self.number_anew(holder)
    }

    #[cold]
    #[inline(never)]
    fn number_anew(&mut self, holder: &Holder) -> u32 {
        let number = self.free.pop().unwrap_or(self.kinds.len() as u32);
        match self.kinds.get_mut(number as usize) {
            Some(kind) => *kind = (*holder, 0),
            None => self.kinds.push((*holder, 0)),
        }
        let Self { key, kinds, index, .. } = self;
        index.insert_unique(hash(*key, holder), number, |number| hash(*key, &kinds[*number as usize].0));
        number
    }

    /// The number of a kind that has one.
    #[inline(always)] // That of the one before it, nearly always.
    pub(super) fn find(&self, holder: &Holder) -> Option<u32> {
        let has_number = |users: u32| users > 0 || self.unused == Some(self.last);
        if self.kinds.get(self.last as usize).is_some_and(|(last, users)| last == holder && has_number(*users)) {
            return Some(self.last);
        }
        self.look_for(holder)
    }

    #[inline(never)]
    fn look_for(&self, holder: &Holder) -> Option<u32> {
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
    #[inline(always)]
    pub(super) fn remove_user(&mut self, number: u32) {
        let (_, users) = &mut self.kinds[number as usize];
        *users -= 1;
        if *users == 0 && self.unused != Some(number) {
            let before = self.unused.replace(number);
            before.into_iter().for_each(|before| self.forget_unused(before));
        }
    }

    /// A number becomes free, unless its kind came into use again.
    fn forget_unused(&mut self, number: u32) {
        let (holder, users) = &self.kinds[number as usize];
        if *users > 0 {
            return;
        }
        if let Ok(entry) = self.index.find_entry(hash(self.key, holder), |other| *other == number) {
            entry.remove();
            self.free.push(number);
        }
    }

    /// None is in use.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.index.iter().all(|number| self.kinds[*number as usize].1 == 0) && self.index.len() <= 1
    }
}

fn hash(key: HashKey, holder: &Holder) -> u64 {
    let Holder { local, link, reuse_addr, reuse_port } = *holder;
    key.quick(local, u64::from(link) << 2 | u64::from(reuse_addr) << 1 | u64::from(reuse_port))
}

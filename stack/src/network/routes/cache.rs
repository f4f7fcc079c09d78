//! The route cache: direct-mapped answers to [`Network::route`](super::super::Network::route), void as soon as anything changes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::Hasher;

use crate::base::{HashKey, Instant};
use crate::network::{Route, RouteQuery};

const SLOTS: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Slot {
    query: RouteQuery,
    route: Route,
    generation: u64,
    expires: Instant,
}

/// Answers given before.
#[derive(Debug)]
pub(crate) struct Cache {
    hash: HashKey,
    generation: u64,
    slots: Box<[Option<Slot>]>,
}

impl Cache {
    /// An empty cache; takes its memory when it first keeps something.
    pub(crate) fn new(hash: HashKey) -> Self {
        Self { hash, generation: 0, slots: Box::new([]) }
    }

    /// Makes all answers void.
    pub(crate) fn clear(&mut self) {
        self.generation += 1;
    }

    /// The answer, if the same was asked before and still holds at `now`.
    pub(crate) fn get(&self, query: &RouteQuery, now: Instant) -> Option<Route> {
        let slot = self.slots.get(self.place(query))?.as_ref()?;
        let holds = slot.query == *query && slot.generation == self.generation && slot.expires > now;
        holds.then_some(slot.route)
    }

    /// Keeps an answer until `expires`.
    pub(crate) fn put(&mut self, query: &RouteQuery, route: Route, expires: Instant) {
        if self.slots.is_empty() {
            let mut slots = Vec::new();
            slots.resize(SLOTS, None);
            self.slots = slots.into();
        }
        let (place, generation) = (self.place(query), self.generation);
        self.slots[place] = Some(Slot { query: *query, route, generation, expires });
    }

    fn place(&self, query: &RouteQuery) -> usize {
        let mut bytes = [0; 34];
        bytes[..16].copy_from_slice(&query.dst.octets());
        bytes[16..32].copy_from_slice(&query.src.octets());
        bytes[32..].copy_from_slice(&query.link.map_or(0, |link| link.0).to_be_bytes());
        let mut hasher = self.hash.hasher();
        hasher.write(&bytes);
        hasher.finish() as usize % SLOTS
    }
}

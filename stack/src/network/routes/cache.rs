//! The route cache: direct-mapped answers to [`Network::route`](super::super::Network::route), void as soon as anything changes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::base::{Entropy, Instant};
use crate::network::quick::Mixer;
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
    mixer: Mixer,
    generation: u64,
    slots: Box<[Option<Slot>]>,
}

impl Cache {
    /// An empty cache; takes its memory when it first keeps something.
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { mixer: Mixer::new(entropy, "route cache"), generation: 0, slots: Box::new([]) }
    }

    /// Makes all answers void.
    pub(crate) fn clear(&mut self) {
        self.generation += 1;
    }

    /// Changes whenever all answers become void.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The answer, if the same was asked before and still holds at `now`.
    #[inline]
    pub(crate) fn get(&self, query: &RouteQuery, now: Instant) -> Option<&Route> {
        let slot = self.slots.get(self.place(query))?.as_ref()?;
        let holds = slot.query == *query && slot.generation == self.generation && slot.expires > now;
        holds.then_some(&slot.route)
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
        self.mixer.slot(query.dst, query.src, query.link.map_or(0, |link| link.0), SLOTS)
    }
}

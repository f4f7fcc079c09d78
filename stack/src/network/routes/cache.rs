//! The route cache: direct-mapped answers to [`Network::route`](super::super::Network::route), void as soon as anything changes.

use crate::base::{Entropy, Instant};
use crate::network::quick::Quick;
use crate::network::{Route, RouteQuery};

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
    generation: u64,
    slots: Quick<Slot, 1024>,
}

impl Cache {
    /// An empty cache; takes its memory when it first keeps something.
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { generation: 0, slots: Quick::new(entropy, "route cache") }
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
        let slot = self.slots.get(query.dst, query.src, query.link)?;
        let holds = slot.query == *query && slot.generation == self.generation && slot.expires > now;
        holds.then_some(&slot.route)
    }

    /// Keeps an answer until `expires`.
    pub(crate) fn put(&mut self, query: &RouteQuery, route: Route, expires: Instant) {
        let slot = Slot { query: *query, route, generation: self.generation, expires };
        self.slots.put(query.dst, query.src, query.link, slot);
    }
}

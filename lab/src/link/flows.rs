//! What is remembered of each flow that crosses one direction of a link.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use loggia_stack::base::Instant;

/// Most flows that are remembered. When one more comes, the one that has been silent longest is forgotten: should it speak again, its
/// packets are counted from 1.
pub(super) const MAX_FLOWS: usize = 65_536;

/// What is remembered of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    /// Packets that were put.
    pub(super) number: u64,
    /// When the latest of its packets arrives.
    pub(super) latest: Instant,
    /// State of its loss chain, from 1; 0 before the first packet.
    pub(super) state: u8,
    /// What its last packet drew, for those that repeat it.
    pub(super) last: Last,
}

/// What the last packet of a flow drew.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub(super) loss: u64,
    pub(super) duplicate: u64,
    pub(super) corrupt: u64,
    pub(super) reorder: u64,
    pub(super) jitter: u64,
}

/// All flows, the one that spoke last in front.
#[derive(Debug)]
pub(super) struct Flows {
    places: HashMap<u64, u32, BuildHasherDefault<Folded>>,
    entries: Vec<Entry>,
    newest: u32,
    oldest: u32,
    limit: usize,
}

#[derive(Debug)]
struct Entry {
    key: u64,
    flow: Flow,
    newer: u32,
    older: u32,
}

const NONE: u32 = u32::MAX;

impl Flows {
    pub(super) fn new(limit: usize) -> Self {
        Self { places: HashMap::default(), entries: Vec::new(), newest: NONE, oldest: NONE, limit }
    }

    /// The flow, to be changed; a new one if it is not known.
    pub(super) fn of(&mut self, key: u64) -> &mut Flow {
        let place = self.place(key);
        &mut self.entries[place as usize].flow
    }

    fn place(&mut self, key: u64) -> u32 {
        // Packets come in trains.
        if let Some(entry) = self.entries.get(self.newest as usize)
            && entry.key == key
        {
            return self.newest;
        }
        let place = match self.places.get(&key) {
            Some(place) => {
                let place = *place;
                self.unlink(place);
                place
            }
            None => self.insert(key),
        };
        self.link(place);
        place
    }

    /// A place for a new flow, not yet in the chain.
    fn insert(&mut self, key: u64) -> u32 {
        let entry = Entry { key, flow: Flow::default(), newer: NONE, older: NONE };
        let place = if self.entries.len() < self.limit {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let place = self.oldest;
            self.unlink(place);
            self.places.remove(&self.entries[place as usize].key);
            self.entries[place as usize] = entry;
            place
        };
        self.places.insert(key, place);
        place
    }

    fn unlink(&mut self, place: u32) {
        let Entry { newer, older, .. } = self.entries[place as usize];
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link(&mut self, place: u32) {
        let newest = self.newest;
        let entry = &mut self.entries[place as usize];
        (entry.newer, entry.older) = (NONE, newest);
        match self.entries.get_mut(newest as usize) {
            Some(entry) => entry.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }
}

/// Keys are hashes already; a multiplication spreads them over the bits that a table looks at.
#[derive(Debug, Default)]
pub(super) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(flows: &mut Flows, key: u64) -> u64 {
        let flow = flows.of(key);
        flow.number += 1;
        flow.number
    }

    #[test]
    fn each_flow_has_its_own_count() {
        let mut flows = Flows::new(10);
        assert_eq!([1, 2, 1, 1, 2].map(|key| count(&mut flows, key)), [1, 1, 2, 3, 2]);
    }

    #[test]
    fn the_one_that_has_been_silent_longest_is_forgotten() {
        let mut flows = Flows::new(3);
        let seen = [1, 2, 3, 1, 4, 1, 3, 2].map(|key| count(&mut flows, key));
        assert_eq!(seen, [1, 1, 1, 2, 1, 3, 2, 1], "4 pushed out 2, and 2 the 4");
        assert_eq!(flows.entries.len(), 3);
        assert_eq!(flows.places.len(), 3);
    }

    /// Against a plain list.
    #[test]
    fn a_long_story_with_few_places_goes_as_it_should() {
        let (mut flows, mut model) = (Flows::new(7), Vec::<(u64, u64)>::new());
        let mut state = 1u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = state >> 60;
            let before = model.iter().position(|(known, _)| *known == key).map_or(0, |at| model.remove(at).1);
            model.push((key, before + 1));
            if model.len() > 7 {
                model.remove(0);
            }
            assert_eq!(count(&mut flows, key), before + 1);
        }
    }
}

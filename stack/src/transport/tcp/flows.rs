//! Which connection a segment belongs to: one keyed hash table over the four-tuples of all connections, half-open ones and TIME-WAIT
//! records. Finding one costs the same among ten and among a million.

use hashbrown::HashTable;

use super::half_open::HalfOpen;
use super::tcb::Tcb;
use super::time_wait::TimeWait;
use crate::base::{Addr, Entropy, HashKey, Key, Slab, SockAddr};

/// Both ends of a connection, ours first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tuple {
    pub(super) local: Addr,
    pub(super) remote: Addr,
    pub(super) local_port: u16,
    pub(super) remote_port: u16,
}

impl Tuple {
    /// Our end and the peer's.
    pub(super) fn ends(&self) -> (SockAddr, SockAddr) {
        (SockAddr::new(self.local, self.local_port), SockAddr::new(self.remote, self.remote_port))
    }
}

/// What a tuple names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    Connection(Key),
    HalfOpen(Key),
    TimeWait(Key),
}

/// The records a flow can name, to read their tuples from.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) connections: Slab<Tcb>,
    pub(super) half_open: Slab<HalfOpen>,
    pub(super) time_wait: Slab<TimeWait>,
}

/// A flow in four bytes: two for the kind, thirty for the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Packed(u32);

const PLACE: u32 = (1 << 30) - 1;

impl Packed {
    fn new(flow: Flow) -> Self {
        match flow {
            Flow::Connection(key) => Self(key.index()),
            Flow::HalfOpen(key) => Self(1 << 30 | key.index()),
            Flow::TimeWait(key) => Self(2 << 30 | key.index()),
        }
    }

    fn flow(self, records: &Records) -> Option<Flow> {
        let place = self.0 & PLACE;
        match self.0 >> 30 {
            0 => records.connections.key_at(place).map(Flow::Connection),
            1 => records.half_open.key_at(place).map(Flow::HalfOpen),
            _ => records.time_wait.key_at(place).map(Flow::TimeWait),
        }
    }
}

impl Records {
    fn tuple(&self, flow: Flow) -> Tuple {
        match flow {
            Flow::Connection(key) => self.connections[key].tuple(),
            Flow::HalfOpen(key) => self.half_open[key].tuple(),
            Flow::TimeWait(key) => self.time_wait[key].tuple(),
        }
    }

    fn packed_tuple(&self, packed: Packed) -> Option<Tuple> {
        packed.flow(self).map(|flow| self.tuple(flow))
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Flows {
    key: HashKey,
    table: HashTable<Packed>,
    /// The flow of the segment that came before: the next one is often of the same.
    last: Option<(Tuple, Flow)>,
}

impl Flows {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { key: entropy.key("tcp flows"), table: HashTable::new(), last: None }
    }

    fn hash(&self, tuple: &Tuple) -> u64 {
        hash(self.key, tuple)
    }

    /// The flow of an arriving segment.
    pub(super) fn of_segment(&mut self, tuple: &Tuple, records: &Records) -> Option<Flow> {
        match &self.last {
            Some((last, flow)) if last == tuple => Some(*flow),
            _ => {
                let found = self.find(tuple, records)?;
                self.last = Some((*tuple, found));
                Some(found)
            }
        }
    }

    /// The flow of a tuple.
    pub(super) fn find(&self, tuple: &Tuple, records: &Records) -> Option<Flow> {
        let same = |packed: &Packed| records.packed_tuple(*packed).is_some_and(|other| other == *tuple);
        self.table.find(self.hash(tuple), same).and_then(|packed| packed.flow(records))
    }

    /// Adds a flow whose tuple is not in the table.
    pub(super) fn insert(&mut self, flow: Flow, records: &Records) {
        let tuple = records.tuple(flow);
        let key = self.key;
        let rehash = |packed: &Packed| records.packed_tuple(*packed).map_or(0, |tuple| hash(key, &tuple));
        self.table.insert_unique(self.hash(&tuple), Packed::new(flow), rehash);
    }

    /// Another record takes the place of a flow's, with the same tuple; both are there. Costs one hash, and the table stays as it is.
    pub(super) fn replace(&mut self, old: Flow, new: Flow, records: &Records) {
        self.last = None;
        let wanted = Packed::new(old);
        if let Some(packed) = self.table.find_mut(self.hash(&records.tuple(old)), |packed| *packed == wanted) {
            *packed = Packed::new(new);
        }
    }

    /// Takes a flow out; its record must still be there.
    pub(super) fn remove(&mut self, flow: Flow, records: &Records) {
        self.last = None;
        let (tuple, wanted) = (records.tuple(flow), Packed::new(flow));
        if let Ok(entry) = self.table.find_entry(self.hash(&tuple), |packed| *packed == wanted) {
            entry.remove();
        }
    }
}

fn hash(key: HashKey, tuple: &Tuple) -> u64 {
    key.flow(tuple.local, tuple.local_port, tuple.remote, tuple.remote_port)
}

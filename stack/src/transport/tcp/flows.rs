//! Which connection a segment belongs to: one keyed hash table over the four-tuples of all connections, half-open ones and TIME-WAIT
//! records. Finding one costs the same among ten and among a million.

use hashbrown::HashTable;

use super::connections::Connections;
use super::half_open::HalfOpen;
use super::time_wait::TimeWait;
use crate::base::{Addr, Entropy, HashKey, Key, LinkId, Slab, SockAddr};

/// Both ends of a connection, ours first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuple {
    pub(super) local: Addr,
    pub(super) remote: Addr,
    pub(super) local_port: u16,
    pub(super) remote_port: u16,
}

impl PartialEq for Tuple {
    /// In words: what is derived compares memory by a call, in vectors that were written as smaller pieces a moment ago.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let ports = u32::from(self.local_port ^ other.local_port) | u32::from(self.remote_port ^ other.remote_port);
        self.remote.difference(other.remote) | self.local.difference(other.local) | u64::from(ports) == 0
    }
}

impl Eq for Tuple {}

impl Tuple {
    /// Not that of the same connection seen from its other end, if the ports differ.
    #[inline]
    fn side(&self) -> usize {
        usize::from(self.local_port < self.remote_port)
    }

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
    pub(super) connections: Connections,
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

/// Bytes of the longest ends: those of IPv6.
const ENDS: usize = 36;

/// By which link a packet came, and where in its frame it began: on an Ethernet never at its front. Half of a number each, of which to compare is one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Came(u32);

impl Came {
    pub(super) fn new(link: LinkId, network: usize) -> Self {
        Self((network as u32) << 16 | u32::from(link.0))
    }
}

/// The flow of a segment, told from the bytes of its headers and how it came, as long as nothing changes that the network layer's judgement
/// of them depends on.
#[derive(Debug)]
struct Trail {
    /// None if it is told from nothing.
    flow: Option<Flow>,
    /// Addresses and ports, of either family, and how many bytes they take.
    ends: [u8; ENDS],
    len: usize,
    came: Came,
    /// [`Network::generation`](crate::network::Network::generation)
    generation: u64,
}

impl Default for Trail {
    fn default() -> Self {
        Self { flow: None, ends: [0; ENDS], len: 0, came: Came::default(), generation: 0 }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Flows {
    key: HashKey,
    table: HashTable<Packed>,
    /// The flow that was asked for, or changed, last: the next segment is often of the same. Of two, for both ends of a connection may be here.
    last: [Option<(Tuple, Flow)>; 2],
    /// The last tuple that was hashed: a connection that opens or closes is looked for and then changed.
    hashed: Option<(Tuple, u64)>,
    /// The flow that was told by its headers last, while it stands in the table.
    trail: Trail,
}

impl Flows {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { key: entropy.key("tcp flows"), table: HashTable::new(), last: [None; 2], hashed: None, trail: Trail::default() }
    }

    fn hash(&mut self, tuple: &Tuple) -> u64 {
        match &self.hashed {
            Some((hashed, hash)) if hashed == tuple => *hash,
            _ => self.hash_anew(tuple),
        }
    }

    #[inline(never)]
    fn hash_anew(&mut self, tuple: &Tuple) -> u64 {
        let hash = hash(self.key, tuple);
        self.hashed = Some((*tuple, hash));
        hash
    }

    /// The flow of an arriving segment.
    #[inline(always)]
    pub(super) fn of_segment(&mut self, tuple: &Tuple, records: &Records) -> Option<Flow> {
        match &self.last[tuple.side()] {
            Some((last, flow)) if last == tuple => Some(*flow),
            _ => {
                let found = self.find(tuple, records)?;
                self.last[tuple.side()] = Some((*tuple, found));
                Some(found)
            }
        }
    }

    /// The flow of a segment with these ends, if it is that of the one before.
    #[inline(always)] // How many bytes they take is known.
    pub(super) fn followed(&self, ends: &[u8], came: Came, generation: u64) -> Option<Flow> {
        let trail = &self.trail;
        let is_it = trail.len == ends.len() && trail.ends[..ends.len()] == *ends;
        if is_it && trail.came == came && trail.generation == generation { trail.flow } else { None }
    }

    /// Segments with these ends are of that flow.
    pub(super) fn leave_trail(&mut self, ends: &[u8], came: Came, generation: u64, flow: Flow) {
        let trail = &mut self.trail;
        trail.ends[..ends.len()].copy_from_slice(ends);
        (trail.flow, trail.len, trail.came, trail.generation) = (Some(flow), ends.len(), came, generation);
    }

    /// The flow of a tuple.
    #[inline(always)]
    pub(super) fn find(&mut self, tuple: &Tuple, records: &Records) -> Option<Flow> {
        let hash = self.hash(tuple);
        let same = |packed: &Packed| records.packed_tuple(*packed).is_some_and(|other| other == *tuple);
        self.table.find(hash, same).and_then(|packed| packed.flow(records))
    }

    /// Adds a flow whose tuple is not in the table.
    #[inline(always)]
    pub(super) fn insert(&mut self, tuple: &Tuple, flow: Flow, records: &Records) {
        let (key, hash_of_it) = (self.key, self.hash(tuple));
        let rehash = |packed: &Packed| records.packed_tuple(*packed).map_or(0, |tuple| hash(key, &tuple));
        self.table.insert_unique(hash_of_it, Packed::new(flow), rehash);
        self.last[tuple.side()] = Some((*tuple, flow));
    }

    /// Another record takes the place of a flow's, with the same tuple. The table stays as it is.
    #[inline(always)]
    pub(super) fn replace(&mut self, tuple: &Tuple, old: Flow, new: Flow) {
        let (hash, wanted) = (self.hash(tuple), Packed::new(old));
        if let Some(packed) = self.table.find_mut(hash, |packed| *packed == wanted) {
            *packed = Packed::new(new);
        }
        self.last[tuple.side()] = Some((*tuple, new));
        if self.trail.flow == Some(old) {
            self.trail.flow = Some(new);
        }
    }

    /// Takes a flow out.
    #[inline(always)]
    pub(super) fn remove(&mut self, tuple: &Tuple, flow: Flow) {
        self.last[tuple.side()] = None;
        self.trail.flow.take_if(|told| *told == flow);
        // One that ends is not hashed again, unlike one that began before it and may end next.
        let hash = match &self.hashed {
            Some((hashed, hash)) if hashed == tuple => *hash,
            _ => hash(self.key, tuple),
        };
        let wanted = Packed::new(flow);
        if let Ok(entry) = self.table.find_entry(hash, |packed| *packed == wanted) {
            entry.remove();
        }
    }
}

fn hash(key: HashKey, tuple: &Tuple) -> u64 {
    key.flow(tuple.local, tuple.local_port, tuple.remote, tuple.remote_port)
}

//! All datagrams under way, by keyed hash, within bounds.

use alloc::collections::BTreeMap;
use bytes::Bytes;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;

use crate::base::{Addr, Discard, Duration, Entropy, Frame, HashKey, Key, LinkId, Slab, TimerId, TimerOwner, Version};
use crate::network::icmp::offending::Offending;
use crate::network::icmp::types::Problem;
use crate::network::{Cast, Network};

use super::datagram::Datagram;

/// What a datagram costs beyond its pieces.
const DATAGRAM_COST: usize = 256;

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Identity {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) ident: u32,
    /// 0 for IPv6, whose fragments need not agree on it (RFC 8200 §4.5).
    pub(super) protocol: u8,
    /// For addresses that mean something on one link alone.
    pub(super) link: Option<LinkId>,
}

impl Identity {
    fn version(&self) -> Version {
        self.src.version()
    }
}

/// The first fragment, copied.
#[derive(Clone, Debug)]
pub(super) struct First {
    /// The packet as it came, from its IP header on.
    pub(super) packet: Bytes,
    /// Bytes of headers that the whole has too: all before the fragment's data, or before the IPv6 fragment header.
    pub(super) header_len: usize,
    /// The protocol after the IPv6 fragment header, and where in the packet the field is that names it.
    pub(super) next: (u8, usize),
}

#[derive(Debug)]
pub(super) struct Waiting {
    identity: Identity,
    pub(super) datagram: Datagram,
    pub(super) first: Option<First>,
    link: LinkId,
    cast: Cast,
    /// It was found to overlap: what is still to come of it is discarded too (RFC 8200 §4.5).
    pub(super) poisoned: bool,
    age: u64,
    timer: TimerId,
    /// What was charged for it.
    charged: usize,
}

/// Datagrams of which not all fragments have arrived.
#[derive(Debug)]
pub(crate) struct Fragments {
    hash: HashKey,
    index: HashTable<Key>,
    waiting: Slab<Waiting>,
    /// By age, one for each family.
    order: [BTreeMap<u64, Key>; 2],
    used: [usize; 2],
    born: u64,
}

impl Fragments {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self {
            hash: entropy.key("fragments"),
            index: HashTable::new(),
            waiting: Slab::new(),
            order: [BTreeMap::new(), BTreeMap::new()],
            used: [0; 2],
            born: 0,
        }
    }

    /// How many datagrams are under way.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes they hold.
    pub(crate) fn used(&self) -> usize {
        self.used.iter().sum()
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Waiting> {
        self.waiting.get_mut(key)
    }

    fn hash_of(hash: HashKey, identity: &Identity) -> u64 {
        let mut hasher = hash.hasher();
        identity.hash(&mut hasher);
        hasher.finish()
    }

    fn find(&self, identity: &Identity) -> Option<Key> {
        let hash = Self::hash_of(self.hash, identity);
        self.index.find(hash, |&key| self.waiting[key].identity == *identity).copied()
    }

    fn oldest(&self, family: usize) -> Option<Key> {
        self.order[family].first_key_value().map(|(_, &key)| key)
    }

    fn take(&mut self, key: Key) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
        let hash = Self::hash_of(self.hash, &waiting.identity);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == key) {
            entry.remove();
        }
        let family = family(waiting.identity.version());
        self.order[family].remove(&waiting.age);
        self.used[family] -= waiting.charged;
        Some(waiting)
    }
}

const fn family(version: Version) -> usize {
    match version {
        Version::V4 => 0,
        Version::V6 => 1,
    }
}

impl Network {
    /// The datagram that a fragment with `len` bytes of data belongs to, with room made for them; none if there is no room.
    pub(super) fn datagram_of(&mut self, identity: Identity, link: LinkId, cast: Cast, len: usize) -> Option<Key> {
        let known = self.fragments.find(&identity);
        let cost = Datagram::cost_of(len) + if known.is_none() { DATAGRAM_COST } else { 0 };
        self.make_room(identity.version(), cost, known)?;
        Some(known.unwrap_or_else(|| self.begin(identity, link, cast)))
    }

    /// Drops the oldest datagrams until `cost` more bytes fit; none if they never will.
    fn make_room(&mut self, version: Version, cost: usize, keep: Option<Key>) -> Option<()> {
        let (family, limit) = match version {
            Version::V4 => (0, self.config.ipv4.ipfrag_high_thresh),
            Version::V6 => (1, self.config.ipv6.ip6frag_high_thresh),
        };
        while self.fragments.used[family] + cost > limit || !self.links.base.budget.allows(cost) {
            let oldest = self.fragments.oldest(family).filter(|&oldest| Some(oldest) != keep)?;
            self.give_up(oldest, Discard::FragmentLimit);
        }
        Some(())
    }

    fn begin(&mut self, identity: Identity, link: LinkId, cast: Cast) -> Key {
        let seconds = match identity.version() {
            Version::V4 => self.config.ipv4.ipfrag_time,
            Version::V6 => self.config.ipv6.ip6frag_time,
        };
        let fragments = &mut self.fragments;
        fragments.born += 1;
        let (age, base) = (fragments.born, &mut self.links.base);
        let key = fragments.waiting.insert_with(|key| Waiting {
            identity,
            datagram: Datagram::default(),
            first: None,
            link,
            cast,
            poisoned: false,
            age,
            timer: base.arm(Duration::from_secs(seconds.into()), TimerOwner::Fragments, key.to_bits()),
            charged: 0,
        });
        fragments.order[family(identity.version())].insert(age, key);
        let (hash, waiting) = (fragments.hash, &fragments.waiting);
        let rehash = |&key: &Key| Fragments::hash_of(hash, &waiting[key].identity);
        fragments.index.insert_unique(Fragments::hash_of(hash, &identity), key, rehash);
        self.recharge(key);
        key
    }

    /// Brings the charge for a datagram in step with what it holds.
    pub(super) fn recharge(&mut self, key: Key) {
        let Some(waiting) = self.fragments.waiting.get_mut(key) else { return };
        let first = waiting.first.as_ref().map_or(0, |first| first.packet.len());
        let cost = DATAGRAM_COST + waiting.datagram.cost() + first;
        let before = core::mem::replace(&mut waiting.charged, cost);
        let used = &mut self.fragments.used[family(waiting.identity.version())];
        *used = *used + cost - before;
        self.links.base.budget.charge(cost);
        self.links.base.budget.release(before);
    }

    /// Takes a datagram out of the table.
    pub(super) fn finish(&mut self, key: Key) -> Option<Waiting> {
        let waiting = self.fragments.take(key)?;
        self.links.base.timers.cancel(waiting.timer);
        self.links.base.budget.release(waiting.charged);
        Some(waiting)
    }

    /// A datagram will never be whole.
    pub(super) fn give_up(&mut self, key: Key, reason: Discard) {
        let Some(waiting) = self.finish(key) else { return };
        self.links.base.counters.ip.reasm_fails += 1;
        self.links.base.discard(Some(waiting.link), reason, waiting.datagram.cost());
    }

    /// What is still to come of a datagram is to be discarded too: it stays, empty, until its time is over.
    pub(super) fn poison(&mut self, key: Key) {
        if let Some(waiting) = self.fragments.waiting.get_mut(key) {
            waiting.poisoned = true;
            waiting.datagram = Datagram::default();
            waiting.first = None;
        }
        self.recharge(key);
    }

    /// A datagram's time is over. Its sender is told if the first fragment is there (RFC 792, RFC 8200 §4.5).
    pub(crate) fn fragments_timer(&mut self, key: u64) {
        let key = Key::from_bits(key);
        // The timer has fired, so that its name is void: it is not cancelled.
        let Some(waiting) = self.fragments.take(key) else { return };
        self.links.base.budget.release(waiting.charged);
        if waiting.poisoned {
            return;
        }
        let ip = &mut self.links.base.counters.ip;
        ip.reasm_timeout += 1;
        ip.reasm_fails += 1;
        self.links.base.discard(Some(waiting.link), Discard::FragmentTimeout, waiting.datagram.cost());
        if let Some(first) = waiting.first {
            let frame = Frame::from(first.packet);
            let about = Offending { link: waiting.link, frame: &frame, network: 0, cast: waiting.cast };
            self.icmp_error(&about, Problem::ReassemblyTime);
        }
    }
}

//! The routing table: longest prefix first, then the lowest metric. One hash table for each length of prefix that occurs, so that
//! a look-up costs a probe for each of those few lengths, at ten routes and at a hundred thousand.

use alloc::vec::Vec;
use core::hash::Hasher;

use hashbrown::HashTable;

use crate::base::{Addr, Cidr, HashKey, LinkId, Version};

/// What becomes of packets that a route matches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// They go to their destination on the link itself.
    OnLink,
    /// They go to this router on the link.
    Gateway(Addr),
    /// They vanish; a sender here gets `EINVAL`.
    Blackhole,
    /// They are refused with "host unreachable"; a sender here gets `EHOSTUNREACH`.
    Unreachable,
    /// They are refused with "administratively prohibited"; a sender here gets `EACCES`.
    Prohibit,
}

/// Who made a route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Origin {
    /// It came with an address of the link.
    Connected,
    /// The user.
    Static,
    /// A router advertisement.
    Advertised,
}

/// One route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Destinations it holds for; host bits are clear.
    pub dst: Cidr,
    /// What becomes of them.
    pub via: Via,
    /// By which link (without meaning for those that refuse).
    pub link: LinkId,
    /// Among equal prefixes the lowest wins.
    pub metric: u32,
    /// Who made it.
    pub origin: Origin,
}

impl Entry {
    fn is_same(&self, other: &Self) -> bool {
        (self.dst, self.via, self.link, self.origin) == (other.dst, other.via, other.link, other.origin)
    }
}

/// All routes to one prefix, lowest metric first, else in the order they came.
type Group = Vec<Entry>;

#[derive(Debug)]
struct Length {
    prefix: u8,
    groups: HashTable<Group>,
}

/// All routes of a host.
#[derive(Debug)]
pub struct Table {
    hash: HashKey,
    /// Longest prefix first.
    v4: Vec<Length>,
    /// Longest prefix first.
    v6: Vec<Length>,
    len: usize,
}

impl Table {
    /// An empty table.
    pub(crate) const fn new(hash: HashKey) -> Self {
        Self { hash, v4: Vec::new(), v6: Vec::new(), len: 0 }
    }

    /// How many routes there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All routes, sorted: IPv4 before IPv6, longest prefix first.
    pub fn entries(&self) -> Vec<Entry> {
        let lengths = self.v4.iter().chain(&self.v6);
        let mut all: Vec<Entry> = lengths.flat_map(|length| length.groups.iter()).flatten().copied().collect();
        all.sort_by_key(|e| (!e.dst.addr.is_v4(), u8::MAX - e.dst.prefix, e.dst.addr, e.metric, e.link, e.via, e.origin));
        all
    }

    fn lengths(&self, version: Version) -> &[Length] {
        match version {
            Version::V4 => &self.v4,
            Version::V6 => &self.v6,
        }
    }

    fn lengths_mut(&mut self, version: Version) -> &mut Vec<Length> {
        match version {
            Version::V4 => &mut self.v4,
            Version::V6 => &mut self.v6,
        }
    }

    /// The groups of routes that match `dst`, longest prefix first; within a group the lowest metric comes first.
    pub(crate) fn matching(&self, dst: Addr) -> impl Iterator<Item = &[Entry]> {
        self.lengths(dst.version()).iter().filter_map(move |length| {
            let network = Cidr::new(dst, length.prefix).network();
            let found = length.groups.find(hash_of(self.hash, network), |group| prefix_of(group) == network);
            found.map(Vec::as_slice)
        })
    }

    /// Adds a route. Says no if there is one already that differs in nothing, or in nothing but the metric.
    pub(crate) fn insert(&mut self, entry: Entry) -> bool {
        let entry = Entry { dst: Cidr::new(entry.dst.network(), entry.dst.prefix), ..entry };
        let hash = self.hash;
        let lengths = self.lengths_mut(entry.dst.addr.version());
        let at = lengths.partition_point(|length| length.prefix > entry.dst.prefix);
        if lengths.get(at).is_none_or(|length| length.prefix != entry.dst.prefix) {
            lengths.insert(at, Length { prefix: entry.dst.prefix, groups: HashTable::new() });
        }
        let network = entry.dst.addr;
        let groups = &mut lengths[at].groups;
        let added = match groups.find_mut(hash_of(hash, network), |group| prefix_of(group) == network) {
            Some(group) if group.iter().any(|other| other.is_same(&entry)) => false,
            Some(group) => {
                let at = group.partition_point(|other| other.metric <= entry.metric);
                group.insert(at, entry);
                true
            }
            None => {
                let rehash = |group: &Group| hash_of(hash, prefix_of(group));
                groups.insert_unique(hash_of(hash, network), alloc::vec![entry], rehash);
                true
            }
        };
        self.len += usize::from(added);
        added
    }

    /// Takes away the routes to `dst` for which `gone` says so; tells how many went.
    pub(crate) fn remove(&mut self, dst: Cidr, gone: impl Fn(&Entry) -> bool) -> usize {
        let (hash, network) = (self.hash, dst.network());
        let lengths = self.lengths_mut(dst.addr.version());
        let Some(at) = lengths.iter().position(|length| length.prefix == dst.prefix) else { return 0 };
        let groups = &mut lengths[at].groups;
        let Ok(mut group) = groups.find_entry(hash_of(hash, network), |group| prefix_of(group) == network) else { return 0 };
        let before = group.get().len();
        group.get_mut().retain(|entry| !gone(entry));
        let removed = before - group.get().len();
        if group.get().is_empty() {
            group.remove();
        }
        if groups.is_empty() {
            lengths.remove(at);
        }
        self.len -= removed;
        removed
    }

    /// Takes away all routes for which `gone` says so.
    pub(crate) fn remove_all(&mut self, gone: impl Fn(&Entry) -> bool) {
        for entry in self.entries().into_iter().filter(|entry| gone(entry)) {
            self.remove(entry.dst, |other| *other == entry);
        }
    }
}

fn prefix_of(group: &Group) -> Addr {
    group.first().map_or(Addr::V6_ANY, |entry| entry.dst.addr)
}

fn hash_of(key: HashKey, network: Addr) -> u64 {
    let mut hasher = key.hasher();
    hasher.write(&network.octets());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    fn table() -> Table {
        Table::new(Entropy::new(1.into()).key("routes"))
    }

    fn route(dst: &str, link: u16, metric: u32) -> Entry {
        Entry { dst: dst.parse().unwrap(), via: Via::OnLink, link: LinkId(link), metric, origin: Origin::Static }
    }

    fn first(table: &Table, dst: &str) -> Option<u16> {
        table.matching(dst.parse().unwrap()).next().map(|group| group[0].link.0)
    }

    #[test]
    fn the_longest_prefix_wins_and_then_the_lowest_metric() {
        let mut table = table();
        for entry in [
            route("0.0.0.0/0", 1, 0),
            route("10.0.0.0/8", 2, 9),
            route("10.1.0.0/16", 3, 50),
            route("10.1.0.0/16", 4, 5),
            route("::/0", 5, 0),
            route("fd00::/8", 6, 0),
        ] {
            assert!(table.insert(entry));
        }
        let found = ["10.1.2.3", "10.2.0.1", "192.0.2.1", "fd00::1", "2001:db8::1"].map(|dst| first(&table, dst));
        assert_eq!(found, [Some(4), Some(2), Some(1), Some(6), Some(5)]);
        assert!(!table.insert(route("10.1.9.9/16", 3, 50)), "the same prefix again");
        assert_eq!(table.remove("10.1.0.0/16".parse().unwrap(), |entry| entry.link == LinkId(4)), 1);
        assert_eq!(first(&table, "10.1.2.3"), Some(3));
        table.remove_all(|entry| entry.link != LinkId(1));
        assert_eq!((table.len(), first(&table, "10.1.2.3"), first(&table, "fd00::1")), (1, Some(1), None));
    }

    #[test]
    fn it_finds_what_a_linear_search_finds() {
        for seed in 0..10u64 {
            let mut random = Entropy::new(seed.into());
            let mut table = table();
            let mut model: Vec<Entry> = Vec::new();
            for number in 0..300 {
                let addr = Addr::v4(10, random.below(4) as u8, random.below(256) as u8, random.below(256) as u8);
                let dst = Cidr::new(addr, random.below(33) as u8);
                let dst = Cidr::new(dst.network(), dst.prefix);
                if model.iter().all(|entry| entry.dst != dst) {
                    let entry = Entry { link: LinkId(number), ..route("0.0.0.0/0", 0, 0) };
                    let entry = Entry { dst, ..entry };
                    assert!(table.insert(entry));
                    model.push(entry);
                }
                if random.below(4) == 0 {
                    let gone = model.swap_remove(random.below(model.len() as u32) as usize);
                    assert_eq!(table.remove(gone.dst, |_| true), 1, "seed {seed}");
                }
                let dst = Addr::v4(10, random.below(4) as u8, random.below(256) as u8, random.below(256) as u8);
                let best = model.iter().filter(|entry| entry.dst.contains(dst)).max_by_key(|entry| entry.dst.prefix);
                assert_eq!(table.matching(dst).next().map(|group| group[0]), best.copied(), "seed {seed}");
                assert_eq!(table.len(), model.len(), "seed {seed}");
            }
        }
    }
}

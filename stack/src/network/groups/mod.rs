//! Multicast membership: which groups this host listens to, and telling routers so by IGMP (RFC 9776) and MLD (RFC 9777).
//!
//! | file | what |
//! |---|---|
//! | `filter` | which sources of a group are wanted, by one socket and by all |
//! | `message` | queries and reports on the wire |
//! | `change` | telling of a change several times |
//! | `querier` | what is known of a link's querier: how old it is, its robustness |
//! | `join` | joining and leaving |
//! | `query` | hearing queries and others' reports |
//! | `report` | answering, repeating, leaving |
//!
//! ```text
//!   join, leave ──► filter changes ──► report at once, then again at random within a second (robustness - 1 times)
//!   query ────────► wait at random within the time the querier gives ──► report what is so now
//! ```
//!
//! Both protocols are the same but for addresses and message formats, so they share the code; [`Version`] tells them apart.
//!
//! Invariants: a group stands at most once on a link; the filter of the link below holds exactly the groups that are listened
//! to; what a querier can make us remember is bounded ([`message::MAX_QUERIED`] sources a group we are a member of).

mod change;
pub mod filter;
mod join;
pub mod message;
mod querier;
mod query;
mod report;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::hash::Hasher;
use hashbrown::HashTable;

use crate::base::{Addr, Entropy, HashKey, Instant, Key, LinkId, Slab, TimerId, Version};

use super::Network;
use change::Change;
use filter::Wants;
pub use filter::{Mode, SourceFilter};
use querier::Querier;

/// Set in the keys of timers that belong to a link; bit 16 then tells IPv6 from IPv4.
const LINK_TIMER: u64 = 1 << 63;

/// An answer to a query that waits for its moment.
#[derive(Clone, Debug)]
struct Response {
    at: Instant,
    /// About these sources; none: about the whole group.
    sources: Vec<Addr>,
}

/// A group on a link.
#[derive(Debug)]
struct Membership {
    link: LinkId,
    group: Addr,
    /// What the sockets ask for.
    wants: Wants,
    /// What that amounts to.
    filter: SourceFilter,
    /// What routers have not been told often enough, in the current dialect.
    change: Change,
    /// So many more unasked reports, in the older dialects.
    reports_left: u8,
    /// When routers are told again.
    tell_at: Option<Instant>,
    /// The answer to a query.
    response: Option<Response>,
    /// We reported last, so that leaving is ours to tell, in the older dialects.
    last_reporter: bool,
    timer: Option<TimerId>,
}

/// What is kept of a link.
#[derive(Debug, Default)]
struct LinkGroups {
    keys: Vec<Key>,
    igmp: Querier,
    mld: Querier,
}

impl LinkGroups {
    fn querier(&mut self, version: Version) -> &mut Querier {
        match version {
            Version::V4 => &mut self.igmp,
            Version::V6 => &mut self.mld,
        }
    }
}

/// Groups this host is a member of.
#[derive(Debug)]
pub struct Groups {
    hash: HashKey,
    all: Slab<Membership>,
    by_group: HashTable<Key>,
    /// By number of the link.
    links: Vec<LinkGroups>,
}

impl Groups {
    /// No member of anything but the groups of all nodes.
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { hash: entropy.key("groups"), all: Slab::new(), by_group: HashTable::new(), links: Vec::new() }
    }

    /// True if packets from `src` to `group` that come by `link` are for this host.
    pub fn is_member(&self, link: LinkId, group: Addr, src: Addr) -> bool {
        of_all_nodes(group) || self.find(link, group).is_some_and(|key| self.all[key].filter.wants(src))
    }

    /// The groups of a link that are listened to, with what is wanted of each.
    pub fn on_link(&self, link: LinkId) -> impl Iterator<Item = (Addr, &SourceFilter)> {
        let keys = self.links.get(usize::from(link.0)).map_or(&[][..], |state| &state.keys);
        let all = keys.iter().map(|&key| &self.all[key]);
        all.filter(|membership| !membership.filter.is_nothing()).map(|membership| (membership.group, &membership.filter))
    }

    fn link_mut(&mut self, link: LinkId) -> &mut LinkGroups {
        let at = usize::from(link.0);
        if self.links.len() <= at {
            self.links.resize_with(at + 1, LinkGroups::default);
        }
        &mut self.links[at]
    }

    fn keys_of(&self, link: LinkId, version: Version) -> Vec<Key> {
        let keys = self.links.get(usize::from(link.0)).map_or(&[][..], |state| &state.keys);
        keys.iter().copied().filter(|&key| self.all[key].group.version() == version).collect()
    }

    fn find(&self, link: LinkId, group: Addr) -> Option<Key> {
        let matches = |&key: &Key| self.all[key].group == group && self.all[key].link == link;
        self.by_group.find(hash_of(&self.hash, link, group), matches).copied()
    }

    fn insert(&mut self, link: LinkId, group: Addr) -> Key {
        let key = self.all.insert(Membership {
            link,
            group,
            wants: Wants::default(),
            filter: SourceFilter::NOTHING,
            change: Change::default(),
            reports_left: 0,
            tell_at: None,
            response: None,
            last_reporter: false,
            timer: None,
        });
        let Self { hash, all, by_group, .. } = self;
        let hasher = |&key: &Key| hash_of(hash, all[key].link, all[key].group);
        by_group.insert_unique(hasher(&key), key, hasher);
        self.link_mut(link).keys.push(key);
        key
    }

    fn take(&mut self, key: Key) -> Option<Membership> {
        let (link, group) = self.all.get(key).map(|membership| (membership.link, membership.group))?;
        if let Ok(entry) = self.by_group.find_entry(hash_of(&self.hash, link, group), |&other| other == key) {
            entry.remove();
        }
        self.link_mut(link).keys.retain(|&other| other != key);
        self.all.remove(key)
    }
}

fn hash_of(key: &HashKey, link: LinkId, group: Addr) -> u64 {
    let mut hasher = key.hasher();
    hasher.write(&group.octets());
    hasher.write(&link.0.to_be_bytes());
    hasher.finish()
}

/// The groups that every host is a member of, on every link, without telling anybody (RFC 1112 §4, RFC 4291 §2.8).
fn of_all_nodes(group: Addr) -> bool {
    const ALL_NODES_HERE: Addr = Addr::from_v6([0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    [ALL_SYSTEMS, Addr::ALL_NODES, ALL_NODES_HERE].contains(&group)
}

/// `224.0.0.1`
const ALL_SYSTEMS: Addr = Addr::v4(224, 0, 0, 1);

/// True if routers are told of a group: not of those of all nodes, nor of groups that do not leave the host
/// (RFC 9776 §5, RFC 9777 §6). Of other link-local groups they are, for the sake of switches that listen, as Linux does.
fn is_reported(group: Addr) -> bool {
    let within_host = !group.is_v4() && group.octets()[1] & 0x0f < 2;
    !of_all_nodes(group) && !within_host
}

impl Network {
    pub(crate) fn groups_timer(&mut self, key: u64) {
        if key & LINK_TIMER == 0 {
            self.membership_timer(key as u32);
        } else {
            let version = if key & 1 << 16 == 0 { Version::V4 } else { Version::V6 };
            self.general_response_timer(LinkId(key as u16), version);
        }
    }
}

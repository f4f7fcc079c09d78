//! Connected sockets by both ends.

use hashbrown::HashTable;

use super::socket::Socket;
use crate::base::{Addr, Entropy, HashKey, Key, Slab};
use crate::transport::inet::Inet;

/// The two ends of a flow, seen from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    pub(super) local: Addr,
    pub(super) local_port: u16,
    pub(super) remote: Addr,
    pub(super) remote_port: u16,
}

impl Ends {
    pub(super) fn of(inet: &Inet) -> Self {
        let Inet { local, local_port, remote, remote_port, .. } = *inet;
        Self { local, local_port, remote, remote_port }
    }

    pub(super) fn hash(&self, key: &HashKey) -> u64 {
        key.flow(self.local, self.local_port, self.remote, self.remote_port)
    }
}

/// Connected sockets: a keyed hash table, since remote ends are chosen by others. Two sockets may have the same ends
/// (with `SO_REUSEADDR`).
#[derive(Debug)]
pub(super) struct Flows {
    key: HashKey,
    table: HashTable<Key>,
    serial: u64,
}

impl Flows {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { key: entropy.key("udp flows"), table: HashTable::new(), serial: 0 }
    }

    /// A number for a connect, higher than all before.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Adds a socket that is connected now.
    pub(super) fn insert(&mut self, sockets: &Slab<Socket>, id: Key) {
        let key = self.key;
        let hash_of = |id: &Key| Ends::of(&sockets[*id].endpoint.inet).hash(&key);
        self.table.insert_unique(hash_of(&id), id, hash_of);
    }

    /// Takes a socket out that is still connected.
    pub(super) fn remove(&mut self, sockets: &Slab<Socket>, id: Key) {
        let hash = Ends::of(&sockets[id].endpoint.inet).hash(&self.key);
        if let Ok(entry) = self.table.find_entry(hash, |one| *one == id) {
            entry.remove();
        }
    }

    /// All sockets connected so, that take packets by `link`, in no order to rely on: it differs from machine to machine.
    pub(super) fn matching<'a>(&'a self, sockets: &'a Slab<Socket>, ends: &'a Ends, link: u16) -> impl Iterator<Item = Key> + 'a {
        self.table.iter_hash(ends.hash(&self.key)).copied().filter(move |id| {
            let inet = &sockets[*id].endpoint.inet;
            Ends::of(inet) == *ends && (inet.link == 0 || inet.link == link)
        })
    }

    /// The newest of them, that bound to the link before others.
    pub(super) fn find(&self, sockets: &Slab<Socket>, ends: &Ends, link: u16) -> Option<Key> {
        if self.table.is_empty() {
            return None;
        }
        self.matching(sockets, ends, link).max_by_key(|id| (sockets[*id].endpoint.inet.link, sockets[*id].connected_at))
    }
}

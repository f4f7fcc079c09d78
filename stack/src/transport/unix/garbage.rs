//! Sockets that nobody can reach any more: in flight, and only in queues of sockets of which the same is true. No count of references
//! ever frees them, so they are looked for.
//!
//! ```text
//!      handle ──> S          a right to A waits in the queue of B, one to B in that of A;
//!                            no handle names A or B: both are garbage.
//!   A <──right── B           Were a right to A in the queue of S too, both could still be received.
//!     ──right──>
//! ```

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Right, Unix};
use crate::base::{Base, Key, SocketId};

/// A socket that only rights in queues hold.
struct Candidate {
    key: Key,
    /// Rights to it that are not in queues of candidates.
    outside: usize,
}

impl Unix {
    /// True if a right to this socket waits in a queue. When a handle of such a socket goes and references to it remain,
    /// it is time for [`Unix::collect`].
    pub fn is_in_flight(&self, socket: SocketId) -> bool {
        self.rights.count(socket) > 0
    }

    /// Throws the queues of unreachable sockets away; their rights come out of [`Unix::dropped_right`], and closing what they
    /// name frees the sockets.
    ///
    /// `holders` tells of a socket in flight its key here and how many references it has, those of rights in queues included; none
    /// if it is not an AF_UNIX socket. The cost is that of the sockets in flight and their queues.
    pub fn collect(&mut self, base: &mut Base, holders: impl Fn(SocketId) -> Option<(Key, usize)>) {
        let mut candidates = self.candidates(holders);
        for socket in self.rights_among(&candidates) {
            if let Some(candidate) = candidates.get_mut(&socket) {
                candidate.outside -= 1;
            }
        }
        self.spare_reachable(&mut candidates);
        for candidate in candidates.into_values() {
            for key in self.queues_of(candidate.key) {
                self.purge(base, key);
            }
        }
    }

    fn candidates(&self, holders: impl Fn(SocketId) -> Option<(Key, usize)>) -> BTreeMap<SocketId, Candidate> {
        let held_only_by_rights = |(socket, count)| {
            let (key, references) = holders(socket)?;
            (references <= count && self.sockets.contains(key)).then_some((socket, Candidate { key, outside: count }))
        };
        self.rights.sockets().filter_map(held_only_by_rights).collect()
    }

    /// All rights to sockets in the queues of the candidates.
    fn rights_among(&self, candidates: &BTreeMap<SocketId, Candidate>) -> Vec<SocketId> {
        candidates.values().flat_map(|candidate| self.rights_held_by(candidate.key)).collect()
    }

    /// Takes from the candidates those a right outside leads to, and all that can be received from them in turn.
    fn spare_reachable(&self, candidates: &mut BTreeMap<SocketId, Candidate>) {
        let mut reached: Vec<SocketId> =
            candidates.iter().filter(|(_, candidate)| candidate.outside > 0).map(|(&socket, _)| socket).collect();
        while let Some(socket) = reached.pop() {
            if let Some(candidate) = candidates.remove(&socket) {
                reached.extend(self.rights_held_by(candidate.key));
            }
        }
    }

    /// The sockets in flight in the queue of a socket, or in those of the connections that wait at a listener.
    fn rights_held_by(&self, id: Key) -> Vec<SocketId> {
        let messages = self.queues_of(id).into_iter().flat_map(|key| self.sockets[key].queue.iter());
        let sockets = messages.flat_map(|message| message.rights.iter()).filter_map(|right| match right {
            Right::Socket(socket) => Some(*socket),
            Right::Foreign(_) => None,
        });
        sockets.collect()
    }

    fn queues_of(&self, id: Key) -> Vec<Key> {
        core::iter::once(id).chain(self.sockets[id].pending.iter().copied()).collect()
    }
}

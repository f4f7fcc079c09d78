//! Rights in flight: sockets and foreign handles that messages carry (`SCM_RIGHTS`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use crate::base::{Errno, SocketId};

/// Most rights one message carries (`SCM_MAX_FD`).
pub const SCM_MAX_FD: usize = 253;

/// A handle that a message passes on. Whoever sends one gives away a reference; it comes out again exactly once: from the
/// receive call that takes the message, or from [`Unix::dropped_right`](super::Unix::dropped_right). For a socket that reference is made
/// by `Stack::sendmsg`, so that the sender keeps its own; a foreign handle that nobody will receive comes out of
/// `Stack::dropped_handle`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Right {
    /// A socket of this stack.
    Socket(SocketId),
    /// A handle of the program around the stack, which alone knows what it means.
    Foreign(u64),
}

/// What the stack knows of all rights in flight.
#[derive(Debug)]
pub(super) struct Rights {
    /// Most rights in flight before further ones are refused.
    limit: usize,
    /// Rights in queues now.
    in_flight: usize,
    /// How often each socket is in flight.
    sockets: BTreeMap<SocketId, usize>,
    /// Rights nobody will receive any more.
    dropped: VecDeque<Right>,
}

impl Rights {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, in_flight: 0, sockets: BTreeMap::new(), dropped: VecDeque::new() }
    }

    /// How many queued rights name this socket.
    pub(super) fn count(&self, socket: SocketId) -> usize {
        self.sockets.get(&socket).copied().unwrap_or(0)
    }

    /// The sockets in flight, each with how often.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (SocketId, usize)> {
        self.sockets.iter().map(|(&socket, &count)| (socket, count))
    }

    /// `ETOOMANYREFS` when too many are in flight already. As on Linux the limit is tested before the new ones are added.
    pub(super) fn admit(&self, rights: &[Right]) -> Result<(), Errno> {
        if !rights.is_empty() && self.in_flight > self.limit { Err(Errno::ETOOMANYREFS) } else { Ok(()) }
    }

    /// Rights go into a queue.
    pub(super) fn depart(&mut self, rights: Vec<Right>) -> Box<[Right]> {
        self.in_flight += rights.len();
        for right in &rights {
            if let Right::Socket(socket) = right {
                *self.sockets.entry(*socket).or_default() += 1;
            }
        }
        rights.into_boxed_slice()
    }

    /// Rights come out of a queue into the hands of a receiver.
    pub(super) fn arrive(&mut self, rights: Box<[Right]>) -> Vec<Right> {
        self.in_flight -= rights.len();
        for right in &rights {
            if let Right::Socket(socket) = right
                && let Some(count) = self.sockets.get_mut(socket)
            {
                *count -= 1;
                if *count == 0 {
                    self.sockets.remove(socket);
                }
            }
        }
        rights.into_vec()
    }

    /// Rights go with the message that carried them.
    pub(super) fn lose(&mut self, rights: Box<[Right]>) {
        let rights = self.arrive(rights);
        self.refuse(rights);
    }

    /// Rights were given to a send call that did not take them.
    pub(super) fn refuse(&mut self, rights: Vec<Right>) {
        self.dropped.extend(rights);
    }

    pub(super) fn has_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    pub(super) fn next_dropped(&mut self) -> Option<Right> {
        let right = self.dropped.pop_front();
        if self.dropped.is_empty() {
            self.dropped = VecDeque::new();
        }
        right
    }
}

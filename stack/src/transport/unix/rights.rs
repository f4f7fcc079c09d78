//! Rights in flight: sockets and foreign handles that messages carry (`SCM_RIGHTS`).

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::base::{Errno, SocketId};

/// Most rights one message carries (`SCM_MAX_FD`).
pub const SCM_MAX_FD: usize = 253;

/// A handle that a message passes on. Whoever sends one gives away a reference; it comes out again exactly once: from the
/// receive call that takes the message, or from [`Unix::dropped_right`](super::Unix::dropped_right).
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
    /// Rights nobody will receive any more.
    dropped: VecDeque<Right>,
}

impl Rights {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, in_flight: 0, dropped: VecDeque::new() }
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Refuses what may not be sent: `EINVAL` for too many in one message, `ETOOMANYREFS` when too many are in flight
    /// already. As on Linux the limit is tested before the new ones are added.
    pub(super) fn admit(&self, rights: &[Right]) -> Result<(), Errno> {
        if rights.len() > SCM_MAX_FD {
            Err(Errno::EINVAL)
        } else if !rights.is_empty() && self.in_flight > self.limit {
            Err(Errno::ETOOMANYREFS)
        } else {
            Ok(())
        }
    }

    /// Rights go into a queue.
    pub(super) fn depart(&mut self, rights: Vec<Right>) -> Box<[Right]> {
        self.in_flight += rights.len();
        rights.into_boxed_slice()
    }

    /// Rights come out of a queue into the hands of a receiver.
    pub(super) fn arrive(&mut self, rights: Box<[Right]>) -> Vec<Right> {
        self.in_flight -= rights.len();
        rights.into_vec()
    }

    /// Rights go with the message that carried them.
    pub(super) fn lose(&mut self, rights: Box<[Right]>) {
        let rights = self.arrive(rights);
        self.drop_unsent(rights);
    }

    /// Rights were given to a send call that did not take them.
    pub(super) fn drop_unsent(&mut self, rights: Vec<Right>) {
        self.dropped.extend(rights);
    }

    pub(super) fn next_dropped(&mut self) -> Option<Right> {
        let right = self.dropped.pop_front();
        if self.dropped.is_empty() {
            self.dropped = VecDeque::new();
        }
        right
    }
}

//! Boxes of queues that are empty, kept for the next connection that has something to queue: the administration of a message that comes
//! and goes costs no allocation. And large chunks, likewise.
//!
//! An idle connection owns no box, be there a million of them; the few that are kept here are nobody's.

#![allow(clippy::vec_box, clippy::unnecessary_box_returns)] // The boxes themselves are what is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::chunks::Chunks;
use super::tcb::{Receiving, Sending};

/// Connections that have something queued at the same moment are few; more boxes than this go back to the allocator.
const MOST: usize = 32;

/// The boxes, empty.
#[derive(Debug, Default)]
pub(super) struct Spare {
    sending: Vec<Box<Sending>>,
    receiving: Vec<Box<Receiving>>,
    pub(super) chunks: Chunks,
}

impl Spare {
    /// A box for unacknowledged data.
    pub(super) fn sending(&mut self) -> Box<Sending> {
        self.sending.pop().unwrap_or_else(one_more)
    }

    /// A box for unread data.
    pub(super) fn receiving(&mut self) -> Box<Receiving> {
        self.receiving.pop().unwrap_or_else(one_more)
    }

    /// What is in it is not needed any more.
    pub(super) fn keep_sending(&mut self, mut emptied: Box<Sending>) {
        if self.sending.len() < MOST {
            emptied.clear();
            self.sending.push(emptied);
        }
    }

    /// Likewise.
    pub(super) fn keep_receiving(&mut self, mut emptied: Box<Receiving>) {
        if self.receiving.len() < MOST {
            *emptied = Receiving::default();
            self.receiving.push(emptied);
        }
    }
}

/// A box that is not one of the spare ones. It is made in one place, for those who ask for one are many and get a spare one.
#[cold]
#[inline(never)]
fn one_more<T: Default>() -> Box<T> {
    Box::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_comes_back_empty_and_few_are_kept() {
        let mut spare = Spare::default();
        let mut used = spare.receiving();
        used.queue.push((&b"unread"[..]).into());
        spare.keep_receiving(used);
        assert!(spare.receiving().queue.is_empty());
        for _ in 0..2 * MOST {
            spare.keep_sending(Box::default());
        }
        assert_eq!(spare.sending.len(), MOST);
    }
}

//! Boxes of queues that are empty, kept for the next connection that has something to queue, and frames that were read, for the next segment that
//! leaves: the administration of a message that comes and goes costs no allocation. And large chunks, likewise.
//!
//! An idle connection owns no box, be there a million of them; the few that are kept here are nobody's. Where all frames go one way they gather
//! at its end, and no more of them than that.

#![allow(clippy::vec_box, clippy::unnecessary_box_returns)] // The boxes themselves are what is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hint::cold_path;

use super::chunks::{self, Chunks};
use super::tcb::{Receiving, Sending};
use crate::base::{Frame, Rope};

/// Connections that have something queued at the same moment are few; more boxes than this go back to the allocator.
const MOST: usize = 32;

/// The boxes, empty.
#[derive(Debug, Default)]
pub(super) struct Spare {
    sending: Vec<Box<Sending>>,
    receiving: Vec<Box<Receiving>>,
    frames: Vec<Frame>,
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

    /// A frame without headers around a payload.
    #[inline(always)] // Who has it writes its headers.
    pub(super) fn frame(&mut self, body: Rope) -> Frame {
        match self.frames.pop() {
            Some(frame) => frame.anew(body),
            None => Frame::new(body),
        }
    }

    /// It was read.
    #[inline]
    pub(super) fn keep_frame(&mut self, mut read: Frame) {
        if self.frames.len() < MOST {
            if !read.body.is_empty() {
                read.body = Rope::new();
            }
            self.frames.push(read);
        }
    }

    /// What is in it is not needed any more. Large chunks are kept for themselves.
    #[inline(always)]
    pub(super) fn keep_sending(&mut self, mut emptied: Box<Sending>) {
        if emptied.queue.charge() >= chunks::LARGE {
            cold_path();
            emptied.queue.release(usize::MAX, &mut self.chunks);
        }
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
    use crate::base::Checksum;

    #[test]
    fn a_frame_that_was_read_comes_back_as_new_and_few_are_kept() {
        let mut spare = Spare::default();
        let mut read = Frame::from(&[1; 2000][..]);
        read.push(60).fill(7);
        (read.segment_size, read.checksum) = (1000, Checksum::Verified);
        (read.l2_len, read.l3_len, read.l4_len) = (14, 20, 26);
        spare.keep_frame(read);
        assert!(spare.frames[0].body.is_empty(), "nobody's payload is held");
        let [anew, new] = [spare.frame(Rope::from(&b"data"[..])), Frame::new(Rope::from(&b"data"[..]))];
        assert!(spare.frames.is_empty());
        let known =
            |frame: &Frame| (frame.segment_size, frame.checksum, frame.l2_len, frame.l3_len, frame.l4_len, frame.headroom());
        assert_eq!((known(&anew), anew.to_vec()), (known(&new), new.to_vec()));
        for _ in 0..2 * MOST {
            spare.keep_frame(Frame::default());
        }
        assert_eq!(spare.frames.len(), MOST);
    }

    /// As where all that was written is acknowledged at once.
    #[test]
    fn large_chunks_of_a_box_that_comes_back_are_used_again() {
        let mut spare = Spare::default();
        let data = alloc::vec![7; 3 * chunks::CHUNK];
        let held = |spare: &mut Spare| -> Vec<_> {
            let mut sending = spare.sending();
            sending.queue.write(&data, &mut spare.chunks);
            let mut held: Vec<_> = sending.queue.slice(0, data.len()).chunks().map(<[u8]>::as_ptr).collect();
            spare.keep_sending(sending);
            held.sort_unstable();
            held
        };
        let first = held(&mut spare);
        // Who asks the allocator gets others, or what was given back to it.
        let others = [(); 3].map(|()| Vec::<u8>::with_capacity(chunks::CHUNK));
        assert!(others.iter().all(|other| !first.contains(&other.as_ptr())), "they are kept");
        assert_eq!(held(&mut spare), first);
    }

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

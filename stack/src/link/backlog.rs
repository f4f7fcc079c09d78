//! What waits to be asked for by the network layer.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::offload::join::Joiner;
use super::up::{Received, Up};
use crate::base::{Frame, LinkId};

/// As Linux's `netdev_max_backlog`.
const FRAMES: usize = 1000;
/// Of super-segments a few dozen.
const BYTES: usize = 4 << 20;
/// Tidings of neighbours and addresses.
const TIDINGS: usize = 4096;

/// The queue behind [`Links::poll`](super::Links::poll). Frames of devices are bounded here; what was sent on loopback waits here
/// too, but is bounded by its link's queue limit.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: VecDeque<Up>,
    /// Segments that wait to be joined.
    joiner: Joiner,
    joined: VecDeque<Received>,
    looped: VecDeque<Received>,
    frames: usize,
    bytes: usize,
}

impl Backlog {
    /// True if another frame of a device is taken.
    pub(super) const fn has_room(&self) -> bool {
        self.frames < FRAMES && self.bytes < BYTES
    }

    /// A frame of a device, to go up as it is.
    pub(super) fn receive(&mut self, received: Received) {
        self.frames += 1;
        self.bytes += received.frame.len();
        self.queue.push_back(Up::Received(received));
    }

    /// Joins a frame of a device with the segments before it, if those wait and it comes next; says if it did.
    #[inline]
    pub(super) fn continues(&mut self, link: LinkId, frame: &mut Frame) -> bool {
        let continues = self.has_room() && self.joiner.continues(link, frame, &mut self.joined);
        if continues {
            self.receive_joined();
        }
        continues
    }

    /// A packet of a device that [continues](Self::continues) nothing, to be joined with those that come.
    pub(super) fn join(&mut self, received: Received) {
        self.joiner.offer(received, &mut self.joined);
        self.receive_joined();
    }

    #[inline]
    fn receive_joined(&mut self) {
        while let Some(received) = self.joined.pop_front() {
            self.receive(received);
        }
    }

    /// A frame that was sent on loopback.
    pub(super) fn loop_back(&mut self, received: Received) {
        self.looped.push_back(received);
    }

    /// Something about a neighbour or an address; false if nobody has asked for so long that there is no room.
    pub(super) fn tell(&mut self, up: Up) -> bool {
        let room = self.queue.len() < FRAMES + TIDINGS;
        if room {
            self.queue.push_back(up);
        }
        room
    }

    /// True if nothing waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() & self.joiner.is_empty() & self.looped.is_empty()
    }

    /// The next thing: what came first, then what waited to be joined.
    pub(super) fn pop(&mut self) -> Option<Up> {
        match self.queue.pop_front() {
            Some(Up::Received(received)) => {
                self.frames -= 1;
                self.bytes -= received.frame.len();
                Some(Up::Received(received))
            }
            Some(up) => Some(up),
            None => self.joiner.flush().map(Up::Received),
        }
    }

    /// The next frame of loopback, which comes after all else.
    pub(super) fn pop_looped(&mut self) -> Option<Received> {
        let is_next = !self.looped.is_empty() && self.queue.is_empty() && self.joiner.is_empty();
        if is_next { self.looped.pop_front() } else { None }
    }

    /// Drops all that came by a link; gives the length of each frame of the device, and of each that was sent on loopback.
    pub(super) fn forget(&mut self, link: LinkId) -> (Vec<usize>, Vec<usize>) {
        let mut received = self.joiner.forget(link);
        let gone = self.queue.iter().filter(|up| came_by(up, link));
        received.extend(gone.filter_map(|up| if let Up::Received(received) = up { Some(received.frame.len()) } else { None }));
        self.queue.retain(|up| !came_by(up, link));
        self.frames = self.frame_lengths().count();
        self.bytes = self.frame_lengths().sum();
        let looped = self.looped.iter().filter(|received| received.link == link).map(|received| received.frame.len()).collect();
        self.looped.retain(|received| received.link != link);
        (received, looped)
    }

    fn frame_lengths(&self) -> impl Iterator<Item = usize> {
        self.queue.iter().filter_map(|up| if let Up::Received(received) = up { Some(received.frame.len()) } else { None })
    }
}

fn came_by(up: &Up, gone: LinkId) -> bool {
    match up {
        Up::Received(Received { link, .. })
        | Up::Solicit { link, .. }
        | Up::Unreachable { link, .. }
        | Up::Conflict { link, .. }
        | Up::ProbeDone { link, .. } => *link == gone,
    }
}

//! Packets on their way to a shard from whoever read them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bell::Bell;
use crate::device::Packet;

/// Most packets that wait for one shard; what does not fit is lost, as in the ring of a network card.
const LIMIT: usize = 2048;

/// What waits for one shard, and how its thread is woken. In cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Lane {
    waiting: Mutex<Waiting>,
    bell: Bell,
    /// Its device had no room: it is to be told when it has.
    blocked: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    packets: VecDeque<Packet>,
    /// Nobody will take any.
    closed: bool,
}

impl Lane {
    pub(super) fn new() -> io::Result<Self> {
        let bell = Bell::new()?;
        Ok(Self { waiting: Mutex::default(), bell, blocked: AtomicBool::new(false), dropped: AtomicU64::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts packets in and wakes the shard, if it is there.
    pub(super) fn put(&self, packets: impl IntoIterator<Item = Packet>) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        for packet in packets {
            if waiting.packets.len() < LIMIT {
                waiting.packets.push_back(packet);
            } else {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(waiting);
        self.bell.ring();
    }

    /// The next packet. If there is none and the bell was rung, that was for something else: `Interrupted`.
    pub(super) fn take(&self) -> io::Result<Packet> {
        if let Some(packet) = self.pop() {
            return Ok(packet);
        }
        let nothing = if self.bell.heard() { io::ErrorKind::Interrupted } else { io::ErrorKind::WouldBlock };
        // Something may have come before the bell could be rung again.
        self.pop().ok_or_else(|| nothing.into())
    }

    fn pop(&self) -> Option<Packet> {
        self.lock().packets.pop_front()
    }

    /// The shard waits for room in the device.
    pub(super) fn block(&self) {
        self.blocked.store(true, Ordering::Release);
    }

    /// There may be room again.
    pub(super) fn unblock(&self) {
        if self.blocked.swap(false, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Its shard has let go of the device: nothing more is for it.
    pub(super) fn close(&self) {
        let nobodys = std::mem::replace(&mut *self.lock(), Waiting { closed: true, ..Waiting::default() });
        drop(nobodys);
    }

    /// Something is to be looked at.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    /// Packets for which there was no room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_lost_and_the_rest_keeps_its_order() {
        let lane = Lane::new().expect("a lane");
        lane.put((0..LIMIT + 5).map(|len| Packet::from(vec![0; len])));
        assert_eq!(lane.dropped(), 5);
        let taken: Vec<_> = std::iter::from_fn(|| lane.take().ok()).map(|packet| packet.len()).collect();
        assert!(taken.into_iter().eq(0..LIMIT));
    }

    #[test]
    fn nothing_waits_for_one_that_is_gone() {
        let lane = Lane::new().expect("a lane");
        let packets = || (0..3).map(|len| Packet::from(vec![0; len]));
        lane.put(packets());
        lane.close();
        lane.put(packets());
        assert!(lane.take().is_err());
        assert_eq!(lane.dropped(), 0, "nobody was too slow");
    }

    #[test]
    fn the_bell_rings_not_only_for_packets() {
        let lane = Lane::new().expect("a lane");
        let nothing = || lane.take().expect_err("nothing").kind();
        assert_eq!(nothing(), io::ErrorKind::WouldBlock);
        lane.unblock();
        assert_eq!(nothing(), io::ErrorKind::WouldBlock, "it was not blocked");
        lane.block();
        lane.unblock();
        assert_eq!([nothing(), nothing()], [io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock]);
    }
}

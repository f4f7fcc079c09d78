//! Packets on their way from a host to the writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loggia_stack::base::{Direction, Frame};
use loggia_stack::link::pcapng::LinkType;

use super::options::Options;

/// What a packet that waits costs beside its bytes.
const COST: usize = 256;

/// What the writer is given.
#[derive(Debug)]
pub(super) enum Item {
    /// An interface, which gets the next number.
    Interface { name: String, kind: LinkType },
    /// A packet.
    Packet(Packet),
}

/// A packet as it passed a device.
#[derive(Debug)]
pub(super) struct Packet {
    /// Of which interface, by number.
    pub(super) interface: u32,
    /// Nanoseconds since 1970.
    pub(super) at: u64,
    pub(super) direction: Direction,
    pub(super) frame: Frame,
    pub(super) comments: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    /// Packets for which there was no room, by interface that was told of.
    missing: Vec<u64>,
    /// Hosts that bring packets.
    taps: usize,
    /// The writer has ended.
    done: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) options: Options,
    state: Mutex<State>,
    changed: Condvar,
    /// Changes under the lock; a host looks at it after all that happens, and does so without.
    stopping: AtomicBool,
}

impl Queue {
    pub(super) fn new(options: Options) -> Self {
        Self { options, state: Mutex::default(), changed: Condvar::new(), stopping: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an interface its number. There are few, so there is always room.
    pub(super) fn interface(&self, name: String, kind: LinkType) -> u32 {
        let mut state = self.lock();
        state.items.push_back(Item::Interface { name, kind });
        state.missing.push(0);
        self.changed.notify_all();
        state.missing.len() as u32 - 1
    }

    /// Appends a packet, if there is room.
    pub(super) fn packet(&self, packet: Packet) {
        let mut state = self.lock();
        let cost = packet.frame.len() + COST;
        if state.bytes + cost > self.options.queue {
            state.missing[packet.interface as usize] += 1;
        } else if self.is_open() {
            state.bytes += cost;
            state.items.push_back(Item::Packet(packet));
            if state.items.len() == 1 {
                self.changed.notify_all();
            }
        }
    }

    /// True while packets are wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.stopping.load(Ordering::Acquire)
    }

    /// Waits for what has come; nothing: it is over.
    pub(super) fn take(&self) -> VecDeque<Item> {
        let mut state = self.lock();
        while state.items.is_empty() && self.is_open() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes = 0;
        std::mem::take(&mut state.items)
    }

    /// Packets that found no room, by interface.
    pub(super) fn missing(&self) -> Vec<u64> {
        self.lock().missing.clone()
    }

    pub(super) fn stop(&self) {
        let state = self.lock();
        self.stopping.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_all();
    }

    /// The writer has ended, whatever still waits.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        self.stopping.store(true, Ordering::Release);
        state.done = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
        self.changed.notify_all();
    }

    /// Waits for the end of the writer, for `limit` at most.
    pub(super) fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !state.done {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// One more host brings packets.
    pub(super) fn tapped(&self) {
        self.lock().taps += 1;
    }

    /// One fewer does; with the last the capture ends.
    pub(super) fn untapped(&self) {
        let mut state = self.lock();
        state.taps -= 1;
        let last = state.taps == 0;
        drop(state);
        if last {
            self.stop();
        }
    }
}

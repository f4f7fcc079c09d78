//! Sockets whose readiness may have changed, each queued once until it is asked for.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::SocketId;

/// The queue behind `Stack::next_ready`. It keeps places, not names: if a socket goes and another takes its place
/// meanwhile, whoever asks looks at the living one.
#[derive(Debug, Default)]
pub struct Notify {
    queue: VecDeque<u32>,
    queued: Vec<u64>,
}

impl Notify {
    /// Says that the readiness of `socket` may have changed.
    #[inline]
    pub fn push(&mut self, socket: SocketId) {
        let (word, bit) = (socket.index() as usize / 64, 1 << (socket.index() % 64));
        // Of what comes together only the first is news.
        if self.queued.get(word).is_none_or(|queued| queued & bit == 0) {
            self.push_new(socket, word, bit);
        }
    }

    #[inline(never)]
    fn push_new(&mut self, socket: SocketId, word: usize, bit: u64) {
        if word >= self.queued.len() {
            self.queued.resize(word + 1, 0);
        }
        self.queued[word] |= bit;
        self.queue.push_back(socket.index());
    }

    /// The place of the next socket to look at.
    pub fn pop(&mut self) -> Option<u32> {
        let index = self.queue.pop_front()?;
        self.queued[index as usize / 64] &= !(1 << (index % 64));
        Some(index)
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

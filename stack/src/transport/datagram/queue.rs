//! The receive queue of a datagram socket.

use core::mem;

use super::{Datagram, Payload};
use crate::base::{Budget, Ring, Rope};

/// Why a datagram was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The socket's receive buffer is full.
    Buffer,
    /// The stack's memory budget is used up.
    Memory,
}

/// Datagrams that wait to be read, bounded by the socket's receive buffer and charged to the stack's budget.
/// An empty queue owns no memory until the first datagram comes.
#[derive(Debug, Default)]
pub struct DatagramQueue {
    queue: Ring<Datagram>,
    charged: usize,
    payload: usize,
}

/// What Linux counts for a buffer of `len` payload bytes (`truesize`): the buffer's head, and its data with headers and shared
/// info rounded up to the allocator's next size. Measured on Linux 6.18: 832 for up to 192 bytes, 1280, 2304, 4352, ...
pub const fn truesize(len: usize) -> usize {
    const HEAD: usize = 256;
    const HEADERS_AND_SHARED_INFO: usize = 384;
    const SMALL: usize = 576;
    let data = len.saturating_add(HEADERS_AND_SHARED_INFO);
    HEAD + if data <= SMALL { SMALL } else { data.next_power_of_two() }
}

/// What of a packet goes into a queue: its payload, shared; copied where a large frame carries little of it (behind the datagram, by
/// the lengths its headers tell), for then it would hold more memory than it is charged with.
#[inline(always)] // It is not moved.
pub fn kept(payload: Rope, frame_len: usize) -> Rope {
    if frame_len > truesize(payload.len()) { payload.to_vec().into() } else { payload }
}

impl DatagramQueue {
    /// Queues a datagram of `len` bytes of payload; gives its place, which is to be filled. One is always let into an empty queue, however small
    /// `rcvbuf` is.
    #[inline]
    pub fn push(&mut self, budget: &mut Budget, rcvbuf: usize, len: usize) -> Result<&mut Datagram, Refused> {
        let size = truesize(len);
        if self.charged > 0 && self.charged + size > rcvbuf {
            return Err(Refused::Buffer);
        }
        if !budget.allows(size) {
            return Err(Refused::Memory);
        }
        budget.charge(size);
        self.charged += size;
        self.payload += len;
        Ok(self.queue.push())
    }

    /// The oldest datagram.
    pub fn front(&self) -> Option<&Datagram> {
        self.queue.front()
    }

    /// Copies the oldest datagram out and throws it away; says how many bytes were copied.
    #[inline]
    pub fn read(&mut self, budget: &mut Budget, into: &mut [u8]) -> Option<usize> {
        let datagram = self.queue.front_mut()?;
        let (len, copied) = (datagram.data.len(), datagram.data.copy_to(0, into));
        datagram.data = Payload::Taken;
        self.leave(budget, len);
        Some(copied)
    }

    /// Takes the oldest datagram. The last one gives the queue's own memory back.
    pub fn pop(&mut self, budget: &mut Budget) -> Option<Datagram> {
        let datagram = mem::take(self.queue.front_mut()?);
        self.leave(budget, datagram.data.len());
        Some(datagram)
    }

    /// The oldest datagram, with `len` bytes of payload, was taken out of its place.
    #[inline]
    fn leave(&mut self, budget: &mut Budget, len: usize) {
        let size = truesize(len);
        budget.release(size);
        self.charged -= size;
        self.payload -= len;
        self.queue.leave();
        if self.queue.is_empty() && self.queue.capacity() > 64 {
            self.queue = Ring::default();
        }
    }

    /// Gives everything back.
    pub fn clear(&mut self, budget: &mut Budget) {
        budget.release(self.charged);
        *self = Self::default();
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many datagrams wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of payload that wait.
    pub const fn payload(&self) -> usize {
        self.payload
    }

    /// Bytes counted against the receive buffer (`SK_MEMINFO_RMEM_ALLOC`).
    pub const fn charged(&self) -> usize {
        self.charged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queues a datagram of so many bytes.
    fn push(queue: &mut DatagramQueue, budget: &mut Budget, rcvbuf: usize, len: usize) -> Result<(), Refused> {
        queue.push(budget, rcvbuf, len).map(|place| place.data = Rope::from(alloc::vec![0; len]).into())
    }

    /// Counts of Linux 6.18 on loopback with `SO_RCVBUF` reported as 800000.
    #[test]
    fn as_many_fit_as_on_linux() {
        for (len, count) in [(0, 961), (100, 961), (200, 625), (1000, 347), (1472, 347), (2000, 183), (8000, 48), (65000, 12)] {
            let mut budget = Budget::new(usize::MAX);
            let mut queue = DatagramQueue::default();
            while push(&mut queue, &mut budget, 800_000, len).is_ok() {}
            assert_eq!(queue.len(), count, "datagrams of {len} bytes");
            assert_eq!((queue.payload(), queue.charged()), (len * count, budget.used()));
            while queue.pop(&mut budget).is_some() {}
            assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn one_fits_the_smallest_buffer_but_never_a_full_budget() {
        let mut queue = DatagramQueue::default();
        let mut budget = Budget::new(100_000);
        assert_eq!(push(&mut queue, &mut budget, 1, 1000), Ok(()));
        assert_eq!(push(&mut queue, &mut budget, 1, 0), Err(Refused::Buffer));
        queue.clear(&mut budget);
        assert_eq!(budget.used(), 0);
        assert_eq!(push(&mut queue, &mut Budget::new(10), 100_000, 0), Err(Refused::Memory));
    }
}

//! The receive queue of a datagram socket.
//!
//! Datagrams that came one behind the other with the same headers, and are short or have payload that stands so in one chunk, are one record: the first
//! with the payload of all, of which `segment_size` bytes are each one's. They are counted and bounded one by one, and taken one by one unless the
//! socket wants them joined (`UDP_GRO`).

use super::{Datagram, Gathering, Payload};
use crate::base::{Budget, Frame, Instant, Ring, Rope};

/// Why a datagram was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The socket's receive buffer is full.
    Buffer,
    /// The stack's memory budget is used up.
    Memory,
}

/// What a call takes of datagrams that are joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    /// The first of them.
    One,
    /// All of them.
    Joined,
}

/// Datagrams that wait to be read, bounded by the socket's receive buffer and charged to the stack's budget.
/// An empty queue owns no memory until the first datagram comes.
#[derive(Debug, Default)]
pub struct DatagramQueue {
    queue: Ring<Datagram>,
    charged: usize,
    payload: usize,
    /// How many were ever queued.
    arrived: u64,
}

/// The oldest datagram of a queue, or all that are joined with it.
#[derive(Clone, Copy, Debug)]
pub struct Front<'a> {
    /// What is known of it. The payload may have others around it.
    pub about: &'a Datagram,
    start: usize,
    len: usize,
    /// The payload of the record, if it lies together.
    together: Option<&'a [u8]>,
}

impl Front<'_> {
    /// Bytes of payload.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if it carries nothing.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The payload, if it lies together.
    #[inline(always)]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.together?.get(self.start..self.start + self.len)
    }

    /// Copies from `start` on into `into`, as many bytes as there are and fit; says how many.
    #[inline]
    pub fn copy_to(&self, start: usize, into: &mut [u8]) -> usize {
        let count = self.len.saturating_sub(start).min(into.len());
        match self.together.and_then(|bytes| bytes.get(self.start + start..)?.get(..count)) {
            Some(bytes) => into[..count].copy_from_slice(bytes),
            None => drop(self.about.data.copy_to(self.start + start, &mut into[..count])),
        }
        count
    }

    /// Bytes of each datagram, the last perhaps less, if it is several; 0 if it is one.
    pub fn segment_size(&self) -> u16 {
        if self.len > usize::from(self.about.segment_size) { self.about.segment_size } else { 0 }
    }
}

/// The datagrams that are joined at the front of a queue, one by one.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// What is known of each.
    pub about: &'a Datagram,
    together: Option<&'a [u8]>,
    size: usize,
    /// Where the next begins, if there is one.
    next: Option<usize>,
}

impl<'a> Iterator for Run<'a> {
    type Item = Front<'a>;
    #[inline]
    fn next(&mut self) -> Option<Front<'a>> {
        let (start, whole) = (self.next?, self.about.data.len());
        let len = self.size.min(whole - start);
        self.next = Some(start + len).filter(|end| *end < whole);
        Some(Front { about: self.about, start, len, together: self.together })
    }
}

impl Datagram {
    /// Becomes one of which is known what is known of another, but that it came `now`, and what it carries.
    #[inline]
    pub(super) fn be_like(&mut self, about: &Self, now: Instant) {
        let &Self { data: _, from, to, to_port, link, hop_limit, tos, flow_label, at: _, options: _, segment_size: _ } = about;
        (self.from, self.to, self.to_port, self.link) = (from, to, to_port, link);
        (self.hop_limit, self.tos, self.flow_label, self.at) = (hop_limit, tos, flow_label, now);
        (self.options, self.segment_size) = (None, 0);
    }

    /// What is known of it, without what it carries: that may be of many, and is not copied for each.
    fn without_data(&self) -> Self {
        let mut alike = Self::default();
        alike.be_like(self, self.at);
        Self { options: self.options.clone(), segment_size: self.segment_size, ..alike }
    }

    /// Bytes of payload that are taken at once.
    #[inline]
    fn portion(&self, take: Take) -> usize {
        match take {
            Take::One if self.segment_size != 0 => self.data.len().min(self.segment_size.into()),
            _ => self.data.len(),
        }
    }
}

/// What `len` bytes of payload count: those of one datagram, or of several of `segment_size` bytes each.
#[inline]
fn cost(len: usize, segment_size: u16) -> usize {
    let size = usize::from(segment_size);
    if size == 0 || len <= size { truesize(len) } else { cost_of_many(len, size) }
}

fn cost_of_many(len: usize, size: usize) -> usize {
    let last = match len % size {
        0 => 0,
        rest => truesize(rest),
    };
    len / size * truesize(size) + last
}

/// The most bytes of one record: those of the largest packet.
const LARGEST_RUN: usize = 65_535;

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
    /// Queues a datagram of `len` bytes of payload, or several of `segment_size` bytes each; gives its place, which is to be filled. One is always let
    /// into an empty queue, however small `rcvbuf` is.
    #[inline]
    pub fn push(&mut self, budget: &mut Budget, rcvbuf: usize, len: usize, segment_size: u16) -> Result<&mut Datagram, Refused> {
        let cost = cost(len, segment_size);
        self.check_room(budget, rcvbuf, cost)?;
        self.count(budget, cost, len);
        Ok(self.queue.push())
    }

    /// Queues a datagram whose headers are those of the last one that was queued: its payload are the `len` bytes from `start` on of `frame`. Both are one
    /// record if that one is still there and came just now, and this one is short or its payload stands behind its. Gives false, and did nothing, if not.
    #[inline(always)]
    pub fn push_behind(
        &mut self,
        budget: &mut Budget,
        rcvbuf: usize,
        now: Instant,
        (frame, start, len): (&Frame, usize, usize),
    ) -> Result<bool, Refused> {
        let cost = truesize(len);
        self.check_room(budget, rcvbuf, cost)?;
        let Some(last) = self.queue.back_mut() else { return Ok(false) };
        let joins = last.at == now && last.data.len() + len <= LARGEST_RUN && last.data.take_in(frame, start, len);
        if joins {
            last.segment_size = len as u16;
            self.count(budget, cost, len);
        }
        Ok(joins)
    }

    /// Has datagrams of `len` bytes each put behind the last record, if that came `now` too and is of such, copied together; says how many there were.
    /// They must have its headers.
    #[inline]
    pub fn gather(
        &mut self,
        budget: &mut Budget,
        rcvbuf: usize,
        now: Instant,
        len: usize,
        fill: impl FnOnce(&mut Gathering<'_>),
    ) -> usize {
        let cost = truesize(len);
        let allowed = (budget.limit().saturating_sub(budget.used())).min(rcvbuf.saturating_sub(self.charged)) / cost;
        let last = self.queue.back_mut().filter(|last| last.at == now && usize::from(last.segment_size) == len);
        let Some(Payload::Gathered { bytes, at }) = last.map(|last| &mut last.data) else { return 0 };
        let waiting = bytes.len() - *at as usize;
        let room = allowed.min(LARGEST_RUN.saturating_sub(waiting) / len);
        let mut gathering = Gathering { bytes, at, room, count: 0 };
        fill(&mut gathering);
        let count = gathering.count;
        budget.charge(count * cost);
        self.charged += count * cost;
        self.payload += count * len;
        self.arrived += count as u64;
        count
    }

    #[inline(always)]
    fn check_room(&self, budget: &Budget, rcvbuf: usize, cost: usize) -> Result<(), Refused> {
        if self.charged > 0 && self.charged + cost > rcvbuf {
            return Err(Refused::Buffer);
        }
        if budget.allows(cost) { Ok(()) } else { Err(Refused::Memory) }
    }

    /// Counts a datagram that is let in.
    #[inline(always)]
    fn count(&mut self, budget: &mut Budget, cost: usize, len: usize) {
        budget.charge(cost);
        self.charged += cost;
        self.payload += len;
        self.arrived += 1;
    }

    /// How many were ever queued.
    pub const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// The oldest datagram.
    #[inline]
    pub fn front(&self, take: Take) -> Option<Front<'_>> {
        let about = self.queue.front()?;
        Some(Front { about, start: 0, len: about.portion(take), together: about.data.together() })
    }

    /// The oldest datagrams, as far as they are joined.
    #[inline]
    pub fn run(&self) -> Option<Run<'_>> {
        let about = self.queue.front()?;
        Some(Run { about, together: about.data.together(), size: about.portion(Take::One), next: Some(0) })
    }

    /// Copies the oldest datagram out and throws it away; says how many bytes were copied.
    #[inline]
    pub fn read(&mut self, budget: &mut Budget, take: Take, into: &mut [u8]) -> Option<usize> {
        let copied = self.front(take)?.copy_to(0, into);
        self.discard(budget, take);
        Some(copied)
    }

    /// Takes the oldest datagram.
    pub fn pop(&mut self, budget: &mut Budget, take: Take) -> Option<Datagram> {
        let Front { about, len, .. } = self.front(take)?;
        let segment_size = if take == Take::One { 0 } else { about.segment_size };
        if len == about.data.len() {
            let datagram = core::mem::take(self.queue.front_mut()?);
            self.leave(budget, cost(len, datagram.segment_size), len);
            return Some(Datagram { segment_size, ..datagram });
        }
        let datagram = Datagram { data: about.data.first(len), segment_size, ..about.without_data() };
        self.discard(budget, take);
        Some(datagram)
    }

    /// Throws the oldest datagram away.
    #[inline]
    pub fn discard(&mut self, budget: &mut Budget, take: Take) {
        let len = self.queue.front().map_or(0, |front| front.portion(take));
        self.discard_bytes(budget, len);
    }

    /// Throws the oldest `count` datagrams away, which are joined.
    pub fn discard_some(&mut self, budget: &mut Budget, count: usize) {
        let all = |front: &Datagram| front.data.len().min(front.portion(Take::One) * count);
        let len = self.queue.front().map_or(0, all);
        self.discard_bytes(budget, len);
    }

    /// Throws away the first `len` bytes of what is joined in front.
    #[inline]
    fn discard_bytes(&mut self, budget: &mut Budget, len: usize) {
        let Some(front) = self.queue.front_mut() else { return };
        let cost = cost(len, front.segment_size);
        if len < front.data.len() {
            front.data.advance(len);
            return self.give_back(budget, cost, len);
        }
        (front.data, front.options) = (Payload::Taken, None);
        self.leave(budget, cost, len);
    }

    /// So many bytes of payload wait no longer.
    #[inline]
    fn give_back(&mut self, budget: &mut Budget, cost: usize, len: usize) {
        budget.release(cost);
        self.charged -= cost;
        self.payload -= len;
    }

    /// The oldest datagram was taken out of its place. The last one gives the queue's own memory back.
    #[inline]
    fn leave(&mut self, budget: &mut Budget, cost: usize, len: usize) {
        self.give_back(budget, cost, len);
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
        let count = |one: &Datagram| match one.segment_size {
            0 => 1,
            size => one.data.len().div_ceil(size.into()),
        };
        self.queue.iter().map(count).sum()
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
    use bytes::Bytes;

    use super::*;

    /// Queues a datagram of so many bytes.
    fn push(queue: &mut DatagramQueue, budget: &mut Budget, rcvbuf: usize, len: usize) -> Result<(), Refused> {
        queue.push(budget, rcvbuf, len, 0).map(|place| place.data = Rope::from(alloc::vec![0; len]).into())
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
            while queue.pop(&mut budget, Take::One).is_some() {}
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

    /// At one moment any number may come and be read, with always another one behind: what was read is not kept.
    #[test]
    fn a_record_that_never_ends_does_not_grow() {
        let (mut queue, mut budget, now) = (DatagramQueue::default(), Budget::new(100_000), Instant::EPOCH);
        push(&mut queue, &mut budget, 800_000, 64).unwrap();
        let bytes = |number: u32| number.to_be_bytes().repeat(16);
        let mut into = [0; 64];
        for number in 1..20_000 {
            let frame = Frame::copy_of(&bytes(number));
            assert_eq!(queue.push_behind(&mut budget, 800_000, now, (&frame, 0, 64)), Ok(true));
            assert_eq!(queue.read(&mut budget, Take::One, &mut into), Some(64));
            assert_eq!(into[..], bytes(number - 1));
        }
        let Some(Payload::Gathered { bytes, .. }) = queue.queue.front().map(|front| &front.data) else { panic!("not copied") };
        assert!(bytes.capacity() <= 4096, "{} bytes for one datagram", bytes.capacity());
    }

    /// As [`kept`] sees to it for those that are shared: what one datagram that nobody reads holds is what it is charged with, or little more.
    #[test]
    fn the_last_of_many_that_came_at_once_holds_no_more_than_it_is_charged_with() {
        let (mut queue, mut budget, now) = (DatagramQueue::default(), Budget::new(1 << 24), Instant::EPOCH);
        push(&mut queue, &mut budget, 1 << 20, 64).unwrap();
        let frame = Frame::copy_of(&[7; 64]);
        for _ in 0..6 {
            while queue.push_behind(&mut budget, 1 << 20, now, (&frame, 0, 64)) == Ok(true) {}
            for _ in 0..500 {
                queue.read(&mut budget, Take::One, &mut [0; 64]).unwrap();
            }
        }
        while queue.payload() > 64 {
            queue.read(&mut budget, Take::One, &mut [0; 64]).unwrap();
        }
        let Some(Payload::Gathered { bytes, .. }) = queue.queue.front().map(|front| &front.data) else { panic!("not copied") };
        assert!(bytes.capacity() <= 8 * budget.used(), "{} bytes are held, {} are charged", bytes.capacity(), budget.used());
    }

    /// The place of a datagram that was read is kept, and nothing in it.
    #[test]
    fn a_datagram_that_was_read_leaves_nothing_behind() {
        let (mut queue, mut budget) = (DatagramQueue::default(), Budget::new(100_000));
        let (data, options) = (Bytes::from(alloc::vec![1; 40]), Bytes::from(alloc::vec![2; 4]));
        for take_out in [false, true] {
            let place = queue.push(&mut budget, 800_000, 40, 0).unwrap();
            (place.data, place.options) = (Rope::from(data.clone()).into(), Some(options.clone()));
            if take_out {
                assert_eq!(queue.pop(&mut budget, Take::One).unwrap().options, Some(options.clone()));
            } else {
                queue.discard(&mut budget, Take::One);
            }
            assert!(data.is_unique() && options.is_unique());
        }
    }

    /// One of several that are joined is told of as the others are.
    #[test]
    fn one_of_many_is_taken_with_all_that_is_known_of_it() {
        let (mut queue, mut budget) = (DatagramQueue::default(), Budget::new(100_000));
        let place = queue.push(&mut budget, 800_000, 10, 4).unwrap();
        let known = Datagram {
            data: Rope::from(&b"aaaabbbbcc"[..]).into(),
            to_port: 7,
            hop_limit: 8,
            tos: 9,
            flow_label: 10,
            at: Instant::from_nanos(11),
            options: Some(Bytes::from_static(b"12")),
            segment_size: 4,
            ..Datagram::default()
        };
        place.clone_from(&known);
        for data in [&b"aaaa"[..], b"bbbb", b"cc"] {
            let one = queue.pop(&mut budget, Take::One).unwrap();
            assert_eq!(one.data.to_vec(), data);
            let known = Datagram { data: Payload::Taken, segment_size: 0, ..known.clone() };
            assert_eq!(alloc::format!("{:?}", Datagram { data: Payload::Taken, ..one }), alloc::format!("{known:?}"));
        }
    }
}

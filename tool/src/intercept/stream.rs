//! The data of connected streams, both ways.
//!
//! ```text
//!   program's end ── kernel ── our end ──▶ outgoing ──▶ stack     stream_out: while the stack has room, else on its OUT
//!   program's end ── kernel ── our end ◀── incoming ◀── stack     stream_in:  while our end has room, else on its OUT
//! ```
//!
//! `outgoing` and `incoming` hold what one step had left over; nothing more is taken before it is gone. So a program that does not read
//! closes the window of its peer, and a peer that does not read stops the program.
//!
//! Our end is watched for edges. `readable` stays set until it was read empty, so that no edge is missed and none is needed.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;

use bytes::{Buf, Bytes, BytesMut};
use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Key, MsgFlags, Ready};

use super::Supervisor;
use super::table::{Entry, Phase};
use super::{peek, urgent};
use crate::sys::epoll::mask;
use crate::sys::socket;

/// What is watched for at our end while data flows.
pub(super) const WATCHED: u32 = mask::IN | mask::RDHUP | mask::PRI | mask::EDGE;
/// Read at our end, or taken from the stack, at once.
pub(super) const CHUNK: usize = 128 << 10;
/// Handed to the stack at once: it holds each until it is acknowledged whole.
const SLICE: usize = 32 << 10;
/// Less than this is copied into the stack: a small chunk would hold a large buffer.
const SMALL: usize = 8 << 10;
/// Whoever writes so much at once writes more, and waits for room.
const LARGE: usize = 32 << 10;

/// What a look at our end gave.
enum Read {
    Data(Bytes),
    Urgent(u8),
    Nothing,
    End,
    Reset,
}

/// Where a step leaves a direction.
#[derive(PartialEq, Eq)]
pub(super) enum Step {
    Again,
    Done,
}

impl Supervisor {
    /// Something happened at our end.
    pub(super) fn stream_end(&mut self, world: &mut World, key: Key, events: u32) {
        let Some(entry) = self.table.get_mut(key) else { return };
        let over = events & (mask::HUP | mask::RDHUP | mask::ERR) != 0;
        entry.readable |= over || events & mask::IN != 0;
        entry.ending |= over;
        entry.hung_up |= events & mask::HUP != 0;
        entry.left_unread |= events & mask::ERR != 0;
        entry.urgent |= events & mask::PRI != 0;
        if events & mask::OUT != 0 && std::mem::take(&mut entry.blocked) {
            if let Some(end) = &entry.end {
                let _ = self.epoll.change(end.as_fd(), WATCHED, key.to_bits());
            }
            self.stream_in(world, key);
        }
        self.stream_out(world, key);
        self.wake(world, key);
    }

    /// The stack has news.
    pub(super) fn stream_ready(&mut self, world: &mut World, key: Key, ready: Ready) {
        if self.options.precise {
            self.show_news(world, key, ready);
            if ready.contains(Ready::PRI) {
                self.urgent_in(world, key);
            }
            return self.stream_out(world, key);
        }
        if ready.intersects(Ready::IN | Ready::PRI | Ready::RDHUP | Ready::HUP | Ready::ERR) {
            self.stream_in(world, key);
        }
        if ready.contains(Ready::OUT) {
            self.stream_out(world, key);
        }
        if ready.contains(Ready::ERR) {
            self.error_behind(world, key);
        }
    }

    /// Carries what the program wrote to the stack.
    pub(super) fn stream_out(&mut self, world: &mut World, key: Key) {
        while self.step_out(world, key) == Step::Again {}
    }

    fn step_out(&mut self, world: &mut World, key: Key) -> Step {
        let Self { table, buffer, scratch, peeked, options, .. } = self;
        let Some(entry) = table.get_mut(key).filter(|entry| entry.phase == Phase::Connected) else { return Step::Done };
        if entry.failing.is_some() {
            self.written_in_vain(world, key);
            return Step::Done;
        }
        let (host, id) = (entry.host, entry.id);
        if !entry.outgoing.is_empty() {
            let len = entry.outgoing.len().min(SLICE);
            let flags = if len < entry.outgoing.len() { MsgFlags::MORE } else { MsgFlags::NONE };
            let chunk = entry.outgoing.slice(..len);
            self.touched(host);
            let result = world.stack(host).send_bytes(id, chunk, flags);
            return self.sent(world, key, result);
        }
        if !entry.readable || (entry.junk > 0 && !entry.ending) {
            return Step::Done;
        }
        entry.drop_junk(scratch);
        let room = world.stack(host).readiness(id).is_ok_and(|ready| ready.intersects(Ready::OUT | Ready::ERR | Ready::HUP));
        if !room {
            return self.stopped(world, key);
        }
        entry.take_peeked(scratch);
        match read(entry, buffer, !options.precise && peeked.has_room()) {
            Read::Nothing => Step::Done,
            Read::Data(data) => {
                self.large += u64::from(data.len() >= LARGE);
                entry.outgoing = data;
                if entry.peeked > 0 {
                    peeked.add(key);
                }
                Step::Again
            }
            Read::Urgent(byte) => {
                self.touched(host);
                let result = world.stack(host).send(id, &[byte], MsgFlags::OOB);
                self.sent(world, key, result.map(|_| 0))
            }
            Read::End => {
                self.end_of_program(world, key);
                Step::Done
            }
            Read::Reset => {
                self.reset_by_program(world, key);
                Step::Done
            }
        }
    }

    /// The stack takes no more for now of what the program wrote. A close that resets the connection does not wait for that.
    fn stopped(&mut self, world: &mut World, key: Key) -> Step {
        if self.resets_by_close(world, key) && self.is_closed(key) {
            self.reset_by_program(world, key);
        }
        Step::Done
    }

    /// True if the program closed with something unread, or with a linger time of zero.
    fn resets_by_close(&mut self, world: &mut World, key: Key) -> bool {
        let Some(entry) = self.table.get(key).filter(|entry| entry.hung_up) else { return false };
        let mut linger = [0; 8];
        let known = world.stack(entry.host).getsockopt(entry.id, libc::SOL_SOCKET, libc::SO_LINGER, &mut linger);
        let is_zero = known.is_ok() && linger[..4] != [0; 4] && linger[4..] == [0; 4];
        entry.left_unread || is_zero || !entry.incoming.is_empty()
    }

    /// What the stack said to what the program wrote.
    fn sent(&mut self, world: &mut World, key: Key, result: Result<usize, Errno>) -> Step {
        let Some(entry) = self.table.get_mut(key) else { return Step::Done };
        match result {
            Ok(len) => {
                entry.outgoing.advance(len.min(entry.outgoing.len()));
                Step::Again
            }
            Err(Errno::EAGAIN) => self.stopped(world, key),
            // It had ended writing itself: what comes behind that is lost.
            Err(Errno::EPIPE) if entry.shut_write => {
                entry.outgoing = Bytes::new();
                Step::Again
            }
            Err(error) => {
                entry.outgoing = Bytes::new();
                self.break_stream(world, key, error);
                Step::Done
            }
        }
    }

    /// The program writes no more: it has shut down writing, or closed.
    fn end_of_program(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key) else { return };
        entry.readable = false;
        let (host, id) = (entry.host, entry.id);
        entry.hung_up |=
            entry.end.as_ref().is_some_and(|end| socket::poll(end.as_fd(), 0).is_ok_and(|bits| bits & libc::POLLHUP != 0));
        let unread = !entry.incoming.is_empty();
        if self.is_closed(key) {
            if unread {
                self.reset_by_program(world, key);
            } else {
                self.forget(world, key);
            }
            return;
        }
        self.touched(host);
        // It can only fail for a connection that is gone.
        let _ = world.stack(host).shutdown(id, libc::SHUT_WR);
        if let Some(entry) = self.table.get_mut(key) {
            entry.shut_write = true;
            // The next edge can only be the close.
            entry.ending = false;
        }
    }

    /// The program closed with something unread: TCP tells the peer with a reset.
    fn reset_by_program(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get(key) else { return };
        let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
        let _ = world.stack(entry.host).setsockopt(entry.id, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
        self.forget(world, key);
    }

    /// Carries what came for the program to our end.
    pub(super) fn stream_in(&mut self, world: &mut World, key: Key) {
        if self.options.precise {
            return self.show(world, key, None);
        }
        while self.step_in(world, key) == Step::Again {}
    }

    fn step_in(&mut self, world: &mut World, key: Key) -> Step {
        let Some(entry) = self.table.get_mut(key).filter(|entry| entry.phase == Phase::Connected) else { return Step::Done };
        if !entry.incoming.is_empty() {
            return self.write_end(key);
        }
        if entry.told_end {
            return Step::Done;
        }
        let (host, id) = (entry.host, entry.id);
        if urgent::is_next(world, host, id) {
            return self.urgent_in(world, key);
        }
        let (mut taken, room) = (0, entry.receive_room);
        let result = loop {
            match world.stack(host).recv_bytes(id, room) {
                Ok(chunk) if chunk.is_empty() => break Ok(()),
                Ok(chunk) => {
                    taken += chunk.len();
                    entry.incoming.push_back(chunk);
                    // What is taken opens the window, and more may come at once.
                    if taken >= room || urgent::is_next(world, host, id) {
                        break Err(Errno::EAGAIN);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        self.touched(host);
        self.received(world, key, taken, result)
    }

    /// What the stack said when it was asked for more: the end, that there is no more for now, or that the connection is gone.
    fn received(&mut self, world: &mut World, key: Key, taken: usize, result: Result<(), Errno>) -> Step {
        if let Err(error) = result
            && error != Errno::EAGAIN
        {
            self.fail_behind(key, error.number());
        }
        // What came before the end is written first; the stack says the end again.
        if taken > 0 {
            return Step::Again;
        }
        let Some(entry) = self.table.get_mut(key) else { return Step::Done };
        if let Some(error) = entry.failing.take() {
            self.break_with(world, key, error);
        } else if result.is_ok() {
            entry.told_end = true;
            if let Some(end) = &entry.end {
                let _ = socket::shutdown(end.as_fd(), libc::SHUT_WR);
            }
        }
        Step::Done
    }

    /// Writes to our end what came for the program.
    fn write_end(&mut self, key: Key) -> Step {
        let Some(Entry { incoming, end: Some(end), deaf, .. }) = self.table.get_mut(key) else { return Step::Done };
        if *deaf {
            incoming.clear();
            return Step::Again;
        }
        let mut pieces = [IoSlice::new(&[]); 96];
        let count = incoming.len().min(pieces.len());
        for (piece, chunk) in pieces.iter_mut().zip(incoming.iter()) {
            *piece = IoSlice::new(chunk);
        }
        match socket::send_pieces(end.as_fd(), &pieces[..count]) {
            Ok(len) => {
                advance(incoming, len);
                self.take_peeked_of(key);
                Step::Again
            }
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                self.wait_for_room(key);
                Step::Done
            }
            // The program reads no more: its close comes separately.
            Err(_) => {
                *deaf = true;
                Step::Again
            }
        }
    }

    /// The program has to read before more of what came for it is carried to our end.
    pub(super) fn wait_for_room(&mut self, key: Key) {
        let Some(Entry { end: Some(end), blocked, .. }) = self.table.get_mut(key) else { return };
        *blocked = true;
        let _ = self.epoll.change(end.as_fd(), WATCHED | mask::OUT, key.to_bits());
    }

    /// True if the program has closed its end. After `shutdown` of both directions by whomever a hang-up says nothing of the descriptor.
    fn is_closed(&mut self, key: Key) -> bool {
        let Some(&Entry { hung_up, shut_write, inode, .. }) = self.table.get(key) else { return false };
        hung_up && (!shut_write || !self.is_open(key, inode))
    }

    /// True if the program's end is still open somewhere.
    fn is_open(&mut self, key: Key, inode: u64) -> bool {
        let Some(entry) = self.table.get(key) else { return false };
        let (cookie, (thread, number)) = (entry.cookie, entry.user);
        let known =
            self.threads.copy(thread, number).is_ok_and(|copy| socket::cookie(copy.as_fd()).is_ok_and(|found| found == cookie));
        known || super::close::open_sockets().is_none_or(|open| open.contains(&inode))
    }
}

/// Takes `len` bytes off the front.
fn advance(chunks: &mut std::collections::VecDeque<Bytes>, mut len: usize) {
    while len > 0
        && let Some(front) = chunks.front_mut()
    {
        let step = len.min(front.len());
        front.advance(step);
        len -= step;
        if front.is_empty() {
            chunks.pop_front();
        }
    }
}

/// Reads at our end. A small message that the program may wait with may be left lying there.
fn read(entry: &mut Entry, buffer: &mut BytesMut, may_peek: bool) -> Read {
    let Some(end) = &entry.end else { return Read::Nothing };
    if entry.urgent && socket::at_mark(end.as_fd()).unwrap_or(false) {
        let mut byte = [0];
        entry.urgent = false;
        if matches!(socket::receive(end.as_fd(), &mut byte, 0), Ok(1)) {
            return Read::Urgent(byte[0]);
        }
    }
    if buffer.capacity() - buffer.len() < CHUNK / 2 {
        *buffer = BytesMut::with_capacity(CHUNK);
    }
    if may_peek && entry.sends_little && !entry.ending && !entry.urgent {
        match entry.peek(buffer) {
            Ok(true) => {
                entry.readable = false;
                return Read::Data(small(buffer));
            }
            Ok(false) => {}
            Err(error) => return failed(entry, &error),
        }
    }
    take(entry, buffer)
}

/// There was nothing to read, for now or for ever.
fn failed(entry: &mut Entry, error: &io::Error) -> Read {
    if error.raw_os_error() == Some(libc::EAGAIN) {
        entry.readable = false;
        return Read::Nothing;
    }
    Read::Reset
}

/// Takes what lies at our end.
fn take(entry: &mut Entry, buffer: &mut BytesMut) -> Read {
    let Some(end) = &entry.end else { return Read::Nothing };
    let room = (buffer.capacity() - buffer.len()).min(entry.send_room);
    match socket::receive_more(end.as_fd(), buffer, room, 0) {
        Ok(0) => Read::End,
        Ok(len) => {
            // A short read has emptied it; what comes later makes a new edge.
            entry.readable = len == room || entry.ending || entry.urgent;
            entry.sends_little = len <= peek::MOST_BYTES;
            Read::Data(if len < SMALL { small(buffer) } else { buffer.split().freeze() })
        }
        Err(error) => failed(entry, &error),
    }
}

/// What is in the buffer, in a piece of its own.
fn small(buffer: &mut BytesMut) -> Bytes {
    let data = Bytes::copy_from_slice(buffer);
    buffer.clear();
    data
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use loggia_lab::world::HostId;

    use super::super::meeting;
    use super::*;

    /// A program's end and an entry with ours, where something may be read.
    fn readable() -> (OwnedFd, Entry) {
        let (program, end) = meeting::connected().expect("a pair");
        let mut entry = Entry::new(HostId(0), Key::from_bits(1), 0, 0, libc::AF_INET, Phase::Connected);
        (entry.end, entry.readable) = (Some(end), true);
        (program, entry)
    }

    #[test]
    fn a_small_message_is_read_once_although_it_stays() {
        let (program, mut entry) = readable();
        let (mut buffer, mut scratch) = (BytesMut::new(), [0; 100]);
        for text in [&b"ping"[..], b"pong!"] {
            socket::send(program.as_fd(), text, 0).expect("room");
            entry.take_peeked(&mut scratch);
            assert!(matches!(read(&mut entry, &mut buffer, true), Read::Data(data) if data == text));
            assert_eq!((entry.peeked, entry.readable), (text.len(), false));
        }
        entry.take_peeked(&mut scratch);
        assert!(matches!(read(&mut entry, &mut buffer, true), Read::Nothing));
    }

    /// The kernel tells of it once, whoever asks, and then says that it is the end.
    #[test]
    fn a_reset_is_no_end_to_who_only_looks() {
        for may_peek in [false, true] {
            let (program, mut entry) = readable();
            socket::send(entry.end.as_ref().expect("ours").as_fd(), b"unread", 0).expect("room");
            drop(program);
            assert!(matches!(read(&mut entry, &mut BytesMut::new(), may_peek), Read::Reset), "{may_peek}");
        }
    }
}

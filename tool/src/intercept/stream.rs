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
use super::peek;
use super::table::{Entry, Phase};
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
enum Step {
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
        if ready.intersects(Ready::IN | Ready::RDHUP | Ready::HUP | Ready::ERR) {
            self.stream_in(world, key);
        }
        if ready.contains(Ready::PRI) {
            self.urgent_in(world, key);
        }
        if ready.contains(Ready::OUT) {
            self.stream_out(world, key);
        }
        if ready.contains(Ready::ERR) {
            self.late_error(world, key);
        }
    }

    /// Carries what the program wrote to the stack.
    pub(super) fn stream_out(&mut self, world: &mut World, key: Key) {
        while self.step_out(world, key) == Step::Again {}
    }

    fn step_out(&mut self, world: &mut World, key: Key) -> Step {
        let Self { table, buffer, scratch, peeked, options, .. } = self;
        let Some(entry) = table.get_mut(key).filter(|entry| entry.phase == Phase::Connected) else { return Step::Done };
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
            return Step::Done;
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

    /// What the stack said to what the program wrote.
    fn sent(&mut self, world: &mut World, key: Key, result: Result<usize, Errno>) -> Step {
        let Some(entry) = self.table.get_mut(key) else { return Step::Done };
        match result {
            Ok(len) => {
                entry.outgoing.advance(len.min(entry.outgoing.len()));
                Step::Again
            }
            Err(Errno::EAGAIN) => Step::Done,
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
        let (host, id, inode, known) = (entry.host, entry.id, entry.inode, entry.shut_write);
        let hung_up = entry.hung_up
            || entry.end.as_ref().is_some_and(|end| socket::poll(end.as_fd(), 0).is_ok_and(|bits| bits & libc::POLLHUP != 0));
        let unread = !entry.incoming.is_empty();
        // After `shutdown` of both directions by whomever a hang-up says nothing of the descriptor.
        if hung_up && (!known || !self.is_open(key, inode)) {
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
        if let Some(error) = entry.failing.take() {
            self.break_stream(world, key, error);
            return Step::Done;
        }
        if entry.told_end {
            return Step::Done;
        }
        let (host, id) = (entry.host, entry.id);
        let (mut taken, room) = (0, entry.receive_room);
        let stack = world.stack(host);
        let result = loop {
            match stack.recv_bytes(id, room) {
                Ok(chunk) if chunk.is_empty() => break Ok(()),
                Ok(chunk) => {
                    taken += chunk.len();
                    entry.incoming.push_back(chunk);
                    if taken >= room {
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
        let Some(entry) = self.table.get_mut(key) else { return Step::Done };
        match result {
            Err(Errno::EAGAIN) if taken == 0 => Step::Done,
            Err(Errno::EAGAIN) => Step::Again,
            // What came before it is written first; the stack says the end again.
            Ok(()) if taken > 0 => Step::Again,
            Ok(()) => {
                entry.told_end = true;
                if let Some(end) = &entry.end {
                    let _ = socket::shutdown(end.as_fd(), libc::SHUT_WR);
                }
                Step::Done
            }
            Err(error) if taken > 0 => {
                entry.failing = Some(error);
                Step::Again
            }
            Err(error) => {
                self.break_stream(world, key, error);
                Step::Done
            }
        }
    }

    /// Writes to our end what came for the program.
    fn write_end(&mut self, key: Key) -> Step {
        let Self { table, epoll, .. } = self;
        let Some(Entry { incoming, end: Some(end), deaf, blocked, .. }) = table.get_mut(key) else { return Step::Done };
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
                *blocked = true;
                let _ = epoll.change(end.as_fd(), WATCHED | mask::OUT, key.to_bits());
                Step::Done
            }
            // The program reads no more: its close comes separately.
            Err(_) => {
                *deaf = true;
                Step::Again
            }
        }
    }

    /// An urgent byte has come: what stands before it goes first.
    fn urgent_in(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get(key).filter(|entry| entry.incoming.is_empty()) else { return };
        let (host, id) = (entry.host, entry.id);
        let mut byte = [0];
        if world.stack(host).recv(id, &mut byte, MsgFlags::OOB) == Ok(1)
            && let Some(end) = &entry.end
        {
            let _ = socket::send(end.as_fd(), &byte, libc::MSG_OOB);
        }
        self.stream_in(world, key);
    }

    /// An error behind the end of the stream: reading does not tell of it.
    fn late_error(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get(key).filter(|entry| entry.phase == Phase::Connected && entry.told_end) else { return };
        let mut value = [0; 4];
        let got = world.stack(entry.host).getsockopt(entry.id, libc::SOL_SOCKET, libc::SO_ERROR, &mut value);
        if got.is_ok() && value != [0; 4] {
            self.break_with(world, key, i32::from_ne_bytes(value));
        }
    }

    fn break_stream(&mut self, world: &mut World, key: Key, error: Errno) {
        match self.table.get_mut(key) {
            Some(entry) if !entry.incoming.is_empty() && !entry.deaf => entry.failing = Some(error),
            Some(_) => self.break_with(world, key, error.number()),
            None => {}
        }
    }

    /// The connection is gone by an error. The kernel tells the program of a reset if our end is closed with something unread, and lets
    /// it read what came before.
    fn break_with(&mut self, world: &mut World, key: Key, error: i32) {
        if let Some(program) = self.program_end(key) {
            let _ = socket::send(program.as_fd(), &[0], 0);
        }
        let Some(entry) = self.table.get_mut(key) else { return };
        entry.error = Some(error);
        entry.phase = Phase::Broken;
        entry.end = None;
        self.look_later(world);
        self.wake(world, key);
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

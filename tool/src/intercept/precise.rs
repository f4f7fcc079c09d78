//! Precise mode: the data calls of streams are carried out here, on the stack itself, so that size and result of each are known.
//!
//! The program's end then carries no data. It shows the program's `poll` what the stack would say:
//!
//! | the stack | the program's end |
//! |---|---|
//! | has something to read | has a marker byte to read, one more for each arrival (so that there is an edge) |
//! | has no room | is full of junk |
//! | is at the end of the stream | is at its end |
//! | has an error | its peer is closed with something unread |
//!
//! What is not trapped (`sendfile`, `splice`) goes to our end natively and is carried on from there.

use std::os::fd::{AsFd, OwnedFd};

use loggia_lab::world::World;
use loggia_stack::base::{Instant, Key, MsgFlags, Ready};
use loggia_stack::socket::Message;
use loggia_stack::socket::numbers::{SIOCATMARK, SIOCINQ, SIOCOUTQ};

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{Answer, DONE, Fault, Outcome};
use super::meeting;
use super::message::Header;
use super::receive::Received;
use super::send::KNOWN;
use super::table::Phase;
use super::writing::Writing;
use crate::sys::{descriptor, notify, signal, socket};

/// Flags of a receive call that are passed to the stack. With `MSG_WAITALL` it would give nothing before all lies in its buffer: what there
/// is, is taken step by step; only who peeks has to wait for that.
const RECEIVE: i32 = libc::MSG_PEEK | libc::MSG_TRUNC | libc::MSG_DONTWAIT;
/// The questions about queues that are trapped in precise mode.
pub(super) const QUEUES: [u32; 3] = [SIOCINQ, SIOCOUTQ, SIOCATMARK];
/// Most markers that surely fit.
const MOST_MARKERS: usize = 64;

impl Supervisor {
    /// True if the data calls of this socket are carried out here.
    pub(super) fn is_precise(&self, key: Key) -> bool {
        self.options.precise && self.table.get(key).is_some_and(|entry| !entry.is_datagram())
    }

    /// `read`, `readv`.
    pub(super) fn read_call(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        let header = plain(call, libc::SYS_readv)?;
        let mut told = Writing::default();
        let received = self.receive_one(world, call, subject, &header, 0, &mut told);
        self.refill(world, subject.key);
        let received = received.and_then(|received| told.write(call).map(|()| received.len));
        self.received_or_wait(world, call, subject, deadline, 0, received)
    }

    /// `write`, `writev`.
    pub(super) fn write_call(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        let header = plain(call, libc::SYS_writev)?;
        self.send_whole(world, call, subject, &header, 0, deadline)
    }

    /// `ioctl`: how much there is to read, or not yet read by the peer.
    pub(super) fn ask_queue(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let request = call.int(1) as u32;
        if !self.is_precise(subject.key) || !QUEUES.contains(&request) {
            return Ok(Answer::Native);
        }
        let (host, id) = self.socket_of(subject)?;
        let number = world.stack(host).query(id, request)? as i32;
        call.write(call.word(2), &number.to_ne_bytes())?;
        DONE
    }

    /// `splice` from a socket to a pipe.
    pub(super) fn splice(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        if !self.is_precise(subject.key) {
            return Ok(Answer::Native);
        }
        let most = usize::try_from(call.word(4)).unwrap_or(usize::MAX);
        let mut data = self.message_room();
        let room = most.min(data.len());
        let moved = self.splice_into(world, call, subject, &mut data[..room]);
        self.put_message_room(data);
        self.show(world, subject.key, Some(&subject.program));
        self.received_or_wait(world, call, subject, deadline, 0, moved)
    }

    /// Only what the pipe takes at once leaves the stack.
    fn splice_into(&mut self, world: &mut World, call: &Call, subject: &Subject, data: &mut [u8]) -> Result<usize, Fault> {
        let (host, id) = self.socket_of(subject)?;
        let pipe = self.threads.copy(call.thread(), call.int(2))?;
        let found = world.stack(host).recv(id, data, MsgFlags::PEEK)?;
        let moved = if found == 0 { 0 } else { descriptor::write_at_once(pipe.as_fd(), &data[..found])? };
        world.stack(host).recv(id, &mut data[..moved], MsgFlags::DONTWAIT)?;
        self.touched(host);
        Ok(moved)
    }

    /// Sends all of it: what waits keeps its place.
    pub(super) fn send_whole(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
        deadline: Option<Instant>,
    ) -> Outcome {
        if !self.phase(subject.key)?.is_datagram()
            && let Some((address, len)) = header.destination()
        {
            // A stream makes nothing of it, but as on Linux it must be there.
            call.read_address(address, len as i32)?;
        }
        if !self.is_precise(subject.key) {
            let sent = self.send_one(world, call, subject, header, flags);
            return self.sent_or_wait(world, call, subject, deadline, flags, sent);
        }
        let mut call = call.clone();
        let sent = self.send_precisely(world, &mut call, subject, header, flags);
        self.show(world, subject.key, Some(&subject.program));
        match sent {
            // Natively it fails the same, with its signal.
            Err(Fault(libc::EPIPE))
                if self.table.get(subject.key).is_some_and(|entry| entry.shut_write || entry.phase == Phase::Broken) =>
            {
                Ok(Answer::Native)
            }
            Err(Fault(libc::EPIPE)) if flags & libc::MSG_NOSIGNAL == 0 => {
                let _ = call.reply(notify::Reply::Error(libc::EPIPE));
                let _ = signal::send(call.thread(), libc::SIGPIPE);
                Ok(Answer::Given)
            }
            Err(Fault(libc::EAGAIN)) if call.done > 0 && (flags & libc::MSG_DONTWAIT != 0 || subject.is_nonblocking()) => {
                Ok(Answer::Value(call.done as i64))
            }
            other => self.sent_or_wait(world, &call, subject, deadline, flags, other),
        }
    }

    fn send_precisely(
        &mut self,
        world: &mut World,
        call: &mut Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
    ) -> Result<usize, Fault> {
        let (host, id) = self.socket_of(subject)?;
        let total = header.room();
        let mut data = self.message_room();
        let result = loop {
            let taken = header.gather(call, call.done, &mut data).and_then(|len| {
                let flags = MsgFlags(flags as u32 & KNOWN);
                Ok(world.stack(host).sendmsg(id, &Message { data: &[&data[..len]], flags, ..Message::default() })?)
            });
            match taken {
                Ok(len) => call.done += len,
                Err(Fault(number)) if number != libc::EAGAIN && call.done > 0 => break Ok(call.done),
                Err(fault) => break Err(fault),
            }
            if call.done >= total {
                break Ok(call.done);
            }
        };
        self.put_message_room(data);
        self.touched(host);
        result
    }

    /// Receives from the stack into our own buffer; says how many bytes are for the program.
    pub(super) fn receive_precisely(
        &mut self,
        world: &mut World,
        subject: &Subject,
        flags: i32,
        data: &mut [u8],
    ) -> Result<(usize, Received), Fault> {
        let (host, id) = self.socket_of(subject)?;
        let wait = if subject.is_nonblocking() { libc::MSG_DONTWAIT } else { 0 };
        let all = if flags & libc::MSG_PEEK != 0 { flags & libc::MSG_WAITALL } else { 0 };
        let flags = MsgFlags(((flags & RECEIVE) | wait | all) as u32);
        let got = world.stack(host).recvmsg(id, &mut [&mut *data], usize::MAX, flags);
        self.touched(host);
        self.show(world, subject.key, Some(&subject.program));
        let got = got.inspect_err(|error| {
            if *error != loggia_stack::Errno::EAGAIN {
                // It has been told.
                let _ = socket::option(subject.program.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR);
            }
        })?;
        let copied = if flags.contains(MsgFlags::TRUNC) { 0 } else { got.len.min(data.len()) };
        Ok((copied, Received { len: got.len, from: got.from, control: got.control, flags: got.flags.0 as i32 }))
    }

    /// News from the stack for a stream whose data calls are carried out here.
    pub(super) fn show_news(&mut self, world: &mut World, key: Key, ready: Ready) {
        if ready.contains(Ready::IN) {
            self.mark(world, key);
        }
        self.show(world, key, None);
        if ready.contains(Ready::ERR) {
            self.show_error(world, key);
        }
    }

    /// One more byte for the program to see.
    fn mark(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key).filter(|entry| entry.phase == Phase::Connected) else { return };
        let readable = world.stack(entry.host).query(entry.id, SIOCINQ).unwrap_or(0) > 0;
        if readable
            && entry.markers < MOST_MARKERS
            && let Some(end) = &entry.end
            && socket::send(end.as_fd(), &[0], 0).is_ok()
        {
            entry.markers += 1;
        }
    }

    /// Makes the program's end look as the stack is.
    pub(super) fn show(&mut self, world: &mut World, key: Key, program: Option<&OwnedFd>) {
        let Some(entry) = self.table.get(key).filter(|entry| entry.phase == Phase::Connected) else { return };
        let stack = world.stack(entry.host);
        let readable = stack.query(entry.id, SIOCINQ).unwrap_or(0) > 0;
        let ready = stack.readiness(entry.id).unwrap_or(Ready::NONE);
        if readable && entry.markers == 0 {
            self.mark(world, key);
        }
        self.show_end(key, readable, ready);
        let room = ready.intersects(Ready::OUT | Ready::ERR | Ready::HUP);
        let Self { table, scratch, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        if room && entry.junk > 0 {
            entry.drop_junk(scratch);
        }
        let (unmark, fill) = (!readable && entry.markers > 0, !room && entry.junk == 0);
        if !unmark && !fill {
            return;
        }
        let own = if program.is_none() { self.program_end(key) } else { None };
        let Some(program) = program.or(own.as_ref()) else { return };
        let Self { table, scratch, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        if unmark {
            let _ = socket::receive(program.as_fd(), &mut scratch[..entry.markers], 0);
            entry.markers = 0;
        }
        if fill {
            entry.junk = meeting::fill(program.as_fd()).unwrap_or(0);
        }
    }

    /// The end of the stream is seen behind the last byte.
    fn show_end(&mut self, key: Key, readable: bool, ready: Ready) {
        let Some(entry) = self.table.get_mut(key) else { return };
        if !readable
            && ready.contains(Ready::RDHUP)
            && !std::mem::replace(&mut entry.told_end, true)
            && let Some(end) = &entry.end
        {
            let _ = socket::shutdown(end.as_fd(), libc::SHUT_WR);
        }
    }

    /// The stack has an error: it stays there for the call that asks, the program's end shows that there is one.
    fn show_error(&mut self, world: &mut World, key: Key) {
        if self.table.get(key).is_none_or(|entry| entry.phase != Phase::Connected) {
            return;
        }
        if let Some(program) = self.program_end(key) {
            let _ = socket::send(program.as_fd(), &[0], 0);
        }
        if let Some(entry) = self.table.get_mut(key) {
            (entry.phase, entry.end) = (Phase::Broken, None);
        }
        self.look_later(world);
    }
}

/// The single buffer of `read` and `write`, or the pieces of their kin.
fn plain(call: &Call, pieces: libc::c_long) -> Result<Header, Fault> {
    if call.note.number == pieces {
        Header::pieces(call, call.word(1), call.word(2))
    } else {
        Ok(Header::single(call.word(1), call.word(2)))
    }
}

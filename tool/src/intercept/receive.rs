//! `recvfrom`, `recvmsg`: what asks for an address or control data. Other receiving is native.

use std::os::fd::AsFd;

use loggia_lab::world::World;
use loggia_stack::base::{Instant, MsgFlags, Ready};
use loggia_stack::socket::numbers::{SIOCATMARK, SIOCINQ};
use loggia_stack::socket::{Address, Control};

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{Answer, Fault, Outcome};
use super::message::Header;
use super::table::{Phase, Source};
use super::writing::Writing;
use crate::sys::socket;

/// Flags that a call on the program's end understands.
const NATIVE: i32 = libc::MSG_PEEK | libc::MSG_OOB;
/// Which of these flags a call for all the room has: `MSG_WAITALL` and no other.
const WHOLE: i32 = libc::MSG_WAITALL | libc::MSG_PEEK | libc::MSG_OOB | libc::MSG_ERRQUEUE;

/// `struct timespec` of `recvmmsg`. Linux looks at the time only when a message has come, so that nothing here waits for it. `EINVAL`,
/// `EFAULT`
pub(super) fn check_timeout(call: &Call, at: u64) -> Result<(), Fault> {
    if at == 0 {
        return Ok(());
    }
    let bytes: [u8; 16] = call.read_array(at)?;
    let (seconds, nanos) = bytes.split_at(8);
    let number = |half: &[u8]| half.first_chunk().map_or(-1, |eight| i64::from_ne_bytes(*eight));
    let valid = number(seconds) >= 0 && (0..1_000_000_000).contains(&number(nanos));
    if valid { Ok(()) } else { Err(Fault(libc::EINVAL)) }
}

/// A message that was received.
pub(super) struct Received {
    /// What the call returns.
    pub(super) len: usize,
    pub(super) from: Address,
    pub(super) control: Vec<Control>,
    pub(super) flags: i32,
}

impl Received {
    /// A datagram, for so much room; also how many bytes are for the program.
    pub(super) fn of(Source { len, from, control, .. }: Source, room: usize, flags: i32) -> (usize, Self) {
        let copied = len.min(room);
        let told = if flags & libc::MSG_TRUNC != 0 { len } else { copied };
        let cut = if copied < len { libc::MSG_TRUNC } else { 0 };
        (copied, Self { len: told, from, control, flags: cut })
    }
}

impl Supervisor {
    pub(super) fn receive_from(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        let header = Header::single(call.word(1), call.word(2));
        let (mut call, flags) = (call.clone(), call.int(3));
        let received = self.receive_whole(world, &mut call, subject, &header, flags, |call, told, received| {
            if call.word(4) == 0 {
                Ok(())
            } else {
                call.tell_address(told, call.word(4), call.word(5), &received.from.to_bytes())
            }
        });
        self.received_or_wait(world, &call, subject, deadline, flags, received)
    }

    pub(super) fn receive_message(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        let (at, flags) = (call.word(1), call.int(2));
        let header = Header::read(call, at)?;
        let stream = matches!(self.phase(subject.key)?, Phase::Connected | Phase::Connecting { .. } | Phase::Broken);
        if stream && !self.options.precise && header.name == 0 && flags & libc::MSG_ERRQUEUE == 0 {
            return Ok(Answer::Native);
        }
        let (mut call, wall) = (call.clone(), self.wall);
        let received = self.receive_whole(world, &mut call, subject, &header, flags, |_, told, received| {
            header.told(told, &received.from, &wall.tell(received.control), received.flags);
            Ok(())
        });
        self.received_or_wait(world, &call, subject, deadline, flags, received)
    }

    pub(super) fn received_or_wait(
        &mut self,
        world: &World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
        flags: i32,
        received: Result<usize, Fault>,
    ) -> Outcome {
        let waits = flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE) == 0 && !subject.is_nonblocking();
        match received {
            Ok(len) => Ok(Answer::Value(len as i64)),
            Err(Fault(libc::EAGAIN)) if waits => {
                let timeout = self.table.get(subject.key).and_then(|entry| entry.receive_timeout);
                self.park(world, subject.key, call, deadline, timeout, libc::EAGAIN)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Receives, and goes on until there is no more room if a stream is asked for all (`MSG_WAITALL`). `tell` says what else the call gives.
    fn receive_whole(
        &mut self,
        world: &mut World,
        call: &mut Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
        tell: impl Fn(&Call, &mut Writing, Received) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let whole = flags & WHOLE == libc::MSG_WAITALL && !self.phase(subject.key)?.is_datagram();
        let waits = flags & libc::MSG_DONTWAIT == 0 && !subject.is_nonblocking();
        loop {
            // What ends the stream, or what is wrong with it, is for the next call.
            if call.done > 0 && self.comes_to_an_end(world, subject)? {
                return Ok(call.done);
            }
            let mut told = Writing::default();
            let received = self.receive_one(world, call, subject, header, flags, &mut told);
            self.refill(world, subject.key);
            match received {
                Ok(received) => {
                    let len = received.len;
                    tell(call, &mut told, received)?;
                    told.write(call)?;
                    call.done += len;
                    if !whole || len == 0 || call.done >= header.room() {
                        return Ok(call.done);
                    }
                }
                Err(Fault(libc::EAGAIN)) if call.done > 0 && !waits => return Ok(call.done),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// True if a stream has nothing to read and does not just wait for more, or stands before its urgent byte.
    fn comes_to_an_end(&mut self, world: &mut World, subject: &Subject) -> Result<bool, Fault> {
        if !self.is_precise(subject.key) {
            let seen = socket::poll(subject.program.as_fd(), libc::POLLIN | libc::POLLRDHUP)?;
            let nothing = socket::unread(subject.program.as_fd())? == 0;
            return Ok((seen != 0 && nothing) || socket::at_mark(subject.program.as_fd()).unwrap_or(false));
        }
        let (host, id) = self.socket_of(subject)?;
        let stack = world.stack(host);
        let over = stack.readiness(id)?.intersects(Ready::RDHUP | Ready::HUP | Ready::ERR);
        let nothing = stack.query(id, SIOCINQ)? == 0;
        Ok((over && nothing) || stack.query(id, SIOCATMARK)? != 0)
    }

    /// Receives a message, and tells of its bytes. There may be room in the program's queue then.
    pub(super) fn receive_one(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
        told: &mut Writing,
    ) -> Result<Received, Fault> {
        let mut data = self.message_room();
        let room = header.room().saturating_sub(call.done);
        let result = self.receive_into(world, subject, room, flags, &mut data).map(|(copied, received)| {
            header.scatter(told, call.done, &data[..copied]);
            received
        });
        self.put_message_room(data);
        result
    }

    /// Receives into our own buffer; says how many bytes are for the program.
    fn receive_into(
        &mut self,
        world: &mut World,
        subject: &Subject,
        room: usize,
        flags: i32,
        data: &mut [u8],
    ) -> Result<(usize, Received), Fault> {
        let room = room.min(data.len());
        let (host, id) = self.socket_of(subject)?;
        let phase = self.phase(subject.key)?;
        if self.is_precise(subject.key) && flags & (libc::MSG_OOB | libc::MSG_ERRQUEUE) == 0 {
            return self.receive_precisely(world, subject, flags, &mut data[..room]);
        }
        if flags & libc::MSG_ERRQUEUE != 0 || matches!(phase, Phase::Fresh | Phase::Listening) {
            self.touched(host);
            let got = world.stack(host).recvmsg(id, &mut [&mut data[..room]], usize::MAX, MsgFlags(flags as u32))?;
            let received = Received { len: got.len, from: got.from, control: got.control, flags: got.flags.0 as i32 };
            return Ok((got.len.min(room), received));
        }
        if phase == Phase::Datagram {
            return Ok(Received::of(self.take_datagram(world, subject, flags, data)?, room, flags));
        }
        let len = socket::receive(subject.program.as_fd(), &mut data[..room], flags & NATIVE)?;
        Ok((len, Received { len, from: Address::Unspecified, control: Vec::new(), flags: flags & libc::MSG_OOB }))
    }

    /// Takes a datagram, or looks at it. One who would wait at a socket that was shut down for reading gets an empty one from nobody.
    pub(super) fn take_datagram(
        &mut self,
        world: &mut World,
        subject: &Subject,
        flags: i32,
        data: &mut [u8],
    ) -> Result<Source, Fault> {
        if let Some(error) = self.take_pending(subject) {
            return Err(Fault(error));
        }
        let peeks = flags & libc::MSG_PEEK != 0;
        if !peeks
            && self.has_read_all(subject.key)
            && let Some(source) = self.take_behind(world, subject.key, data)?
        {
            return Ok(source);
        }
        let waits = flags & libc::MSG_DONTWAIT == 0 && !subject.is_nonblocking();
        match self.receive_queued(world, subject, peeks, data) {
            Err(Fault(libc::EAGAIN)) if waits && self.table.get(subject.key).is_some_and(|entry| entry.deaf) => {
                Ok(Source { charge: 0, len: 0, from: Address::Unspecified, control: Vec::new() })
            }
            other => other,
        }
    }

    /// Receives what lies in the program's queue, or, if nothing does, what waits behind it.
    fn receive_queued(&mut self, world: &mut World, subject: &Subject, peeks: bool, data: &mut [u8]) -> Result<Source, Fault> {
        self.forget_read_sources(subject.key);
        match socket::receive(subject.program.as_fd(), data, if peeks { libc::MSG_PEEK } else { 0 }) {
            Ok(len) => {
                let (from, control) = self.source_of(subject.key, len, peeks);
                Ok(Source { charge: 0, len, from, control })
            }
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) && !peeks => {
                self.take_behind(world, subject.key, data)?.ok_or(Fault(libc::EAGAIN))
            }
            // What waits behind an empty queue is put into it, for who takes it then.
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) && self.has_read_all(subject.key) => {
                self.datagram_in(world, subject.key);
                let len = socket::receive(subject.program.as_fd(), data, libc::MSG_PEEK)?;
                let (from, control) = self.source_of(subject.key, len, true);
                Ok(Source { charge: 0, len, from, control })
            }
            Err(error) => Err(error.into()),
        }
    }
}

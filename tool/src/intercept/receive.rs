//! `recvfrom`, `recvmsg`, `recvmmsg`: what asks for an address or control data. Other receiving is native.

use std::os::fd::AsFd;

use loggia_lab::world::World;
use loggia_stack::base::{Instant, MsgFlags, Ready};
use loggia_stack::socket::numbers::{SIOCATMARK, SIOCINQ};
use loggia_stack::socket::{Address, Control};

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{Answer, Fault, Outcome};
use super::message::{Header, MMSGHDR, MOST_PIECES};
use super::table::Phase;
use crate::sys::socket;

/// Flags that a call on the program's end understands.
const NATIVE: i32 = libc::MSG_PEEK | libc::MSG_OOB;
/// Which of these flags a call for all the room has: `MSG_WAITALL` and no other.
const WHOLE: i32 = libc::MSG_WAITALL | libc::MSG_PEEK | libc::MSG_OOB | libc::MSG_ERRQUEUE;

/// `struct timespec` of `recvmmsg`. Linux looks at the time only when a message has come, so that nothing here waits for it. `EINVAL`,
/// `EFAULT`
fn check_timeout(call: &Call, at: u64) -> Result<(), Fault> {
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
        let received = self.receive_whole(world, &mut call, subject, &header, flags, |call, received| {
            if call.word(4) != 0 {
                call.write_address(call.word(4), call.word(5), &received.from.to_bytes())?;
            }
            Ok(())
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
        let mut call = call.clone();
        let received = self.receive_whole(world, &mut call, subject, &header, flags, |call, received| {
            header.told(call, &received.from, &received.control, received.flags)
        });
        self.received_or_wait(world, &call, subject, deadline, flags, received)
    }

    pub(super) fn receive_messages(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        if !self.phase(subject.key)?.is_datagram() {
            return Ok(Answer::Native);
        }
        check_timeout(call, call.word(4))?;
        let count = (call.word(2) as u32 as usize).min(MOST_PIECES);
        let mut pieces = 0;
        for place in 0..count {
            // Others want their turn: the caller asks for the rest himself.
            if pieces >= MOST_PIECES {
                return Ok(Answer::Value(place as i64));
            }
            let at = call.word(1).wrapping_add(place as u64 * MMSGHDR);
            let told = Header::read(call, at).and_then(|header| {
                pieces += header.pieces.len();
                let received = self.receive_one(world, call, subject, &header, call.int(3))?;
                header.told(call, &received.from, &received.control, received.flags)?;
                call.write(at.wrapping_add(56), &(received.len as u32).to_ne_bytes())
            });
            match told {
                Ok(()) => {}
                // A call without MSG_WAITFORONE would go on to wait; what there is serves as well.
                Err(_) if place > 0 => return Ok(Answer::Value(place as i64)),
                Err(fault) => return self.received_or_wait(world, call, subject, deadline, call.int(3), Err(fault)),
            }
        }
        Ok(Answer::Value(count as i64))
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
        tell: impl Fn(&Call, &Received) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let whole = flags & WHOLE == libc::MSG_WAITALL && !self.phase(subject.key)?.is_datagram();
        let waits = flags & libc::MSG_DONTWAIT == 0 && !subject.is_nonblocking();
        loop {
            // What ends the stream, or what is wrong with it, is for the next call.
            if call.done > 0 && self.comes_to_an_end(world, subject)? {
                return Ok(call.done);
            }
            match self.receive_one(world, call, subject, header, flags) {
                Ok(received) => {
                    tell(call, &received)?;
                    call.done += received.len;
                    if !whole || received.len == 0 || call.done >= header.room() {
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

    pub(super) fn receive_one(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
    ) -> Result<Received, Fault> {
        let mut data = self.message_room();
        let room = header.room().saturating_sub(call.done);
        let result = self.receive_into(world, subject, room, flags, &mut data).and_then(|(copied, received)| {
            header.scatter(call, call.done, &data[..copied])?;
            Ok(received)
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
            return self.receive_datagram(world, subject, room, flags, data);
        }
        let len = socket::receive(subject.program.as_fd(), &mut data[..room], flags & NATIVE)?;
        Ok((len, Received { len, from: Address::Unspecified, control: Vec::new(), flags: flags & libc::MSG_OOB }))
    }

    fn receive_datagram(
        &mut self,
        world: &mut World,
        subject: &Subject,
        room: usize,
        flags: i32,
        data: &mut [u8],
    ) -> Result<(usize, Received), Fault> {
        self.forget_read_sources(subject.key);
        let len = match socket::receive(subject.program.as_fd(), data, flags & libc::MSG_PEEK) {
            // How the kernel was made to tell of an error from the network.
            Err(error) if error.raw_os_error() == Some(libc::ECONNRESET) => {
                let known = self.table.get_mut(subject.key).and_then(|entry| entry.error.take());
                return Err(Fault(known.unwrap_or(libc::ECONNREFUSED)));
            }
            other => other?,
        };
        let (from, control) = self.source_of(subject.key, len, flags & libc::MSG_PEEK != 0);
        // There is room for more.
        self.datagram_in(world, subject.key);
        let copied = len.min(room);
        let told = if flags & libc::MSG_TRUNC != 0 { len } else { copied };
        let cut = if copied < len { libc::MSG_TRUNC } else { 0 };
        Ok((copied, Received { len: told, from, control, flags: cut }))
    }
}

//! `sendto`, `sendmsg`, `sendmmsg`: what carries an address or control data. Other sending is native.

use std::os::fd::AsFd;

use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Instant, MsgFlags};
use loggia_stack::socket::{Address, Control, Message};

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{Answer, Fault, Outcome};
use super::message::{Header, MMSGHDR, MOST_PIECES};
use super::table::Phase;
use crate::sys::socket;

/// Flags of a call that the stack understands.
pub(super) const KNOWN: u32 = (libc::MSG_OOB | libc::MSG_DONTROUTE | libc::MSG_EOR | libc::MSG_MORE | libc::MSG_CONFIRM) as u32;

impl Supervisor {
    pub(super) fn send_to(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        // Trapped for a datagram's sake, or a question's to netlink: a stream does it better itself.
        if call.word(4) == 0 && !self.options.precise && !self.phase(subject.key)?.is_datagram() {
            return Ok(Answer::Native);
        }
        let mut header = Header::single(call.word(1), call.word(2));
        (header.name, header.name_len) = (call.word(4), call.int(5));
        self.send_whole(world, call, subject, &header, call.int(3), deadline)
    }

    pub(super) fn send_message(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        let header = Header::read(call, call.word(1))?;
        let plain = !self.options.precise && header.name == 0 && (header.control == 0 || header.control_len == 0);
        if plain && matches!(self.phase(subject.key)?, Phase::Connected | Phase::Connecting { .. } | Phase::Broken) {
            return Ok(Answer::Native);
        }
        self.send_whole(world, call, subject, &header, call.int(2), deadline)
    }

    pub(super) fn send_messages(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        if !self.phase(subject.key)?.is_datagram() {
            return Ok(Answer::Native);
        }
        let count = (call.word(2) as u32 as usize).min(MOST_PIECES);
        let mut pieces = 0;
        for place in 0..count {
            // Others want their turn: the caller asks for the rest himself.
            if pieces >= MOST_PIECES {
                return Ok(Answer::Value(place as i64));
            }
            let at = call.word(1).wrapping_add(place as u64 * MMSGHDR);
            let sent = Header::read(call, at).and_then(|header| {
                pieces += header.pieces.len();
                self.send_one(world, call, subject, &header, call.int(3))
            });
            let told = sent.and_then(|len| call.write(at.wrapping_add(56), &(len as u32).to_ne_bytes()));
            match told {
                Ok(()) => {}
                Err(_) if place > 0 => return Ok(Answer::Value(place as i64)),
                Err(fault) => return self.sent_or_wait(world, call, subject, deadline, call.int(3), Err(fault)),
            }
        }
        Ok(Answer::Value(count as i64))
    }

    pub(super) fn sent_or_wait(
        &mut self,
        world: &World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
        flags: i32,
        sent: Result<usize, Fault>,
    ) -> Outcome {
        match sent {
            Ok(len) => Ok(Answer::Value(len as i64)),
            Err(Fault(libc::EAGAIN)) if flags & libc::MSG_DONTWAIT == 0 && !subject.is_nonblocking() => {
                let timeout = self.table.get(subject.key).and_then(|entry| entry.send_timeout);
                self.park(world, subject.key, call, deadline, timeout, libc::EAGAIN)
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) fn send_one(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
    ) -> Result<usize, Fault> {
        let mut data = self.message_room();
        let gathered = header.gather(call, 0, &mut data);
        let result = gathered.and_then(|len| match self.phase(subject.key)? {
            Phase::Datagram if header.room() > len => Err(Fault(libc::EMSGSIZE)),
            Phase::Datagram => self.send_datagram_of(world, call, subject, header, &data[..len], flags),
            // A connected stream does not look at the address.
            Phase::Connected | Phase::Connecting { .. } | Phase::Broken => {
                Ok(socket::send(subject.program.as_fd(), &data[..len], flags & libc::MSG_OOB)?)
            }
            Phase::Fresh | Phase::Listening => {
                let (host, id) = self.socket_of(subject)?;
                Ok(world.stack(host).send(id, &data[..len], MsgFlags::NONE)?)
            }
        });
        self.put_message_room(data);
        result
    }

    fn send_datagram_of(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        data: &[u8],
        flags: i32,
    ) -> Result<usize, Fault> {
        let to = header.destination(call)?;
        let control = header.controls(call)?;
        // What was sent natively before goes first.
        self.datagram_out(world, subject.key);
        if let Some(error) = self.table.get_mut(subject.key).and_then(|entry| entry.error.take()) {
            let _ = socket::option(subject.program.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR);
            return Err(Fault(error));
        }
        let flags = MsgFlags(flags as u32 & KNOWN);
        Ok(self.send_datagram(world, subject.key, data, to.as_ref(), &control, flags)?)
    }

    /// Sends a datagram of a program: to the stack, or to a name server that is outside the lab.
    pub(super) fn send_datagram(
        &mut self,
        world: &mut World,
        key: loggia_stack::base::Key,
        data: &[u8],
        to: Option<&Address>,
        control: &[Control],
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        if self.ask_name_server(world, key, data, to) {
            return Ok(data.len());
        }
        let entry = self.table.get(key).ok_or(Errno::EBADF)?;
        let (host, id) = (entry.host, entry.id);
        self.touched(host);
        world.stack(host).sendmsg(id, &Message { data: &[data], to, control, flags })
    }
}

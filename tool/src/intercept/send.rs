//! `sendto`, `sendmsg`: what carries an address or control data. Other sending is native.

use std::os::fd::AsFd;
use std::slice;

use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Instant, MsgFlags};
use loggia_stack::socket::{Address, Control, Message};

use super::Supervisor;
use super::answer::Subject;
use super::call::{Call, MOST_ADDRESS};
use super::content::{self, Content};
use super::fault::{Answer, Fault, Outcome};
use super::message::Header;
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
        // Other than `sendmsg` it takes no length for more than it is, and does not take none for no name.
        let least = i32::from(self.phase(subject.key)?.is_datagram());
        if header.name != 0 && !(least..=MOST_ADDRESS as i32).contains(&header.name_len) {
            return Err(Fault(libc::EINVAL));
        }
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
        let mut room = self.message_room();
        let result = match self.phase(subject.key) {
            Ok(Phase::Datagram) => {
                content::contents(call, slice::from_ref(header), &mut room).and_then(|read| match read.all.first() {
                    Some(content) => self.send_content(world, subject, content, flags),
                    None => Err(read.fault.unwrap_or(Fault(libc::EFAULT))),
                })
            }
            phase => phase.and_then(|phase| {
                let len = header.gather(call, 0, &mut room)?;
                self.send_to_stream(world, subject, phase, &room[..len], flags)
            }),
        };
        self.put_message_room(room);
        result
    }

    /// Sends what is no datagram.
    fn send_to_stream(
        &mut self,
        world: &mut World,
        subject: &Subject,
        phase: Phase,
        data: &[u8],
        flags: i32,
    ) -> Result<usize, Fault> {
        if matches!(phase, Phase::Fresh | Phase::Listening) {
            let (host, id) = self.socket_of(subject)?;
            return Ok(world.stack(host).send(id, data, MsgFlags::NONE)?);
        }
        Ok(socket::send(subject.program.as_fd(), data, flags & libc::MSG_OOB)?)
    }

    /// Sends a datagram that was read.
    pub(super) fn send_content(
        &mut self,
        world: &mut World,
        subject: &Subject,
        content: &Content<'_>,
        flags: i32,
    ) -> Result<usize, Fault> {
        // What was sent natively before goes first.
        self.datagram_out(world, subject.key);
        if let Some(error) = self.take_pending(subject) {
            return Err(Fault(error));
        }
        let flags = MsgFlags(flags as u32 & KNOWN);
        Ok(self.send_datagram(world, subject.key, content.data, content.to.as_ref(), &content.control, flags)?)
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

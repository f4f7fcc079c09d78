//! Messages for `sendmmsg` and `recvmmsg`, of which as many are done in one go as nobody can tell from single calls: datagrams in a row that are
//! alike but for what they carry (`transport/udp/run.rs`).

use super::address::Address;
use super::layer::Sockets;
use super::name::scoped;
use super::receive::{Received, copy_out, note_read};
use super::record::{Kind, Timestamps};
use super::semantics::ErrorOrder;
use super::send::{Message, asked_of};
use crate::base::event::class;
use crate::base::{Errno, MsgFlags, SockAddr, SocketId};
use crate::network::Network;
use crate::transport::datagram::Front;

/// A message for `sendmmsg`, and what became of it (`struct mmsghdr`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sending<'a> {
    /// The message.
    pub message: Message<'a>,
    /// Bytes of it that were taken, if it is one of those that were sent.
    pub len: usize,
}

impl<'a> Sending<'a> {
    /// A message that has not been sent.
    pub const fn of(message: Message<'a>) -> Self {
        Self { message, len: 0 }
    }

    /// All of it was taken.
    pub(crate) fn is_whole(&self) -> bool {
        self.message.data.iter().map(|piece| piece.len()).sum::<usize>() == self.len
    }
}

/// A place for a message that `recvmmsg` receives (`struct mmsghdr`).
#[derive(Debug)]
pub struct Receiving<'a, 'b> {
    /// Where its bytes go, piece by piece.
    pub into: &'a mut [&'b mut [u8]],
    /// Bytes of control buffer.
    pub control_room: usize,
    /// What else there is to tell, if a message was received.
    pub received: Received,
}

impl<'a, 'b> Receiving<'a, 'b> {
    /// An empty place.
    pub fn into(into: &'a mut [&'b mut [u8]], control_room: usize) -> Self {
        Self { into, control_room, received: Received::default() }
    }

    /// Puts a datagram into it of which nothing is to be told but its sender.
    #[inline(always)]
    fn fill(&mut self, datagram: &Front<'_>, from: &Address) {
        let received = &mut self.received;
        (received.len, received.flags) = copy_out(datagram, 0, self.into);
        received.control.clear();
        // Who has been given the same sender before need not be given it again.
        if !received.from.is_same(from) {
            received.from.clone_from(from);
        }
    }
}

impl Sockets {
    /// Sends the first of the messages, of which there must be one, or as many as go in one go; says how many. Errors are those of
    /// [`Sockets::sendmsg`], of the first.
    pub(crate) fn send_some(&mut self, net: &mut Network, id: SocketId, messages: &mut [Sending<'_>]) -> Result<usize, Errno> {
        let run = self.send_run(net, id, messages);
        if run > 0 {
            return Ok(run);
        }
        let Some(first) = messages.first_mut() else { return Ok(0) };
        first.len = self.sendmsg(net, id, &first.message)?;
        Ok(1)
    }

    /// Sends the first messages as one super-segment, if they are datagrams that go where the one before them went and nothing is to be told of them
    /// beside that they were sent; says how many. 0: nothing was done.
    fn send_run(&mut self, net: &mut Network, id: SocketId, messages: &mut [Sending<'_>]) -> usize {
        let (Some(record), [first, _, ..]) = (self.records.get(id), &*messages) else { return 0 };
        let Kind::Udp(key) = record.kind else { return 0 };
        if record.rare.is_some() || record.write_shut || net.links.base.events.wanted(class::CALLS) {
            return 0;
        }
        let asked = first.message.to;
        let Ok(to) = asked_of(record, asked) else { return 0 };
        let Some(size) = first.message.len_if_like(asked) else { return 0 };
        // Lengths end with the first that is not alike, and only so many are then sent.
        let lengths = messages.iter().map_while(|one| one.message.len_if_like(asked));
        let datagrams = messages.iter().map(|one| one.message.first_piece());
        let count = self.udp.send_run(net, key, size, lengths, datagrams, to);
        for Sending { message, len } in &mut messages[..count] {
            *len = message.first_piece().len();
        }
        count
    }

    /// Linux tells of a pending error before it receives many messages, also where a single one would come before the error, and where there is no
    /// place for any.
    pub(crate) fn tell_error(&mut self, net: &mut Network, id: SocketId, places: usize, flags: MsgFlags) -> Result<(), Errno> {
        let record = *self.record(id)?;
        // Who is told of it first anyway is told so with the first place.
        let is_told_first = places > 0 && record.semantics().errors == ErrorOrder::BeforeData;
        if flags.contains(MsgFlags::ERRQUEUE) || is_told_first {
            return Ok(());
        }
        match self.take_error(record.kind) {
            None => Ok(()),
            Some(errno) => {
                note_read(net, id, 0, 0, Err(errno));
                Err(errno)
            }
        }
    }

    /// Receives a message into the first of the places, of which there must be one, or one into each of as many as are filled in one go; says how many.
    /// Errors are those of [`Sockets::recvmsg`], of the first.
    pub(crate) fn receive_some(
        &mut self,
        net: &mut Network,
        id: SocketId,
        places: &mut [Receiving<'_, '_>],
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        let run = self.receive_run(net, id, places, flags);
        if run > 0 {
            return Ok(run);
        }
        let Some(Receiving { into, control_room, received }) = places.first_mut() else { return Ok(0) };
        *received = self.recvmsg(net, id, into, *control_room, flags)?;
        Ok(1)
    }

    /// Receives datagrams of UDP, one into each place, as long as there are some, if nothing is to be told of them but what each `recvmsg` tells; says
    /// how many. 0: nothing was done.
    fn receive_run(&mut self, net: &mut Network, id: SocketId, places: &mut [Receiving<'_, '_>], flags: MsgFlags) -> usize {
        let Some(record) = self.records.get(id) else { return 0 };
        let Kind::Udp(key) = record.kind else { return 0 };
        let tells_more = record.rare.is_some() || record.timestamps != Timestamps::Off;
        if tells_more || !flags.is_within(MsgFlags::DONTWAIT) || net.links.base.events.wanted(class::CALLS) {
            return 0;
        }
        let Some(run) = self.udp.run(key) else { return 0 };
        let SockAddr { addr, port, .. } = run.about.from;
        let from = scoped(record, addr, port, run.about.link.0);
        let mut count = 0;
        for (place, datagram) in places.iter_mut().zip(run) {
            place.fill(&datagram, &from);
            count += 1;
        }
        self.udp.discard_some(net, key, count);
        count
    }
}

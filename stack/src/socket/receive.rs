//! `recv`, `recvfrom`, `recvmsg`: written once for streams and once for messages.
//!
//! The core never waits. A call without `MSG_DONTWAIT` is answered as a waiting one would be, if that would not have to wait, else with
//! `EAGAIN`: it is held to `SO_RCVLOWAT` and `MSG_WAITALL`. A call with it is answered as Linux answers a non-blocking one: with whatever
//! there is. A layer above that knows a socket is in non-blocking mode adds the flag.

use alloc::vec::Vec;

use bytes::Bytes;

use super::address::Address;
use super::control::{self, Control};
use super::layer::{Sockets, on_datagrams};
use super::name::scoped;
use super::record::{Kind, Record};
use super::semantics::{ErrorOrder, Type};
use crate::base::event::class;
use crate::base::{Errno, Key, MsgFlags, SocketId, TcpState, What};
use crate::network::Network;
use crate::transport::datagram::{Datagram, Front};
use crate::transport::tcp::Unread;

/// What a receive call gives besides the bytes.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// What the call returns: bytes copied, or with `MSG_TRUNC` as a flag of the call the true length of the message.
    pub len: usize,
    /// The sender, for messages.
    pub from: Address,
    /// `MSG_TRUNC`, `MSG_CTRUNC`, `MSG_OOB`, `MSG_ERRQUEUE`
    pub flags: MsgFlags,
    /// Ancillary data.
    pub control: Vec<Control>,
}

impl Sockets {
    /// Receives bytes and nothing else; as [`Sockets::recvmsg`], but nothing is made of what else there is to tell.
    pub fn recv(&mut self, net: &mut Network, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        match self.plain_kind(net, id, flags) {
            Some(Kind::Udp(key)) => {
                if let Some(len) = self.udp.read(net, key, into) {
                    return Ok(len);
                }
            }
            Some(Kind::Tcp(key)) => {
                if let Some(read) = self.tcp.read_short(net, key, into) {
                    return read;
                }
            }
            _ => {}
        }
        self.recv_any(net, id, into, flags)
    }

    /// Who serves a socket, where nothing but bytes is to be told to anybody.
    #[inline]
    fn plain_kind(&self, net: &Network, id: SocketId, flags: MsgFlags) -> Option<Kind> {
        let record = self.records.get(id)?;
        let is_plain = flags.is_within(MsgFlags::DONTWAIT) & record.rare.is_none() & !net.links.base.events.wanted(class::CALLS);
        let is_closed = record.read_shut & matches!(record.kind, Kind::Tcp(_));
        (is_plain & !is_closed).then_some(record.kind)
    }

    #[inline(never)]
    fn recv_any(&mut self, net: &mut Network, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        let record = *self.record(id)?;
        match record.kind {
            Kind::Tcp(key) if !flags.intersects(MsgFlags::OOB | MsgFlags::ERRQUEUE) => {
                let (offset, asked) = (self.read_offset(net, &record), into.len());
                let result = self.read_stream(net, id, &record, key, &mut [into], flags).map(Option::unwrap_or_default);
                note_read(net, id, offset, asked, result);
                result
            }
            Kind::Udp(_) | Kind::Raw(_) | Kind::Ping(_) if !flags.contains(MsgFlags::ERRQUEUE) => {
                let asked = into.len();
                let result = self.read_datagram(net, id, &record, into, flags);
                note_read(net, id, 0, asked, result);
                result
            }
            _ => self.recvmsg(net, id, &mut [into], 0, flags).map(|received| received.len),
        }
    }

    /// Receives into `into`, piece by piece; ancillary data as far as it fits into a control buffer of `control_room` bytes.
    /// 0 bytes from a stream (with room given) are its end.
    ///
    /// `EAGAIN`, `ENOTCONN`, a pending error (reported once), `EINVAL` (no urgent data), `EOPNOTSUPP`.
    pub fn recvmsg(
        &mut self,
        net: &mut Network,
        id: SocketId,
        into: &mut [&mut [u8]],
        control_room: usize,
        flags: MsgFlags,
    ) -> Result<Received, Errno> {
        let record = *self.record(id)?;
        let (offset, asked) = (self.read_offset(net, &record), room_of(into));
        let result = match record.kind {
            Kind::Unix(key) => self.receive_unix(net, &record, key, into, flags),
            Kind::Tcp(key) if flags.contains(MsgFlags::ERRQUEUE) => {
                self.receive_zero_copy(id, &record, key).or_else(|_| self.receive_stamp(&mut net.links.base, &record, key))
            }
            _ if flags.contains(MsgFlags::ERRQUEUE) => self.receive_error(net, &record, into),
            Kind::Tcp(key) => self.receive_stream(net, id, &record, key, into, flags),
            _ => self.receive_datagram(net, id, &record, into, flags),
        };
        let result = result.map(|received| self.fit_control(net, received, control_room));
        note_read(net, id, offset, asked, result.as_ref().map(|received| received.len).map_err(|error| *error));
        result
    }

    /// Where in its stream a socket reads next, if anybody wants to know.
    fn read_offset(&self, net: &Network, record: &Record) -> u64 {
        match record.kind {
            Kind::Tcp(key) if net.links.base.events.wanted(class::CALLS) => self.tcp.read_offset(key),
            Kind::Unix(key) if record.ty == Type::Stream => self.unix.read_offset(key),
            _ => 0,
        }
    }

    /// Receives up to `max` bytes of a stream, or a whole datagram, without copying. Empty: the end of the stream.
    pub fn recv_bytes(&mut self, net: &mut Network, id: SocketId, max: usize) -> Result<Bytes, Errno> {
        self.recv_bytes_from(net, id, max).map(|(chunk, _)| chunk)
    }

    /// As [`Sockets::recv_bytes`], and tells the sender of a datagram.
    pub fn recv_bytes_from(&mut self, net: &mut Network, id: SocketId, max: usize) -> Result<(Bytes, Address), Errno> {
        let record = *self.record(id)?;
        match record.kind {
            Kind::Tcp(key) => {
                let (offset, unread) = (self.read_offset(net, &record), self.tcp.unread(key));
                let result = match unmarked(&unread).min(max) {
                    0 => self.nothing_to_read(&record, key, &unread).map(|()| Bytes::new()),
                    count => Ok(self.tcp.take(net, key, count).unwrap_or_default()),
                };
                let len = result.as_ref().map(Bytes::len).map_err(|error| *error);
                note_read(net, id, offset, max, len);
                result.map(|chunk| (chunk, Address::Unspecified))
            }
            Kind::Unix(key) => {
                // What is there is bounded by the sender's buffer; without room for a byte a stream would say that it has ended.
                let waiting = self.unix.input_queue(key).unwrap_or_default();
                let mut room = alloc::vec![0; max.min(waiting.max(1))];
                let received = self.recvmsg(net, id, &mut [&mut room], 0, MsgFlags::NONE)?;
                room.truncate(received.len);
                Ok((room.into(), received.from))
            }
            kind => {
                if let Some(error) = self.take_error(kind) {
                    return Err(error);
                }
                let datagram = on_datagrams!(self, kind, |transport, key| transport.pop(net, key), _ => None);
                let datagram = datagram.ok_or(Errno::EAGAIN)?;
                let from = scoped(&record, datagram.from.addr, datagram.from.port, datagram.link.0);
                let mut chunk = datagram.data.to_bytes();
                // What there is no room for is lost, as in `recvmsg`.
                chunk.truncate(max);
                note_read(net, id, 0, max, Ok(chunk.len()));
                Ok((chunk, from))
            }
        }
    }

    /// Linux's `tcp_recvmsg`.
    fn receive_stream(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        key: Key,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
    ) -> Result<Received, Errno> {
        if flags.contains(MsgFlags::OOB) && self.tcp.state(key) != TcpState::Listen {
            return self.receive_urgent(record, key, into, flags);
        }
        Ok(match self.read_stream(net, id, record, key, into, flags)? {
            Some(len) => Received { len, control: self.inq(record, key), ..Received::default() },
            None => Received::default(),
        })
    }

    /// The bytes of it, without urgent ones; says how many. None: the stream is at its end.
    fn read_stream(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        key: Key,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
    ) -> Result<Option<usize>, Errno> {
        let unread = self.tcp.unread(key);
        let skip = self.peek_offset(record, flags);
        let room = room_of(into);
        let count = unmarked(&unread).saturating_sub(skip).min(room);
        if count == 0 && (unread.readable <= skip || room > 0) {
            return self.nothing_to_read(record, key, &unread).map(|()| None);
        }
        if self.must_wait(record, key, &unread, count, room, flags) {
            return Err(Errno::EAGAIN);
        }
        match into {
            [whole] if !flags.intersects(MsgFlags::TRUNC | MsgFlags::PEEK) => self.tcp.read(net, key, &mut whole[..count]),
            _ => self.read_pieces(net, key, skip, count, into, flags),
        }
        if record.rare.is_some() {
            self.move_peek_offset(id, count, flags.contains(MsgFlags::PEEK));
        }
        Ok(Some(count))
    }

    fn read_pieces(&mut self, net: &mut Network, key: Key, skip: usize, count: usize, into: &mut [&mut [u8]], flags: MsgFlags) {
        // MSG_TRUNC of a stream socket: take the bytes and throw them away, as in Linux.
        if !flags.contains(MsgFlags::TRUNC) {
            self.copy_stream(key, skip, count, into);
        }
        if !flags.contains(MsgFlags::PEEK) {
            self.tcp.consume(net, key, count);
        }
    }

    /// `SO_PEEK_OFF` moves on with what was looked at and back with what was taken.
    fn move_peek_offset(&mut self, id: SocketId, count: usize, peeked: bool) {
        if let Some(rare) = self.rare_if_any(id)
            && rare.peek_off >= 0
        {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let moved = if peeked { rare.peek_off.saturating_add(count) } else { rare.peek_off.saturating_sub(count) };
            rare.peek_off = moved.max(0);
        }
    }

    /// Where a look begins.
    fn peek_offset(&self, record: &Record, flags: MsgFlags) -> usize {
        if !flags.contains(MsgFlags::PEEK) {
            return 0;
        }
        usize::try_from(self.rare(record, |rare| rare.peek_off)).unwrap_or(0)
    }

    fn copy_stream(&self, key: Key, skip: usize, count: usize, into: &mut [&mut [u8]]) {
        let mut done = 0;
        for piece in into {
            let len = piece.len().min(count - done);
            done += self.tcp.peek(key, skip + done, &mut piece[..len]);
        }
    }

    /// True if a waiting call would go on to wait although there is something: for `SO_RCVLOWAT`, or with `MSG_WAITALL` for all its
    /// room. Linux copies as it waits and so can fill any room; here what is asked for must lie in the receive buffer
    /// at once, and a quarter of the buffer is taken for all.
    fn must_wait(&self, record: &Record, key: Key, unread: &Unread, count: usize, room: usize, flags: MsgFlags) -> bool {
        let waits_for_all = flags.contains(MsgFlags::WAITALL);
        if flags.contains(MsgFlags::DONTWAIT) || (!waits_for_all && count >= unread.low_water) {
            return false;
        }
        let options = self.tcp.options(key);
        let buffer = if options.rcvbuf == 0 { self.tcp.config().rmem[1] } else { options.rcvbuf } as usize;
        let target = if waits_for_all { room.min(buffer / 4) } else { unread.low_water.min(room) };
        let last =
            unread.end || record.read_shut || self.tcp.state(key) == TcpState::Closed || self.tcp.inet(key).error.is_some();
        let at_mark = unread.mark.is_some_and(|mark| mark > 0 && count == mark);
        count < target && !last && !at_mark
    }

    /// What a call gets when not a byte waits, in Linux's order: the end of the stream comes before an error, an error before
    /// what `shutdown` or a dead connection means.
    fn nothing_to_read(&mut self, record: &Record, key: Key, unread: &Unread) -> Result<(), Errno> {
        if unread.state == TcpState::Listen {
            return Err(Errno::ENOTCONN);
        }
        if unread.end {
            return Ok(());
        }
        if let Some(error) = self.tcp.inet_mut(key).take_error() {
            return Err(error);
        }
        if record.read_shut || self.is_dead(record) {
            return Ok(());
        }
        Err(if unread.state == TcpState::Closed { Errno::ENOTCONN } else { Errno::EAGAIN })
    }

    fn receive_urgent(&mut self, record: &Record, key: Key, into: &mut [&mut [u8]], flags: MsgFlags) -> Result<Received, Errno> {
        let byte = match self.tcp.urgent(key, flags.contains(MsgFlags::PEEK)) {
            Err(Errno::EAGAIN) if record.read_shut || self.is_dead(record) => return Ok(Received::default()),
            Err(Errno::EINVAL) if self.tcp.state(key) == TcpState::Closed && !self.is_dead(record) => return Err(Errno::EINVAL),
            other => other?,
        };
        let mut received = Received { len: 1, flags: MsgFlags::OOB, ..Received::default() };
        match into.iter_mut().find_map(|piece| piece.first_mut()) {
            Some(place) if !flags.contains(MsgFlags::TRUNC) => *place = byte,
            Some(_) => {}
            None => {
                received.len = 0;
                received.flags |= MsgFlags::TRUNC;
            }
        }
        Ok(received)
    }

    /// `TCP_INQ`
    fn inq(&self, record: &Record, key: Key) -> Vec<Control> {
        if !record.inq {
            return Vec::new();
        }
        let unread = self.tcp.unread(key);
        // Linux adds one when the end of the stream is behind the bytes.
        let left = i32::try_from(unread.readable).unwrap_or(i32::MAX).max(i32::from(unread.end && unread.readable == 0));
        alloc::vec![Control::Inq(left)]
    }

    /// Linux's `udp_recvmsg` and `raw_recvmsg`.
    fn receive_datagram(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
    ) -> Result<Received, Errno> {
        self.before_datagrams(record, flags)?;
        let skip = self.peek_offset(record, flags);
        let Some(datagram) = self.front_beyond(record, skip) else {
            return self.no_datagram(record, flags).map(|()| Received::default());
        };
        let (mut received, copied) = message(record, &datagram, skip, into, flags);
        received.control = self.datagram_control(net, record)?;
        self.leave_datagram(net, id, record, copied, flags);
        Ok(received)
    }

    /// The same without the sender and ancillary data.
    fn read_datagram(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        into: &mut [u8],
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        self.before_datagrams(record, flags)?;
        let skip = self.peek_offset(record, flags);
        let Some(datagram) = self.front_beyond(record, skip) else { return self.no_datagram(record, flags).map(|()| 0) };
        let (len, copied) = (datagram.len() - skip, datagram.copy_to(skip, into));
        self.leave_datagram(net, id, record, copied, flags);
        Ok(if flags.contains(MsgFlags::TRUNC) { len } else { copied })
    }

    /// What a call gets before it looks for a datagram.
    fn before_datagrams(&mut self, record: &Record, flags: MsgFlags) -> Result<(), Errno> {
        if flags.contains(MsgFlags::OOB) && !matches!(record.kind, Kind::Udp(_)) {
            return Err(Errno::EOPNOTSUPP);
        }
        if record.semantics().errors == ErrorOrder::BeforeData
            && let Some(error) = self.take_error(record.kind)
        {
            return Err(error);
        }
        Ok(())
    }

    /// The oldest datagram, if there is something behind its first `skip` bytes: `SO_PEEK_OFF` reaches into the oldest datagram only; Linux
    /// goes on into the ones behind it.
    fn front_beyond(&mut self, record: &Record, skip: usize) -> Option<Front<'_>> {
        let front = on_datagrams!(self, record.kind, |transport, key| transport.front(key), _ => None);
        front.filter(|datagram| skip == 0 || skip < datagram.len())
    }

    /// So many bytes of the oldest datagram were copied: it goes, unless this was a look.
    fn leave_datagram(&mut self, net: &mut Network, id: SocketId, record: &Record, copied: usize, flags: MsgFlags) {
        let peek = flags.contains(MsgFlags::PEEK);
        if !peek {
            on_datagrams!(self, record.kind, |transport, key| transport.discard(net, key), _ => ());
        }
        self.move_peek_offset(id, copied, peek);
    }

    /// A waiting call on a socket that was shut down for reading gives 0, a non-blocking one does not look, as in Linux.
    fn no_datagram(&mut self, record: &Record, flags: MsgFlags) -> Result<(), Errno> {
        let shut = on_datagrams!(self, record.kind, |transport, key| transport.read_shut(key), _ => false);
        if shut && !flags.contains(MsgFlags::DONTWAIT) { Ok(()) } else { Err(Errno::EAGAIN) }
    }

    /// Ancillary data of the oldest datagram.
    fn datagram_control(&mut self, net: &mut Network, record: &Record) -> Result<Vec<Control>, Errno> {
        let wanted = self.wanted(record)?;
        let front = on_datagrams!(self, record.kind, |transport, key| transport.front(key), _ => None);
        Ok(front.map_or_else(Vec::new, |front| wanted.of(net, front.about, front.segment_size())))
    }

    fn receive_unix(
        &mut self,
        net: &mut Network,
        record: &Record,
        key: Key,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
    ) -> Result<Received, Errno> {
        let room = room_of(into);
        let target = if flags.contains(MsgFlags::DONTWAIT) {
            1
        } else if flags.contains(MsgFlags::WAITALL) {
            room
        } else {
            (self.rare(record, |rare| rare.rcvlowat) as usize).min(room)
        };
        let result = self.unix.receive(&mut net.links.base, key, into, flags, target.max(1));
        // An urgent byte that was stepped over may have carried some.
        self.drop_rights(net);
        let mut taken = match result {
            Err(Errno::EAGAIN)
                if record.ty == Type::Datagram && !flags.contains(MsgFlags::DONTWAIT) && self.unix.is_read_shut(key) =>
            {
                return Ok(Received::default());
            }
            other => other?,
        };
        let mut items = Vec::new();
        items.extend(taken.credentials.take().map(Control::Credentials));
        if !taken.rights.is_empty() {
            let rights = core::mem::take(&mut taken.rights);
            // After a look the rights stay in the queue as well: what is handed out are references of their own.
            if flags.contains(MsgFlags::PEEK) {
                self.duplicate_rights(&rights);
            }
            items.push(Control::Rights(rights));
        }
        let len = if flags.contains(MsgFlags::TRUNC) { taken.length } else { taken.count };
        // A sender without a name is not told as one whose name is empty: the address has no bytes at all.
        let from = if taken.from.is_unnamed() { Address::Unspecified } else { Address::Unix(taken.from) };
        Ok(Received { len, from, flags: taken.flags, control: items })
    }

    fn duplicate_rights(&mut self, rights: &[crate::transport::unix::Right]) {
        for right in rights {
            if let crate::transport::unix::Right::Socket(id) = right {
                let _ = self.dup(*id);
            }
        }
    }

    fn fit_control(&mut self, net: &mut Network, received: Received, room: usize) -> Received {
        if received.control.is_empty() {
            return received;
        }
        let (control, whole, lost) = control::fit(received.control, room);
        for right in lost {
            match right {
                crate::transport::unix::Right::Socket(id) => drop(self.close(net, id)),
                crate::transport::unix::Right::Foreign(handle) => self.foreign.push(handle),
            }
        }
        let cut = if whole { MsgFlags::NONE } else { MsgFlags::CTRUNC };
        Received { control, flags: received.flags | cut, ..received }
    }
}

/// Tells of a call that read, or tried to; not of one that has to wait, for who polls makes many of those.
pub(super) fn note_read(net: &mut Network, socket: SocketId, offset: u64, asked: usize, result: Result<usize, Errno>) {
    if result == Err(Errno::EAGAIN) {
        return;
    }
    net.links.base.emit(What::Read { socket, offset, asked: asked as u32, result: result.map(|len| len as u32) });
}

/// Bytes that may be read without going past an urgent mark that is ahead.
pub(super) fn unmarked(unread: &Unread) -> usize {
    match unread.mark {
        Some(mark) if mark > 0 => unread.readable.min(mark),
        _ => unread.readable,
    }
}

pub(super) fn room_of(into: &[&mut [u8]]) -> usize {
    into.iter().fold(0, |sum, piece| sum.saturating_add(piece.len()))
}

/// Copies a datagram out and says what the call returns of it, and how much was copied.
fn message(record: &Record, datagram: &Front<'_>, skip: usize, into: &mut [&mut [u8]], flags: MsgFlags) -> (Received, usize) {
    let (copied, cut) = copy_out(datagram, skip, into);
    let Datagram { from, link, .. } = datagram.about;
    let from = scoped(record, from.addr, from.port, link.0);
    let told = if flags.contains(MsgFlags::TRUNC) { datagram.len().saturating_sub(skip) } else { copied };
    (Received { len: told, from, flags: cut, control: Vec::new() }, copied)
}

/// Copies what is behind the first `skip` bytes of a datagram; says how much, and whether there was more.
#[inline(always)]
pub(super) fn copy_out(datagram: &Front<'_>, skip: usize, into: &mut [&mut [u8]]) -> (usize, MsgFlags) {
    if let ([room], Some(bytes), 0) = (&mut *into, datagram.bytes(), skip) {
        let copied = bytes.len().min(room.len());
        room[..copied].copy_from_slice(&bytes[..copied]);
        return (copied, if copied < bytes.len() { MsgFlags::TRUNC } else { MsgFlags::NONE });
    }
    copy_out_pieces(datagram, skip, into)
}

#[inline(never)]
fn copy_out_pieces(datagram: &Front<'_>, skip: usize, into: &mut [&mut [u8]]) -> (usize, MsgFlags) {
    let mut copied = 0;
    for piece in into {
        copied += datagram.copy_to(skip + copied, piece);
    }
    let cut = if skip + copied < datagram.len() { MsgFlags::TRUNC } else { MsgFlags::NONE };
    (copied, cut)
}

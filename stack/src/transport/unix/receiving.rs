//! `recvmsg`: of a stream what [`walk`] finds, of the others one message.

use alloc::vec::Vec;

use super::message::Scatter;
use super::reading::{Reader, Stop, Walk, walk};
use super::socket::Socket;
use super::{Right, Unix, UnixKind, UnixReceived, UnixState};
use crate::base::{Base, Errno, Key, MsgFlags};

impl Unix {
    /// Receives into the slices of `into`, one after another.
    ///
    /// A stream gives `EAGAIN` and takes nothing if it has fewer than `target` bytes and neither a boundary, its end nor an
    /// error comes before them: 1 for calls that do not wait; `SO_RCVLOWAT`, or all with `MSG_WAITALL`, for those who do.
    /// The end of a stream, and of a seqpacket connection, is a count of 0. `flags`: `MSG_PEEK` and `MSG_OOB` count.
    ///
    /// `EAGAIN`; the pending error (streams tell it behind the data, the others before); `EINVAL` for a stream that is not
    /// connected, `ENOTCONN` for a seqpacket; with `MSG_OOB` `EINVAL` if there is no urgent byte or it stays inline,
    /// `EOPNOTSUPP` for messages. A datagram socket whose reading is shut down gives `EAGAIN` too, as on Linux; whoever waits
    /// asks [`Unix::is_read_shut`].
    pub fn receive(
        &mut self,
        base: &mut Base,
        id: Key,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
        target: usize,
    ) -> Result<UnixReceived, Errno> {
        let into = Scatter::new(into);
        match self.sockets[id].kind {
            UnixKind::Stream => self.receive_stream(base, id, into, flags, target),
            UnixKind::SeqPacket if self.sockets[id].state != UnixState::Established => Err(Errno::ENOTCONN),
            UnixKind::SeqPacket | UnixKind::Datagram => self.receive_message(base, id, into, flags),
        }
    }

    fn receive_stream(
        &mut self,
        base: &mut Base,
        id: Key,
        mut into: Scatter<'_, '_>,
        flags: MsgFlags,
        target: usize,
    ) -> Result<UnixReceived, Errno> {
        let socket = &self.sockets[id];
        if socket.state != UnixState::Established {
            return Err(Errno::EINVAL);
        }
        if flags.contains(MsgFlags::OOB) {
            return self.receive_urgent(base, id, into, flags);
        }
        let peek = flags.contains(MsgFlags::PEEK);
        let room = into.room();
        let found = walk(&socket.queue, socket.reader(peek, room), |bytes| into.put(bytes));
        let pass_credentials = socket.options.pass_credentials;
        let short = found.stop == Stop::Empty && found.copied < target.min(room).max(1);
        if short && let Err(errno) = self.end_short_read(id, &found) {
            if found.copied == 0 && !peek {
                // An urgent byte nobody wanted is stepped over also where nothing follows it.
                self.commit_walk(base, id, &found);
            }
            return Err(errno);
        }
        let from = found.sender.map(|sender| self.sockets[sender].name.clone()).unwrap_or_default();
        let rights = if peek { self.peek_walk(id, &found) } else { self.commit_walk(base, id, &found) };
        let credentials = pass_credentials.then(|| found.credentials.unwrap_or_default());
        Ok(UnixReceived { count: found.copied, length: found.copied, flags: MsgFlags::NONE, from, credentials, rights })
    }

    /// A read that found too little gives what it found only at the end of the stream, or at an error, which it takes; as on
    /// Linux the error is lost if there were bytes; or if the writer waits for the reader.
    fn end_short_read(&mut self, id: Key, found: &Walk) -> Result<(), Errno> {
        let socket = &mut self.sockets[id];
        match socket.check_error() {
            Err(errno) if found.copied == 0 => Err(errno),
            Ok(()) if socket.shut.receive() || (found.copied > 0 && self.is_peer_stuck(id)) => Ok(()),
            Ok(()) => Err(Errno::EAGAIN),
            Err(_) => Ok(()),
        }
    }

    /// True if the other end of a stream may be waiting for room: whoever waits here for more than its send buffer holds
    /// would wait for ever. (Linux takes bytes away while it waits and so has no such case.)
    fn is_peer_stuck(&self, id: Key) -> bool {
        self.sockets[id].peer.is_some_and(|peer| !self.sockets[peer].is_writable())
    }

    /// A peek leaves everything and moves `SO_PEEK_OFF` on.
    fn peek_walk(&mut self, id: Key, found: &Walk) -> Vec<Right> {
        let socket = &mut self.sockets[id];
        socket.peeked(found.copied);
        found.rights.and_then(|at| socket.queue.get(at)).map(|message| message.rights.to_vec()).unwrap_or_default()
    }

    /// Takes away what was read; gives the rights that came with it.
    fn commit_walk(&mut self, base: &mut Base, id: Key, found: &Walk) -> Vec<Right> {
        let socket = &mut self.sockets[id];
        socket.unpeeked(found.copied);
        if found.met_urgent {
            socket.calm();
        }
        let taken = found.rights.and_then(|at| socket.queue.get_mut(at)).map(|message| core::mem::take(&mut message.rights));
        let rights = taken.map(|rights| self.rights.arrive(rights)).unwrap_or_default();
        for _ in 0..found.passed {
            self.remove_message(base, id, 0);
        }
        if let Some(message) = self.sockets[id].queue.front_mut() {
            message.read(found.partial);
        }
        rights
    }

    fn receive_message(
        &mut self,
        base: &mut Base,
        id: Key,
        mut into: Scatter<'_, '_>,
        flags: MsgFlags,
    ) -> Result<UnixReceived, Errno> {
        if flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let peek = flags.contains(MsgFlags::PEEK);
        let socket = &mut self.sockets[id];
        socket.check_error()?;
        let Some((at, skip)) = socket.choose_message(peek) else {
            let ended = socket.kind == UnixKind::SeqPacket && socket.shut.receive();
            return if ended { Ok(UnixReceived::default()) } else { Err(Errno::EAGAIN) };
        };
        let message = &socket.queue[at];
        let data = &message.data[skip..];
        let room = into.room();
        into.put(data);
        let (count, length) = (room.min(data.len()), data.len());
        let credentials = socket.options.pass_credentials.then(|| message.stated_credentials());
        let sender = message.sender;
        let from = self.sockets[sender].name.clone();
        let rights = if peek { self.peek_message(id, at, count) } else { self.take_message(base, id, length) };
        let flags = if count < length { MsgFlags::TRUNC } else { MsgFlags::NONE };
        Ok(UnixReceived { count, length, flags, from, credentials, rights })
    }

    /// The message stays; `SO_PEEK_OFF` moves on.
    fn peek_message(&mut self, id: Key, at: usize, count: usize) -> Vec<Right> {
        let socket = &mut self.sockets[id];
        socket.peeked(count);
        let message = &mut socket.queue[at];
        message.peeked |= message.data.is_empty();
        message.rights.to_vec()
    }

    /// The first message goes; senders who waited for room hear of it.
    fn take_message(&mut self, base: &mut Base, id: Key, len: usize) -> Vec<Right> {
        let socket = &mut self.sockets[id];
        let was_full = socket.is_full();
        socket.unpeeked(len);
        let rights = core::mem::take(&mut socket.queue[0].rights);
        let rights = self.rights.arrive(rights);
        self.remove_message(base, id, 0);
        self.wake_senders(base, id, was_full);
        rights
    }
}

impl Socket {
    /// How a read of this stream goes.
    pub(super) fn reader(&self, peek: bool, room: usize) -> Reader {
        Reader {
            peek,
            skip: if peek { usize::try_from(self.options.peek_offset).unwrap_or(0) } else { 0 },
            room,
            pass_credentials: self.options.pass_credentials,
            oob_inline: self.options.oob_inline,
            urgent: self.urgent,
        }
    }

    /// The message a receive call takes, and how many of its bytes `SO_PEEK_OFF` passes over. Messages that were peeked at
    /// whole are passed, empty ones once they were seen.
    fn choose_message(&self, peek: bool) -> Option<(usize, usize)> {
        let offset = usize::try_from(self.options.peek_offset).ok().filter(|_| peek);
        let Some(mut skip) = offset else { return (!self.queue.is_empty()).then_some((0, 0)) };
        for (at, message) in self.queue.iter().enumerate() {
            let len = message.data.len();
            if skip < len || (skip == 0 && !message.peeked) {
                return Some((at, skip));
            }
            skip -= len;
        }
        None
    }
}

//! What `poll`, `SIOCINQ`, `SIOCOUTQ` and the generic stream calls see of a socket.

use super::accounting::stream_room;
use super::reading::walk;
use super::{Unix, UnixKind, UnixState};
use crate::base::{Errno, Key, Ready};

/// What the socket layer must know of a stream before it reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stream {
    /// Bytes that one read can give now: up to the urgent mark if one is ahead.
    pub readable: usize,
    /// Behind them the stream ends: the peer sent FIN.
    pub end: bool,
    /// Bytes until the urgent mark, if one is ahead (or at the front: 0). A read does not go past it unless it starts there
    /// (`SIOCATMARK`).
    pub mark: Option<usize>,
    /// Bytes that may be written now.
    pub room: usize,
    /// How many bytes were read since the connection began: the offset of the next one.
    pub read_offset: u64,
    /// How many bytes were written since the connection began.
    pub write_offset: u64,
}

impl Unix {
    /// The readiness bits of Linux's `unix_poll` and `unix_dgram_poll`.
    pub fn readiness(&self, id: Key) -> Ready {
        let socket = &self.sockets[id];
        let mut ready = Ready::NONE;
        let mut add = |condition: bool, bits: Ready| {
            if condition {
                ready |= bits;
            }
        };
        add(socket.error.is_some(), Ready::ERR);
        add(socket.shut.receive() && socket.shut.send(), Ready::HUP);
        add(socket.shut.receive(), Ready::RDHUP | Ready::IN);
        add(!socket.queue.is_empty() || !socket.pending.is_empty(), Ready::IN);
        add(socket.urgent, Ready::PRI);
        // A connection that is not there yet looks like one that is over.
        add(socket.connects() && socket.state == UnixState::Closed, Ready::HUP);
        // Also when the peer has gone: who writes shall hear of it.
        add(socket.is_writable() && !self.is_held_up(id), Ready::OUT);
        ready
    }

    /// True if the peer of a datagram socket has too many messages waiting.
    fn is_held_up(&self, id: Key) -> bool {
        let socket = &self.sockets[id];
        socket.kind != UnixKind::Stream
            && socket.peer.is_some_and(|peer| {
                let target = &self.sockets[peer];
                target.peer != Some(id) && target.is_full()
            })
    }

    /// True if reading was shut down by either end: where a waiting receive call of a datagram socket gives 0, and a
    /// waiting `accept` `EINVAL`, instead of waiting on (those that do not wait get `EAGAIN` on Linux).
    pub fn is_read_shut(&self, id: Key) -> bool {
        self.sockets[id].shut.receive()
    }

    /// What a read of a stream would find (up to the next boundary) and how much it would take. Only a view:
    /// [`Unix::receive`] and [`Unix::send`] decide for themselves.
    pub fn stream(&self, id: Key) -> Stream {
        let socket = &self.sockets[id];
        let found = walk(&socket.queue, socket.reader(false, usize::MAX), |_| {});
        let mark = socket.urgent_at().filter(|_| !socket.options.oob_inline);
        let open = socket.state == UnixState::Established && !socket.shut.send();
        Stream {
            readable: found.copied,
            end: socket.shut.receive() && found.passed == socket.queue.len(),
            mark: mark.map(|at| socket.queue.iter().take(at).map(|message| message.data.len()).sum()),
            room: if open { stream_room(socket.sent, socket.options.send_buffer) } else { 0 },
            read_offset: self.read_offset(id),
            write_offset: self.write_offset(id),
        }
    }

    /// How many bytes of a stream lie behind its reader, modulo 2^64: the offset of the next one.
    pub fn read_offset(&self, id: Key) -> u64 {
        let socket = &self.sockets[id];
        socket.queue.front().map_or(socket.delivered, |message| message.offset)
    }

    /// How many bytes this socket has sent, modulo 2^64.
    pub fn write_offset(&self, id: Key) -> u64 {
        self.sockets[id].written
    }

    /// `SIOCINQ`: bytes that wait, of a datagram socket those of the first message. `EINVAL` for a listener.
    ///
    /// A skipped urgent byte is not counted; Linux 6.17 and later count it for ever, which is an error there.
    pub fn input_queue(&self, id: Key) -> Result<usize, Errno> {
        let socket = &self.sockets[id];
        if socket.state == UnixState::Listening {
            return Err(Errno::EINVAL);
        }
        let messages = if socket.connects() { usize::MAX } else { 1 };
        Ok(socket.queue.iter().take(messages).map(|message| message.data.len()).sum())
    }

    /// `SIOCOUTQ`: memory of what was sent and not read yet, as Linux counts it.
    pub fn output_queue(&self, id: Key) -> usize {
        self.sockets[id].sent
    }
}

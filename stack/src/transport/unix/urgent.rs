//! The urgent byte of a stream (`MSG_OOB`, Linux 5.15): the last byte of an urgent write, kept in its place in the queue. Read out of band,
//! it leaves an empty message there: the mark.

use super::message::Scatter;
use super::socket::Socket;
use super::{Unix, UnixAddress, UnixKind, UnixReceived};
use crate::base::{Base, Errno, Key, MsgFlags};

impl Unix {
    /// A new urgent byte is about to arrive: an older one becomes a byte like any other.
    pub(super) fn make_urgent(&mut self, id: Key) {
        let socket = &mut self.sockets[id];
        socket.calm();
        socket.urgent = true;
    }

    /// `recv` with `MSG_OOB`.
    pub(super) fn receive_urgent(
        &mut self,
        base: &mut Base,
        id: Key,
        mut into: Scatter<'_, '_>,
        flags: MsgFlags,
    ) -> Result<UnixReceived, Errno> {
        let socket = &mut self.sockets[id];
        let at = socket.urgent_at().filter(|_| !socket.options.oob_inline).ok_or(Errno::EINVAL)?;
        let count = into.room().min(1);
        into.put(&socket.queue[at].data);
        if !flags.contains(MsgFlags::PEEK) {
            self.take_urgent(base, id, at);
        }
        Ok(UnixReceived {
            count,
            length: 1,
            flags: MsgFlags::OOB,
            from: UnixAddress::Unnamed,
            credentials: None,
            rights: alloc::vec::Vec::new(),
        })
    }

    /// Leaves the mark in the byte's place, and only one mark where two would stand together.
    fn take_urgent(&mut self, base: &mut Base, id: Key, at: usize) {
        let socket = &mut self.sockets[id];
        socket.calm();
        socket.queue[at].read(1);
        let before = at.checked_sub(1);
        if let Some(before) = before.filter(|&before| self.sockets[id].queue[before].data.is_empty()) {
            self.remove_message(base, id, before);
        }
    }

    /// `SIOCATMARK`: the next read begins at the urgent byte, or where it was. `EOPNOTSUPP` for messages.
    pub fn at_mark(&self, id: Key) -> Result<bool, Errno> {
        let socket = &self.sockets[id];
        if socket.kind != UnixKind::Stream {
            return Err(Errno::EOPNOTSUPP);
        }
        let is_urgent = |at: usize| socket.queue.get(at).is_some_and(|message| message.urgent);
        let behind_mark = socket.queue.front().is_some_and(|message| message.data.is_empty());
        Ok(is_urgent(0) || (behind_mark && (!socket.urgent || is_urgent(1))))
    }
}

impl Socket {
    /// Where the urgent byte is.
    pub(super) fn urgent_at(&self) -> Option<usize> {
        if self.urgent { self.queue.iter().rposition(|message| message.urgent) } else { None }
    }

    /// The urgent byte is not urgent any more.
    pub(super) fn calm(&mut self) {
        if let Some(at) = self.urgent_at() {
            self.queue[at].urgent = false;
        }
        self.urgent = false;
    }
}

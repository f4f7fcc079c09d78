//! `shutdown` and `close`, and what the other end sees of them.

use super::socket::{Shut, Socket};
use super::{Unix, UnixShutdown};
use crate::base::{Base, Errno, Key};

/// How a socket goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its last handle was closed.
    Closed,
    /// Nobody accepted it and nobody will.
    NeverAccepted,
}

impl Unix {
    /// Ends one or both directions. The peer of a connection sees it mirrored; a datagram's peer sees nothing until it sends.
    /// Allowed in every state (Linux gives no `ENOTCONN` here).
    pub fn shutdown(&mut self, base: &mut Base, id: Key, how: UnixShutdown) {
        let shut = Shut::from(how);
        let socket = &mut self.sockets[id];
        socket.shut.add(shut);
        let peer = socket.peer.filter(|_| socket.connects());
        self.notify(base, id);
        if let Some(peer) = peer {
            self.sockets[peer].shut.add(shut.mirrored());
            self.notify(base, peer);
        }
        // Whoever waits for room here would be refused now.
        self.wake_senders(base, id, false);
    }

    /// The last handle is gone, and with it the key. The peer of a connection is hung up, with `ECONNRESET` if something it sent was not
    /// read; connections that nobody accepted are reset; a path stays taken.
    pub fn close(&mut self, base: &mut Base, id: Key) {
        let pending = core::mem::take(&mut self.sockets[id].pending);
        self.end(base, id, End::Closed);
        for connection in pending {
            self.end(base, connection, End::NeverAccepted);
        }
    }

    fn end(&mut self, base: &mut Base, id: Key, end: End) {
        // Until all is settled nothing may remove the record.
        self.retain(id);
        self.stop_waiting(id);
        let socket = &mut self.sockets[id];
        socket.dead = true;
        socket.owner = None;
        socket.error = None;
        socket.shut = Shut::BOTH;
        let reset = end == End::NeverAccepted || socket.has_unread();
        let peer = socket.peer.take();
        if end == End::Closed {
            self.names.give_back(&socket.name, socket.kind, id);
        }
        if let Some(peer) = peer {
            self.hang_up(base, id, peer, reset);
        }
        self.purge(base, id);
        self.release(id);
    }

    fn hang_up(&mut self, base: &mut Base, id: Key, peer: Key, reset: bool) {
        let other = &mut self.sockets[peer];
        if other.connects() {
            other.shut = Shut::BOTH;
            if reset {
                other.error = Some(Errno::ECONNRESET);
            }
            self.notify(base, peer);
        } else {
            self.associated.remove(&(peer, id));
        }
        self.release(peer);
    }
}

impl Socket {
    /// True if there is something its peer sent in vain. An empty message in front is not: Linux takes it for the mark an urgent byte
    /// left, even in a seqpacket's queue.
    fn has_unread(&self) -> bool {
        let empty = self.queue.front().is_some_and(|first| first.data.is_empty());
        self.queue.len() > usize::from(empty)
    }
}

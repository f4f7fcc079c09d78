//! Peers of datagram sockets: where messages without an address go, and from whom messages are taken.

use super::socket::Socket;
use super::{Unix, UnixKind};
use crate::base::{Base, Errno, Key};

impl Unix {
    /// True if `to` takes messages of `from`: it has no peer, or that one.
    pub(super) fn may_send(&self, from: Key, to: Key) -> bool {
        self.sockets[to].peer.is_none_or(|peer| peer == from)
    }

    /// `connect` of a datagram socket.
    pub(super) fn associate(&mut self, base: &mut Base, id: Key, other: Key) -> Result<(), Errno> {
        if !self.may_send(id, other) {
            return Err(Errno::EPERM);
        }
        self.set_peer(base, id, Some(other));
        // Its writability does not hang on our queue any more if we are its peer now.
        self.notify(base, other);
        Ok(())
    }

    /// `connect` to `AF_UNSPEC`: a datagram socket forgets its peer. `EINVAL` for the others.
    pub fn disconnect(&mut self, base: &mut Base, id: Key) -> Result<(), Errno> {
        if self.sockets[id].kind != UnixKind::Datagram {
            return Err(Errno::EINVAL);
        }
        self.set_peer(base, id, None);
        Ok(())
    }

    /// Changes the peer of a datagram socket. What the old peer had sent is lost, and if it was connected back to us it is told
    /// so by `ECONNRESET`.
    pub(super) fn set_peer(&mut self, base: &mut Base, id: Key, peer: Option<Key>) {
        let old = core::mem::replace(&mut self.sockets[id].peer, peer);
        if old == peer {
            return;
        }
        if let Some(new) = peer {
            self.associated.insert((new, id));
            self.retain(new);
        }
        if let Some(old) = old {
            self.associated.remove(&(old, id));
            self.lose_messages(base, id, old);
            self.release(old);
        }
        self.notify(base, id);
    }

    fn lose_messages(&mut self, base: &mut Base, id: Key, old: Key) {
        if self.sockets[id].queue.is_empty() {
            return;
        }
        self.purge(base, id);
        let left = &mut self.sockets[old];
        if !left.dead && left.peer == Some(id) {
            left.error = Some(Errno::ECONNRESET);
            self.notify(base, old);
        }
    }

    /// True if a message from `from` to `to` has to wait until older ones are read. The peer of `to` never waits for its queue, only for
    /// its own send buffer; so does one who sends to itself.
    pub(super) fn must_wait(&self, from: Key, to: Key) -> bool {
        let target: &Socket = &self.sockets[to];
        from != to && target.peer != Some(from) && target.is_full()
    }
}

//! Connections of streams and seqpackets: `listen`, `connect`, `accept`, `socketpair`.
//!
//! A connection is complete when `connect` returns: the other end, a socket without an owner, waits in the listener's queue and takes
//! data until somebody accepts it.

use super::socket::Socket;
use super::{Unix, UnixAddress, UnixKind, UnixState};
use crate::base::{Base, Errno, Key, SocketId, What};

impl Unix {
    /// Waits for connections; one more than `backlog` of them. Called again it changes the backlog.
    ///
    /// `EOPNOTSUPP` for datagram sockets; `EINVAL` if the socket has no name or is connected.
    pub fn listen(&mut self, base: &mut Base, id: Key, backlog: u32) -> Result<(), Errno> {
        let socket = &mut self.sockets[id];
        if !socket.connects() {
            return Err(Errno::EOPNOTSUPP);
        }
        if socket.name.is_unnamed() || socket.state == UnixState::Established {
            return Err(Errno::EINVAL);
        }
        let more = backlog > socket.backlog;
        socket.backlog = backlog;
        socket.state = UnixState::Listening;
        // Whoever connects will ask whose socket this is: it is the one who called `listen` that counts.
        socket.peer_credentials = socket.credentials;
        if more {
            self.wake_senders(base, id, false);
        }
        self.notify(base, id);
        Ok(())
    }

    /// Connects at once or fails. Of a datagram socket it sets the peer.
    ///
    /// In Linux's order: `EINVAL` for no address; `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE` (see [`Unix::bind`] for names);
    /// `ECONNREFUSED` if nobody listens; `EAGAIN` if the backlog is full (the socket is notified when trying again is worth
    /// it); `EISCONN`; `EINVAL` for a listener. For datagrams `EPERM` if the other one is connected to a third.
    pub fn connect(&mut self, base: &mut Base, id: Key, address: &UnixAddress) -> Result<(), Errno> {
        if address.is_unnamed() {
            return Err(Errno::EINVAL);
        }
        self.autobind_for_credentials(base, id)?;
        let other = self.find(id, address)?;
        if self.sockets[id].kind == UnixKind::Datagram {
            return self.associate(base, id, other);
        }
        let listener = &self.sockets[other];
        if listener.state != UnixState::Listening || listener.shut.receive() {
            return Err(Errno::ECONNREFUSED);
        }
        if listener.is_backlog_full() {
            self.wait_for(id, other);
            return Err(Errno::EAGAIN);
        }
        match self.sockets[id].state {
            UnixState::Closed => {}
            UnixState::Established => return Err(Errno::EISCONN),
            UnixState::Listening => return Err(Errno::EINVAL),
        }
        self.stop_waiting(id);
        self.join(base, id, other);
        Ok(())
    }

    /// Makes the listener's end of a connection from `id` and queues it.
    fn join(&mut self, base: &mut Base, id: Key, listener: Key) {
        let client_credentials = self.sockets[id].credentials;
        let host = &self.sockets[listener];
        let listener_credentials = host.peer_credentials;
        let mut end = Socket::new(None, host.kind, &self.config);
        end.name = host.name.clone();
        end.credentials = host.credentials;
        end.peer_credentials = client_credentials;
        end.options.pass_credentials = host.options.pass_credentials;
        end.options.pass_rights = host.options.pass_rights;
        let end = self.sockets.insert(end);
        self.tie(id, end);
        self.sockets[id].peer_credentials = listener_credentials;
        self.sockets[listener].pending.push_back(end);
        self.notify(base, id);
        self.notify(base, listener);
    }

    /// Makes two sockets each other's peers.
    fn tie(&mut self, a: Key, b: Key) {
        for (one, other) in [(a, b), (b, a)] {
            let socket = &mut self.sockets[one];
            socket.peer = Some(other);
            if socket.connects() {
                socket.state = UnixState::Established;
            } else {
                self.associated.insert((other, one));
            }
            self.retain(other);
        }
    }

    /// The oldest connection nobody accepted. It has no owner until [`Unix::adopt`].
    ///
    /// `EOPNOTSUPP` for datagram sockets; `EINVAL` if the socket does not listen; `EAGAIN` if there is none (also after
    /// reading was shut down, when a waiting call gives `EINVAL`; see [`Unix::is_read_shut`]).
    pub fn accept(&mut self, base: &mut Base, id: Key) -> Result<Key, Errno> {
        let socket = &mut self.sockets[id];
        if !socket.connects() {
            return Err(Errno::EOPNOTSUPP);
        }
        if socket.state != UnixState::Listening {
            return Err(Errno::EINVAL);
        }
        let accepted = socket.pending.pop_front().ok_or(Errno::EAGAIN)?;
        if socket.pending.is_empty() {
            socket.pending = alloc::collections::VecDeque::new();
        }
        self.wake_senders(base, id, false);
        Ok(accepted)
    }

    /// Gives an accepted connection to a socket.
    pub fn adopt(&mut self, base: &mut Base, id: Key, owner: SocketId) {
        self.sockets[id].owner = Some(owner);
        let peer = self.sockets[id].peer.and_then(|peer| self.sockets[peer].owner);
        let message = self.sockets[id].kind != UnixKind::Stream;
        base.emit(What::Handed { from: peer, to: Some(owner), offset: 0, len: 0, message });
    }

    /// `socketpair`: connects two fresh sockets of one kind with each other.
    ///
    /// # Panics
    /// If one of them has a peer or they are one: a bug of the caller, who has just opened them.
    pub fn pair(&mut self, a: Key, b: Key) {
        assert!(a != b && self.sockets[a].peer.is_none() && self.sockets[b].peer.is_none(), "two fresh sockets");
        self.tie(a, b);
        for id in [a, b] {
            let socket = &mut self.sockets[id];
            socket.paired = true;
            socket.peer_credentials = socket.credentials;
        }
    }
}

//! Settings: of all sockets of a stack, and of one.

use super::{Credentials, Unix, UnixConfig, UnixKind, UnixState};
use crate::base::{Base, Errno, Key};

/// Settings of one socket, written by `setsockopt`. After a change of `send_buffer` call [`Unix::options_changed`].
#[derive(Clone, Debug)]
pub struct UnixOptions {
    /// `SO_SNDBUF` as `getsockopt` gives it (twice what was set).
    pub send_buffer: u32,
    /// `SO_RCVBUF` as `getsockopt` gives it; without effect, as on Linux.
    pub receive_buffer: u32,
    /// `SO_PEEK_OFF`; negative: off.
    pub peek_offset: i32,
    /// `SO_PASSCRED`
    pub pass_credentials: bool,
    /// `SO_PASSRIGHTS` (Linux 6.16): whether messages with rights are taken.
    pub pass_rights: bool,
    /// `SO_OOBINLINE`
    pub oob_inline: bool,
}

impl UnixOptions {
    pub(super) const fn new(config: &UnixConfig) -> Self {
        Self {
            send_buffer: config.send_buffer,
            receive_buffer: config.receive_buffer,
            peek_offset: -1,
            pass_credentials: false,
            pass_rights: true,
            oob_inline: false,
        }
    }
}

impl Unix {
    /// The settings of a socket.
    pub fn options(&self, id: Key) -> &UnixOptions {
        &self.sockets[id].options
    }

    /// The settings of a socket, to be changed.
    pub fn options_mut(&mut self, id: Key) -> &mut UnixOptions {
        &mut self.sockets[id].options
    }

    /// There may be more room in the send buffer now.
    pub fn options_changed(&mut self, base: &mut Base, id: Key) {
        self.notify(base, id);
    }

    /// Its type.
    pub fn kind(&self, id: Key) -> UnixKind {
        self.sockets[id].kind
    }

    /// How far its connection is. Listening: `SO_ACCEPTCONN`.
    pub fn state(&self, id: Key) -> UnixState {
        self.sockets[id].state
    }

    /// Whose socket it is: all zero at first; an accepted one begins with its listener's.
    pub fn credentials(&self, id: Key) -> Credentials {
        self.sockets[id].credentials
    }

    /// Says whose socket it is: what it sends, connects and listens for from now on is that one's. Of a pair it also says
    /// whose the call was that made it.
    pub fn set_credentials(&mut self, id: Key, credentials: Credentials) {
        let socket = &mut self.sockets[id];
        socket.credentials = credentials;
        if socket.paired {
            socket.peer_credentials = credentials;
        }
    }

    /// `SO_PEERCRED`: who connected, who listened, or who made the pair; [`Credentials::NONE`] if nobody did.
    pub fn peer_credentials(&self, id: Key) -> Credentials {
        self.sockets[id].peer_credentials
    }

    /// `SO_ERROR`: the pending error, which is pending no more.
    pub fn take_error(&mut self, id: Key) -> Option<Errno> {
        self.sockets[id].error.take()
    }

    /// Makes an error pending (`SO_ERROR`).
    pub fn put_error(&mut self, id: Key, errno: Errno) {
        self.sockets[id].error = Some(errno);
    }
}

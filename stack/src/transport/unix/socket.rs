//! What is kept of one socket.

use alloc::collections::VecDeque;

use super::message::Message;
use super::{Credentials, UnixAddress, UnixConfig, UnixKind, UnixOptions, UnixShutdown, UnixState};
use crate::base::{Errno, Key, SocketId};

/// Which directions of a socket are shut down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shut(u8);

impl Shut {
    pub(super) const NONE: Self = Self(0);
    pub(super) const RECEIVE: Self = Self(1);
    pub(super) const SEND: Self = Self(2);
    pub(super) const BOTH: Self = Self(3);

    pub(super) const fn receive(self) -> bool {
        self.0 & Self::RECEIVE.0 != 0
    }

    pub(super) const fn send(self) -> bool {
        self.0 & Self::SEND.0 != 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// What the peer sees of it: our sending is its receiving.
    pub(super) const fn mirrored(self) -> Self {
        Self((self.0 & 1) << 1 | self.0 >> 1)
    }
}

impl From<UnixShutdown> for Shut {
    fn from(how: UnixShutdown) -> Self {
        match how {
            UnixShutdown::Read => Self::RECEIVE,
            UnixShutdown::Write => Self::SEND,
            UnixShutdown::Both => Self::BOTH,
        }
    }
}

/// One socket. A closed one (`dead`) stays as long as others hold `refs` to it: as their peer, or as the sender of messages
/// they have not read, which still show its name.
#[derive(Debug)]
pub(super) struct Socket {
    /// The socket whose readiness this changes; none until it is accepted and after it was closed.
    pub(super) owner: Option<SocketId>,
    pub(super) kind: UnixKind,
    pub(super) state: UnixState,
    pub(super) shut: Shut,
    /// The last handle is gone.
    pub(super) dead: bool,
    /// `socketpair` made it.
    pub(super) paired: bool,
    /// A message with [`Message::urgent`] set is in the queue.
    pub(super) urgent: bool,
    /// Peers and messages that name this socket.
    pub(super) refs: u32,
    /// Connections that may wait besides one (listeners), or messages (datagrams): Linux's `sk_max_ack_backlog`.
    pub(super) backlog: u32,
    pub(super) name: UnixAddress,
    /// The other end. Of a connection it stays after the other end was closed.
    pub(super) peer: Option<Key>,
    /// The listener or datagram socket at which this one waits for room.
    pub(super) waits_for: Option<Key>,
    pub(super) error: Option<Errno>,
    pub(super) credentials: Credentials,
    pub(super) peer_credentials: Credentials,
    pub(super) options: UnixOptions,
    /// Memory of messages this socket sent that were not read yet (Linux's `sk_wmem_alloc`).
    pub(super) sent: usize,
    /// What was sent to this socket and not read.
    pub(super) queue: VecDeque<Message>,
    /// Connections that nobody accepted yet (listeners).
    pub(super) pending: VecDeque<Key>,
    /// Bytes this socket has sent.
    pub(super) written: u64,
    /// Bytes that were put into its queue.
    pub(super) delivered: u64,
}

impl Socket {
    pub(super) fn new(owner: Option<SocketId>, kind: UnixKind, config: &UnixConfig) -> Self {
        Self {
            owner,
            kind,
            state: UnixState::Closed,
            shut: Shut::NONE,
            dead: false,
            paired: false,
            urgent: false,
            refs: 0,
            backlog: config.max_dgram_qlen,
            name: UnixAddress::Unnamed,
            peer: None,
            waits_for: None,
            error: None,
            credentials: Credentials::default(),
            peer_credentials: Credentials::NONE,
            options: UnixOptions::new(config),
            sent: 0,
            queue: VecDeque::new(),
            pending: VecDeque::new(),
            written: 0,
            delivered: 0,
        }
    }

    /// True for sockets that make connections.
    pub(super) fn connects(&self) -> bool {
        self.kind != UnixKind::Datagram
    }

    /// True if as many messages wait as a sender that is not the peer may pile up (Linux's `unix_recvq_full`).
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() > self.backlog as usize
    }

    /// True if as many connections wait as the backlog lets.
    pub(super) fn is_backlog_full(&self) -> bool {
        self.pending.len() > self.backlog as usize
    }

    /// True if sent memory leaves room enough to say so (Linux's `unix_writable`: three quarters free; one byte stands for
    /// the socket itself).
    pub(super) fn is_writable(&self) -> bool {
        self.state != UnixState::Listening && (self.sent + 1).saturating_mul(4) <= self.options.send_buffer as usize
    }

    /// Takes the pending error, as every call does that reports it.
    pub(super) fn check_error(&mut self) -> Result<(), Errno> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Moves `SO_PEEK_OFF` on after a peek.
    pub(super) fn peeked(&mut self, count: usize) {
        self.move_peek_offset(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Moves `SO_PEEK_OFF` back after a read.
    pub(super) fn unpeeked(&mut self, count: usize) {
        self.move_peek_offset(i64::try_from(count).map_or(i64::MIN, |count| -count));
    }

    fn move_peek_offset(&mut self, by: i64) {
        let offset = &mut self.options.peek_offset;
        if *offset >= 0 {
            *offset = i64::from(*offset).saturating_add(by).clamp(0, i64::from(i32::MAX)) as i32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_end_shuts_the_other_sees_mirrored() {
        assert_eq!(Shut::RECEIVE.mirrored(), Shut::SEND);
        assert_eq!(Shut::SEND.mirrored(), Shut::RECEIVE);
        assert_eq!(Shut::BOTH.mirrored(), Shut::BOTH);
    }

    #[test]
    fn an_idle_socket_is_small() {
        assert!(size_of::<Socket>() <= 320, "{}", size_of::<Socket>());
    }
}

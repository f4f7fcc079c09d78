//! AF_UNIX: stream, datagram and seqpacket sockets between the programs of one host, in memory and deterministic.
//!
//! Linux 6.x is the reference for every errno, readiness bit and number; `tests/unix_parity.rs` runs the same calls on the
//! kernel's sockets and on these. What the kernel leaves to chance or to a file system is simpler here: paths live in one flat
//! namespace of byte strings, and no call waits.
//!
//! ```text
//!   send ──copy──> Message ──> queue of the receiver ──copy──> receive
//!                  charged to the sender's send buffer and the stack's budget until it is read
//! ```
//!
//! # Invariants
//!
//! * `sent` of a socket is the sum of the charges of its messages in all queues; the budget holds the sum over all sockets, and the
//!   paths.
//! * `refs` of a socket counts the sockets whose `peer` it is and the messages it sent that wait in queues. A closed socket's record
//!   stays until that is 0: readers still see its name.
//! * `associated` has (peer, socket) for every datagram socket with a peer; `waiting` has (target, socket) for every socket
//!   with `waits_for`.
//! * A right is in one queue, or in the hands of the caller, or among the dropped ones.

mod accounting;
mod address;
mod association;
mod binding;
mod closing;
mod connection;
mod credentials;
mod delivery;
mod garbage;
mod message;
mod names;
mod options;
mod readiness;
mod reading;
mod receiving;
mod rights;
mod sending;
mod socket;
#[cfg(test)]
mod tests;
mod urgent;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

pub use address::{SUN_PATH, UnixAddress};
pub use credentials::Credentials;
pub use options::UnixOptions;
pub use rights::{Right, SCM_MAX_FD};

use crate::base::{Entropy, Key, MsgFlags, Slab, SocketId};
use names::Names;
use rights::Rights;
use socket::Socket;

/// The type of a socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UnixKind {
    /// `SOCK_STREAM`: bytes, connections.
    Stream,
    /// `SOCK_DGRAM`: messages, reliable and in order, no connections.
    Datagram,
    /// `SOCK_SEQPACKET`: messages, connections.
    SeqPacket,
}

/// How far a connection is; datagram sockets stay [`UnixState::Closed`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UnixState {
    /// Fresh or bound.
    #[default]
    Closed,
    /// `listen` was called.
    Listening,
    /// Connected, also when the peer has gone.
    Established,
}

/// Which direction a shutdown ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnixShutdown {
    /// `SHUT_RD`
    Read,
    /// `SHUT_WR`
    Write,
    /// `SHUT_RDWR`
    Both,
}

/// Settings for all AF_UNIX sockets of a stack.
#[derive(Clone, Debug)]
pub struct UnixConfig {
    /// `net.unix.max_dgram_qlen`: messages that wait at a datagram socket besides one, before senders it is not connected to
    /// must wait.
    pub max_dgram_qlen: u32,
    /// `net.core.wmem_default`: `SO_SNDBUF` of new sockets, in bytes as `getsockopt` gives it.
    pub send_buffer: u32,
    /// `net.core.rmem_default`: `SO_RCVBUF` of new sockets.
    pub receive_buffer: u32,
    /// Rights in flight in the whole stack before `ETOOMANYREFS`. (Linux counts for each user, against `RLIMIT_NOFILE`.)
    pub max_in_flight: usize,
}

impl Default for UnixConfig {
    /// Linux's defaults.
    fn default() -> Self {
        Self { max_dgram_qlen: 10, send_buffer: 212_992, receive_buffer: 212_992, max_in_flight: 1024 }
    }
}

/// Ancillary data of a send call.
#[derive(Clone, Debug, Default)]
pub struct UnixControl {
    /// `SCM_RIGHTS`: given away by the call, whatever it answers.
    pub rights: Vec<Right>,
    /// `SCM_CREDENTIALS`: what the sender says of itself; `EPERM` if it is not true and the sender is not user 0.
    pub credentials: Option<Credentials>,
}

/// What a receive call gives besides the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnixReceived {
    /// Bytes copied. 0 from a stream (with room given): its end.
    pub count: usize,
    /// Bytes the message had (behind `SO_PEEK_OFF`); more than `count` if it was cut (`MSG_TRUNC` as a flag of the call
    /// asks for this number). The same as `count` for streams.
    pub length: usize,
    /// `MSG_TRUNC`, `MSG_OOB`
    pub flags: MsgFlags,
    /// The sender's address as it is now; unnamed at the end of the stream.
    pub from: UnixAddress,
    /// `SCM_CREDENTIALS`, if the receiver has `SO_PASSCRED`.
    pub credentials: Option<Credentials>,
    /// `SCM_RIGHTS`: now the caller's. After `MSG_PEEK` they are further references to what stays in the queue: the caller
    /// counts them up.
    pub rights: Vec<Right>,
}

/// All AF_UNIX sockets of a host and their names.
///
/// Calls take the key of a living socket; a key of a closed one is a bug of the caller and panics.
#[derive(Debug)]
pub struct Unix {
    config: UnixConfig,
    sockets: Slab<Socket>,
    names: Names,
    rights: Rights,
    /// (peer, socket) of datagram sockets: whose writability hangs on whose queue.
    associated: BTreeSet<(Key, Key)>,
    /// (target, socket): who was told to wait by whom.
    waiting: BTreeSet<(Key, Key)>,
}

impl Unix {
    /// No sockets and no names.
    pub fn new(entropy: &Entropy, config: UnixConfig) -> Self {
        Self {
            sockets: Slab::new(),
            names: Names::new(entropy),
            rights: Rights::new(config.max_in_flight),
            associated: BTreeSet::new(),
            waiting: BTreeSet::new(),
            config,
        }
    }

    /// Settings for all sockets.
    pub fn config(&self) -> &UnixConfig {
        &self.config
    }

    /// A fresh socket.
    pub fn open(&mut self, owner: SocketId, kind: UnixKind) -> Key {
        self.sockets.insert(Socket::new(Some(owner), kind, &self.config))
    }

    /// True if there is a right whose message was dropped.
    pub fn has_dropped_rights(&self) -> bool {
        self.rights.has_dropped()
    }

    /// The next right whose message was dropped: the caller gives the reference up (which may close a socket and drop more).
    pub fn dropped_right(&mut self) -> Option<Right> {
        self.rights.next_dropped()
    }

    /// Keys of all sockets that were not closed, those nobody accepted yet included, for listings.
    pub fn keys(&self) -> Vec<Key> {
        self.sockets.iter().filter(|(_, socket)| !socket.dead).map(|(key, _)| key).collect()
    }
}

//! AF_UNIX: stream, datagram and seqpacket sockets between the programs of one host, deterministic and in memory.
//!
//! Linux 6.x is the reference for every errno, readiness bit and number.
mod address;
mod credentials;
mod rights;

use alloc::vec::Vec;

pub use address::{SUN_PATH, UnixAddress};
pub use credentials::Credentials;
pub use rights::{Right, SCM_MAX_FD};

use super::tcp::Stream;
use crate::base::{Base, Entropy, Errno, Key, MsgFlags, Ready, SocketId};

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
    /// `net.unix.max_dgram_qlen`: messages that wait at a datagram socket before senders it did not connect to must wait.
    pub max_dgram_qlen: u32,
    /// `net.core.wmem_default`: `SO_SNDBUF` of new sockets, in bytes as `getsockopt` gives it.
    pub send_buffer: u32,
    /// `net.core.rmem_default`: `SO_RCVBUF` of new sockets; AF_UNIX keeps it and does nothing with it.
    pub receive_buffer: u32,
    /// Rights in flight in the whole stack before `ETOOMANYREFS` (Linux: `RLIMIT_NOFILE` a user).
    pub max_in_flight: usize,
}

/// Settings of one socket, written by `setsockopt`. After a change of `send_buffer` call [`Unix::options_changed`].
#[derive(Clone, Debug)]
pub struct UnixOptions {
    /// `SO_SNDBUF` as `getsockopt` gives it (twice what was set).
    pub send_buffer: u32,
    /// `SO_RCVBUF` as `getsockopt` gives it.
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
#[derive(Debug)]
pub struct Unix {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Unix {
    // CONTRACT for the socket layer. Unix-specific errnos, in Linux's order of tests, come from here; `receive` and `send` are the
    // whole of recvmsg and sendmsg after the caller's arguments were decoded (peeking, SO_PEEK_OFF, MSG_OOB, pending errors, shutdown).
    pub fn new(entropy: &Entropy, config: UnixConfig) -> Self {
        todo!()
    }
    pub fn open(&mut self, owner: SocketId, kind: UnixKind) -> Key {
        todo!()
    }
    /// Whose socket it is (all zero at first; an accepted socket begins with its listener's).
    pub fn credentials(&self, id: Key) -> Credentials {
        todo!()
    }
    pub fn set_credentials(&mut self, id: Key, credentials: Credentials) {
        todo!()
    }
    pub fn options(&self, id: Key) -> &UnixOptions {
        todo!()
    }
    pub fn options_mut(&mut self, id: Key) -> &mut UnixOptions {
        todo!()
    }
    pub fn options_changed(&mut self, base: &mut Base, id: Key) {
        todo!()
    }
    pub fn kind(&self, id: Key) -> UnixKind {
        todo!()
    }
    /// Listening: `SO_ACCEPTCONN`.
    pub fn state(&self, id: Key) -> UnixState {
        todo!()
    }
    /// `EINVAL` (has a name), `EADDRINUSE`, `ENOMEM`. Unnamed: autobind, also for a socket that has a name (which it keeps).
    pub fn bind(&mut self, base: &mut Base, id: Key, address: &UnixAddress) -> Result<(), Errno> {
        todo!()
    }
    /// Frees a path. `ENOENT`. The socket bound to it lives on but cannot be found.
    pub fn unlink(&mut self, base: &mut Base, path: &[u8]) -> Result<(), Errno> {
        todo!()
    }
    /// `EOPNOTSUPP` (datagram), `EINVAL` (no name, or connected). One more than `backlog` connections wait.
    pub fn listen(&mut self, base: &mut Base, id: Key, backlog: u32) -> Result<(), Errno> {
        todo!()
    }
    /// Connects at once or fails: `EINVAL`, `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE`, `EAGAIN` (backlog full; the socket is notified when
    /// trying again is worth it), `EISCONN`, and for datagrams `EPERM`.
    pub fn connect(&mut self, base: &mut Base, id: Key, address: &UnixAddress) -> Result<(), Errno> {
        todo!()
    }
    /// `connect` to `AF_UNSPEC`: `EINVAL` but for datagrams.
    pub fn disconnect(&mut self, base: &mut Base, id: Key) -> Result<(), Errno> {
        todo!()
    }
    /// `EOPNOTSUPP`, `EINVAL` (not listening), `EAGAIN`. It has no owner until [`Unix::adopt`].
    pub fn accept(&mut self, base: &mut Base, id: Key) -> Result<Key, Errno> {
        todo!()
    }
    pub fn adopt(&mut self, id: Key, owner: SocketId) {
        todo!()
    }
    /// `socketpair`: two fresh sockets of one kind.
    pub fn pair(&mut self, a: Key, b: Key) {
        todo!()
    }
    pub fn stream(&self, id: Key) -> Stream {
        todo!()
    }
    /// `sendmsg` for every kind. Bytes taken; streams may take a part.
    pub fn send(
        &mut self,
        base: &mut Base,
        id: Key,
        data: &[&[u8]],
        to: Option<&UnixAddress>,
        flags: MsgFlags,
        control: UnixControl,
    ) -> Result<usize, Errno> {
        todo!()
    }
    /// `recvmsg` for every kind. A stream gives `EAGAIN` and takes nothing if it has fewer than `target` bytes and neither a boundary, its
    /// end nor an error comes before them: 1 for Linux's non-blocking calls; `SO_RCVLOWAT`, or all with `MSG_WAITALL`, for those who wait.
    pub fn receive(
        &mut self,
        base: &mut Base,
        id: Key,
        into: &mut [&mut [u8]],
        flags: MsgFlags,
        target: usize,
    ) -> Result<UnixReceived, Errno> {
        todo!()
    }
    /// Exactly Linux's `unix_poll` and `unix_dgram_poll`.
    pub fn readiness(&self, id: Key) -> Ready {
        todo!()
    }
    pub fn shutdown(&mut self, base: &mut Base, id: Key, how: UnixShutdown) {
        todo!()
    }
    /// True if reading was shut down by either side: where a waiting receive call of a datagram socket gives 0 instead of waiting on
    /// (a non-blocking one gives `EAGAIN` on Linux).
    pub fn is_read_shut(&self, id: Key) -> bool {
        todo!()
    }
    /// The last handle is gone, and with it the key.
    pub fn close(&mut self, base: &mut Base, id: Key) {
        todo!()
    }
    pub fn local_address(&self, id: Key) -> UnixAddress {
        todo!()
    }
    /// `ENOTCONN`
    pub fn peer_address(&self, id: Key) -> Result<UnixAddress, Errno> {
        todo!()
    }
    /// `SO_PEERCRED`
    pub fn peer_credentials(&self, id: Key) -> Credentials {
        todo!()
    }
    /// `SO_ERROR`
    pub fn take_error(&mut self, id: Key) -> Option<Errno> {
        todo!()
    }
    /// `SIOCINQ`: `EINVAL` for a listener.
    pub fn input_queue(&self, id: Key) -> Result<usize, Errno> {
        todo!()
    }
    /// `SIOCOUTQ`: memory of what was sent and not yet read, as Linux counts it.
    pub fn output_queue(&self, id: Key) -> usize {
        todo!()
    }
    /// `SIOCATMARK`
    pub fn at_mark(&self, id: Key) -> bool {
        todo!()
    }
    /// The next right whose message was dropped: the caller gives the reference up (which may close a socket and drop more).
    pub fn dropped_right(&mut self) -> Option<Right> {
        todo!()
    }
    /// True if sockets may be in flight only in each other's queues: [`Unix::collect`] is worth calling (after a close).
    pub fn wants_collection(&self) -> bool {
        todo!()
    }
    /// Drops the queues of sockets that nobody can reach any more; their rights come out of [`Unix::dropped_right`].
    /// `references` tells how many references a socket has, those of rights in queues included.
    pub fn collect(&mut self, base: &mut Base, references: impl Fn(SocketId) -> usize) {
        todo!()
    }
    /// Keys of all sockets, for listings.
    pub fn keys(&self) -> Vec<Key> {
        todo!()
    }
}

//! Raw sockets: packets of one IP protocol, past the transports.

use alloc::vec::Vec;

use crate::base::{Errno, Key, MsgFlags, Ready, Rope, SockAddr, SocketId, Version};
use crate::network::{Network, Packet, TransportError};
use crate::transport::datagram::{Datagram, DatagramOptions, MembershipChange, QueuedError, SendControl};
use crate::transport::inet::{Inet, Shutdown};

/// All raw sockets of a host.
#[derive(Debug)]
pub struct Raw {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Raw {
    // CONTRACT for the socket layer and the engine.
    pub fn new() -> Self {
        todo!()
    }
    /// A socket of a family, not bound.
    pub fn open(&mut self, owner: SocketId, version: Version, protocol: u8) -> Key {
        todo!()
    }
    pub fn inet(&self, id: Key) -> &Inet {
        todo!()
    }
    /// After a change of what bindings depend on (reuse, `v6only`, link) call [`Raw::options_changed`].
    pub fn inet_mut(&mut self, id: Key) -> &mut Inet {
        todo!()
    }
    pub fn options(&self, id: Key) -> &DatagramOptions {
        todo!()
    }
    pub fn options_mut(&mut self, id: Key) -> &mut DatagramOptions {
        todo!()
    }
    /// Makes changed options of [`Inet`] and [`DatagramOptions`] take effect: bindings follow, a cork that was pulled sends.
    pub fn options_changed(&mut self, net: &mut Network, id: Key) -> Result<(), Errno> {
        todo!()
    }
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` (bound already), `ENODEV`.
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        todo!()
    }
    /// Fixes the other end; `None` (`AF_UNSPEC`) dissolves that. `ENETUNREACH`, `EACCES` (broadcast), `EAGAIN` (no port left).
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: Option<SockAddr>) -> Result<(), Errno> {
        todo!()
    }
    /// Sends one datagram (copies `data`). A pending `SO_ERROR` is the socket layer's to report first.
    pub fn send(
        &mut self,
        net: &mut Network,
        id: Key,
        data: &[&[u8]],
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        todo!()
    }
    /// The same with payload that is not copied.
    pub fn send_bytes(
        &mut self,
        net: &mut Network,
        id: Key,
        data: Rope,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        todo!()
    }
    /// The oldest datagram, not taken.
    pub fn front(&self, id: Key) -> Option<&Datagram> {
        todo!()
    }
    /// Takes the oldest datagram.
    pub fn pop(&mut self, net: &mut Network, id: Key) -> Option<Datagram> {
        todo!()
    }
    /// Bytes of payload that wait (all datagrams).
    pub fn queued(&self, id: Key) -> usize {
        todo!()
    }
    /// The oldest entry of the error queue (`MSG_ERRQUEUE`), taken. `SO_ERROR` becomes the next entry's, as in Linux.
    pub fn pop_error(&mut self, net: &mut Network, id: Key) -> Option<QueuedError> {
        todo!()
    }
    /// `IN OUT ERR HUP RDHUP` as `datagram_poll` gives them.
    pub fn readiness(&self, id: Key) -> Ready {
        todo!()
    }
    /// True after `shutdown` of reading: a read gives 0 when nothing is queued.
    pub fn read_shut(&self, id: Key) -> bool {
        todo!()
    }
    /// `ENOTCONN` if not connected, but it takes effect all the same, as in Linux.
    pub fn shutdown(&mut self, net: &mut Network, id: Key, how: Shutdown) -> Result<(), Errno> {
        todo!()
    }
    /// The last handle is gone: the socket and what is queued go.
    pub fn close(&mut self, net: &mut Network, id: Key) {
        todo!()
    }
    /// `IP_ADD_MEMBERSHIP` and kin: joins, leaves, admits or blocks a source. `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOBUFS`, `ENODEV`, `EINVAL`.
    pub fn membership(&mut self, net: &mut Network, id: Key, change: &MembershipChange) -> Result<(), Errno> {
        todo!()
    }
    /// An ICMP error for a packet of this protocol.
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        todo!()
    }
    /// Keys of all sockets, for listings.
    pub fn keys(&self) -> Vec<Key> {
        todo!()
    }
    /// The protocol the socket was opened for.
    pub fn protocol(&self, id: Key) -> u8 {
        todo!()
    }
    /// Gives a copy (payload shared) to every socket that wants `packet`; true if there was one of its protocol.
    pub fn receive(&mut self, net: &mut Network, packet: &Packet) -> bool {
        todo!()
    }
}

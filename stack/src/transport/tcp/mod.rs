//! TCP (RFC 9293).
mod chunk_queue;
pub mod congestion;
pub mod header;
pub mod options;
pub mod out_of_order;
pub mod receive_queue;
pub mod round_trip;
pub mod scoreboard;
pub mod send_queue;
pub mod seq;

use bytes::Bytes;

use crate::base::{Duration, Entropy, Errno, Key, MsgFlags, Ready, SockAddr, SocketId, TcpState, Timer, Version};
use crate::network::{Network, Packet, TransportError};
use crate::transport::inet::Inet;
pub use options::{TcpConfig, TcpInfo, TcpOptions};

/// What the socket layer must know of a stream before it reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stream {
    /// Bytes that can be read now.
    pub readable: usize,
    /// Behind them the stream ends: the peer sent FIN.
    pub end: bool,
    /// Bytes until the urgent mark, if one is ahead (or at the front: 0) and the urgent byte is kept out of band:
    /// a read must not go past it (`SIOCATMARK`).
    pub mark: Option<usize>,
    /// Bytes that may be written now.
    pub room: usize,
    /// How many bytes were read since the connection began, modulo 2^64: the offset of the next one.
    pub read_offset: u64,
    /// How many bytes were written since the connection began.
    pub write_offset: u64,
}

/// All TCP connections and listeners of a host.
#[derive(Debug)]
pub struct Tcp {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Tcp {
    // CONTRACT for the socket layer. Mechanics only: which errno a call gives in which state is decided in `socket/`.
    pub fn new(entropy: &Entropy, config: TcpConfig) -> Self {
        todo!()
    }
    pub fn config(&self) -> &TcpConfig {
        todo!()
    }
    pub fn open(&mut self, owner: SocketId, version: Version) -> Key {
        todo!()
    }
    pub fn inet(&self, id: Key) -> &Inet {
        todo!()
    }
    pub fn inet_mut(&mut self, id: Key) -> &mut Inet {
        todo!()
    }
    /// Settings of the connection (`TCP_*`, `SO_KEEPALIVE`, buffer limits ...). After a change call [`Tcp::options_changed`].
    pub fn options(&self, id: Key) -> &TcpOptions {
        todo!()
    }
    pub fn options_mut(&mut self, id: Key) -> &mut TcpOptions {
        todo!()
    }
    /// Uncorks, restarts keepalive, sends what Nagle held, according to the options as they are now.
    pub fn options_changed(&mut self, net: &mut Network, id: Key) {
        todo!()
    }
    pub fn state(&self, id: Key) -> TcpState {
        todo!()
    }
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` (already bound).
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        todo!()
    }
    /// Starts to listen, or changes the backlog. Binds to an ephemeral port if not bound.
    pub fn listen(&mut self, net: &mut Network, id: Key, backlog: u32) -> Result<(), Errno> {
        todo!()
    }
    /// Sends the SYN. `EADDRNOTAVAIL`, `ENETUNREACH` and their kin.
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: SockAddr) -> Result<(), Errno> {
        todo!()
    }
    /// A connection of the accept queue; it has no owner until [`Tcp::adopt`].
    pub fn accept(&mut self, id: Key) -> Option<Key> {
        todo!()
    }
    pub fn adopt(&mut self, id: Key, owner: SocketId) {
        todo!()
    }
    pub fn stream(&self, id: Key) -> Stream {
        todo!()
    }
    /// Copies readable bytes after `skip` without taking them.
    pub fn peek(&self, id: Key, skip: usize, into: &mut [u8]) -> usize {
        todo!()
    }
    /// Takes `count` readable bytes away; opens the window when that is worth telling.
    pub fn consume(&mut self, net: &mut Network, id: Key, count: usize) {
        todo!()
    }
    /// Takes the first chunk of what is readable (zero copy).
    pub fn take(&mut self, net: &mut Network, id: Key, max: usize) -> Option<Bytes> {
        todo!()
    }
    /// The urgent byte, if it is kept out of band: `EINVAL` if there is none, `EAGAIN` if it was announced but is not here.
    pub fn urgent(&mut self, id: Key, peek: bool) -> Result<u8, Errno> {
        todo!()
    }
    /// Appends to the stream as much as there is room for and sends what may be sent. `MsgFlags::OOB` and `MORE` count.
    pub fn write(&mut self, net: &mut Network, id: Key, data: &[&[u8]], flags: MsgFlags) -> usize {
        todo!()
    }
    /// The same with a chunk that is not copied; takes all of it if there is any room.
    pub fn write_bytes(&mut self, net: &mut Network, id: Key, chunk: Bytes, flags: MsgFlags) -> usize {
        todo!()
    }
    pub fn shutdown_write(&mut self, net: &mut Network, id: Key) {
        todo!()
    }
    pub fn shutdown_read(&mut self, net: &mut Network, id: Key) {
        todo!()
    }
    /// The last handle is gone. The connection goes on by itself until it is closed in order; with unread data, or with `linger`
    /// of zero, it is reset (RFC 9293 §3.6.1, RFC 1122 §4.2.2.13).
    pub fn close(&mut self, net: &mut Network, id: Key, linger: Option<Duration>) {
        todo!()
    }
    /// `connect` to `AF_UNSPEC`: resets the connection; the socket is fresh again.
    pub fn disconnect(&mut self, net: &mut Network, id: Key) {
        todo!()
    }
    pub fn readiness(&self, id: Key) -> Ready {
        todo!()
    }
    pub fn info(&self, id: Key) -> TcpInfo {
        todo!()
    }
    pub fn receive(&mut self, net: &mut Network, packet: Packet) {
        todo!()
    }
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        todo!()
    }
    pub fn timer(&mut self, net: &mut Network, timer: Timer) {
        todo!()
    }
    /// Links have room again: goes on with connections that had to stop.
    pub fn links_drained(&mut self, net: &mut Network) {
        todo!()
    }
    /// Keys of all connections, for listings.
    pub fn keys(&self) -> alloc::vec::Vec<Key> {
        todo!()
    }
}

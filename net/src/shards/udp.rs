//! A datagram socket on all shards.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use loggia_stack::base::MsgFlags;

use super::Shards;
use super::any::when_any;
use super::parts::Parts;
use crate::blocking::Blocking;
use crate::lookup::{ToAddrs, first};
use crate::net;
use crate::socket::{READ, recvfrom, sock_addr};

/// Receives datagrams on all shards: each comes to the shard that its two ends belong to, and one that is sent leaves by it.
#[derive(Debug)]
pub struct UdpSocket {
    shards: Shards,
    parts: Parts<net::UdpSocket>,
    port: u16,
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had on all shards. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(shards: &Shards, addr: impl ToAddrs) -> io::Result<Self> {
        let addrs = addr.to_addrs(&shards.hosts()[0])?;
        let parts = Parts::bind(shards, addrs, net::UdpSocket::bind_on, net::UdpSocket::local_addr)?;
        let port = parts[0].local_addr()?.port();
        Ok(Self { shards: shards.clone(), parts, port })
    }

    /// Its sockets, one on each shard, for threads or tasks that serve one shard each, and for options.
    pub fn parts(&self) -> &[net::UdpSocket] {
        &self.parts
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.parts[0].local_addr()
    }

    /// Whether receiving gives [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting, and sending; the parts likewise.
    pub fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        self.parts.iter().try_for_each(|part| part.set_nonblocking(on))
    }

    /// Longest a receive waits (`SO_RCVTIMEO`), also of the parts; then it gives [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.parts.iter().try_for_each(|part| part.set_read_timeout(timeout))
    }

    /// Longest a receive waits.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.parts[0].read_timeout()
    }

    /// The socket whose shard has the flow to this end: what it sends is answered there.
    pub fn part_for(&self, to: SocketAddr) -> &net::UdpSocket {
        &self.parts[self.shards.of_datagram(self.port, to)]
    }

    /// Sends a datagram to the first of the addresses. `EMSGSIZE`, `ENETUNREACH`, `EACCES` (broadcast)
    pub fn send_to(&self, buf: &[u8], addr: impl ToAddrs) -> io::Result<usize> {
        let to = first(addr.to_addrs(&self.shards.hosts()[0])?, Ok)?;
        self.part_for(to).send_to(buf, to)
    }

    /// Waits for the next datagram on any shard; says whom it is from. Shards that have some take turns. Whether it waits at all, and for
    /// how long, the first of its [parts](Self::parts) says: `EAGAIN`
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (_, (len, from)) = self.when_any(|stack, _, id| recvfrom(stack, id, buf, MsgFlags::NONE))?;
        Ok((len, sock_addr(&from)?))
    }

    /// Waits for the next datagram and gives it without copying it, `most` bytes of it at most.
    pub fn recv_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.when_any(|stack, _, id| stack.recv_bytes(id, most)).map(|(_, bytes)| bytes)
    }

    fn when_any<T>(
        &self,
        work: impl FnMut(&mut loggia_stack::Stack, &mut crate::Waiters, loggia_stack::SocketId) -> Result<T, loggia_stack::Errno>,
    ) -> io::Result<(usize, T)> {
        let sockets: Vec<&Blocking> = self.parts.iter().map(|part| &part.blocking).collect();
        when_any(&sockets, self.parts.next(), READ, work)
    }
}

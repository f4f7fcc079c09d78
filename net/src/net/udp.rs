//! UDP.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SOCK_DGRAM;

use super::stream::{socket_methods, timeout_methods};
use crate::blocking::Blocking;
use crate::host::Host;
use crate::lookup::{ToAddrs, first};
use crate::options::{buffer_options, ip_options, udp_options};
use crate::socket::{address, family, sock_addr};

/// As [`std::net::UdpSocket`], on a host. What of a datagram does not fit is lost.
#[derive(Debug)]
pub struct UdpSocket {
    pub(crate) blocking: Blocking,
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(addr.to_addrs(host)?, |addr| {
            let blocking = Blocking::open(host, family(&addr), SOCK_DGRAM)?;
            blocking.socket().bind(&address(addr))?;
            Ok(Self { blocking })
        })
    }

    socket_methods!();
    timeout_methods!();
    ip_options!();
    udp_options!();
    buffer_options!();

    /// Names the other end: sends go there, and only what comes from there is received. `ENETUNREACH`
    pub fn connect(&self, addr: impl ToAddrs) -> io::Result<()> {
        let socket = self.socket();
        first(addr.to_addrs(&socket.host)?, |addr| socket.call(|stack, id| stack.connect(id, &address(addr))))
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// Sends a datagram to the connected end. `EDESTADDRREQ`, `EMSGSIZE`, `ECONNREFUSED` (of an earlier one)
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.blocking.send(buf, None)
    }

    /// Sends a datagram to the first of the addresses. `EMSGSIZE`, `ENETUNREACH`, `EACCES` (broadcast)
    pub fn send_to(&self, buf: &[u8], addr: impl ToAddrs) -> io::Result<usize> {
        let to = first(addr.to_addrs(&self.socket().host)?, Ok)?;
        self.blocking.send(buf, Some(&address(to)))
    }

    /// Waits for the next datagram.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::NONE)
    }

    /// Waits for the next datagram; says whom it is from.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::NONE)?;
        Ok((len, sock_addr(&from)?))
    }

    /// Waits for the next datagram and gives it without copying it, `most` bytes of it at most.
    pub fn recv_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.blocking.reading(|stack, id| stack.recv_bytes(id, most))
    }

    /// Waits for the next datagram, which stays.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }

    /// Waits for the next datagram, which stays; says whom it is from.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::PEEK)?;
        Ok((len, sock_addr(&from)?))
    }
}

//! Unix datagrams.

use std::io;
use std::net::Shutdown;
use std::path::Path;

use loggia_stack::base::MsgFlags;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_DGRAM};

use super::stream::{socket_methods, timeout_methods};
use crate::blocking::Blocking;
use crate::host::Host;
use crate::options::buffer_options;
use crate::socket::shown_by_ends;
use crate::unix::{self, SocketAddr};

/// As [`std::os::unix::net::UnixDatagram`], on a host: all ends are on the same. What of a datagram does not fit is lost.
pub struct UnixDatagram {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(UnixDatagram, blocking.socket());

impl UnixDatagram {
    /// Receives at a path, or at an abstract name if it begins with a NUL. `EADDRINUSE`, `EINVAL`
    pub fn bind_on(host: &Host, path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_to(host, &unix::address(path.as_ref())?)
    }

    /// As [`UnixDatagram::bind_on`], at an address.
    pub fn bind_addr_on(host: &Host, addr: &SocketAddr) -> io::Result<Self> {
        Self::bind_to(host, &addr.address())
    }

    fn bind_to(host: &Host, address: &Address) -> io::Result<Self> {
        let socket = Self::unbound_on(host)?;
        socket.socket().bind(address)?;
        Ok(socket)
    }

    /// Without a name: nobody can answer.
    pub fn unbound_on(host: &Host) -> io::Result<Self> {
        Ok(Self { blocking: Blocking::open(host, AF_UNIX, SOCK_DGRAM)? })
    }

    /// Two that are connected to each other.
    pub fn pair_on(host: &Host) -> io::Result<(Self, Self)> {
        let (one, other) = Blocking::pair(host, AF_UNIX, SOCK_DGRAM)?;
        Ok((Self { blocking: one }, Self { blocking: other }))
    }

    /// Names the other end. `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE`
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.blocking.connect(&unix::address(path.as_ref())?, None)
    }

    /// As [`UnixDatagram::connect`], at an address.
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.blocking.connect(&addr.address(), None)
    }

    socket_methods!();
    timeout_methods!();
    buffer_options!();

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(self.socket())
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix::peer_addr(self.socket())
    }

    /// Sends a datagram to the connected end; waits while its queue is full. `ENOTCONN`, `EMSGSIZE`, `ECONNREFUSED`
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.blocking.send(buf, None)
    }

    /// Sends a datagram to a path. `ENOENT`, `ECONNREFUSED`, `EMSGSIZE`
    pub fn send_to(&self, buf: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.blocking.send(buf, Some(&unix::address(path.as_ref())?))
    }

    /// As [`UnixDatagram::send_to`], to an address.
    pub fn send_to_addr(&self, buf: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        self.blocking.send(buf, Some(&addr.address()))
    }

    /// Waits for the next datagram.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::NONE)
    }

    /// Waits for the next datagram; says whom it is from.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::NONE)?;
        Ok((len, SocketAddr::new(from)))
    }

    /// Waits for the next datagram, which stays.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }

    /// Waits for the next datagram, which stays; says whom it is from.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::PEEK)?;
        Ok((len, SocketAddr::new(from)))
    }

    /// Ends reading, writing or both. `ENOTCONN`
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.blocking.shutdown(how)
    }
}

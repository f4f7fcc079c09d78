//! A TCP connection.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SOCK_STREAM;

use super::stream::{read_and_write, socket_methods, timeout_methods};
use crate::blocking::Blocking;
use crate::connecting::race;
use crate::host::Host;
use crate::info::TcpInfo;
use crate::lookup::{Asked, ToAddrs, first, with_port};
use crate::options::{buffer_options, ip_options, tcp_options};
use crate::socket::{address, family, shown_by_ends};
use crate::waiting::block_on;

/// As [`std::net::TcpStream`], on a host.
pub struct TcpStream {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(TcpStream, blocking.socket());

impl TcpStream {
    /// Connects to the first of the addresses that answers; those of a name that was looked up have 250 ms before the next is tried as well
    /// (RFC 8305). `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, …
    pub fn connect_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        match Asked::new(host, &addr) {
            Asked::Addrs(addrs) => first(addrs?, |addr| Self::connect_to(host, &addr, None)),
            Asked::Name(name, port) => {
                let addrs = with_port(host.resolve(&name).wait()?, port);
                block_on(race(host, addrs)).map(|socket| Self { blocking: Blocking::new(socket) })
            }
        }
    }

    /// Connects, or gives [`TimedOut`](io::ErrorKind::TimedOut) if that takes longer than `limit`. `InvalidInput` for a limit of nothing.
    pub fn connect_timeout_on(host: &Host, addr: &SocketAddr, limit: Duration) -> io::Result<Self> {
        if limit.is_zero() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        Self::connect_to(host, addr, Some(limit))
    }

    fn connect_to(host: &Host, addr: &SocketAddr, limit: Option<Duration>) -> io::Result<Self> {
        let blocking = Blocking::open(host, family(addr), SOCK_STREAM)?;
        blocking.connect(&address(*addr), limit)?;
        Ok(Self { blocking })
    }

    socket_methods!();
    timeout_methods!();
    tcp_options!();
    ip_options!();
    buffer_options!();

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// Ends reading, writing or both. `ENOTCONN`
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.blocking.shutdown(how)
    }

    /// The connection in numbers; what is left of them after its end. None if this was made of a socket that is not one of TCP.
    pub fn info(&self) -> Option<TcpInfo> {
        TcpInfo::of(self.socket())
    }

    /// Sends a chunk without copying it: it is shared until the other end has acknowledged it. Gives how much was taken: all of it, unless
    /// the socket is in non-blocking mode, or an error or the timeout came first.
    pub fn send_bytes(&self, chunk: Bytes) -> io::Result<usize> {
        self.blocking.send_bytes(chunk)
    }

    /// Receives up to `most` bytes, without copying them where they came in one piece; none are the end.
    pub fn recv_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.blocking.reading(|stack, id| stack.recv_bytes(id, most))
    }

    /// Reads and leaves it there.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }
}

read_and_write!(TcpStream);

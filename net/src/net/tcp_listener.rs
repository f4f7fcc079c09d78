//! Accepts TCP connections.

use std::io;
use std::net::SocketAddr;

use loggia_stack::socket::numbers::{SOCK_STREAM, sol_socket};

use super::stream::socket_methods;
use super::tcp_stream::TcpStream;
use crate::blocking::Blocking;
use crate::host::Host;
use crate::lookup::{ToAddrs, first};
use crate::options::ip_options;
use crate::socket::{address, family, shown_by_ends, sock_addr, until_the_end};

/// Connections that wait, as std's: what the system allows.
const BACKLOG: i32 = 4096;

/// As [`std::net::TcpListener`], on a host.
pub struct TcpListener {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(TcpListener, blocking.socket());

impl TcpListener {
    /// Listens on the first of the addresses that can be had, with `SO_REUSEADDR`. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(addr.to_addrs(host)?, |addr| {
            let blocking = Blocking::open(host, family(&addr), SOCK_STREAM)?;
            blocking.socket().set_int(sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1)?;
            blocking.socket().bind(&address(addr))?;
            blocking.socket().listen(BACKLOG)?;
            Ok(Self { blocking })
        })
    }

    socket_methods!();
    ip_options!();

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// Waits for the next connection; says whom it is with. `ENETDOWN` once the host ends
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (blocking, from) = self.blocking.accept()?;
        Ok((TcpStream { blocking }, sock_addr(&from)?))
    }

    /// The connections to come, until the host ends.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }
}

/// See [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        until_the_end(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl std::iter::FusedIterator for Incoming<'_> {}

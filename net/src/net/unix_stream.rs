//! A Unix connection.

use std::io;
use std::net::Shutdown;
use std::path::Path;

use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_STREAM};

use super::stream::{read_and_write, socket_methods, timeout_methods};
use crate::blocking::Blocking;
use crate::host::Host;
use crate::options::buffer_options;
use crate::socket::shown_by_ends;
use crate::unix::{self, SocketAddr, UCred};

/// As [`std::os::unix::net::UnixStream`], on a host: both ends are on the same.
pub struct UnixStream {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(UnixStream, blocking.socket());

impl UnixStream {
    /// Connects to a path, or to an abstract name if it begins with a NUL. Waits while the backlog is full. `ENOENT`, `ECONNREFUSED`
    pub fn connect_on(host: &Host, path: impl AsRef<Path>) -> io::Result<Self> {
        let blocking = Blocking::open(host, AF_UNIX, SOCK_STREAM)?;
        blocking.connect(&unix::address(path.as_ref())?, None)?;
        Ok(Self { blocking })
    }

    /// As [`UnixStream::connect_on`], to an address.
    pub fn connect_addr_on(host: &Host, addr: &SocketAddr) -> io::Result<Self> {
        let blocking = Blocking::open(host, AF_UNIX, SOCK_STREAM)?;
        blocking.connect(&addr.address(), None)?;
        Ok(Self { blocking })
    }

    /// Two that are connected to each other.
    pub fn pair_on(host: &Host) -> io::Result<(Self, Self)> {
        let (one, other) = Blocking::pair(host, AF_UNIX, SOCK_STREAM)?;
        Ok((Self { blocking: one }, Self { blocking: other }))
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

    /// Who was at the other end when it connected or listened.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        unix::peer_cred(self.socket())
    }

    /// Ends reading, writing or both. `ENOTCONN`
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.blocking.shutdown(how)
    }

    /// Reads and leaves it there.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }
}

read_and_write!(UnixStream);

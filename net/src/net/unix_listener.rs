//! Accepts Unix connections.

use std::io;
use std::path::Path;

use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_STREAM};

use super::stream::socket_methods;
use super::unix_stream::UnixStream;
use crate::blocking::Blocking;
use crate::host::Host;
use crate::socket::{shown_by_ends, until_the_end};
use crate::unix::{self, SocketAddr};

/// Connections that wait, as std's: what the system allows.
const BACKLOG: i32 = 4096;

/// As [`std::os::unix::net::UnixListener`], on a host. Its path is a name of that host: no file is made.
pub struct UnixListener {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(UnixListener, blocking.socket());

impl UnixListener {
    /// Listens on a path, or on an abstract name if it begins with a NUL. `EADDRINUSE`, `EINVAL`
    pub fn bind_on(host: &Host, path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_to(host, &unix::address(path.as_ref())?)
    }

    /// As [`UnixListener::bind_on`], at an address.
    pub fn bind_addr_on(host: &Host, addr: &SocketAddr) -> io::Result<Self> {
        Self::bind_to(host, &addr.address())
    }

    fn bind_to(host: &Host, address: &Address) -> io::Result<Self> {
        let blocking = Blocking::open(host, AF_UNIX, SOCK_STREAM)?;
        blocking.socket().bind(address)?;
        blocking.socket().listen(BACKLOG)?;
        Ok(Self { blocking })
    }

    socket_methods!();

    /// Waits for the next connection; says whom it is with. `ENETDOWN` once the host has ended
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (blocking, from) = self.blocking.accept()?;
        Ok((UnixStream { blocking }, SocketAddr::new(from)))
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(self.socket())
    }

    /// The connections to come, until the host has ended.
    pub fn incoming(&self) -> UnixIncoming<'_> {
        UnixIncoming { listener: self }
    }
}

/// See [`UnixListener::incoming`].
#[derive(Debug)]
pub struct UnixIncoming<'a> {
    listener: &'a UnixListener,
}

impl Iterator for UnixIncoming<'_> {
    type Item = io::Result<UnixStream>;

    fn next(&mut self) -> Option<Self::Item> {
        until_the_end(self.listener.accept().map(|(stream, _)| stream))
    }
}

#[allow(clippy::into_iter_without_iter, reason = "std's name is incoming")]
impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = UnixIncoming<'a>;

    fn into_iter(self) -> UnixIncoming<'a> {
        self.incoming()
    }
}

impl std::iter::FusedIterator for UnixIncoming<'_> {}

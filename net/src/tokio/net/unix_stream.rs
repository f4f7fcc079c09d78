//! A Unix connection.

use std::io;
use std::path::Path;

use ::tokio::io::{AsyncRead, AsyncWrite};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_STREAM};

use super::facades::std_methods;
use super::split;
use super::stream::{self, Stream, async_read, async_write, readiness_methods, stream_methods};
use crate::host::Host;
use crate::socket::{Socket, shown_by_ends};
use crate::unix::{self, SocketAddr, UCred};

/// As [`tokio::net::UnixStream`](https://docs.rs/tokio/latest/tokio/net/struct.UnixStream.html), on a host: both ends are on the same.
pub struct UnixStream {
    socket: Socket,
}

shown_by_ends!(UnixStream, socket);
std_methods!(UnixStream);

impl Stream for UnixStream {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl UnixStream {
    /// Connects to a path, or to an abstract name if it begins with a NUL. Waits while the backlog is full. `ENOENT`, `ECONNREFUSED`
    pub async fn connect_on(host: &Host, path: impl AsRef<Path>) -> io::Result<Self> {
        let socket = Socket::new(host, AF_UNIX, SOCK_STREAM)?;
        Self::connect_by(socket, &unix::address(path.as_ref())?).await
    }

    /// As [`UnixStream::connect_on`], to an address.
    pub async fn connect_addr_on(host: &Host, addr: &SocketAddr) -> io::Result<Self> {
        Self::connect_by(Socket::new(host, AF_UNIX, SOCK_STREAM)?, &addr.address()).await
    }

    pub(super) async fn connect_by(socket: Socket, to: &Address) -> io::Result<Self> {
        // Who finds no room is woken when there is some.
        socket.writing(|stack, id| stack.connect(id, to)).await?;
        Ok(Self { socket })
    }

    /// Two that are connected to each other.
    pub fn pair_on(host: &Host) -> io::Result<(Self, Self)> {
        let (one, other) = Socket::pair(host, AF_UNIX, SOCK_STREAM)?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(&self.socket)
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix::peer_addr(&self.socket)
    }

    /// Who was at the other end when it connected or listened.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        unix::peer_cred(&self.socket)
    }

    readiness_methods!();
    stream_methods!();

    fn end_writing(&mut self) -> io::Result<()> {
        stream::shutdown_write(&self.socket)
    }
}

async_read!(AsyncRead for UnixStream);
async_write!(AsyncWrite for UnixStream);

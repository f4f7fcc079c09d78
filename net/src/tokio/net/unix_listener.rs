//! Accepts Unix connections.

use std::io;
use std::path::Path;
use std::task::{Context, Poll};

use loggia_stack::base::SocketId;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_STREAM};

use super::facades::std_methods;
use super::unix_stream::UnixStream;
use crate::driver::Slot;
use crate::host::Host;
use crate::socket::{READ, Socket, shown_by_ends};
use crate::unix::{self, SocketAddr};

/// Connections that wait, as tokio's.
const BACKLOG: i32 = 1024;

/// As [`tokio::net::UnixListener`](https://docs.rs/tokio/latest/tokio/net/struct.UnixListener.html), on a host. Its path is a name of that host: no file is made.
pub struct UnixListener {
    socket: Socket,
}

shown_by_ends!(UnixListener, socket);
std_methods!(UnixListener);

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
        let socket = Socket::new(host, AF_UNIX, SOCK_STREAM)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket })
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Waits for the next connection. Nothing is lost if this is dropped.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let accepted = self.socket.when(READ, Socket::accept).await?;
        Ok(self.accepted(accepted))
    }

    /// As [`UnixListener::accept`].
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let accepted = self.socket.poll_call_waiting(cx, Slot::Reader, READ, Socket::accept);
        accepted.map_ok(|accepted| self.accepted(accepted))
    }

    fn accepted(&self, (id, from): (SocketId, Address)) -> (UnixStream, SocketAddr) {
        (UnixStream::new(self.socket.adopt(id)), SocketAddr::new(from))
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(&self.socket)
    }

    /// The error that waits on the socket, which is taken off it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }
}

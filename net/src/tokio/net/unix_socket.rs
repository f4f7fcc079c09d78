//! A Unix socket before it is a listener, a stream or a datagram socket.

use std::io;
use std::path::Path;

use loggia_stack::base::Errno;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_DGRAM, SOCK_STREAM};

use super::unix_datagram::UnixDatagram;
use super::unix_listener::UnixListener;
use super::unix_stream::UnixStream;
use crate::host::Host;
use crate::options::buffer_options;
use crate::socket::{Socket, error};
use crate::unix::{self, SocketAddr};

/// As [`tokio::net::UnixSocket`](https://docs.rs/tokio/latest/tokio/net/struct.UnixSocket.html), on a host.
#[derive(Debug)]
pub struct UnixSocket {
    socket: Socket,
    datagram: bool,
}

impl UnixSocket {
    /// One that becomes a datagram socket. `ENFILE`, `ENOBUFS`
    pub fn new_datagram_on(host: &Host) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, AF_UNIX, SOCK_DGRAM)?, datagram: true })
    }

    /// One that becomes a stream or a listener. `ENFILE`, `ENOBUFS`
    pub fn new_stream_on(host: &Host) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, AF_UNIX, SOCK_STREAM)?, datagram: false })
    }

    /// Gives it a path, or an abstract name if it begins with a NUL. `EADDRINUSE`, `EINVAL`
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.bind(&unix::address(path.as_ref())?)
    }

    /// Listens; of the connections that were not accepted yet `backlog` wait. `EOPNOTSUPP` for datagrams
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(UnixListener::new(self.socket))
    }

    /// Connects. Waits while the backlog is full. `ENOENT`, `ECONNREFUSED`; `EOPNOTSUPP` for datagrams
    pub async fn connect(self, path: impl AsRef<Path>) -> io::Result<UnixStream> {
        if self.datagram {
            return Err(error(Errno::EOPNOTSUPP));
        }
        UnixStream::connect_by(self.socket, &unix::address(path.as_ref())?).await
    }

    /// The datagram socket. `EOPNOTSUPP` for streams
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        if self.datagram { Ok(UnixDatagram::new(self.socket)) } else { Err(error(Errno::EOPNOTSUPP)) }
    }

    /// Its address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(&self.socket)
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    buffer_options!();
}

//! A TCP socket before it is a listener or a stream.

use std::io;
use std::net::SocketAddr;

use loggia_stack::base::Errno;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM};

use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use crate::host::Host;
use crate::options::{buffer_options, ip_options, reuse_options, tcp_options};
use crate::socket::{Socket, address, ended, family, shown_by_ends};

/// As [`tokio::net::TcpSocket`](https://docs.rs/tokio/latest/tokio/net/struct.TcpSocket.html), on a host.
pub struct TcpSocket {
    socket: Socket,
}

shown_by_ends!(TcpSocket, socket);

impl TcpSocket {
    /// An IPv4 socket. `ENFILE`, `ENOBUFS`
    pub fn new_v4_on(host: &Host) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, AF_INET, SOCK_STREAM)? })
    }

    /// An IPv6 socket. `ENFILE`, `ENOBUFS`
    pub fn new_v6_on(host: &Host) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, AF_INET6, SOCK_STREAM)? })
    }

    pub(super) fn for_addr(host: &Host, addr: &SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, family(addr), SOCK_STREAM)? })
    }

    /// The socket of a stream that is not connected yet, made as a [`net::Socket`](crate::net::Socket).
    pub fn from_std_stream(stream: crate::net::TcpStream) -> Self {
        Self { socket: stream.blocking.into_socket() }
    }

    /// Gives it an address. `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`, `EACCES`
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket.bind(&address(addr))
    }

    /// Connects. `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`, …
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        let begun = self.socket.host.with(|stack, _| stack.connect(self.socket.id, &address(addr)));
        match begun {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(errno) => return Err(crate::socket::error(errno)),
        }
        self.socket.writing(|stack, id| ended(stack.readiness(id)?)).await?;
        match self.socket.take_error()? {
            Some(error) => Err(error),
            None => Ok(TcpStream::new(self.socket)),
        }
    }

    /// Listens; of the connections that were not accepted yet `backlog` wait. `EADDRINUSE`
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(TcpListener::new(self.socket))
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The error that waits on the socket, which is taken off it.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    buffer_options!();
    tcp_options!();
    ip_options!();
    reuse_options!();
}

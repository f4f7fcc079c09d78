//! Accepts TCP connections.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use loggia_stack::base::SocketId;
use loggia_stack::socket::Address;

use super::facades::std_methods;
use super::tcp_socket::TcpSocket;
use super::tcp_stream::TcpStream;
use crate::driver::Slot;
use crate::host::Host;
use crate::lookup::{Asked, ToAddrs, first};
use crate::options::ip_options;
use crate::socket::{READ, Socket, shown_by_ends, sock_addr};

/// Connections that wait, as tokio's.
const BACKLOG: u32 = 1024;

/// As [`tokio::net::TcpListener`](https://docs.rs/tokio/latest/tokio/net/struct.TcpListener.html), on a host.
pub struct TcpListener {
    socket: Socket,
}

shown_by_ends!(TcpListener, socket);
std_methods!(TcpListener);

impl TcpListener {
    /// Listens on the first of the addresses that can be had, with `SO_REUSEADDR` and a backlog of 1024.
    pub async fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(Asked::new(host, &addr).find(host).await?, |addr| Self::bind_addr(host, addr))
    }

    pub(in crate::tokio) fn bind_addr(host: &Host, addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::for_addr(host, &addr)?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Waits for the next connection; says whom it is with. Nothing is lost if this is dropped. `ENETDOWN` once the host ends
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let accepted = self.socket.when(READ, Socket::accept).await?;
        self.accepted(accepted)
    }

    /// As [`TcpListener::accept`].
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.socket.poll_call_waiting(cx, Slot::Reader, READ, Socket::accept);
        accepted.map(|accepted| self.accepted(accepted?))
    }

    pub(in crate::tokio) fn accepted(&self, (id, from): (SocketId, Address)) -> io::Result<(TcpStream, SocketAddr)> {
        let stream = TcpStream::new(self.socket.adopt(id));
        Ok((stream, sock_addr(&from)?))
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(in crate::tokio) fn socket(&self) -> &Socket {
        &self.socket
    }

    ip_options!();
}

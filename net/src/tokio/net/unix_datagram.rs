//! Unix datagrams.

use std::io;
use std::net::Shutdown;
use std::path::Path;
use std::task::{Context, Poll};

use ::tokio::io::ReadBuf;
use bytes::BufMut;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::{AF_UNIX, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM};

use super::facades::std_methods;
use super::stream::readiness_methods;
use crate::driver::Slot;
use crate::host::Host;
use crate::socket::{Socket, recvfrom, send, shown_by_ends};
use crate::unix::{self, SocketAddr};

/// As [`tokio::net::UnixDatagram`](https://docs.rs/tokio/latest/tokio/net/struct.UnixDatagram.html), on a host: all ends are on the same.
pub struct UnixDatagram {
    socket: Socket,
}

shown_by_ends!(UnixDatagram, socket);
std_methods!(UnixDatagram);

impl UnixDatagram {
    /// Receives at a path, or at an abstract name if it begins with a NUL. `EADDRINUSE`, `EINVAL`
    pub fn bind_on(host: &Host, path: impl AsRef<Path>) -> io::Result<Self> {
        let socket = Self::unbound_on(host)?;
        socket.socket.bind(&unix::address(path.as_ref())?)?;
        Ok(socket)
    }

    /// Without a name: nobody can answer.
    pub fn unbound_on(host: &Host) -> io::Result<Self> {
        Ok(Self { socket: Socket::new(host, AF_UNIX, SOCK_DGRAM)? })
    }

    /// Two that are connected to each other.
    pub fn pair_on(host: &Host) -> io::Result<(Self, Self)> {
        let (one, other) = Socket::pair(host, AF_UNIX, SOCK_DGRAM)?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// Names the other end. `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE`
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let to = unix::address(path.as_ref())?;
        self.socket.call(|stack, id| stack.connect(id, &to))
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    readiness_methods!();

    /// Ends reading, writing or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(match how {
            Shutdown::Read => SHUT_RD,
            Shutdown::Write => SHUT_WR,
            Shutdown::Both => SHUT_RDWR,
        })
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix::local_addr(&self.socket)
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix::peer_addr(&self.socket)
    }
}

/// Sending.
impl UnixDatagram {
    /// Ready when there is room to send.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(cx, Slot::Writer)
    }

    /// Sends a datagram to the connected end. `ENOTCONN`, `EMSGSIZE`, `ECONNREFUSED`
    pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.writing(|stack, id| send(stack, id, &[buf], None)).await
    }

    /// As [`UnixDatagram::send`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.call(|stack, id| send(stack, id, &[buf], None))
    }

    /// As [`UnixDatagram::send`].
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &[buf], None))
    }

    /// Sends a datagram to a path. `ENOENT`, `ECONNREFUSED`, `EMSGSIZE`
    pub async fn send_to(&self, buf: &[u8], to: impl AsRef<Path>) -> io::Result<usize> {
        let to = unix::address(to.as_ref())?;
        self.socket.writing(|stack, id| send(stack, id, &[buf], Some(&to))).await
    }

    /// As [`UnixDatagram::send_to`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_send_to(&self, buf: &[u8], to: impl AsRef<Path>) -> io::Result<usize> {
        let to = unix::address(to.as_ref())?;
        self.socket.call(|stack, id| send(stack, id, &[buf], Some(&to)))
    }

    /// As [`UnixDatagram::send_to`].
    pub fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], to: impl AsRef<Path>) -> Poll<io::Result<usize>> {
        let to = unix::address(to.as_ref())?;
        self.socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &[buf], Some(&to)))
    }
}

/// Receiving. What of a datagram does not fit is lost.
impl UnixDatagram {
    /// Ready when there is a datagram, or an error.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(cx, Slot::Reader)
    }

    /// The next datagram.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.reading(|stack, id| stack.recv(id, buf, MsgFlags::NONE)).await
    }

    /// As [`UnixDatagram::recv`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.call(|stack, id| stack.recv(id, buf, MsgFlags::NONE))
    }

    /// As [`UnixDatagram::recv`].
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buf.initialize_unfilled();
        let received = self.socket.poll_call(cx, Slot::Reader, |stack, id| stack.recv(id, room, MsgFlags::NONE));
        received.map_ok(|len| buf.advance(len))
    }

    /// The next datagram and its sender.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let received = self.socket.reading(|stack, id| recvfrom(stack, id, buf, MsgFlags::NONE)).await?;
        Ok((received.0, SocketAddr::new(received.1)))
    }

    /// As [`UnixDatagram::recv_from`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let received = self.socket.call(|stack, id| recvfrom(stack, id, buf, MsgFlags::NONE))?;
        Ok((received.0, SocketAddr::new(received.1)))
    }

    /// As [`UnixDatagram::recv_from`].
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        let room = buf.initialize_unfilled();
        let received = self.socket.poll_call(cx, Slot::Reader, |stack, id| recvfrom(stack, id, room, MsgFlags::NONE));
        received.map_ok(|(len, from)| {
            buf.advance(len);
            SocketAddr::new(from)
        })
    }

    /// As [`UnixDatagram::recv`], into the room that a buffer has at its end.
    pub async fn recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.recv_buf_from(buf).await.map(|(len, _)| len)
    }

    /// As [`UnixDatagram::recv_buf`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.try_recv_buf_from(buf).map(|(len, _)| len)
    }

    /// As [`UnixDatagram::recv_from`], into the room that a buffer has at its end.
    pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let room = buf.chunk_mut().len();
        let (bytes, from) = self.socket.reading(|stack, id| stack.recv_bytes_from(id, room)).await?;
        buf.put_slice(&bytes);
        Ok((bytes.len(), SocketAddr::new(from)))
    }

    /// As [`UnixDatagram::recv_buf_from`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let room = buf.chunk_mut().len();
        let (bytes, from) = self.socket.call(|stack, id| stack.recv_bytes_from(id, room))?;
        buf.put_slice(&bytes);
        Ok((bytes.len(), SocketAddr::new(from)))
    }
}

//! UDP.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use ::tokio::io::ReadBuf;
use bytes::{BufMut, Bytes};
use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::SOCK_DGRAM;

use super::facades::std_methods;
use super::stream::readiness_methods;
use crate::driver::Slot;
use crate::host::Host;
use crate::lookup::{Asked, ToAddrs, first};
use crate::net::{Datagram, RecvMeta, Transmit, recv_many, recv_meta, send_many, tell_meta, transmit};
use crate::options::{device_options, ip_options, udp_options};
use crate::socket::{Socket, address, family, recvfrom, send, shown_by_ends, sock_addr};

/// As [`tokio::net::UdpSocket`](https://docs.rs/tokio/latest/tokio/net/struct.UdpSocket.html), on a host.
pub struct UdpSocket {
    socket: Socket,
}

shown_by_ends!(UdpSocket, socket);
std_methods!(UdpSocket);

fn receive(stack: &mut Stack, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<(usize, Address), Errno> {
    recvfrom(stack, id, into, flags)
}

fn named((len, from): (usize, Address)) -> io::Result<(usize, SocketAddr)> {
    Ok((len, sock_addr(&from)?))
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub async fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(Asked::new(host, &addr).find(host).await?, |addr| Self::bind_addr(host, addr))
    }

    pub(in crate::tokio) fn bind_addr(host: &Host, addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(host, family(&addr), SOCK_DGRAM)?;
        socket.bind(&address(addr))?;
        Ok(Self { socket })
    }

    /// Names the other end: sends go there, and only what comes from there is received. `ENETUNREACH`
    pub async fn connect(&self, addr: impl ToAddrs) -> io::Result<()> {
        let addrs = Asked::new(&self.socket.host, &addr).find(&self.socket.host).await?;
        first(addrs, |addr| self.socket.call(|stack, id| stack.connect(id, &address(addr))))
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub(in crate::tokio) fn socket(&self) -> &Socket {
        &self.socket
    }

    readiness_methods!();

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }
}

/// Sending.
impl UdpSocket {
    /// Ready when there is room to send.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(cx, Slot::Writer)
    }

    /// Sends a datagram to the connected end. `EDESTADDRREQ`, `EMSGSIZE`, `ECONNREFUSED` (of an earlier one)
    pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.writing(|stack, id| send(stack, id, &[buf], None)).await
    }

    /// As [`UdpSocket::send`].
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &[buf], None))
    }

    /// As [`UdpSocket::send`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.call(|stack, id| send(stack, id, &[buf], None))
    }

    /// Sends a datagram to the first of the addresses. `EMSGSIZE`, `ENETUNREACH`, `EACCES` (broadcast)
    pub async fn send_to(&self, buf: &[u8], to: impl ToAddrs) -> io::Result<usize> {
        let to = first(Asked::new(&self.socket.host, &to).find(&self.socket.host).await?, Ok)?;
        let to = address(to);
        self.socket.writing(|stack, id| send(stack, id, &[buf], Some(&to))).await
    }

    /// As [`UdpSocket::send`], without copying: the chunk is shared until it has left.
    pub async fn send_bytes(&self, chunk: Bytes) -> io::Result<usize> {
        self.socket.writing(|stack, id| stack.send_bytes_to(id, chunk.clone(), None, MsgFlags::NOSIGNAL)).await
    }

    /// As [`UdpSocket::send_to`], without copying: the chunk is shared until it has left.
    pub async fn send_bytes_to(&self, chunk: Bytes, to: impl ToAddrs) -> io::Result<usize> {
        let to = address(first(Asked::new(&self.socket.host, &to).find(&self.socket.host).await?, Ok)?);
        self.socket.writing(|stack, id| stack.send_bytes_to(id, chunk.clone(), Some(&to), MsgFlags::NOSIGNAL)).await
    }

    /// Sends several datagrams in one go; see [`net::UdpSocket::send_many`](crate::net::UdpSocket::send_many).
    pub async fn send_many(&self, datagrams: &[Datagram]) -> io::Result<usize> {
        self.socket.writing(|stack, id| send_many(stack, id, datagrams)).await
    }

    /// As [`UdpSocket::send_many`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_send_many(&self, datagrams: &[Datagram]) -> io::Result<usize> {
        self.socket.call(|stack, id| send_many(stack, id, datagrams))
    }

    /// Sends a datagram with what its header is to say, or several of one size in one go; see
    /// [`net::UdpSocket::transmit`](crate::net::UdpSocket::transmit).
    pub async fn transmit(&self, what: &Transmit<'_>) -> io::Result<usize> {
        self.socket.writing(|stack, id| transmit(stack, id, what)).await
    }

    /// As [`UdpSocket::transmit`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_transmit(&self, what: &Transmit<'_>) -> io::Result<usize> {
        self.socket.call(|stack, id| transmit(stack, id, what))
    }

    /// As [`UdpSocket::send_to`].
    pub fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], to: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &[buf], Some(&address(to))))
    }

    /// As [`UdpSocket::send_to`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.call(|stack, id| send(stack, id, &[buf], Some(&address(to))))
    }
}

/// Receiving. What of a datagram does not fit is lost.
impl UdpSocket {
    /// Ready when there is a datagram, or an error.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(cx, Slot::Reader)
    }

    /// The next datagram.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.reading(|stack, id| stack.recv(id, buf, MsgFlags::NONE)).await
    }

    /// As [`UdpSocket::recv`].
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_receive(cx, buf, MsgFlags::NONE).map_ok(drop)
    }

    /// As [`UdpSocket::recv`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.call(|stack, id| stack.recv(id, buf, MsgFlags::NONE))
    }

    /// As [`UdpSocket::try_recv`], into the room that a buffer has at its end.
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        super::stream::try_read_buf(&self.socket, buf)
    }

    /// As [`UdpSocket::recv`], into the room that a buffer has at its end.
    pub async fn recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let room = buf.chunk_mut().len();
        let bytes = self.socket.reading(|stack, id| stack.recv_bytes(id, room)).await?;
        buf.put_slice(&bytes);
        Ok(bytes.len())
    }

    /// As [`UdpSocket::recv_from`], into the room that a buffer has at its end.
    pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let room = buf.chunk_mut().len();
        let (bytes, from) = self.recv_bytes_from(room).await?;
        buf.put_slice(&bytes);
        Ok((bytes.len(), from))
    }

    /// As [`UdpSocket::recv_buf_from`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let room = buf.chunk_mut().len();
        let (bytes, from) = self.socket.call(|stack, id| stack.recv_bytes_from(id, room))?;
        buf.put_slice(&bytes);
        Ok((bytes.len(), sock_addr(&from)?))
    }

    /// The next datagram without a copy, `most` bytes of it at most, and its sender.
    pub async fn recv_bytes_from(&self, most: usize) -> io::Result<(Bytes, SocketAddr)> {
        let (bytes, from) = self.socket.reading(|stack, id| stack.recv_bytes_from(id, most)).await?;
        Ok((bytes, sock_addr(&from)?))
    }

    /// Waits for a datagram and appends all that are there, `most` at most, without copying; says how many.
    pub async fn recv_many(&self, into: &mut Vec<Datagram>, most: usize) -> io::Result<usize> {
        self.socket.reading(|stack, id| recv_many(stack, id, into, most)).await
    }

    /// As [`UdpSocket::recv_many`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_many(&self, into: &mut Vec<Datagram>, most: usize) -> io::Result<usize> {
        self.socket.call(|stack, id| recv_many(stack, id, into, most))
    }

    /// The next datagram, or several of one size that came together, and what is known of them; see
    /// [`net::UdpSocket::recv_meta`](crate::net::UdpSocket::recv_meta).
    pub async fn recv_meta(&self, buf: &mut [u8]) -> io::Result<RecvMeta> {
        self.socket.reading(|stack, id| recv_meta(stack, id, buf)).await
    }

    /// As [`UdpSocket::recv_meta`].
    pub fn poll_recv_meta(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<RecvMeta>> {
        self.socket.poll_call(cx, Slot::Reader, |stack, id| recv_meta(stack, id, buf))
    }

    /// As [`UdpSocket::recv_meta`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_meta(&self, buf: &mut [u8]) -> io::Result<RecvMeta> {
        self.socket.call(|stack, id| recv_meta(stack, id, buf))
    }

    /// See [`net::UdpSocket::set_recv_meta`](crate::net::UdpSocket::set_recv_meta).
    pub fn set_recv_meta(&self, on: bool) -> io::Result<()> {
        self.socket.call(|stack, id| tell_meta(stack, id, on))
    }

    /// The next datagram and its sender.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        named(self.socket.reading(|stack, id| receive(stack, id, buf, MsgFlags::NONE)).await?)
    }

    /// As [`UdpSocket::recv_from`].
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_receive(cx, buf, MsgFlags::NONE).map(|from| sock_addr(&from?))
    }

    /// As [`UdpSocket::recv_from`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        named(self.socket.call(|stack, id| receive(stack, id, buf, MsgFlags::NONE))?)
    }

    /// The next datagram, which stays.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.reading(|stack, id| stack.recv(id, buf, MsgFlags::PEEK)).await
    }

    /// As [`UdpSocket::peek`].
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_receive(cx, buf, MsgFlags::PEEK).map_ok(drop)
    }

    /// As [`UdpSocket::peek`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.call(|stack, id| stack.recv(id, buf, MsgFlags::PEEK))
    }

    /// The next datagram, which stays, and its sender.
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        named(self.socket.reading(|stack, id| receive(stack, id, buf, MsgFlags::PEEK)).await?)
    }

    /// As [`UdpSocket::peek_from`].
    pub fn poll_peek_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_receive(cx, buf, MsgFlags::PEEK).map(|from| sock_addr(&from?))
    }

    /// As [`UdpSocket::peek_from`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        named(self.socket.call(|stack, id| receive(stack, id, buf, MsgFlags::PEEK))?)
    }

    /// The sender of the next datagram, which stays.
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.peek_from(&mut []).await.map(|(_, from)| from)
    }

    /// As [`UdpSocket::peek_sender`], or [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.try_peek_from(&mut []).map(|(_, from)| from)
    }

    /// As [`UdpSocket::peek_sender`].
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_peek_from(cx, &mut ReadBuf::new(&mut []))
    }

    fn poll_receive(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>, flags: MsgFlags) -> Poll<io::Result<Address>> {
        let room = buf.initialize_unfilled();
        let received = self.socket.poll_call(cx, Slot::Reader, |stack, id| receive(stack, id, room, flags));
        received.map_ok(|(len, from)| {
            buf.advance(len);
            from
        })
    }
}

/// Options.
impl UdpSocket {
    ip_options!();
    udp_options!();
    device_options!();
}

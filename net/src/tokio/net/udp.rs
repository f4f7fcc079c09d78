//! UDP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use ::tokio::io::ReadBuf;
use bytes::BufMut;
use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{SOCK_DGRAM, ip, ipv6, sol_socket};

use super::stream::readiness_methods;
use crate::driver::{Host, Slot};
use crate::lookup::ToAddrs;
use crate::socket::{Socket, address, family, recvfrom, send, sock_addr};

/// As [`tokio::net::UdpSocket`](https://docs.rs/tokio/latest/tokio/net/struct.UdpSocket.html), on a host.
#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
}

/// The first that succeeds.
fn first<T>(addrs: Vec<SocketAddr>, mut attempt: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = None;
    for addr in addrs {
        match attempt(addr) {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")))
}

fn receive(stack: &mut Stack, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<(usize, Address), Errno> {
    recvfrom(stack, id, into, flags)
}

fn named((len, from): (usize, Address)) -> io::Result<(usize, SocketAddr)> {
    Ok((len, sock_addr(&from)?))
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had. `EADDRINUSE`, `EADDRNOTAVAIL`
    #[allow(clippy::unused_async, reason = "looking a name up may wait one day")]
    pub async fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(addr.to_addrs(host)?, |addr| {
            let socket = Socket::new(host, family(&addr), SOCK_DGRAM)?;
            socket.bind(&address(addr))?;
            Ok(Self { socket })
        })
    }

    /// Names the other end: sends go there, and only what comes from there is received. `ENETUNREACH`
    #[allow(clippy::unused_async, reason = "looking a name up may wait one day")]
    pub async fn connect(&self, addr: impl ToAddrs) -> io::Result<()> {
        first(addr.to_addrs(&self.socket.host)?, |addr| self.socket.call(|stack, id| stack.connect(id, &address(addr))))
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub(super) fn socket(&self) -> &Socket {
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
        let to = first(to.to_addrs(&self.socket.host)?, Ok)?;
        let to = address(to);
        self.socket.writing(|stack, id| send(stack, id, &[buf], Some(&to))).await
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
    fn flag(&self, level: i32, name: i32) -> io::Result<bool> {
        self.socket.int(level, name).map(|value| value != 0)
    }

    /// `SO_BROADCAST`
    pub fn broadcast(&self) -> io::Result<bool> {
        self.flag(sol_socket::LEVEL, sol_socket::SO_BROADCAST)
    }

    /// Sets `SO_BROADCAST`.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_BROADCAST, i32::from(on))
    }

    /// `IP_MULTICAST_LOOP`
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.flag(ip::LEVEL, ip::IP_MULTICAST_LOOP)
    }

    /// Sets `IP_MULTICAST_LOOP`.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(ip::LEVEL, ip::IP_MULTICAST_LOOP, i32::from(on))
    }

    /// `IP_MULTICAST_TTL`
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.socket.int(ip::LEVEL, ip::IP_MULTICAST_TTL).map(|ttl| ttl as u32)
    }

    /// Sets `IP_MULTICAST_TTL`.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_int(ip::LEVEL, ip::IP_MULTICAST_TTL, ttl as i32)
    }

    /// `IPV6_MULTICAST_LOOP`
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.flag(ipv6::LEVEL, ipv6::IPV6_MULTICAST_LOOP)
    }

    /// Sets `IPV6_MULTICAST_LOOP`.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(ipv6::LEVEL, ipv6::IPV6_MULTICAST_LOOP, i32::from(on))
    }

    /// `IP_TTL`
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket.int(ip::LEVEL, ip::IP_TTL).map(|ttl| ttl as u32)
    }

    /// Sets `IP_TTL`. `EINVAL`
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_int(ip::LEVEL, ip::IP_TTL, ttl as i32)
    }

    /// `IP_TOS`
    pub fn tos_v4(&self) -> io::Result<u32> {
        self.socket.int(ip::LEVEL, ip::IP_TOS).map(|tos| tos as u32)
    }

    /// Sets `IP_TOS`.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.socket.set_int(ip::LEVEL, ip::IP_TOS, tos as i32)
    }

    /// Joins a group on the link that has the address `interface`. `ENODEV`, `EADDRINUSE`
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.set(ip::LEVEL, ip::IP_ADD_MEMBERSHIP, &[group.octets(), interface.octets()].concat())
    }

    /// Leaves a group. `EADDRNOTAVAIL`
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.socket.set(ip::LEVEL, ip::IP_DROP_MEMBERSHIP, &[group.octets(), interface.octets()].concat())
    }

    /// Joins a group on the link of this number. `ENODEV`, `EADDRINUSE`
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        let request = [&group.octets()[..], &interface.to_ne_bytes()].concat();
        self.socket.set(ipv6::LEVEL, ipv6::IPV6_ADD_MEMBERSHIP, &request)
    }

    /// Leaves a group. `EADDRNOTAVAIL`
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        let request = [&group.octets()[..], &interface.to_ne_bytes()].concat();
        self.socket.set(ipv6::LEVEL, ipv6::IPV6_DROP_MEMBERSHIP, &request)
    }
}

//! UDP.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SOCK_DGRAM;

use super::datagram::{Datagram, recv_many, send_many};
use super::stream::{socket_methods, timeout_methods};
use super::transmit::{RecvMeta, Transmit, recv_meta, tell_meta, transmit};
use crate::blocking::Blocking;
use crate::host::Host;
use crate::lookup::{ToAddrs, first};
use crate::options::{buffer_options, device_options, ip_options, udp_options};
use crate::socket::{address, family, shown_by_ends, sock_addr};

/// As [`std::net::UdpSocket`], on a host. What of a datagram does not fit is lost.
pub struct UdpSocket {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(UdpSocket, blocking.socket());

impl UdpSocket {
    /// Binds to the first of the addresses that can be had. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        first(addr.to_addrs(host)?, |addr| {
            let blocking = Blocking::open(host, family(&addr), SOCK_DGRAM)?;
            blocking.socket().bind(&address(addr))?;
            Ok(Self { blocking })
        })
    }

    socket_methods!();
    timeout_methods!();
    ip_options!();
    udp_options!();
    device_options!();
    buffer_options!();

    /// Names the other end: sends go there, and only what comes from there is received. `ENETUNREACH`
    pub fn connect(&self, addr: impl ToAddrs) -> io::Result<()> {
        let socket = self.socket();
        first(addr.to_addrs(&socket.host)?, |addr| socket.call(|stack, id| stack.connect(id, &address(addr))))
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// Sends a datagram to the connected end. `EDESTADDRREQ`, `EMSGSIZE`, `ECONNREFUSED` (of an earlier one)
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.blocking.send(buf, None)
    }

    /// Sends a datagram to the first of the addresses. `EMSGSIZE`, `ENETUNREACH`, `EACCES` (broadcast)
    pub fn send_to(&self, buf: &[u8], addr: impl ToAddrs) -> io::Result<usize> {
        let to = first(addr.to_addrs(&self.socket().host)?, Ok)?;
        self.blocking.send(buf, Some(&address(to)))
    }

    /// As [`UdpSocket::send`], without copying: the chunk is shared until it has left.
    pub fn send_bytes(&self, chunk: Bytes) -> io::Result<usize> {
        self.blocking.writing(|stack, id| stack.send_bytes_to(id, chunk.clone(), None, MsgFlags::NOSIGNAL))
    }

    /// As [`UdpSocket::send_to`], without copying: the chunk is shared until it has left.
    pub fn send_bytes_to(&self, chunk: Bytes, addr: impl ToAddrs) -> io::Result<usize> {
        let to = address(first(addr.to_addrs(&self.socket().host)?, Ok)?);
        self.blocking.writing(|stack, id| stack.send_bytes_to(id, chunk.clone(), Some(&to), MsgFlags::NOSIGNAL))
    }

    /// Sends several datagrams in one go, in order, as `sendmmsg` does; says how many. Long ones are not copied, short ones of one
    /// size in a row go down to the link as one, which cuts them. Waits until there is room for the
    /// first, and stops at the first for which there is none or that cannot be sent: an error only if that is the first of all.
    ///
    /// ```
    /// use loggia::Host;
    /// use loggia::net::{Datagram, UdpSocket};
    ///
    /// let host = Host::builder().start()?;
    /// let [one, other] = [UdpSocket::bind_on(&host, "127.0.0.1:0")?, UdpSocket::bind_on(&host, "127.0.0.1:0")?];
    /// let to = other.local_addr()?;
    /// assert_eq!(one.send_many(&[Datagram::to(to, &b"one"[..]), Datagram::to(to, &b"two"[..])])?, 2);
    /// let mut received = Vec::new();
    /// assert_eq!(other.recv_many(&mut received, 10)?, 2);
    /// assert_eq!(received[1].data, "two");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn send_many(&self, datagrams: &[Datagram]) -> io::Result<usize> {
        self.blocking.writing(|stack, id| send_many(stack, id, datagrams))
    }

    /// Waits for a datagram and appends all that are there, `most` at most, without copying, as `recvmmsg` does; says how many.
    pub fn recv_many(&self, into: &mut Vec<Datagram>, most: usize) -> io::Result<usize> {
        self.blocking.reading(|stack, id| recv_many(stack, id, into, most))
    }

    /// Sends a datagram with what its header is to say, or several of one size in one go, which the link or its device cuts; says how many bytes.
    ///
    /// ```
    /// use loggia::Host;
    /// use loggia::net::{Transmit, UdpSocket};
    ///
    /// let host = Host::builder().start()?;
    /// let [one, other] = [UdpSocket::bind_on(&host, "127.0.0.1:0")?, UdpSocket::bind_on(&host, "127.0.0.1:0")?];
    /// other.set_recv_meta(true)?;
    /// one.transmit(&Transmit::to(other.local_addr()?, b"onetwothree").segment_size(3).tos(2))?;
    /// let mut room = [0; 64];
    /// let mut received = Vec::new();
    /// while received.len() < 4 {
    ///     let meta = other.recv_meta(&mut room)?;
    ///     assert_eq!((meta.tos, meta.to), (Some(2), Some(other.local_addr()?.ip())));
    ///     received.extend(room[..meta.len].chunks(meta.stride).map(<[u8]>::to_vec));
    /// }
    /// assert_eq!(received, [b"one", b"two", b"thr", &b"ee"[..]]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn transmit(&self, what: &Transmit<'_>) -> io::Result<usize> {
        self.blocking.writing(|stack, id| transmit(stack, id, what))
    }

    /// Waits for the next datagram, or for several of one size of one sender that came together; says what is known of them. See
    /// [`UdpSocket::set_recv_meta`].
    pub fn recv_meta(&self, buf: &mut [u8]) -> io::Result<RecvMeta> {
        self.blocking.reading(|stack, id| recv_meta(stack, id, buf))
    }

    /// Whether datagrams that came together are received as one, and [`RecvMeta`] tells the address and the header's bits (`UDP_GRO`, `IP_PKTINFO`,
    /// `IP_RECVTOS` and IPv6's). To be received by [`recv_meta`](Self::recv_meta): other calls do not tell where one ends.
    pub fn set_recv_meta(&self, on: bool) -> io::Result<()> {
        self.socket().call(|stack, id| tell_meta(stack, id, on))
    }

    /// Waits for the next datagram.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::NONE)
    }

    /// Waits for the next datagram; says whom it is from.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::NONE)?;
        Ok((len, sock_addr(&from)?))
    }

    /// Waits for the next datagram and gives it without copying it, `most` bytes of it at most.
    pub fn recv_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.blocking.reading(|stack, id| stack.recv_bytes(id, most))
    }

    /// As [`UdpSocket::recv_bytes`]; says whom it is from.
    pub fn recv_bytes_from(&self, most: usize) -> io::Result<(Bytes, SocketAddr)> {
        let (bytes, from) = self.blocking.reading(|stack, id| stack.recv_bytes_from(id, most))?;
        Ok((bytes, sock_addr(&from)?))
    }

    /// Waits for the next datagram, which stays.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }

    /// Waits for the next datagram, which stays; says whom it is from.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (len, from) = self.blocking.recv_from(buf, MsgFlags::PEEK)?;
        Ok((len, sock_addr(&from)?))
    }
}

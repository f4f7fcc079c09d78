//! A socket of any kind, before one knows what it will be.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, AF_UNIX, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET,
    SOCK_STREAM,
};

use super::sock_addr::SockAddr;
use super::stream::{read_and_write, socket_methods, timeout_methods};
use super::{TcpListener, TcpStream, UdpSocket};
use crate::blocking::Blocking;
use crate::host::Host;
use crate::socket::shown_by_ends;

/// What kind of addresses a socket has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Domain(i32);

impl Domain {
    /// `AF_INET`
    pub const IPV4: Self = Self(AF_INET);
    /// `AF_INET6`
    pub const IPV6: Self = Self(AF_INET6);
    /// `AF_UNIX`
    pub const UNIX: Self = Self(AF_UNIX);

    /// That of an address.
    pub const fn for_address(address: SocketAddr) -> Self {
        if address.is_ipv4() { Self::IPV4 } else { Self::IPV6 }
    }
}

impl From<i32> for Domain {
    /// By Linux's number.
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl From<Domain> for i32 {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

/// What a socket carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Type(i32);

impl Type {
    /// `SOCK_STREAM`: bytes in order.
    pub const STREAM: Self = Self(SOCK_STREAM);
    /// `SOCK_DGRAM`: messages.
    pub const DGRAM: Self = Self(SOCK_DGRAM);
    /// `SOCK_SEQPACKET`: messages in order, over a connection.
    pub const SEQPACKET: Self = Self(SOCK_SEQPACKET);
    /// `SOCK_RAW`: packets of a protocol.
    pub const RAW: Self = Self(SOCK_RAW);
}

impl From<i32> for Type {
    /// By Linux's number.
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl From<Type> for i32 {
    fn from(ty: Type) -> Self {
        ty.0
    }
}

/// The protocol of a socket, where its type leaves a choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Protocol(i32);

impl Protocol {
    /// `IPPROTO_TCP`
    pub const TCP: Self = Self(IPPROTO_TCP);
    /// `IPPROTO_UDP`
    pub const UDP: Self = Self(IPPROTO_UDP);
    /// `IPPROTO_ICMP`
    pub const ICMPV4: Self = Self(IPPROTO_ICMP);
    /// `IPPROTO_ICMPV6`
    pub const ICMPV6: Self = Self(IPPROTO_ICMPV6);
}

impl From<i32> for Protocol {
    /// By its number.
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl From<Protocol> for i32 {
    fn from(protocol: Protocol) -> Self {
        protocol.0
    }
}

/// As `socket2::Socket`, on a host: the calls and options that the other types here do not have, by socket2's names. Buffers are initialised
/// ones; ancillary data is for [`Berkeley`](crate::berkeley::Berkeley). It becomes one of those types, also for tasks
/// (`loggia::tokio::net::TcpListener::from_std`), and is made of them; [`SockRef`](super::SockRef) only looks at one.
///
/// ```
/// use loggia::net::{Domain, Socket, TcpListener, Type};
/// use loggia::Host;
///
/// let host = Host::builder().start()?;
/// let socket = Socket::new_on(&host, Domain::IPV6, Type::STREAM, None)?;
/// socket.set_only_v6(true)?;
/// socket.bind(&"[::1]:8080".parse::<std::net::SocketAddr>().unwrap().into())?;
/// socket.listen(16)?;
/// let listener: TcpListener = socket.into();
/// assert_eq!(listener.local_addr()?.port(), 8080);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Socket {
    pub(crate) blocking: Blocking,
}

shown_by_ends!(Socket, blocking.socket());

impl Socket {
    /// A new one. `EAFNOSUPPORT`, `ESOCKTNOSUPPORT`, `EPROTONOSUPPORT`, `EPROTOTYPE`, `ENFILE`, `ENOBUFS`
    pub fn new_on(host: &Host, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Self> {
        let protocol = protocol.map_or(0, |protocol| protocol.0);
        let socket = crate::socket::Socket::with_protocol(host, domain.0, ty.0, protocol)?;
        Ok(Self { blocking: Blocking::new(socket) })
    }

    /// Two that are connected to each other. `EOPNOTSUPP` for other domains than [`Domain::UNIX`].
    pub fn pair_on(host: &Host, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<(Self, Self)> {
        // The only domain with pairs has no protocols to choose among.
        let _ = protocol;
        let (one, other) = Blocking::pair(host, domain.0, ty.0)?;
        Ok((Self { blocking: one }, Self { blocking: other }))
    }

    socket_methods!();
    timeout_methods!();

    /// Gives it an address. `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`
    pub fn bind(&self, address: &SockAddr) -> io::Result<()> {
        self.socket().bind(&address.0)
    }

    /// Connects, or names the other end of a datagram socket. `EINPROGRESS` in non-blocking mode: it has begun, and the socket will be
    /// writable at its end.
    pub fn connect(&self, address: &SockAddr) -> io::Result<()> {
        self.blocking.connect(&address.0, None)
    }

    /// Connects, or gives [`TimedOut`](io::ErrorKind::TimedOut) if that takes longer than `limit`. Not for non-blocking mode.
    pub fn connect_timeout(&self, address: &SockAddr, limit: Duration) -> io::Result<()> {
        self.blocking.connect(&address.0, Some(limit))
    }

    /// Lets connections come, of which `backlog` wait. `EADDRINUSE`, `EOPNOTSUPP`
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        self.socket().listen(backlog)
    }

    /// Waits for the next connection; says whom it is with.
    pub fn accept(&self) -> io::Result<(Self, SockAddr)> {
        let (blocking, from) = self.blocking.accept()?;
        Ok((Self { blocking }, SockAddr(from)))
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.socket().call(|stack, id| stack.getsockname(id)).map(SockAddr)
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        self.socket().call(|stack, id| stack.getpeername(id)).map(SockAddr)
    }

    /// Whether it is in non-blocking mode.
    pub fn nonblocking(&self) -> io::Result<bool> {
        Ok(self.blocking.is_nonblocking())
    }

    /// Ends reading, writing or both. `ENOTCONN`
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.blocking.shutdown(how)
    }
}

/// Sending and receiving.
impl Socket {
    /// Sends to the connected end.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.blocking.send(buf, None)
    }

    /// As [`Socket::send`], with Linux's flags (`MSG_*`, see [`numbers`](crate::berkeley::numbers)).
    pub fn send_with_flags(&self, buf: &[u8], flags: i32) -> io::Result<usize> {
        self.blocking.send_with(buf, None, MsgFlags(flags as u32))
    }

    /// Sends pieces to the connected end: one message.
    pub fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.blocking.write_vectored(bufs)
    }

    /// Sends a message to an address.
    pub fn send_to(&self, buf: &[u8], address: &SockAddr) -> io::Result<usize> {
        self.blocking.send(buf, Some(&address.0))
    }

    /// As [`Socket::send_to`], with Linux's flags.
    pub fn send_to_with_flags(&self, buf: &[u8], address: &SockAddr, flags: i32) -> io::Result<usize> {
        self.blocking.send_with(buf, Some(&address.0), MsgFlags(flags as u32))
    }

    /// Sends a byte that is to overtake (`MSG_OOB`).
    pub fn send_out_of_band(&self, buf: &[u8]) -> io::Result<usize> {
        self.blocking.send_with(buf, None, MsgFlags::OOB)
    }

    /// Receives; 0 from a stream is its end.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::NONE)
    }

    /// As [`Socket::recv`], with Linux's flags (`MSG_*`, see [`numbers`](crate::berkeley::numbers)).
    pub fn recv_with_flags(&self, buf: &mut [u8], flags: i32) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags(flags as u32))
    }

    /// Receives the byte that overtook (`MSG_OOB`), and never waits for it on a stream. `EINVAL` if there is none, `EAGAIN` if it is announced.
    pub fn recv_out_of_band(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::OOB)
    }

    /// Receives into pieces.
    pub fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.blocking.recv_vectored(bufs)
    }

    /// Receives a message; says whom it is from.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        self.blocking.recv_from(buf, MsgFlags::NONE).map(|(len, from)| (len, SockAddr(from)))
    }

    /// As [`Socket::recv_from`], with Linux's flags.
    pub fn recv_from_with_flags(&self, buf: &mut [u8], flags: i32) -> io::Result<(usize, SockAddr)> {
        self.blocking.recv_from(buf, MsgFlags(flags as u32)).map(|(len, from)| (len, SockAddr(from)))
    }

    /// Receives and leaves it there.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocking.recv(buf, MsgFlags::PEEK)
    }

    /// Receives a message and leaves it there; says whom it is from.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        self.blocking.recv_from(buf, MsgFlags::PEEK).map(|(len, from)| (len, SockAddr(from)))
    }

    /// Sends sockets of the same host along with at least one byte over a Unix socket (`SCM_RIGHTS`). We keep ours. `EINVAL` for a socket
    /// of another host, `ETOOMANYREFS`
    pub fn send_sockets(&self, buf: &[u8], sockets: &[&Socket]) -> io::Result<usize> {
        let sockets: Vec<_> = sockets.iter().map(|socket| &socket.blocking).collect();
        self.blocking.send_sockets(buf, &sockets)
    }

    /// Receives, with the sockets that were sent along.
    pub fn recv_sockets(&self, buf: &mut [u8]) -> io::Result<(usize, Vec<Socket>)> {
        let (len, sockets) = self.blocking.recv_sockets(buf)?;
        Ok((len, sockets.into_iter().map(|blocking| Self { blocking }).collect()))
    }
}

read_and_write!(Socket);

/// A socket becomes what it is to be, and the other way round; nothing is checked.
macro_rules! conversions {
    ($($type:ty),*) => {
        $(impl From<Socket> for $type {
            fn from(Socket { blocking }: Socket) -> Self {
                Self { blocking }
            }
        }

        impl From<$type> for Socket {
            fn from(socket: $type) -> Self {
                Self { blocking: socket.blocking }
            }
        })*
    };
}

conversions!(TcpListener, TcpStream, UdpSocket);
#[cfg(unix)]
conversions!(super::UnixDatagram, super::UnixListener, super::UnixStream);

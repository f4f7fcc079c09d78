//! A TCP socket before it is a listener or a stream.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use loggia_stack::base::{Errno, Ready};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM, ip, ipv6, sol_socket, tcp};

use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use crate::driver::Host;
use crate::socket::{Socket, address, family};

/// As [`tokio::net::TcpSocket`](https://docs.rs/tokio/latest/tokio/net/struct.TcpSocket.html), on a host.
#[derive(Debug)]
pub struct TcpSocket {
    socket: Socket,
}

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

    /// `SO_LINGER`
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.socket.linger()
    }

    /// Sets `SO_LINGER`.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.socket.set_linger(linger)
    }

    /// Closing resets the connection.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.socket.set_linger(Some(Duration::ZERO))
    }

    fn flag(&self, level: i32, name: i32) -> io::Result<bool> {
        self.socket.int(level, name).map(|value| value != 0)
    }

    /// `SO_KEEPALIVE`
    pub fn keepalive(&self) -> io::Result<bool> {
        self.flag(sol_socket::LEVEL, sol_socket::SO_KEEPALIVE)
    }

    /// Sets `SO_KEEPALIVE`.
    pub fn set_keepalive(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_KEEPALIVE, i32::from(on))
    }

    /// `SO_REUSEADDR`
    pub fn reuseaddr(&self) -> io::Result<bool> {
        self.flag(sol_socket::LEVEL, sol_socket::SO_REUSEADDR)
    }

    /// Sets `SO_REUSEADDR`.
    pub fn set_reuseaddr(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_REUSEADDR, i32::from(on))
    }

    /// `SO_REUSEPORT`
    pub fn reuseport(&self) -> io::Result<bool> {
        self.flag(sol_socket::LEVEL, sol_socket::SO_REUSEPORT)
    }

    /// Sets `SO_REUSEPORT`.
    pub fn set_reuseport(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_REUSEPORT, i32::from(on))
    }

    /// `TCP_NODELAY`
    pub fn nodelay(&self) -> io::Result<bool> {
        self.flag(tcp::LEVEL, tcp::TCP_NODELAY)
    }

    /// Sets `TCP_NODELAY`.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.socket.set_int(tcp::LEVEL, tcp::TCP_NODELAY, i32::from(on))
    }

    /// `SO_SNDBUF` in bytes: twice what was set, as Linux says it.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.socket.int(sol_socket::LEVEL, sol_socket::SO_SNDBUF).map(|size| size as u32)
    }

    /// Sets `SO_SNDBUF` in bytes.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_SNDBUF, size as i32)
    }

    /// `SO_RCVBUF` in bytes: twice what was set, as Linux says it.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.socket.int(sol_socket::LEVEL, sol_socket::SO_RCVBUF).map(|size| size as u32)
    }

    /// Sets `SO_RCVBUF` in bytes.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_int(sol_socket::LEVEL, sol_socket::SO_RCVBUF, size as i32)
    }

    /// `IP_TOS`
    pub fn tos_v4(&self) -> io::Result<u32> {
        self.socket.int(ip::LEVEL, ip::IP_TOS).map(|tos| tos as u32)
    }

    /// Sets `IP_TOS`.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.socket.set_int(ip::LEVEL, ip::IP_TOS, tos as i32)
    }

    /// `IPV6_TCLASS`
    pub fn tclass_v6(&self) -> io::Result<u32> {
        self.socket.int(ipv6::LEVEL, ipv6::IPV6_TCLASS).map(|class| class as u32)
    }

    /// Sets `IPV6_TCLASS`.
    pub fn set_tclass_v6(&self, class: u32) -> io::Result<()> {
        self.socket.set_int(ipv6::LEVEL, ipv6::IPV6_TCLASS, class as i32)
    }

    /// Only by the link of this name (`SO_BINDTODEVICE`). `ENODEV`, `EPERM`
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.set(sol_socket::LEVEL, sol_socket::SO_BINDTODEVICE, interface.unwrap_or_default())
    }
}

/// A connection has come about, or will not.
fn ended(ready: Ready) -> Result<(), Errno> {
    if ready.intersects(Ready::OUT | Ready::ERR | Ready::HUP) { Ok(()) } else { Err(Errno::EAGAIN) }
}

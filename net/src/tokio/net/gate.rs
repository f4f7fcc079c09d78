//! The host's end of a transparent proxy: connections and datagrams for anybody. The host must take them: see
//! [`Interface::transparent`](crate::Interface::transparent).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use loggia_stack::base::{MsgFlags, SockAddr};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Control;
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM, SOCK_STREAM, ip, ipv6, sol_socket};

use super::tcp_stream::TcpStream;
use super::udp::UdpSocket;
use crate::host::Host;
use crate::opening::{Opening, std_addr};
use crate::socket::{READ, Socket, address, family, shown_by_ends, sock_addr};

/// Listens for connections to every address and port that nobody else of the host has, and decides before they are answered.
pub struct TcpGate {
    socket: Arc<Socket>,
}

shown_by_ends!(TcpGate, socket);

impl TcpGate {
    /// A gate for one family: that of `any`, which is its unspecified address. `backlog` connections may wait for a decision, and as many
    /// to be accepted. `EADDRINUSE`
    pub fn bind_on(host: &Host, any: IpAddr, backlog: u32) -> io::Result<Self> {
        let any = SocketAddr::new(any, 0);
        let socket = Socket::new(host, family(&any), SOCK_STREAM)?;
        only_v6(&socket, &any)?;
        socket.call(|stack, id| stack.bind_every_port(id, &address(any)))?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.call(Stack::put_gate)?;
        Ok(Self { socket: Arc::new(socket) })
    }

    /// Waits for the next who wants to open a connection. `ENETDOWN` once the host ends
    pub async fn opening(&self) -> io::Result<Opening> {
        let request = self.socket.when(READ, Socket::next_request).await?;
        Ok(Opening::new(self.socket.clone(), request))
    }

    /// Waits for the next connection that was let in and is open; its `local_addr` is whom it is for. Says whom it is with.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (id, from) = self.socket.when(READ, Socket::accept).await?;
        Ok((TcpStream::new(self.socket.adopt(id)), sock_addr(&from)?))
    }
}

/// Receives datagrams to every address and port that nobody else of the host has.
pub struct UdpGate {
    socket: Socket,
}

shown_by_ends!(UdpGate, socket);

impl UdpGate {
    /// A gate for one family: that of `any`, which is its unspecified address. `EADDRINUSE`
    pub fn bind_on(host: &Host, any: IpAddr) -> io::Result<Self> {
        let any = SocketAddr::new(any, 0);
        let socket = Socket::new(host, family(&any), SOCK_DGRAM)?;
        only_v6(&socket, &any)?;
        let (level, name) =
            if any.is_ipv4() { (ip::LEVEL, ip::IP_RECVORIGDSTADDR) } else { (ipv6::LEVEL, ipv6::IPV6_RECVORIGDSTADDR) };
        socket.set_int(level, name, 1)?;
        socket.call(|stack, id| stack.bind_every_port(id, &address(any)))?;
        Ok(Self { socket })
    }

    /// Waits for the next datagram: its length, from whom it is, and whom it is for.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr, SocketAddr)> {
        let room = Control::OriginalDestination6(SockAddr::default()).space();
        let received = self.socket.reading(|stack, id| stack.recvmsg(id, &mut [&mut *buf], room, MsgFlags::NONE)).await?;
        let to = received.control.iter().find_map(|item| match item {
            Control::OriginalDestination(to) | Control::OriginalDestination6(to) => Some(std_addr(*to)),
            _ => None,
        });
        Ok((received.len, sock_addr(&received.from)?, to.ok_or(io::ErrorKind::InvalidData)?))
    }

    /// A socket that speaks in the name of `to` with `from`, and gets what `from` sends there from now on.
    pub fn answering(&self, from: SocketAddr, to: SocketAddr) -> io::Result<UdpSocket> {
        let socket = Socket::new(&self.socket.host, family(&to), SOCK_DGRAM)?;
        let (level, name) = if to.is_ipv4() { (ip::LEVEL, ip::IP_FREEBIND) } else { (ipv6::LEVEL, ipv6::IPV6_FREEBIND) };
        socket.set_int(level, name, 1)?;
        socket.set_int(sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1)?;
        // At once: nobody else's datagram comes in between.
        socket.call(|stack, id| stack.bind(id, &address(to)).and_then(|()| stack.connect(id, &address(from))))?;
        Ok(UdpSocket::new(socket))
    }
}

/// Tells whoever a socket is connected to that nobody takes what he sent, as if no socket were there. `ENOTCONN`
pub fn refuse_datagrams(socket: &UdpSocket) -> io::Result<()> {
    socket.socket().call(|stack, id| stack.refuse(id, &[]))
}

/// IPv4 has a gate of its own.
fn only_v6(socket: &Socket, any: &SocketAddr) -> io::Result<()> {
    if family(any) == AF_INET { Ok(()) } else { socket.set_int(ipv6::LEVEL, ipv6::IPV6_V6ONLY, 1) }
}

//! Accepting for proxies: a decision before the SYN is answered, and connections for anybody.

use std::io;
use std::net::{IpAddr, SocketAddr};

use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{SOCK_STREAM, ipv6, sol_socket};

use super::tcp_stream::TcpStream;
use crate::blocking::{Blocking, Patience};
use crate::host::Host;
use crate::opening::Opening;
use crate::socket::{READ, Socket, address, family, shown_by_ends, sock_addr};

/// A listener that decides about each connection before it is answered.
///
/// [`bind_on`](Self::bind_on) listens at an address. [`bind_any_on`](Self::bind_any_on) takes connections to every address and port that
/// nobody else of the host has; together with a [transparent](crate::Interface::transparent) interface that is one end of a transparent
/// proxy, and the accepted stream's `local_addr` is where it was to go.
pub struct TcpGate {
    blocking: Blocking,
}

shown_by_ends!(TcpGate, blocking.socket());

impl TcpGate {
    /// A gate at an address. `backlog` connections may wait for a decision, and as many to be accepted. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(host: &Host, addr: SocketAddr, backlog: u32) -> io::Result<Self> {
        let blocking = Blocking::open(host, family(&addr), SOCK_STREAM)?;
        blocking.socket().set_int(sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1)?;
        blocking.socket().bind(&address(addr))?;
        Self::put(blocking, backlog)
    }

    /// A gate for everything of one family: that of `any`, its unspecified address. `EADDRINUSE`
    pub fn bind_any_on(host: &Host, any: IpAddr, backlog: u32) -> io::Result<Self> {
        let any = SocketAddr::new(any, 0);
        let blocking = Blocking::open(host, family(&any), SOCK_STREAM)?;
        if any.is_ipv6() {
            // IPv4 has a gate of its own.
            blocking.socket().set_int(ipv6::LEVEL, ipv6::IPV6_V6ONLY, 1)?;
        }
        blocking.socket().call(|stack, id| stack.bind_every_port(id, &address(any)))?;
        Self::put(blocking, backlog)
    }

    fn put(blocking: Blocking, backlog: u32) -> io::Result<Self> {
        blocking.socket().listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        blocking.socket().call(Stack::put_gate)?;
        Ok(Self { blocking })
    }

    /// Waits for the next who wants to open a connection. `ENETDOWN` once the host ends
    pub fn opening(&self) -> io::Result<Opening> {
        let request = self.blocking.when(READ, &mut Patience::reading(), Socket::next_request)?;
        Ok(Opening::new(self.blocking.clone(), request))
    }

    /// Waits for the next connection that was let in and is open; says whom it is with. `ENETDOWN` once the host ends
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (blocking, from) = self.blocking.accept()?;
        Ok((TcpStream { blocking }, sock_addr(&from)?))
    }

    /// Another handle of the same gate, for another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { blocking: self.blocking.clone() })
    }
}

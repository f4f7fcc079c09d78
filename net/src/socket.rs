//! A socket of a host, as all facades hold it: a handle that closes itself, with the options in Rust's types.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use loggia_stack::base::{Errno, MsgFlags, Ready, SockAddr, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, sol_socket};
use loggia_stack::socket::{Address, Message};
use loggia_stack::transport::tcp::Request;

use crate::driver::Waiters;
use crate::host::Host;

/// What a socket that can be read, accepted from, or is at its end shows.
pub(crate) const READ: Ready = Ready(Ready::IN.0 | Ready::RDHUP.0);
/// What a socket that can be written shows.
pub(crate) const WRITE: Ready = Ready::OUT;

/// The error of the operating system that means the same.
pub(crate) fn error(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.number())
}

/// What an iterator over connections has next: nothing more once the host has ended.
pub(crate) fn until_the_end<T>(accepted: io::Result<T>) -> Option<io::Result<T>> {
    let is_end = |error: &io::Error| error.raw_os_error() == Some(Errno::ENETDOWN.number());
    (!accepted.as_ref().is_err_and(is_end)).then_some(accepted)
}

/// The internet address of a socket call; none for other families.
pub(crate) fn sock_addr(address: &Address) -> io::Result<SocketAddr> {
    match address {
        Address::Inet(SockAddr { addr, port, .. }) => Ok(SocketAddr::new((*addr).into(), *port)),
        Address::Inet6 { addr: SockAddr { addr, port, scope }, flowinfo } => {
            Ok(std::net::SocketAddrV6::new(addr.octets().into(), *port, *flowinfo, *scope).into())
        }
        Address::Unspecified | Address::Unix(_) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// The address as a socket of its family takes it: an IPv4 address written as IPv6 stays one of `AF_INET6`.
pub(crate) fn address(addr: SocketAddr) -> Address {
    match addr {
        SocketAddr::V4(_) => addr.into(),
        SocketAddr::V6(v6) => Address::Inet6 { addr: SockAddr::from(addr), flowinfo: v6.flowinfo() },
    }
}

/// The family of an address, by Linux's number.
pub(crate) fn family(addr: &SocketAddr) -> i32 {
    if addr.is_ipv4() { AF_INET } else { AF_INET6 }
}

/// `Debug` of a type by its ends; `$socket` is the way from `self` to its [`Socket`].
macro_rules! shown_by_ends {
    ($what:ident, $($socket:tt)+) => {
        impl std::fmt::Debug for $what {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.$($socket)+.show(stringify!($what), f)
            }
        }
    };
}

pub(crate) use shown_by_ends;

/// An owned socket; dropping it closes it.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "a sealed trait of the facade for tokio names it")]
pub struct Socket {
    pub(crate) host: Host,
    pub(crate) id: SocketId,
}

impl Socket {
    /// A new one.
    pub(crate) fn new(host: &Host, family: i32, ty: i32) -> io::Result<Self> {
        Self::with_protocol(host, family, ty, 0)
    }

    /// A new one of a protocol. `ENETDOWN` once the host has ended
    pub(crate) fn with_protocol(host: &Host, family: i32, ty: i32, protocol: i32) -> io::Result<Self> {
        let id = host.with(|stack, waiters| {
            waiters.check()?;
            let id = stack.socket(family, ty, protocol)?;
            waiters.know(id);
            Ok(id)
        });
        Ok(Self { host: host.clone(), id: id.map_err(error)? })
    }

    /// Two that are connected to each other.
    pub(crate) fn pair(host: &Host, family: i32, ty: i32) -> io::Result<(Self, Self)> {
        let pair = host.with(|stack, waiters| {
            waiters.check()?;
            let (one, other) = stack.socketpair(family, ty, 0)?;
            waiters.know(one);
            waiters.know(other);
            Ok((one, other))
        });
        let (one, other) = pair.map_err(error)?;
        Ok((Self { host: host.clone(), id: one }, Self { host: host.clone(), id: other }))
    }

    /// Shows it as std shows its sockets: with its ends, as far as it has them.
    pub(crate) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = self.host.with(|stack, _| [stack.getsockname(self.id), stack.getpeername(self.id)]);
        let mut shown = f.debug_struct(name);
        for (end, address) in ["addr", "peer"].into_iter().zip(ends) {
            match address {
                Ok(Address::Unspecified) | Err(_) => {}
                #[cfg(unix)]
                Ok(unix @ Address::Unix(_)) => _ = shown.field(end, &crate::unix::SocketAddr::new(unix)),
                Ok(inet) => {
                    if let Ok(inet) = sock_addr(&inet) {
                        shown.field(end, &inet);
                    }
                }
            }
        }
        shown.finish()
    }

    /// One call.
    pub(crate) fn call<T>(&self, work: impl FnOnce(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.host.with(|stack, _| work(stack, self.id)).map_err(error)
    }

    /// What `poll` reports.
    #[cfg(feature = "tokio")]
    pub(crate) fn readiness(&self) -> io::Result<Ready> {
        self.call(|stack, id| stack.readiness(id))
    }

    pub(crate) fn bind(&self, to: &Address) -> io::Result<()> {
        self.call(|stack, id| stack.bind(id, to))
    }

    pub(crate) fn listen(&self, backlog: i32) -> io::Result<()> {
        self.call(|stack, id| stack.listen(id, backlog))
    }

    /// Accepts, if somebody waits; to be used with [`Socket::adopt`]. `ENETDOWN` once the host ends
    pub(crate) fn accept(stack: &mut Stack, waiters: &mut Waiters, id: SocketId) -> Result<(SocketId, Address), Errno> {
        let (socket, from) = waiters.of_listener(stack.accept(id))?;
        waiters.know(socket);
        Ok((socket, from))
    }

    /// The next who asks at a gate, if there is one. `ENETDOWN` once the host ends
    pub(crate) fn next_request(stack: &mut Stack, waiters: &mut Waiters, id: SocketId) -> Result<Request, Errno> {
        waiters.of_listener(stack.next_request(id))
    }

    /// Another handle of the same socket, which is closed with the last.
    #[cfg(feature = "tokio")]
    pub(crate) fn duplicate(&self) -> Self {
        // Of one that has gone with its stack's world every call says so, and closing it does nothing.
        let _ = self.call(Stack::dup);
        self.adopt(self.id)
    }

    /// Owns a socket of the same host.
    pub(crate) fn adopt(&self, id: SocketId) -> Self {
        Self { host: self.host.clone(), id }
    }

    pub(crate) fn shutdown(&self, how: i32) -> io::Result<()> {
        self.call(|stack, id| stack.shutdown(id, how))
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        sock_addr(&self.call(|stack, id| stack.getsockname(id))?)
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        sock_addr(&self.call(|stack, id| stack.getpeername(id))?)
    }

    pub(crate) fn set(&self, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
        self.call(|stack, id| stack.setsockopt(id, level, name, value))
    }

    pub(crate) fn set_int(&self, level: i32, name: i32, value: i32) -> io::Result<()> {
        self.set(level, name, &value.to_ne_bytes())
    }

    pub(crate) fn int(&self, level: i32, name: i32) -> io::Result<i32> {
        let mut value = [0; 4];
        let len = self.call(|stack, id| stack.getsockopt(id, level, name, &mut value))?;
        // Some options answer with one byte.
        Ok(if len == 1 { i32::from(value[0]) } else { i32::from_ne_bytes(value) })
    }

    /// An option that is on or off.
    pub(crate) fn flag(&self, level: i32, name: i32) -> io::Result<bool> {
        self.int(level, name).map(|value| value != 0)
    }

    /// `SO_ERROR`
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        let errno = self.int(sol_socket::LEVEL, sol_socket::SO_ERROR)?;
        Ok((errno != 0).then(|| io::Error::from_raw_os_error(errno)))
    }

    /// `SO_LINGER`
    pub(crate) fn linger(&self) -> io::Result<Option<Duration>> {
        let mut value = [0; 8];
        self.call(|stack, id| stack.getsockopt(id, sol_socket::LEVEL, sol_socket::SO_LINGER, &mut value))?;
        let int = |at: usize| i32::from_ne_bytes([value[at], value[at + 1], value[at + 2], value[at + 3]]);
        Ok((int(0) != 0).then(|| Duration::from_secs(int(4) as u64)))
    }

    pub(crate) fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        let seconds = linger.map_or(0, |duration| duration.as_secs().min(i32::MAX as u64) as i32);
        let value = [i32::from(linger.is_some()).to_ne_bytes(), seconds.to_ne_bytes()].concat();
        self.set(sol_socket::LEVEL, sol_socket::SO_LINGER, &value)
    }
}

/// A connection has come about, or will not.
pub(crate) fn ended(ready: Ready) -> Result<(), Errno> {
    if ready.intersects(Ready::OUT | Ready::ERR | Ready::HUP) { Ok(()) } else { Err(Errno::EAGAIN) }
}

/// Sends to the connected end, or to `to`.
pub(crate) fn send(stack: &mut Stack, id: SocketId, data: &[&[u8]], to: Option<&Address>) -> Result<usize, Errno> {
    stack.sendmsg(id, &Message { data, to, flags: MsgFlags::NOSIGNAL, ..Message::default() })
}

/// Receives and tells the sender.
pub(crate) fn recvfrom(stack: &mut Stack, id: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<(usize, Address), Errno> {
    stack.recvfrom(id, into, flags)
}

impl Drop for Socket {
    fn drop(&mut self) {
        let forgotten = self.host.with(|stack, waiters| {
            // It may be gone already with its stack's world; there is nobody to tell.
            let _ = stack.close(self.id);
            // Others may have handles of their own, which came along with a message.
            waiters.handle_gone(self.id, |id| stack.readiness(id).is_ok())
        });
        drop(forgotten);
    }
}

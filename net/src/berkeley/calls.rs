//! The calls.

use std::io;

use loggia_stack::base::{Errno, MsgFlags};
use loggia_stack::socket::numbers::{SIOCATMARK, SIOCINQ, SIOCOUTQ, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, sol_socket};

use super::message::{is_read_up, left_to_the_next};
use super::numbers::{F_DUPFD, F_GETFL, F_SETFL, FIONBIO, O_NONBLOCK, O_RDWR};
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, Patience};
use crate::net::SockAddr;
use crate::socket::{Socket, error};

/// Making and ending sockets.
impl Berkeley {
    /// A socket; `ty` may have `SOCK_NONBLOCK` in it. `EAFNOSUPPORT`, `EINVAL`, `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`, `EMFILE`, `ENFILE`,
    /// `ENOBUFS`
    pub fn socket(&self, family: i32, ty: i32, protocol: i32) -> io::Result<Fd> {
        let number = self.table.reserve(0)?;
        let socket = Socket::with_protocol(&self.host, family, ty & !(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol)?;
        Ok(number.fill(entry(Blocking::new(socket), ty)))
    }

    /// Two sockets that are connected to each other; errors as [`Berkeley::socket`], `EOPNOTSUPP` for other families than `AF_UNIX`.
    pub fn socketpair(&self, family: i32, ty: i32) -> io::Result<(Fd, Fd)> {
        let numbers = (self.table.reserve(0)?, self.table.reserve(0)?);
        let (one, other) = Blocking::pair(&self.host, family, ty & !(SOCK_NONBLOCK | SOCK_CLOEXEC))?;
        Ok((numbers.0.fill(entry(one, ty)), numbers.1.fill(entry(other, ty))))
    }

    /// Gives a descriptor back; with the last one of a socket it is closed. `EBADF`
    pub fn close(&self, fd: Fd) -> io::Result<()> {
        self.table.take(fd).map(drop)
    }

    /// Another descriptor for the same socket. `EBADF`, `EMFILE`
    pub fn dup(&self, fd: Fd) -> io::Result<Fd> {
        self.table.put(self.table.get(fd)?)
    }

    /// Another descriptor, of this number, in place of what it was. `EBADF`, `EBUSY`
    pub fn dup2(&self, fd: Fd, number: Fd) -> io::Result<Fd> {
        let entry = self.table.get(fd)?;
        if fd != number {
            drop(self.table.put_at(entry, number)?);
        }
        Ok(number)
    }

    /// `F_GETFL` (`O_RDWR` and `O_NONBLOCK`), `F_SETFL` (`O_NONBLOCK`), `F_DUPFD`. `EBADF`, `EINVAL`, `EMFILE`
    pub fn fcntl(&self, fd: Fd, command: i32, argument: i32) -> io::Result<i32> {
        let entry = self.table.get(fd)?;
        match (command, entry) {
            (F_DUPFD, entry) => self.table.duplicate(entry, argument),
            (F_GETFL, Entry::Epoll(_)) => Ok(O_RDWR),
            (F_GETFL, Entry::Socket(socket)) => Ok(O_RDWR | if socket.is_nonblocking() { O_NONBLOCK } else { 0 }),
            (F_SETFL, Entry::Socket(socket)) => {
                socket.set_nonblocking(argument & O_NONBLOCK != 0);
                Ok(0)
            }
            // A set has no mode: its calls say how long they wait.
            (F_SETFL, Entry::Epoll(_)) => Ok(0),
            _ => Err(error(Errno::EINVAL)),
        }
    }

    /// `FIONBIO`, `FIONREAD` (`SIOCINQ`), `SIOCOUTQ`, `SIOCATMARK`. `EBADF`, `ENOTTY`, `EINVAL`
    pub fn ioctl(&self, fd: Fd, request: u32, argument: &mut i32) -> io::Result<()> {
        let socket = self.get(fd)?;
        match request {
            FIONBIO => socket.set_nonblocking(*argument != 0),
            SIOCINQ | SIOCOUTQ | SIOCATMARK => {
                let answer = socket.socket().call(|stack, id| stack.query(id, request))?;
                *argument = i32::try_from(answer).unwrap_or(i32::MAX);
            }
            _ => return Err(error(Errno::ENOTTY)),
        }
        Ok(())
    }
}

/// Names and connections.
impl Berkeley {
    /// Gives a socket an address. `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`
    pub fn bind(&self, fd: Fd, address: &SockAddr) -> io::Result<()> {
        self.get(fd)?.socket().bind(&address.0)
    }

    /// Lets connections come, of which `backlog` wait. `EADDRINUSE`, `EOPNOTSUPP`
    pub fn listen(&self, fd: Fd, backlog: i32) -> io::Result<()> {
        self.get(fd)?.socket().listen(backlog)
    }

    /// The next connection, and whom it is with. `EAGAIN`, `EINVAL`, `EMFILE` (it stays where it is)
    pub fn accept(&self, fd: Fd) -> io::Result<(Fd, SockAddr)> {
        self.accept4(fd, 0)
    }

    /// As [`Berkeley::accept`]; `SOCK_NONBLOCK` for the new socket.
    pub fn accept4(&self, fd: Fd, flags: i32) -> io::Result<(Fd, SockAddr)> {
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(error(Errno::EINVAL));
        }
        let (listener, number) = (self.get(fd)?, self.table.reserve(0)?);
        let (socket, from) = listener.accept()?;
        Ok((number.fill(entry(socket, flags)), SockAddr(from)))
    }

    /// Connects, or names the other end of a datagram socket. `EINPROGRESS`, `ECONNREFUSED`, `ETIMEDOUT`, `EISCONN`, `EALREADY`, …
    pub fn connect(&self, fd: Fd, address: &SockAddr) -> io::Result<()> {
        self.get(fd)?.connect(&address.0, None)
    }

    /// Ends reading (`SHUT_RD`), writing (`SHUT_WR`) or both (`SHUT_RDWR`). `ENOTCONN`, `EINVAL`
    pub fn shutdown(&self, fd: Fd, how: i32) -> io::Result<()> {
        self.get(fd)?.socket().shutdown(how)
    }

    /// Our end's address.
    pub fn getsockname(&self, fd: Fd) -> io::Result<SockAddr> {
        self.get(fd)?.socket().call(|stack, id| stack.getsockname(id)).map(SockAddr)
    }

    /// The other end's address. `ENOTCONN`
    pub fn getpeername(&self, fd: Fd) -> io::Result<SockAddr> {
        self.get(fd)?.socket().call(|stack, id| stack.getpeername(id)).map(SockAddr)
    }

    /// Reads an option; says how many bytes it has. `ENOPROTOOPT`, `EINVAL`
    pub fn getsockopt(&self, fd: Fd, level: i32, name: i32, value: &mut [u8]) -> io::Result<usize> {
        self.get(fd)?.socket().call(|stack, id| stack.getsockopt(id, level, name, value))
    }

    /// Sets an option. `ENOPROTOOPT`, `EINVAL`
    pub fn setsockopt(&self, fd: Fd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
        self.get(fd)?.socket().set(level, name, value)
    }
}

/// Data.
impl Berkeley {
    /// Sends to the connected end. `EPIPE`, `ECONNRESET`, `EMSGSIZE`, `ENOTCONN`, `EDESTADDRREQ`, `EAGAIN`
    pub fn send(&self, fd: Fd, buf: &[u8], flags: i32) -> io::Result<usize> {
        self.sendmsg(fd, &[io::IoSlice::new(buf)], None, &[], flags)
    }

    /// Sends to an address. `EMSGSIZE`, `ENETUNREACH`, `EACCES`, `EISCONN`
    pub fn sendto(&self, fd: Fd, buf: &[u8], flags: i32, to: &SockAddr) -> io::Result<usize> {
        self.sendmsg(fd, &[io::IoSlice::new(buf)], Some(to), &[], flags)
    }

    /// As [`Berkeley::send`] without flags.
    pub fn write(&self, fd: Fd, buf: &[u8]) -> io::Result<usize> {
        self.send(fd, buf, 0)
    }

    /// Receives; 0 from a stream is its end. `MSG_PEEK`, `MSG_DONTWAIT`, `MSG_WAITALL`, `MSG_TRUNC`, `MSG_OOB`, `MSG_ERRQUEUE`
    pub fn recv(&self, fd: Fd, buf: &mut [u8], flags: i32) -> io::Result<usize> {
        let (socket, flags) = (self.get(fd)?, MsgFlags(flags as u32));
        let (all, mut patience) = (socket.waits_for_all(flags)?, Patience::reading());
        let mut done = 0;
        loop {
            let into = &mut buf[done..];
            match socket.receiving(flags, &mut patience, |stack, _, id, flags| {
                left_to_the_next(done > 0 && is_read_up(stack, id)?)?;
                stack.recv(id, into, flags)
            }) {
                Ok(0) => return Ok(done),
                Ok(len) => done += len,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if !all || done >= buf.len() {
                return Ok(done);
            }
        }
    }

    /// Receives, and says whom it is from.
    pub fn recvfrom(&self, fd: Fd, buf: &mut [u8], flags: i32) -> io::Result<(usize, SockAddr)> {
        let received = self.recvmsg(fd, &mut [io::IoSliceMut::new(buf)], &mut [], flags)?;
        Ok((received.len, received.from))
    }

    /// As [`Berkeley::recv`] without flags.
    pub fn read(&self, fd: Fd, buf: &mut [u8]) -> io::Result<usize> {
        self.recv(fd, buf, 0)
    }
}

fn entry(socket: Blocking, flags: i32) -> Entry {
    socket.set_nonblocking(flags & SOCK_NONBLOCK != 0);
    Entry::Socket(socket)
}

impl Blocking {
    /// True for a call that goes on until its room is full. A look never does: what it does not take would come again.
    pub(super) fn waits_for_all(&self, flags: MsgFlags) -> io::Result<bool> {
        let asked = flags.contains(MsgFlags::WAITALL) && !flags.contains(MsgFlags::PEEK);
        Ok(asked && self.socket().int(sol_socket::LEVEL, sol_socket::SO_TYPE)? == SOCK_STREAM)
    }
}

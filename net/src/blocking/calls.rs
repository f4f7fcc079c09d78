//! The calls that may have to wait.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::time::Duration;

use bytes::{Buf, Bytes};
use loggia_stack::base::{Errno, MsgFlags};
use loggia_stack::socket::numbers::{SHUT_RD, SHUT_RDWR, SHUT_WR, sol_socket};
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::unix::{Right, SCM_MAX_FD};

use super::patience::timeout;
use super::{Blocking, Patience, moment_in};
use crate::socket::{READ, Socket, WRITE, ended, error, recvfrom, send};

/// Most pieces of one vectored call, as Linux's `UIO_MAXIOV` bounds them.
const PIECES: usize = 1024;

/// Connections.
impl Blocking {
    /// Waits for a connection. `EAGAIN`, `EINVAL`
    pub(crate) fn accept(&self) -> io::Result<(Self, Address)> {
        let (id, from) = self.when(READ, &mut Patience::reading(), Socket::accept)?;
        Ok((Self::new(self.socket().adopt(id)), from))
    }

    /// Connects, for as long as `limit` says, else the socket's `SO_SNDTIMEO`: the beginning, where a Unix listener has no room, and the
    /// handshake together. One that was begun before is waited for.
    pub(crate) fn connect(&self, to: &Address, limit: Option<Duration>) -> io::Result<()> {
        let mut patience = limit.map_or_else(Patience::writing, |limit| Patience::until(moment_in(limit)));
        let begun = self.when(WRITE, &mut patience, |stack, _, id| match stack.connect(id, to) {
            Err(begun @ (Errno::EINPROGRESS | Errno::EALREADY)) => Ok(Some(begun)),
            done => done.map(|()| None),
        })?;
        let Some(begun) = begun else { return Ok(()) };
        if self.is_nonblocking() {
            return Err(error(begun));
        }
        let waited = self.when(WRITE, &mut patience, |stack, _, id| {
            ended(stack.readiness(id)?)?;
            match stack.connect(id, to) {
                // Another who waited was told before.
                Err(Errno::EISCONN) => Ok(()),
                // It was shut down meanwhile.
                Err(Errno::EINVAL) => Err(Errno::ECONNABORTED),
                done => done,
            }
        });
        match waited {
            // As Linux says it, and as std does where it has the limit.
            Err(over) if over.kind() == io::ErrorKind::WouldBlock => Err(match limit {
                None => error(begun),
                Some(_) => io::Error::new(io::ErrorKind::TimedOut, "connection timed out"),
            }),
            done => done,
        }
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(match how {
            Shutdown::Read => SHUT_RD,
            Shutdown::Write => SHUT_WR,
            Shutdown::Both => SHUT_RDWR,
        })
    }
}

/// Receiving.
impl Blocking {
    /// Reads; 0 is the end of a stream.
    pub(crate) fn recv(&self, into: &mut [u8], flags: MsgFlags) -> io::Result<usize> {
        self.receiving(flags, &mut Patience::reading(), |stack, _, id, flags| stack.recv(id, into, flags))
    }

    pub(crate) fn recv_vectored(&self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut pieces: Vec<&mut [u8]> = into.iter_mut().take(PIECES).map(|piece| &mut **piece).collect();
        self.receiving(MsgFlags::NONE, &mut Patience::reading(), |stack, _, id, flags| {
            stack.recvmsg(id, &mut pieces, 0, flags).map(|received| received.len)
        })
    }

    pub(crate) fn recv_from(&self, into: &mut [u8], flags: MsgFlags) -> io::Result<(usize, Address)> {
        self.receiving(flags, &mut Patience::reading(), |stack, _, id, flags| recvfrom(stack, id, into, flags))
    }

    /// Receives with the sockets that were sent along.
    pub(crate) fn recv_sockets(&self, into: &mut [u8]) -> io::Result<(usize, Vec<Self>)> {
        let room = Control::Rights(vec![Right::Foreign(0); SCM_MAX_FD]).space();
        let (len, passed) = self.receiving(MsgFlags::NONE, &mut Patience::reading(), |stack, waiters, id, flags| {
            let received = stack.recvmsg(id, &mut [&mut *into], room, flags)?;
            let rights = received.control.into_iter().filter_map(|item| match item {
                Control::Rights(rights) => Some(rights),
                _ => None,
            });
            let ids = rights.flatten().filter_map(|right| match right {
                Right::Socket(id) => Some(id),
                Right::Foreign(_) => None,
            });
            let passed: Vec<_> = ids.map(|id| (id, waiters.know_passed(id))).collect();
            Ok((received.len, passed))
        })?;
        Ok((len, passed.into_iter().map(|(id, mode)| Self::with_mode(self.socket().adopt(id), mode)).collect()))
    }
}

/// Sending.
impl Blocking {
    /// Sends a datagram.
    pub(crate) fn send(&self, data: &[u8], to: Option<&Address>) -> io::Result<usize> {
        self.writing(|stack, id| send(stack, id, &[data], to))
    }

    /// Sends to the connected end or to an address, with flags; without waiting, if they say so.
    pub(crate) fn send_with(&self, data: &[u8], to: Option<&Address>, flags: MsgFlags) -> io::Result<usize> {
        let message = Message { data: &[data], to, flags: flags | MsgFlags::NOSIGNAL, ..Message::default() };
        if flags.contains(MsgFlags::DONTWAIT) {
            return self.at_once(|stack, _, id| stack.sendmsg(id, &message));
        }
        self.writing(|stack, id| stack.sendmsg(id, &message))
    }

    /// Writes to a stream: all of it, as Linux does for those who wait, unless an error or the timeout comes first.
    pub(crate) fn write(&self, data: &[u8]) -> io::Result<usize> {
        let mut patience = Patience::writing();
        let mut done = 0;
        loop {
            match self.when(WRITE, &mut patience, |stack, _, id| send(stack, id, &[&data[done..]], None)) {
                Ok(len) => done += len,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if done == data.len() || self.is_nonblocking() {
                return Ok(done);
            }
        }
    }

    /// As [`Blocking::write`], without a copy.
    pub(crate) fn send_bytes(&self, mut chunk: Bytes) -> io::Result<usize> {
        let mut patience = Patience::writing();
        let mut done = 0;
        loop {
            let flags = MsgFlags::NOSIGNAL;
            match self.when(WRITE, &mut patience, |stack, _, id| stack.send_bytes(id, chunk.clone(), flags)) {
                Ok(len) => {
                    done += len;
                    chunk.advance(len);
                }
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if chunk.is_empty() || self.is_nonblocking() {
                return Ok(done);
            }
        }
    }

    pub(crate) fn write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let pieces: Vec<&[u8]> = data.iter().take(PIECES).map(|piece| &**piece).collect();
        self.writing(|stack, id| send(stack, id, &pieces, None))
    }

    /// Sends sockets along. `EINVAL` for one of another host
    pub(crate) fn send_sockets(&self, data: &[u8], sockets: &[&Self]) -> io::Result<usize> {
        if !sockets.iter().all(|socket| socket.socket().host.is(&self.socket().host)) {
            return Err(error(Errno::EINVAL));
        }
        let control = [Control::Rights(sockets.iter().map(|socket| Right::Socket(socket.socket().id)).collect())];
        let message = Message { data: &[data], control: &control, flags: MsgFlags::NOSIGNAL, ..Message::default() };
        self.when(WRITE, &mut Patience::writing(), |stack, waiters, id| {
            let len = stack.sendmsg(id, &message)?;
            sockets.iter().for_each(|socket| socket.pass(waiters));
            Ok(len)
        })
    }
}

/// Timeouts.
impl Blocking {
    /// `SO_RCVTIMEO` or `SO_SNDTIMEO`.
    pub(crate) fn timeout(&self, name: i32) -> io::Result<Option<Duration>> {
        self.socket().call(|stack, id| timeout(stack, id, name))
    }

    /// `InvalidInput` for a timeout of nothing, as std.
    pub(crate) fn set_timeout(&self, name: i32, timeout: Option<Duration>) -> io::Result<()> {
        let value = match timeout {
            Some(Duration::ZERO) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
            }
            // Less than a microsecond would be none at all.
            Some(timeout) => timeout.max(Duration::from_micros(1)),
            None => Duration::ZERO,
        };
        let seconds = i64::try_from(value.as_secs()).unwrap_or(i64::MAX);
        let value = [seconds.to_ne_bytes(), i64::from(value.subsec_micros()).to_ne_bytes()].concat();
        self.socket().set(sol_socket::LEVEL, name, &value)
    }
}

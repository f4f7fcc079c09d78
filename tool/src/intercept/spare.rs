//! Native sockets made in advance, while nobody waits for an answer.
//!
//! A program that opens connections one by one waits for each step of ours. What does not depend on its call is done before: one stream
//! socket without a connection, for `socket`, and one connected pair, for `accept`, lie ready with their options set and their names known.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::meeting;
use crate::sys::socket;

/// The program's end of a socket, with the names the kernel has for it.
#[derive(Debug)]
pub(super) struct ProgramEnd {
    pub(super) fd: OwnedFd,
    pub(super) cookie: u64,
    pub(super) inode: u64,
}

impl ProgramEnd {
    pub(super) fn of(fd: OwnedFd) -> io::Result<Self> {
        let (cookie, inode) = (socket::cookie(fd.as_fd())?, socket::inode(fd.as_fd())?);
        Ok(Self { fd, cookie, inode })
    }

    fn unconnected() -> io::Result<Self> {
        Self::of(meeting::unconnected()?)
    }

    fn connected() -> io::Result<(Self, OwnedFd)> {
        let (program, end) = meeting::connected()?;
        Ok((Self::of(program)?, end))
    }

    /// Sets `SOCK_NONBLOCK` if `flags` have it.
    fn with(self, flags: i32) -> io::Result<Self> {
        if flags & libc::SOCK_NONBLOCK != 0 {
            socket::set_nonblocking(self.fd.as_fd())?;
        }
        Ok(self)
    }
}

/// One of each kind.
#[derive(Debug, Default)]
pub(super) struct Spares {
    unconnected: Option<ProgramEnd>,
    connected: Option<(ProgramEnd, OwnedFd)>,
}

impl Spares {
    /// A program's end that is not connected yet, with `flags` (`SOCK_NONBLOCK`).
    pub(super) fn unconnected(&mut self, flags: i32) -> io::Result<ProgramEnd> {
        self.unconnected.take().map_or_else(ProgramEnd::unconnected, Ok)?.with(flags)
    }

    /// A connected pair: the program's end, with `flags` (`SOCK_NONBLOCK`), and ours.
    pub(super) fn connected(&mut self, flags: i32) -> io::Result<(ProgramEnd, OwnedFd)> {
        let (program, end) = self.connected.take().map_or_else(ProgramEnd::connected, Ok)?;
        Ok((program.with(flags)?, end))
    }

    /// Makes what is missing. Where that fails, whoever needs it finds out why.
    pub(super) fn prepare(&mut self) {
        if self.unconnected.is_none() {
            self.unconnected = ProgramEnd::unconnected().ok();
        }
        if self.connected.is_none() {
            self.connected = ProgramEnd::connected().ok();
        }
    }
}

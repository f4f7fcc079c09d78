//! Where the program's end meets ours: a private listening socket.
//!
//! A stream socket must become connected without another descriptor taking its place, or copies of it and epoll registrations would be
//! left behind. So we connect a copy of the program's descriptor, which is the same open file, to a socket of ours, and accept.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::table::Entry;
use crate::sys::socket;

/// `SO_SNDBUF` of both ends as it is set, unless the program asks for less; the kernel doubles it. 128 KiB carried most of the sizes
/// tried.
const BUFFER: i32 = 64 << 10;

/// Sent as one message this is more than a quarter of the largest buffer. As long as it lies unread `poll` does not say that the end
/// can be written to, whatever buffer the end is given meanwhile.
static BLOCK: [u8; BLOCK_LEN] = [0; BLOCK_LEN];
const BLOCK_LEN: usize = BUFFER as usize / 2 + (2 << 10);

/// Whoever connects to us waits only if the queue is full. The name is no secret, so a hostile program may have filled it.
const PATIENCE: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 1_000 };

/// The private listening socket.
#[derive(Debug)]
pub(super) struct Meeting {
    listener: OwnedFd,
    name: Vec<u8>,
    /// An end was connected and not accepted: the next to be accepted is not the next to be connected.
    is_stale: bool,
    /// This process.
    process: i32,
}

impl Meeting {
    pub(super) fn new() -> io::Result<Self> {
        let listener = socket::unix(libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)?;
        let process = std::process::id();
        let name = format!("loggia-{process}-{:016x}", RandomState::new().build_hasher().finish()).into_bytes();
        socket::bind_abstract(listener.as_fd(), &name)?;
        socket::listen(listener.as_fd(), 64)?;
        Ok(Self { listener, name, is_stale: false, process: process as i32 })
    }

    /// Connects the program's end; gives ours.
    pub(super) fn attach(&mut self, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        if self.is_stale {
            *self = Self::new()?;
        }
        if let Err(error) = socket::connect_abstract(program, &self.name) {
            if error.raw_os_error() != Some(libc::EAGAIN) {
                return Err(error);
            }
            // Strangers fill the queue: go elsewhere.
            *self = Self::new()?;
            socket::connect_abstract(program, &self.name)?;
        }
        let end = self.accept();
        self.is_stale = end.is_err();
        end.and_then(|end| show_urgent_in_line(end.as_fd()).map(|()| end))
    }

    /// Our end of what was just connected.
    fn accept(&self) -> io::Result<OwnedFd> {
        loop {
            let end = socket::accept(self.listener.as_fd())?;
            if socket::peer_process(end.as_fd())? == self.process {
                return Ok(end);
            }
        }
    }
}

/// A program's end that is not connected yet.
pub(super) fn unconnected() -> io::Result<OwnedFd> {
    let program = socket::unix(libc::SOCK_STREAM | libc::SOCK_CLOEXEC)?;
    set_send_timeout(program.as_fd(), PATIENCE)?;
    Ok(program)
}

/// A connected pair, the program's end and ours, with the largest buffers they are given.
pub(super) fn connected() -> io::Result<(OwnedFd, OwnedFd)> {
    let (program, end) = socket::pair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC)?;
    show_urgent_in_line(end.as_fd())?;
    set_buffer(program.as_fd(), BUFFER)?;
    set_buffer(end.as_fd(), BUFFER)?;
    Ok((program, end))
}

/// Urgent bytes are looked for where they stand in the stream.
fn show_urgent_in_line(end: BorrowedFd<'_>) -> io::Result<()> {
    socket::set_option(end, libc::SOL_SOCKET, libc::SO_OOBINLINE, &1i32.to_ne_bytes())
}

/// Fills the program's send buffer, which must be empty and as large as the kernel makes it, so that it is not writable; says with how many
/// bytes. Nearly all of them are one message, which the kernel frees as a whole: reading them makes one edge, and giving the end its buffer
/// before that makes none. It is sent before the buffer is made small: `SO_SNDBUF` wakes who waits at an end that can be written to.
pub(super) fn fill_at_once(program: BorrowedFd<'_>) -> io::Result<usize> {
    let block = socket::send(program, &BLOCK, 0)?;
    fill(program).map(|more| block + more)
}

/// Fills the program's send buffer until nothing more is taken, so that it is not writable; says with how many bytes.
/// "Not writable" to `poll` would be too early: a send would still succeed.
pub(super) fn fill(program: BorrowedFd<'_>) -> io::Result<usize> {
    set_buffer(program, 1)?;
    let (junk, mut filled) = ([0; 4096], 0);
    for size in [junk.len(), 1] {
        loop {
            match socket::send(program, &junk[..size], 0) {
                Ok(len) => filled += len,
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(filled)
}

/// Gives both ends of a connection their buffers.
pub(super) fn set_buffers(program: BorrowedFd<'_>, end: BorrowedFd<'_>, entry: &Entry) {
    // It can only fail for what is no socket.
    let _ = set_buffer(program, buffer_for(entry.send_room));
    let _ = set_buffer(end, buffer_for(entry.receive_room));
}

/// The same where both have the largest and nobody waits at them.
pub(super) fn lower_buffers(program: BorrowedFd<'_>, end: BorrowedFd<'_>, entry: &Entry) {
    if buffer_for(entry.send_room.min(entry.receive_room)) < BUFFER {
        set_buffers(program, end, entry);
    }
}

/// `poll` says that the program's end can be written to though one message lies unread, be it the largest there is (half a buffer): who waits for
/// that learns that writing fails. The kernel says so as long as what lies unread is a quarter of the buffer.
pub(super) fn let_be_written(program: BorrowedFd<'_>) {
    const MESSAGES: i32 = 3;
    // It can only fail for what is no socket.
    let _ = set_buffer(program, MESSAGES * BUFFER);
}

fn buffer_for(room: usize) -> i32 {
    (room as i32 / 2).min(BUFFER)
}

fn set_buffer(fd: BorrowedFd<'_>, bytes: i32) -> io::Result<()> {
    socket::set_option(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, &bytes.to_ne_bytes())
}

/// A read from a listener fails as soon as the kernel can be made to: nothing but tokens will ever come.
pub(super) fn let_reads_fail(program: BorrowedFd<'_>) -> io::Result<()> {
    let bytes = [0i64.to_ne_bytes(), 1i64.to_ne_bytes()].concat();
    socket::set_option(program, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &bytes)
}

/// The program's own timeout takes effect natively once it is connected.
pub(super) fn set_send_timeout(fd: BorrowedFd<'_>, timeout: libc::timeval) -> io::Result<()> {
    let bytes = [timeout.tv_sec.to_ne_bytes(), timeout.tv_usec.to_ne_bytes()].concat();
    socket::set_option(fd, libc::SOL_SOCKET, libc::SO_SNDTIMEO, &bytes)
}

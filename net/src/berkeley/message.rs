//! `sendmsg`, `recvmsg` and ancillary data in the form of `struct cmsghdr`.

use std::io::{self, IoSlice, IoSliceMut};

use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::sol_socket;
use loggia_stack::socket::{Control, Message, control};
use loggia_stack::transport::unix::Right;

use super::numbers::MSG_DONTWAIT;
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, Patience};
use crate::driver::Waiters;
use crate::net::SockAddr;
use crate::socket::{READ, Socket, WRITE, error};

/// What [`Berkeley::recvmsg`] received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MsgReceived {
    /// Bytes; 0 from a stream is its end.
    pub len: usize,
    /// The sender, for messages.
    pub from: SockAddr,
    /// `MSG_TRUNC`, `MSG_CTRUNC`, `MSG_OOB`, `MSG_ERRQUEUE`
    pub flags: i32,
    /// Bytes of ancillary data.
    pub control: usize,
}

impl Berkeley {
    /// Sends pieces, with ancillary data in Linux's form (`SCM_RIGHTS` names descriptors of this table). One who waits has all of a stream's
    /// bytes taken, as on Linux. Errors as [`Berkeley::send`]; `EBADF`, `EINVAL` for ancillary data that cannot be.
    pub fn sendmsg(&self, fd: Fd, bufs: &[IoSlice<'_>], to: Option<&SockAddr>, control: &[u8], flags: i32) -> io::Result<usize> {
        let socket = self.get(fd)?;
        // They live until the message has been taken.
        let (mut items, mut passed) = (Vec::new(), Vec::new());
        for (level, ty, data) in headers(control)? {
            items.push(self.item(level, ty, data, &mut passed)?);
        }
        let (flags, to) = (MsgFlags(flags as u32 | MsgFlags::NOSIGNAL.0), to.map(|to| &to.0));
        let mut pieces: Vec<&[u8]> = bufs.iter().map(|piece| &**piece).collect();
        let mut done = 0;
        loop {
            let message = Message { data: &pieces, to, control: &items, flags };
            match socket.flagged(Way::Out, flags.0 as i32, |stack, _, id| stack.sendmsg(id, &message)) {
                Ok(len) => {
                    done += len;
                    advance(&mut pieces, len);
                }
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if pieces.is_empty() || socket.is_nonblocking() || flags.contains(MsgFlags::DONTWAIT) {
                return Ok(done);
            }
            items.clear();
        }
    }

    /// Receives into pieces, with ancillary data in Linux's form as far as it fits. Errors as [`Berkeley::recv`].
    pub fn recvmsg(&self, fd: Fd, bufs: &mut [IoSliceMut<'_>], control: &mut [u8], flags: i32) -> io::Result<MsgReceived> {
        let socket = self.get(fd)?;
        let mut pieces: Vec<&mut [u8]> = bufs.iter_mut().map(|piece| &mut **piece).collect();
        let received = socket.flagged(Way::In, flags, |stack, waiters, id| {
            let received = stack.recvmsg(id, &mut pieces, control.len(), socket.flags(MsgFlags(flags as u32)))?;
            for right in rights(&received.control) {
                if let Right::Socket(id) = right {
                    waiters.know(*id);
                }
            }
            Ok(received)
        })?;
        let mut written = 0;
        for item in &received.control {
            let data = match item {
                Control::Rights(rights) => self.descriptors(&socket, rights)?,
                item => item.data(),
            };
            written += write(item.header(), &data, &mut control[written..]);
        }
        Ok(MsgReceived { len: received.len, from: SockAddr(received.from), flags: received.flags.0 as i32, control: written })
    }

    fn item(&self, level: i32, ty: i32, data: &[u8], passed: &mut Vec<Blocking>) -> io::Result<Control> {
        if (level, ty) != (sol_socket::LEVEL, sol_socket::SCM_RIGHTS) {
            return Control::from_bytes(level, ty, data).map_err(error);
        }
        let mut rights = Vec::new();
        for number in data.chunks_exact(4) {
            let fd = i32::from_ne_bytes([number[0], number[1], number[2], number[3]]);
            let socket = self.get(fd)?;
            rights.push(Right::Socket(socket.socket().id));
            passed.push(socket);
        }
        Ok(Control::Rights(rights))
    }

    /// Descriptors for the sockets that came with a message.
    fn descriptors(&self, socket: &Blocking, rights: &[Right]) -> io::Result<Vec<u8>> {
        let sockets = rights.iter().filter_map(|right| match right {
            Right::Socket(id) => Some(Blocking::new(socket.socket().adopt(*id))),
            Right::Foreign(_) => None,
        });
        // All are owned before the first may find no number.
        let sockets: Vec<_> = sockets.collect();
        let numbers: io::Result<Vec<_>> = sockets.into_iter().map(|socket| self.table.put(Entry::Socket(socket), 0)).collect();
        Ok(numbers?.into_iter().flat_map(i32::to_ne_bytes).collect())
    }
}

fn rights(items: &[Control]) -> impl Iterator<Item = &Right> {
    items.iter().filter_map(|item| if let Control::Rights(rights) = item { Some(rights) } else { None }).flatten()
}

/// Takes away what has been sent.
fn advance(pieces: &mut Vec<&[u8]>, mut len: usize) {
    pieces.retain_mut(|piece| {
        let taken = len.min(piece.len());
        len -= taken;
        *piece = &piece[taken..];
        !piece.is_empty()
    });
}

type Header<'a> = (i32, i32, &'a [u8]);

/// The items of a control buffer. `EINVAL` for one that does not fit.
fn headers(mut control: &[u8]) -> io::Result<Vec<Header<'_>>> {
    let mut items = Vec::new();
    while control.len() >= control::HEADER {
        let word = |at: usize| control[at..].first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        let len = control.first_chunk().map_or(0, |bytes| usize::from_ne_bytes(*bytes));
        let data = control.get(control::HEADER..len).ok_or_else(|| error(Errno::EINVAL))?;
        items.push((word(8), word(12), data));
        control = control.get(len.next_multiple_of(8)..).unwrap_or_default();
    }
    Ok(items)
}

/// Writes an item; says how much room it took. The stack has seen to it that all fit.
fn write((level, ty): (i32, i32), data: &[u8], into: &mut [u8]) -> usize {
    let len = control::HEADER + data.len();
    let bytes = [&len.to_ne_bytes()[..], &level.to_ne_bytes(), &ty.to_ne_bytes(), data].concat();
    let fits = bytes.len().min(into.len());
    into[..fits].copy_from_slice(&bytes[..fits]);
    len.next_multiple_of(8).min(into.len())
}

/// Which way a call goes.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl Blocking {
    /// A receiving call with flags: with `MSG_DONTWAIT` it does not wait, whatever the socket's mode.
    pub(super) fn receiving<T>(
        &self,
        flags: i32,
        mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        self.flagged(Way::In, flags, |stack, _, id| work(stack, id))
    }

    fn flagged<T>(
        &self,
        way: Way,
        flags: i32,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let Socket { host, id } = self.socket();
        if flags & MSG_DONTWAIT != 0 {
            return host.with(|stack, waiters| work(stack, waiters, *id)).map_err(error);
        }
        match way {
            Way::In => self.when(READ, Patience::Option(sol_socket::SO_RCVTIMEO), work),
            Way::Out => self.when(WRITE, Patience::Option(sol_socket::SO_SNDTIMEO), work),
        }
    }
}

//! `sendmsg`, `recvmsg` and ancillary data in the form of `struct cmsghdr`.

use std::io::{self, IoSlice, IoSliceMut};

use loggia_stack::base::{Errno, MsgFlags, Ready, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{SIOCINQ, sol_socket};
use loggia_stack::socket::{Address, Control, Message, control};
use loggia_stack::transport::unix::Right;

use super::numbers::MSG_CTRUNC;
use super::table::Entry;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, Patience};
use crate::driver::Waiters;
use crate::net::SockAddr;
use crate::socket::{WRITE, error};

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
        let (hasty, mut patience) = (flags.contains(MsgFlags::DONTWAIT), Patience::writing());
        let mut done = 0;
        loop {
            let message = Message { data: &pieces, to, control: &items, flags };
            let work = |stack: &mut Stack, waiters: &mut Waiters, id| {
                left_to_the_next(done > 0 && stack.readiness(id)?.contains(Ready::HUP))?;
                let len = stack.sendmsg(id, &message)?;
                passed.iter().for_each(|socket| socket.pass(waiters));
                Ok(len)
            };
            match if hasty { socket.at_once(work) } else { socket.when(WRITE, &mut patience, work) } {
                Ok(len) => {
                    done += len;
                    advance(&mut pieces, len);
                }
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if pieces.is_empty() || hasty || socket.is_nonblocking() {
                return Ok(done);
            }
            items.clear();
        }
    }

    /// Receives into pieces, with ancillary data in Linux's form as far as it fits. Sockets for which there is no number are closed, and
    /// `MSG_CTRUNC` says so. Errors as [`Berkeley::recv`].
    pub fn recvmsg(&self, fd: Fd, bufs: &mut [IoSliceMut<'_>], control: &mut [u8], flags: i32) -> io::Result<MsgReceived> {
        let (socket, flags) = (self.get(fd)?, MsgFlags(flags as u32));
        let (all, mut patience) = (socket.waits_for_all(flags)?, Patience::reading());
        let mut left = bufs;
        let mut whole = MsgReceived { len: 0, from: SockAddr(Address::Unspecified), flags: 0, control: 0 };
        loop {
            let mut pieces: Vec<&mut [u8]> = left.iter_mut().map(|piece| &mut **piece).collect();
            let received = socket.receiving(flags, &mut patience, |stack, waiters, id, flags| {
                left_to_the_next(whole.len > 0 && is_read_up(stack, id)?)?;
                let received = stack.recvmsg(id, &mut pieces, control.len(), flags)?;
                let passed = rights(&received.control).filter_map(|right| match right {
                    Right::Socket(id) => Some((*id, waiters.know_passed(*id))),
                    Right::Foreign(_) => None,
                });
                let passed = passed.collect::<Vec<_>>();
                Ok((received, passed))
            });
            let (received, passed) = match received {
                Err(_) if whole.len > 0 => return Ok(whole),
                received => received?,
            };
            if received.len == 0 && whole.len > 0 {
                // The end comes with the next call; of this one it says nothing.
                return Ok(whole);
            }
            // All are owned before the first may find no number.
            let passed = passed.into_iter().map(|(id, mode)| Blocking::with_mode(socket.socket().adopt(id), mode));
            let passed: Vec<_> = passed.collect();
            whole.len += received.len;
            whole.from = SockAddr(received.from);
            whole.flags |= received.flags.0 as i32;
            if !received.control.is_empty() {
                // As on Linux there is one item of each kind, from the last piece that had it. Sockets are in the last piece there is.
                whole.control = self.write_control(&received.control, passed, control, &mut whole.flags);
            }
            let room: usize = left.iter().map(|piece| piece.len()).sum();
            // Sockets that came along end the call, as on Linux.
            if !all || received.len == 0 || received.len >= room || rights(&received.control).next().is_some() {
                return Ok(whole);
            }
            IoSliceMut::advance_slices(&mut left, received.len);
        }
    }

    /// Writes what came along into a control buffer; says how many bytes that is.
    fn write_control(&self, items: &[Control], passed: Vec<Blocking>, into: &mut [u8], flags: &mut i32) -> usize {
        let mut passed = passed.into_iter();
        let mut written = 0;
        for item in items {
            let data = match item {
                Control::Rights(rights) => {
                    let sockets = passed.by_ref().take(rights.len());
                    let numbers: Vec<u8> = sockets
                        .map_while(|socket| self.table.put(Entry::Socket(socket)).ok())
                        .flat_map(i32::to_ne_bytes)
                        .collect();
                    if numbers.len() < 4 * rights.len() {
                        *flags |= MSG_CTRUNC;
                    }
                    if numbers.is_empty() {
                        continue;
                    }
                    numbers
                }
                item => item.data(),
            };
            written += write(item.header(), &data, &mut into[written..]);
        }
        written
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
}

fn rights(items: &[Control]) -> impl Iterator<Item = &Right> {
    items.iter().filter_map(|item| if let Control::Rights(rights) = item { Some(rights) } else { None }).flatten()
}

/// `EPIPE`, which nobody is told, where a call that has done something must not go on: the error that the connection ended with is for the next
/// call, as on Linux.
pub(super) fn left_to_the_next(over: bool) -> Result<(), Errno> {
    if over { Err(Errno::EPIPE) } else { Ok(()) }
}

/// True if a connection is over and all that came by it has been read.
pub(super) fn is_read_up(stack: &Stack, id: SocketId) -> Result<bool, Errno> {
    Ok(stack.readiness(id)?.contains(Ready::HUP) && stack.query(id, SIOCINQ)? == 0)
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

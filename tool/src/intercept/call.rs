//! One trapped call: its arguments, its caller's memory, and the way back.
//!
//! The caller's memory is not to be trusted: pointers may lead nowhere, lengths may be huge, another thread may write between two looks.
//! So everything is bounded and looked at once, and what was read counts only if the caller still waited afterwards.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::rc::Rc;

use loggia_lab::world::HostId;

use super::fault::{Answer, Fault};
use super::writing::Writing;
use crate::sys::{memory, notify};

/// A tree of programs behind one filter.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) host: HostId,
    pub(super) listener: notify::Listener,
    /// Names it in the epoll set.
    pub(super) place: usize,
}

/// A call that waits for an answer.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) tree: Rc<Tree>,
    pub(super) note: notify::Notification,
    /// Bytes it has sent, or received with `MSG_WAITALL`, before it had to wait.
    pub(super) done: usize,
}

/// Largest `struct sockaddr` (`struct sockaddr_storage`).
pub(super) const MOST_ADDRESS: usize = 128;

impl Call {
    pub(super) fn host(&self) -> HostId {
        self.tree.host
    }

    pub(super) fn thread(&self) -> i32 {
        self.note.thread
    }

    fn listener(&self) -> BorrowedFd<'_> {
        self.tree.listener.as_fd()
    }

    /// An argument that is an `int`.
    pub(super) fn int(&self, place: usize) -> i32 {
        self.note.arguments[place] as i32
    }

    /// An argument that is a pointer or a size.
    pub(super) fn word(&self, place: usize) -> u64 {
        self.note.arguments[place]
    }

    /// The descriptor the call is about.
    pub(super) fn descriptor(&self) -> RawFd {
        self.int(0)
    }

    /// What a call that waits gives if it may not wait any longer: how many bytes it has carried, if there are any.
    pub(super) fn so_far(&self) -> Option<Answer> {
        (self.done > 0).then_some(Answer::Value(self.done as i64))
    }

    /// True while the caller waits.
    pub(super) fn is_valid(&self) -> bool {
        notify::is_valid(self.listener(), self.note.id)
    }

    pub(super) fn reply(&self, reply: notify::Reply) -> io::Result<()> {
        notify::reply(self.listener(), self.note.id, reply)
    }

    pub(super) fn install(&self, source: BorrowedFd<'_>, how: notify::Install) -> io::Result<RawFd> {
        notify::install(self.listener(), self.note.id, source, how)
    }

    /// Reads as many bytes as there is room for. `EFAULT`
    pub(super) fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let len = memory::read(self.thread(), address, into).map_err(as_fault)?;
        // The thread's number might be another's by now.
        if len == into.len() && (into.is_empty() || self.is_valid()) { Ok(()) } else { Err(Fault(libc::EFAULT)) }
    }

    /// Reads pieces one behind the other, as many bytes as there is room for. `EFAULT`
    pub(super) fn read_pieces(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<(), Fault> {
        if self.read_some(pieces, into)? == into.len() { Ok(()) } else { Err(Fault(libc::EFAULT)) }
    }

    /// Reads pieces one behind the other, as far as memory can be read, or there is room; says how many bytes that were. `EFAULT` (the caller waits
    /// no more), `EPERM`
    pub(super) fn read_some(&self, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Fault> {
        let mut done = 0;
        for pieces in pieces.chunks(memory::MOST_PIECES) {
            let wanted = pieces.iter().fold(0, |sum: usize, (_, len)| sum.saturating_add(*len)).min(into.len() - done);
            let len = if wanted == 0 {
                0
            } else {
                reached(memory::read_pieces(self.thread(), pieces, &mut into[done..done + wanted]))?
            };
            done += len;
            if len < wanted {
                break;
            }
        }
        // The thread's number might be another's by now.
        if done == 0 || self.is_valid() { Ok(done) } else { Err(Fault(libc::EFAULT)) }
    }

    pub(super) fn read_array<const N: usize>(&self, address: u64) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.read(address, &mut bytes).map(|()| bytes)
    }

    pub(super) fn read_int(&self, address: u64) -> Result<i32, Fault> {
        self.read_array(address).map(i32::from_ne_bytes)
    }

    /// Writes all of it. `EFAULT`
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.is_valid() {
            return Err(Fault(libc::EINTR));
        }
        let len = memory::write(self.thread(), address, bytes).map_err(as_fault)?;
        if len == bytes.len() { Ok(()) } else { Err(Fault(libc::EFAULT)) }
    }

    /// Reads `struct sockaddr` of `len` bytes. `EINVAL`, `EFAULT`
    pub(super) fn read_address(&self, address: u64, len: i32) -> Result<Vec<u8>, Fault> {
        let len = usize::try_from(len).ok().filter(|len| *len <= MOST_ADDRESS).ok_or(Fault(libc::EINVAL))?;
        let mut bytes = vec![0; len];
        self.read(address, &mut bytes).map(|()| bytes)
    }

    /// Writes to pieces what is in `bytes`, one behind the other, as far as memory can be written to; says how many bytes that were. `EINTR` (the
    /// caller waits no more), `EPERM`
    pub(super) fn write_pieces(&self, pieces: &[(u64, usize)], bytes: &[u8]) -> Result<usize, Fault> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if !self.is_valid() {
            return Err(Fault(libc::EINTR));
        }
        let mut done = 0;
        for pieces in pieces.chunks(memory::MOST_PIECES) {
            let wanted: usize = pieces.iter().map(|(_, len)| len).sum();
            let len = reached(memory::write_pieces(self.thread(), pieces, &bytes[done..done + wanted]))?;
            done += len;
            if len < wanted {
                break;
            }
        }
        Ok(done)
    }

    /// Tells of a `struct sockaddr` as far as `*length` says there is room, and of its true length in `length`. `EINVAL`, `EFAULT`
    pub(super) fn tell_address(&self, writing: &mut Writing, address: u64, length: u64, bytes: &[u8]) -> Result<(), Fault> {
        let room = usize::try_from(self.read_int(length)?).map_err(|_| Fault(libc::EINVAL))?;
        writing.put(address, &bytes[..bytes.len().min(room)]);
        writing.put(length, &(bytes.len() as i32).to_ne_bytes());
        Ok(())
    }

    /// Writes `struct sockaddr` as far as `*length` says there is room, and its true length to `length`. `EINVAL`, `EFAULT`
    pub(super) fn write_address(&self, address: u64, length: u64, bytes: &[u8]) -> Result<(), Fault> {
        let mut writing = Writing::default();
        self.tell_address(&mut writing, address, length, bytes)?;
        writing.write(self)
    }
}

/// Where memory ends, what there was before it counts.
fn reached(done: io::Result<usize>) -> Result<usize, Fault> {
    match done.map_err(as_fault) {
        Err(Fault(libc::EFAULT)) => Ok(0),
        done => done,
    }
}

/// A process that forbids inspection has said so before, and one that has ended does not care.
fn as_fault(error: io::Error) -> Fault {
    match error.raw_os_error() {
        Some(libc::EPERM) => Fault(libc::EPERM),
        _ => Fault(libc::EFAULT),
    }
}

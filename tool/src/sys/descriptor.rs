//! Descriptors: renamed, closed in ranges, waited for; pipes and memory files.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

/// Takes over a descriptor that a call has just made.
fn own(returned: io::Result<RawFd>) -> io::Result<OwnedFd> {
    // SAFETY: the kernel has just opened it for this process and nothing else knows its number.
    returned.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes `number` another name of the open file of `fd`, kept over exec.
pub fn rename(fd: RawFd, number: RawFd) -> io::Result<()> {
    if fd == number {
        // SAFETY: takes numbers; clears FD_CLOEXEC, the only descriptor flag.
        return check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: takes numbers. What `number` was before is closed: callers use it only in children that are about to exec, on 0, 1 and 2.
    check(unsafe { libc::dup2(fd, number) }).map(drop)
}

/// Closes a descriptor by its number.
///
/// Only for processes that are about to exec or that own every descriptor they hold: nothing may use the number afterwards.
pub fn close(number: RawFd) {
    // SAFETY: takes a number; by the contract no owner of it is left.
    unsafe { libc::close(number) };
}

/// Closes every descriptor but 0, 1, 2 and `kept`, in a process just forked whose other descriptors belong to frames that never run
/// again.
pub fn close_all_but(kept: &[RawFd]) -> io::Result<()> {
    let mut kept: Vec<u32> = kept.iter().map(|&fd| fd as u32).filter(|&fd| fd > 2).collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().chain([u32::MAX]) {
        if first < fd {
            // SAFETY: takes numbers; by the contract nothing uses the closed ones afterwards.
            check(unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) })?;
        }
        first = fd.saturating_add(1);
    }
    Ok(())
}

/// A pipe: the end to read, which does not block, and the end to write, which does.
pub fn pipe() -> io::Result<(File, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the pointer is to an array of two.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let (read, write) = (own(Ok(ends[0]))?, own(Ok(ends[1]))?);
    // SAFETY: takes numbers.
    check(unsafe { libc::fcntl(read.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    Ok((read.into(), write))
}

/// Gives a pipe or file to a user, so that he can open it again by `/dev/stdout`.
pub fn give_to(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: takes numbers.
    check(unsafe { libc::fchown(fd.as_raw_fd(), uid, gid) }).map(drop)
}

/// A file in memory without a name in any folder.
pub fn memory_file() -> io::Result<File> {
    // SAFETY: the name ends in NUL and outlives the call.
    own(check(unsafe { libc::memfd_create(c"loggia".as_ptr(), libc::MFD_CLOEXEC) })).map(File::from)
}

/// What may be waited for on a descriptor.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Watched {
    raw: libc::pollfd,
}

impl Watched {
    /// Waits until there is something to read, or an end.
    pub fn input(fd: RawFd) -> Self {
        Self { raw: libc::pollfd { fd, events: libc::POLLIN, revents: 0 } }
    }

    /// Whether it came.
    pub fn came(&self) -> bool {
        self.raw.revents != 0
    }
}

/// Waits for any of the descriptors, at most so many milliseconds (negative: for ever); a signal ends the wait early.
pub fn poll(watched: &mut [Watched], timeout_ms: i32) -> io::Result<()> {
    // SAFETY: `Watched` is a `pollfd` by another name (transparent); pointer and length are those of a live slice.
    match check(unsafe { libc::poll(watched.as_mut_ptr().cast(), watched.len() as libc::nfds_t, timeout_ms) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        Err(_) => {
            watched.iter_mut().for_each(|watched| watched.raw.revents = 0);
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// Writes to a stream as `write` does, by a call that no filter of ours traps.
pub fn write_untrapped(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    write_here(fd, bytes, 0)
}

/// Writes what a stream takes without waiting. `EAGAIN`
pub fn write_at_once(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    write_here(fd, bytes, libc::RWF_NOWAIT)
}

/// `pwritev2` at the current place.
fn write_here(fd: BorrowedFd<'_>, bytes: &[u8], flags: libc::c_int) -> io::Result<usize> {
    let piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let here: libc::c_long = -1;
    // SAFETY: one piece, which is the slice and is only read; the rest are integers.
    check(unsafe { libc::syscall(libc::SYS_pwritev2, fd.as_raw_fd(), &raw const piece, 1, here, here, flags) })
        .map(|len| len as usize)
}

/// Reads from a stream as `read` does, by a call that no filter of ours traps.
pub fn read_untrapped(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let piece = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let here: libc::c_long = -1;
    // SAFETY: one piece, which is the slice and is ours alone; the rest are integers.
    check(unsafe { libc::syscall(libc::SYS_preadv2, fd.as_raw_fd(), &raw const piece, 1, here, here, 0) }).map(|len| len as usize)
}

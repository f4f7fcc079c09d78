//! Threads of other processes, and copies of their descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check;

/// `PIDFD_THREAD` of `linux/pidfd.h` (Linux 6.9): of a single thread, not of its group's first.
const PIDFD_THREAD: libc::c_uint = libc::O_EXCL as libc::c_uint;

fn open(id: i32, flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: two integers go in and a descriptor comes out.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, id, flags) })?;
    // SAFETY: the call just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A handle of a thread. `EINVAL` before Linux 6.9 for threads that lead no process, `ESRCH` if there is none.
pub fn open_thread(thread: i32) -> io::Result<OwnedFd> {
    open(thread, PIDFD_THREAD)
}

/// A handle of a process. `ESRCH` if there is none.
pub fn open_process(process: i32) -> io::Result<OwnedFd> {
    open(process, 0)
}

/// A copy of a descriptor of another thread: the same open file. `EBADF`, `ESRCH` (the thread has ended), `EPERM` (it forbids
/// inspection).
pub fn copy_descriptor(thread: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: three integers go in and a descriptor comes out.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_getfd, thread.as_raw_fd(), number, 0) })?;
    // SAFETY: the call just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

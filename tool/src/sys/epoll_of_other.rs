//! Registrations with the epoll sets of other processes.
//!
//! The kernel knows a registration by its open file and the *number* its caller had for it, and the other process will name it by its own
//! number when it changes or removes it. So it is made by a thread that has a table of descriptors of its own, in which the file stands at
//! that number.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{check, pidfd};

/// What an epoll set of another process waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The set's number there.
    pub set: RawFd,
    /// The number there of what is waited for.
    pub number: RawFd,
    /// For which events.
    pub mask: u32,
    /// What the set gives with them.
    pub data: u64,
}

/// Makes registrations as the process of this thread would itself. `EEXIST`, and what copying descriptors says; the rest is made all the
/// same.
pub fn register(thread: i32, registrations: &[Registration]) -> io::Result<()> {
    std::thread::scope(|scope| {
        let helper = std::thread::Builder::new().name("loggia-epoll".into()).spawn_scoped(scope, || {
            start_empty_table()?;
            registrations.iter().map(|registration| register_one(thread, registration)).fold(Ok(()), io::Result::and)
        })?;
        helper.join().unwrap_or_else(|_| Err(io::Error::from_raw_os_error(libc::EIO)))
    })
}

/// Gives this thread a table of descriptors of its own, with none in it.
fn start_empty_table() -> io::Result<()> {
    // SAFETY: integers go in. The thread borrows no descriptor of the table it leaves, and that one stays as it is.
    check(unsafe { libc::syscall(libc::SYS_close_range, 0u32, u32::MAX, libc::CLOSE_RANGE_UNSHARE) }).map(drop)
}

fn register_one(thread: i32, registration: &Registration) -> io::Result<()> {
    let handle = pidfd::open_thread(thread).or_else(|_| pidfd::open_process(thread))?;
    let set = above(pidfd::copy_descriptor(handle.as_fd(), registration.set)?.as_fd(), registration.number)?;
    let file = above(pidfd::copy_descriptor(handle.as_fd(), registration.number)?.as_fd(), registration.number)?;
    drop(handle);
    let mut event = libc::epoll_event { events: registration.mask, u64: registration.data };
    // SAFETY: integers go in; the number is free, since all that this thread's table holds stands above it.
    let file = check(unsafe { libc::dup3(file.as_raw_fd(), registration.number, libc::O_CLOEXEC) })
        // SAFETY: the call has just made it in this thread's own table.
        .map(|number| unsafe { OwnedFd::from_raw_fd(number) })?;
    // SAFETY: the call reads one `epoll_event`, which is what the pointer leads to.
    check(unsafe { libc::epoll_ctl(set.as_raw_fd(), libc::EPOLL_CTL_ADD, file.as_raw_fd(), &raw mut event) }).map(drop)
}

/// Another name of a descriptor, above a number.
fn above(fd: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: integers go in and a descriptor comes out.
    let fd = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number.saturating_add(1)) })?;
    // SAFETY: the call has just made it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

//! The listener of a seccomp filter (`seccomp_unotify(2)`).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::check;

/// What `SECCOMP_IOCTL_NOTIF_SET_FLAGS` takes: whoever replies hands its processor to the caller (Linux 6.6).
const SYNC_WAKE_UP: u64 = 1;

/// A call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// Names it, unlike any other of its listener.
    pub id: u64,
    /// The thread that calls, in our process namespace; 0 if it is not visible from here.
    pub thread: i32,
    /// The number of the call.
    pub number: libc::c_long,
    /// Where it is made.
    pub instruction: u64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

impl Notification {
    /// True if the other is the same call, at the same place with the same arguments: perhaps this one started again.
    pub fn is_same_call(&self, other: &Self) -> bool {
        (self.number, self.arguments, self.instruction) == (other.number, other.arguments, other.instruction)
    }
}

/// What is replied to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// It returns this.
    Value(i64),
    /// It fails with this error number.
    Error(i32),
    /// The kernel carries it out as it stands.
    Continue,
}

/// How a descriptor is put into the caller's table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Install {
    /// At this number instead of what is there; none: at the lowest free one.
    pub replace: Option<RawFd>,
    /// It is closed by `exec`.
    pub close_on_exec: bool,
    /// The call is answered with its number, in the same step.
    pub answer: bool,
}

/// Asks the kernel to wake callers without a change of processor. `EINVAL` before Linux 6.6.
pub fn set_sync_wake_up(listener: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the request takes its argument by value and touches no memory of ours.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) }).map(drop)
}

/// The next call that waits. Blocks if there is none: ask `poll` first. `ENOENT` if it has gone meanwhile.
pub fn receive(listener: BorrowedFd<'_>) -> io::Result<Notification> {
    // SAFETY: all zeros are a value of this structure of integers, and the kernel requires it to be zeroed.
    let mut notification: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request writes one `seccomp_notif`, which is what the pointer leads to.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notification) })?;
    Ok(Notification {
        id: notification.id,
        thread: notification.pid as i32,
        number: libc::c_long::from(notification.data.nr),
        instruction: notification.data.instruction_pointer,
        arguments: notification.data.args,
    })
}

/// Answers a call. `ENOENT` if its caller has left it: it was killed, or a signal took it away.
pub fn reply(listener: BorrowedFd<'_>, id: u64, reply: Reply) -> io::Result<()> {
    let (val, error, flags) = match reply {
        Reply::Value(value) => (value, 0, 0),
        Reply::Error(number) => (0, -number, 0),
        Reply::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
    };
    let mut response = libc::seccomp_notif_resp { id, val, error, flags };
    // SAFETY: the request reads one `seccomp_notif_resp`, which is what the pointer leads to.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) }).map(drop)
}

/// Puts a descriptor of ours into the caller's table; gives its number there. `ENOENT` as [`reply`]; `EMFILE`, `EBADF`.
pub fn install(listener: BorrowedFd<'_>, id: u64, source: BorrowedFd<'_>, how: Install) -> io::Result<RawFd> {
    let set = if how.replace.is_some() { libc::SECCOMP_ADDFD_FLAG_SETFD } else { 0 };
    let send = if how.answer { libc::SECCOMP_ADDFD_FLAG_SEND } else { 0 };
    let mut request = libc::seccomp_notif_addfd {
        id,
        flags: (set | send) as u32,
        srcfd: source.as_raw_fd() as u32,
        newfd: how.replace.unwrap_or(0) as u32,
        newfd_flags: if how.close_on_exec { libc::O_CLOEXEC as u32 } else { 0 },
    };
    // SAFETY: the request reads one `seccomp_notif_addfd`, which is what the pointer leads to.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw mut request) })
}

/// True while the caller waits for an answer: what was read of its memory by the thread's number was the caller's.
pub fn is_valid(listener: BorrowedFd<'_>, id: u64) -> bool {
    let mut id = id;
    // SAFETY: the request reads one `u64`, which is what the pointer leads to.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw mut id) == 0 }
}

/// The listener as it is kept.
pub type Listener = OwnedFd;

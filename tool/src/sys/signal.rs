//! Signals: masks, dispositions, sending, and receiving through a descriptor.

use std::fs::File;
use std::io::{self, Read as _};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::{Pid, check};

/// A set of signals.
#[derive(Clone, Copy)]
pub struct Set(libc::sigset_t);

impl Set {
    /// These and no other.
    pub fn of(signals: &[i32]) -> Self {
        // SAFETY: a structure of integers; `sigemptyset` makes it the empty set whatever its representation, and the pointers are live.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for &signal in signals {
                libc::sigaddset(&raw mut set, signal);
            }
            Self(set)
        }
    }

    /// Every signal that can be blocked.
    pub fn all() -> Self {
        let mut set = Self::of(&[]);
        // SAFETY: the pointer is live.
        unsafe { libc::sigfillset(&raw mut set.0) };
        set
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: the pointer is live.
        f.debug_set().entries((1..65).filter(|&signal| unsafe { libc::sigismember(&raw const self.0, signal) } == 1)).finish()
    }
}

fn mask(how: i32, set: Set) -> io::Result<()> {
    // SAFETY: the pointer is to a live set; the old mask is not asked for.
    match unsafe { libc::pthread_sigmask(how, &raw const set.0, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Blocks exactly these signals in this thread and those it starts.
pub fn set_mask(set: Set) -> io::Result<()> {
    mask(libc::SIG_SETMASK, set)
}

/// Blocks these signals too.
pub fn block(set: Set) -> io::Result<()> {
    mask(libc::SIG_BLOCK, set)
}

/// Gives a signal its default action.
pub fn set_default(signal: i32) -> io::Result<()> {
    // SAFETY: the default action runs no code of ours.
    if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether a signal is ignored.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: a structure of integers and pointers, for which all zeros is a value; the call only writes it.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Sends a signal to a process (or, if `pid` is negative, to a process group).
pub fn send(pid: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: takes numbers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Who sent a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// The kernel: the terminal, say.
    Kernel,
    /// A process.
    Process(Pid),
}

/// A signal that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// Which.
    pub signal: i32,
    /// From whom.
    pub sender: Sender,
}

/// Blocked signals as something to read; never blocks.
#[derive(Debug)]
pub struct Inbox(File);

impl Inbox {
    /// An inbox for these signals, which must be blocked.
    pub fn new(set: Set) -> io::Result<Self> {
        // SAFETY: the pointer is to a live set; -1 asks for a new descriptor.
        let fd = check(unsafe { libc::signalfd(-1, &raw const set.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
        // SAFETY: the kernel has just opened it for this process.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }.into()))
    }

    /// The next signal that waits.
    pub fn take(&mut self) -> Option<Arrived> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut record = [0; SIZE];
        if self.0.read(&mut record).ok()? != SIZE {
            return None;
        }
        // SAFETY: the kernel has written a whole record, and every pattern of bits is a value of it.
        let info: libc::signalfd_siginfo = unsafe { ptr::read_unaligned(record.as_ptr().cast()) };
        let sender = if info.ssi_code == libc::SI_KERNEL { Sender::Kernel } else { Sender::Process(info.ssi_pid as Pid) };
        Some(Arrived { signal: info.ssi_signo as i32, sender })
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Inbox {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

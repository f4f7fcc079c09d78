//! What is sent to loggia itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::sys::process::own_pid;
use crate::sys::signal::{self, Arrived, Inbox, Set};

/// Signals that a program under `loggia run -- COMMAND` gets if loggia is sent them.
const PASSED_ON: [i32; 10] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGWINCH,
];

/// Loggia's own signals, as something to poll.
#[derive(Debug)]
pub struct Signals(Inbox);

impl Signals {
    /// From now on these signals wait here instead of acting: HUP, INT, QUIT, TERM, USR1, USR2, ALRM, CONT, TSTP and WINCH, without those
    /// that are ignored (as under `nohup`). To be called before any thread is started, and after
    /// [`Spawner::start`](super::Spawner::start).
    pub fn catch() -> io::Result<Self> {
        let caught: Vec<i32> = PASSED_ON.into_iter().filter(|&signal| !signal::is_ignored(signal)).collect();
        let set = Set::of(&caught);
        signal::block(set)?;
        Inbox::new(set).map(Self)
    }

    /// What came since the last turn; does not wait.
    pub fn turn(&mut self) -> Vec<Arrived> {
        std::iter::from_fn(|| self.0.take()).collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Stops loggia until it is continued: what SIGTSTP asks for, after it was passed on.
pub fn suspend() {
    let _ = signal::send(own_pid(), libc::SIGSTOP);
}

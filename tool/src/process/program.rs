//! A program that runs, or ran, and its tree.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::report::{Report, Wish};
use super::status::Status;
use crate::sys::Pid;
use crate::sys::descriptor::{Watched, poll};
use crate::sys::message::{self, Patience};
use crate::sys::process::Usage;

/// A program and everything it has started, daemons too. Dropping it ends them all, by SIGKILL.
#[derive(Debug)]
pub struct Program {
    pid: Pid,
    control: OwnedFd,
    over: bool,
}

/// What happened to a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A signal stopped it.
    Stopped {
        /// Which.
        signal: i32,
    },
    /// It goes on.
    Continued,
    /// It ended; what it has started may live on.
    Ended {
        /// How.
        status: Status,
        /// What it has used, with those of its children that it waited for.
        usage: Usage,
    },
    /// A log cannot be written any more; the program does not notice.
    LogFailed {
        /// 1 for output, 2 for error.
        stream: u8,
        /// Why (an errno).
        errno: i32,
    },
    /// Some processes did not end within seconds of SIGKILL. They will when the kernel lets them; [`Event::TreeEnded`] is then told.
    Surviving(Vec<Survivor>),
    /// Nothing of it is left. The last event.
    TreeEnded(TreeEnd),
    /// Its keeper was killed: nothing more will be known of it. The warden ends what it has started. The last event.
    Lost,
}

/// A process that outlives SIGKILL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivor {
    /// Its number.
    pub pid: Pid,
    /// Its name.
    pub name: String,
}

/// What remains to be said of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeEnd {
    /// What all of it has used: every process that somebody waited for.
    pub usage: Usage,
    /// Processes that outlived their parents: daemons, say.
    pub orphans: u64,
    /// Bytes missing in the logs of output and error, for their limits or errors.
    pub left_out: [u64; 2],
}

impl Program {
    pub(super) fn new(pid: Pid, control: OwnedFd) -> Self {
        Self { pid, control, over: false }
    }

    /// Its process identifier.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether the last event was told.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What happened since the last turn; does not wait. [`Program::as_raw_fd`] is readable when there is something.
    pub fn turn(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        let mut buffer = [0; 16 * 1024];
        let event = match message::receive(self.control.as_fd(), &mut buffer, Patience::None) {
            Ok(received) => Report::decode(&buffer[..received.len]).map_or(Event::Lost, Event::from),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => Event::Lost,
        };
        self.over = matches!(event, Event::TreeEnded(_) | Event::Lost);
        Some(event)
    }

    /// Waits for what happens next, at most so long. For who has no event loop.
    pub fn wait(&mut self, patience: Duration) -> Vec<Event> {
        let deadline = Instant::now() + patience;
        loop {
            let events = self.turn();
            let left = deadline.saturating_duration_since(Instant::now());
            if self.over || !events.is_empty() || left.is_zero() {
                return events;
            }
            let _ = poll(&mut [Watched::input(self.as_raw_fd())], left.as_micros().div_ceil(1000) as i32);
        }
    }

    /// Sends the program, not its tree, a signal. Without effect if it has ended.
    pub fn signal(&self, signal: i32) {
        self.wish(Wish::Signal { signal });
    }

    /// Passes on a signal that was sent to loggia, unless the program has got it too because it went to the whole process group (from the
    /// terminal, or by `timeout`).
    pub fn pass_on(&self, signal: i32) {
        self.wish(Wish::PassOn { signal });
    }

    /// Ends the tree: the program gets `signal` (and what outlives its parents, when it does); what is left after `grace` is killed.
    pub fn stop(&self, signal: i32, grace: Duration) {
        self.wish(Wish::Stop { signal, grace_ms: grace.as_millis() as u64 });
    }

    /// Asks the tree to end, as [`Program::stop`] does, and leaves it at that.
    pub fn ask_to_end(&self, signal: i32) {
        self.wish(Wish::Stop { signal, grace_ms: u64::MAX });
    }

    /// Ends the tree by force.
    pub fn kill(&self) {
        self.wish(Wish::Kill);
    }

    /// If the keeper is gone so is the program, and the next turn says so.
    fn wish(&self, wish: Wish) {
        let _ = message::send(self.control.as_fd(), &wish.encode(), &[]);
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

impl AsRawFd for Program {
    fn as_raw_fd(&self) -> RawFd {
        self.control.as_raw_fd()
    }
}

impl From<Report> for Event {
    fn from(report: Report) -> Self {
        match report {
            Report::Stopped { signal } => Self::Stopped { signal },
            Report::Continued => Self::Continued,
            Report::Ended { status, usage } => {
                Status::from_wait(status).map_or(Self::Lost, |status| Self::Ended { status, usage })
            }
            Report::LogFailed { stream, errno } => Self::LogFailed { stream: stream as u8 + 1, errno },
            Report::Surviving { processes } => Self::Surviving(
                processes
                    .into_iter()
                    .map(|(pid, name)| Survivor { pid, name: String::from_utf8_lossy(&name).into_owned() })
                    .collect(),
            ),
            Report::TreeEnded { usage, orphans, left_out } => Self::TreeEnded(TreeEnd { usage, orphans, left_out }),
            Report::Started { .. } | Report::Failed(_) => Self::Lost,
        }
    }
}

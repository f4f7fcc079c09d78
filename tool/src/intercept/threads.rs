//! Copies of the descriptors of the calling threads.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use crate::sys::pidfd;

/// Most threads that are remembered: each costs a descriptor.
const MOST: usize = 512;

/// Handles of threads that have called; saves opening one for each call.
#[derive(Debug, Default)]
pub(super) struct Threads {
    handles: HashMap<i32, OwnedFd>,
}

impl Threads {
    /// A copy of a descriptor. Drop it soon: while it lives, nobody sees the program's last close.
    pub(super) fn copy(&mut self, thread: i32, number: RawFd) -> io::Result<OwnedFd> {
        if let Some(handle) = self.handles.get(&thread) {
            match pidfd::copy_descriptor(handle.as_fd(), number) {
                // The number is another thread's by now.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => drop(self.handles.remove(&thread)),
                other => return other,
            }
        }
        if self.handles.len() >= MOST {
            self.handles.clear();
        }
        match self.copy_anew(thread, number) {
            // Those of others are worth less than the call at hand.
            Err(error) if lacks_descriptors(&error) && !self.handles.is_empty() => {
                self.handles.clear();
                self.copy_anew(thread, number)
            }
            other => other,
        }
    }

    fn copy_anew(&mut self, thread: i32, number: RawFd) -> io::Result<OwnedFd> {
        let handle = open(thread)?;
        let copy = pidfd::copy_descriptor(handle.as_fd(), number);
        self.handles.insert(thread, handle);
        copy
    }
}

/// True if it is this process, or the machine, that has no more descriptors.
fn lacks_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Before Linux 6.9 there are handles of processes only; their table of descriptors is, nearly always, that of all threads.
fn open(thread: i32) -> io::Result<OwnedFd> {
    match pidfd::open_thread(thread) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => pidfd::open_process(process_of(thread)?),
        other => other,
    }
}

pub(super) fn process_of(thread: i32) -> io::Result<i32> {
    let status = status(&thread.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|number| number.trim().parse().ok()).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

/// What `/proc` says of a thread. Its name in there may be any bytes.
pub(super) fn status(thread: &str) -> io::Result<String> {
    std::fs::read(format!("/proc/{thread}/status")).map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// The name of a thread, empty if it is gone.
pub(super) fn name(thread: i32) -> String {
    let name = std::fs::read(format!("/proc/{thread}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().into()
}

//! Wakes a thread that polls.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// Wakes a thread that polls it for reading.
#[derive(Debug)]
pub(crate) struct Bell {
    ears: UnixStream,
    button: UnixStream,
    rung: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let (ears, button) = UnixStream::pair()?;
        ears.set_nonblocking(true)?;
        button.set_nonblocking(true)?;
        Ok(Self { ears, button, rung: AtomicBool::new(false) })
    }

    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // One byte at a time is in it, so there is always room.
            let _ = (&self.button).write(&[1]);
        }
    }

    /// It is heard; from now on it can be rung again. True if it was rung; what was done before then is seen.
    pub(crate) fn heard(&self) -> bool {
        // At most the one byte is there.
        let _ = (&self.ears).read(&mut [0; 8]);
        self.rung.swap(false, Ordering::AcqRel)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ears.as_fd()
    }
}

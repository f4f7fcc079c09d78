//! Wakes the thread that drives a world.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// One end is polled by the driver, the other is written by whoever has something for it.
#[derive(Debug)]
pub struct Kick {
    ours: UnixStream,
    theirs: Arc<UnixStream>,
}

impl Kick {
    /// A fresh one.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok(Self { ours, theirs: Arc::new(theirs) })
    }

    /// What wakes the driver. If the pipe is full it will wake anyway.
    pub fn handle(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let theirs = self.theirs.clone();
        move || {
            let _ = (&*theirs).write(&[1]);
        }
    }

    /// Forgets what was kicked so far.
    pub fn drain(&self) {
        let mut room = [0; 256];
        while (&self.ours).read(&mut room).is_ok_and(|len| len == room.len()) {}
    }
}

impl AsFd for Kick {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}

//! Who stops a capture.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::options::Options;
use super::queue::Queue;
use super::tap::Tap;
use super::writer;

/// How long one who drops a capture waits for what was gathered to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// A capture that runs until it is stopped or its host ends. Dropping it stops it too, and waits for a second at most until what was
/// gathered has been written; [`Capture::stop`] waits as long as it takes and tells of failures.
#[derive(Debug)]
#[must_use = "a capture ends when this is dropped"]
pub struct Capture {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<io::Result<Summary>>>,
}

/// What a capture came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Packets that were written.
    pub packets: u64,
    /// Packets that passed and were not written, because the queue or the file was full.
    pub missing: u64,
    /// Bytes that were written.
    pub bytes: u64,
}

impl Capture {
    /// Starts a thread that writes, and gives the end for hosts.
    pub(crate) fn start(mut output: Box<dyn Write + Send>, options: &Options) -> io::Result<(Self, Tap)> {
        let queue = Arc::new(Queue::new(options.clone()));
        let tap = Tap::new(queue.clone());
        let own = queue.clone();
        let thread = thread::Builder::new().name("loggia-capture".into()).spawn(move || {
            let _finish = Finish(&own);
            writer::run(&own, &mut *output)
        })?;
        Ok((Self { queue, thread: Some(thread) }, tap))
    }

    /// True until it was stopped, its host has ended, or the writer failed.
    pub fn is_running(&self) -> bool {
        self.queue.is_open()
    }

    /// Ends the capture once everything that passed before has been written. The error that the writer gave, if it did.
    pub fn stop(mut self) -> io::Result<Summary> {
        self.queue.stop();
        let thread = self.thread.take().expect("it is stopped once");
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer of a capture panicked")))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.queue.stop();
            self.queue.wait(PATIENCE);
        }
    }
}

/// Says at the end of the thread, however it comes, that nothing more is written.
struct Finish<'a>(&'a Queue);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

//! Built-in programs in real time, on a runtime of one thread beside the one that drives the world.

use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::{io, sync::OnceLock};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// A runtime whose thread is started with the first program.
pub struct Runtime {
    thread: OnceLock<io::Result<Thread>>,
    wake: Box<dyn Fn() -> Box<dyn Fn() + Send> + Send>,
    sender: Sender<(usize, u8)>,
    receiver: Receiver<(usize, u8)>,
}

struct Thread {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    join: Option<JoinHandle<()>>,
}

/// A built-in program that runs.
#[derive(Debug)]
pub struct Task(AbortHandle);

impl Task {
    /// Ends it where it stands; its sockets are closed.
    pub fn end(self) {
        self.0.abort();
    }
}

impl Runtime {
    /// No thread yet. `wake` is called when a program has ended.
    pub fn new(wake: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let (sender, receiver) = channel();
        let wake = Box::new(move || Box::new(wake.clone()) as Box<dyn Fn() + Send>);
        Self { thread: OnceLock::new(), wake, sender, receiver }
    }

    /// Starts a program; its number and what it gives are told by [`Runtime::next_end`].
    pub fn start(&self, number: usize, program: impl Future<Output = u8> + Send + 'static) -> io::Result<Task> {
        let thread =
            self.thread.get_or_init(Thread::start).as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let (ends, wake) = (self.sender.clone(), (self.wake)());
        let task = thread.handle.spawn(async move {
            let code = program.await;
            let _ = ends.send((number, code));
            wake();
        });
        Ok(Task(task.abort_handle()))
    }

    /// The next program that has ended by itself, and its exit code.
    pub fn next_end(&self) -> Option<(usize, u8)> {
        self.receiver.try_recv().ok()
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let join = std::thread::Builder::new().name("programs".into()).spawn(move || {
            let _ = runtime.block_on(ended);
            // Whatever still runs has no more to say; a blocking call that hangs is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, end: Some(end), join: Some(join) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end.take();
        if let Some(join) = self.join.take() {
            let _ = join.join();
        }
    }
}

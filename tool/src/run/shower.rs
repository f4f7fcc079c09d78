//! Shows what programs write and how far a run is, on a thread of its own: who does not read loggia's output (`| less`, Ctrl-S) stops that
//! thread and not the lab.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use loggia_stack::base::Instant;

use super::place::Echo;
use crate::progress::Progress;
use crate::say::noted;

/// How often logs are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A host and a program of it, whose logs are to be shown.
type Followed = (String, String);

/// How far a run is: lab time, and how many programs have ended.
type Far = Arc<Mutex<(Instant, usize)>>;

/// The thread that shows; dropping this shows the rest.
#[derive(Debug)]
pub struct Shower {
    followed: Option<Sender<Followed>>,
    far: Far,
    thread: Option<JoinHandle<()>>,
}

/// What the thread has.
struct Shown {
    folder: Option<PathBuf>,
    echo: Echo,
    progress: Progress,
    programs: usize,
    far: Far,
}

impl Shower {
    /// Shows logs below a run folder on standard output, if there is one, and the progress of a run of so many programs.
    pub fn new(folder: Option<PathBuf>, echo: Echo, progress: Progress, programs: usize) -> io::Result<Self> {
        let (followed, follow) = channel();
        let far = Far::new(Mutex::new((Instant::EPOCH, 0)));
        let shown = Shown { folder, echo, progress, programs, far: far.clone() };
        let thread = std::thread::Builder::new().name("shower".into()).spawn(move || shown.run(&follow))?;
        Ok(Self { followed: Some(followed), far, thread: Some(thread) })
    }

    /// Shows a program's logs from now on.
    pub fn follow(&self, host: &str, program: &str) {
        if let Some(followed) = &self.followed {
            // The thread ends only with this value.
            let _ = followed.send((host.into(), program.into()));
        }
    }

    /// So far is the run.
    pub fn at(&self, now: Instant, ended: usize) {
        *self.far.lock().unwrap_or_else(PoisonError::into_inner) = (now, ended);
    }
}

impl Shown {
    fn run(mut self, follow: &Receiver<Followed>) {
        loop {
            match follow.recv_timeout(LOOK) {
                Ok((host, program)) => {
                    if let Some(folder) = &self.folder {
                        self.echo.follow(folder, &host, &program);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.turn(),
                Err(RecvTimeoutError::Disconnected) => {
                    let Self { echo, progress, .. } = &mut self;
                    return progress.above(|| echo.rest(&mut io::stdout()));
                }
            }
        }
    }

    fn turn(&mut self) {
        let mut said = Vec::new();
        if self.echo.turn(&mut said) {
            // Who has closed it wants no more.
            self.progress.above(|| noted(io::stdout().write_all(&said)));
        }
        // Not held while anything is shown.
        let (now, ended) = *self.far.lock().unwrap_or_else(PoisonError::into_inner);
        self.progress.at(now, ended, self.programs);
    }
}

impl Drop for Shower {
    fn drop(&mut self) {
        self.followed.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

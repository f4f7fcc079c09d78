//! Starts foreign programs beside the thread that drives the world: a start takes milliseconds, which no packet is to wait for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::{Command, SpawnError, Spawned, Spawner};
use crate::sys::filter::Instruction;
use crate::sys::schedule;

/// A program that starts computes. When as many threads as this for each processor want to run, the next program waits: two hundred at
/// once would keep the thread that drives the world from running when it must.
const BUSY: usize = 2;
/// The longest that a program waits for that.
const PATIENCE: Duration = Duration::from_millis(5);
/// Between two looks at it.
const LOOK: Duration = Duration::from_micros(500);

/// What came of a start: which program, and how it went.
pub type Started = (usize, Result<Spawned, SpawnError>);

/// Makes a command ready: opens its logs, which may take as long as the start itself.
pub type Prepare = Box<dyn FnOnce() -> Result<Command, SpawnError> + Send>;

/// A thread that starts programs, one after the other.
#[derive(Debug)]
pub struct Starter {
    orders: Option<Sender<(usize, Prepare)>>,
    results: Receiver<Started>,
    thread: Option<JoinHandle<()>>,
}

impl Starter {
    /// Starts under `filter`; `wake` is called when something came of a start.
    pub fn new(spawner: Arc<Spawner>, filter: Vec<Instruction>, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (orders, ordered) = channel::<(usize, Prepare)>();
        let (result, results) = channel();
        let thread = std::thread::Builder::new().name("starter".into()).spawn(move || {
            let most = BUSY * std::thread::available_parallelism().map_or(1, usize::from);
            for (number, prepare) in ordered {
                let_others_run(most);
                let spawned = prepare().and_then(|command| spawner.spawn(&command, Some(&filter)));
                if result.send((number, spawned)).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Self { orders: Some(orders), results, thread: Some(thread) })
    }

    /// Starts a program; what came of it is told by [`Starter::next`].
    pub fn start(&self, number: usize, prepare: Prepare) {
        if let Some(orders) = &self.orders {
            // The thread ends only with this value.
            let _ = orders.send((number, prepare));
        }
    }

    /// What came of a start; does not wait.
    pub fn next(&self) -> Option<Started> {
        self.results.try_recv().ok()
    }
}

/// Waits until at most so many threads want to run, but not for long: the machine may have other things to do.
fn let_others_run(most: usize) {
    let until = Instant::now() + PATIENCE;
    while schedule::runnable().is_some_and(|count| count > most) && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.orders.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

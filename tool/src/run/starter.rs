//! Starts foreign programs beside the thread that drives the world: a start takes milliseconds, which no packet is to wait for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::process::{Command, SpawnError, Spawned, Spawner};
use crate::sys::filter::Instruction;

/// What came of a start: which program, and how it went.
pub type Started = (usize, Result<Spawned, SpawnError>);

/// A thread that starts programs, one after the other.
#[derive(Debug)]
pub struct Starter {
    orders: Option<Sender<(usize, Command)>>,
    results: Receiver<Started>,
    thread: Option<JoinHandle<()>>,
}

impl Starter {
    /// Starts under `filter`; `wake` is called when something came of a start.
    pub fn new(spawner: Arc<Spawner>, filter: Vec<Instruction>, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (orders, ordered) = channel::<(usize, Command)>();
        let (result, results) = channel();
        let thread = std::thread::Builder::new().name("starter".into()).spawn(move || {
            for (number, command) in ordered {
                if result.send((number, spawner.spawn(&command, Some(&filter)))).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Self { orders: Some(orders), results, thread: Some(thread) })
    }

    /// Starts a program; what came of it is told by [`Starter::next`].
    pub fn start(&self, number: usize, command: Command) {
        if let Some(orders) = &self.orders {
            // The thread ends only with this value.
            let _ = orders.send((number, command));
        }
    }

    /// What came of a start; does not wait.
    pub fn next(&self) -> Option<Started> {
        self.results.try_recv().ok()
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

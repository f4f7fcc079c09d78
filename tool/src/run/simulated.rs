//! A run in virtual time: built-in programs only, everything decided by the seed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use loggia_lab::file::Command;
use loggia_lab::plan::Plan;
use loggia_lab::record::Recorder;
use loggia_lab::world::HostId;
use loggia_stack::base::Instant;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::aloud::Aloud;
use super::changes::Changes;
use super::conductor::{Act, Conductor, Ended, Over};
use super::listening;
use super::live::Remains;
use super::perform::Options;
use crate::engine::paused::{self, Outcome};
use crate::engine::shared::Shared;
use crate::process::{Signals, Status};
use crate::programs::Stopper;

/// How often it is looked whether a program listens that did not at once.
const LOOK: Duration = Duration::from_millis(1);

/// A run in virtual time.
pub struct Simulated<'a> {
    plan: &'a Plan,
    shared: Arc<Shared>,
    options: &'a Options,
    /// Who starts and stops when.
    pub conductor: Conductor,
    /// What remains of the programs.
    pub remains: Vec<Remains>,
    recorder: Option<Recorder>,
    changes: Changes,
    tasks: Vec<Option<(AbortHandle, Stopper)>>,
    sender: UnboundedSender<(usize, u8)>,
    ends: UnboundedReceiver<(usize, u8)>,
    /// How often somebody wanted the run to end, and who is told of it.
    interrupts: Arc<Interrupts>,
}

#[derive(Default)]
struct Interrupts {
    count: AtomicU32,
    told: Notify,
}

impl Interrupts {
    /// Looks what was sent to loggia.
    fn look(&self, signals: &mut Signals) {
        for arrived in signals.turn() {
            match arrived.signal {
                libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT => {
                    self.count.fetch_add(1, Ordering::Relaxed);
                    self.told.notify_one();
                }
                libc::SIGTSTP => crate::process::suspend(),
                _ => {}
            }
        }
    }
}

impl<'a> Simulated<'a> {
    /// Everything in place, nothing started.
    pub fn new(plan: &'a Plan, shared: Arc<Shared>, options: &'a Options, recorder: Option<Recorder>) -> Self {
        let (sender, ends) = unbounded_channel();
        Self {
            conductor: Conductor::new(plan),
            remains: plan.programs.iter().map(|_| Remains::default()).collect(),
            changes: Changes::new(plan),
            tasks: plan.programs.iter().map(|_| None).collect(),
            plan,
            shared,
            options,
            recorder,
            sender,
            ends,
            interrupts: Arc::default(),
        }
    }

    /// Runs until everything has ended; says why it was over.
    pub fn run(&mut self, signals: &mut Signals) -> io::Result<Over> {
        let shared = self.shared.clone();
        let interrupts = self.interrupts.clone();
        // The conductor ends the run at the deadline; this is only for a run that it cannot end.
        let never_later = Instant::EPOCH + self.plan.deadline + Duration::from_secs(3600);
        let outcome = paused::run(&shared, never_later, || interrupts.look(signals), self.conduct())?;
        Ok(match outcome {
            Outcome::Done(over) => over,
            Outcome::Deadline | Outcome::Stuck => Over::Deadline,
        })
    }

    async fn conduct(&mut self) -> Over {
        loop {
            let now = self.changed();
            self.options.progress.at(now, self.conductor.ended_programs(), self.plan.programs.len());
            self.act(now);
            if self.conductor.finished() {
                return self.conductor.over().unwrap_or(Over::Done);
            }
            self.something(now).await;
        }
    }

    /// Makes the changes that are due; gives the present moment.
    fn changed(&mut self) -> Instant {
        let mut inner = self.shared.lock();
        let now = inner.world.now();
        while self.changes.make_next(&mut inner.world, now) {}
        inner.tell();
        now
    }

    fn act(&mut self, now: Instant) {
        loop {
            match listening::next_act(&mut self.conductor, &self.shared, self.recorder.as_ref(), now) {
                None => return,
                Some(Act::Start(number)) => self.start(number, now),
                Some(Act::Signal(number, libc::SIGKILL) | Act::Kill(number)) => self.kill(number, now),
                Some(Act::Signal(number, _)) => {
                    if let Some((_, stopper)) = &self.tasks[number] {
                        stopper.tell();
                    }
                }
            }
        }
    }

    fn start(&mut self, number: usize, now: Instant) {
        let program = &self.plan.programs[number];
        self.note(number, &format!("{}: start {}", program.name, program.command.words().join(" ")));
        let Command::BuiltIn { name, args } = &program.command else {
            unreachable!("a lab with foreign programs runs in real time")
        };
        let host = &self.plan.hosts[program.host.0].name;
        match self.options.place.streams(host, program) {
            Ok(streams) => {
                let streams = streams.map(|stream| self.aloud(number, stream));
                let directory = program.cwd.clone().unwrap_or_default();
                let host = self.shared.host(program.host);
                let (future, stopper) = super::built_in(name, args.clone(), host, streams, directory, self.shared.epoch());
                let ends = self.sender.clone();
                let task = tokio::spawn(async move {
                    let code = future.await;
                    let _ = ends.send((number, code));
                });
                self.tasks[number] = Some((task.abort_handle(), stopper));
                self.conductor.started(number);
            }
            Err(error) => {
                self.remains[number].error = Some(error.to_string());
                self.conductor.ended(number, now, Ended::NotStarted);
            }
        }
    }

    /// A stream that is shown as it is written, if that is wanted.
    fn aloud(&self, number: usize, stream: Box<dyn Write + Send>) -> Box<dyn Write + Send> {
        if !self.options.echo || self.options.folder.is_none() {
            return stream;
        }
        let program = &self.plan.programs[number];
        let width = self.plan.programs.iter().map(|program| program.name.len()).max().unwrap_or(0);
        let name = format!("{:>width$}", program.name);
        Box::new(Aloud::new(stream, self.shared.host(program.host), name, self.options.progress.clone()))
    }

    fn kill(&mut self, number: usize, now: Instant) {
        if let Some((task, _)) = self.tasks[number].take() {
            task.abort();
            self.remains[number].status = Some(Status::Signal { signal: libc::SIGKILL, core: false });
            self.ended(number, now, Ended::Signal(libc::SIGKILL));
        }
    }

    fn ended(&mut self, number: usize, now: Instant, how: Ended) {
        self.note(number, &format!("{}: {how}", self.plan.programs[number].name));
        self.conductor.ended(number, now, how);
    }

    fn note(&self, number: usize, text: &str) {
        self.shared.lock().world.note(Some(self.plan.programs[number].host), "program", text);
    }

    /// Waits until a program ends or the conductor has something to decide.
    async fn something(&mut self, now: Instant) {
        let mut until = self.conductor.next_deadline().min(self.changes.next_deadline());
        if self.conductor.watches_listeners() {
            // Most servers listen in their first breath.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if self.somebody_new_listens() {
                return;
            }
            until = until.min(now + LOOK);
        }
        if self.conductor.is_settling() {
            until = until.min(now + LOOK);
        }
        let clock = self.shared.host(HostId(0));
        tokio::select! {
            biased;
            Some((number, code)) = self.ends.recv() => {
                let now = clock.now();
                // Who was ended by force in the same moment has had his end already.
                if self.tasks[number].take().is_some() {
                    self.remains[number].status = Some(Status::Exit(code));
                    self.ended(number, now, Ended::Exit(code.into()));
                }
            }
            () = self.interrupts.told.notified() => {
                self.conductor.interrupt();
                if self.interrupts.count.load(Ordering::Relaxed) > 1 {
                    let now = clock.now();
                    (0..self.tasks.len()).for_each(|number| self.kill(number, now));
                }
            }
            () = loggia::time::sleep_until(&clock, until) => {}
        }
    }

    fn somebody_new_listens(&mut self) -> bool {
        let inner = self.shared.lock();
        self.conductor.look_for_listeners(&inner.world)
    }
}

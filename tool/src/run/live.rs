//! The programs of a run that are alive, foreign and built-in alike.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use loggia_lab::file;
use loggia_lab::plan::{Plan, Program};

use super::conductor::Ended;
use super::place::Place;
use super::starter::{Prepare, Starter};
use super::task::{Runtime, Task};
use crate::engine::shared::Shared;
use crate::process::{self, Command, Event, Input, Seat, SpawnError, Spawner, Status, Usage};
use crate::programs::Stopper;
use crate::sys::filter::Instruction;

/// What happened to programs.
#[derive(Debug)]
pub enum News {
    /// A program runs; a foreign one with the listener of its filter.
    Started {
        /// Which.
        number: usize,
        /// Where its trapped calls are answered.
        listener: Option<OwnedFd>,
    },
    /// A program has ended, for what the run is concerned.
    Ended {
        /// Which.
        number: usize,
        /// How.
        how: Ended,
    },
    /// A process is gone, and perhaps the last that held a socket.
    ProcessGone,
    /// Something for the record.
    Said {
        /// Which program.
        number: usize,
        /// What.
        text: String,
    },
}

/// What remains of a program.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// How it ended, if it has.
    pub status: Option<Status>,
    /// What it and all it started have used.
    pub usage: Option<Usage>,
    /// Why it could not be started.
    pub error: Option<String>,
    /// The exit code of a run that ends by that.
    pub exit: Option<crate::exit::Exit>,
    /// How long it ran, over all its starts.
    pub time: Option<Duration>,
    /// When it was started last.
    pub started: Option<std::time::Instant>,
    /// Processes that outlived SIGKILL.
    pub survivors: Vec<String>,
}

enum Part {
    Foreign(process::Program),
    BuiltIn(Task, Stopper),
}

/// The programs of a run.
pub struct Live<'a> {
    plan: &'a Plan,
    starter: Starter,
    place: Place,
    runtime: Runtime,
    parts: Vec<Option<Part>>,
    remains: Vec<Remains>,
    news: VecDeque<News>,
    /// Signals for a program that is being started.
    unheard: Vec<i32>,
}

impl<'a> Live<'a> {
    /// Nothing started yet. `wake` is called when there is news that no descriptor tells of.
    pub fn new(
        plan: &'a Plan,
        spawner: Arc<Spawner>,
        filter: Vec<Instruction>,
        place: Place,
        wake: impl Fn() + Send + Sync + Clone + 'static,
    ) -> io::Result<Self> {
        let parts = plan.programs.iter().map(|_| None).collect();
        let remains = plan.programs.iter().map(|_| Remains::default()).collect();
        let starter = Starter::new(spawner, filter, wake.clone())?;
        Ok(Self { plan, starter, place, runtime: Runtime::new(wake), parts, remains, news: VecDeque::new(), unheard: Vec::new() })
    }

    /// Starts a program; [`News::Started`] or [`News::Ended`] tells what came of it.
    pub fn start(&mut self, number: usize, shared: &Arc<Shared>) {
        let program = &self.plan.programs[number];
        match &program.command {
            file::Command::Run(words) => self.starter.start(number, self.command(program, words)),
            file::Command::BuiltIn { name, args } => match self.start_built_in(number, program, name, args, shared) {
                Ok((task, stopper)) => self.started(number, Part::BuiltIn(task, stopper), None),
                Err(error) => self.not_started(number, &error),
            },
        }
    }

    fn started(&mut self, number: usize, part: Part, listener: Option<OwnedFd>) {
        self.parts[number] = Some(part);
        self.remains[number].started = Some(std::time::Instant::now());
        self.news.push_back(News::Started { number, listener });
        std::mem::take(&mut self.unheard).into_iter().for_each(|signal| self.pass_on(signal));
    }

    fn not_started(&mut self, number: usize, error: &SpawnError) {
        self.remains[number].error = Some(error.to_string());
        self.remains[number].exit = Some(error.exit());
        self.news.push_back(News::Said { number, text: error.to_string() });
        self.news.push_back(News::Ended { number, how: Ended::NotStarted });
    }

    /// What to run; its files are opened by the one who starts it.
    fn command(&self, program: &Program, words: &[String]) -> Prepare {
        let host = self.plan.hosts[program.host.0].name.clone();
        let mut command = Command::new(&words[0]).args(&words[1..]);
        for (name, value) in &program.env {
            command = command.env(name, value);
        }
        if let Some(directory) = &program.cwd {
            command = command.current_dir(directory);
        }
        if let Some(user) = &program.user {
            command = command.user(user.clone());
        }
        let (place, program) = (self.place.clone(), program.clone());
        Box::new(move || {
            if let Some(path) = &program.stdin {
                let named =
                    |error: io::Error| SpawnError::Own(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
                command = command.stdin(Input::File(File::open(path).map_err(named)?));
            }
            place.furnish(command, &host, &program).map_err(SpawnError::Own)
        })
    }

    fn start_built_in(
        &self,
        number: usize,
        program: &Program,
        name: &str,
        args: &[String],
        shared: &Arc<Shared>,
    ) -> Result<(Task, Stopper), SpawnError> {
        let host = &self.plan.hosts[program.host.0].name;
        let streams = self.place.streams(host, program).map_err(SpawnError::Own)?;
        let directory = program.cwd.clone().unwrap_or_default();
        let host = shared.host(program.host);
        let (future, stopper) = super::built_in(name, args.to_vec(), host, streams, directory, shared.epoch());
        Ok((self.runtime.start(number, future).map_err(SpawnError::Own)?, stopper))
    }

    /// What is readable when a foreign program has news.
    pub fn poll_fd(&self, number: usize) -> Option<BorrowedFd<'_>> {
        match self.parts[number].as_ref()? {
            Part::Foreign(program) => Some(program.as_fd()),
            Part::BuiltIn(..) => None,
        }
    }

    /// The next thing that happened.
    pub fn next_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Looks what a foreign program has to say, whose descriptor was readable.
    pub fn look_at(&mut self, number: usize) {
        if let Some(Some(Part::Foreign(program))) = self.parts.get_mut(number) {
            for event in program.turn() {
                self.happened(number, event);
            }
        }
    }

    fn has_ended(&mut self, number: usize, how: Ended) {
        let remains = &mut self.remains[number];
        if let Some(started) = remains.started.take() {
            remains.time = Some(remains.time.unwrap_or_default() + started.elapsed());
        }
        self.news.push_back(News::Ended { number, how });
    }

    /// Looks what came of starts, and which built-in programs have ended.
    pub fn look(&mut self) {
        while let Some((number, result)) = self.starter.next() {
            match result {
                Ok(spawned) => self.started(number, Part::Foreign(spawned.program), spawned.listener),
                Err(error) => self.not_started(number, &error),
            }
        }
        while let Some((number, code)) = self.runtime.next_end() {
            // Who was ended by force in the same moment has had his end already.
            if self.parts[number].take().is_none() {
                continue;
            }
            self.remains[number].status = Some(Status::Exit(code));
            self.has_ended(number, Ended::Exit(code.into()));
        }
    }

    fn happened(&mut self, number: usize, event: Event) {
        let remains = &mut self.remains[number];
        match event {
            Event::Ended { status, usage } => {
                remains.status = Some(status);
                remains.usage = Some(usage);
                self.news.push_back(News::ProcessGone);
                // A program that is to run may have made itself a daemon: then it ends with the last of its tree.
                if !(self.plan.programs[number].expect == file::Expect::Running && status == Status::Exit(0)) {
                    self.has_ended(number, ended(status));
                }
            }
            Event::TreeEnded(end) => {
                remains.usage = Some(end.usage);
                self.parts[number] = None;
                self.news.push_back(News::ProcessGone);
                let status = self.remains[number].status.unwrap_or(Status::Exit(0));
                if self.plan.programs[number].expect == file::Expect::Running && status == Status::Exit(0) {
                    self.has_ended(number, ended(status));
                }
                for (stream, left_out) in ["stdout", "stderr"].iter().zip(end.left_out).filter(|(_, bytes)| *bytes > 0) {
                    let text = format!("{left_out} bytes of its {stream} were left out of the log");
                    self.news.push_back(News::Said { number, text });
                }
            }
            Event::Lost => {
                self.parts[number] = None;
                let text = "its keeper was killed: how it ended is not known".to_owned();
                self.news.push_back(News::ProcessGone);
                self.news.push_back(News::Said { number, text });
                if remains.status.is_none() {
                    self.has_ended(number, Ended::Signal(libc::SIGKILL));
                }
            }
            Event::LogFailed { stream, errno } => {
                let error = io::Error::from_raw_os_error(errno);
                let name = if stream == 1 { "stdout" } else { "stderr" };
                self.news.push_back(News::Said { number, text: format!("its {name} cannot be written any more: {error}") });
            }
            Event::Surviving(survivors) => {
                remains.survivors = survivors.iter().map(|process| format!("{} ({})", process.name, process.pid)).collect();
            }
            Event::Stopped { .. } => {
                if self.place.seat() == Seat::Terminal {
                    process::suspend();
                    self.pass_on(libc::SIGCONT);
                }
            }
            Event::Continued => {}
        }
    }

    /// Tells a program to end: signal, then force after its grace.
    pub fn stop(&mut self, number: usize, signal: i32) {
        let grace = self.plan.programs[number].stop.grace;
        match &self.parts[number] {
            Some(Part::Foreign(program)) => program.stop(signal, grace + Duration::from_millis(100)),
            Some(Part::BuiltIn(..)) if signal == libc::SIGKILL => self.end_built_in(number),
            Some(Part::BuiltIn(_, stopper)) => stopper.tell(),
            None => {}
        }
    }

    /// Ends a program with all it has started.
    pub fn kill(&mut self, number: usize) {
        match &self.parts[number] {
            Some(Part::Foreign(program)) => program.kill(),
            Some(Part::BuiltIn(..)) => self.end_built_in(number),
            None => {}
        }
    }

    /// Ends all that is left.
    pub fn kill_all(&mut self) {
        (0..self.parts.len()).for_each(|number| self.kill(number));
    }

    /// A built-in program ends at once: its sockets are closed as the kernel closes those of a killed process.
    fn end_built_in(&mut self, number: usize) {
        if let Some(Part::BuiltIn(task, _)) = self.parts[number].take() {
            task.end();
            self.remains[number].status = Some(Status::Signal { signal: libc::SIGKILL, core: false });
            self.has_ended(number, Ended::Signal(libc::SIGKILL));
        }
    }

    /// True if something is left of a program: itself, or what it has started.
    pub fn lives(&self, number: usize) -> bool {
        self.parts[number].is_some()
    }

    /// True if nothing is left of any program.
    pub fn all_over(&self) -> bool {
        self.parts.iter().all(Option::is_none)
    }

    /// True if signals to loggia are for the one program in the foreground.
    pub fn passes_signals(&self) -> bool {
        self.place.seat() == Seat::Terminal
    }

    /// Passes a signal on to the program in the foreground; if it is only being started, as soon as that is known.
    pub fn pass_on(&mut self, signal: i32) {
        if self.all_over() {
            self.unheard.push(signal);
        }
        for part in self.parts.iter().flatten() {
            if let Part::Foreign(program) = part {
                program.pass_on(signal);
            }
        }
    }

    /// What remains of all programs, by number.
    pub fn remains(&self) -> &[Remains] {
        &self.remains
    }
}

fn ended(status: Status) -> Ended {
    match status {
        Status::Exit(code) => Ended::Exit(code.into()),
        Status::Signal { signal, .. } => Ended::Signal(signal),
    }
}

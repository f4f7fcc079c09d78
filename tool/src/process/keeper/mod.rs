//! The process beside each program: its parent, the reaper of all that it starts, the writer of its logs, and its end.
//!
//! * [`launch`](mod@launch): from an order to a running program.
//! * [`tree`]: descendants, and killing them.
//! * [`relay`]: from a pipe to a log.
//! * [`passing`]: signals that loggia got.

mod launch;
mod passing;
mod relay;
pub(super) mod tree;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::Seat;
use super::order::{Order, Sink};
use super::report::{Failure, Report, Stage, Wish};
use crate::sys::descriptor::{self, Watched, poll};
use crate::sys::message::{self, Patience};
use crate::sys::process::{self, Wait, wait};
use crate::sys::{Pid, signal};
use launch::{Launched, launch};
use passing::Passing;
use relay::Relay;

/// Between two sweeps of a tree that is being killed.
const SWEEP: Duration = Duration::from_millis(5);
/// After so long a killed tree's survivors are told. They wait in the kernel for something that does not come; they end when it does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most survivors that are told: a report has 16 KiB at most.
const TOLD: usize = 100;

/// How far the end has come.
#[derive(Debug)]
enum Phase {
    Running,
    /// Told to end by `signal`; each top of the tree gets it once, also those that become tops later.
    Stopping {
        signal: i32,
        /// `None`: the keeper does not lose its patience.
        deadline: Option<Instant>,
        told: BTreeSet<Pid>,
    },
    Killing {
        since: Instant,
        survivors_told: bool,
    },
}

/// Runs the order to the end of everything that came of it. `streams` are those of the program; for a log, the log.
pub(super) fn keep(control: OwnedFd, order: &Order, streams: [OwnedFd; 3]) -> i32 {
    match start(order, streams) {
        Ok((launched, relays)) => match Keeper::new(control, order.seat, &launched, relays) {
            Ok(mut keeper) => {
                keeper.report_with(&Report::Started { pid: launched.pid }, launched.listener);
                keeper.run();
                0
            }
            Err(_) => process::PANICKED,
        },
        Err(failure) => {
            let _ = message::send(control.as_fd(), &Report::Failed(failure).encode(), &[]);
            0
        }
    }
}

fn start(order: &Order, streams: [OwnedFd; 3]) -> Result<(Launched, [Option<Relay>; 2]), Failure> {
    let fault = |error: io::Error| Failure::of(Stage::Streams, &error);
    process::become_subreaper().map_err(|error| Failure::of(Stage::Fork, &error))?;
    let [input, output, error] = streams;
    let (output, output_relay) = outlet(order, 0, output).map_err(fault)?;
    let (error, error_relay) = outlet(order, 1, error).map_err(fault)?;
    let launched = launch(order, [input.as_raw_fd(), output.as_raw_fd(), error.as_raw_fd()])?;
    Ok((launched, [output_relay, error_relay]))
}

/// What the program gets as its output, and who reads it.
fn outlet(order: &Order, which: usize, stream: OwnedFd) -> io::Result<(OwnedFd, Option<Relay>)> {
    let Sink::Log { limit } = order.sinks[which] else { return Ok((stream, None)) };
    let (read, write) = descriptor::pipe()?;
    if let Some(identity) = &order.identity {
        // So that the user can open /dev/stdout, which the kernel checks like any file.
        descriptor::give_to(write.as_fd(), identity.uid, identity.gid)?;
    }
    Ok((write, Some(Relay::new(read, File::from(stream), limit))))
}

#[derive(Debug)]
struct Keeper {
    control: OwnedFd,
    inbox: signal::Inbox,
    seat: Seat,
    /// Until it has ended.
    program: Option<Pid>,
    orphans: u64,
    relays: [Option<Relay>; 2],
    passing: Passing,
    phase: Phase,
    /// Whether somebody reads the reports.
    heard: bool,
}

impl Keeper {
    fn new(control: OwnedFd, seat: Seat, launched: &Launched, relays: [Option<Relay>; 2]) -> io::Result<Self> {
        Ok(Self {
            control,
            inbox: signal::Inbox::new(signal::Set::all())?,
            seat,
            program: Some(launched.pid),
            orphans: 0,
            relays,
            passing: Passing::default(),
            phase: Phase::Running,
            heard: true,
        })
    }

    fn report(&mut self, report: &Report) {
        self.report_with(report, None);
    }

    fn report_with(&mut self, report: &Report, descriptor: Option<OwnedFd>) {
        let descriptors: Vec<_> = descriptor.iter().map(OwnedFd::as_fd).collect();
        if self.heard && message::send(self.control.as_fd(), &report.encode(), &descriptors).is_err() {
            self.abandoned();
        }
    }

    /// Loggia is gone.
    fn abandoned(&mut self) {
        self.heard = false;
        self.kill();
    }

    fn kill(&mut self) {
        if !matches!(self.phase, Phase::Killing { .. }) {
            self.phase = Phase::Killing { since: Instant::now(), survivors_told: false };
        }
    }

    /// Until no child is left.
    fn run(&mut self) {
        while self.reap() {
            self.end_by_phase();
            self.pass_on();
            self.wait_for_news();
        }
        // What is still in the pipes; nobody writes any more.
        self.move_output();
        let left_out = self.relays.each_mut().map(|relay| relay.as_mut().map_or(0, Relay::finish));
        self.report(&Report::TreeEnded { usage: process::usage_of_children(), orphans: self.orphans, left_out });
    }

    /// Buries the dead; says whether a child is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(Wait::Any) {
                Ok(Some(waited)) if Some(waited.pid) == self.program => self.program_changed(waited),
                Ok(Some(waited)) => self.orphans += u64::from(waited.ended()),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn program_changed(&mut self, process::Waited { status, usage, .. }: process::Waited) {
        if libc::WIFSTOPPED(status) {
            self.report(&Report::Stopped { signal: libc::WSTOPSIG(status) });
        } else if libc::WIFCONTINUED(status) {
            self.report(&Report::Continued);
        } else {
            self.program = None;
            self.report(&Report::Ended { status, usage });
        }
    }

    fn end_by_phase(&mut self) {
        let now = Instant::now();
        match &mut self.phase {
            Phase::Running => {}
            Phase::Stopping { deadline: Some(deadline), .. } if *deadline <= now => {
                self.kill();
                self.end_by_phase();
            }
            Phase::Stopping { signal, told, .. } => ask_to_end(*signal, told),
            Phase::Killing { since, survivors_told } => {
                let late = !*survivors_told && now - *since >= PATIENCE;
                *survivors_told |= late;
                tree::kill_descendants(|_| false);
                if late {
                    let processes = tree::own_children().into_iter().take(TOLD).map(|pid| (pid, tree::name(pid))).collect();
                    self.report(&Report::Surviving { processes });
                }
            }
        }
    }

    fn pass_on(&mut self) {
        for signal in self.passing.due(Instant::now()) {
            self.signal_program(signal);
        }
    }

    fn signal_program(&self, signal: i32) {
        if let Some(program) = self.program {
            let _ = signal::send(program, signal);
        }
    }

    fn wait_for_news(&mut self) {
        let sources = [Some(self.control.as_raw_fd()).filter(|_| self.heard), Some(self.inbox.as_raw_fd())];
        let pipes = self.relays.iter().flatten().filter_map(Relay::fd);
        let watched: Vec<RawFd> = sources.into_iter().flatten().chain(pipes).collect();
        let mut watched: Vec<Watched> = watched.into_iter().map(Watched::input).collect();
        let _ = poll(&mut watched, self.timeout());
        self.hear_signals();
        self.hear_wishes();
        self.move_output();
    }

    /// Milliseconds, rounded up.
    fn timeout(&self) -> i32 {
        let now = Instant::now();
        let phase = match &self.phase {
            Phase::Running => None,
            Phase::Stopping { deadline, .. } => *deadline,
            Phase::Killing { .. } => Some(now + SWEEP),
        };
        let next = phase.into_iter().chain(self.passing.deadline()).min();
        next.map_or(-1, |at| at.saturating_duration_since(now).as_micros().div_ceil(1000).min(i32::MAX as u128) as i32)
    }

    fn hear_signals(&mut self) {
        while let Some(arrived) = self.inbox.take() {
            if arrived.signal != libc::SIGCHLD {
                self.passing.own(arrived.signal, Instant::now());
            }
        }
    }

    fn hear_wishes(&mut self) {
        let mut buffer = [0; 64];
        while self.heard {
            match message::receive(self.control.as_fd(), &mut buffer, Patience::None) {
                Ok(received) if received.len > 0 => {
                    if let Some(wish) = Wish::decode(&buffer[..received.len]) {
                        self.grant(wish);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                _ => self.abandoned(),
            }
        }
    }

    fn grant(&mut self, wish: Wish) {
        match (wish, &self.phase) {
            (Wish::Signal { signal }, _) => self.signal_program(signal),
            (Wish::PassOn { signal }, _) if self.seat == Seat::Apart => self.signal_program(signal),
            (Wish::PassOn { signal }, _) => self.passing.told(signal, Instant::now()),
            (Wish::Stop { .. }, Phase::Killing { .. }) => {}
            (Wish::Stop { signal, grace_ms }, _) => {
                let deadline = Instant::now().checked_add(Duration::from_millis(grace_ms));
                self.phase = Phase::Stopping { signal, deadline, told: BTreeSet::new() };
            }
            (Wish::Kill, _) => self.kill(),
        }
    }

    fn move_output(&mut self) {
        for stream in 0..2 {
            if let Some(errno) = self.relays[stream].as_mut().and_then(Relay::turn) {
                self.report(&Report::LogFailed { stream, errno });
            }
        }
    }
}

/// Sends each of the keeper's children the signal, once. SIGCONT lets one that is stopped hear it.
fn ask_to_end(signal: i32, told: &mut BTreeSet<Pid>) {
    for child in tree::own_children() {
        if told.insert(child) {
            let _ = signal::send(child, signal);
            let _ = signal::send(child, libc::SIGCONT);
        }
    }
}

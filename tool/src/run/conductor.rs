//! Which program starts when, which is stopped when, and when it is over: decisions only, no process is touched here.
//!
//! ```text
//!   Waiting ── after, start ──> Starting ──> Running ── stop, end of the run ──> Stopping ──> Ended
//!      ^                                        └───────────── by itself ─────────────────────^  │
//!      └──────────────────────────────────── restart ───────────────────────────────────────────┘
//! ```

use loggia_lab::file::{Expect, Protocol, Ready, RestartWhen};
use loggia_lab::plan::{Plan, Program};
use loggia_lab::world::HostId;
use loggia_stack::base::Instant;

use crate::process::signal_name;

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started.
    NotStarted,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {signal}"),
            },
            Self::NotStarted => f.write_str("not started"),
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Start this program; then say [`Conductor::started`] or [`Conductor::ended`].
    Start(usize),
    /// Send this program, with all it started, a signal.
    Signal(usize, i32),
    /// Kill this program with all it started.
    Kill(usize),
}

/// Where a program is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Its turn has not come.
    Waiting,
    /// It was told to start.
    Starting,
    /// It runs.
    Running,
    /// It was told to stop and is killed at this moment; at [`Instant::NEVER`] it was killed.
    Stopping(Instant),
    /// It will be started again at this moment.
    Resting(Instant),
    /// It has ended for good.
    Ended(Ended),
    /// What it waits for will never be ready.
    Impossible,
}

/// Why the run is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// All that was to end has ended.
    Done,
    /// The deadline came first.
    Deadline,
    /// Somebody wanted it to end.
    Interrupted,
}

#[derive(Debug)]
struct Part {
    program: Program,
    phase: Phase,
    ready: bool,
    /// It was told to stop: it ended by our will, and is not started again.
    stopped: bool,
    restarts: u32,
    /// It has ended, and something that it has started has not: a server that made itself a daemon may still become ready.
    lingers: bool,
    /// What it lacked, or still did, when the deadline came.
    at_deadline: Option<String>,
}

impl Part {
    /// Whether it may still become ready by listening, which is the host's.
    fn may_listen(&self) -> bool {
        let lives = self.phase == Phase::Running || self.lingers && matches!(self.phase, Phase::Ended(_));
        lives && !self.ready && matches!(self.program.ready, Ready::Listen(_))
    }

    /// Whether it will never be ready.
    fn is_lost(&self) -> bool {
        !self.ready && !self.may_listen() && matches!(self.phase, Phase::Ended(_) | Phase::Impossible)
    }

    /// Whether a program that was to run until it was stopped ended as one may: well, by the signal or as a shell says that, or because it
    /// had to be killed.
    fn answer_to_stop(&self, found: Option<Ended>) -> Result<(), String> {
        let signal = self.program.stop.signal;
        match found {
            None | Some(Ended::Exit(0) | Ended::Signal(libc::SIGKILL)) => Ok(()),
            Some(Ended::Signal(by)) if by == signal => Ok(()),
            Some(Ended::Exit(status)) if status == 128 + signal || Some(status) == self.program.stop.exit => Ok(()),
            Some(Ended::Exit(status)) => {
                Err(format!("exit status {status} when it was stopped; if that is its way, state stop = {{ exit = {status} }}"))
            }
            Some(how) => Err(format!("{how} when it was stopped")),
        }
    }
}

/// Conducts the programs of one run.
#[derive(Debug)]
pub struct Conductor {
    parts: Vec<Part>,
    deadline: Instant,
    over: Option<Over>,
    /// The run is over, and those that are about to be stopped still have to do with those that have ended, at the latest until then.
    settling: Option<Instant>,
}

/// What the conductor sees of the world.
pub trait Sight {
    /// True if a host listens on a port, or on any.
    fn listens(&self, host: HostId, port: Option<(Protocol, u16)>) -> bool;

    /// Where a host listens.
    fn listening(&self, host: HostId) -> Vec<(Protocol, u16)>;

    /// True if a host, whose programs have ended, has connections that were closed and whose other end does not know it yet, or has not
    /// answered it.
    fn is_closing(&self, host: HostId) -> bool;

    /// True if something that a host has sent has not arrived yet.
    fn is_under_way(&self, host: HostId) -> bool;
}

impl Conductor {
    /// At the beginning of a run; moments are counted from the epoch.
    pub fn new(plan: &Plan) -> Self {
        let part = |program: &Program| Part {
            program: program.clone(),
            phase: Phase::Waiting,
            ready: false,
            stopped: false,
            restarts: 0,
            lingers: false,
            at_deadline: None,
        };
        Self {
            parts: plan.programs.iter().map(part).collect(),
            deadline: Instant::EPOCH + plan.deadline,
            over: None,
            settling: None,
        }
    }

    /// A program runs.
    pub fn started(&mut self, number: usize) {
        let part = &mut self.parts[number];
        part.phase = Phase::Running;
        part.ready |= part.program.ready == Ready::Started;
    }

    /// A program has ended, or could not be started.
    pub fn ended(&mut self, number: usize, now: Instant, how: Ended) {
        let over = self.over.is_some();
        let part = &mut self.parts[number];
        part.ready |= matches!((&part.program.ready, how), (Ready::Exit(wanted), Ended::Exit(status)) if *wanted == status);
        let restart = part.program.restart;
        let again = match restart.when {
            RestartWhen::Never => false,
            RestartWhen::OnFailure => how != Ended::Exit(0),
            RestartWhen::Always => true,
        };
        let may = restart.most.is_none_or(|most| part.restarts < most);
        let starts_again = again && may && !part.stopped && !over && how != Ended::NotStarted;
        part.phase = if starts_again { Phase::Resting(now + restart.delay) } else { Phase::Ended(how) };
    }

    /// Says whether something of a program's tree lives; while it does, what it is waited for may come, though the program has ended.
    pub fn lingers(&mut self, number: usize, lives: bool) {
        self.parts[number].lingers = lives;
    }

    /// What a program lacked when the deadline came, or that it still ran.
    pub fn at_deadline(&self, number: usize) -> Option<&str> {
        self.parts[number].at_deadline.as_deref()
    }

    /// Somebody wants the run to end.
    pub fn interrupt(&mut self) {
        self.over.get_or_insert(Over::Interrupted);
        self.settling = None;
    }

    /// Where a program is in its life.
    pub fn phase(&self, number: usize) -> Phase {
        self.parts[number].phase
    }

    /// True if a program was told to stop.
    pub fn was_stopped(&self, number: usize) -> bool {
        self.parts[number].stopped
    }

    /// How often a program was started again.
    pub fn restarts(&self, number: usize) -> u32 {
        self.parts[number].restarts
    }

    /// True if a program became ready.
    pub fn is_ready(&self, number: usize) -> bool {
        self.parts[number].ready
    }

    /// True while somebody may become ready by listening: `listens` of [`Conductor::next`] matters.
    pub fn watches_listeners(&self) -> bool {
        self.parts.iter().any(Part::may_listen)
    }

    /// What is to be done now; ask until there is nothing.
    pub fn next(&mut self, now: Instant, sight: &dyn Sight) -> Option<Act> {
        self.look_for_listeners(sight);
        self.decide_over(now, sight);
        self.settle(now, sight);
        (0..self.parts.len()).find_map(|number| self.next_of(number, now))
    }

    /// When [`Conductor::next`] must be asked again at the latest.
    pub fn next_deadline(&self) -> Instant {
        let end = if self.over.is_none() { self.deadline } else { self.settling.unwrap_or(Instant::NEVER) };
        self.parts.iter().map(|part| self.appointment(part)).fold(end, Instant::min)
    }

    /// How many programs have ended for good.
    pub fn ended_programs(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part.phase, Phase::Ended(_) | Phase::Impossible)).count()
    }

    /// Why the run is over, once it is; programs may still have to be stopped.
    pub fn over(&self) -> Option<Over> {
        self.over
    }

    /// True if the run is over and no program is left.
    pub fn finished(&self) -> bool {
        let lives = |part: &Part| matches!(part.phase, Phase::Starting | Phase::Running | Phase::Stopping(_));
        self.over.is_some() && self.settling.is_none() && !self.parts.iter().any(lives)
    }

    fn appointment(&self, part: &Part) -> Instant {
        match part.phase {
            Phase::Waiting if self.over.is_none() => self.start_of(part).unwrap_or(Instant::NEVER),
            Phase::Resting(at) if self.over.is_none() => at,
            Phase::Stopping(at) => at,
            Phase::Running if !part.stopped => part.program.stop.at.map_or(Instant::NEVER, |at| Instant::EPOCH + at),
            _ => Instant::NEVER,
        }
    }

    /// When a waiting program may start; none while what it waits for is not ready.
    fn start_of(&self, part: &Part) -> Option<Instant> {
        part.program.after.iter().all(|other| self.parts[*other].ready).then(|| Instant::EPOCH + part.program.start)
    }

    /// Looks who has become ready by listening; says whether anybody has.
    pub fn look_for_listeners(&mut self, sight: &dyn Sight) -> bool {
        let mut any = false;
        for part in self.parts.iter_mut().filter(|part| part.may_listen()) {
            if let Ready::Listen(ports) = &part.program.ready {
                let host = part.program.host;
                let listens = |port: &(Protocol, u16)| sight.listens(host, Some(*port));
                part.ready = if ports.is_empty() { sight.listens(host, None) } else { ports.iter().all(listens) };
                any |= part.ready;
            }
        }
        any
    }

    fn decide_over(&mut self, now: Instant, sight: &dyn Sight) {
        // Who ends after that was stopped, and it is not for that that others did not start.
        if self.over.is_some() {
            return;
        }
        self.give_up_the_impossible();
        let waited_for = |part: &&Part| matches!(part.program.expect, Expect::Exit(_) | Expect::Exited | Expect::Signal(_));
        let settled = |part: &Part| matches!(part.phase, Phase::Ended(_) | Phase::Impossible);
        let mut awaited = self.parts.iter().filter(waited_for).peekable();
        let all_gone = self.parts.iter().all(settled);
        if all_gone || awaited.peek().is_some() && awaited.all(settled) {
            self.over = Some(Over::Done);
            let running = || self.parts.iter().filter(|part| part.phase == Phase::Running);
            let anybody = running().next().is_some();
            let patient = self.parts.iter().filter(|part| part.phase == Phase::Running || !anybody);
            self.settling = patient.map(|part| now + part.program.stop.grace).max();
        } else if now >= self.deadline {
            self.deadline_came(sight);
            self.over = Some(Over::Deadline);
        }
    }

    /// Servers are stopped when the last words of their clients have come to them: what a client sent before it ended arrives, and what it
    /// closed is answered. If all have ended, what they sent arrives. Nobody waits for longer than the grace of those that are to be stopped
    /// (of all, if there are none).
    fn settle(&mut self, now: Instant, sight: &dyn Sight) {
        let Some(until) = self.settling else { return };
        let runs = |host: HostId| self.parts.iter().any(|part| part.program.host == host && part.phase == Phase::Running);
        let mut ended: Vec<HostId> = self.parts.iter().map(|part| part.program.host).filter(|host| !runs(*host)).collect();
        ended.dedup();
        let answered = self.parts.iter().any(|part| part.phase == Phase::Running);
        let speaks = |host: &HostId| sight.is_under_way(*host) || answered && sight.is_closing(*host);
        if now >= until || !ended.iter().any(speaks) {
            self.settling = None;
        }
    }

    /// True while the run is over and its last words are on their way: ask [`Conductor::next`] whenever something has happened.
    pub fn is_settling(&self) -> bool {
        self.settling.is_some()
    }

    /// Who waits for a program that has ended without being ready waits in vain, and so do those that wait for him.
    fn give_up_the_impossible(&mut self) {
        for number in 0..self.parts.len() {
            let lost = |other: &usize| self.parts[*other].is_lost();
            if self.parts[number].phase == Phase::Waiting && self.parts[number].program.after.iter().any(lost) {
                self.parts[number].phase = Phase::Impossible;
            }
        }
    }

    fn next_of(&mut self, number: usize, now: Instant) -> Option<Act> {
        let over = self.over.is_some();
        let stops = over && self.settling.is_none();
        let part = &self.parts[number];
        match part.phase {
            Phase::Waiting if !over && self.start_of(part).is_some_and(|at| at <= now) => Some(self.start(number)),
            Phase::Resting(at) if !over && at <= now => {
                self.parts[number].restarts += 1;
                Some(self.start(number))
            }
            Phase::Resting(_) if over => {
                self.parts[number].phase = Phase::Ended(Ended::NotStarted);
                None
            }
            Phase::Running if stops || part.program.stop.at.is_some_and(|at| Instant::EPOCH + at <= now) => {
                Some(self.stop(number, now))
            }
            Phase::Stopping(at) if at <= now => {
                self.parts[number].phase = Phase::Stopping(Instant::NEVER);
                Some(Act::Kill(number))
            }
            _ => None,
        }
    }

    fn start(&mut self, number: usize) -> Act {
        self.parts[number].phase = Phase::Starting;
        Act::Start(number)
    }

    fn stop(&mut self, number: usize, now: Instant) -> Act {
        let part = &mut self.parts[number];
        part.stopped = true;
        part.phase = Phase::Stopping(now + part.program.stop.grace);
        Act::Signal(number, part.program.stop.signal)
    }

    /// Whether a program was found in the state that was expected; if not, what was found instead.
    pub fn verdict(&self, number: usize) -> Result<(), String> {
        let part = &self.parts[number];
        let found = match part.phase {
            Phase::Waiting => return Err("never started".into()),
            Phase::Impossible => {
                let lost = part.program.after.iter().map(|other| &self.parts[*other]).filter(|other| other.is_lost());
                let names: Vec<_> = lost.map(|other| other.program.name.as_str()).collect();
                return Err(format!("never started: what it waits for was never ready ({})", names.join(", ")));
            }
            Phase::Ended(Ended::NotStarted) => return Err("could not be started".into()),
            Phase::Starting | Phase::Running | Phase::Stopping(_) | Phase::Resting(_) => None,
            Phase::Ended(how) => Some(how),
        };
        let by_itself = found.filter(|_| !part.stopped);
        match (part.program.expect, by_itself) {
            (Expect::Running, None) => part.answer_to_stop(found),
            (Expect::Any, _) | (Expect::Exited, Some(_)) => Ok(()),
            (Expect::Exit(wanted), Some(Ended::Exit(status))) if wanted == status => Ok(()),
            (Expect::Signal(wanted), Some(Ended::Signal(signal))) if wanted == signal => Ok(()),
            (_, Some(how)) => Err(format!("{how}")),
            // Told to stop at a stated moment, its answer to that is what counts.
            (Expect::Exit(_) | Expect::Exited | Expect::Signal(_), None) if part.program.stop.at.is_some() => {
                self.verdict_on_stop(number, found)
            }
            (_, None) => Err("still running".into()),
        }
    }

    fn verdict_on_stop(&self, number: usize, found: Option<Ended>) -> Result<(), String> {
        match (self.parts[number].program.expect, found) {
            (_, None) => Err("still running".into()),
            (Expect::Exited, Some(_)) => Ok(()),
            (Expect::Exit(wanted), Some(Ended::Exit(status))) if wanted == status => Ok(()),
            (Expect::Signal(wanted), Some(Ended::Signal(signal))) if wanted == signal => Ok(()),
            (_, Some(how)) => Err(format!("{how}")),
        }
    }
}

mod deadline;

#[cfg(test)]
mod tests;

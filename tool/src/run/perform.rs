//! A plan performed: world, record, programs, findings.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use loggia_lab::check::{self, Finding, Verdict};
use loggia_lab::file::{Command, Expect, Stop, Unit, show};
use loggia_lab::metrics::{Process, Table};
use loggia_lab::plan::{MACHINE_V4, Plan};
use loggia_lab::record::{self, Disk, Memory, Recorder, Snap};
use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Addr, Instant, Seed};

use super::conductor::{self, Conductor, Over, Phase};
use super::kick::Kick;
use super::lag::Summary;
use super::live::{Live, Remains};
use super::place::Place;
use super::real::Real;
use super::simulated::Simulated;
use crate::engine::shared::{Clock, Shared};
use crate::exit::Exit;
use crate::gateway::Doors;
use crate::intercept::{self, Refusal, Supervisor, filter};
use crate::names::{self, Names};
use crate::process::{Signals, Spawner, Status, Usage};
use crate::progress::Progress;

/// What this process has to run foreign programs with. Made first of all, before any thread.
#[derive(Debug)]
pub struct Machine {
    /// Starts programs.
    pub spawner: Arc<Spawner>,
    /// Signals sent to loggia.
    pub signals: Signals,
}

impl Machine {
    /// To be called first in `main`.
    pub fn start() -> io::Result<Self> {
        let spawner = Arc::new(Spawner::start()?);
        let signals = Signals::catch()?;
        // Each connection of a foreign program costs descriptors.
        let _ = crate::process::raise_open_files();
        Ok(Self { spawner, signals })
    }
}

/// How a plan is performed.
#[derive(Clone, Debug)]
pub struct Options {
    /// What everything random follows from.
    pub seed: u64,
    /// Where programs read and write.
    pub place: Place,
    /// The run folder; none: nothing is recorded.
    pub folder: Option<PathBuf>,
    /// How much of each packet its captures keep.
    pub snap: Snap,
    /// Programs' output is shown as it comes, each line with its program.
    pub echo: bool,
    /// How late one of a hundred moments may be.
    pub lag_limit: Duration,
    /// Real time even where virtual time would do.
    pub real: bool,
    /// Where it is shown how far the run is.
    pub progress: Progress,
}

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What was run.
    pub command: String,
    /// The state that was expected, and what was found.
    pub finding: Finding,
    /// How it ended, if it has.
    pub status: Option<Status>,
    /// What it has used.
    pub usage: Option<Usage>,
    /// How often it was started again.
    pub restarts: u32,
    /// Why it could not be started, and the exit code for that.
    pub error: Option<(String, Exit)>,
}

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Why it was over.
    pub over: Over,
    /// Lab time it took.
    pub lasted: Duration,
    /// All programs.
    pub parts: Vec<Part>,
    /// What was found of checks and impairments.
    pub findings: Vec<Finding>,
    /// All that was measured.
    pub metrics: Table,
    /// `net` or `full`.
    pub level: &'static str,
    /// How late the world was; none in virtual time.
    pub lag: Option<Summary>,
    /// The machine was too slow for the lab: more than one of a hundred moments was too late. It is among the findings, too.
    pub slow: Option<Finding>,
    /// What programs asked for that cannot be carried.
    pub refused: Vec<Refusal>,
    /// Whose programs got fewer sockets than they wanted because this machine allows loggia no more descriptors.
    pub short: Option<String>,
    /// Files of the record that end early, and why.
    pub failures: Vec<String>,
    /// When it began.
    pub began: SystemTime,
    /// The record, if one was kept.
    pub recorder: Option<Recorder>,
}

/// True if a lab has only built-in programs and nothing of it touches the machine: then time can be virtual.
pub fn can_be_virtual(plan: &Plan) -> bool {
    let built_in = |program: &loggia_lab::plan::Program| matches!(program.command, Command::BuiltIn { .. });
    plan.programs.iter().all(built_in) && plan.uplink.is_none() && plan.publish.is_empty()
}

/// Performs a plan.
pub fn perform(plan: &Plan, options: &Options, machine: &mut Machine) -> io::Result<Outcome> {
    let mut world = plan.build(Seed::from(options.seed));
    let began = SystemTime::now();
    let recorder = recorder(plan, options, &world, began)?;
    if let Some(recorder) = &recorder {
        world.observe(Box::new(recorder.clone()));
    }
    let names = Arc::new(plan.clone());
    let known = names.clone();
    let lookup = Box::new(move |host: HostId, name: &str| names::lookup(&Known { plan: &known, host }, name).unwrap_or_default());
    let ended = if can_be_virtual(plan) && !options.real {
        let shared = Shared::new(world, Clock::Virtual, lookup);
        let mut run = Simulated::new(plan, shared.clone(), options, recorder.clone());
        let over = run.run(&mut machine.signals)?;
        Ended { over, conductor: run.conductor, remains: run.remains, lag: None, refused: Vec::new(), short: None, shared }
    } else {
        let shared = Shared::new(world, Clock::Real(std::time::Instant::now()), lookup);
        in_real_time(plan, options, machine, shared, names, recorder.as_ref())?
    };
    options.progress.clear();
    Ok(conclude(plan, ended, recorder, began, options.lag_limit))
}

struct Ended {
    over: Over,
    conductor: Conductor,
    remains: Vec<Remains>,
    lag: Option<Summary>,
    refused: Vec<Refusal>,
    short: Option<String>,
    shared: Arc<Shared>,
}

fn in_real_time(
    plan: &Plan,
    options: &Options,
    machine: &mut Machine,
    shared: Arc<Shared>,
    names: Arc<Plan>,
    recorder: Option<&Recorder>,
) -> io::Result<Ended> {
    // What cannot be had is told before anything starts.
    let doors = Doors::take(plan)?;
    for (at, to) in doors.published().filter(|(_, to)| to.machine_port == 0) {
        eprintln!("loggia: {at} leads to port {} of {}", to.port, plan.hosts[to.to.0].name);
    }
    let kick = Kick::new()?;
    let uplink = plan.uplink.is_some();
    let answers = Box::new(move |host: HostId, query: &[u8]| {
        let known = Known { plan: &names, host };
        if uplink && !names::is_known(&known, query) { None } else { names::answer(&known, query) }
    });
    let resolver = uplink.then(|| SocketAddr::from((MACHINE_V4, 53)).into());
    let (precise, epoch) = (plan.precise, shared.epoch());
    let supervisor = Supervisor::new(intercept::Options { precise, names: answers, resolver, epoch, ..Default::default() })?;
    let filter = filter::program(plan.precise);
    let live = Live::new(plan, machine.spawner.clone(), filter, options.place.clone(), kick.handle())?;
    let echo = options.echo.then(|| options.folder.clone()).flatten();
    let mut run = Real::new(plan, shared.clone(), supervisor, live, &mut machine.signals, kick)?;
    run.record(recorder.cloned());
    run.show(echo, &options.progress)?;
    let _open = doors.open(&shared)?;
    let over = run.run()?;
    let lag = Some(run.lag.summary());
    let refused = run.supervisor.refused().to_vec();
    let short = short_of_sockets(plan, run.supervisor.short_of_sockets());
    let remains = run.live.remains().to_vec();
    Ok(Ended { over, conductor: run.conductor, remains, lag, refused, short, shared })
}

/// What a program that was told `ENFILE` cannot know: whose descriptors they are, and how there are more.
fn short_of_sockets(plan: &Plan, hosts: &[HostId]) -> Option<String> {
    let names: Vec<&str> = hosts.iter().map(|host| plan.hosts[host.0].name.as_str()).collect();
    let descriptors = crate::process::open_files().unwrap_or_default();
    let names = names.join(", ");
    (!hosts.is_empty()).then(|| {
        format!(
            "programs of {names} wanted more sockets than there are and got ENFILE: each takes one of the {descriptors} descriptors \
             that loggia may have here; more with a higher hard limit (ulimit -Hn)"
        )
    })
}

fn recorder(plan: &Plan, options: &Options, world: &World, began: SystemTime) -> io::Result<Option<Recorder>> {
    let epoch = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let settings = record::Options { epoch, snap: options.snap, ..record::Options::default() };
    if let Some(folder) = &options.folder {
        return Recorder::new(Box::new(Disk::existing(folder)), world, settings).map(Some);
    }
    if plan.checks.is_empty() {
        return Ok(None);
    }
    let settings = record::Options { capture: false, events: false, ..settings };
    Recorder::new(Box::new(Memory::default()), world, settings).map(Some)
}

fn conclude(plan: &Plan, ended: Ended, recorder: Option<Recorder>, began: SystemTime, limit: Duration) -> Outcome {
    let Ended { over, conductor, remains, lag, refused, short, shared } = ended;
    let mut inner = shared.lock();
    let lasted = inner.world.now().since(Instant::EPOCH);
    let parts: Vec<Part> = remains.iter().enumerate().map(|(number, remains)| part(plan, &conductor, number, remains)).collect();
    if let Some(recorder) = &recorder {
        for (number, remains) in remains.iter().enumerate() {
            let program = &plan.programs[number];
            recorder.process(program.host, &program.name, &process(remains, conductor.was_stopped(number)));
        }
    }
    inner.world.end();
    let metrics = recorder.as_ref().map(Recorder::metrics).unwrap_or_default();
    let groups = check::Groups::of(plan);
    let mut findings: Vec<Finding> = plan.checks.iter().flat_map(|check| check::evaluate(check, &groups, &metrics)).collect();
    findings.extend(check::never_fired(&inner.world, &plan.links));
    if over != Over::Interrupted {
        findings.extend(check::never_came(&plan.changes, lasted));
    }
    if let Some(recorder) = &recorder {
        recorder.write_metrics();
    }
    let failures = recorder.as_ref().map(Recorder::failures).unwrap_or_default();
    let slow = lag.filter(|lag| lag.exceeds(limit)).map(|lag| slow(&lag, limit));
    findings.extend(slow.clone());
    findings.extend(unchecked(plan, &findings));
    let level = if lag.is_some() { "net" } else { "full" };
    Outcome { over, lasted, parts, findings, metrics, level, lag, slow, refused, short, failures, began, recorder }
}

/// Nothing that was found is worth anything on a network that was not the one described.
fn slow(lag: &Summary, limit: Duration) -> Finding {
    let time = |time: Duration| show(time.as_secs_f64(), Unit::Time);
    let late = time(Duration::from_micros(lag.p99_us / 100 * 100));
    let found =
        format!("it was too slow: one of a hundred moments was {late} late or more, {} are allowed (--lag-limit)", time(limit));
    Finding::new("the machine is fast enough for the lab", Verdict::Inconclusive, found)
}

/// Programs that may do anything say nothing.
fn unchecked(plan: &Plan, findings: &[Finding]) -> Option<Finding> {
    let anything = plan.programs.iter().all(|program| program.expect == Expect::Any);
    let found = "nothing is: each program may do anything, and there is no [[check]]";
    (anything && findings.is_empty()).then(|| Finding::new("something is checked", Verdict::Inconclusive, found))
}

fn process(remains: &Remains, stopped: bool) -> Process {
    let usage = remains.usage.unwrap_or_default();
    Process {
        exit: remains.status.filter(|_| !stopped).map(|status| status.code().into()),
        time: remains.time.unwrap_or_default(),
        cpu: Duration::from_micros(usage.user_us + usage.system_us),
        rss: usage.max_rss,
    }
}

fn part(plan: &Plan, conductor: &Conductor, number: usize, remains: &Remains) -> Part {
    let program = &plan.programs[number];
    let expected = format!("{} {}", program.name, expected(program.expect));
    let finding = match conductor.verdict(number) {
        Ok(()) => Finding::new(expected, Verdict::Held, found(conductor, number, remains, &program.stop)),
        // What has not ended by the deadline is not known to fail.
        Err(_) if conductor.over() == Some(Over::Deadline) && unfinished(conductor, number) => Finding::new(
            expected,
            Verdict::Inconclusive,
            conductor.at_deadline(number).unwrap_or("still running at the deadline"),
        ),
        Err(_) if conductor.over() == Some(Over::Interrupted) && unfinished(conductor, number) => {
            Finding::new(expected, Verdict::Inconclusive, "interrupted")
        }
        Err(found) => Finding::new(expected, Verdict::Failed, remains.error.clone().unwrap_or(found)),
    };
    let finding = after_restarts(finding, conductor.restarts(number));
    Part {
        name: program.name.clone(),
        command: program.command.words().join(" "),
        finding,
        status: remains.status,
        usage: remains.usage,
        restarts: conductor.restarts(number),
        error: remains.error.clone().map(|error| (error, remains.exit.unwrap_or(Exit::Fault))),
    }
}

/// What was found at last, and how often it was tried again before.
fn after_restarts(finding: Finding, restarts: u32) -> Finding {
    let times = match restarts {
        0 => return finding,
        1 => "1 restart".to_owned(),
        many => format!("{many} restarts"),
    };
    Finding { found: format!("{}, after {times}", finding.found), ..finding }
}

fn unfinished(conductor: &Conductor, number: usize) -> bool {
    conductor.was_stopped(number) || matches!(conductor.phase(number), Phase::Waiting | Phase::Running | Phase::Stopping(_))
}

fn expected(expect: Expect) -> String {
    match expect {
        Expect::Running => "runs until it is stopped".into(),
        Expect::Exit(status) => format!("ends with exit status {status}"),
        Expect::Exited => "ends by itself".into(),
        Expect::Signal(signal) => format!("ends by {}", conductor::Ended::Signal(signal)),
        Expect::Any => "may do anything".into(),
    }
}

fn found(conductor: &Conductor, number: usize, remains: &Remains, stop: &Stop) -> String {
    match remains.status {
        Some(Status::Signal { signal: libc::SIGKILL, .. }) if conductor.was_stopped(number) && stop.signal != libc::SIGKILL => {
            let grace = show(stop.grace.as_secs_f64(), Unit::Time);
            format!("ran until it was stopped (did not end within {grace} and was killed)")
        }
        Some(status) if conductor.was_stopped(number) => format!("ran until it was stopped ({status})"),
        Some(status) => status.to_string(),
        None => "running".into(),
    }
}

impl Outcome {
    /// All findings, of programs and of checks.
    pub fn findings(&self) -> Vec<Finding> {
        self.parts.iter().map(|part| part.finding.clone()).chain(self.findings.iter().cloned()).collect()
    }

    /// The exit code of the run.
    pub fn exit(&self) -> Exit {
        let started = |part: &Part| part.error.as_ref().map(|(_, exit)| *exit);
        let cannot_carry = self.parts.iter().filter_map(started).any(|exit| exit == Exit::CannotCarry);
        if self.over == Over::Interrupted {
            return Exit::Interrupted;
        }
        if cannot_carry || !self.refused.is_empty() {
            return Exit::CannotCarry;
        }
        if !self.failures.is_empty() {
            return Exit::Fault;
        }
        match check::verdict(&self.findings()) {
            Verdict::Failed => Exit::Failed,
            Verdict::Inconclusive => Exit::Inconclusive,
            Verdict::Held => Exit::Held,
        }
    }
}

/// The names that one host of a plan knows.
struct Known<'a> {
    plan: &'a Plan,
    host: HostId,
}

impl Names for Known<'_> {
    fn forward(&self, name: &str) -> Option<Vec<Addr>> {
        self.plan.resolve(self.host, name)
    }

    fn reverse(&self, addr: Addr) -> Option<String> {
        self.plan.name_of(addr).map(Into::into)
    }
}

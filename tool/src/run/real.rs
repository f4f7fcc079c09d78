//! A run in real time: one thread drives the world, the supervisor of foreign programs and the conductor; built-in programs live on a
//! runtime of their own.
//!
//! ```text
//!   wait ──> turn: the world up to now, trapped calls, data both ways, readiness ──> programs, signals ──> conduct ──> wait
//! ```

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use loggia_lab::plan::Plan;
use loggia_lab::record::Recorder;
use loggia_lab::world::HostId;
use loggia_stack::base::time::Duration;
use loggia_stack::base::{Instant, SocketId};

use super::awake::Awake;
use super::changes::Changes;
use super::conductor::{Act, Conductor, Over};
use super::kick::Kick;
use super::lag::Lag;
use super::listening;
use super::live::{Live, News};
use super::place::Echo;
use super::shower::Shower;
use super::warm::Warm;
use crate::engine::shared::{Inner, Shared};
use crate::intercept::Supervisor;
use crate::process::Signals;
use crate::progress::Progress;
use crate::sys::{heap, schedule};

/// Rounds in one turn after which the programs get a look again, however much there is to carry.
const ROUNDS: usize = 64;
/// How often sockets are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long after its grace, when it is killed, a tree may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Packets are due at their moment, whatever the programs compute: this thread goes before them, if it may.
const NICENESS: i32 = -10;

/// Freed memory that is kept for the next buffers: those of a busy connection come and go ten thousand times a second.
const KEPT: i32 = 16 << 20;

/// Numbers of descriptors that are waited for; programs count from `PROGRAM`.
const KICK: u32 = 1;
const SIGNALS: u32 = 2;
const PROGRAM: u32 = 16;

/// What drives one run.
pub struct Real<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shared: Arc<Shared>,
    pub(super) supervisor: Supervisor,
    pub(super) conductor: Conductor,
    pub(super) live: Live<'a>,
    pub(super) signals: &'a mut Signals,
    pub(super) kick: Kick,
    pub(super) lag: Lag,
    changes: Changes,
    /// Descriptors that are not the supervisor's and had something to read after the last wait.
    readable: Vec<u32>,
    awake: Awake,
    warm: Warm,
    interrupts: u32,
    end_by: Instant,
    recorder: Option<Recorder>,
    shower: Option<Shower>,
    /// Sockets that the record knows the owner of.
    told: HashSet<(HostId, SocketId)>,
    /// When sockets are looked at again.
    look_at: Instant,
}

impl<'a> Real<'a> {
    /// Everything in place, nothing started.
    pub fn new(
        plan: &'a Plan,
        shared: Arc<Shared>,
        mut supervisor: Supervisor,
        live: Live<'a>,
        signals: &'a mut Signals,
        kick: Kick,
    ) -> io::Result<Self> {
        supervisor.watch_other(kick.as_fd(), KICK)?;
        supervisor.watch_other(signals.as_fd(), SIGNALS)?;
        shared.on_kick(kick.handle());
        Ok(Self {
            conductor: Conductor::new(plan),
            changes: Changes::new(plan),
            lag: Lag::default(),
            readable: Vec::new(),
            awake: Awake::default(),
            warm: Warm::new(),
            interrupts: 0,
            end_by: Instant::NEVER,
            recorder: None,
            shower: None,
            told: HashSet::new(),
            look_at: Instant::EPOCH,
            plan,
            shared,
            supervisor,
            live,
            signals,
            kick,
        })
    }

    /// Tells the record whose the sockets are.
    pub fn record(&mut self, recorder: Option<Recorder>) {
        self.recorder = recorder;
    }

    /// Shows what programs write into the logs of a run folder, as it comes, and how far the run is.
    /// Nothing of either stops the run.
    pub fn show(&mut self, folder: Option<PathBuf>, progress: &Progress) -> io::Result<()> {
        if folder.is_some() || !progress.is_hidden() {
            let names = self.plan.programs.iter().map(|program| program.name.as_str());
            self.shower = Some(Shower::new(folder, Echo::for_names(names), progress.clone(), self.plan.programs.len())?);
        }
        Ok(())
    }

    /// Runs until everything has ended; says why it was over.
    pub fn run(&mut self) -> io::Result<Over> {
        // Where that is not granted the world is on time as far as the machine is idle, which the lag tells.
        let _ = schedule::be_nice(NICENESS);
        heap::keep(KEPT);
        loop {
            let now = self.turn();
            self.programs(now);
            self.interruptions();
            self.conduct(now);
            if now >= self.look_at {
                self.look_around(now);
            }
            if self.conductor.finished() && (self.live.all_over() || now >= self.end_by) {
                self.look_around(now);
                self.shower = None;
                return Ok(self.conductor.over().unwrap_or(Over::Done));
            }
            self.wait(now)?;
        }
    }

    /// Brings the world to the present moment, with all that programs have asked for; gives the moment.
    fn turn(&mut self) -> Instant {
        let Self { shared, supervisor, changes, lag, conductor, .. } = self;
        let mut inner = shared.lock();
        // Whoever calls while this thread looks at everything need not wake it.
        inner.armed = Instant::EPOCH;
        let due = inner.next_deadline();
        let now = inner.clock();
        if due <= now {
            lag.met(due, now);
        }
        for _ in 0..ROUNDS {
            let now = inner.clock();
            while changes.make_next(&mut inner.world, now) {}
            inner.advance(now);
            supervisor.advance(&mut inner.world);
            supervisor.turn(&mut inner.world);
            if !carry(&mut inner, supervisor) && inner.next_deadline() > now {
                break;
            }
        }
        let deadlines = [inner.next_deadline(), supervisor.next_deadline(), changes.next_deadline(), conductor.next_deadline()];
        inner.armed = deadlines.into_iter().min().unwrap_or(Instant::NEVER);
        inner.clock()
    }

    /// What programs did: ended, above all.
    fn programs(&mut self, now: Instant) {
        let ready = self.readable.iter().filter_map(|number| number.checked_sub(PROGRAM));
        ready.for_each(|number| self.live.look_at(number as usize));
        self.live.look();
        let mut gone = false;
        while let Some(news) = self.live.next_news() {
            match news {
                News::Started { number, listener } => self.started(number, listener),
                News::Ended { number, how } => {
                    let text = format!("{}: {how}", self.plan.programs[number].name);
                    self.note(number, &text);
                    self.conductor.ended(number, now, how);
                }
                News::ProcessGone => gone = true,
                News::Said { number, text } => self.note(number, &text),
            }
        }
        // Once for all of them: it takes a look at every socket.
        if gone {
            let mut inner = self.shared.lock();
            self.supervisor.gone(&mut inner.world);
            drop(inner);
            (0..self.plan.programs.len()).for_each(|number| self.conductor.lingers(number, self.live.lives(number)));
        }
    }

    fn note(&self, number: usize, text: &str) {
        let mut inner = self.shared.lock();
        inner.world.note(Some(self.plan.programs[number].host), "program", text);
    }

    /// The first Ctrl-C ends the run in order, the second by force. A single program in the foreground gets signals itself.
    fn interruptions(&mut self) {
        if !self.readable.contains(&SIGNALS) {
            return;
        }
        for arrived in self.signals.turn() {
            if self.live.passes_signals() {
                self.live.pass_on(arrived.signal);
            } else if [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT].contains(&arrived.signal) {
                self.interrupts += 1;
                self.conductor.interrupt();
                if self.interrupts > 1 {
                    self.live.kill_all();
                }
            }
        }
    }

    fn conduct(&mut self, now: Instant) {
        loop {
            match listening::next_act(&mut self.conductor, &self.shared, self.recorder.as_ref(), now) {
                None => break,
                Some(Act::Start(number)) => self.start(number),
                Some(Act::Signal(number, signal)) => self.live.stop(number, signal),
                Some(Act::Kill(number)) => self.live.kill(number),
            }
        }
        if self.conductor.finished() && self.end_by == Instant::NEVER {
            // What programs left behind ends with the run, in its grace as they do. Trees that were told to stop have that from then on.
            let left = (0..self.plan.programs.len()).filter(|number| self.live.lives(*number));
            let told = left.filter(|number| !self.conductor.was_stopped(*number)).collect::<Vec<_>>();
            told.into_iter().for_each(|number| self.live.stop(number, self.plan.programs[number].stop.signal));
            let grace = self.plan.programs.iter().map(|program| program.stop.grace).max().unwrap_or_default();
            self.end_by = now + grace + PATIENCE;
        }
    }

    fn start(&mut self, number: usize) {
        let program = &self.plan.programs[number];
        self.note(number, &format!("{}: start {}", program.name, program.command.words().join(" ")));
        self.live.start(number, &self.shared);
    }

    fn started(&mut self, number: usize, listener: Option<OwnedFd>) {
        let program = &self.plan.programs[number];
        self.conductor.started(number);
        if let Some(shower) = &self.shower {
            shower.follow(&self.plan.hosts[program.host.0].name, &program.name);
        }
        let watched = self.live.poll_fd(number).map_or(Ok(()), |fd| self.supervisor.watch_other(fd, PROGRAM + number as u32));
        let adopted = listener.map_or(Ok(()), |listener| self.supervisor.adopt(program.host, listener));
        if let Err(error) = watched.and(adopted) {
            self.note(number, &format!("{}: {error}", program.name));
            self.live.kill(number);
        }
    }

    /// Tells how far the run is, and the record whose the sockets are.
    fn look_around(&mut self, now: Instant) {
        let looks = self.shower.is_some() || self.recorder.is_some();
        self.look_at = if looks { now + LOOK } else { Instant::NEVER };
        if let Some(shower) = &self.shower {
            shower.at(now, self.conductor.ended_programs());
        }
        if let Some(recorder) = &self.recorder {
            let _inner = self.shared.lock();
            let told = &mut self.told;
            for row in self.supervisor.sockets(|host, socket| !told.contains(&(host, socket))) {
                recorder.owner(row.host, row.socket, &row.program, row.pid.unsigned_abs());
                told.insert((row.host, row.socket));
            }
        }
    }

    fn wait(&mut self, now: Instant) -> io::Result<()> {
        let armed = {
            let mut inner = self.shared.lock();
            // The conductor may have made new appointments.
            inner.armed = inner.armed.min(self.conductor.next_deadline()).min(self.end_by).min(self.look_at);
            inner.armed
        };
        let timeout = armed.is_set().then(|| armed.since(now));
        self.warm.note(self.supervisor.stir());
        self.awake.wait(&mut self.supervisor, timeout)?;
        self.readable = self.supervisor.take_others();
        // Before the next turn: what is kicked for later is not in it.
        if self.readable.contains(&KICK) {
            self.kick.drain();
        }
        Ok(())
    }
}

/// Tells the supervisor what became ready; says whether there was anything.
fn carry(inner: &mut Inner, supervisor: &mut Supervisor) -> bool {
    let mut any = false;
    loop {
        inner.tell();
        let Some((host, socket, ready)) = inner.foreign.pop_front() else { return any };
        any |= supervisor.ready(&mut inner.world, host, socket, ready);
    }
}

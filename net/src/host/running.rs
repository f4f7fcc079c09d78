//! A host in real time: one lock around its stack, and what is done under it and after it.
//!
//! Whoever takes the lock brings the stack to the present moment, does its work, gives the devices what there is to send, and lets the lock
//! go. Only then are readers woken, other ends told, and whoever is at the [helm](super::helm) rung for, if something is due before it would
//! look by itself.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::{self, Duration};

use loggia_stack::base::{Addr, Errno, Instant, LinkId, Seed};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::numbers::{SHUT_RDWR, SHUT_WR};

use super::helm::{At, Helm, NAP, Watch};
use super::here::Here;
use super::interface::Interface;
use super::lookout::{Arrived, Lookout, Source};
use super::observers::Observers;
use super::port::{Batch, Port};
use crate::bell::Bell;
use crate::blocking;
use crate::capture::Tap;
use crate::device::{Device, Notified, Notifier};
use crate::driver::{Stand, Waiters};
use crate::events::Listener;
use crate::lookup::Resolve;
use crate::socket::error;

/// What a host is made of.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) seed: Seed,
    pub(super) names: Vec<(String, Vec<Addr>)>,
    pub(super) resolver: Option<Arc<dyn Resolve>>,
    pub(super) linger: Duration,
}

/// How far its life is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Alive,
    /// What was written is still sent, until then.
    Ending(Instant),
    /// Nothing happens any more.
    Over {
        /// Everything that was written had left.
        clean: bool,
    },
}

struct State {
    stack: Stack,
    waiters: Waiters,
    ports: Vec<Port>,
    observers: Observers,
    sending: Arc<Here>,
    helm: Helm,
    /// Nobody is at the helm: what whoever takes it looks out by.
    lookout: Option<Lookout>,
    /// Bytes that were sent since somebody looked what has come.
    unlooked: usize,
    /// Counts changes of `ports`.
    generation: u64,
    /// When who is at the helm looks by itself, or the thread if nobody is; [`Instant::EPOCH`] while it is looking.
    armed: Instant,
    /// Something happened since who is at the helm began to wait.
    busy: bool,
    /// The generation that is polled.
    polled: u64,
    phase: Phase,
}

/// A host in real time.
pub(super) struct Running {
    state: Mutex<State>,
    /// Told when it is over, and when what was taken away has been let go.
    changed: Condvar,
    /// The host's own.
    thread: OnceLock<Thread>,
    /// The caller that is at the helm.
    steering: Here,
    /// Rings for who is at the helm.
    pub(super) bell: Bell,
    /// The thread was woken from its nap for something.
    roused: AtomicBool,
    /// Callers may be at the helm: there is something to poll. Written under the lock.
    callers_wait: AtomicBool,
    epoch: time::Instant,
    names: Mutex<HashMap<String, Vec<Addr>>>,
    resolver: Mutex<Option<Arc<dyn Resolve>>>,
    pub(super) linger: Duration,
    /// How often a device called since somebody began to see to it; 0: nobody is at it.
    calls: AtomicUsize,
    /// Whoever was at it has left the rest to the thread.
    handed_over: AtomicBool,
    sending: Arc<Here>,
}

/// What is left to do without the lock.
#[derive(Default)]
struct After {
    woken: Vec<Waker>,
    flush: Vec<Arc<dyn Device>>,
    /// Who is at the helm is to look.
    ring: bool,
    /// The thread is to take the helm, or naps at least.
    rouse: bool,
}

impl After {
    /// This, and more of it.
    fn join(&mut self, more: Self) {
        self.woken.extend(more.woken);
        self.flush.extend(more.flush);
    }
}

/// What who is at the helm does next.
pub(super) enum Next {
    /// Sleeps until that moment, and sees to it that full devices wake it.
    Sleep { until: Instant, full: Vec<LinkId> },
    /// Looks at what has changed.
    Again,
    /// Is not at the helm any more.
    Left,
    /// Ends. That is for the thread alone.
    End,
}

/// Who is at the helm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Thread,
    /// Until it is called, and until then at most.
    Caller(Instant),
}

/// What the thread does that has no turn.
pub(super) enum StandBy {
    /// It takes the helm.
    Takes(Lookout),
    /// It sleeps for so long.
    Naps(Duration),
    /// It sleeps until it is roused.
    Sleeps,
}

/// How often one who brought something goes on with what others bring meanwhile, before the thread does.
const ROUNDS: usize = 16;

/// For so long the thread does not sleep longer after something happened: most of what happens arms a timer that is due only later, and
/// need not ring for it.
const PAUSE: Duration = Duration::from_millis(30);

/// After so many bytes sent a caller looks what has come, if nobody else does: acknowledgements, which let go what is kept for sending it
/// again while it is still in the cache.
const LOOK: usize = 64 << 10;

impl Running {
    pub(super) fn new(options: Options) -> io::Result<Arc<Self>> {
        let Options { config, seed, names, resolver, linger } = options;
        let sending = Arc::<Here>::default();
        let state = State {
            stack: Stack::new(config, seed, Instant::EPOCH),
            waiters: Waiters::default(),
            ports: Vec::new(),
            observers: Observers::default(),
            sending: sending.clone(),
            helm: Helm::default(),
            lookout: None,
            unlooked: 0,
            generation: 0,
            armed: Instant::EPOCH,
            busy: false,
            polled: 0,
            phase: Phase::Alive,
        };
        Ok(Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            thread: OnceLock::new(),
            steering: Here::default(),
            bell: Bell::new()?,
            roused: AtomicBool::new(false),
            callers_wait: AtomicBool::new(false),
            epoch: time::Instant::now(),
            names: Mutex::new(names.into_iter().collect()),
            resolver: Mutex::new(resolver),
            linger,
            calls: AtomicUsize::new(0),
            handed_over: AtomicBool::new(false),
            sending,
        }))
    }

    /// A panic of somebody who held it is no reason for others to end: a stack is whole between calls.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_nanos(self.epoch.elapsed().as_nanos() as u64)
    }

    /// The calling thread is the host's own from now on.
    pub(super) fn begin(&self) {
        // There is one.
        let _ = self.thread.set(thread::current());
    }

    /// True on the host's own thread, and on that of a caller who is at the helm: others wait for it.
    pub(super) fn is_at_helm(&self) -> bool {
        self.steering.is_here() || self.thread.get().is_some_and(|own| own.id() == thread::current().id())
    }

    /// A socket call, or several.
    pub(super) fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut state = self.lock();
        state.stack.advance(self.now());
        let State { stack, waiters, .. } = &mut *state;
        work(stack, waiters);
        state.busy = true;
        let mut after = state.settle_for_others();
        if state.waiters.take_came() && state.helm.at() == At::Nobody {
            state.call(&mut after);
        }
        let much_sent = state.is_much_sent();
        drop(state);
        self.conclude(after);
        if much_sent && self.callers_wait.load(Ordering::Relaxed) {
            self.look();
        }
    }

    fn conclude(&self, after: After) {
        after.woken.into_iter().for_each(Waker::wake);
        after.flush.iter().for_each(Device::flush);
        if after.ring {
            self.bell.ring();
        }
        if after.rouse {
            self.rouse();
        }
    }

    /// Has the thread look whose turn it is.
    fn rouse(&self) {
        self.roused.store(true, Ordering::Release);
        // Before it has begun it need not be told.
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(super) fn lookup(&self, name: &str) -> Vec<Addr> {
        if name == "localhost" {
            return vec![Addr::V4_LOOPBACK, Addr::V6_LOOPBACK];
        }
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    pub(super) fn add_name(&self, name: &str, addrs: Vec<Addr>) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), addrs);
    }

    pub(super) fn resolver(&self) -> Option<Arc<dyn Resolve>> {
        self.resolver.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_resolver(&self, resolver: Option<Arc<dyn Resolve>>) {
        let before = std::mem::replace(&mut *self.resolver.lock().unwrap_or_else(PoisonError::into_inner), resolver);
        drop(before);
    }
}

/// Devices.
impl Running {
    pub(super) fn attach(self: &Arc<Self>, interface: Interface) -> io::Result<()> {
        let device = interface.device.clone();
        let mut state = self.lock();
        if state.phase != Phase::Alive {
            return Err(error(Errno::ENETDOWN));
        }
        state.stack.advance(self.now());
        let link = state.add(&interface)?;
        let port = Port::new(link, interface.device);
        state.ports.push(port);
        state.generation += 1;
        let mut after = state.settle();
        state.call(&mut after);
        drop(state);
        let weak = Arc::downgrade(self);
        device.attach(Notifier::new(weak));
        self.conclude(after);
        Ok(())
    }

    pub(super) fn detach(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        let link = state.stack.link_by_name(name).ok_or_else(|| error(Errno::ENODEV))?;
        state.stack.advance(self.now());
        state.stack.remove_link(link).map_err(error)?;
        let gone = state.let_go(link);
        let generation = state.generation;
        let mut after = state.settle();
        state.call(&mut after);
        drop(state);
        drop(gone);
        self.conclude(after);
        // At the helm one would wait for oneself.
        if !self.is_at_helm() {
            self.wait_until(|state| state.polled >= generation);
        }
        Ok(())
    }

    /// The queues that are polled, and the generation they are of. Those of before are gone.
    pub(super) fn sources(&self) -> (u64, Vec<Source>) {
        let mut state = self.lock();
        state.polled = state.generation;
        self.changed.notify_all();
        let sources: Vec<_> = state.ports.iter().flat_map(Port::sources).collect();
        let callers_wait = !sources.is_empty() && state.ports.iter().all(Port::lets_callers_wait);
        self.callers_wait.store(callers_wait, Ordering::Relaxed);
        (state.generation, sources)
    }

    /// The turn of who is at the helm: runs through what has come, lets time pass, and says what to do next. Whoever leaves has no lookout
    /// any more.
    pub(super) fn turn(&self, helm: &mut Option<Lookout>, who: Who) -> Next {
        if self.handed_over.swap(false, Ordering::AcqRel) {
            self.go_on();
        }
        let mut state = self.lock();
        let now = self.now();
        // What has come is older than what is due: an acknowledgement that waited here is no reason to send anything again.
        state.stack.set_clock(now);
        let mut gone = Vec::new();
        for Arrived { link, batch, .. } in helm.iter_mut().flat_map(|lookout| &mut lookout.arrived) {
            state.busy |= !batch.frames.is_empty();
            let State { stack, observers, .. } = &mut *state;
            observers.receive(stack, *link, batch.frames.drain(..));
            if std::mem::take(&mut batch.lost) {
                gone.push(state.lose(*link));
            }
        }
        state.stack.advance(now);
        state.armed = Instant::EPOCH;
        // One is awake: nobody need ring.
        let mut after = After { ring: false, ..state.settle() };
        let next = match who {
            Who::Thread => state.next(self.now(), helm),
            Who::Caller(until) => state.next_of_caller(self.now(), until, helm, &mut after),
        };
        if matches!(next, Next::End) {
            let clean = state.is_clean();
            after.join(state.part());
            let (ports, woken, observers) = state.end(clean);
            self.changed.notify_all();
            drop(state);
            drop((ports, gone, observers, helm.take()));
            self.conclude(after);
            woken.into_iter().for_each(Waker::wake);
            return next;
        }
        drop(state);
        drop(gone);
        self.conclude(after);
        next
    }

    /// Sees to the devices that told they are ready, and to those that do so meanwhile: one thread at a time, whoever came first. Those
    /// whom this tells in turn may call back; they find somebody at it, so it never goes deeper than once a host.
    fn go_on(&self) {
        let fallen = Fallen(self);
        let done = self.rounds();
        std::mem::forget(fallen);
        if !done {
            self.hand_over();
        }
    }

    /// True once nobody calls any more.
    fn rounds(&self) -> bool {
        let mut seen = self.calls.load(Ordering::Acquire);
        for _ in 0..ROUNDS {
            self.round();
            match self.calls.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(more) => seen = more,
            }
        }
        false
    }

    fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Release);
        // Whoever is at the helm, or will be soon.
        self.bell.ring();
        self.rouse();
    }

    fn round(&self) {
        let mut state = self.lock();
        let now = self.now();
        state.stack.set_clock(now);
        let mut gone = Vec::new();
        let mut batch = Batch::default();
        let mut lost = Vec::new();
        let State { stack, ports, observers, .. } = &mut *state;
        for port in ports.iter_mut().filter(|port| port.polled == 0) {
            port.receive(stack, &mut batch, observers);
            if batch.full {
                // Somebody must look again.
                self.calls.fetch_add(1, Ordering::AcqRel);
            }
            if batch.lost {
                lost.push(port.link);
            }
        }
        gone.extend(lost.into_iter().map(|link| state.lose(link)));
        state.stack.advance(now);
        state.busy = true;
        let after = state.settle_for_others();
        drop(state);
        drop(gone);
        self.conclude(after);
    }
}

/// Whoever was at it has panicked: the device that was being received from is lost, and the thread goes on with the others.
struct Fallen<'a>(&'a Running);

impl Drop for Fallen<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let lost: Vec<_> = state.ports.iter().filter(|port| port.receiving).map(|port| port.link).collect();
        let gone: Vec<_> = lost.into_iter().map(|link| state.lose(link)).collect();
        drop(state);
        drop(gone);
        self.0.hand_over();
    }
}

/// The helm.
impl Running {
    /// What the thread does that is not at the helm.
    pub(super) fn stand_by(&self) -> StandBy {
        let roused = self.roused.swap(false, Ordering::AcqRel);
        let mut state = match self.state.try_lock() {
            // Whoever has it is there, and would have to wake us again.
            Err(TryLockError::WouldBlock) if !roused => return StandBy::Naps(NAP),
            Err(TryLockError::WouldBlock) => self.lock(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(state) => state,
        };
        let at = state.helm.at();
        if at == At::Nobody && self.handed_over.load(Ordering::Acquire) {
            state.give_to_thread();
        }
        let (now, due) = (self.now(), state.waiters.next_deadline());
        match state.helm.watch(now, due) {
            Watch::Takes => StandBy::Takes(state.lookout.take().unwrap_or_default()),
            Watch::Naps(until) => {
                if at == At::Nobody {
                    state.armed = until;
                }
                StandBy::Naps(until.since(now))
            }
            Watch::Sleeps => StandBy::Sleeps,
        }
    }

    /// Waits until this thread's waker is woken or the deadline is there, at the helm if nobody else waits.
    pub(super) fn park(&self, stand: Stand, deadline: Option<time::Instant>) {
        if !self.callers_wait.load(Ordering::Relaxed) {
            return blocking::park(deadline);
        }
        let waker = blocking::waker();
        let mut state = self.lock();
        let alone = state.waiters.stands_alone(stand);
        let mut after = After::default();
        match state.helm.at() {
            At::Nobody if alone => {
                let (now, until) = (self.now(), self.moment(deadline));
                state.helm.take(waker, stand.count, now);
                let mut helm = state.lookout.take();
                let next = state.next_of_caller(now, until, &mut helm, &mut after);
                drop(state);
                self.conclude(after);
                return self.steer(helm, next, until);
            }
            At::Nobody => state.call(&mut after),
            At::Thread if alone => state.helm.wish(waker.clone(), stand.count),
            At::Thread | At::Caller => {}
        }
        drop(state);
        self.conclude(after);
        blocking::park(deadline);
        if alone {
            self.lock().helm.give_up(&waker);
        }
    }

    /// The same moment by the host's clock; never if there is none.
    fn moment(&self, deadline: Option<time::Instant>) -> Instant {
        deadline.map_or(Instant::NEVER, |at| Instant::from_nanos(at.saturating_duration_since(self.epoch).as_nanos() as u64))
    }

    /// A caller is at the helm until it leaves.
    fn steer(&self, helm: Option<Lookout>, mut next: Next, until: Instant) {
        let mut steering = Steering { running: self, helm };
        let _here = self.steering.begin();
        while let Some(lookout) = &mut steering.helm {
            match next {
                Next::Sleep { until, full } => lookout.wait(self, until, &full),
                Next::Again => lookout.refresh(self),
                Next::Left | Next::End => return,
            }
            next = self.turn(&mut steering.helm, Who::Caller(until));
        }
    }

    /// A caller looks what has come, without waiting, if nobody is at the helm.
    fn look(&self) {
        let mut state = self.lock();
        let Some(lookout) = state.begin_look() else { return };
        drop(state);
        let mut steering = Steering { running: self, helm: Some(lookout) };
        let _here = self.steering.begin();
        steering.helm.iter_mut().for_each(Lookout::look);
        self.turn(&mut steering.helm, Who::Caller(Instant::EPOCH));
    }
}

/// A caller is at the helm. If it panics there, the device that it was receiving from is lost, and the thread goes on with the others.
struct Steering<'a> {
    running: &'a Running,
    /// None once it has left.
    helm: Option<Lookout>,
}

impl Drop for Steering<'_> {
    fn drop(&mut self) {
        let Some(lookout) = self.helm.take() else { return };
        let mut state = self.running.lock();
        let gone = lookout.receiving.map(|link| state.lose(link));
        let after = state.give_to_thread();
        drop(state);
        drop((gone, lookout));
        self.running.conclude(after);
    }
}

impl Notified for Running {
    fn device_ready(&self) {
        if self.calls.fetch_add(1, Ordering::AcqRel) == 0 {
            // From within a device's `send` this thread has the lock.
            if self.sending.is_here() { self.hand_over() } else { self.go_on() }
        }
    }
}

/// Those who look on.
impl Running {
    pub(super) fn listen(&self, listener: Listener) -> io::Result<()> {
        self.observe(|observers, stack| observers.listen(stack, listener))
    }

    pub(super) fn tap(&self, tap: Tap) -> io::Result<()> {
        self.observe(|observers, stack| observers.tap(stack, tap))
    }

    fn observe(&self, begin: impl FnOnce(&mut Observers, &mut Stack)) -> io::Result<()> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Over { .. }) {
            return Err(error(Errno::ENETDOWN));
        }
        state.stack.advance(self.now());
        let State { stack, observers, .. } = &mut *state;
        begin(observers, stack);
        let after = state.settle_for_others();
        drop(state);
        self.conclude(after);
        Ok(())
    }
}

/// Its end.
impl Running {
    /// Begins to end: `limit` is for what is still to be sent.
    pub(super) fn stop(&self, limit: Duration) {
        let mut state = self.lock();
        if state.phase != Phase::Alive {
            return;
        }
        let now = self.now();
        state.stack.advance(now);
        state.phase = Phase::Ending(now + limit);
        state.waiters.begin_end();
        state.end_writing();
        let mut after = state.settle();
        state.call(&mut after);
        drop(state);
        self.conclude(after);
    }

    /// It is over, whatever state it is in.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Over { .. }) {
            return;
        }
        let (ports, woken, observers) = state.end(false);
        let lookout = state.lookout.take();
        self.changed.notify_all();
        drop(state);
        drop((ports, observers, lookout));
        woken.into_iter().for_each(Waker::wake);
        // A caller who is at the helm hears of its end by this alone.
        self.bell.ring();
    }

    /// Waits until it is over; says whether everything that was written has left.
    pub(super) fn wait(&self) -> bool {
        self.wait_until(|_| false).unwrap_or_default()
    }

    /// Waits until `done`, or until it is over; then says whether everything that was written has left.
    fn wait_until(&self, done: impl Fn(&State) -> bool) -> Option<bool> {
        let mut state = self.lock();
        loop {
            if let Phase::Over { clean } = state.phase {
                return Some(clean);
            }
            if done(&state) {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// Gives devices what there is to send and gathers what is left to do without the lock.
    fn settle(&mut self) -> After {
        let mut after = After::default();
        let Self { stack, waiters, ports, observers, sending, helm, .. } = self;
        let begun = sending.begin();
        for port in ports.iter_mut() {
            port.send(stack, observers);
            self.unlooked += port.take_sent();
            after.flush.extend(port.take_flush());
        }
        drop(begun);
        after.woken = observers.settle(stack);
        let mut called = false;
        let mut wake = |waker: Waker| if helm.calls(&waker) { called = true } else { after.woken.push(waker) };
        while let Some((socket, ready)) = stack.next_ready() {
            waiters.release(socket, ready, &mut wake);
        }
        waiters.release_until(stack.now(), wake);
        after.ring = called;
        // While nobody is at the helm the stack's own timers are met by callers, who bring it to the present, and by the thread after its nap.
        let due = if self.helm.at() == At::Nobody { self.waiters.next_deadline() } else { self.due() };
        let mut call = due < self.armed;
        if call {
            // Whoever is rung for once looks at everything: nobody needs to ring for the same again.
            self.armed = due;
        }
        for port in self.ports.iter_mut().filter(|port| port.wants_watch()) {
            call |= !std::mem::replace(&mut port.watched, true);
        }
        if call {
            self.call(&mut after);
        }
        after
    }

    /// As [`State::settle`] for those who are not at the helm: the thread has to look whether the end has come.
    fn settle_for_others(&mut self) -> After {
        let mut after = self.settle();
        if matches!(self.phase, Phase::Ending(_)) {
            self.call(&mut after);
        }
        after
    }

    /// Sees to it that somebody looks.
    fn call(&mut self, after: &mut After) {
        match self.helm.at() {
            At::Nobody => after.rouse |= self.give_to_thread().rouse,
            At::Thread | At::Caller => after.ring = true,
        }
    }

    fn due(&self) -> Instant {
        let due = self.stack.next_deadline().min(self.waiters.next_deadline());
        match self.phase {
            Phase::Ending(until) => due.min(until),
            Phase::Alive | Phase::Over { .. } => due,
        }
    }

    /// What the thread does next.
    fn next(&mut self, now: Instant, helm: &mut Option<Lookout>) -> Next {
        let phase = self.phase;
        match phase {
            Phase::Over { .. } => return Next::End,
            Phase::Ending(until) if now >= until || self.is_clean() || self.is_cut_off() => return Next::End,
            _ if !self.is_current(helm.as_ref()) => return Next::Again,
            Phase::Alive if self.stands_back(now) => {
                self.helm.stand_back(now);
                self.armed = self.helm.nap_end();
                self.lookout = helm.take();
                return Next::Left;
            }
            Phase::Alive | Phase::Ending(_) => {}
        }
        self.sleep(now, Instant::NEVER)
    }

    /// What a caller does next, who is there until it is called, and until then at most.
    fn next_of_caller(&mut self, now: Instant, until: Instant, helm: &mut Option<Lookout>, after: &mut After) -> Next {
        if self.phase == Phase::Alive && !self.helm.is_called() && now < until {
            if !self.is_current(helm.as_ref()) {
                return Next::Again;
            }
            return self.sleep(now, until);
        }
        after.rouse |= self.leave(now, helm).rouse;
        Next::Left
    }

    fn is_current(&self, helm: Option<&Lookout>) -> bool {
        helm.is_some_and(|lookout| lookout.generation == self.generation)
    }

    /// The caller leaves the helm: to nobody, if it can wait.
    fn leave(&mut self, now: Instant, helm: &mut Option<Lookout>) -> After {
        let cannot_wait =
            self.phase != Phase::Alive || self.others_wait() || !self.is_current(helm.as_ref()) || self.wants_watch();
        // Where it is over nobody takes it any more.
        if !matches!(self.phase, Phase::Over { .. }) {
            self.lookout = helm.take();
        }
        let rouse = self.helm.leave(now);
        self.armed = self.helm.nap_end();
        if cannot_wait || self.waiters.next_deadline() < self.armed {
            return self.give_to_thread();
        }
        After { rouse, ..After::default() }
    }

    /// The thread takes the helm, and looks at once.
    fn give_to_thread(&mut self) -> After {
        self.helm.give_to_thread();
        self.armed = Instant::EPOCH;
        After { rouse: true, ..After::default() }
    }

    /// True if so much has been sent that it is time to look what has come. Begins to count anew.
    fn is_much_sent(&mut self) -> bool {
        let much = self.unlooked >= LOOK;
        if much {
            self.unlooked = 0;
        }
        much
    }

    /// A caller takes the helm to look, if nobody has it.
    fn begin_look(&mut self) -> Option<Lookout> {
        match self.helm.at() {
            At::Nobody => {
                self.helm.look(self.stack.now());
                self.armed = Instant::EPOCH;
                self.lookout.take()
            }
            At::Thread => {
                self.helm.much_sent();
                None
            }
            At::Caller => None,
        }
    }

    /// True if the thread leaves the helm to callers, for which nobody has to wait.
    fn stands_back(&mut self, now: Instant) -> bool {
        // Asked first: it counts.
        self.helm.is_wanted() && !self.others_wait() && !self.wants_watch() && self.waiters.next_deadline() >= now + NAP
    }

    /// True if others wait for sockets than the caller who is at the helm or was called.
    fn others_wait(&self) -> bool {
        self.waiters.count() > self.helm.of_the_same()
    }

    /// True if somebody must wait for a device to have room.
    fn wants_watch(&self) -> bool {
        self.ports.iter().any(Port::wants_watch)
    }

    /// Whoever is at the helm sleeps, until then at most.
    fn sleep(&mut self, now: Instant, until: Instant) -> Next {
        let busy = std::mem::take(&mut self.busy);
        self.armed = if busy { self.due().min(now + PAUSE) } else { self.due() }.min(until);
        self.ports.iter_mut().for_each(|port| port.watched = port.wants_watch());
        let full = self.ports.iter().filter(|port| port.watched).map(|port| port.link).collect();
        Next::Sleep { until: self.armed, full }
    }

    /// Makes a link of an interface; leaves nothing behind if something of it cannot be.
    fn add(&mut self, interface: &Interface) -> io::Result<LinkId> {
        let (addresses, gateways) = (interface.setup.addresses()?, interface.setup.gateways()?);
        let properties = interface.device.properties();
        let name = interface.name.clone().or_else(|| properties.own_name().map(str::to_owned));
        let name = name.unwrap_or_else(|| self.free_name(if properties.mac().is_some() { "eth" } else { "ip" }));
        let mut config = properties.link(name);
        config.mtu = interface.mtu.unwrap_or(config.mtu);
        let settings = if interface.autoconfigure { LinkSettings::HOST } else { LinkSettings::MANUAL };
        self.stack.configure_network(|config| config.ipv6.link_defaults = settings);
        let link = self.stack.add_link(config).map_err(error)?;
        let set_up = || -> Result<(), Errno> {
            self.stack.set_up(link, true)?;
            self.stack.set_transparent(link, interface.transparent)?;
            for address in addresses {
                self.stack.add_address(link, address.cidr())?;
            }
            for gateway in gateways {
                super::configure::add_gateway(&mut self.stack, link, gateway.into())?;
            }
            Ok(())
        };
        set_up().map(|()| link).map_err(|errno| {
            // It was added a moment ago.
            let _ = self.stack.remove_link(link);
            error(errno)
        })
    }

    fn free_name(&self, stem: &str) -> String {
        let mut names = (0..).map(|number| format!("{stem}{number}"));
        names.find(|name| self.stack.link_by_name(name).is_none()).expect("there are more numbers than links")
    }

    /// The device of a link is lost: the link stays, down.
    fn lose(&mut self, link: LinkId) -> Option<Port> {
        // It may have been removed meanwhile.
        let _ = self.stack.set_up(link, false);
        self.let_go(link)
    }

    /// Takes a port out; it is to be dropped without the lock.
    fn let_go(&mut self, link: LinkId) -> Option<Port> {
        let place = self.ports.iter().position(|port| port.link == link)?;
        self.observers.link_gone(link);
        self.generation += 1;
        Some(self.ports.swap_remove(place))
    }

    /// Shuts down writing on every socket that is still there, and listeners altogether: whom nobody has accepted yet nobody will.
    fn end_writing(&mut self) {
        for row in self.stack.socket_rows() {
            let Some(socket) = row.socket else { continue };
            let listens = (row.netid, row.state) == ("tcp", "LISTEN");
            // Those that are not connected have nothing to end.
            let _ = self.stack.shutdown(socket, if listens { SHUT_RDWR } else { SHUT_WR });
        }
    }

    /// Tells the peers that there is nobody here any more: resets what is not closed by both ends, and has the devices take the resets. Who
    /// would still write to us, or wait for us, learns that it is in vain.
    fn part(&mut self) -> After {
        self.stack.abort_connections(Errno::ENETDOWN);
        After { ring: false, ..self.settle() }
    }

    /// True if all that was written has been acknowledged by the other ends.
    fn is_clean(&self) -> bool {
        self.ports.iter().all(|port| !port.is_full()) && !self.stack.is_flushing()
    }

    /// True if what was written can never be acknowledged: each interface is down or has lost its device, and what is left to be sent is not
    /// for this host itself.
    fn is_cut_off(&mut self) -> bool {
        let is_up = |link| self.stack.links().any(|status| status.link == link && status.up);
        !self.ports.iter().any(|port| is_up(port.link)) && self.stack.is_flushing() && !self.stack.can_flush()
    }

    /// Ends all connections and gives what is to be dropped and woken without the lock.
    fn end(&mut self, clean: bool) -> (Vec<Port>, Vec<Waker>, Observers) {
        self.phase = Phase::Over { clean };
        self.generation += 1;
        // Where the host did not [part](Self::part) in order, at least its own sockets know.
        self.stack.abort_connections(Errno::ENETDOWN);
        let links: Vec<_> = self.ports.iter().map(|port| port.link).collect();
        for link in links {
            // The device is let go; the link may have been removed.
            let _ = self.stack.set_up(link, false);
        }
        // What happens last is told too.
        let mut woken = self.observers.settle(&mut self.stack);
        woken.extend(self.waiters.close());
        (std::mem::take(&mut self.ports), woken, std::mem::take(&mut self.observers))
    }
}

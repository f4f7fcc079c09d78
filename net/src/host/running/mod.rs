//! A host in real time: one lock around its stack, and what is done under it and after it.
//!
//! Whoever takes the lock brings the stack to the present moment, does its work, gives the devices what there is to send, and lets the lock
//! go. Only then are readers woken, other ends told, and whoever is at the [helm](super::helm) rung for, if something is due before it would
//! look by itself.
//!
//! | file | concept |
//! |---|---|
//! | `mod` | the lock, what is under it, and what every turn ends with |
//! | `devices` | what comes from them; attaching, detaching, losing one |
//! | `steering` | who is at the helm |
//! | `end` | how a host ends |

mod devices;
mod end;
mod steering;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::{self, Duration};

use loggia_stack::base::{Addr, Errno, Instant, LinkId, Seed};
use loggia_stack::engine::{Config, Stack};

use super::helm::{At, Helm};
use super::here::Here;
use super::lookout::Lookout;
use super::observers::Observers;
use super::port::Port;
use crate::bell::Bell;
use crate::capture::Tap;
use crate::device::Device;
use crate::driver::Waiters;
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
    /// Sleeps until that moment, and sees to it that these queues of full devices wake it.
    Sleep { until: Instant, full: Vec<(LinkId, usize)> },
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
    /// It sleeps for as long as the last time: others are there.
    NapsAgain,
    /// It sleeps until it is roused.
    Sleeps,
}

/// How often one who brought something goes on with what others bring meanwhile, before the thread does.
const ROUNDS: usize = 16;

/// For so long the thread does not sleep longer after something happened: most of what happens arms a timer that is due only later, and
/// need not ring for it.
const PAUSE: Duration = Duration::from_millis(30);

/// After so many bytes sent the next call looks what has come, if nobody else does: acknowledgements, which let go what is kept for sending it
/// again while it is still in the cache.
const LOOK: usize = 256 << 10;

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
        if state.is_much_sent()
            && self.callers_wait.load(Ordering::Relaxed)
            && let Some(lookout) = state.begin_look(self.now())
        {
            drop(state);
            return self.look(lookout, work);
        }
        state.stack.advance(self.now());
        let State { stack, waiters, .. } = &mut *state;
        work(stack, waiters);
        state.busy = true;
        let mut after = state.settle_for_others();
        if state.waiters.take_came() && state.helm.at() == At::Nobody {
            state.call(&mut after);
        }
        drop(state);
        self.conclude(after);
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
}

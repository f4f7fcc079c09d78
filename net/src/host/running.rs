//! A host in real time: one lock around its stack, and what is done under it and after it.
//!
//! Whoever takes the lock brings the stack to the present moment, does its work, gives the devices what there is to send, and lets the lock
//! go. Only then are readers woken, other ends told, and the thread rung for, if something is due before it would look by itself.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::time::{self, Duration};

use loggia_stack::base::{Addr, Errno, Instant, LinkId, Seed};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::numbers::{SHUT_RDWR, SHUT_WR};

use super::interface::Interface;
use super::observers::Observers;
use super::port::{Batch, Port};
use super::sending::Sending;
use crate::bell::Bell;
use crate::capture::Tap;
use crate::device::{Device, Notified, Notifier};
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
    sending: Arc<Sending>,
    /// Counts changes of `ports`.
    generation: u64,
    /// When the thread looks by itself; [`Instant::EPOCH`] while it is looking.
    armed: Instant,
    /// Something happened since the thread went to sleep.
    busy: bool,
    /// The generation that the thread polls.
    polled: u64,
    phase: Phase,
}

/// A host in real time.
pub(super) struct Running {
    state: Mutex<State>,
    /// Told when it is over, and when the thread has let go what was taken away.
    changed: Condvar,
    /// The host's own.
    thread: OnceLock<ThreadId>,
    pub(super) bell: Bell,
    epoch: time::Instant,
    names: Mutex<HashMap<String, Vec<Addr>>>,
    resolver: Mutex<Option<Arc<dyn Resolve>>>,
    pub(super) linger: Duration,
    /// How often a device called since somebody began to see to it; 0: nobody is at it.
    calls: AtomicUsize,
    /// Whoever was at it has left the rest to the thread.
    handed_over: AtomicBool,
    sending: Arc<Sending>,
}

/// What is left to do without the lock.
#[derive(Default)]
struct After {
    woken: Vec<Waker>,
    flush: Vec<Arc<dyn Device>>,
    ring: bool,
}

impl After {
    /// This, and more of it.
    fn join(&mut self, more: Self) {
        self.woken.extend(more.woken);
        self.flush.extend(more.flush);
    }
}

/// One of the queues that the thread polls.
pub(super) struct Source {
    pub(super) link: LinkId,
    pub(super) device: Arc<dyn Device>,
    pub(super) queue: usize,
    /// It is polled for what comes, and not only for room.
    pub(super) reads: bool,
}

impl Source {
    /// None if the device has taken its word back, or for now has nobody wait for this queue.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.device.descriptor(self.queue)
    }
}

/// What the thread does next.
pub(super) enum Next {
    /// Sleeps until that moment, and sees to it that full devices wake it.
    Sleep { until: Instant, full: Vec<LinkId> },
    /// Looks at what has changed.
    Again,
    /// Ends.
    End,
}

/// How often one who brought something goes on with what others bring meanwhile, before the thread does.
const ROUNDS: usize = 16;

/// For so long the thread does not sleep longer after something happened: most of what happens arms a timer that is due only later, and
/// need not ring for it.
const PAUSE: Duration = Duration::from_millis(30);

impl Running {
    pub(super) fn new(options: Options) -> io::Result<Arc<Self>> {
        let Options { config, seed, names, resolver, linger } = options;
        let sending = Arc::<Sending>::default();
        let state = State {
            stack: Stack::new(config, seed, Instant::EPOCH),
            waiters: Waiters::default(),
            ports: Vec::new(),
            observers: Observers::default(),
            sending: sending.clone(),
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
            bell: Bell::new()?,
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
        let _ = self.thread.set(thread::current().id());
    }

    /// True on the host's own thread.
    pub(super) fn is_own_thread(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    /// A socket call, or several.
    pub(super) fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut state = self.lock();
        state.stack.advance(self.now());
        let State { stack, waiters, .. } = &mut *state;
        work(stack, waiters);
        state.busy = true;
        let after = state.settle_for_others();
        drop(state);
        self.conclude(after);
    }

    fn conclude(&self, after: After) {
        after.woken.into_iter().for_each(Waker::wake);
        after.flush.iter().for_each(Device::flush);
        if after.ring {
            self.bell.ring();
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
        after.ring = true;
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
        after.ring = true;
        drop(state);
        drop(gone);
        self.conclude(after);
        // On its own thread one would wait for oneself.
        if !self.is_own_thread() {
            self.wait_until(|state| state.polled >= generation);
        }
        Ok(())
    }

    /// The queues that the thread polls, and the generation they are of. Those it had before are gone.
    pub(super) fn sources(&self) -> (u64, Vec<Source>) {
        let mut state = self.lock();
        state.polled = state.generation;
        self.changed.notify_all();
        let sources = state.ports.iter().flat_map(Port::sources);
        (state.generation, sources.collect())
    }

    /// The thread's turn: runs through what has come, lets time pass, and says what to do next.
    pub(super) fn turn(&self, generation: u64, arrived: &mut [(LinkId, Batch)]) -> Next {
        if self.handed_over.swap(false, Ordering::AcqRel) {
            self.go_on();
        }
        let mut state = self.lock();
        let now = self.now();
        // What has come is older than what is due: an acknowledgement that waited here is no reason to send anything again.
        state.stack.set_clock(now);
        let mut gone = Vec::new();
        for (link, batch) in arrived {
            state.busy |= !batch.frames.is_empty();
            let State { stack, observers, .. } = &mut *state;
            observers.receive(stack, *link, batch.frames.drain(..));
            if std::mem::take(&mut batch.lost) {
                gone.push(state.lose(*link));
            }
        }
        state.stack.advance(now);
        state.armed = Instant::EPOCH;
        // It is awake: nobody need ring.
        let mut after = After { ring: false, ..state.settle() };
        let next = state.next(self.now(), generation);
        if matches!(next, Next::End) {
            let clean = state.is_clean();
            after.join(state.part());
            let (ports, woken, observers) = state.end(clean);
            self.changed.notify_all();
            drop(state);
            drop((ports, gone, observers));
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
        self.bell.ring();
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
        after.ring = true;
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
        self.changed.notify_all();
        drop(state);
        drop((ports, observers));
        woken.into_iter().for_each(Waker::wake);
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
        let Self { stack, waiters, ports, observers, sending, .. } = self;
        let begun = sending.begin();
        for port in ports.iter_mut() {
            port.send(stack, observers);
            after.flush.extend(port.take_flush());
        }
        drop(begun);
        after.woken = observers.settle(stack);
        while let Some((socket, ready)) = stack.next_ready() {
            waiters.release(socket, ready, |waker| after.woken.push(waker));
        }
        waiters.release_until(stack.now(), |waker| after.woken.push(waker));
        let due = self.due();
        if due < self.armed {
            // Whoever is rung for once looks at everything: nobody needs to ring for the same again.
            (self.armed, after.ring) = (due, true);
        }
        for port in self.ports.iter_mut().filter(|port| port.wants_watch()) {
            after.ring |= !std::mem::replace(&mut port.watched, true);
        }
        after
    }

    /// As [`State::settle`] on any thread but the host's own, which has to look whether the end has come.
    fn settle_for_others(&mut self) -> After {
        let mut after = self.settle();
        after.ring |= matches!(self.phase, Phase::Ending(_));
        after
    }

    fn due(&self) -> Instant {
        let due = self.stack.next_deadline().min(self.waiters.next_deadline());
        match self.phase {
            Phase::Ending(until) => due.min(until),
            Phase::Alive | Phase::Over { .. } => due,
        }
    }

    fn next(&mut self, now: Instant, generation: u64) -> Next {
        let phase = self.phase;
        match phase {
            Phase::Over { .. } => return Next::End,
            Phase::Ending(until) if now >= until || self.is_clean() || self.is_cut_off() => return Next::End,
            _ if generation != self.generation => return Next::Again,
            Phase::Alive | Phase::Ending(_) => {}
        }
        let busy = std::mem::take(&mut self.busy);
        self.armed = if busy { self.due().min(now + PAUSE) } else { self.due() };
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

//! The host under a lock: calls that wait, and time that passes.
//!
//! packetdrill has two threads: the main one reads the script and lets time pass, the other one makes calls of which the script says
//! that they take time. The other thread's call goes through three states, and while it is in the second or third, time stands still:
//!
//! ```text
//!   Nobody ── cannot be answered yet ──▶ Waits ── something happened ──▶ Asked ── answered ──▶ Leaves ── looks at the clock ──▶ Nobody
//!                                          ▲─────── still not ─────────────┘
//! ```

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use loggia_stack::{Errno, Instant};

use crate::descriptors::Descriptors;
use crate::host::{Host, Sent, micros};
use crate::settings::Settings;
use crate::{Setup, sys};

/// How long (of real time) an answered call may take to leave before time goes on without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long (of real time) packetdrill's other thread gets to note the outcome of a call.
const TURN: Duration = Duration::from_millis(5);

/// Why a call failed: an error number of the C library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failed(pub i32);

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Self(errno.number())
    }
}

/// What a call gives.
pub type Outcome<T> = Result<T, Failed>;

/// Where the call of the other thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    Nobody,
    Waits,
    Asked,
    Leaves,
}

/// Whether a call may wait, and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// It is answered at once, with `EAGAIN` if need be.
    None,
    /// So many microseconds.
    Micros(u64),
    /// For ever.
    Endless,
}

/// Everything behind the lock.
#[derive(Debug)]
pub struct World {
    /// The host.
    pub host: Host,
    /// Its settings' files.
    pub settings: Settings,
    /// What descriptors stand for.
    pub descriptors: Descriptors,
    caller: Caller,
    /// A call has left, and packetdrill's other thread has yet to note what it gave.
    left: bool,
    /// When the waiting call has waited long enough.
    wakes: Instant,
}

/// The host under test, for several threads.
#[derive(Debug)]
pub struct Machine {
    world: Mutex<World>,
    turn: Condvar,
    main: ThreadId,
}

impl Machine {
    /// A host as `setup` says. The thread that makes it is the one that lets time pass.
    pub fn new(setup: &Setup) -> Self {
        let mut host = Host::new(setup);
        let mut settings = Settings::new(setup.settings.clone());
        settings.apply(&mut host.stack);
        let descriptors = Descriptors::default();
        let world = World { host, settings, descriptors, caller: Caller::Nobody, left: false, wakes: Instant::NEVER };
        Self { world: Mutex::new(world), turn: Condvar::new(), main: std::thread::current().id() }
    }

    /// The world, for as long as the result lives.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_main(&self) -> bool {
        std::thread::current().id() == self.main
    }

    /// Makes a call. `attempt` answers it, or says `EAGAIN`; then, if `patience` allows it and this is not the main thread (which would
    /// wait for itself), it is asked again after everything that happens.
    pub fn call<T>(&self, patience: Patience, mut attempt: impl FnMut(&mut World) -> Outcome<T>) -> Outcome<T> {
        let mut world = self.lock();
        world.apply_settings();
        let mut result = world.attempt(&mut attempt);
        if self.is_main() {
            drop(self.ask_waiting(world));
            return result;
        }
        let until = match patience {
            Patience::None => return result,
            Patience::Micros(count) => world.host.now() + micros(count),
            Patience::Endless => Instant::NEVER,
        };
        if !would_wait(&result) {
            return result;
        }
        world.wakes = until;
        while would_wait(&result) && world.host.now() < until {
            world.caller = Caller::Waits;
            self.turn.notify_all();
            world = self.turn.wait_while(world, |world| world.caller != Caller::Asked).unwrap_or_else(PoisonError::into_inner);
            result = world.attempt(&mut attempt);
        }
        world.wakes = Instant::NEVER;
        world.caller = Caller::Leaves;
        self.turn.notify_all();
        result
    }

    /// Lets a waiting call look again, and waits until it has left or waits on.
    fn ask_waiting<'a>(&'a self, mut world: MutexGuard<'a, World>) -> MutexGuard<'a, World> {
        if world.caller != Caller::Waits || !self.is_main() {
            return world;
        }
        world.caller = Caller::Asked;
        self.turn.notify_all();
        let busy = |world: &mut World| matches!(world.caller, Caller::Asked | Caller::Leaves);
        let (mut world, late) = self.turn.wait_timeout_while(world, PATIENCE, busy).unwrap_or_else(PoisonError::into_inner);
        if late.timed_out() && world.caller == Caller::Leaves {
            world.caller = Caller::Nobody;
        }
        world
    }

    /// The clock. Looking at it takes a microsecond, so that who waits for a moment by looking at it meets that moment.
    pub fn clock(&self) -> Instant {
        let mut world = self.lock();
        if world.caller == Caller::Leaves && !self.is_main() {
            world.caller = Caller::Nobody;
            world.left = true;
            self.turn.notify_all();
        }
        let to = world.host.now() + micros(1);
        self.pass(world, to).host.now()
    }

    /// So many microseconds pass.
    pub fn sleep(&self, count: u64) {
        let mut world = self.lock();
        if std::mem::take(&mut world.left) {
            // packetdrill gives its own lock up for this call only: now the other thread can go on.
            drop(world);
            std::thread::sleep(TURN);
            world = self.lock();
        }
        let to = world.host.now() + micros(count);
        drop(self.pass(world, to));
    }

    fn pass<'a>(&'a self, mut world: MutexGuard<'a, World>, to: Instant) -> MutexGuard<'a, World> {
        loop {
            let next = world.next_event();
            let at = next.min(to).max(world.host.now());
            world.host.go_to(at);
            world = self.ask_waiting(world);
            if next > to {
                return world;
            }
        }
    }

    /// An IP packet arrives now.
    pub fn receive(&self, packet: &[u8]) {
        let mut world = self.lock();
        world.apply_settings();
        world.host.receive(packet);
        drop(self.ask_waiting(world));
    }

    /// The next packet that leaves; until one does, time passes. None: nothing will ever happen.
    pub fn next_sent(&self) -> Option<Sent> {
        let mut world = self.lock();
        loop {
            if let Some(sent) = world.host.next_sent() {
                return Some(sent);
            }
            let next = world.next_event();
            if !next.is_set() {
                return None;
            }
            let at = next.max(world.host.now());
            world.host.go_to(at);
            world = self.ask_waiting(world);
        }
    }

    /// How long a call on a descriptor may wait: `timeout` is its `SO_RCVTIMEO` or `SO_SNDTIMEO`.
    pub fn patience(&self, fd: i32, timeout: i32) -> Patience {
        let mut world = self.lock();
        let Some(socket) = world.descriptors.socket(fd).copied() else { return Patience::None };
        if socket.nonblocking {
            return Patience::None;
        }
        let mut bytes = [0; 16];
        let level = loggia_stack::socket::numbers::sol_socket::LEVEL;
        match world.host.stack.getsockopt(socket.id, level, timeout, &mut bytes) {
            Ok(16) => match sys::layout::timeval_micros(&bytes) {
                0 => Patience::Endless,
                count => Patience::Micros(count),
            },
            _ => Patience::Endless,
        }
    }
}

impl World {
    fn attempt<T>(&mut self, attempt: &mut impl FnMut(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let result = attempt(self);
        self.host.collect();
        result
    }

    fn apply_settings(&mut self) {
        self.settings.apply(&mut self.host.stack);
    }

    fn next_event(&self) -> Instant {
        self.host.next_deadline().min(self.wakes)
    }
}

fn would_wait<T>(result: &Outcome<T>) -> bool {
    matches!(result, Err(failed) if *failed == Errno::EAGAIN.into())
}

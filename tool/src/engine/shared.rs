//! A world that several share: who drives it, the programs that live in it, the supervisor of foreign ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use loggia::{Driver, Host, Waiters};
use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Addr, Instant, Ready, SocketId};
use loggia_stack::engine::Stack;

/// Where the present moment comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The world's own time, which whoever drives it moves.
    Virtual,
    /// Real time: the world's epoch was at this moment.
    Real(std::time::Instant),
}

/// What the clocks of a world in virtual time show at its epoch: 2000-01-01T00:00:00Z, in seconds since 1970.
const VIRTUAL_EPOCH: Duration = Duration::from_secs(946_684_800);

/// The addresses of a name as a host knows it.
pub type Lookup = dyn Fn(HostId, &str) -> Vec<Addr> + Send + Sync;

/// A world and who waits in it.
pub struct Inner {
    /// The world.
    pub world: World,
    /// Who waits, by host.
    pub waiters: Vec<Waiters>,
    /// Readiness of sockets that no built-in program has: the supervisor's.
    pub foreign: VecDeque<(HostId, SocketId, Ready)>,
    /// The moment at which whoever drives the world will look again by itself; [`Instant::EPOCH`] while it is looking.
    pub armed: Instant,
    clock: Clock,
}

/// A world that several share. One drives it; the others reach its stacks through [`Shared::host`].
pub struct Shared {
    inner: Mutex<Inner>,
    kick: OnceLock<Box<dyn Fn() + Send + Sync>>,
    lookup: Box<Lookup>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// Shares a world whose hosts are all there.
    pub fn new(world: World, clock: Clock, lookup: Box<Lookup>) -> Arc<Self> {
        let waiters = world.hosts().iter().map(|_| Waiters::default()).collect();
        let inner = Inner { world, waiters, foreign: VecDeque::new(), armed: Instant::NEVER, clock };
        Arc::new(Self { inner: Mutex::new(inner), kick: OnceLock::new(), lookup })
    }

    /// What is called, without the lock, after a call that made something due before [`Inner::armed`] or something foreign ready.
    /// Only the first counts.
    pub fn on_kick(&self, kick: impl Fn() + Send + Sync + 'static) {
        let _ = self.kick.set(Box::new(kick));
    }

    /// The world under its lock. A panic of somebody who held it is no reason for the others to end: a stack is whole between calls.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the clock on the wall shows at the world's epoch.
    pub fn epoch(&self) -> SystemTime {
        match self.lock().clock {
            Clock::Virtual => SystemTime::UNIX_EPOCH + VIRTUAL_EPOCH,
            Clock::Real(epoch) => SystemTime::now() - epoch.elapsed(),
        }
    }

    /// The door to a host's sockets.
    pub fn host(self: &Arc<Self>, id: HostId) -> Host {
        Host::new(Arc::new(LabHost { shared: self.clone(), id }))
    }

    /// The addresses of a name as a host knows it.
    pub fn lookup(&self, host: HostId, name: &str) -> Vec<Addr> {
        match name {
            "localhost" => vec![Addr::V4_LOOPBACK, Addr::V6_LOOPBACK],
            _ => (self.lookup)(host, name),
        }
    }
}

impl Inner {
    /// What the clock says; in virtual time the world's moment.
    pub fn clock(&self) -> Instant {
        match self.clock {
            Clock::Virtual => self.world.now(),
            Clock::Real(epoch) => Instant::from_nanos(epoch.elapsed().as_nanos() as u64),
        }
    }

    /// Goes to the next moment at which anything happens, `until` at the latest; says whether anybody was told of anything.
    pub fn step(&mut self, until: Instant) -> bool {
        self.world.step(until);
        let ready = self.world.has_ready();
        self.tell();
        let now = self.world.now();
        self.waiters.iter_mut().fold(ready, |woken, waiters| waiters.advance(now) || woken)
    }

    /// Brings the world to `now`, with everything that was due on the way, and wakes whom it concerns.
    pub fn advance(&mut self, now: Instant) {
        self.world.advance(now);
        self.tell();
        let now = self.world.now();
        self.waiters.iter_mut().for_each(|waiters| {
            waiters.advance(now);
        });
    }

    /// Tells who waits what became ready.
    pub fn tell(&mut self) {
        while let Some((host, socket, ready)) = self.world.next_ready() {
            // In virtual time there are no foreign programs.
            if !self.waiters[host.0].ready(socket, ready) && matches!(self.clock, Clock::Real(_)) {
                self.foreign.push_back((host, socket, ready));
            }
        }
    }

    /// When anything happens or anybody is waiting for, at the earliest.
    pub fn next_deadline(&self) -> Instant {
        let moments = self.waiters.iter().map(Waiters::next_deadline);
        moments.fold(self.world.next_deadline(), Instant::min)
    }

    /// Runs `work` on a host at the present moment and lets it take effect; says whether whoever drives the world must look.
    fn call(&mut self, host: HostId, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) -> bool {
        if matches!(self.clock, Clock::Real(_)) {
            self.advance(self.clock());
        }
        work(self.world.stack(host), &mut self.waiters[host.0]);
        self.world.settle(host);
        self.tell();
        let due = self.world.next_deadline().min(self.waiters[host.0].next_deadline());
        let sooner = due < self.armed;
        // Whoever is kicked once looks at everything: nobody needs to kick for the same again.
        self.armed = self.armed.min(due);
        sooner || !self.foreign.is_empty()
    }
}

/// A host of a shared world.
struct LabHost {
    shared: Arc<Shared>,
    id: HostId,
}

impl Driver for LabHost {
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let must_look = self.shared.lock().call(self.id, work);
        if must_look && let Some(kick) = self.shared.kick.get() {
            kick();
        }
    }

    fn now(&self) -> Instant {
        self.shared.lock().clock()
    }

    fn lookup(&self, name: &str) -> Vec<Addr> {
        self.shared.lookup(self.id, name)
    }
}

//! What comes from the devices, and how they come and go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use loggia_stack::base::{Errno, Instant, LinkId};
use loggia_stack::network::autoconf::LinkSettings;

use super::{After, Next, Phase, ROUNDS, Running, State, Who};
use crate::device::{Notified, Notifier};
use crate::host::configure;
use crate::host::interface::Interface;
use crate::host::lookout::{Arrived, Lookout, Source};
use crate::host::port::{Batch, Port};
use crate::socket::error;

/// Devices.
impl Running {
    pub(in crate::host) fn attach(self: &Arc<Self>, interface: Interface) -> io::Result<()> {
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

    pub(in crate::host) fn detach(&self, name: &str) -> io::Result<()> {
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
    pub(in crate::host) fn sources(&self) -> (u64, Vec<Source>) {
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
    pub(in crate::host) fn turn(&self, helm: &mut Option<Lookout>, who: Who) -> Next {
        if self.handed_over.swap(false, Ordering::AcqRel) {
            self.go_on();
        }
        let mut state = self.lock();
        let now = self.now();
        // What has come is older than what is due: an acknowledgement that waited here is no reason to send anything again.
        state.stack.set_clock(now);
        let gone = state.receive(helm);
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
    pub(super) fn go_on(&self) {
        let fallen = Fallen(self);
        let done = self.rounds();
        std::mem::forget(fallen);
        if !done {
            self.hand_over();
        }
    }

    /// True once nobody calls any more.
    pub(super) fn rounds(&self) -> bool {
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

    pub(super) fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Release);
        // Whoever is at the helm, or will be soon.
        self.bell.ring();
        self.rouse();
    }

    pub(super) fn round(&self) {
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

impl State {
    /// Runs through what has come to the lookout. The ports of devices that were lost are to be dropped without the lock.
    pub(super) fn receive(&mut self, helm: &mut Option<Lookout>) -> Vec<Option<Port>> {
        let mut gone = Vec::new();
        for Arrived { link, batch, .. } in helm.iter_mut().flat_map(|lookout| &mut lookout.arrived) {
            self.busy |= !batch.frames.is_empty();
            let Self { stack, observers, .. } = self;
            observers.receive(stack, *link, batch.frames.drain(..));
            if std::mem::take(&mut batch.lost) {
                gone.push(self.lose(*link));
            }
        }
        gone
    }

    /// Makes a link of an interface; leaves nothing behind if something of it cannot be.
    pub(super) fn add(&mut self, interface: &Interface) -> io::Result<LinkId> {
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
                configure::add_gateway(&mut self.stack, link, gateway.into())?;
            }
            Ok(())
        };
        set_up().map(|()| link).map_err(|errno| {
            // It was added a moment ago.
            let _ = self.stack.remove_link(link);
            error(errno)
        })
    }

    pub(super) fn free_name(&self, stem: &str) -> String {
        let mut names = (0..).map(|number| format!("{stem}{number}"));
        names.find(|name| self.stack.link_by_name(name).is_none()).expect("there are more numbers than links")
    }

    /// The device of a link is lost: the link stays, down.
    pub(super) fn lose(&mut self, link: LinkId) -> Option<Port> {
        // It may have been removed meanwhile.
        let _ = self.stack.set_up(link, false);
        self.let_go(link)
    }

    /// Takes a port out; it is to be dropped without the lock.
    pub(super) fn let_go(&mut self, link: LinkId) -> Option<Port> {
        let place = self.ports.iter().position(|port| port.link == link)?;
        self.observers.link_gone(link);
        self.generation += 1;
        Some(self.ports.swap_remove(place))
    }
}

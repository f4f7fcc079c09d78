//! A host's thread, which is at the helm when nobody else is; and the door by which sockets come to the host.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{self, Duration};

use loggia_stack::base::{Addr, Instant};
use loggia_stack::engine::Stack;

use super::Host;
use super::helm::NAP;
use super::interface::Interface;
use super::lookout::Lookout;
use super::running::{Next, Running, StandBy, Who};
use crate::capture::Tap;
use crate::driver::{Driver, Stand, Waiters};
use crate::events::Listener;
use crate::lookup::Resolve;

/// Starts the thread of a host and gives the host.
pub(super) fn start(running: Arc<Running>, name: String) -> io::Result<Host> {
    let own = running.clone();
    let thread = thread::Builder::new().name(name.clone()).spawn(move || {
        let _watch = Watch(&own);
        run(&own);
    })?;
    Ok(Host::new(Arc::new(Door { running, name, thread: Mutex::new(Some(thread)) })))
}

/// Sees to it that nobody waits for a thread that a device of the user's has made panic.
struct Watch<'a>(&'a Running);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn run(running: &Running) {
    running.begin();
    let mut nap = NAP;
    loop {
        match running.stand_by() {
            StandBy::Takes(lookout) => {
                if serve(running, lookout) == Served::ToTheEnd {
                    return;
                }
            }
            StandBy::Naps(limit) => {
                nap = limit.max(NAP);
                thread::park_timeout(limit);
            }
            StandBy::NapsAgain => thread::park_timeout(nap),
            StandBy::Sleeps => thread::park(),
        }
    }
}

/// Why the thread is not at the helm any more.
#[derive(PartialEq, Eq)]
enum Served {
    /// It has left it to callers.
    ForNow,
    ToTheEnd,
}

/// Is at the helm.
fn serve(running: &Running, lookout: Lookout) -> Served {
    let mut helm = Some(lookout);
    loop {
        match running.turn(&mut helm, Who::Thread) {
            Next::Sleep { until, full } => helm.iter_mut().for_each(|lookout| lookout.wait(running, until, &full)),
            Next::Again => helm.iter_mut().for_each(|lookout| lookout.refresh(running)),
            Next::Left => return Served::ForNow,
            Next::End => return Served::ToTheEnd,
        }
    }
}

/// The door by which sockets come to the host. With it the last of them goes.
struct Door {
    running: Arc<Running>,
    name: String,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Driver for Door {
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        self.running.with(work);
    }

    fn park(&self, stand: Stand, deadline: Option<time::Instant>) {
        self.running.park(stand, deadline);
    }

    fn now(&self) -> Instant {
        self.running.now()
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn lookup(&self, name: &str) -> Vec<Addr> {
        self.running.lookup(name)
    }

    fn attach(&self, interface: Interface) -> io::Result<()> {
        self.running.attach(interface)
    }

    fn detach(&self, interface: &str) -> io::Result<()> {
        self.running.detach(interface)
    }

    fn listen(&self, listener: Listener) -> io::Result<()> {
        self.running.listen(listener)
    }

    fn tap(&self, tap: Tap) -> io::Result<()> {
        self.running.tap(tap)
    }

    fn add_name(&self, name: &str, addrs: Vec<Addr>) -> io::Result<()> {
        self.running.add_name(name, addrs);
        Ok(())
    }

    fn resolver(&self) -> Option<Arc<dyn Resolve>> {
        self.running.resolver()
    }

    fn set_resolver(&self, resolver: Option<Arc<dyn Resolve>>) -> io::Result<()> {
        self.running.set_resolver(resolver);
        Ok(())
    }

    fn shutdown(&self, limit: Duration) -> io::Result<()> {
        if self.running.is_at_helm() {
            return Err(io::Error::new(io::ErrorKind::Deadlock, "a host cannot wait for its end on its own thread"));
        }
        self.running.stop(limit);
        let clean = self.running.wait();
        // Its devices are gone once it is; another who comes meanwhile waits for that too. A panic there was reported when it happened.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = thread.take().map(JoinHandle::join);
        if clean { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl Drop for Door {
    /// The thread ends by itself once everything has been sent; nobody waits for it.
    fn drop(&mut self) {
        self.running.stop(self.running.linger);
    }
}

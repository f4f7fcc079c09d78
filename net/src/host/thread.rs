//! A host's thread: it reads the devices that have descriptors and keeps time; and the door by which sockets come to the host.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use loggia_stack::base::{Addr, Instant, LinkId};
use loggia_stack::engine::Stack;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Host;
use super::interface::Interface;
use super::port::Batch;
use super::rest::Rest;
use super::running::{Next, Running, Source};
use crate::capture::Tap;
use crate::driver::{Driver, Waiters};
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
    loop {
        let (generation, sources) = running.sources();
        if !serve(running, generation, &sources) {
            return;
        }
    }
}

/// Serves these sources until they change; false at the end of the host.
fn serve(running: &Running, generation: u64, sources: &[Source]) -> bool {
    let mut arrived: Vec<(LinkId, Batch)> = sources.iter().map(|source| (source.link, Batch::default())).collect();
    let mut rests: Vec<Rest> = sources.iter().map(|_| Rest::default()).collect();
    let (mut fds, mut places) = (Vec::with_capacity(1 + sources.len()), Vec::with_capacity(sources.len()));
    loop {
        let (until, full) = match running.turn(generation, &mut arrived) {
            Next::Sleep { until, full } => (until, full),
            Next::Again => return true,
            Next::End => return false,
        };
        let now = running.now();
        fds.clear();
        fds.push(PollFd::new(&running.bell, PollFlags::IN));
        places.clear();
        let polled =
            sources.iter().zip(&rests).map(|(source, rest)| if rest.is_over(now) { add(&mut fds, source, &full) } else { None });
        places.extend(polled);
        // Where there was more than fitted nobody waits, but the others are asked too.
        let more = arrived.iter().any(|(_, batch)| batch.full);
        let until = if more { now } else { rests.iter().filter_map(|rest| rest.end(now)).fold(until, Instant::min) };
        wait(&mut fds, until.is_set().then(|| until.since(now)));
        if !fds[0].revents().is_empty() {
            running.bell.heard();
        }
        for (((source, (_, batch)), rest), place) in sources.iter().zip(&mut arrived).zip(&mut rests).zip(&places) {
            let revents = place.map_or(PollFlags::empty(), |place: usize| fds[place].revents());
            if batch.full || !revents.is_empty() {
                batch.fill(&*source.device, source.queue);
                // It will never be quiet again, and there is nothing to read. An error alone says only what became of an earlier packet.
                let broken = revents.intersects(PollFlags::HUP | PollFlags::NVAL) && !revents.contains(PollFlags::IN);
                batch.lost |= batch.idle && broken;
                rest.called(batch.idle && !revents.contains(PollFlags::OUT), running.now());
            }
        }
    }
}

/// Adds what is polled of a source and says at which place. One that shows no descriptor now is not waited for.
fn add<'a>(fds: &mut Vec<PollFd<'a>>, source: &'a Source, full: &[LinkId]) -> Option<usize> {
    let fd = source.descriptor()?;
    let out = if source.queue == 0 && full.contains(&source.link) { PollFlags::OUT } else { PollFlags::empty() };
    fds.push(PollFd::from_borrowed_fd(fd, if source.reads { PollFlags::IN | out } else { out }));
    Some(fds.len() - 1)
}

/// Waits until one of them is ready, the time is up, or a signal comes.
fn wait(fds: &mut [PollFd<'_>], limit: Option<Duration>) {
    let limit = limit.map(|limit| Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() });
    // What fails says nothing of the descriptors, so there is nothing to do but look again.
    if poll(fds, limit.as_ref()).is_err() {
        fds.iter_mut().for_each(PollFd::clear_revents);
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
        if self.running.is_own_thread() {
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

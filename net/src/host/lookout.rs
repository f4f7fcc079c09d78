//! How devices with descriptors are waited for and read, by whoever is at the [helm](super::helm).

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use loggia_stack::base::{Instant, LinkId};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::port::Batch;
use super::rest::Rest;
use super::running::Running;
use crate::bell::Bell;
use crate::device::Device;

/// One of the queues that are polled.
pub(super) struct Source {
    pub(super) link: LinkId,
    pub(super) device: Arc<dyn Device>,
    pub(super) queue: usize,
    /// It is polled for what comes, and not only for room.
    pub(super) reads: bool,
}

impl Source {
    /// None if the device has taken its word back, or for now has nobody wait for this queue.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.device.descriptor(self.queue)
    }
}

/// What came by a source, and is to be run through.
pub(super) struct Arrived {
    pub(super) link: LinkId,
    pub(super) batch: Batch,
    rest: Rest,
}

/// The queues that are polled, and what came by them. Whoever has it is at the helm.
pub(super) struct Lookout {
    /// The generation of ports that the sources are of.
    pub(super) generation: u64,
    sources: Vec<Source>,
    /// By source.
    pub(super) arrived: Vec<Arrived>,
    /// The link of the source that is being read.
    pub(super) receiving: Option<LinkId>,
}

impl Default for Lookout {
    /// One that knows of no device yet, and so is of no generation.
    fn default() -> Self {
        Self { generation: u64::MAX, sources: Vec::new(), arrived: Vec::new(), receiving: None }
    }
}

impl Lookout {
    /// Looks which sources there are now. Those it had before are let go first.
    pub(super) fn refresh(&mut self, running: &Running) {
        *self = Self::default();
        (self.generation, self.sources) = running.sources();
        let arrived = |source: &Source| Arrived { link: source.link, batch: Batch::default(), rest: Rest::default() };
        self.arrived = self.sources.iter().map(arrived).collect();
    }

    /// Receives what has come, without waiting. Nobody was called, so none has called in vain.
    pub(super) fn look(&mut self) {
        for (source, arrived) in self.sources.iter().zip(&mut self.arrived).filter(|(source, _)| source.reads) {
            self.receiving = Some(source.link);
            arrived.batch.fill(&*source.device, source.queue);
        }
        self.receiving = None;
    }

    /// Waits for something to come, until then at most, and receives it. The queues of `full` are waited for until they have room, too.
    pub(super) fn wait(&mut self, running: &Running, until: Instant, full: &[(LinkId, usize)]) {
        let now = running.now();
        let Self { sources, arrived, receiving, .. } = self;
        let (mut fds, mut places) = (Vec::with_capacity(1 + sources.len()), Vec::with_capacity(sources.len()));
        fds.push(PollFd::new(&running.bell, PollFlags::IN));
        let polled = sources.iter().zip(&*arrived);
        places.extend(polled.map(|(source, arrived)| if arrived.rest.is_over(now) { add(&mut fds, source, full) } else { None }));
        // Where there was more than fitted nobody waits, but the others are asked too.
        let more = arrived.iter().any(|arrived| arrived.batch.full);
        let rests = arrived.iter().filter_map(|arrived| arrived.rest.end(now));
        let until = if more { now } else { rests.fold(until, Instant::min) };
        poll_until(&mut fds, until.is_set().then(|| until.since(now)));
        hear(&running.bell, &fds);
        for ((source, Arrived { link, batch, rest }), place) in sources.iter().zip(arrived).zip(&places) {
            let revents = place.map_or(PollFlags::empty(), |place: usize| fds[place].revents());
            if batch.full || !revents.is_empty() {
                *receiving = Some(*link);
                batch.fill(&*source.device, source.queue);
                // It will never be quiet again, and there is nothing to read. An error alone says only what became of an earlier packet.
                let broken = revents.intersects(PollFlags::HUP | PollFlags::NVAL) && !revents.contains(PollFlags::IN);
                batch.lost |= batch.idle && broken;
                rest.called(batch.idle && !revents.contains(PollFlags::OUT), running.now());
            }
        }
        *receiving = None;
    }
}

/// Adds what is polled of a source and says at which place. One that shows no descriptor now is not waited for.
fn add<'a>(fds: &mut Vec<PollFd<'a>>, source: &'a Source, full: &[(LinkId, usize)]) -> Option<usize> {
    let fd = source.descriptor()?;
    let out = if full.contains(&(source.link, source.queue)) { PollFlags::OUT } else { PollFlags::empty() };
    fds.push(PollFd::from_borrowed_fd(fd, if source.reads { PollFlags::IN | out } else { out }));
    Some(fds.len() - 1)
}

fn hear(bell: &Bell, fds: &[PollFd<'_>]) {
    if !fds[0].revents().is_empty() {
        bell.heard();
    }
}

/// Waits until one of them is ready, the time is up, or a signal comes.
fn poll_until(fds: &mut [PollFd<'_>], limit: Option<Duration>) {
    let limit = limit.map(|limit| Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() });
    // What fails says nothing of the descriptors, so there is nothing to do but look again.
    if poll(fds, limit.as_ref()).is_err() {
        fds.iter_mut().for_each(PollFd::clear_revents);
    }
}

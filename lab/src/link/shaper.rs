//! The queue and the rate that drains it.

use loggia_stack::base::Instant;

use super::draw::Draws;
use super::fate::Cause;
use super::packet::Packet;
use super::queue::{Discipline, Drops};
use super::rate::Server;
use super::terms::{Queue, Rate, Terms};

/// What became of a packet at the queue.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It goes onto the wire: it left the queue at `at`, and all of it is out at `out`.
    Sent { packet: Packet, at: Instant, out: Instant },
    /// It does not.
    Dropped { packet: Packet, at: Instant, cause: Cause },
}

/// The queue and the rate that drains it. What happened waits in `outcomes`.
#[derive(Debug)]
pub(super) struct Shaper {
    discipline: Discipline,
    server: Server,
    draws: Draws,
    /// When the next packet leaves the queue; never if there is none.
    ready: Instant,
    outcomes: Vec<Outcome>,
    drops: Drops,
    /// Most bytes that waited.
    pub(super) peak: u64,
}

impl Shaper {
    pub(super) fn new(terms: &Terms, draws: Draws) -> Self {
        let server = Server::new(terms.rate.as_ref());
        let discipline = Discipline::new(&terms.queue, server.pace(), draws);
        Self { discipline, server, draws, ready: Instant::NEVER, outcomes: Vec::new(), drops: Vec::new(), peak: 0 }
    }

    /// When the next packet leaves the queue.
    pub(super) fn next(&self) -> Instant {
        self.ready
    }

    /// True if a packet that is put at `now` goes onto the wire at once.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        !self.ready.is_set() && self.server.is_open(now) && self.discipline.is_empty()
    }

    /// True if the queue looks at packets also while it is empty, and remembers what it saw.
    pub(super) fn judges(&self) -> bool {
        !matches!(self.discipline, Discipline::Tail { .. })
    }

    /// True if one of the packets that wait is of this kind.
    pub(super) fn any(&self, is_it: impl FnMut(&Packet) -> bool) -> bool {
        self.discipline.any(is_it)
    }

    /// Another rate or queue from `now` on. What waits goes on waiting, in the new queue; its limit is for those that come.
    pub(super) fn set(&mut self, now: Instant, before: (&Option<Rate>, &Queue), after: (&Option<Rate>, &Queue)) {
        if before.0 != after.0 {
            self.server.set(after.0.as_ref());
            self.discipline.set_pace(self.server.pace());
        }
        if (before.1.kind, before.1.ecn) != (after.1.kind, after.1.ecn) {
            let waiting = self.discipline.drain();
            self.discipline = Discipline::new(after.1, self.server.pace(), self.draws);
            waiting.into_iter().for_each(|packet| self.discipline.restore(packet));
        }
        self.discipline.set_limit(after.1.limit);
        self.schedule(now);
        self.serve(now);
    }

    /// A packet comes. Everything that was due by `now` has been served.
    pub(super) fn put(&mut self, packet: Packet, now: Instant) {
        self.discipline.push(packet, now, &mut self.drops);
        self.tell_drops(now);
        if !self.ready.is_set() {
            self.schedule(now);
            self.serve(now);
        }
        self.peak = self.peak.max(self.discipline.bytes());
    }

    /// Lets all leave that were due by `now`, each at its moment.
    pub(super) fn serve(&mut self, now: Instant) {
        while self.ready <= now && self.ready.is_set() {
            let at = self.ready;
            let packet = self.discipline.pop(at, &mut self.drops);
            self.tell_drops(at);
            if let Some(packet) = packet {
                let out = self.server.send(at, &packet);
                self.outcomes.push(Outcome::Sent { packet, at, out });
            }
            self.schedule(at);
        }
    }

    /// Everything that waits is lost.
    pub(super) fn clear(&mut self, now: Instant) {
        let waiting = self.discipline.drain();
        self.outcomes.extend(waiting.into_iter().map(|packet| Outcome::Dropped { packet, at: now, cause: Cause::Down }));
        self.ready = Instant::NEVER;
    }

    /// What became of packets since this was asked last.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// Gives the room for outcomes back.
    pub(super) fn recycle(&mut self, mut outcomes: Vec<Outcome>) {
        outcomes.clear();
        if self.outcomes.is_empty() {
            self.outcomes = outcomes;
        }
    }

    fn schedule(&mut self, from: Instant) {
        self.ready = if self.discipline.is_empty() { Instant::NEVER } else { self.server.ready(from) };
    }

    fn tell_drops(&mut self, at: Instant) {
        let drops = self.drops.drain(..);
        self.outcomes.extend(drops.map(|(packet, cause)| Outcome::Dropped { packet, at, cause }));
    }
}

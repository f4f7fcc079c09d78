//! One direction of a link.

mod together;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::{Train, cut, packets};

use super::alter;
use super::draw::Draws;
use super::exposure::{Exposure, Exposures, Impairment};
use super::fate::{Cause, Counts, Fate, Marks, PacketId, Verdict};
use super::fates::Fates;
use super::flow::Acquaintance;
use super::flows::{Flows, MAX_FLOWS};
use super::line::Line;
use super::lots::{Lots, Ride};
use super::packet::Packet;
use super::shaper::{Outcome, Shaper};
use super::terms::Terms;
use together::Whole;

/// What all draws of one direction follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PipeSeed(pub [u8; 16]);

/// A frame at the far end.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Which packet it was; a copy has the name of what it copies.
    pub packet: PacketId,
    /// How many names it has from that one on: one, unless it is a super-segment of packets that have each its own.
    pub names: u64,
    /// When it arrived: not later than asked.
    pub at: Instant,
    /// The frame.
    pub frame: Frame,
}

/// Most bytes of memory that the packets of one direction hold, in the queue and under way together: what a 10 Gbit/s link with 200 ms
/// holds. Beyond, packets are dropped as [`Cause::QueueFull`], whatever the queue's own limit.
pub const MEMORY: usize = 256 << 20;

/// One direction of a link.
#[derive(Debug)]
pub struct Pipe {
    terms: Terms,
    /// Nothing in the terms looks at single packets.
    plain: bool,
    /// The packets of a super-segment that arrive do so at one moment.
    together: bool,
    draws: Draws,
    lots: Lots,
    flows: Flows,
    shaper: Shaper,
    line: Line,
    fates: Fates,
    counts: Counts,
    exposures: Exposures,
    /// The last name that was given.
    named: u64,
    /// Bytes of memory that packets hold.
    held: usize,
    acquaintance: Acquaintance,
}

impl Pipe {
    /// An empty one.
    pub fn new(terms: Terms, seed: PipeSeed) -> Self {
        let draws = Draws::new(seed);
        Self {
            plain: is_plain(&terms),
            together: terms.keeps_together() && !terms.down,
            draws,
            lots: Lots::new(&terms),
            flows: Flows::new(MAX_FLOWS),
            shaper: Shaper::new(&terms, draws),
            line: Line::default(),
            fates: Fates::NONE,
            counts: Counts::default(),
            exposures: Exposures::default(),
            named: 0,
            held: 0,
            acquaintance: Acquaintance::default(),
            terms,
        }
    }

    /// What it does.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Changes what it does from now on. What is on the wire arrives as was decided. What waits in the queue goes on waiting, and leaves
    /// at the new rate for the new delay; if the link goes down, it is lost, as in an interface that is taken down.
    pub fn set(&mut self, now: Instant, terms: Terms) {
        self.serve(now);
        self.exposures.change(&self.terms);
        let before = std::mem::replace(&mut self.terms, terms);
        if self.terms.down {
            self.shaper.clear(now);
        }
        self.shaper.set(now, (&before.rate, &before.queue), (&self.terms.rate, &self.terms.queue));
        self.plain = is_plain(&self.terms);
        self.together = self.terms.keeps_together() && !self.terms.down;
        self.lots = Lots::new(&self.terms);
        self.settle();
    }

    /// A frame is put onto it; says under which name fates will tell of it. A super-segment goes as one packet where the terms
    /// [take it whole](Terms::takes_large_frames). On other links its packets have consecutive names, of which this is the first, and each
    /// has its own fate; those that travel on together arrive as one frame.
    pub fn put(&mut self, now: Instant, frame: Frame) -> PacketId {
        let first = PacketId(self.named + 1);
        self.serve(now);
        if self.plain && self.shaper.is_open(now) {
            if let Some(whole) = self.pass(now, &frame, 1) {
                self.hand_over(whole, frame);
            }
        } else {
            self.admit_all(now, frame);
        }
        first
    }

    /// As [`Pipe::put`], but the packets of a super-segment have each their own name and fate also where nothing looks at them. `train` are its
    /// packets; none: it is one. If the frame goes on as it came it is to be [handed over](Pipe::hand_over), when all have looked at it.
    pub(crate) fn put_train(&mut self, now: Instant, frame: &Frame, train: Option<&Train>) -> (PacketId, Option<Whole>) {
        let first = PacketId(self.named + 1);
        self.serve(now);
        let whole = if self.plain && self.shaper.is_open(now) {
            self.pass(now, frame, train.map_or(1, |train| train.count() as u64))
        } else if self.keeps(now, frame, train) {
            self.admit_together(now, frame, train)
        } else {
            cut(frame.clone()).for_each(|packet| self.admit(now, packet));
            None
        };
        (first, whole)
    }

    /// True if the fate of a frame that is one packet is known as soon as it is put at `now`, without a queue having to look at it.
    pub(crate) fn is_passed(&mut self, now: Instant, frame: &Frame) -> bool {
        self.serve(now);
        self.plain && self.shaper.is_open(now) || self.keeps(now, frame, None)
    }

    /// [`Pipe::put_train`], or else [`Pipe::put`].
    pub(crate) fn put_one_of(&mut self, now: Instant, frame: Frame, train: bool) -> PacketId {
        if train && frame.segment_size != 0 {
            let (packet, whole) = self.put_train(now, &frame, Train::of(&frame).as_ref());
            if let Some(whole) = whole {
                self.hand_over(whole, frame);
            }
            packet
        } else {
            self.put(now, frame)
        }
    }

    /// The last name that was given.
    pub fn named(&self) -> PacketId {
        PacketId(self.named)
    }

    /// When it has to be looked at again: a packet arrives or leaves the queue. [`Instant::NEVER`] if nothing is under way.
    pub fn next(&self) -> Instant {
        self.line.next().min(self.shaper.next())
    }

    /// True if one of the frames in the queue or on the wire is of this kind.
    pub fn carries(&self, mut is_it: impl FnMut(&Frame) -> bool) -> bool {
        self.line.frames().any(&mut is_it) || self.shaper.any(|packet| is_it(&packet.frame))
    }

    /// The next frame that has arrived by `now`.
    pub fn take(&mut self, now: Instant) -> Option<Arrival> {
        self.serve(now);
        let flight = self.line.take(now)?;
        self.held -= flight.memory as usize;
        self.counts.delivered += u64::from(flight.packets);
        self.counts.delivered_bytes += u64::from(flight.bytes);
        Some(flight.arrival)
    }

    /// The oldest fate nobody has fetched.
    pub fn next_fate(&mut self) -> Option<Fate> {
        self.fates.pop()
    }

    /// Nobody wants to know the fates that were not fetched.
    pub fn forget_fates(&mut self) {
        self.fates.clear();
    }

    /// The fates that nobody has fetched.
    pub fn fates(&self) -> &Fates {
        &self.fates
    }

    /// What became of all packets so far. Packets and bytes (Ethernet header included) of a super-segment are those it stands for.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What an impairment has had to do so far, under all terms there were; none if it was never in force.
    pub fn exposure(&self, impairment: Impairment) -> Option<Exposure> {
        self.exposures.of(impairment, &self.terms)
    }
}

/// True if all that happens to a frame is that it arrives after the delay.
fn is_plain(terms: &Terms) -> bool {
    terms.takes_large_frames() && !terms.down
}

/// The way of a packet.
impl Pipe {
    /// The short way: no flow, no draw, no queue.
    fn pass(&mut self, now: Instant, frame: &Frame, names: u64) -> Option<Whole> {
        let (packets, bytes) = packets(frame);
        let packet = PacketId(self.named + 1);
        self.named += names;
        self.counts.sent += packets as u64;
        self.counts.sent_bytes += bytes as u64;
        let at = now + self.terms.delay;
        let room = self.has_room(frame);
        let verdict = if room {
            Verdict::Delivered { arrives: at, queued: Duration::ZERO, marks: Marks::default() }
        } else {
            self.counts.dropped[Cause::QueueFull as usize] += packets as u64;
            Verdict::Dropped(Cause::QueueFull)
        };
        self.fates.push_shared(Fate { packet, flow: 0, number: 0, at: now, verdict }, names);
        room.then_some(Whole { packet, names, at, packets, bytes })
    }

    fn has_room(&self, frame: &Frame) -> bool {
        self.held + frame.memory() <= MEMORY
    }

    /// The packets that a frame stands for are put, each by itself or together.
    fn admit_all(&mut self, now: Instant, frame: Frame) {
        let train = Train::of(&frame);
        if !self.keeps(now, &frame, train.as_ref()) {
            cut(frame).for_each(|packet| self.admit(now, packet));
        } else if let Some(whole) = self.admit_together(now, &frame, train.as_ref()) {
            self.hand_over(whole, frame);
        }
    }

    /// True if the packets of a super-segment are put together, or a single one goes past the queue.
    fn keeps(&self, now: Instant, frame: &Frame, train: Option<&Train>) -> bool {
        let apart = train.is_none() && (frame.segment_size != 0 || self.shaper.judges());
        self.together && !apart && self.shaper.is_open(now) && self.has_room(frame)
    }

    /// A single packet is put: it gets its place in its flow, and its lot, whatever becomes of it then.
    fn admit(&mut self, now: Instant, frame: Frame) {
        let packet = self.introduce(now, frame);
        self.counts.sent += 1;
        self.counts.sent_bytes += u64::from(packet.size);
        if !packet.housekeeping {
            self.exposures.sent();
        }
        self.held += packet.memory as usize;
        match self.refuses(&packet) {
            Some(cause) => self.drop(packet, now, cause),
            None => self.shaper.put(packet, now),
        }
        self.settle();
    }

    fn introduce(&mut self, now: Instant, frame: Frame) -> Packet {
        self.named += 1;
        let known = self.acquaintance.of(&frame);
        let flow = self.flows.of(known.flow);
        flow.number += 1;
        let lot = self.lots.draw(&self.draws, known.flow, flow);
        Packet::new(PacketId(self.named), frame, &known, (flow.number, lot), now)
    }

    fn refuses(&self, packet: &Packet) -> Option<Cause> {
        if self.terms.down {
            Some(Cause::Down)
        } else if self.terms.mtu.is_some_and(|mtu| packet.network_len() > mtu) {
            Some(Cause::TooBig)
        } else {
            (self.held > MEMORY).then_some(Cause::QueueFull)
        }
    }

    /// Lets leave the queue what was due by `now`.
    fn serve(&mut self, now: Instant) {
        if self.shaper.next() <= now {
            self.shaper.serve(now);
            self.settle();
        }
    }

    /// Brings what left the queue to where it goes.
    fn settle(&mut self) {
        let mut outcomes = self.shaper.outcomes();
        for outcome in outcomes.drain(..) {
            match outcome {
                Outcome::Dropped { packet, at, cause } => self.drop(packet, at, cause),
                Outcome::Sent { packet, at, .. } if packet.lot.lost => self.drop(packet, at, Cause::Loss),
                Outcome::Sent { packet, at, out } => self.onto_wire(packet, at, out),
            }
        }
        self.shaper.recycle(outcomes);
        self.counts.queue_peak = self.shaper.peak;
    }

    fn drop(&mut self, packet: Packet, at: Instant, cause: Cause) {
        self.held -= packet.memory as usize;
        self.counts.dropped[cause as usize] += 1;
        self.touched(&packet, Impairment::Loss, cause == Cause::Loss);
        self.fates.push(packet.fate(at, Verdict::Dropped(cause)));
    }

    /// The packet has left the queue at `at` and is out at `out`: from here on everything about it is known.
    fn onto_wire(&mut self, packet: Packet, at: Instant, out: Instant) {
        let room = self.held + packet.memory as usize <= MEMORY;
        let copy = packet.lot.copy.filter(|_| room).map(|ride| (ride, packet.clone()));
        let (ride, ecn) = (packet.lot.ride, packet.marked);
        self.counts.marked += u64::from(ecn);
        self.ride(packet, ride, Marks { duplicated: copy.is_some(), ecn, ..Marks::default() }, (at, out));
        if let Some((ride, copy)) = copy {
            self.held += copy.memory as usize;
            self.counts.duplicated += 1;
            self.touched(&copy, Impairment::Duplicate, true);
            self.ride(copy, ride, Marks { duplicate: true, ecn, ..Marks::default() }, (at, out));
        }
    }

    fn ride(&mut self, mut packet: Packet, ride: Ride, mut marks: Marks, (at, out): (Instant, Instant)) {
        if let Some(draw) = ride.damage.filter(|_| packet.ip) {
            marks.corrupted = alter::damage(&mut packet.frame, usize::from(packet.l3), draw);
        }
        let arrives;
        (arrives, marks.reordered) = self.arrival(packet.flow, ride, out);
        self.counts.corrupted += u64::from(marks.corrupted.is_some());
        self.counts.reordered += u64::from(marks.reordered);
        self.touched(&packet, Impairment::Corrupt, marks.corrupted.is_some());
        self.touched(&packet, Impairment::Reorder, marks.reordered);
        self.fates.push(packet.fate(at, Verdict::Delivered { arrives, queued: at - packet.since, marks }));
        let Packet { id, frame, size, memory, .. } = packet;
        self.line.put(Arrival { packet: id, names: 1, at: arrives, frame }, 1, size, memory);
    }

    fn touched(&mut self, packet: &Packet, impairment: Impairment, is_so: bool) {
        if is_so && !packet.housekeeping {
            self.exposures.touched(impairment);
        }
    }

    /// When what is out at `out` arrives, and whether it overtakes an earlier packet of its flow.
    fn arrival(&mut self, flow: u64, ride: Ride, out: Instant) -> (Instant, bool) {
        let Terms { delay, jitter, reorder, .. } = &self.terms;
        let usual = Instant::from_nanos((out + *delay).nanos().saturating_add_signed(ride.deviation)).max(out);
        if jitter.is_none() && reorder.is_none() {
            return (usual, false);
        }
        let latest = &mut self.flows.of(flow).latest;
        let arrives = match reorder {
            Some(reorder) if ride.early => reorder.by.map_or(out, |by| out + (usual - out).saturating_sub(by)),
            _ if jitter.as_ref().is_some_and(|jitter| !jitter.overtake) => usual.max(*latest),
            _ => usual,
        };
        let overtakes = arrives < *latest;
        *latest = arrives.max(*latest);
        (arrives, overtakes)
    }
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;

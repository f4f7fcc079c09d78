//! One direction of a link.

use std::collections::VecDeque;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::{cut, packets};

use super::alter;
use super::draw::Draws;
use super::exposure::{Exposure, Exposures, Impairment};
use super::fate::{Cause, Counts, Fate, Marks, PacketId, Verdict};
use super::flow::Known;
use super::flows::{Flows, MAX_FLOWS};
use super::line::Line;
use super::lots::{Lots, Ride};
use super::packet::Packet;
use super::shaper::{Outcome, Shaper};
use super::terms::Terms;

/// What all draws of one direction follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PipeSeed(pub [u8; 16]);

/// A frame at the far end.
#[derive(Debug)]
pub struct Arrival {
    /// Which packet it was; a copy has the name of what it copies.
    pub packet: PacketId,
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
    draws: Draws,
    lots: Lots,
    flows: Flows,
    shaper: Shaper,
    line: Line,
    fates: VecDeque<Fate>,
    counts: Counts,
    exposures: Exposures,
    /// The last name that was given.
    named: u64,
    /// Bytes of memory that packets hold.
    held: usize,
}

impl Pipe {
    /// An empty one.
    pub fn new(terms: Terms, seed: PipeSeed) -> Self {
        let draws = Draws::new(seed);
        Self {
            plain: is_plain(&terms),
            draws,
            lots: Lots::new(&terms),
            flows: Flows::new(MAX_FLOWS),
            shaper: Shaper::new(&terms, draws),
            line: Line::default(),
            fates: VecDeque::new(),
            counts: Counts::default(),
            exposures: Exposures::default(),
            named: 0,
            held: 0,
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
        self.lots = Lots::new(&self.terms);
        self.settle();
    }

    /// A frame is put onto it; says under which name fates will tell of it. A super-segment is cut unless the terms
    /// [take it whole](Terms::takes_large_frames): its packets have consecutive names, of which this is the first.
    pub fn put(&mut self, now: Instant, frame: Frame) -> PacketId {
        let first = PacketId(self.named + 1);
        self.serve(now);
        if self.plain && self.shaper.is_open(now) {
            self.pass(now, frame);
        } else {
            for packet in cut(frame) {
                self.admit(now, packet);
            }
        }
        first
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
        self.fates.pop_front()
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
    fn pass(&mut self, now: Instant, frame: Frame) {
        let (count, bytes) = packets(&frame);
        let memory = frame.memory();
        self.named += 1;
        self.counts.sent += count as u64;
        self.counts.sent_bytes += bytes as u64;
        let packet = PacketId(self.named);
        let mut fate = Fate { packet, flow: 0, number: 0, at: now, verdict: Verdict::Dropped(Cause::QueueFull) };
        if self.held + memory > MEMORY {
            self.counts.dropped[Cause::QueueFull as usize] += count as u64;
            self.fates.push_back(fate);
            return;
        }
        let at = now + self.terms.delay;
        fate.verdict = Verdict::Delivered { arrives: at, queued: Duration::ZERO, marks: Marks::default() };
        self.fates.push_back(fate);
        self.held += memory;
        self.line.put(Arrival { packet, at, frame }, count as u32, bytes as u32, memory as u32);
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
        let Known { flow: key, l3, ip, housekeeping } = Known::of(&frame);
        let flow = self.flows.of(key);
        flow.number += 1;
        Packet {
            id: PacketId(self.named),
            flow: key,
            number: flow.number,
            since: now,
            lot: self.lots.draw(&self.draws, key, flow),
            size: frame.len() as u32,
            memory: frame.memory() as u32,
            l3: l3 as u8,
            ip,
            housekeeping,
            marked: false,
            frame,
        }
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
        self.fates.push_back(packet.fate(at, Verdict::Dropped(cause)));
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
        self.fates.push_back(packet.fate(at, Verdict::Delivered { arrives, queued: at - packet.since, marks }));
        let Packet { id, frame, size, memory, .. } = packet;
        self.line.put(Arrival { packet: id, at: arrives, frame }, 1, size, memory);
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

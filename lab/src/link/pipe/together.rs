//! What goes on at once, a packet or the packets of a super-segment on a link that keeps them together: each has its lot, drawn as if it had been
//! put by itself, and those that nothing happens to go on as they came, in pieces between those that something happens to. The same comes of it
//! as if each had gone through queue and rate, but no packet is made of what goes on.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::Train;

use super::super::exposure::Impairment;
use super::super::fate::{Cause, Fate, Marks, PacketId, Verdict};
use super::super::flow::Known;
use super::super::lots::Lot;
use super::super::packet::Packet;
use super::{Arrival, Pipe};

/// A frame that is put: one packet, or those of a train.
struct Put<'a> {
    now: Instant,
    frame: &'a Frame,
    train: Option<&'a Train>,
    known: Known,
}

impl Put<'_> {
    /// How many packets it is.
    fn count(&self) -> usize {
        self.train.map_or(1, Train::count)
    }

    /// Bytes of `count` packets from the `first` on, headers included.
    fn bytes(&self, first: usize, count: usize) -> usize {
        let Some(train) = self.train else { return self.frame.len() };
        let last = first + count - 1;
        count * train.headers() + train.offset(last) + train.payload(last) - train.offset(first)
    }

    /// Those packets.
    fn part(&self, first: usize, count: usize) -> Frame {
        self.train.map_or_else(|| self.frame.clone(), |train| train.part(self.frame, first, count))
    }
}

/// A frame that goes on as it came: what the line has to know of it besides.
#[must_use]
pub(crate) struct Whole {
    pub(super) packet: PacketId,
    pub(super) names: u64,
    pub(super) at: Instant,
    pub(super) packets: usize,
    pub(super) bytes: usize,
}

impl Pipe {
    /// The packets of `frame`, those of `train` or one, are put. If nothing happens to any of them the frame itself is to be [handed
    /// over](Pipe::hand_over), when nobody has to look at it any more.
    pub(super) fn admit_together(&mut self, now: Instant, frame: &Frame, train: Option<&Train>) -> Option<Whole> {
        let put = Put { now, frame, train, known: self.acquaintance.of(frame) };
        let count = put.count();
        self.counts.sent += count as u64;
        self.counts.sent_bytes += put.bytes(0, count) as u64;
        if !put.known.housekeeping {
            self.exposures.sent_many(count as u64);
        }
        let mut next = 0;
        while next < count {
            let (first, number) = (next, self.flows.of(put.known.flow).number + 1);
            let eventful = self.uneventful(&put, &mut next);
            let whole = self.go_on(&put, first, next - first, number);
            if whole.is_some() {
                return whole;
            }
            if let Some(lot) = eventful {
                self.single_out(&put, next, lot);
                next += 1;
            }
        }
        None
    }

    /// The frame all of which goes on.
    pub(crate) fn hand_over(&mut self, whole: Whole, frame: Frame) {
        let Whole { packet, names, at, packets, bytes } = whole;
        let memory = frame.memory();
        self.held += memory;
        self.line.put(Arrival { packet, names, at, frame }, packets as u32, bytes as u32, memory as u32);
    }

    /// Draws the lots of the packets from `next` on, as long as nothing happens to them, and that of the one to which something does.
    fn uneventful(&mut self, put: &Put<'_>, next: &mut usize) -> Option<Lot> {
        let largest = self.largest(put);
        while *next < put.count() {
            let (flow, too_large) = (self.flows.of(put.known.flow), put.bytes(*next, 1) > largest);
            let count = if too_large { 1 } else { put.count() - *next };
            let (went_on, eventful) = self.lots.draw_until(&self.draws, put.known.flow, flow, count);
            if too_large {
                return Some(eventful.unwrap_or_default());
            }
            *next += went_on;
            if eventful.is_some() {
                return eventful;
            }
        }
        None
    }

    /// Bytes of the largest packet that the link carries.
    fn largest(&self, put: &Put<'_>) -> usize {
        self.terms.mtu.map_or(usize::MAX, |mtu| mtu as usize + put.known.l3)
    }

    /// `count` neighbours go on together from the `first` on, which is the flow's packet `number`; if these are all, the frame is to follow.
    fn go_on(&mut self, put: &Put<'_>, first: usize, count: usize, number: u64) -> Option<Whole> {
        if count == 0 {
            return None;
        }
        let (packet, at, names) = (PacketId(self.named + 1), put.now + self.terms.delay, count as u64);
        let verdict = Verdict::Delivered { arrives: at, queued: Duration::ZERO, marks: Marks::default() };
        self.fates.push_shared(Fate { packet, flow: put.known.flow, number, at: put.now, verdict }, names);
        self.named += names;
        let whole = Whole { packet, names, at, packets: count, bytes: put.bytes(first, count) };
        if count == put.count() {
            return Some(whole);
        }
        self.hand_over(whole, put.part(first, count));
        None
    }

    /// Something happens to the `n`-th packet, the last of its flow for which a lot was drawn.
    fn single_out(&mut self, put: &Put<'_>, n: usize, lot: Lot) {
        self.named += 1;
        let &Put { now, ref known, .. } = put;
        let (packet, number) = (PacketId(self.named), self.flows.of(known.flow).number);
        let too_big = put.bytes(n, 1) > self.largest(put);
        match if too_big { Some(Cause::TooBig) } else { lot.lost.then_some(Cause::Loss) } {
            Some(cause) => {
                self.counts.dropped[cause as usize] += 1;
                if cause == Cause::Loss && !known.housekeeping {
                    self.exposures.touched(Impairment::Loss);
                }
                self.fates.push(Fate { packet, flow: known.flow, number, at: now, verdict: Verdict::Dropped(cause) });
            }
            // A copy or damage: that is done to a packet by itself.
            None => {
                let packet = Packet::new(packet, put.part(n, 1), known, (number, lot), now);
                self.held += packet.memory as usize;
                self.onto_wire(packet, now, now);
            }
        }
    }
}

//! The packets of a super-segment on a link that keeps them together: each has its lot, drawn as if it had been put by itself, and those
//! that nothing happens to go on as they came, in pieces between those that something happens to.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::Train;

use super::super::exposure::Impairment;
use super::super::fate::{Cause, Fate, Marks, PacketId, Verdict};
use super::super::flow::Known;
use super::super::lots::Lot;
use super::super::packet::Packet;
use super::{Arrival, Pipe};

/// A train that is put.
struct Put<'a> {
    now: Instant,
    frame: &'a Frame,
    train: &'a Train,
    known: Known,
}

/// A train all of which goes on, as it came: what the line has to know of it besides the frame.
#[must_use]
pub(crate) struct Whole {
    packet: PacketId,
    at: Instant,
    count: usize,
    bytes: usize,
}

impl Pipe {
    /// The packets of `frame`, whose train is `train`, are put. If nothing happens to any of them the frame itself is to be [handed
    /// over](Pipe::hand_over), when nobody has to look at it any more.
    pub(super) fn admit_train(&mut self, now: Instant, frame: &Frame, train: &Train) -> Option<Whole> {
        let put = Put { now, frame, train, known: self.acquaintance.of(frame) };
        self.counts.sent += train.count() as u64;
        self.counts.sent_bytes += bytes(train, 0, train.count()) as u64;
        if !put.known.housekeeping {
            self.exposures.sent_many(train.count() as u64);
        }
        let mut next = 0;
        while next < train.count() {
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

    /// The frame of a train all of which goes on.
    pub(crate) fn hand_over(&mut self, whole: Whole, frame: Frame) {
        let Whole { packet, at, count, bytes } = whole;
        let memory = frame.memory();
        self.held += memory;
        self.line.put(Arrival { packet, names: count as u64, at, frame }, count as u32, bytes as u32, memory as u32);
    }

    /// Draws the lots of the packets from `next` on, as long as nothing happens to them, and that of the one to which something does.
    fn uneventful(&mut self, put: &Put<'_>, next: &mut usize) -> Option<Lot> {
        let largest = self.largest(put);
        while *next < put.train.count() {
            let (flow, too_large) = (self.flows.of(put.known.flow), bytes(put.train, *next, 1) > largest);
            let count = if too_large { 1 } else { put.train.count() - *next };
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
        let &Put { now, frame, train, .. } = put;
        let (packet, at) = (PacketId(self.named + 1), now + self.terms.delay);
        let verdict = Verdict::Delivered { arrives: at, queued: Duration::ZERO, marks: Marks::default() };
        self.fates.push_shared(Fate { packet, flow: put.known.flow, number, at: now, verdict }, count as u64);
        self.named += count as u64;
        let whole = Whole { packet, at, count, bytes: bytes(train, first, count) };
        if count == train.count() {
            return Some(whole);
        }
        self.hand_over(whole, train.part(frame, first, count));
        None
    }

    /// Something happens to the `n`-th packet, the last of its flow for which a lot was drawn.
    fn single_out(&mut self, put: &Put<'_>, n: usize, lot: Lot) {
        self.named += 1;
        let &Put { now, frame, train, ref known } = put;
        let (packet, number) = (PacketId(self.named), self.flows.of(known.flow).number);
        let too_big = bytes(train, n, 1) > self.largest(put);
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
                let packet = Packet::new(packet, train.part(frame, n, 1), known, (number, lot), now);
                self.held += packet.memory as usize;
                self.onto_wire(packet, now, now);
            }
        }
    }
}

/// Bytes of `count` packets of a train, headers included; `first` is the first of them.
fn bytes(train: &Train, first: usize, count: usize) -> usize {
    let last = first + count - 1;
    count * train.headers() + train.offset(last) + train.payload(last) - train.offset(first)
}

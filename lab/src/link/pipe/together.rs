//! The packets of a super-segment on a link that keeps them together: each has its lot, drawn as if it had been put by itself, and those
//! that nothing happens to go on as they came, in pieces between those that something happens to.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::Train;

use super::super::exposure::Impairment;
use super::super::fate::{Cause, Fate, Marks, PacketId, Verdict};
use super::super::lots::Lot;
use super::super::packet::Packet;
use super::{Arrival, Pipe};

/// Neighbours that go on together.
struct Run {
    /// The first of them, counted from 0 in the train.
    first: usize,
    count: usize,
    /// The name of the first.
    packet: PacketId,
}

impl Pipe {
    /// The packets of `frame`, whose train is `train`, are put.
    pub(super) fn admit_train(&mut self, now: Instant, frame: &Frame, train: &Train) {
        let known = self.acquaintance.of(frame);
        let largest = self.terms.mtu.map_or(usize::MAX, |mtu| mtu as usize + known.l3);
        let arrives = now + self.terms.delay;
        let mut run = Run { first: 0, count: 0, packet: PacketId(self.named + 1) };
        for n in 0..train.count() {
            self.named += 1;
            let flow = self.flows.of(known.flow);
            flow.number += 1;
            let number = flow.number;
            let lot = self.lots.draw(&self.draws, known.flow, flow);
            let size = train.headers() + train.payload(n);
            self.counts.sent += 1;
            self.counts.sent_bytes += size as u64;
            if !known.housekeeping {
                self.exposures.sent();
            }
            let packet = PacketId(self.named);
            let fate = |verdict| Fate { packet, flow: known.flow, number, at: now, verdict };
            let dropped = if size > largest { Some(Cause::TooBig) } else { lot.lost.then_some(Cause::Loss) };
            if dropped.is_none() && lot == Lot::default() {
                let delivered = Verdict::Delivered { arrives, queued: Duration::ZERO, marks: Marks::default() };
                self.fates.push_back(fate(delivered));
                run.count += 1;
                continue;
            }
            self.go_on(arrives, frame, train, &run);
            run = Run { first: n + 1, count: 0, packet: PacketId(self.named + 1) };
            match dropped {
                Some(cause) => {
                    self.counts.dropped[cause as usize] += 1;
                    if cause == Cause::Loss && !known.housekeeping {
                        self.exposures.touched(Impairment::Loss);
                    }
                    self.fates.push_back(fate(Verdict::Dropped(cause)));
                }
                // A copy or damage: that is done to a packet by itself.
                None => {
                    let packet = Packet::new(packet, train.part(frame, n, 1), &known, (number, lot), now);
                    self.held += packet.memory as usize;
                    self.onto_wire(packet, now, now);
                }
            }
        }
        self.go_on(arrives, frame, train, &run);
    }

    /// A run is on the wire.
    fn go_on(&mut self, arrives: Instant, frame: &Frame, train: &Train, run: &Run) {
        if run.count == 0 {
            return;
        }
        let whole = run.count == train.count();
        let part = if whole { frame.clone() } else { train.part(frame, run.first, run.count) };
        let until = run.first + run.count;
        let payload = train.offset(until - 1) + train.payload(until - 1) - train.offset(run.first);
        let (bytes, memory) = (run.count * train.headers() + payload, part.memory());
        self.held += memory;
        let arrival = Arrival { packet: run.packet, names: run.count as u64, at: arrives, frame: part };
        self.line.put(arrival, run.count as u32, bytes as u32, memory as u32);
    }
}

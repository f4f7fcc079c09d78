//! What goes on at once recorded at once: the packets of a super-segment, or one, of which nothing is to be said and whose fate is known. The same
//! comes of it as if each had been told of by itself and then its fate. Where something happened to one packet of a super-segment, those before it
//! and behind it are super-segments of their own.

use loggia_stack::base::Direction;
use loggia_stack::link::Train;

use super::super::connections::Segment;
use super::super::dissect::Heads;
use super::super::entry::Dir;
use super::Inner;
use crate::capture::{Held, Piece};
use crate::link::{Fates, Marks, Shared, Verdict};
use crate::metrics::Crossing;
use crate::observe::Seen;
use crate::world::End;

impl Inner {
    /// Records the packets of `train`, or the one that `seen` is; false, and nothing is done, if they have to be told of one by one.
    pub(super) fn together(&mut self, seen: &Seen<'_>, train: Option<&Train>, heads: &Heads, fates: &Fates) -> bool {
        let Some(segment) = whole(seen, train, heads) else { return false };
        let (leaves, count) = (seen.direction == Direction::Out, u64::from(segment.segments));
        let crossing = if leaves { self.crossing(seen, count, fates) } else { None };
        let plain = self.passing[seen.host.0].is_none()
            && self.marks.is_empty()
            && self.damaged.is_empty()
            && self.pending.is_empty()
            && (crossing.is_some() || !leaves && fates.is_empty() && !self.is_overheard(seen));
        if !plain || self.wants_entries() || (train.is_some() && !self.captures.takes_trains(seen.host.0)) {
            return false;
        }
        let Some(connection) = self.connections.goes_on(&segment) else { return false };
        self.now = seen.at;
        if leaves {
            let first = self.trail.fresh_many(count);
            self.trail.name_many((seen.pipe, seen.packet), first, count, seen.at);
        }
        self.learn_address(seen, heads, false);
        let (t, host) = (seen.at.nanos(), &self.hosts[seen.host.0].name);
        let part = self.connections.segment_of(connection, host, &segment);
        if !self.measured {
            self.collector.segment(t, &segment, &part, &self.connections);
        }
        if self.captures.is_on(seen.host.0) {
            let &Seen { at, port, direction, .. } = seen;
            let seq = Some(segment.seq).filter(|_| leaves && self.hosts[seen.host.0].discards);
            let held = Held { at, port, direction, seq, comments: Vec::new(), open: false };
            match train {
                Some(train) => self.captures.push_train(seen.host.0, held, seen.frame, train),
                // Where it is held nobody has to know: nothing more is said of it.
                None => drop(self.captures.push(seen.host.0, held, &Piece::Frame(seen.frame), heads.headers as usize)),
            }
        }
        if let Some(crossing) = crossing.filter(|_| !self.measured) {
            let name = &self.hosts[seen.host.0].name;
            self.collector.crossed(&crossing, count, &self.links[seen.pipe.wire].name, name);
        }
        true
    }

    /// Records the neighbours in a train that fared alike as trains of their own; false, and nothing is done, if there are no such.
    pub(super) fn in_parts(&mut self, seen: &Seen<'_>, train: &Train, fates: &Fates) -> bool {
        if fates.shared().is_some() || self.wants_entries() || !is_each_told_once(seen, fates) {
            return false;
        }
        for run in fates.runs() {
            let packet = run.first.packet;
            let part = train.part(seen.frame, (packet.0 - seen.packet.0) as usize, run.count as usize);
            let train = Train::of(&part);
            self.train(&Seen { packet, names: run.count, frame: &part, train: train.as_ref(), ..*seen }, &Fates::from(*run));
        }
        true
    }

    /// How all packets cross the link to another host; none if not all do so, and alike.
    fn crossing(&self, seen: &Seen<'_>, count: u64, fates: &Fates) -> Option<Crossing> {
        let &Seen { pipe, packet, at, .. } = seen;
        let shared = fates.shared().filter(|shared| shared.count == count)?;
        let Verdict::Delivered { arrives, queued, marks } = shared.first.verdict else { return None };
        let as_put = shared.first.packet == packet && shared.first.at == at && marks == Marks::default();
        let to_host = matches!(self.links[pipe.wire].ends[1 - pipe.end], End::Host { .. });
        (as_put && to_host).then_some(Crossing { pipe, put: Some(at), arrives, queued })
    }
}

/// True if fates are those of the packets that are seen, of each one.
fn is_each_told_once(seen: &Seen<'_>, fates: &Fates) -> bool {
    let follow = |next: u64, run: &Shared| (run.first.packet.0 == next).then_some(next + run.count);
    fates.runs().try_fold(seen.packet.0, follow) == Some(seen.packet.0 + seen.names)
}

/// The segments of a train taken as one, or the only one; none if there is no such.
fn whole(seen: &Seen<'_>, train: Option<&Train>, heads: &Heads) -> Option<Segment> {
    let tcp = heads.tcp.as_ref()?;
    let (segments, len) = match train {
        Some(train) => (train.count(), (train.offset(train.count() - 1) + train.payload(train.count() - 1)) as u32),
        None if seen.frame.segment_size == 0 => (1, heads.len),
        None => return None,
    };
    Some(Segment {
        dir: Dir::from(seen.direction),
        src: heads.src,
        dst: heads.dst,
        flags: tcp.flags,
        seq: tcp.seq,
        ack: tcp.ack,
        window: u32::from(tcp.window),
        wscale: tcp.wscale,
        len,
        segments: segments as u32,
        damaged: false,
        forwarded: false,
    })
}

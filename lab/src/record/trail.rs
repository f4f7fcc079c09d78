//! A packet's number in the run: one name for it on all links it crosses.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use loggia_stack::base::Instant;

use crate::capture::Place;
use crate::link::PacketId;
use crate::observe::PipeId;

use super::dissect::Heads;

/// Most packets under way that are remembered, those that were put together counted as one; the oldest are forgotten first.
const UNDER_WAY: usize = 1 << 18;
/// Most packets that are held in one row, settled ones between them included.
const LONGEST: usize = 1 << 16;
/// Most packets of a forwarding host that are remembered.
const PASSING: usize = 4096;

/// A name of a packet on a link.
type Named = (PipeId, PacketId);

/// Numbers for packets.
#[derive(Debug, Default)]
pub(super) struct Trail {
    last: u64,
    /// By link, and by end: links give names one after the other.
    pipes: Vec<[Row; 2]>,
    /// To which direction of which link the runs belong, in the order in which they began.
    order: VecDeque<(u32, u8)>,
}

/// Packets that were put onto a link at one moment, whose names and numbers follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    name: u64,
    number: u64,
    count: u64,
    at: Instant,
}

/// Those of one direction of a link, in order.
#[derive(Debug, Default)]
struct Row {
    runs: VecDeque<Run>,
    /// How many were forgotten.
    forgotten: usize,
    /// Where the last one was found that was asked for, counted from the first that ever was: packets arrive in order.
    found: Cell<usize>,
}

impl Row {
    /// The run that a packet is in.
    fn find(&self, packet: PacketId) -> Option<&Run> {
        let has = |at: &usize| self.runs.get(*at).is_some_and(|run| run.has(packet));
        let found = self.found.get().wrapping_sub(self.forgotten);
        let near = [self.runs.len().wrapping_sub(1), found, found.wrapping_add(1)].into_iter().find(has);
        let at = near.unwrap_or_else(|| self.runs.partition_point(|run| run.ends() <= packet.0));
        self.found.set(self.forgotten + at);
        self.runs.get(at).filter(|run| run.has(packet))
    }
}

impl Run {
    fn ends(&self) -> u64 {
        self.name + self.count
    }

    fn has(&self, packet: PacketId) -> bool {
        (self.name..self.ends()).contains(&packet.0)
    }

    /// True if `next` goes on where this one ends.
    fn goes_on(&self, next: &Self) -> bool {
        (self.ends(), self.number + self.count, self.at) == (next.name, next.number, next.at)
    }
}

impl Trail {
    /// A packet nobody has seen.
    pub(super) fn fresh(&mut self) -> u64 {
        self.fresh_many(1)
    }

    /// So many packets nobody has seen; says the number of the first.
    pub(super) fn fresh_many(&mut self, count: u64) -> u64 {
        self.last += count;
        self.last - count + 1
    }

    /// The packet goes by this name on this link, onto which it is put now.
    pub(super) fn name(&mut self, named: Named, number: u64, at: Instant) {
        self.name_many(named, number, 1, at);
    }

    /// As [`Trail::name`], of packets whose names and numbers follow each other. A link gives no name twice: those that are not behind all it
    /// gave before are left out.
    pub(super) fn name_many(&mut self, (pipe, first): Named, number: u64, count: u64, at: Instant) {
        if self.pipes.len() <= pipe.wire {
            self.pipes.resize_with(pipe.wire + 1, Default::default);
        }
        let (runs, run) = (&mut self.pipes[pipe.wire][pipe.end].runs, Run { name: first.0, number, count, at });
        match runs.back_mut() {
            Some(last) if last.ends() > run.name => return,
            Some(last) if last.goes_on(&run) => last.count += count,
            _ => {
                runs.push_back(run);
                self.order.push_back((pipe.wire as u32, pipe.end as u8));
            }
        }
        if self.order.len() > UNDER_WAY
            && let Some((wire, end)) = self.order.pop_front()
        {
            let Row { runs, forgotten, .. } = &mut self.pipes[wire as usize][usize::from(end)];
            runs.pop_front();
            *forgotten += 1;
        }
    }

    /// Which packet goes by this name; 0 if it is forgotten.
    pub(super) fn number(&self, name: Named) -> u64 {
        self.put(name).map_or(0, |(number, _)| number)
    }

    /// Which packet goes by this name, and when it was put onto the link.
    pub(super) fn put(&self, (pipe, packet): Named) -> Option<(u64, Instant)> {
        let run = self.pipes.get(pipe.wire)?[pipe.end].find(packet)?;
        let number = run.number + packet.0 - run.name;
        (number != 0).then_some((number, run.at))
    }
}

/// Where packets are held whose fate is not known, by number.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// By number; none where a packet was settled while one before it was not.
    row: VecDeque<(u64, Option<(usize, Place)>)>,
    /// Those that others have overtaken: routers send on what they got long before.
    late: HashMap<u64, (usize, Place)>,
    /// How many there are.
    held: usize,
}

impl Pending {
    /// A packet is held by the capture of a host.
    pub(super) fn insert(&mut self, number: u64, host: usize, place: Place) {
        self.held += usize::from(self.get(number).is_none());
        let held = (host, place);
        match self.row.back() {
            Some((last, _)) if *last >= number => match self.find(number) {
                Some(at) => self.row[at].1 = Some(held),
                None => {
                    self.late.insert(number, held);
                }
            },
            _ => self.row.push_back((number, Some(held))),
        }
        if self.row.len() > LONGEST
            && let Some((number, Some(held))) = self.row.pop_front()
        {
            self.late.insert(number, held);
        }
    }

    /// Where in the row a number stands.
    fn find(&self, number: u64) -> Option<usize> {
        self.row.binary_search_by_key(&number, |(number, _)| *number).ok()
    }

    /// True if none is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Where a packet is held.
    pub(super) fn get(&self, number: u64) -> Option<(usize, Place)> {
        match self.find(number) {
            Some(at) => self.row[at].1,
            None => self.late.get(&number).copied(),
        }
    }

    /// Where a packet was held of which everything is known now.
    pub(super) fn remove(&mut self, number: u64) -> Option<(usize, Place)> {
        if self.held == 0 {
            return None;
        }
        let found = match self.find(number) {
            Some(at) => self.row[at].1.take(),
            None => self.late.remove(&number),
        };
        while self.row.pop_front_if(|(_, held)| held.is_none()).is_some() {}
        self.held -= usize::from(found.is_some());
        found
    }
}

/// What arrived at a host and may be forwarded.
#[derive(Debug, Default)]
pub(super) struct Passing {
    packets: VecDeque<(Heads, u64)>,
}

impl Passing {
    /// A packet arrived.
    pub(super) fn arrived(&mut self, heads: &Heads, number: u64) {
        if self.packets.len() == PASSING {
            self.packets.pop_front();
        }
        self.packets.push_back((heads.clone(), number));
    }

    /// A packet leaves: the number of the one that arrived and says the same, if there is one.
    pub(super) fn leaves(&mut self, heads: &Heads) -> Option<u64> {
        let at = self.packets.iter().rposition(|(arrived, _)| arrived == heads)?;
        self.packets.remove(at).map(|(_, number)| number)
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Entropy;

    use super::*;

    fn name(end: usize, packet: u64) -> Named {
        (PipeId { wire: 3, end }, PacketId(packet))
    }

    #[test]
    fn the_oldest_names_are_forgotten_whatever_link_they_are_of() {
        let (mut trail, at) = (Trail::default(), Instant::from_nanos);
        trail.name(name(0, 1), 100, at(0));
        (1..=UNDER_WAY as u64).for_each(|packet| trail.name(name(1, packet), packet, at(packet)));
        assert_eq!((trail.number(name(0, 1)), trail.put(name(1, 1))), (0, Some((1, at(1)))));
        // All that are put together are one.
        trail.name_many(name(0, 2), 101, 500, at(9));
        trail.name(name(0, 502), 601, at(9));
        assert_eq!((trail.number(name(1, 1)), trail.number(name(1, 2)), trail.number(name(0, 502))), (0, 2, 601));
        assert_eq!((trail.number(name(0, 503)), trail.number((PipeId { wire: 9, end: 0 }, PacketId(1)))), (0, 0));
    }

    /// Against a map, over two links whose names come in runs, by turns and with gaps.
    #[test]
    fn packets_of_runs_are_known_by_their_own_numbers() {
        let mut random = Entropy::new(5.into());
        let mut below = |bound| u64::from(random.below(bound));
        let (mut trail, mut known, mut next) = (Trail::default(), HashMap::new(), [1u64, 1]);
        for moment in 0..2_000 {
            let (end, count, gap) = (below(2) as usize, 1 + below(400), below(3));
            let (first, at) = (next[end] + gap, Instant::from_nanos(moment / 3));
            let number = trail.fresh_many(count);
            if below(2) == 0 {
                trail.name_many(name(end, first), number, count, at);
            } else {
                (0..count).for_each(|n| trail.name(name(end, first + n), number + n, at));
            }
            known.extend((0..count).map(|n| ((end, first + n), (number + n, at))));
            next[end] = first + count;
            for _ in 0..20 {
                let end = below(2) as usize;
                let packet = (next[end] + 5).saturating_sub(below(2_000));
                assert_eq!(trail.put(name(end, packet)), known.get(&(end, packet)).copied(), "{packet} at {end}");
            }
        }
    }

    #[test]
    fn a_packet_may_be_held_again_after_it_was_settled() {
        let mut pending = Pending::default();
        let place = Place::default();
        for number in 1..100 {
            pending.insert(number, 1, place);
            assert_eq!(pending.remove(number), Some((1, place)));
        }
        assert!(pending.is_empty());
        assert!(pending.row.is_empty());
        pending.insert(5, 2, place);
        pending.insert(5, 2, place);
        assert_eq!((pending.get(5), pending.get(6)), (Some((2, place)), None));
        assert_eq!((pending.remove(5), pending.remove(5)), (Some((2, place)), None));
        assert!(pending.is_empty());
    }

    /// Against a map: settled in any order, sent on late, and never more than a bounded number in the row.
    #[test]
    fn held_packets_are_found_whatever_order_they_come_in() {
        let mut random = Entropy::new(6.into());
        let mut below = |bound| u64::from(random.below(bound));
        let (mut pending, mut known, mut last) = (Pending::default(), HashMap::new(), 0u64);
        for round in 0..200_000usize {
            match below(5) {
                0..=1 => {
                    last += 1 + below(40);
                    pending.insert(last, round, Place::default());
                    known.insert(last, (round, Place::default()));
                }
                2 => {
                    let late = last.saturating_sub(below(300));
                    pending.insert(late, round, Place::default());
                    known.insert(late, (round, Place::default()));
                }
                _ => {
                    let number = last.saturating_sub(below(500));
                    assert_eq!(pending.get(number), known.get(&number).copied());
                    assert_eq!(pending.remove(number), known.remove(&number));
                }
            }
            assert_eq!(pending.is_empty(), known.is_empty());
        }
        assert!(pending.row.len() <= LONGEST);
    }
}

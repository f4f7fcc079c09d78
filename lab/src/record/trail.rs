//! A packet's number in the run: one name for it on all links it crosses.

use std::collections::{HashMap, VecDeque};

use loggia_stack::base::Instant;

use crate::capture::Place;
use crate::link::PacketId;
use crate::observe::PipeId;

use super::dissect::Heads;
use super::numbered::Numbered;

/// Most packets under way that are remembered; the oldest are forgotten first.
const UNDER_WAY: usize = 1 << 18;
/// Most packets of a forwarding host that are remembered.
const PASSING: usize = 4096;

/// A name of a packet on a link.
type Named = (PipeId, PacketId);

/// Numbers for packets.
#[derive(Debug, Default)]
pub(super) struct Trail {
    last: u64,
    /// By link, and by end: links give names one after the other.
    pipes: Vec<[Numbered<Put>; 2]>,
    /// To which direction of which link the names belong that were given, in that order.
    order: VecDeque<(u32, u8)>,
}

/// A packet that was put onto a link.
#[derive(Clone, Copy, Debug, Default)]
struct Put {
    number: u64,
    at: Instant,
}

impl Trail {
    /// A packet nobody has seen.
    pub(super) fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// So many packets nobody has seen; says the number of the first.
    pub(super) fn fresh_many(&mut self, count: u64) -> u64 {
        self.last += count;
        self.last - count + 1
    }

    /// As [`Trail::name`], of packets whose names and numbers follow each other.
    pub(super) fn name_many(&mut self, (pipe, first): Named, number: u64, count: u64, at: Instant) {
        (0..count).for_each(|n| self.name((pipe, PacketId(first.0 + n)), number + n, at));
    }

    /// The packet goes by this name on this link, onto which it is put now.
    pub(super) fn name(&mut self, (pipe, packet): Named, number: u64, at: Instant) {
        if self.pipes.len() <= pipe.wire {
            self.pipes.resize_with(pipe.wire + 1, Default::default);
        }
        let row = &mut self.pipes[pipe.wire][pipe.end];
        let before = row.len();
        // One that is older than all that are remembered is forgotten already.
        let _ = row.set(packet.0, Put { number, at });
        self.order.extend((before..row.len()).map(|_| (pipe.wire as u32, pipe.end as u8)));
        while self.order.len() > UNDER_WAY
            && let Some((wire, end)) = self.order.pop_front()
        {
            self.pipes[wire as usize][usize::from(end)].pop();
        }
    }

    /// Which packet goes by this name; 0 if it is forgotten.
    pub(super) fn number(&self, name: Named) -> u64 {
        self.put(name).map_or(0, |(number, _)| number)
    }

    /// Which packet goes by this name, and when it was put onto the link.
    pub(super) fn put(&self, (pipe, packet): Named) -> Option<(u64, Instant)> {
        let put = self.pipes.get(pipe.wire)?[pipe.end].get(packet.0)?;
        (put.number != 0).then_some((put.number, put.at))
    }
}

/// Where packets are held whose fate is not known, by number.
#[derive(Debug, Default)]
pub(super) struct Pending {
    row: Numbered<Option<(usize, Place)>>,
    /// Those that others have overtaken by far: routers send on what they got long before.
    late: HashMap<u64, (usize, Place)>,
    /// How many there are.
    held: usize,
}

impl Pending {
    /// A packet is held by the capture of a host.
    pub(super) fn insert(&mut self, number: u64, host: usize, place: Place) {
        self.held += usize::from(self.get(number).is_none());
        if self.row.set(number, Some((host, place))).is_err() {
            self.late.insert(number, (host, place));
        }
        while self.row.oldest().is_some_and(|oldest| oldest.is_none() || self.row.len() > UNDER_WAY)
            && let Some((number, oldest)) = self.row.pop()
        {
            self.late.extend(oldest.map(|held| (number, held)));
        }
    }

    /// True if none is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Where a packet is held.
    pub(super) fn get(&self, number: u64) -> Option<(usize, Place)> {
        match self.row.get(number) {
            Some(held) => *held,
            None => self.late.get(&number).copied(),
        }
    }

    /// Where a packet was held of which everything is known now.
    pub(super) fn remove(&mut self, number: u64) -> Option<(usize, Place)> {
        let found = match self.row.get_mut(number) {
            Some(held) => held.take(),
            // Most have been settled; not even a number is hashed for them.
            None if self.late.is_empty() => None,
            None => self.late.remove(&number),
        };
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
    use super::*;

    fn name(end: usize, packet: u64) -> Named {
        (PipeId { wire: 3, end }, PacketId(packet))
    }

    #[test]
    fn the_oldest_names_are_forgotten_whatever_link_they_are_of() {
        let mut trail = Trail::default();
        trail.name(name(0, 1), 100, Instant::from_secs(1));
        (1..=UNDER_WAY as u64).for_each(|packet| trail.name(name(1, packet), packet, Instant::from_secs(2)));
        assert_eq!((trail.number(name(0, 1)), trail.put(name(1, 1))), (0, Some((1, Instant::from_secs(2)))));
        trail.name(name(0, 2), 101, Instant::from_secs(3));
        assert_eq!((trail.number(name(1, 1)), trail.number(name(1, 2)), trail.number(name(0, 2))), (0, 2, 101));
        assert_eq!((trail.number(name(0, 9)), trail.number((PipeId { wire: 9, end: 0 }, PacketId(1)))), (0, 0));
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
        pending.insert(5, 2, place);
        pending.insert(5, 2, place);
        assert_eq!((pending.get(5), pending.get(6)), (Some((2, place)), None));
        assert_eq!((pending.remove(5), pending.remove(5)), (Some((2, place)), None));
        assert!(pending.is_empty());
    }
}

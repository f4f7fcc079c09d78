//! Fates in the order in which they were decided.

use std::collections::VecDeque;

use super::fate::{Fate, PacketId};

/// Fates in the order in which they were decided. Those of packets that follow each other and fared alike are kept as one.
#[derive(Clone, Debug, Default)]
pub struct Fates(VecDeque<Shared>);

/// The fate of packets whose names and numbers follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// That of the first.
    pub first: Fate,
    /// How many packets share it, at least one.
    pub count: u64,
}

impl Shared {
    /// That of the `n`-th packet, counted from 0.
    fn of(&self, n: u64) -> Fate {
        let Fate { packet, number, .. } = self.first;
        let number = if number == 0 { 0 } else { number + n };
        Fate { packet: PacketId(packet.0 + n), number, ..self.first }
    }
}

impl From<Shared> for Fates {
    fn from(shared: Shared) -> Self {
        Self([shared].into())
    }
}

impl Fates {
    /// None.
    pub const NONE: Self = Self(VecDeque::new());

    /// A packet's.
    pub fn push(&mut self, fate: Fate) {
        self.push_shared(fate, 1);
    }

    /// That of `count` packets, of which `first` is the first's.
    pub fn push_shared(&mut self, first: Fate, count: u64) {
        if count > 0 {
            self.0.push_back(Shared { first, count });
        }
    }

    /// The oldest, which is forgotten.
    pub fn pop(&mut self) -> Option<Fate> {
        let front = self.0.front_mut()?;
        let fate = front.first;
        *front = Shared { first: front.of(1), count: front.count - 1 };
        if front.count == 0 {
            self.0.pop_front();
        }
        Some(fate)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Packet by packet.
    pub fn iter(&self) -> impl Iterator<Item = Fate> {
        self.0.iter().flat_map(|shared| (0..shared.count).map(|n| shared.of(n)))
    }

    /// Those that neighbours share, one after the other.
    pub fn runs(&self) -> impl Iterator<Item = &Shared> {
        self.0.iter()
    }

    /// The fate that all of them share; none if there is no fate, or more than one.
    pub fn shared(&self) -> Option<&Shared> {
        self.0.front().filter(|_| self.0.len() == 1)
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Instant;

    use super::super::fate::{Cause, Verdict};
    use super::*;

    fn fate(packet: u64, number: u64) -> Fate {
        Fate { packet: PacketId(packet), flow: 7, number, at: Instant::EPOCH, verdict: Verdict::Dropped(Cause::Down) }
    }

    #[test]
    fn what_is_shared_is_told_packet_by_packet() {
        let mut fates = Fates::default();
        fates.push_shared(fate(5, 1), 3);
        assert_eq!(fates.shared().map(|shared| shared.count), Some(3));
        fates.push_shared(fate(8, 4), 0);
        fates.push(fate(8, 4));
        // On a link that does not look at single packets.
        fates.push_shared(fate(9, 0), 2);
        let expected = [(5, 1), (6, 2), (7, 3), (8, 4), (9, 0), (10, 0)].map(|(packet, number)| fate(packet, number));
        assert!(fates.iter().eq(expected) && fates.shared().is_none());
        assert!(fates.runs().flat_map(|run| Fates::from(*run).iter().collect::<Vec<_>>()).eq(expected));
        assert!(std::iter::from_fn(|| fates.pop()).eq(expected) && fates.is_empty());
    }
}

//! Where the pieces of a datagram go: only the first says it. Those that come before it wait.

use std::collections::{HashMap, VecDeque};

use crate::device::Packet;

use super::steer::Identity;

/// Most datagrams that are remembered; then the oldest is forgotten, and what waits of it is lost.
const DATAGRAMS: usize = 1024;
/// Most pieces of one datagram that wait for the first: 64 KiB in the smallest pieces that links must carry.
const PIECES: usize = 128;

/// What is known of a datagram.
#[derive(Debug)]
enum Known {
    /// It goes there.
    There(u16),
    /// These wait for the first piece.
    Nothing(Vec<Packet>),
}

/// The datagrams of which pieces came of late.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// The standard library's hasher has keys of its own: peers choose identities.
    datagrams: HashMap<Identity, Known>,
    order: VecDeque<Identity>,
}

impl Fragments {
    /// A piece has come; `shard` is where it goes, if it says that. Gives what can go on now, and where.
    pub(super) fn piece(&mut self, identity: Identity, shard: Option<u16>, packet: Packet) -> Option<(u16, Vec<Packet>)> {
        if !self.datagrams.contains_key(&identity) {
            self.make_room();
            self.order.push_back(identity);
        }
        let known = self.datagrams.entry(identity).or_insert_with(|| Known::Nothing(Vec::new()));
        match (shard, &mut *known) {
            // An identification may be used again: the latest first piece counts.
            (Some(shard), _) => {
                let before = std::mem::replace(known, Known::There(shard));
                let mut packets = match before {
                    Known::Nothing(waiting) => waiting,
                    Known::There(_) => Vec::new(),
                };
                packets.push(packet);
                Some((shard, packets))
            }
            (None, Known::There(shard)) => Some((*shard, vec![packet])),
            (None, Known::Nothing(waiting)) => {
                if waiting.len() < PIECES {
                    waiting.push(packet);
                }
                None
            }
        }
    }

    fn make_room(&mut self) {
        while self.order.len() >= DATAGRAMS {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.datagrams.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Frame;
    use loggia_stack::transport::shard::Shards;

    use super::super::steer::{Target, target};
    use super::*;

    fn identity(ident: u16) -> Identity {
        let [high, low] = ident.to_be_bytes();
        let packet = [0x45, 0, 0, 0, high, low, 0, 9, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        match target(&Shards::new(1.into(), 4, (1, 2)), &Frame::from(&packet[..]), false) {
            Target::Piece(identity, None) => identity,
            other => panic!("{other:?}"),
        }
    }

    fn packet(n: usize) -> Packet {
        vec![0; n].into()
    }

    fn lens(gone: Option<(u16, Vec<Packet>)>) -> Option<(u16, Vec<usize>)> {
        gone.map(|(shard, packets)| (shard, packets.iter().map(Packet::len).collect()))
    }

    #[test]
    fn what_comes_before_the_first_piece_waits_for_it_in_order() {
        let mut fragments = Fragments::default();
        assert_eq!(lens(fragments.piece(identity(1), None, packet(1))), None);
        assert_eq!(lens(fragments.piece(identity(1), None, packet(2))), None);
        assert_eq!(lens(fragments.piece(identity(2), Some(0), packet(9))), Some((0, vec![9])), "another datagram");
        assert_eq!(lens(fragments.piece(identity(1), Some(3), packet(3))), Some((3, vec![1, 2, 3])));
        assert_eq!(lens(fragments.piece(identity(1), None, packet(4))), Some((3, vec![4])));
        assert_eq!(lens(fragments.piece(identity(1), Some(1), packet(5))), Some((1, vec![5])), "the number once more");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut fragments = Fragments::default();
        for _ in 0..1000 {
            fragments.piece(identity(7), None, packet(1));
        }
        assert_eq!(lens(fragments.piece(identity(7), Some(0), packet(1))).map(|(_, lens)| lens.len()), Some(PIECES + 1));
        for n in 0..5000 {
            fragments.piece(identity(n), None, packet(1));
        }
        assert_eq!((fragments.datagrams.len(), fragments.order.len()), (DATAGRAMS, DATAGRAMS));
    }
}

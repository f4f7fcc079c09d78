//! Where a packet goes.

use loggia_stack::base::{Addr, Frame};
use loggia_stack::transport::shard::Shards;

use crate::device::flow::{self, ARP, Fragment, Heads, TCP, UDP};

const ICMP: u8 = 1;
const IGMP: u8 = 2;
const ICMPV6: u8 = 58;

/// The shard that answers questions which any could answer.
const SPEAKER: u16 = 0;

/// Where a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// To one shard.
    One(u16),
    /// To each.
    All,
    /// Where the datagram goes that it is a piece of: known if it is the first piece.
    Piece(Identity, Option<u16>),
}

/// What the pieces of one datagram have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Identity {
    src: Addr,
    dst: Addr,
    ident: u32,
}

/// Where a packet that came goes, by its own words: nothing is checked here.
pub(super) fn target(shards: &Shards, frame: &Frame, ethernet: bool) -> Target {
    let Some((ethertype, at)) = flow::network(frame, ethernet) else { return Target::One(SPEAKER) };
    if ethertype == ARP {
        return arp(frame, at);
    }
    let Some(heads) = flow::ip(frame, at) else { return Target::One(SPEAKER) };
    match heads.fragment {
        None => whole(shards, frame, &heads),
        Some(Fragment { ident, first }) => {
            let identity = Identity { src: heads.src, dst: heads.dst, ident };
            Target::Piece(identity, first.then(|| transport(shards, frame, &heads)))
        }
    }
}

fn whole(shards: &Shards, frame: &Frame, heads: &Heads) -> Target {
    match heads.protocol {
        ICMP => icmp(shards, frame, heads),
        ICMPV6 => icmpv6(shards, frame, heads),
        IGMP => Target::All,
        _ => Target::One(transport(shards, frame, heads)),
    }
}

/// By the ends of the flow: we are its destination.
fn transport(shards: &Shards, frame: &Frame, heads: &Heads) -> u16 {
    match (heads.protocol, flow::ports(frame, heads.at)) {
        (TCP, Some((from, to))) => shards.tcp(to, heads.src, from),
        (UDP, Some((from, to))) => shards.udp(to, heads.src, from),
        _ => shards.other(heads.protocol, heads.src, 0),
    }
}

/// One answers who asks; what tells of somebody is for all.
fn arp(frame: &Frame, at: usize) -> Target {
    let Some(packet) = frame.read::<28>(at) else { return Target::One(SPEAKER) };
    let (asks, sender, target) = (packet[7] == 1, &packet[14..18], &packet[24..28]);
    if asks && sender != target { Target::One(SPEAKER) } else { Target::All }
}

fn icmp(shards: &Shards, frame: &Frame, heads: &Heads) -> Target {
    match frame.read::<6>(heads.at) {
        Some([3 | 4 | 11 | 12, ..]) => about(shards, frame, heads.at + 8),
        // Answers to an echo, and redirects.
        Some([0 | 5, ..]) => Target::All,
        Some([8, _, _, _, a, b]) => Target::One(shards.other(ICMP, heads.src, u16::from_be_bytes([a, b]))),
        _ => Target::One(SPEAKER),
    }
}

fn icmpv6(shards: &Shards, frame: &Frame, heads: &Heads) -> Target {
    match frame.read::<6>(heads.at) {
        Some([1..=4, ..]) => about(shards, frame, heads.at + 8),
        Some([128, _, _, _, a, b]) => Target::One(shards.other(ICMPV6, heads.src, u16::from_be_bytes([a, b]))),
        // Router solicitations and reports of groups; solicitations, but for those who probe for an address that may be ours.
        Some([131 | 132 | 133 | 143, ..]) => Target::One(SPEAKER),
        Some([135, ..]) if !heads.src.is_unspecified() => Target::One(SPEAKER),
        _ => Target::All,
    }
}

/// By the ends of the flow that an error is about: we are the source of the packet it quotes.
fn about(shards: &Shards, frame: &Frame, at: usize) -> Target {
    let Some(quoted) = flow::ip(frame, at) else { return Target::One(SPEAKER) };
    if quoted.fragment.is_some_and(|piece| !piece.first) {
        // It does not say whose it was.
        return Target::All;
    }
    match (quoted.protocol, flow::ports(frame, quoted.at)) {
        (TCP, Some((from, to))) => Target::One(shards.tcp(from, quoted.dst, to)),
        (UDP, Some((from, to))) => Target::One(shards.udp(from, quoted.dst, to)),
        // An echo of any shard.
        _ => Target::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards() -> Shards {
        Shards::new(7.into(), 16, (32_768, 60_999))
    }

    fn v4(protocol: u8, src: [u8; 4], dst: [u8; 4], rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
        packet.extend([src, dst].concat());
        packet.extend_from_slice(rest);
        packet
    }

    fn ports(from: u16, to: u16) -> Vec<u8> {
        [from.to_be_bytes(), to.to_be_bytes(), [0; 2], [0; 2]].concat()
    }

    fn at(packet: &[u8]) -> Target {
        target(&shards(), &Frame::from(packet), false)
    }

    const US: [u8; 4] = [10, 0, 0, 1];
    const PEER: [u8; 4] = [10, 0, 0, 2];

    #[test]
    fn an_icmp_error_goes_where_the_answers_of_its_flow_go() {
        for protocol in [TCP, UDP] {
            for port in [53, 40_000] {
                let answer = at(&v4(protocol, PEER, US, &ports(80, port)));
                let sent = v4(protocol, US, PEER, &ports(port, 80));
                let error = v4(ICMP, [10, 0, 0, 99], US, &[&[3, 1, 0, 0, 0, 0, 0, 0][..], &sent].concat());
                assert_eq!(at(&error), answer);
                assert!(matches!(answer, Target::One(_)));
            }
        }
    }

    #[test]
    fn one_answers_questions_and_all_hear_answers() {
        let arp = |op: u8, sender: [u8; 4], asked: [u8; 4]| {
            let mut packet = vec![0; 12];
            packet.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, op]);
            packet.extend([&[2; 6][..], &sender, &[0; 6], &asked].concat());
            target(&shards(), &Frame::from(&packet[..]), true)
        };
        assert_eq!(arp(1, PEER, US), Target::One(0));
        assert_eq!(arp(2, PEER, US), Target::All);
        assert_eq!(arp(1, PEER, PEER), Target::All, "an announcement");
        let icmp = |kind: u8| at(&v4(ICMP, PEER, US, &[kind, 0, 0, 0, 1, 2, 0, 0]));
        assert!(matches!(icmp(8), Target::One(_)));
        assert_eq!((icmp(0), icmp(5), icmp(13)), (Target::All, Target::All, Target::One(0)));
        let icmpv6 = |kind: u8, last: u8| {
            let mut packet = vec![0; 40];
            (packet[0], packet[6], packet[23]) = (0x60, ICMPV6, last);
            packet.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
            at(&packet)
        };
        assert_eq!((icmpv6(135, 1), icmpv6(135, 0)), (Target::One(0), Target::All));
        assert_eq!((icmpv6(136, 1), icmpv6(134, 1), icmpv6(130, 1)), (Target::All, Target::All, Target::All));
    }

    #[test]
    fn the_first_piece_says_where_the_others_go() {
        let mut first = v4(UDP, PEER, US, &ports(80, 53));
        let Target::One(there) = at(&first) else { panic!("one piece") };
        first[6] = 0x20;
        let Target::Piece(identity, Some(shard)) = at(&first) else { panic!("a first piece") };
        assert_eq!(shard, there);
        let mut later = first.clone();
        (later[6], later[7]) = (0, 100);
        assert_eq!(at(&later), Target::Piece(identity, None));
    }

    #[test]
    fn any_bytes_go_somewhere() {
        for len in 0..80 {
            for fill in [0x00, 0x08, 0x45, 0x60, 0x3a, 0xff] {
                for ethernet in [false, true] {
                    let target = target(&shards(), &Frame::from(&vec![fill; len][..]), ethernet);
                    assert!(!matches!(target, Target::One(16..)));
                }
            }
        }
    }
}

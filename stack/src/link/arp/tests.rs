//! Stories of ARP.

use alloc::vec::Vec;

use super::super::tests::{Host, OTHER, OWN, PEER, ethernet, packet, v4};
use super::super::{Hop, Mac, NeighbourState, Up};
use super::packet::{ArpPacket, Operation};
use crate::base::{Addr, Discard, Duration, Errno, LinkId, Version};

fn request(sender_mac: Mac, sender: Addr, target: Addr) -> ArpPacket {
    ArpPacket { operation: Operation::Request, sender_mac, sender, target_mac: Mac::ZERO, target }
}

fn reply(sender_mac: Mac, sender: Addr, target: Addr) -> ArpPacket {
    ArpPacket { operation: Operation::Reply, sender_mac, sender, target_mac: OWN, target }
}

fn conflicts(up: &[Up]) -> Vec<(Addr, Mac)> {
    let conflict = |up: &Up| if let Up::Conflict { addr, mac, .. } = up { Some((*addr, *mac)) } else { None };
    up.iter().filter_map(conflict).collect()
}

fn unreachable(up: &[Up]) -> usize {
    up.iter().filter(|up| matches!(up, Up::Unreachable { network: 0, .. })).count()
}

/// RFC 826: ask all, wait, learn, send what waited in order.
#[test]
fn a_packet_waits_until_its_neighbour_answers() {
    let mut host = Host::settled();
    assert_eq!([host.send(v4(2)), host.send(v4(2))], [Ok(()), Ok(())]);
    assert_eq!(host.arps(), [(Mac::BROADCAST, request(OWN, v4(1), v4(2)))], "one question for both");
    host.hear_arp(OWN, reply(PEER, v4(2), v4(1)));
    assert_eq!(host.sent_to(), [PEER, PEER]);
    assert_eq!(host.neighbour(v4(2)).unwrap().state, NeighbourState::Reachable);
    host.send(v4(2)).unwrap();
    assert_eq!(host.sent_to(), [PEER]);
    assert_eq!(host.links.base.budget.used(), 0);
    assert_eq!(host.links.base.counters.neighbour.resolved, 1);
}

/// RFC 1122 §2.3.2.1: no more than one request a second for one destination.
#[test]
fn a_silent_neighbour_is_asked_three_times_and_given_up() {
    let mut host = Host::settled();
    host.send(v4(2)).unwrap();
    host.pass_ms(999);
    assert_eq!(host.arps().len(), 1);
    host.pass_ms(1);
    assert_eq!(host.arps().len(), 1);
    host.pass_ms(1999);
    host.send(v4(2)).unwrap();
    assert_eq!((host.arps().len(), host.up().len()), (1, 0));
    host.pass_ms(1);
    assert_eq!(unreachable(&host.up()), 2, "both that waited come up");
    assert_eq!(host.links.base.budget.used(), 0);
    assert_eq!(host.discards(Discard::NeighbourFailed), 2);

    host.pass_ms(500);
    assert_eq!(host.send(v4(2)), Ok(()));
    assert_eq!((unreachable(&host.up()), host.arps().len()), (1, 0), "not asked again so soon");
    host.pass_ms(500);
    host.send(v4(2)).unwrap();
    assert_eq!((host.up().len(), host.arps().len()), (0, 1), "asked again after a moment");
    host.pass_ms(2_500);
    assert_eq!((host.up().len(), host.arps().len()), (0, 2), "and as patiently");
    host.hear_arp(OWN, reply(PEER, v4(2), v4(1)));
    assert_eq!(host.sent_to(), [PEER]);
}

#[test]
fn the_question_is_asked_with_the_address_the_packet_is_from() {
    let mut host = Host::settled();
    host.links.arp_own(host.link, v4(5));
    host.pass_ms(5000);
    host.sent();
    let ask = |host: &mut Host, source: Addr, target: Addr| {
        host.links.send(host.link, Hop::Neighbour(target), Version::V4, packet(source, target, 60)).unwrap();
        host.arps()[0].1.sender
    };
    assert_eq!(ask(&mut host, v4(5), v4(20)), v4(5));
    assert_eq!(ask(&mut host, v4(99), v4(21)), v4(1), "a forwarded packet's source is not ours to use");
    host.links.arp_disown(host.link, v4(1));
    host.links.arp_disown(host.link, v4(5));
    assert_eq!(ask(&mut host, v4(5), v4(22)), Addr::V4_ANY, "nobody's address pollutes no cache");
}

#[test]
fn we_answer_for_our_addresses_and_remember_who_asked() {
    let mut host = Host::settled();
    host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1)));
    let answer = ArpPacket { operation: Operation::Reply, sender_mac: OWN, sender: v4(1), target_mac: PEER, target: v4(2) };
    assert_eq!(host.arps(), [(PEER, answer)]);
    assert_eq!(host.neighbour(v4(2)).map(|n| (n.mac, n.state)), Some((Some(PEER), NeighbourState::Stale)));
    host.send(v4(2)).unwrap();
    assert_eq!(host.sent_to(), [PEER], "without a question of ours");

    host.hear_arp(Mac::BROADCAST, request(PEER, v4(3), v4(9)));
    assert!(host.arps().is_empty() && host.neighbour(v4(3)).is_none(), "what is for others leaves no trace");
    host.hear_arp(Mac::BROADCAST, request(PEER, Addr::V4_ANY, v4(1)));
    assert_eq!(host.arps().len(), 1, "RFC 5227 §2.1.1: a probe for our address is answered");
    assert!(host.neighbour(Addr::V4_ANY).is_none());
    host.links.arp_disown(host.link, v4(1));
    host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1)));
    assert!(host.arps().is_empty());
}

/// RFC 826's merge: known neighbours are updated by whatever they send; an unasked reply makes none.
#[test]
fn a_known_neighbour_may_move() {
    let mut host = Host::settled();
    host.hear_arp(OWN, reply(PEER, v4(2), v4(1)));
    assert!(host.neighbour(v4(2)).is_none(), "nobody asked");
    host.send(v4(2)).unwrap();
    host.hear_arp(OWN, reply(PEER, v4(2), v4(1)));
    host.hear_arp(OWN, reply(OTHER, v4(2), v4(1)));
    let mac = |host: &Host| host.neighbour(v4(2)).unwrap().mac;
    assert_eq!(mac(&host), Some(PEER), "the first of two answers counts, as on Linux");
    host.pass_ms(1000);
    host.hear_arp(OWN, reply(OTHER, v4(2), v4(1)));
    assert_eq!(mac(&host), Some(OTHER));
    host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(2)));
    assert_eq!(mac(&host), Some(PEER), "gratuitous ARP tells at once");
    assert_eq!(host.neighbour(v4(2)).unwrap().state, NeighbourState::Stale);
    host.hear_arp(Mac::BROADCAST, request(PEER, v4(7), v4(7)));
    assert!(host.neighbour(v4(7)).is_none(), "of a stranger it is no news");
}

#[test]
fn senders_that_cannot_be_are_ignored() {
    let mut host = Host::settled();
    let bad = [
        request(Mac::ZERO, v4(2), v4(1)),
        request(Mac::BROADCAST, v4(2), v4(1)),
        request(Mac([1, 0, 0x5e, 0, 0, 1]), v4(2), v4(1)),
        request(PEER, Addr::v4(224, 0, 0, 1), v4(1)),
        request(PEER, Addr::V4_LOOPBACK, v4(1)),
        request(PEER, Addr::V4_BROADCAST, v4(1)),
        request(PEER, v4(2), Addr::V4_LOOPBACK),
        reply(PEER, Addr::V4_ANY, v4(1)),
    ];
    let count = bad.len() as u64;
    for packet in bad {
        host.hear_arp(Mac::BROADCAST, packet);
    }
    assert_eq!(host.discards(Discard::ArpMalformed), count);
    host.hear_arp(Mac::BROADCAST, request(OWN, v4(1), v4(1)));
    assert_eq!(host.links.base.counters.neighbour.conflicts, 0, "our own announcement, reflected");
    assert!(host.arps().is_empty() && host.up().is_empty() && host.links.neighbours().count() == 0);
}

/// RFC 5227 §2.1.1: three probes, the first within a second, one to two seconds apart, then two seconds of silence; §2.3: two
/// announcements two seconds apart.
#[test]
fn an_address_is_probed_for_and_announced() {
    let mut spacings = Vec::new();
    for seed in 0..20 {
        let mut host = Host::seeded(ethernet(OWN, None), seed);
        host.links.arp_probe(host.link, v4(1));
        let mut times = Vec::new();
        let done = loop {
            host.pass_ms(1);
            for (to, arp) in host.arps() {
                assert_eq!((to, arp), (Mac::BROADCAST, request(OWN, Addr::V4_ANY, v4(1))));
                times.push(host.links.base.now.millis());
            }
            if let Some(up) = host.up().pop() {
                assert!(matches!(up, Up::ProbeDone { link: LinkId(1), addr } if addr == v4(1)));
                break host.links.base.now.millis();
            }
        };
        assert!(times.len() == 3 && times[0] <= 1000, "seed {seed}: {times:?}");
        let gaps = [times[1] - times[0], times[2] - times[1]];
        assert!(gaps.iter().all(|gap| (1000..=2001).contains(gap)), "seed {seed}: {times:?}");
        assert_eq!(done - times[2], 2000, "seed {seed}");
        spacings.extend(gaps);

        host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1)));
        assert!(host.arps().is_empty(), "not ours until it is claimed");
        host.links.arp_own(host.link, v4(1));
        let announcement = (Mac::BROADCAST, request(OWN, v4(1), v4(1)));
        assert_eq!(host.arps(), [announcement]);
        host.pass_ms(1999);
        assert!(host.arps().is_empty());
        host.pass_ms(60_000);
        assert_eq!(host.arps(), [announcement]);
    }
    spacings.sort_unstable();
    spacings.dedup();
    assert!(spacings.len() > 20, "random, not in step");
}

/// RFC 5227 §2.1.1: a packet from the address, or another's probe for it, ends the probing.
#[test]
fn probing_finds_who_has_the_address_or_wants_it_too() {
    let finds =
        [request(PEER, v4(1), v4(9)), reply(PEER, v4(1), v4(9)), request(PEER, v4(1), v4(1)), request(PEER, Addr::V4_ANY, v4(1))];
    for found in finds {
        let mut host = Host::new(ethernet(OWN, None));
        host.links.arp_probe(host.link, v4(1));
        host.pass_ms(1500);
        host.sent();
        host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1)));
        host.hear_arp(Mac::BROADCAST, request(OWN, Addr::V4_ANY, v4(1)));
        assert!(host.up().is_empty() && host.arps().is_empty(), "a question is no claim, and is not answered");
        host.hear_arp(Mac::BROADCAST, found);
        assert_eq!(conflicts(&host.up()), [(v4(1), PEER)], "{found:?}");
        host.pass_ms(60_000);
        assert!(host.up().is_empty() && host.arps().is_empty(), "it is over");
    }
}

/// RFC 5227 §2.1.1: after MAX_CONFLICTS no more than one attempt in RATE_LIMIT_INTERVAL.
#[test]
fn after_ten_conflicts_probing_waits_a_minute() {
    let mut host = Host::new(ethernet(OWN, None));
    for n in 1..=10 {
        host.links.arp_probe(host.link, v4(n));
        host.hear_arp(Mac::BROADCAST, reply(PEER, v4(n), v4(n)));
    }
    assert_eq!(conflicts(&host.up()).len(), 10);
    host.links.arp_probe(host.link, v4(11));
    host.pass_ms(60_000);
    assert!(host.arps().is_empty());
    host.pass_ms(1000);
    assert_eq!(host.arps().len(), 1);
}

/// RFC 5227 §2.4 (c).
#[test]
fn an_address_of_ours_is_defended_once_in_ten_seconds() {
    let mut host = Host::settled();
    let attack = |host: &mut Host| host.hear_arp(Mac::BROADCAST, reply(PEER, v4(1), v4(1)));
    attack(&mut host);
    assert_eq!(host.arps(), [(Mac::BROADCAST, request(OWN, v4(1), v4(1)))]);
    assert_eq!(conflicts(&host.up()), [(v4(1), PEER)]);
    host.pass_ms(9_999);
    attack(&mut host);
    assert!(host.arps().is_empty() && host.up().is_empty());
    host.pass_ms(1);
    attack(&mut host);
    assert_eq!((host.arps().len(), conflicts(&host.up()).len()), (1, 1));
    assert_eq!((host.links.base.counters.neighbour.conflicts, host.discards(Discard::ArpConflict)), (3, 3));
    assert!(host.neighbour(v4(1)).is_none(), "nobody else is at our address");
}

#[test]
fn a_link_that_comes_up_again_announces_and_probes_anew() {
    let mut host = Host::settled();
    host.links.arp_probe(host.link, v4(3));
    host.pass_ms(1200);
    host.links.set_up(host.link, false);
    host.sent();
    host.pass(Duration::from_mins(1));
    host.links.set_up(host.link, true);
    host.links.arp_own(host.link, v4(1));
    assert_eq!(host.arps(), [(Mac::BROADCAST, request(OWN, v4(1), v4(1)))], "once, though the layer above says it too");
    host.pass(Duration::from_secs(10));
    let probes = host.arps().iter().filter(|(_, arp)| arp.target == v4(3)).count();
    assert_eq!(probes, 3);
    assert!(matches!(host.up()[..], [Up::ProbeDone { .. }]));
}

#[test]
fn probing_waits_for_the_link() {
    let mut host = Host::new(ethernet(OWN, None));
    host.links.set_up(host.link, false);
    host.links.arp_probe(host.link, v4(1));
    host.links.arp_own(host.link, v4(2));
    host.pass(Duration::from_mins(1));
    assert!(host.up().is_empty() && host.links.base.timers.is_empty());
    host.links.set_up(host.link, true);
    host.pass(Duration::from_secs(10));
    assert!(matches!(host.up()[..], [Up::ProbeDone { .. }]));
    let of = |host: &[(Mac, ArpPacket)], addr| host.iter().filter(|(_, arp)| arp.target == addr).count();
    let sent = host.arps();
    assert_eq!((of(&sent, v4(1)), of(&sent, v4(2))), (3, 2), "three probes, two announcements");
}

#[test]
fn a_flood_of_requests_is_remembered_within_bounds() {
    let mut host = Host::settled();
    host.send(v4(2)).unwrap();
    host.hear_arp(OWN, reply(PEER, v4(2), v4(1)));
    for n in 0..20_000u32 {
        let sender = Addr::from_v4((0x0b00_0000 + n).to_be_bytes());
        host.hear_arp(Mac::BROADCAST, request(OTHER, sender, v4(1)));
        if n % 100 == 0 {
            host.send(v4(2)).unwrap();
            host.sent();
        }
    }
    assert_eq!(host.links.neighbours().count(), 1024);
    assert_eq!(host.neighbour(v4(2)).unwrap().mac, Some(PEER), "one in use is not pushed out");
    assert!(host.links.base.timers.len() < 4);
    assert!(host.up().is_empty());
}

#[test]
fn answers_do_not_fill_the_queue_without_end() {
    let mut host = Host::settled();
    (0..5000).for_each(|_| host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1))));
    assert_eq!(host.sent().len(), 5000, "42 bytes each fit this queue");
    host.links.remove(host.link).unwrap();
    let small = super::super::LinkConfig { name: "small".into(), queue_limit: 0, ..ethernet(OWN, None) };
    host.link = host.links.add(small).unwrap();
    host.links.arp_own(host.link, v4(1));
    (0..5000).for_each(|_| host.hear_arp(Mac::BROADCAST, request(PEER, v4(2), v4(1))));
    assert!(host.sent().len() < 400);
    assert_eq!(host.send(v4(2)), Err(Errno::ENOBUFS));
}

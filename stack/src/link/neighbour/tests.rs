//! Stories of the neighbour cache, told in IPv6: there the questions come up.

use alloc::vec::Vec;

use super::super::tests::{BUDGET, Host, OTHER, OWN, PEER, ethernet, packet, v4};
use super::super::{Hop, LinkConfig, Mac, Medium, NeighbourState, Up};
use super::NeighbourState::{Delay, Failed, Incomplete, Permanent, Probe, Reachable, Stale};
use super::table::ENTRIES;
use super::waiting;
use crate::base::event::class;
use crate::base::{Addr, Discard, Errno, Frame, Version, What};

fn v6(n: u32) -> Addr {
    let mut octets = [0; 16];
    (octets[0], octets[1]) = (0xfe, 0x80);
    octets[12..].copy_from_slice(&n.to_be_bytes());
    Addr::from_v6(octets)
}

fn send_len(host: &mut Host, to: Addr, len: usize) -> Result<(), Errno> {
    let mut frame = Frame::from(alloc::vec![1; len - 40].as_slice());
    frame.push(40)[0] = 0x60;
    host.links.send(host.link, Hop::Neighbour(to), Version::V6, frame)
}

fn send(host: &mut Host, to: Addr) {
    send_len(host, to, 100).expect("it is sent or waits");
}

/// The solicitations that came up: whom, and to which station alone. Anything else fails the test.
fn solicits(host: &mut Host) -> Vec<(Addr, Option<Mac>)> {
    let solicit = |up| if let Up::Solicit { target, unicast, .. } = up { (target, unicast) } else { panic!("{up:?}") };
    host.up().into_iter().map(solicit).collect()
}

fn state(host: &Host, addr: Addr) -> NeighbourState {
    host.neighbour(addr).expect("a known neighbour").state
}

/// With one neighbour that has just answered.
fn acquainted() -> Host {
    let mut host = Host::new(ethernet(OWN, None));
    send(&mut host, v6(2));
    assert_eq!(solicits(&mut host), [(v6(2), None)]);
    assert_eq!(state(&host, v6(2)), Incomplete);
    host.links.neighbour_advertised(host.link, v6(2), Some(PEER), true, true, false);
    assert_eq!(host.sent_to(), [PEER]);
    host
}

/// RFC 4861 §7.3.2 and 7.3.3, the whole way round.
#[test]
fn a_neighbour_that_falls_silent_is_noticed() {
    let mut host = acquainted();
    assert_eq!(state(&host, v6(2)), Reachable);
    host.pass_ms(14_999);
    assert_eq!(state(&host, v6(2)), Reachable, "at least half of 30 seconds");
    host.pass_ms(30_002);
    assert_eq!(state(&host, v6(2)), Stale, "at most one and a half of it");
    host.pass_ms(3_600_000);
    assert_eq!(state(&host, v6(2)), Stale, "while nothing is sent nobody cares");
    assert!(host.links.base.timers.is_empty());

    send(&mut host, v6(2));
    assert_eq!((host.sent_to(), state(&host, v6(2))), (alloc::vec![PEER], Delay));
    host.pass_ms(4_999);
    assert!(solicits(&mut host).is_empty());
    host.pass_ms(1);
    assert_eq!((solicits(&mut host), state(&host, v6(2))), (alloc::vec![(v6(2), Some(PEER))], Probe));
    send(&mut host, v6(2));
    assert_eq!(host.sent_to(), [PEER], "packets go on meanwhile");
    host.pass_ms(2_999);
    assert_eq!(solicits(&mut host), [(v6(2), Some(PEER)); 2]);
    assert!(host.links.neighbour_usable(host.link, v6(2)));
    host.pass_ms(1);
    assert_eq!(state(&host, v6(2)), Failed);
    assert!(!host.links.neighbour_usable(host.link, v6(2)), "RFC 4861 §6.3.6: another router is better now");

    send(&mut host, v6(2));
    assert_eq!(solicits(&mut host), [(v6(2), None)], "the next packet asks all");
    assert!(!host.links.neighbour_usable(host.link, v6(2)), "still not heard of");
    host.links.neighbour_advertised(host.link, v6(2), Some(OTHER), true, false, false);
    assert_eq!(host.sent_to(), [OTHER]);
    assert!(host.links.neighbour_usable(host.link, v6(2)));
}

/// RFC 4861 §7.3.1: forward progress of the layers above is as good as an answer.
#[test]
fn progress_above_spares_the_question() {
    for late in [false, true] {
        let mut host = acquainted();
        host.pass_ms(45_000);
        send(&mut host, v6(2));
        host.pass_ms(if late { 6_500 } else { 4_000 });
        assert_eq!(state(&host, v6(2)), if late { Probe } else { Delay });
        host.links.neighbour_confirmed(host.link, v6(2));
        host.up();
        host.pass_ms(14_000);
        assert_eq!(state(&host, v6(2)), Reachable);
        assert!(host.up().is_empty() && host.links.base.timers.is_empty());
        host.links.neighbour_confirmed(host.link, v6(2));
        host.pass_ms(14_000);
        assert_eq!(state(&host, v6(2)), Reachable, "confirmed again");
    }
    let mut host = Host::new(ethernet(OWN, None));
    send(&mut host, v6(2));
    host.links.neighbour_confirmed(host.link, v6(2));
    host.links.neighbour_confirmed(host.link, v6(3));
    assert_eq!(state(&host, v6(2)), Incomplete, "there is nothing to confirm");
}

#[test]
fn a_probe_that_is_answered_makes_reachable_again() {
    let mut host = acquainted();
    host.pass_ms(45_000);
    send(&mut host, v6(2));
    host.pass_ms(5_000);
    host.links.neighbour_advertised(host.link, v6(2), None, true, false, true);
    assert_eq!(state(&host, v6(2)), Reachable);
    assert!(host.neighbour(v6(2)).unwrap().router);
    assert!(host.links.base.timers.is_empty());
}

/// ARP probes a neighbour in unicast too (RFC 1122 §2.3.2.1 (2)).
#[test]
fn an_ipv4_neighbour_is_probed_alone() {
    let mut host = Host::settled();
    host.links.neighbour_learnt(host.link, v4(2), PEER);
    host.send(v4(2)).unwrap();
    host.sent();
    host.pass_ms(5_000);
    let (to, arp) = host.arps()[0];
    assert_eq!((to, arp.target, arp.sender), (PEER, v4(2), v4(1)));
    host.pass_ms(3_000);
    assert_eq!((host.arps().len(), state(&host, v4(2))), (2, Failed));
}

#[test]
fn what_is_learnt_by_the_way_is_used_at_once_and_checked_later() {
    let mut host = Host::new(ethernet(OWN, None));
    send(&mut host, v6(2));
    host.links.neighbour_learnt(host.link, v6(2), PEER);
    assert_eq!((host.sent_to(), state(&host, v6(2))), (alloc::vec![PEER], Stale));
    host.links.neighbour_learnt(host.link, v6(3), Mac::BROADCAST);
    host.links.neighbour_advertised(host.link, v6(3), Some(PEER), true, true, true);
    assert!(host.neighbour(v6(3)).is_none(), "RFC 4861 §7.2.5: no entry is created by an advertisement");
    host.links.neighbour_learnt(host.link, v6(3), OTHER);
    send(&mut host, v6(3));
    assert_eq!((host.sent_to(), state(&host, v6(3))), (alloc::vec![OTHER], Delay));
    assert_eq!(solicits(&mut host), [(v6(2), None)]);
}

/// RFC 4861 §7.2.2: of too many waiting packets the oldest go.
#[test]
fn few_packets_wait_and_the_oldest_go_first() {
    let mut host = Host::new(ethernet(OWN, None));
    for len in 0..150 {
        send_len(&mut host, v6(2), 100 + len).unwrap();
    }
    assert_eq!(host.neighbour(v6(2)).unwrap().waiting, waiting::PACKETS);
    assert_eq!(host.discards(Discard::NeighbourQueueFull), 49);
    host.links.neighbour_learnt(host.link, v6(2), PEER);
    let lengths: Vec<usize> = host.sent().iter().map(|frame| frame.len() - 14 - 100).collect();
    assert_eq!(lengths, (49..150).collect::<Vec<_>>(), "the newest, in order");
    assert_eq!(host.links.base.budget.used(), 0);
}

#[test]
fn few_bytes_wait() {
    let mut host = Host::new(LinkConfig { mtu: 65_536, ..ethernet(OWN, None) });
    (0..20).for_each(|_| send_len(&mut host, v6(2), 60_000).unwrap());
    assert_eq!(host.neighbour(v6(2)).unwrap().waiting, 3);
    assert!(host.links.base.budget.used() > 180_000 && host.links.base.budget.used() <= waiting::BYTES);
}

#[test]
fn an_empty_budget_lets_nothing_wait() {
    let mut host = Host::new(ethernet(OWN, None));
    host.links.base.budget.charge(BUDGET);
    assert_eq!(send_len(&mut host, v6(2), 100), Err(Errno::ENOBUFS));
    assert_eq!(solicits(&mut host).len(), 1, "but the question is asked");
    assert_eq!(host.discards(Discard::OutOfMemory), 1);
    host.links.neighbour_learnt(host.link, v6(2), PEER);
    send(&mut host, v6(2));
    assert_eq!(host.sent_to(), [PEER]);
}

/// RFC 6583: a scan of a /64 from outside must not empty the cache or the memory.
#[test]
fn a_scan_stays_within_bounds() {
    let mut host = acquainted();
    let mut refused = 0;
    for n in 100..30_000 {
        refused += u32::from(send_len(&mut host, v6(n), 1400).is_err());
        if n % 50 == 0 {
            host.up();
            host.pass_ms(10);
        }
    }
    assert!(host.links.neighbours().count() <= ENTRIES);
    assert!(host.links.base.timers.len() <= ENTRIES);
    assert!(host.links.base.budget.used() <= waiting::ALL_BYTES);
    assert_eq!(refused, 0, "an old question makes room for a new one");
    assert_eq!(host.neighbour(v6(2)).unwrap().mac, Some(PEER));
    assert_eq!(host.links.base.counters.neighbour.entries, host.links.neighbours().count() as u64);
    assert_eq!(host.sent().len(), 0);
    host.pass_ms(10_000);
    host.up();
    assert_eq!(host.links.base.budget.used(), 0);
}

#[test]
fn a_permanent_entry_is_the_users_alone() {
    let mut host = Host::new(ethernet(OWN, None));
    send(&mut host, v6(2));
    assert_eq!(host.links.neighbour_set(host.link, v6(2), PEER), Ok(()));
    assert_eq!((host.sent_to(), state(&host, v6(2))), (alloc::vec![PEER], Permanent));
    host.links.neighbour_advertised(host.link, v6(2), Some(OTHER), true, true, true);
    host.links.neighbour_learnt(host.link, v6(2), OTHER);
    host.links.neighbour_confirmed(host.link, v6(2));
    host.pass_ms(3_600_000);
    send(&mut host, v6(2));
    assert_eq!((host.sent_to(), state(&host, v6(2))), (alloc::vec![PEER], Permanent));
    host.links.neighbour_remove(host.link, v6(2));
    assert!(host.neighbour(v6(2)).is_none());
    assert_eq!(host.links.neighbour_set(host.link, v6(2), Mac::BROADCAST), Err(Errno::EINVAL));
    assert_eq!(host.links.neighbour_set(host.link, Addr::ALL_NODES, PEER), Err(Errno::EINVAL));
    assert_eq!(host.links.neighbour_set(crate::base::LinkId(9), v6(2), PEER), Err(Errno::ENODEV));
    for n in 0..ENTRIES as u32 {
        assert_eq!(host.links.neighbour_set(host.link, v6(n), PEER), Ok(()));
    }
    assert_eq!(host.links.neighbour_set(host.link, v6(5000), PEER), Err(Errno::ENOBUFS));
    assert_eq!(send_len(&mut host, v6(5000), 100), Err(Errno::ENOBUFS));
}

#[test]
fn a_link_that_goes_down_forgets_its_neighbours() {
    let mut host = acquainted();
    send(&mut host, v6(3));
    host.links.neighbour_set(host.link, v6(4), OTHER).unwrap();
    host.links.set_up(host.link, false);
    assert_eq!(host.links.neighbours().count(), 0);
    assert_eq!((host.links.base.budget.used(), host.links.base.timers.len()), (0, 0));
    assert_eq!(host.discards(Discard::LinkDown), 1);
    assert!(host.up().is_empty());
    host.links.neighbour_learnt(host.link, v6(2), PEER);
    assert_eq!(host.links.neighbour_set(host.link, v6(2), PEER), Err(Errno::ENETDOWN));
    host.links.remove(host.link).unwrap();
    assert_eq!(host.links.neighbours().count(), 0);
}

#[test]
fn removing_what_is_asked_for_drops_what_waits() {
    let mut host = Host::new(ethernet(OWN, None));
    send(&mut host, v6(2));
    host.links.neighbour_remove(host.link, v6(2));
    host.links.neighbour_remove(host.link, v6(2));
    assert_eq!((host.links.base.budget.used(), host.links.base.timers.len()), (0, 0));
}

#[test]
fn advertised_times_are_kept_to() {
    let mut host = Host::new(ethernet(OWN, None));
    host.links.neighbour_times(host.link, 2_000, 3_000);
    send(&mut host, v6(2));
    host.pass_ms(2_999);
    assert_eq!(solicits(&mut host).len(), 1);
    host.pass_ms(1);
    assert_eq!(solicits(&mut host).len(), 1);
    host.links.neighbour_advertised(host.link, v6(2), Some(PEER), true, true, false);
    host.pass_ms(3_001);
    assert_eq!(state(&host, v6(2)), Stale);
}

#[test]
fn links_without_link_addresses_have_no_neighbours() {
    let mut host = Host::new(LinkConfig { medium: Medium::Ip, ..ethernet(OWN, None) });
    assert_eq!(host.links.neighbour_set(host.link, v4(2), PEER), Err(Errno::EINVAL));
    host.links.neighbour_learnt(host.link, v4(2), PEER);
    host.links.neighbour_confirmed(host.link, v4(2));
    assert_eq!(host.links.neighbours().count(), 0);
    assert!(host.links.neighbour_usable(host.link, v4(2)));
    host.links.arp_own(host.link, v4(1));
    host.links.arp_probe(host.link, v4(1));
    assert!(matches!(host.up()[..], [Up::ProbeDone { .. }]));
    assert!(host.links.base.timers.is_empty());
    host.links.send(host.link, Hop::Multicast("224.0.0.1".parse().unwrap()), Version::V4, packet(v4(1), v4(2), 60)).unwrap();
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn who_listens_is_told_who_was_found_and_who_does_not_answer() {
    let mut host = Host::new(ethernet(OWN, None));
    host.links.base.events.listen(class::NETWORK);
    let news = |host: &mut Host| {
        let told = core::iter::from_fn(|| host.links.base.events.pop());
        told.map(|event| if let What::Neighbour { addr, mac, .. } = event.what { (addr, mac) } else { panic!("{event:?}") })
            .collect::<Vec<_>>()
    };
    send(&mut host, v6(2));
    assert!(news(&mut host).is_empty(), "nothing is known yet");
    host.links.neighbour_advertised(host.link, v6(2), Some(PEER), true, true, false);
    assert_eq!(news(&mut host), [(v6(2), Some(PEER.0))]);
    host.links.neighbour_advertised(host.link, v6(2), Some(PEER), true, true, false);
    assert!(news(&mut host).is_empty(), "the same once more is no news");
    host.links.neighbour_advertised(host.link, v6(2), Some(OTHER), false, true, false);
    assert_eq!(news(&mut host), [(v6(2), Some(OTHER.0))], "it moved");
    send(&mut host, v6(3));
    host.pass_ms(3_000);
    assert_eq!(news(&mut host), [(v6(3), None)], "three questions without an answer");
}

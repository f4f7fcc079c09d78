//! Multicast and broadcast.

use alloc::vec::Vec;

use crate::base::{Addr, Errno, Key, LinkId, Version};
use crate::transport::datagram::{MembershipAction, MembershipChange};
use crate::transport::testing::{Host, addr, at, datagram, exchange};

const GROUP: &str = "239.1.1.1";

fn change(host: &mut Host, id: Key, group: &str, action: MembershipAction) -> Result<(), Errno> {
    let link = Some(host.eth);
    host.udp.membership(&mut host.net, id, &MembershipChange { group: addr(group), link, action })
}

fn shared(host: &mut Host, local: &str) -> Key {
    let id = host.socket(Version::V4);
    host.udp.inet_mut(id).reuse_addr = true;
    host.udp.bind(&mut host.net, id, at(local)).unwrap();
    id
}

fn arrives(host: &mut Host, from: &str, to: &str) {
    let packet = host.packet(from, to, &datagram(9, 7, b"x"));
    host.receive_udp(packet);
}

#[test]
fn every_socket_that_fits_gets_its_copy() {
    let mut host = Host::new(1);
    let any = shared(&mut host, "0.0.0.0:7");
    let group = shared(&mut host, "239.1.1.1:7");
    let other_group = shared(&mut host, "239.1.1.2:7");
    let unicast = shared(&mut host, "10.0.0.1:7");
    let both_families = host.socket(Version::V6);
    host.udp.inet_mut(both_families).reuse_addr = true;
    host.udp.bind(&mut host.net, both_families, at("[::]:7")).unwrap();
    arrives(&mut host, "10.0.0.2", GROUP);
    let got = [any, group, other_group, unicast, both_families].map(|id| host.recv_lengths(id).len());
    assert_eq!(got, [1, 1, 0, 0, 1]);
    arrives(&mut host, "10.0.0.2", "10.0.0.255");
    let got = [any, group, other_group, unicast, both_families].map(|id| host.recv_lengths(id).len());
    assert_eq!(got, [1, 0, 0, 0, 1], "a broadcast is not for those bound to another address");
}

#[test]
fn what_nobody_wants_is_counted_but_not_answered() {
    let mut host = Host::new(1);
    arrives(&mut host, "10.0.0.2", GROUP);
    arrives(&mut host, "10.0.0.2", "10.0.0.255");
    host.run();
    assert_eq!(host.net.links.base.counters.udp.ignored_multi, 2);
    assert!(host.frames().is_empty(), "RFC 1122 §3.2.2");
}

/// Their places in the hash table differ from machine to machine.
#[test]
fn sockets_connected_to_one_peer_get_their_copies_in_the_order_they_connected() {
    let mut host = Host::new(1);
    let order: Vec<u32> = (0..40)
        .map(|_| {
            let id = shared(&mut host, "239.1.1.1:7");
            host.connect(id, "10.0.0.2:9").unwrap();
            host.udp.inet(id).owner.unwrap().index()
        })
        .collect();
    while host.net.links.base.notify.pop().is_some() {}
    arrives(&mut host, "10.0.0.2", GROUP);
    let told: Vec<u32> = core::iter::from_fn(|| host.net.links.base.notify.pop()).collect();
    assert_eq!(told, order);
}

/// `IP_MULTICAST_ALL`
#[test]
fn groups_of_others_are_heard_unless_that_is_switched_off() {
    let mut host = Host::new(1);
    let id = shared(&mut host, "0.0.0.0:7");
    arrives(&mut host, "10.0.0.2", GROUP);
    assert_eq!(host.recv_lengths(id).len(), 1);
    host.udp.options_mut(id).multicast_all = false;
    arrives(&mut host, "10.0.0.2", GROUP);
    assert_eq!(host.recv_lengths(id).len(), 0);
    change(&mut host, id, GROUP, MembershipAction::Join).unwrap();
    arrives(&mut host, "10.0.0.2", GROUP);
    assert_eq!(host.recv_lengths(id).len(), 1);
}

/// RFC 3678 §4.1: the sources a socket wants are its own affair.
#[test]
fn sources_are_admitted_and_blocked_for_each_socket() {
    let mut host = Host::new(1);
    let only = shared(&mut host, "0.0.0.0:7");
    let but = shared(&mut host, "0.0.0.0:7");
    change(&mut host, only, GROUP, MembershipAction::JoinSource(addr("10.0.0.2"))).unwrap();
    change(&mut host, but, GROUP, MembershipAction::Join).unwrap();
    change(&mut host, but, GROUP, MembershipAction::BlockSource(addr("10.0.0.2"))).unwrap();
    arrives(&mut host, "10.0.0.2", GROUP);
    arrives(&mut host, "10.0.0.3", GROUP);
    assert_eq!(host.udp.pop(&mut host.net, only).unwrap().from.addr, addr("10.0.0.2"));
    assert_eq!(host.udp.pop(&mut host.net, but).unwrap().from.addr, addr("10.0.0.3"));
    assert_eq!([host.recv(only), host.recv(but)], [None, None]);
    change(&mut host, but, GROUP, MembershipAction::UnblockSource(addr("10.0.0.2"))).unwrap();
    arrives(&mut host, "10.0.0.2", GROUP);
    assert_eq!(host.recv_lengths(but).len(), 1);
}

#[test]
fn membership_calls_say_what_is_wrong() {
    use MembershipAction::{BlockSource, Join, JoinSource, Leave, LeaveSource, UnblockSource};
    let mut host = Host::new(1);
    let id = shared(&mut host, "0.0.0.0:7");
    let source = addr("10.0.0.2");
    assert_eq!(change(&mut host, id, "10.0.0.1", Join), Err(Errno::EINVAL), "no group");
    assert_eq!(change(&mut host, id, GROUP, Leave), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(change(&mut host, id, GROUP, BlockSource(source)), Err(Errno::EINVAL), "not a member");
    let nowhere = MembershipChange { group: addr(GROUP), link: Some(LinkId(77)), action: Join };
    assert_eq!(host.udp.membership(&mut host.net, id, &nowhere), Err(Errno::ENODEV));
    assert_eq!(change(&mut host, id, "ff02::5", Join), Err(Errno::EINVAL), "the other family");

    assert_eq!(change(&mut host, id, GROUP, Join), Ok(()));
    assert_eq!(change(&mut host, id, GROUP, Join), Err(Errno::EADDRINUSE));
    assert_eq!(change(&mut host, id, GROUP, UnblockSource(source)), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(change(&mut host, id, GROUP, BlockSource(source)), Ok(()));
    assert_eq!(change(&mut host, id, GROUP, BlockSource(source)), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(change(&mut host, id, GROUP, JoinSource(source)), Err(Errno::EINVAL), "it excludes");
    assert_eq!(change(&mut host, id, GROUP, Leave), Ok(()));

    assert_eq!(change(&mut host, id, GROUP, JoinSource(source)), Ok(()));
    assert_eq!(change(&mut host, id, GROUP, LeaveSource(addr("10.0.0.3"))), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(change(&mut host, id, GROUP, LeaveSource(source)), Ok(()));
    assert_eq!(change(&mut host, id, GROUP, Leave), Err(Errno::EADDRNOTAVAIL), "the last source was the membership");
}

#[test]
fn memberships_and_sources_are_bounded() {
    let mut host = Host::new(1);
    let id = shared(&mut host, "0.0.0.0:7");
    for n in 0..20u8 {
        change(&mut host, id, &alloc::format!("239.0.0.{n}"), MembershipAction::Join).unwrap();
    }
    assert_eq!(change(&mut host, id, "239.0.1.0", MembershipAction::Join), Err(Errno::ENOBUFS));
    for n in 0..10u8 {
        change(&mut host, id, "239.0.0.1", MembershipAction::BlockSource(Addr::v4(10, 0, 0, n))).unwrap();
    }
    let eleventh = MembershipAction::BlockSource(Addr::v4(10, 0, 0, 10));
    assert_eq!(change(&mut host, id, "239.0.0.1", eleventh), Err(Errno::ENOBUFS));
}

#[test]
fn a_group_is_heard_across_the_link_and_at_home_while_looped() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let [here, there] = [&mut a, &mut b].map(|host| {
        let id = shared(host, "0.0.0.0:7");
        change(host, id, GROUP, MembershipAction::Join).unwrap();
        id
    });
    let sender = a.socket(Version::V4);
    a.udp.options_mut(sender).multicast_link = a.eth.0;
    a.send_to(sender, "239.1.1.1:7", b"hello").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(a.recv(here).unwrap(), b"hello");
    let heard = b.udp.pop(&mut b.net, there).unwrap();
    assert_eq!((heard.to, heard.hop_limit), (addr(GROUP), 1), "multicast stays near by default");
    a.udp.options_mut(sender).multicast_loop = false;
    a.udp.options_mut(sender).multicast_hop_limit = 5;
    a.send_to(sender, "239.1.1.1:7", b"away").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(a.recv(here), None);
    assert_eq!(b.udp.pop(&mut b.net, there).unwrap().hop_limit, 5);
    a.udp.options_mut(sender).multicast_loop = true;
    a.udp.options_mut(sender).multicast_hop_limit = 0;
    a.send_to(sender, "239.1.1.1:7", b"home").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(a.recv(here).unwrap(), b"home");
    assert_eq!(b.recv(there), None, "a hop limit of 0 keeps it on this host");
}

#[test]
fn broadcasts_reach_the_link_with_permission() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let there = shared(&mut b, "0.0.0.0:7");
    let sender = a.socket(Version::V4);
    a.udp.options_mut(sender).broadcast = true;
    a.send_to(sender, "10.0.0.255:7", b"all").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.recv(there).unwrap(), b"all");
}

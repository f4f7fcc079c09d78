//! Every frame of whole conversations, on Ethernet and on raw IP, goes before both judges.

use std::collections::BTreeSet;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant, MsgFlags, SockAddr};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_DGRAM, ip};

use crate::judges::{Net, Seen, Upper, judge};
use crate::sim::host::address;
use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Host, World};

const V4: [Addr; 2] = [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)];

fn v6(last: u8) -> Addr {
    Addr::from_v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last])
}

/// Two hosts on a link that loses a little, everything captured.
fn world(addresses: [Addr; 2], mediums: [Medium; 2]) -> World {
    let host = |number: usize| {
        let link = LinkConfig {
            name: "eth0".into(),
            medium: mediums[number],
            mtu: 1500,
            offloads: Offloads::default(),
            queue_limit: 1 << 20,
        };
        Host::with(number as u64, addresses[number], link, |_| {})
    };
    let conditions =
        Conditions { loss: 0.02, duplicate: 0.01, reorder: 0.02, late: Duration::from_millis(3), ..Conditions::default() };
    let mut world = World::new(11, [host(0), host(1)], conditions);
    world.captured = Some(Vec::new());
    world
}

fn ethernet(vlan: Option<u16>) -> [Medium; 2] {
    [1, 2].map(|last| Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, last]), vlan })
}

fn run_for(world: &mut World, time: Duration) {
    let until = world.now + time;
    while world.now < until {
        world.step(until);
    }
}

/// A stream over a lossy link, both ways, closed in order.
fn tcp(world: &mut World, addresses: [Addr; 2]) {
    let pattern = Pattern::new(3);
    let listener = world.hosts[1].listen(addresses[1], 80, 8);
    let client = world.hosts[0].tcp(addresses[0]);
    world.hosts[0].connect(client, SockAddr::new(addresses[1], 80));
    let (mut server, mut sent, mut got, mut into) = (None, 0, 0, vec![0; 4096]);
    let until = world.now + Duration::from_secs(60);
    while got < 200_000 && world.now < until {
        server = server.or_else(|| world.hosts[1].accept(listener));
        while sent < 200_000
            && let Ok(count) = world.hosts[0].write(client, pattern.at(sent, (200_000 - sent) as usize))
        {
            sent += count as u64;
        }
        while let Some(Ok(count)) = server.map(|server| world.hosts[1].read(server, &mut into)) {
            assert!(pattern.matches(got, &into[..count]));
            got += count as u64;
        }
        world.step(until);
    }
    assert_eq!(got, 200_000);
    world.hosts[0].close(client);
    world.hosts[1].close(server.expect("a connection"));
}

/// Datagrams: a small one, one in fragments, one to a port nobody serves.
fn udp(world: &mut World, addresses: [Addr; 2]) {
    let family = if addresses[0].is_v4() { AF_INET } else { AF_INET6 };
    let [client, server] = [0, 1].map(|number| {
        let socket = world.hosts[number].stack.socket(family, SOCK_DGRAM, 0).expect("a socket");
        world.hosts[number].stack.bind(socket, &address(SockAddr::new(addresses[number], 53))).expect("bind");
        socket
    });
    if family == AF_INET {
        // Without path MTU discovery, so that a large datagram is cut.
        world.hosts[0].set(client, ip::LEVEL, ip::IP_MTU_DISCOVER, 0);
    }
    let pattern = Pattern::new(5);
    for (port, len) in [(53, 0), (53, 7), (53, 5000), (54, 100)] {
        let to = address(SockAddr::new(addresses[1], port));
        // Some are lost; enough of them come.
        for _ in 0..20 {
            world.hosts[0].stack.sendto(client, pattern.at(0, len), MsgFlags::NONE, &to).or_else(again).expect("sent");
            run_for(world, Duration::from_millis(20));
        }
    }
    let (mut lengths, mut into) = (BTreeSet::new(), vec![0; 8192]);
    while let Ok(len) = world.hosts[1].stack.recv(server, &mut into, MsgFlags::NONE) {
        assert!(pattern.matches(0, &into[..len]));
        lengths.insert(len);
    }
    assert_eq!(lengths, BTreeSet::from([0, 7, 5000]));
}

/// The answer "port unreachable" to the datagram before.
fn again(error: loggia_stack::Errno) -> Result<usize, loggia_stack::Errno> {
    if error == loggia_stack::Errno::ECONNREFUSED { Ok(0) } else { Err(error) }
}

/// What kinds of packets there were, after both judges saw all of them.
fn kinds(world: &World, is_ethernet: bool, vlan: Option<u16>) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for bytes in world.captured.as_ref().expect("captured") {
        let Seen { link, net } = judge(is_ethernet, bytes);
        assert_eq!(link.is_some(), is_ethernet);
        assert_eq!(link.and_then(|(_, _, tag)| tag), vlan);
        kinds.insert(match net {
            Net::Arp(operation, ..) => format!("arp {operation}"),
            Net::Ip(.., Upper::Tcp(..)) => "tcp".into(),
            Net::Ip(.., Upper::Udp(..)) => "udp".into(),
            Net::Ip(.., Upper::Icmp(kind, ..)) => format!("icmp {kind}"),
            Net::Ip(.., Upper::Igmp(kind, _)) => format!("igmp {kind}"),
            Net::Ip(.., Upper::Fragment(..)) => "fragment".into(),
            Net::Ip(.., Upper::Other(protocol, _)) => format!("protocol {protocol}"),
        });
    }
    kinds
}

fn expect(kinds: &BTreeSet<String>, wanted: &[&str]) {
    for kind in wanted {
        assert!(kinds.contains(*kind), "there was no {kind}: {kinds:?}");
    }
}

#[test]
fn ipv4_on_ethernet() {
    for vlan in [None, Some(42)] {
        let mut world = world(V4, ethernet(vlan));
        tcp(&mut world, V4);
        udp(&mut world, V4);
        expect(&kinds(&world, true, vlan), &["arp 1", "arp 2", "tcp", "udp", "fragment", "icmp 3"]);
    }
}

#[test]
fn ipv6_on_ethernet() {
    let addresses = [v6(1), v6(2)];
    let mut world = world(addresses, ethernet(None));
    // Duplicate address detection first.
    run_for(&mut world, Duration::from_secs(5));
    tcp(&mut world, addresses);
    udp(&mut world, addresses);
    expect(&kinds(&world, true, None), &["tcp", "udp", "fragment", "icmp 1", "icmp 135", "icmp 136", "icmp 143"]);
}

#[test]
fn both_on_raw_ip() {
    for addresses in [V4, [v6(1), v6(2)]] {
        let mut world = world(addresses, [Medium::Ip; 2]);
        tcp(&mut world, addresses);
        udp(&mut world, addresses);
        let unreachable = if addresses == V4 { "icmp 3" } else { "icmp 1" };
        expect(&kinds(&world, false, None), &["tcp", "udp", "fragment", unreachable]);
        assert!(world.now > Instant::EPOCH);
    }
}

//! A datagram that goes where the one before it went, and one that is only copied out, go short ways. The same in two pieces, and received with
//! its sender, goes the general ways. Nobody can tell them apart, whatever is changed between two datagrams.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{Addr, Cidr, Errno, MsgFlags, SockAddr, SocketId};
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, SOCK_DGRAM, ip, ipv6, sol_socket as so, udp,
};
use loggia_stack::socket::{Address, Message};

use crate::sim::host::address;
use crate::sim::{Conditions, Digest, Host, Random, World, seeds};

/// The addresses of both hosts, and what else there is of their family.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) hosts: [Addr; 2],
    /// A second address of either.
    others: [Addr; 2],
    /// Bits of the network that both are on.
    prefix: u8,
    subnet: Addr,
    /// Somewhere else, and the bits of its network.
    elsewhere: (Addr, u8),
    /// More than one host.
    many: Addr,
    any: Addr,
    /// Of sockets.
    families: [i32; 3],
}

const IPV4: Site = Site {
    hosts: [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)],
    others: [Addr::v4(10, 0, 0, 11), Addr::v4(10, 0, 0, 12)],
    prefix: 24,
    subnet: Addr::v4(10, 0, 0, 0),
    elsewhere: (Addr::v4(10, 9, 0, 0), 16),
    many: Addr::v4(10, 0, 0, 255),
    any: Addr::V4_ANY,
    families: [AF_INET, AF_INET, AF_INET6],
};

const IPV6: Site = Site {
    hosts: [v6(0, 1), v6(0, 2)],
    others: [v6(0, 11), v6(0, 12)],
    prefix: 64,
    subnet: v6(0, 0),
    elsewhere: (v6(9, 0), 64),
    many: Addr::ALL_NODES,
    any: Addr::V6_ANY,
    families: [AF_INET6, AF_INET6, AF_INET6],
};

const fn v6(net: u8, host: u8) -> Addr {
    Addr::from_v6([0xfd, 0, 0, 0, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host])
}

impl Site {
    /// That of a run.
    pub(super) fn of(seed: u64) -> Self {
        if seed % 3 == 2 { IPV6 } else { IPV4 }
    }

    /// The second address of a host.
    pub(super) fn other(&self, at: usize) -> Cidr {
        Cidr::new(self.others[at], self.prefix)
    }

    /// Of most sockets.
    pub(super) fn family(&self) -> i32 {
        self.families[0]
    }

    /// The largest packets that links may take.
    pub(super) fn mtus(&self) -> [u32; 3] {
        if self.any == Addr::V4_ANY { [576, 1500, 9000] } else { [1280, 1500, 9000] }
    }
}

pub(super) const PORT: u16 = 7;

/// How a datagram is given to its socket, and taken from it.
#[derive(Clone, Copy)]
enum Way {
    Short,
    General,
}

impl Way {
    fn send(self, host: &mut Host, socket: SocketId, data: &[u8], to: Option<&Address>, flags: MsgFlags) -> Result<usize, Errno> {
        let pieces: [&[u8]; 2] = [data, &[]];
        let data = match self {
            Self::Short => &pieces[..1],
            Self::General => &pieces[..],
        };
        host.stack.sendmsg(socket, &Message { data, to, flags, ..Message::default() })
    }

    fn receive(self, host: &mut Host, socket: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        match self {
            Self::Short => host.stack.recv(socket, into, flags),
            Self::General => host.stack.recvfrom(socket, into, flags).map(|(len, _)| len),
        }
    }
}

/// What can be known of a run.
#[derive(PartialEq)]
struct Seen {
    digest: Digest,
    results: Vec<Result<usize, Errno>>,
    received: Digest,
    hosts: [String; 2],
}

#[test]
fn nobody_can_tell_short_datagrams_from_others() {
    for seed in seeds(0..150) {
        let (short, general) = (converse(seed, Way::Short), converse(seed, Way::General));
        let other = short.results.iter().zip(&general.results).position(|(short, general)| short != general);
        assert_eq!(other, None, "which call gave something else, LOGGIA_SEED={seed}");
        assert_eq!(short.hosts, general.hosts, "LOGGIA_SEED={seed}");
        assert!(short == general, "other frames, events or bytes, LOGGIA_SEED={seed}");
    }
}

fn converse(seed: u64, way: Way) -> Seen {
    let mut random = Random::new(seed, 9);
    let site = &Site::of(seed);
    let hosts = [0, 1].map(|at| host(site, seed, at, &mut random));
    let delay = Duration::from_micros(random.between(10, 5_000));
    let mut world = World::new(seed, hosts, Conditions { delay, ..Conditions::default() });
    world.record_events();
    // Whoever wants to hear of calls makes them go the general way.
    world.hosts.iter_mut().for_each(|host| host.stack.listen_events(class::ALL & !class::CALLS));
    let sockets = [0, 1].map(|at| socket(site, &mut world.hosts[at], at, &mut random));
    let (mut results, mut received, mut rivals) = (Vec::new(), Digest::default(), [None; 2]);
    for _ in 0..300 {
        let at = random.below(2) as usize;
        let (host, socket) = (&mut world.hosts[at], sockets[at]);
        match random.below(10) {
            0..4 => {
                let (len, to) =
                    (random.one_of(&[0, 1, 64, 65, 1472, 1473, 4000, 65_507, 65_508]), destination(site, at, &mut random));
                results.push(way.send(host, socket, &vec![at as u8; len], to.as_ref(), flags(&mut random)));
            }
            4..7 => {
                let (mut into, flags) =
                    ([0; 2000], random.one_of(&[MsgFlags::NONE, MsgFlags::DONTWAIT, MsgFlags::PEEK, MsgFlags::TRUNC]));
                let len = random.one_of(&[0, 10, 2000]);
                results.push(way.receive(host, socket, &mut into[..len], flags));
                received.bytes(&into);
            }
            7 if random.chance(0.2) => rivals[at] = rival(site, host, at, rivals[at], &mut random),
            7 => results.push(change(site, host, at, socket, &mut random)),
            _ => {
                let until = world.now + Duration::from_millis(random.one_of(&[1, 3, 30]));
                while world.now < until && world.step(until) {}
            }
        }
    }
    let end = world.now + Duration::from_secs(40);
    while world.now < end && world.step(end) {}
    let hosts = world.hosts.each_ref().map(|host| format!("{:?} {:?}", host.stack.memory(), host.stack.counters()));
    Seen { digest: world.digest, results, received, hosts }
}

fn host(site: &Site, seed: u64, at: usize, random: &mut Random) -> Host {
    let mut host = Host::new(seed + at as u64, site.hosts[at], random.one_of(&site.mtus()));
    host.stack.add_address(host.link, site.other(at)).expect("another address");
    host
}

/// Bound or not, connected or not, also of the other family.
pub(super) fn socket(site: &Site, host: &mut Host, at: usize, random: &mut Random) -> SocketId {
    let family = random.one_of(&site.families);
    let socket = host.stack.socket(family, SOCK_DGRAM, 0).expect("a socket");
    host.set(socket, so::LEVEL, so::SO_REUSEADDR, 1);
    if random.chance(0.8) {
        let any = if family == AF_INET { Addr::V4_ANY } else { Addr::V6_ANY };
        host.stack.bind(socket, &address(SockAddr::new(any, PORT))).expect("a free port");
    }
    if random.chance(0.5) {
        host.stack.connect(socket, &name(family, site.hosts[1 - at], PORT)).expect("it is there");
    }
    socket
}

/// A second socket at the same port, whose part of the datagrams nobody reads, comes or goes.
pub(super) fn rival(site: &Site, host: &mut Host, at: usize, there: Option<SocketId>, random: &mut Random) -> Option<SocketId> {
    if let Some(socket) = there {
        host.close(socket);
        return None;
    }
    // Memory may be used up.
    let socket = host.stack.socket(site.family(), SOCK_DGRAM, 0).ok()?;
    host.set(socket, so::LEVEL, so::SO_REUSEADDR, 1);
    host.stack.bind(socket, &name(site.family(), site.hosts[at], PORT)).expect("it may be shared");
    if random.chance(0.3) {
        // Without a route it stays as it is.
        let _ = host.stack.connect(socket, &name(site.family(), site.hosts[1 - at], PORT));
    }
    Some(socket)
}

pub(super) fn name(family: i32, addr: Addr, port: u16) -> Address {
    let addr = SockAddr::new(addr, port);
    if family == AF_INET { Address::Inet(addr) } else { Address::Inet6 { addr, flowinfo: 0 } }
}

/// Mostly nobody named, or the same as before.
pub(super) fn destination(site: &Site, at: usize, random: &mut Random) -> Option<Address> {
    let (there, here) = (site.hosts[1 - at], site.hosts[at]);
    let addr = random.one_of(&[there, there, there, there, site.others[1 - at], here, site.many, site.elsewhere.0, site.any]);
    let port = random.one_of(&[PORT, PORT, PORT, 9, 0]);
    random.chance(0.6).then(|| name(random.one_of(&site.families), addr, port))
}

pub(super) fn flags(random: &mut Random) -> MsgFlags {
    let few = [MsgFlags::DONTWAIT, MsgFlags::MORE, MsgFlags::DONTROUTE, MsgFlags::CONFIRM, MsgFlags::OOB];
    if random.chance(0.8) { MsgFlags::NONE } else { random.one_of(&few) }
}

/// Something changes on a host or at its socket.
pub(super) fn change(site: &Site, host: &mut Host, at: usize, socket: SocketId, random: &mut Random) -> Result<usize, Errno> {
    let (link, way) = (host.link, Cidr::new(site.elsewhere.0, site.elsewhere.1));
    let result = match random.below(14) {
        0 => host.stack.connect(socket, &name(site.family(), site.hosts[1 - at], random.one_of(&[PORT, 9]))),
        1 => host.stack.connect(socket, &Address::Unspecified),
        2 => host.stack.remove_address(link, site.others[at]).and_then(|()| host.stack.add_address(link, site.other(at))),
        3 if random.chance(0.2) => host.stack.remove_address(link, site.others[at]),
        4 => host.stack.set_up(link, random.chance(0.7)),
        5 => host.stack.set_up(link, true),
        6 => host.stack.set_mtu(link, random.one_of(&site.mtus())),
        7 => host.stack.add_route(way, Some(site.hosts[1 - at]), link, 1),
        8 => host.stack.remove_route(way, None, link),
        9 => {
            let hops = random.one_of(&[64, 32]);
            host.stack.configure_network(|config| (config.ipv4.default_ttl, config.ipv6.hop_limit) = (hops, hops));
            Ok(())
        }
        10 if random.chance(0.1) => host.stack.shutdown(socket, random.one_of(&[0, 1])),
        11 if random.chance(0.2) => host.stack.remove_route(Cidr::new(site.subnet, site.prefix), None, link),
        12 => host.stack.add_route(Cidr::new(site.subnet, site.prefix), None, link, 1),
        _ => {
            let (level, option, values) = random.one_of(&[
                (IPPROTO_IP, ip::IP_TTL, [1, 64, 200]),
                (IPPROTO_IP, ip::IP_TOS, [0, 4, 0x10]),
                (IPPROTO_IP, ip::IP_MTU_DISCOVER, [0, 1, 2]),
                (IPPROTO_IP, ip::IP_MTU_DISCOVER, [1, 1, 3]),
                (IPPROTO_IP, ip::IP_RECVERR, [0, 1, 1]),
                (IPPROTO_IPV6, ipv6::IPV6_UNICAST_HOPS, [1, 64, 200]),
                (IPPROTO_IPV6, ipv6::IPV6_TCLASS, [0, 4, 0x10]),
                (IPPROTO_IPV6, ipv6::IPV6_MTU_DISCOVER, [0, 1, 2]),
                (IPPROTO_IPV6, ipv6::IPV6_DONTFRAG, [0, 1, 0]),
                (IPPROTO_IPV6, ipv6::IPV6_RECVERR, [0, 1, 1]),
                (IPPROTO_UDP, udp::UDP_SEGMENT, [0, 0, 50]),
                (IPPROTO_UDP, udp::UDP_CORK, [0, 0, 1]),
                (so::LEVEL, so::SO_BROADCAST, [0, 1, 1]),
                (so::LEVEL, so::SO_NO_CHECK, [0, 0, 1]),
                (so::LEVEL, so::SO_DONTROUTE, [0, 0, 1]),
            ]);
            host.stack.setsockopt(socket, level, option, &i32::to_ne_bytes(random.one_of(&values)))
        }
    };
    result.map(|()| 0)
}

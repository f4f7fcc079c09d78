//! A datagram that goes where the one before it went, and one that is only copied out, go short ways. The same in two pieces, and received with
//! its sender, goes the general ways. Nobody can tell them apart, whatever is changed between two datagrams.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{Addr, Cidr, Errno, MsgFlags, SockAddr, SocketId};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, IPPROTO_IP, IPPROTO_UDP, SOCK_DGRAM, ip, sol_socket as so, udp};
use loggia_stack::socket::{Address, Message};

use crate::sim::host::address;
use crate::sim::{Conditions, Digest, Host, Random, World, seeds};

pub(super) const HOSTS: [Addr; 2] = [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)];
/// A second address of either.
pub(super) const OTHERS: [Addr; 2] = [Addr::v4(10, 0, 0, 11), Addr::v4(10, 0, 0, 12)];
const SUBNET: Addr = Addr::v4(10, 0, 0, 0);
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
    let hosts = [0, 1].map(|at| host(seed, at, &mut random));
    let delay = Duration::from_micros(random.between(10, 5_000));
    let mut world = World::new(seed, hosts, Conditions { delay, ..Conditions::default() });
    world.record_events();
    // Whoever wants to hear of calls makes them go the general way.
    world.hosts.iter_mut().for_each(|host| host.stack.listen_events(class::ALL & !class::CALLS));
    let sockets = [0, 1].map(|at| socket(&mut world.hosts[at], at, &mut random));
    let (mut results, mut received, mut rivals) = (Vec::new(), Digest::default(), [None; 2]);
    for _ in 0..300 {
        let at = random.below(2) as usize;
        let (host, socket) = (&mut world.hosts[at], sockets[at]);
        match random.below(10) {
            0..4 => {
                let (len, to) = (random.one_of(&[0, 1, 64, 65, 1472, 1473, 4000, 65_507, 65_508]), destination(at, &mut random));
                results.push(way.send(host, socket, &vec![at as u8; len], to.as_ref(), flags(&mut random)));
            }
            4..7 => {
                let (mut into, flags) =
                    ([0; 2000], random.one_of(&[MsgFlags::NONE, MsgFlags::DONTWAIT, MsgFlags::PEEK, MsgFlags::TRUNC]));
                let len = random.one_of(&[0, 10, 2000]);
                results.push(way.receive(host, socket, &mut into[..len], flags));
                received.bytes(&into);
            }
            7 if random.chance(0.2) => rivals[at] = rival(host, at, rivals[at], &mut random),
            7 => results.push(change(host, at, socket, &mut random)),
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

fn host(seed: u64, at: usize, random: &mut Random) -> Host {
    let mut host = Host::new(seed + at as u64, HOSTS[at], random.one_of(&[576, 1500, 9000]));
    host.stack.add_address(host.link, Cidr::new(OTHERS[at], 24)).expect("another address");
    host
}

/// Bound or not, connected or not, also of the other family.
pub(super) fn socket(host: &mut Host, at: usize, random: &mut Random) -> SocketId {
    let family = random.one_of(&[AF_INET, AF_INET, AF_INET6]);
    let socket = host.stack.socket(family, SOCK_DGRAM, 0).expect("a socket");
    host.set(socket, so::LEVEL, so::SO_REUSEADDR, 1);
    if random.chance(0.8) {
        let any = if family == AF_INET { Addr::V4_ANY } else { Addr::V6_ANY };
        host.stack.bind(socket, &address(SockAddr::new(any, PORT))).expect("a free port");
    }
    if random.chance(0.5) {
        host.stack.connect(socket, &name(family, HOSTS[1 - at], PORT)).expect("it is there");
    }
    socket
}

/// A second socket at the same port, whose part of the datagrams nobody reads, comes or goes.
pub(super) fn rival(host: &mut Host, at: usize, there: Option<SocketId>, random: &mut Random) -> Option<SocketId> {
    if let Some(socket) = there {
        host.close(socket);
        return None;
    }
    // Memory may be used up.
    let socket = host.stack.socket(AF_INET, SOCK_DGRAM, 0).ok()?;
    host.set(socket, so::LEVEL, so::SO_REUSEADDR, 1);
    host.stack.bind(socket, &name(AF_INET, HOSTS[at], PORT)).expect("it may be shared");
    if random.chance(0.3) {
        // Without a route it stays as it is.
        let _ = host.stack.connect(socket, &name(AF_INET, HOSTS[1 - at], PORT));
    }
    Some(socket)
}

pub(super) fn name(family: i32, addr: Addr, port: u16) -> Address {
    let addr = SockAddr::new(addr, port);
    if family == AF_INET { Address::Inet(addr) } else { Address::Inet6 { addr, flowinfo: 0 } }
}

/// Mostly nobody named, or the same as before.
pub(super) fn destination(at: usize, random: &mut Random) -> Option<Address> {
    let (there, here) = (HOSTS[1 - at], HOSTS[at]);
    let addr = random.one_of(&[
        there,
        there,
        there,
        there,
        OTHERS[1 - at],
        here,
        Addr::v4(10, 0, 0, 255),
        Addr::v4(10, 9, 9, 9),
        Addr::V4_ANY,
    ]);
    let port = random.one_of(&[PORT, PORT, PORT, 9, 0]);
    random.chance(0.6).then(|| name(random.one_of(&[AF_INET, AF_INET, AF_INET6]), addr, port))
}

pub(super) fn flags(random: &mut Random) -> MsgFlags {
    let few = [MsgFlags::DONTWAIT, MsgFlags::MORE, MsgFlags::DONTROUTE, MsgFlags::CONFIRM, MsgFlags::OOB];
    if random.chance(0.8) { MsgFlags::NONE } else { random.one_of(&few) }
}

/// Something changes on a host or at its socket.
pub(super) fn change(host: &mut Host, at: usize, socket: SocketId, random: &mut Random) -> Result<usize, Errno> {
    let (link, way) = (host.link, Cidr::new(Addr::v4(10, 9, 0, 0), 16));
    let result = match random.below(14) {
        0 => host.stack.connect(socket, &name(AF_INET, HOSTS[1 - at], random.one_of(&[PORT, 9]))),
        1 => host.stack.connect(socket, &Address::Unspecified),
        2 => host.stack.remove_address(link, OTHERS[at]).and_then(|()| host.stack.add_address(link, Cidr::new(OTHERS[at], 24))),
        3 if random.chance(0.2) => host.stack.remove_address(link, OTHERS[at]),
        4 => host.stack.set_up(link, random.chance(0.7)),
        5 => host.stack.set_up(link, true),
        6 => host.stack.set_mtu(link, random.one_of(&[576, 1500, 9000])),
        7 => host.stack.add_route(way, Some(HOSTS[1 - at]), link, 1),
        8 => host.stack.remove_route(way, None, link),
        9 => {
            host.stack.configure_network(|config| config.ipv4.default_ttl = random.one_of(&[64, 32]));
            Ok(())
        }
        10 if random.chance(0.1) => host.stack.shutdown(socket, random.one_of(&[0, 1])),
        11 if random.chance(0.2) => host.stack.remove_route(Cidr::new(SUBNET, 24), None, link),
        12 => host.stack.add_route(Cidr::new(SUBNET, 24), None, link, 1),
        _ => {
            let (level, option, values) = random.one_of(&[
                (IPPROTO_IP, ip::IP_TTL, [1, 64, 200]),
                (IPPROTO_IP, ip::IP_TOS, [0, 4, 0x10]),
                (IPPROTO_IP, ip::IP_MTU_DISCOVER, [0, 1, 2]),
                (IPPROTO_IP, ip::IP_MTU_DISCOVER, [1, 1, 3]),
                (IPPROTO_IP, ip::IP_RECVERR, [0, 1, 1]),
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

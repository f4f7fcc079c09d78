//! A short message goes the short way, from call to frame in one go; the same bytes in two pieces go the general way. Nobody can tell them apart:
//! not by frames and events, not by what is counted, not by memory. `doings` has all else that may be set and done on the way.

mod doings;

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{Addr, Errno, Instant, MsgFlags, SockAddr, SocketId};
use loggia_stack::link::{LinkConfig, Mac, Medium};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::numbers::{AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_RAW, tcp};
use loggia_stack::socket::{Message, Permission};

use crate::sim::host::{address, ip_link};
use crate::sim::{Conditions, Digest, Host, Random, World, seeds};

/// Those of a run: of IPv6 each third. Each fourth is on an Ethernet.
fn ends_of(seed: u64) -> [Addr; 2] {
    let v6 = |host| Addr::from_v6([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    if seed % 3 == 2 { [v6(1), v6(2)] } else { [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)] }
}

/// How a message is given to its socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Short,
    General,
    /// The short way, by hosts that look up everything anew.
    Anew,
    /// The short way, by hosts on which somebody wants to look at packets: each goes up layer by layer.
    Watched,
}

impl Way {
    fn write(self, host: &mut Host, socket: SocketId, message: &[u8], flags: MsgFlags) -> Result<usize, Errno> {
        match self {
            Self::Short | Self::Anew | Self::Watched => host.stack.send(socket, message, flags),
            Self::General => host.stack.sendmsg(socket, &Message { data: &[message, &[]], flags, ..Message::default() }),
        }
    }

    fn read(self, host: &mut Host, socket: SocketId, into: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
        match self {
            Self::Short | Self::Anew | Self::Watched => host.stack.recv(socket, into, flags),
            Self::General => host.stack.recvfrom(socket, into, flags).map(|(len, _)| len),
        }
    }
}

/// What can be known of a run.
#[derive(PartialEq, Debug)]
struct Seen {
    digest: Digest,
    results: Vec<Result<usize, Errno>>,
    hosts: [String; 2],
}

/// What the hosts are like, and what happens besides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// As Linux has it, and only data goes to and fro.
    Plain,
    /// Any settings, any options in between, other paths, waits of any length, ends.
    Full,
}

#[test]
fn nobody_can_tell_short_messages_from_others() {
    for seed in seeds(0..60) {
        let [short, general] = [Way::Short, Way::General].map(|way| converse(seed, way, Life::Plain));
        assert_eq!(short, general, "LOGGIA_SEED={seed}");
    }
}

#[test]
fn nobody_can_whatever_else_is_set_and_done() {
    for seed in seeds(0..200) {
        let [short, general] = [Way::Short, Way::General].map(|way| converse(seed, way, Life::Full));
        assert_eq!(short, general, "LOGGIA_SEED={seed}");
    }
}

/// What is remembered of routes, judged addresses and ways is never anything else than what would be found.
#[test]
fn nobody_can_tell_who_remembers_from_who_looks_anew() {
    for seed in seeds(0..120) {
        let [remembers, anew] = [Way::Short, Way::Anew].map(|way| converse(seed, way, Life::Full));
        assert_eq!(remembers, anew, "LOGGIA_SEED={seed}");
    }
}

/// A segment that is looked at once, where it lies, goes where it would have gone layer by layer.
#[test]
fn nobody_can_tell_who_looks_at_segments_at_once() {
    for seed in seeds(0..200) {
        let life = if seed % 2 == 0 { Life::Plain } else { Life::Full };
        let [at_once, watched] = [Way::Short, Way::Watched].map(|way| converse(seed, way, life));
        assert_eq!(at_once, watched, "LOGGIA_SEED={seed}");
    }
}

fn conditions(random: &mut Random) -> Conditions {
    let delay = Duration::from_micros(random.between(10, 20_000));
    let loss = if random.chance(0.5) { 0.02 } else { 0.0 };
    Conditions { delay, loss, reorder: loss, late: delay / 2, ..Conditions::default() }
}

fn converse(seed: u64, way: Way, life: Life) -> Seen {
    let mut random = Random::new(seed, 7);
    let hosts = [0, 1].map(|number| host(seed, number, &mut random, life));
    let mut world = World::new(seed, hosts, conditions(&mut random));
    world.record_events();
    world.forgets = way == Way::Anew;
    for host in &mut world.hosts {
        // In the place of the socket that would look at another protocol's packets stands one that looks at none.
        let (ty, protocol) = if way == Way::Watched { (SOCK_RAW, 253) } else { (SOCK_DGRAM, 0) };
        host.stack.socket(AF_INET, ty, protocol).expect("a socket");
    }
    // Whoever wants to hear of calls makes them go the general way.
    world.hosts.iter_mut().for_each(|host| host.stack.listen_events(class::ALL & !class::CALLS));
    let fast = life == Life::Full && random.chance(0.3);
    let (ends, until) = (open(&mut world, ends_of(seed), fast), Duration::from_secs(20));
    if random.chance(0.5) {
        world.hosts[0].set(ends[0], IPPROTO_TCP, tcp::TCP_NODELAY, 1);
    }
    let mut results = Vec::new();
    for _ in 0..300 {
        let at = random.below(2) as usize;
        if life == Life::Full && random.chance(0.15) {
            results.push(doings::something_else(&mut world, at, ends[at], &mut random));
            continue;
        }
        match random.below(4) {
            0 | 1 => {
                let (len, flags) = (random.one_of(&[1, 64, 500, 1448, 1449, 5000]), flags(&mut random));
                results.push(way.write(&mut world.hosts[at], ends[at], &vec![at as u8; len], flags));
            }
            2 => {
                let flags = random.one_of(&[MsgFlags::NONE, MsgFlags::NONE, MsgFlags::DONTWAIT, MsgFlags::PEEK, MsgFlags::OOB]);
                let mut room = vec![0; random.one_of(&[3000, 3000, 0, 1, 700])];
                results.push(way.read(&mut world.hosts[at], ends[at], &mut room, flags));
                world.digest.bytes(&room);
            }
            _ => pass(&mut world, Duration::from_millis(random.one_of(&[1, 30, 900]))),
        }
    }
    pass(&mut world, until);
    let hosts = [0, 1].map(|at| told(&mut world.hosts[at], ends[at]));
    Seen { digest: world.digest, results, hosts }
}

fn host(seed: u64, number: u64, random: &mut Random, life: Life) -> Host {
    let address = ends_of(seed)[number as usize];
    let small = if address.is_v4() { 576 } else { 1280 };
    let mtu = if number == 0 { 1500 } else { random.one_of(&[small, 1500]) };
    let medium = match seed % 4 {
        1 => Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, number as u8]), vlan: if seed % 8 == 5 { Some(7) } else { None } },
        _ => Medium::Ip,
    };
    Host::with(seed + number, address, LinkConfig { medium, ..ip_link(mtu) }, |config| {
        config.socket.net_raw = Permission::Granted;
        // Addresses are there at once.
        config.network.ipv6.link_defaults = LinkSettings::MANUAL;
        if life == Life::Full {
            doings::settings(config, random);
        }
    })
}

/// Lets so much time pass.
fn pass(world: &mut World, time: Duration) {
    let until = world.now + time;
    while world.now < until && world.step(until) {}
}

/// Counters, memory, and what `TCP_INFO` says.
fn told(host: &mut Host, socket: SocketId) -> String {
    let mut info = [0; 300];
    // Of one that was closed there is nothing to tell.
    let len = host.stack.getsockopt(socket, IPPROTO_TCP, tcp::TCP_INFO, &mut info).unwrap_or_default();
    format!("{:?} {:?} {:?}", &info[..len], host.stack.memory(), host.stack.counters())
}

fn flags(random: &mut Random) -> MsgFlags {
    random.one_of(&[MsgFlags::NONE, MsgFlags::NONE, MsgFlags::NONE, MsgFlags::MORE, MsgFlags::EOR, MsgFlags::OOB])
}

/// A connection from the client to the server, which data opens if it is to be `fast`.
fn open(world: &mut World, [client, server]: [Addr; 2], fast: bool) -> [SocketId; 2] {
    let listener = world.hosts[1].listen(server, 80, 1);
    let client = world.hosts[0].tcp(client);
    let to = SockAddr::new(server, 80);
    if fast {
        world.hosts[1].set(listener, IPPROTO_TCP, tcp::TCP_FASTOPEN, 5);
        let flags = MsgFlags::FASTOPEN | MsgFlags::DONTWAIT;
        let opening = Message { data: &[b"hello"], to: Some(&address(to)), flags, ..Message::default() };
        // Whether it carries anything is for the settings to say.
        let _ = world.hosts[0].stack.sendmsg(client, &opening);
    } else {
        world.hosts[0].connect(client, to);
    }
    loop {
        assert!(world.step(Instant::from_secs(100)), "it opens");
        if let Some(server) = world.hosts[1].accept(listener) {
            return [client, server];
        }
    }
}

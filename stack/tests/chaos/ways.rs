//! A short message goes the short way, from call to frame in one go; the same bytes in two pieces go the general way. Nobody can tell them apart:
//! not by frames and events, not by what is counted, not by memory.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{Addr, Errno, Instant, MsgFlags, SockAddr, SocketId};
use loggia_stack::socket::Message;
use loggia_stack::socket::numbers::{IPPROTO_TCP, tcp};

use crate::sim::{Conditions, Digest, Host, Random, World, seeds};

const CLIENT: Addr = Addr::v4(10, 0, 0, 1);
const SERVER: Addr = Addr::v4(10, 0, 0, 2);

/// How a message is given to its socket.
#[derive(Clone, Copy)]
enum Way {
    Short,
    General,
}

impl Way {
    fn write(self, host: &mut Host, socket: SocketId, message: &[u8], flags: MsgFlags) -> Result<usize, Errno> {
        match self {
            Self::Short => host.stack.send(socket, message, flags),
            Self::General => host.stack.sendmsg(socket, &Message { data: &[message, &[]], flags, ..Message::default() }),
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

#[test]
fn nobody_can_tell_short_messages_from_others() {
    for seed in seeds(0..60) {
        assert_eq!(converse(seed, Way::Short), converse(seed, Way::General), "LOGGIA_SEED={seed}");
    }
}

fn conditions(random: &mut Random) -> Conditions {
    let delay = Duration::from_micros(random.between(10, 20_000));
    let loss = if random.chance(0.5) { 0.02 } else { 0.0 };
    Conditions { delay, loss, reorder: loss, late: delay / 2, ..Conditions::default() }
}

fn converse(seed: u64, way: Way) -> Seen {
    let mut random = Random::new(seed, 7);
    let hosts = [Host::new(seed, CLIENT, 1500), Host::new(seed + 1, SERVER, random.one_of(&[576, 1500]))];
    let mut world = World::new(seed, hosts, conditions(&mut random));
    world.record_events();
    // Whoever wants to hear of calls makes them go the general way.
    world.hosts.iter_mut().for_each(|host| host.stack.listen_events(class::ALL & !class::CALLS));
    let (ends, until) = (open(&mut world), Duration::from_secs(20));
    if random.chance(0.5) {
        world.hosts[0].set(ends[0], IPPROTO_TCP, tcp::TCP_NODELAY, 1);
    }
    let mut results = Vec::new();
    for _ in 0..300 {
        let at = random.below(2) as usize;
        match random.below(4) {
            0 | 1 => {
                let (len, flags) = (random.one_of(&[1, 64, 500, 1448, 1449, 5000]), flags(&mut random));
                results.push(way.write(&mut world.hosts[at], ends[at], &vec![at as u8; len], flags));
            }
            2 => results.push(world.hosts[at].read(ends[at], &mut [0; 3000])),
            _ => {
                let until = world.now + Duration::from_millis(random.one_of(&[1, 30, 900]));
                while world.now < until && world.step(until) {}
            }
        }
    }
    let end = world.now + until;
    while world.now < end && world.step(end) {}
    let hosts = [0, 1].map(|at| told(&mut world.hosts[at], ends[at]));
    Seen { digest: world.digest, results, hosts }
}

/// Counters, memory, and what `TCP_INFO` says.
fn told(host: &mut Host, socket: SocketId) -> String {
    let mut info = [0; 300];
    let len = host.stack.getsockopt(socket, IPPROTO_TCP, tcp::TCP_INFO, &mut info).expect("a TCP socket");
    format!("{:?} {:?} {:?}", &info[..len], host.stack.memory(), host.stack.counters())
}

fn flags(random: &mut Random) -> MsgFlags {
    random.one_of(&[MsgFlags::NONE, MsgFlags::NONE, MsgFlags::NONE, MsgFlags::MORE, MsgFlags::EOR, MsgFlags::OOB])
}

/// A connection from the client to the server.
fn open(world: &mut World) -> [SocketId; 2] {
    let listener = world.hosts[1].listen(SERVER, 80, 1);
    let client = world.hosts[0].tcp(CLIENT);
    world.hosts[0].connect(client, SockAddr::new(SERVER, 80));
    loop {
        assert!(world.step(Instant::from_secs(100)), "it opens");
        if let Some(server) = world.hosts[1].accept(listener) {
            return [client, server];
        }
    }
}

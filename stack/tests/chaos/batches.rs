//! `sendmmsg` and `recvmmsg` send and take datagrams in runs, and frames that arrive together are looked at together. One by one, by calls of their own
//! and in frames that are given one by one, it comes to the same: nobody can tell by a frame, an event, a result or a byte.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::numbers::{SIOCINQ, sol_socket as so};
use loggia_stack::socket::{Address, Control, Message, Receiving, Sending};

use crate::datagrams::{PORT, Site, change, destination, flags, name, rival, socket};
use crate::sim::world::Arrival;
use crate::sim::{Conditions, Digest, Host, Random, World, seeds};

/// How messages are given to a socket, and taken from it.
#[derive(Clone, Copy, PartialEq)]
enum Calls {
    /// One by one, and frames that arrive together are given one by one too.
    Apart,
    /// One by one.
    Single,
    /// Many at a time, and frames that arrive together lie together.
    Many,
}

/// A message, before it is one of a call.
struct Letter {
    data: Vec<u8>,
    to: Option<Address>,
    flags: MsgFlags,
    control: Vec<Control>,
}

/// What came of a message that was received.
type Got = (usize, Address, MsgFlags, Vec<Control>);

impl Calls {
    /// Says how many bytes of each were taken.
    fn send(self, host: &mut Host, socket: SocketId, letters: &[Letter]) -> Result<Vec<usize>, Errno> {
        let pieces: Vec<[&[u8]; 1]> = letters.iter().map(|letter| [&letter.data[..]]).collect();
        let messages = letters.iter().zip(&pieces).map(|(letter, data)| {
            let Letter { to, flags, control, .. } = letter;
            Message { data, to: to.as_ref(), control, flags: *flags }
        });
        if self == Self::Many {
            let mut messages: Vec<_> = messages.map(Sending::of).collect();
            let sent = host.stack.sendmmsg(socket, &mut messages)?;
            return Ok(messages[..sent].iter().map(|message| message.len).collect());
        }
        let mut lengths = Vec::new();
        for message in messages {
            match host.stack.sendmsg(socket, &message) {
                Ok(len) => lengths.push(len),
                Err(errno) if lengths.is_empty() => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(lengths)
    }

    fn receive(self, host: &mut Host, socket: SocketId, rooms: &mut [Vec<u8>], flags: MsgFlags) -> Result<Vec<Got>, Errno> {
        let mut pieces: Vec<[&mut [u8]; 2]> = rooms.iter_mut().map(|room| two_pieces(room)).collect();
        let mut places: Vec<_> = pieces.iter_mut().map(|into| Receiving::into(into, 100)).collect();
        let mut count = 0;
        if self == Self::Many {
            count = host.stack.recvmmsg(socket, &mut places, flags)?;
        } else {
            for Receiving { into, control_room, received } in &mut places {
                match host.stack.recvmsg(socket, into, *control_room, flags) {
                    Ok(message) => *received = message,
                    Err(errno) if count == 0 => return Err(errno),
                    Err(errno) => {
                        assert_eq!(errno, Errno::EAGAIN, "errors come before datagrams");
                        break;
                    }
                }
                count += 1;
            }
        }
        let got = places.into_iter().take(count).map(|place| place.received);
        Ok(got.map(|received| (received.len, received.from, received.flags, received.control)).collect())
    }
}

fn two_pieces(room: &mut [u8]) -> [&mut [u8]; 2] {
    let third = room.len() / 3;
    room.split_at_mut(third).into()
}

/// What can be known of a run.
#[derive(PartialEq)]
struct Seen {
    digest: Digest,
    results: Vec<String>,
    received: Digest,
    hosts: [String; 2],
    /// Datagrams that came to a socket.
    came: u64,
}

#[test]
fn nobody_can_tell_many_messages_from_single_ones() {
    let mut came = 0;
    for seed in seeds(0..200) {
        let [apart, single, many] = [Calls::Apart, Calls::Single, Calls::Many].map(|calls| converse(seed, calls));
        for other in [&apart, &many] {
            let different = single.results.iter().zip(&other.results).find(|(single, other)| single != other);
            assert_eq!(different, None, "a call gave something else, LOGGIA_SEED={seed}");
            assert_eq!((&single.hosts, single.received), (&other.hosts, other.received), "LOGGIA_SEED={seed}");
        }
        // What errors from the network are told of comes after frames that came with them: only the order of events differs.
        assert!(single == many, "other frames or events, LOGGIA_SEED={seed}");
        came += many.came;
    }
    assert!(came > 50 * 200 || seeds(0..2).count() < 2, "it was hardly about anything: {came}");
}

fn converse(seed: u64, calls: Calls) -> Seen {
    let mut random = Random::new(seed, 10);
    let site = &Site::of(seed);
    let hosts = [0, 1].map(|at| host(site, seed, at, &mut random));
    let mut world = World::new(seed, hosts, conditions(&mut random));
    world.arrival = match calls {
        Calls::Apart => Arrival::Apart,
        Calls::Single => Arrival::Together,
        Calls::Many => Arrival::Gathered,
    };
    world.record_events();
    // Whoever wants to hear of calls makes them go the general way, and whoever wants to hear of each frame makes those be looked at one by one.
    let heard =
        random.one_of(&[class::ALL, class::ALL & !class::CALLS, class::ALL & !class::CALLS, class::DISCARDS | class::NETWORK]);
    world.hosts.iter_mut().for_each(|host| host.stack.listen_events(heard));
    let sockets = [0, 1].map(|at| socket(site, &mut world.hosts[at], at, &mut random));
    for (host, socket) in world.hosts.iter_mut().zip(sockets) {
        host.set(socket, so::LEVEL, so::SO_RCVBUF, random.one_of(&[1000, 20_000, 200_000]));
    }
    let (mut results, mut received, mut rivals) = (Vec::new(), Digest::default(), [None; 2]);
    for _ in 0..120 {
        let at = random.below(2) as usize;
        let (host, socket) = (&mut world.hosts[at], sockets[at]);
        match random.below(12) {
            0..4 => results.push(format!("{:?}", calls.send(host, socket, &letters(site, at, &mut random)))),
            4..7 => {
                let len = random.one_of(&[0, 10, 64, 2000]);
                let mut rooms = vec![vec![0; len]; random.between(1, 100) as usize];
                let told = random.one_of(&[MsgFlags::NONE, MsgFlags::NONE, MsgFlags::DONTWAIT, MsgFlags::PEEK, MsgFlags::TRUNC]);
                results.push(format!("{:?}", calls.receive(host, socket, &mut rooms, told)));
                rooms.iter().for_each(|room| received.bytes(room));
            }
            7 => results.push(format!("{:?}", host.stack.query(socket, SIOCINQ))),
            8 if random.chance(0.2) => rivals[at] = rival(site, host, at, rivals[at], &mut random),
            8 if random.chance(0.5) => results.push(format!("{:?}", change(site, host, at, socket, &mut random))),
            _ => {
                let until = world.now + Duration::from_millis(random.one_of(&[1, 3, 30]));
                while world.now < until && world.step(until) {}
            }
        }
    }
    let end = world.now + Duration::from_secs(40);
    while world.now < end && world.step(end) {}
    let came = world.hosts.iter().map(|host| host.stack.counters().udp.in_datagrams).sum();
    let hosts = world.hosts.each_ref().map(|host| format!("{:?} {:?}", host.stack.memory(), host.stack.counters()));
    Seen { digest: world.digest, results, received, hosts, came }
}

/// On a bare link or an Ethernet, with a long queue or a short one.
fn host(site: &Site, seed: u64, at: usize, random: &mut Random) -> Host {
    let mac = Mac([2, 0, 0, 0, 0, at as u8]);
    let link = LinkConfig {
        name: "eth0".into(),
        medium: random.one_of(&[Medium::Ip, Medium::Ethernet { mac, vlan: None }]),
        mtu: random.one_of(&site.mtus()),
        offloads: Offloads { coalesce: random.chance(0.5), ..Offloads::default() },
        queue_limit: random.one_of(&[3_000, 20_000, 64 << 20]),
    };
    let memory = random.one_of(&[200_000, 64 << 20]);
    let mut host = Host::with(seed + at as u64, site.hosts[at], link, |config| {
        config.memory = memory;
        // Addresses are there at once.
        config.network.ipv6.link_defaults = LinkSettings::MANUAL;
    });
    host.stack.add_address(host.link, site.other(at)).expect("another address");
    host
}

/// Mostly frames arrive together, in order, and unharmed.
fn conditions(random: &mut Random) -> Conditions {
    let rarely = |random: &mut Random| random.one_of(&[0.0, 0.0, 0.0, 0.05]);
    Conditions {
        delay: Duration::from_micros(random.between(10, 5_000)),
        jitter: Duration::from_micros(random.one_of(&[0, 0, 20])),
        loss: rarely(random),
        duplicate: rarely(random),
        corrupt: rarely(random),
        reorder: rarely(random),
        late: Duration::from_micros(100),
        ..Conditions::default()
    }
}

/// Mostly datagrams of one size to one place, with others between.
fn letters(site: &Site, at: usize, random: &mut Random) -> Vec<Letter> {
    let (size, to) = (random.one_of(&[1, 64, 64, 65, 548, 549, 1472, 4000]), destination(site, at, random));
    let to = if random.chance(0.7) { Some(name(site.family(), site.hosts[1 - at], PORT)) } else { to };
    let (count, usual) = (random.one_of(&[1, 2, 3, 20, 70, 150]), random.one_of(&[0.8, 0.99, 1.0]));
    let one = |number: u64| {
        let usual = random.chance(usual);
        let len = if usual { size } else { random.one_of(&[0, 1, size - 1, size, size + 1, 1473, 65_508]) };
        Letter {
            data: vec![number as u8; len],
            to: if usual || random.chance(0.7) { to.clone() } else { destination(site, at, random) },
            flags: if usual || random.chance(0.7) { MsgFlags::NONE } else { flags(random) },
            control: if usual || random.chance(0.7) { Vec::new() } else { vec![Control::Ttl(9)] },
        }
    };
    (0..count).map(one).collect()
}

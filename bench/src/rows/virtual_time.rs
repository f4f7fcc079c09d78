//! Rows 17 and 18: a world of the lab in virtual time, in one thread, with and without a record.

use std::time::Duration;

use loggia_bench::pair::{WRITE, pattern};
use loggia_lab::link::{Chance, Limit, Loss, Queue, QueueKind, Rate, Terms};
use loggia_lab::record::{Folder, Options, Output, Recorder, Snap};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Errno, MsgFlags, Ready, SocketId};
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::{Instant, Seed};

use crate::figure::{Sample, Unit};
use crate::probe::Effort;
use crate::timing::timed;

const CLIENT: HostId = HostId(0);
const SERVER: HostId = HostId(1);

/// A client and a server, a link between them, a connection over it.
pub(super) struct Lab {
    pub(super) world: World,
    client: SocketId,
    server: SocketId,
}

/// A link of a rate and a delay; its queue holds what a round trip takes.
pub(super) fn link(bits: u64, delay: Duration) -> Terms {
    let bytes = (bits as f64 / 8.0 * delay.as_secs_f64() * 2.0) as u64;
    let queue = Queue { kind: QueueKind::DropTail, limit: Limit::Bytes(bytes.max(1 << 20)), ecn: false };
    Terms { delay, rate: Some(Rate::Fixed { bits, burst: 0, overhead: 0 }), queue, ..Terms::default() }
}

impl Lab {
    pub(super) fn new(config: &Config, terms: Terms) -> Self {
        Self::observed(config, terms, |_| {})
    }

    fn observed(config: &Config, terms: Terms, observe: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new(Seed::from(1));
        let frames = Frames::of(&terms);
        let ends = ["client", "server"].map(|name| host(&mut world, name, config.clone(), frames));
        world.connect("link", ends, [terms.clone(), terms]);
        observe(&mut world);
        let (client, server) = connect(&mut world);
        Self { world, client, server }
    }

    /// Sends without end and reads what comes, until so many bytes have come or it is that late; says how many came.
    pub(super) fn bulk(&mut self, amount: usize, until: Instant) -> usize {
        let (source, mut sink) = (pattern(WRITE), vec![0; WRITE]);
        let (mut received, mut writable) = (0, true);
        while received < amount {
            if std::mem::take(&mut writable) {
                while self.world.stack(CLIENT).send(self.client, &source, MsgFlags::NONE).is_ok() {}
                self.world.settle(CLIENT);
            }
            if !self.world.step(until) {
                break;
            }
            let before = received;
            while let Ok(count) = self.world.stack(SERVER).recv(self.server, &mut sink, MsgFlags::NONE) {
                received += count;
            }
            if received > before {
                self.world.settle(SERVER);
            }
            while let Some((host, _, ready)) = self.world.next_ready() {
                writable |= host == CLIENT && ready.contains(Ready::OUT);
            }
        }
        received
    }
}

fn host(world: &mut World, name: &str, config: Config, frames: Frames) -> End {
    let host = world.add_host(name, config);
    let last = host.0 as u8 + 1;
    let mac = Mac([2, 0, 0, 0, 0, last]);
    let port = world.add_port(host, &PortConfig { name: "eth0".into(), mac, mtu: 1500, frames }).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    world.stack(host).add_address(link, Cidr::new(Addr::v4(10, 0, 0, last), 24)).expect("an address");
    world.settle(host);
    End::Host { host, port }
}

fn connect(world: &mut World) -> (SocketId, SocketId) {
    let address = "10.0.0.2:80".parse().expect("an address");
    let listener = world.stack(SERVER).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    world.stack(SERVER).bind(listener, &address).expect("bind");
    world.stack(SERVER).listen(listener, 8).expect("listen");
    world.settle(SERVER);
    let client = world.stack(CLIENT).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    assert_eq!(world.stack(CLIENT).connect(client, &address), Err(Errno::EINPROGRESS));
    world.settle(CLIENT);
    loop {
        assert!(world.step(world.now() + Duration::from_secs(60)), "nothing happens any more");
        if let Ok((server, _)) = world.stack(SERVER).accept(listener) {
            return (client, server);
        }
    }
}

/// Takes everything and keeps nothing: what is measured is the record, not the disk.
struct Nowhere;

impl std::io::Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output for Nowhere {}

impl Folder for Nowhere {
    fn create(&mut self, _: &str) -> std::io::Result<Box<dyn Output>> {
        Ok(Box::new(Self))
    }
}

/// MTU 1500 over a link that loses one packet of a thousand, with captures of headers at both ends: one without a rate, as row 3 has none,
/// whose packets travel together, and one with a rate, whose packets each arrive at a moment of their own.
pub(crate) fn captured(effort: Effort) -> Result<Vec<Sample>, String> {
    let loss = Some(Loss::Independent(Chance { probability: 0.001, correlation: 0.0 }));
    let delay = Duration::from_micros(100);
    let far = Instant::from_secs(3600);
    let run = |what, terms: Terms, amount: usize, recorded: Option<Options>| {
        let (terms, amount) = (Terms { loss: loss.clone(), ..terms }, effort.of(amount));
        let observe = |world: &mut World| {
            if let Some(options) = recorded {
                let recorder = Recorder::new(Box::new(Nowhere), world, options).expect("nowhere has room");
                world.observe(Box::new(recorder));
            }
        };
        let mut lab = Lab::observed(&Config::default(), terms, observe);
        lab.bulk(1 << 20, far);
        let took = timed(|| assert!(lab.bulk(amount, far) >= amount));
        Sample::rate(17, what, "loggia", amount, took)
    };
    let headers = || Some(Options { snap: Snap::Headers, events: false, ..Options::default() });
    let free = || Terms { delay, ..Terms::default() };
    let rated = || link(10_000_000_000, delay);
    Ok(vec![
        run("bulk, MTU 1500, loss 0.1 %", free(), 600 << 20, None),
        run("bulk, MTU 1500, loss 0.1 %, headers captured", free(), 600 << 20, headers()),
        run("bulk, MTU 1500, loss 0.1 %, 10 Gbit/s", rated(), 150 << 20, None),
        run("bulk, MTU 1500, loss 0.1 %, 10 Gbit/s, headers captured", rated(), 150 << 20, headers()),
    ])
}

/// Packets a second of real time that cross a link in virtual time, and what an hour costs in which nothing happens.
pub(crate) fn packets(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(400 << 20);
    let mut lab = Lab::new(&Config::default(), link(1_000_000_000, Duration::from_millis(1)));
    let far = Instant::from_secs(3600);
    lab.bulk(1 << 20, far);
    let crossed = |lab: &Lab| [0, 1].map(|end| lab.world.wires()[0].pipe(end).counts().delivered).iter().sum::<u64>();
    let before = crossed(&lab);
    let took = timed(|| assert!(lab.bulk(amount, far) >= amount));
    let packets = (crossed(&lab) - before) as usize;
    // What is under way arrives, and then the connection is idle.
    lab.world.advance(lab.world.now() + Duration::from_mins(10));
    let hour = lab.world.now() + Duration::from_hours(1);
    let idle = timed(|| lab.world.advance(hour));
    Ok(vec![
        Sample::per_second(18, "packets in virtual time", "loggia", packets, took),
        Sample::new(18, "an idle hour", "loggia", Unit::Micros, idle.as_secs_f64() * 1e6),
    ])
}

//! A client and a server in a world of the lab, in virtual time: a connection over a link, with and without a record.

use std::time::Duration;

use loggia_lab::link::{Chance, Limit, Loss, Queue, QueueKind, Rate, Terms};
use loggia_lab::record::{Folder, Options, Output, Recorder, Snap};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Errno, MsgFlags, Ready, SocketId};
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::{Instant, Seed};

use crate::pair::{WRITE, pattern};

const CLIENT: HostId = HostId(0);
const SERVER: HostId = HostId(1);

/// A client and a server, a link between them, a connection over it.
#[derive(Debug)]
pub struct Lab {
    /// Hosts and link, at their moment.
    pub world: World,
    client: SocketId,
    server: SocketId,
    /// What is sent again and again, and where it is read to.
    source: Vec<u8>,
    sink: Vec<u8>,
}

/// A link of a rate and a delay; its queue holds what a round trip takes.
pub fn link(bits: u64, delay: Duration) -> Terms {
    let bytes = (bits as f64 / 8.0 * delay.as_secs_f64() * 2.0) as u64;
    let queue = Queue { kind: QueueKind::DropTail, limit: Limit::Bytes(bytes.max(1 << 20)), ecn: false };
    Terms { delay, rate: Some(Rate::Fixed { bits, burst: 0, overhead: 0 }), queue, ..Terms::default() }
}

/// A link without a rate that loses one packet of a thousand: packets that are put together travel together.
pub fn lossy(delay: Duration) -> Terms {
    let loss = Some(Loss::Independent(Chance { probability: 0.001, correlation: 0.0 }));
    Terms { delay, loss, ..Terms::default() }
}

impl Lab {
    /// Without a record; both directions of the link have these terms.
    pub fn new(config: &Config, terms: Terms) -> Self {
        Self::observed(config, terms, |_| {})
    }

    /// With captures of headers at both ends, and nothing else of a record, on no disk.
    pub fn captured(config: &Config, terms: Terms) -> Self {
        let options = Options { snap: Snap::Headers, events: false, ..Options::default() };
        Self::observed(config, terms, |world| {
            let recorder = Recorder::new(Box::new(Nowhere), world, options).expect("nowhere has room");
            world.observe(Box::new(recorder));
        })
    }

    fn observed(config: &Config, terms: Terms, observe: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new(Seed::from(1));
        let frames = Frames::of(&terms);
        let ends = ["client", "server"].map(|name| host(&mut world, name, config.clone(), frames));
        world.connect("link", ends, [terms.clone(), terms]);
        observe(&mut world);
        let (client, server) = connect(&mut world);
        Self { world, client, server, source: pattern(WRITE), sink: vec![0; WRITE] }
    }

    /// Sends without end and reads what comes, until so many bytes have come or it is that late; says how many came.
    pub fn bulk(&mut self, amount: usize, until: Instant) -> usize {
        let (mut received, mut writable) = (0, true);
        while received < amount {
            if std::mem::take(&mut writable) {
                while self.world.stack(CLIENT).send(self.client, &self.source, MsgFlags::NONE).is_ok() {}
                self.world.settle(CLIENT);
            }
            if !self.world.step(until) {
                break;
            }
            let before = received;
            while let Ok(count) = self.world.stack(SERVER).recv(self.server, &mut self.sink, MsgFlags::NONE) {
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

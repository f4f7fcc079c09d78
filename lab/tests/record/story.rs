//! A client that asks and a server that answers, in virtual time.

use std::time::Duration;

use loggia_lab::link::Terms;
use loggia_lab::record::{Memory, Options, Recorder};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Errno, Instant, MsgFlags, Ready, SocketId};
use loggia_stack::link::Mac;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM};
use loggia_stack::{Config, Seed};

/// The client's host.
pub(crate) const CLIENT: HostId = HostId(0);
/// The server's host.
pub(crate) const SERVER: HostId = HostId(1);

/// What lies between the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Between {
    /// A link, `wan`.
    #[default]
    Link,
    /// Two links, `left` and `right`, joined by a switch; the terms are those of `right`.
    Switch,
    /// Two links, `left` and `right`, joined by a router; the terms are those of `right`.
    Router,
}

/// What is to happen.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) between: Between,
    pub(crate) v6: bool,
    pub(crate) frames: Frames,
    pub(crate) terms: Terms,
    /// Bytes of each request.
    pub(crate) request: usize,
    /// Bytes of each answer.
    pub(crate) answer: usize,
    /// Requests on the one connection.
    pub(crate) rounds: usize,
    pub(crate) seed: u64,
    pub(crate) options: Options,
    pub(crate) folder: Memory,
}

impl Default for Story {
    fn default() -> Self {
        let options = Options { epoch: Duration::from_secs(1_700_000_000), keep: usize::MAX, ..Options::default() };
        Self {
            between: Between::default(),
            v6: false,
            frames: Frames::Packets,
            terms: Terms { delay: Duration::from_millis(20), ..Terms::default() },
            request: 100,
            answer: 10_000,
            rounds: 3,
            seed: 1,
            options,
            folder: Memory::default(),
        }
    }
}

/// What came of it.
pub(crate) struct Told {
    pub(crate) recorder: Recorder,
    pub(crate) folder: Memory,
    pub(crate) world: World,
}

/// A world of two hosts and a link, and its record.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) recorder: Recorder,
    v6: bool,
}

fn host(world: &mut World, name: &str, last: u8, frames: Frames) -> End {
    let host = world.add_host(name, Config::default());
    let mac = Mac([2, 0, 0, 0, 0, last]);
    let config = PortConfig { name: "eth0".into(), mac, mtu: 1500, frames };
    let port = world.add_port(host, &config).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    for cidr in [Cidr::new(Addr::v4(10, 0, 0, last), 24), Cidr::new(format!("fd00::{last}").parse().expect("an address"), 64)] {
        world.stack(host).add_address(link, cidr).expect("an address");
    }
    world.settle(host);
    End::Host { host, port }
}

/// The hosts believe to be on one network; the router answers for the other side (proxy ARP is not needed: the neighbours are stated).
fn router(world: &mut World, ends: [End; 2], terms: [Terms; 2], frames: Frames) {
    let router = world.add_host("router", Config::default());
    world.stack(router).configure_network(|config| config.ipv4.forward = true);
    let mut far = Vec::new();
    for (port, name) in ["eth0", "eth1"].into_iter().enumerate() {
        let mac = Mac([2, 0, 0, 0, 9, port as u8]);
        let config = PortConfig { name: name.into(), mac, mtu: 1500, frames };
        let number = world.add_port(router, &config).expect("an interface");
        let link = world.hosts()[router.0].link(number);
        let other = port as u8 + 1;
        let net = Cidr::new(Addr::v4(10, 0, 0, other), 32);
        world.stack(router).add_address(link, Cidr::new(Addr::v4(10, 0, 9, other), 24)).expect("an address");
        world.stack(router).add_route(net, None, link, 0).expect("a route");
        world.stack(router).neighbour_set(link, Addr::v4(10, 0, 0, other), Mac([2, 0, 0, 0, 0, other])).expect("a neighbour");
        far.push((End::Host { host: router, port: number }, mac));
    }
    world.settle(router);
    for (end, (host, other)) in [(HostId(0), 2), (HostId(1), 1)].into_iter().enumerate() {
        let link = world.hosts()[host.0].link(0);
        world.stack(host).neighbour_set(link, Addr::v4(10, 0, 0, other), far[end].1).expect("a neighbour");
        world.settle(host);
    }
    world.connect("left", [ends[0], far[0].0], Default::default());
    world.connect("right", [far[1].0, ends[1]], terms);
}

impl Stage {
    pub(crate) fn new(story: &Story) -> Self {
        let mut world = World::new(Seed::from(story.seed));
        let ends = [host(&mut world, "client", 1, story.frames), host(&mut world, "server", 2, story.frames)];
        let terms = || [story.terms.clone(), story.terms.clone()];
        match story.between {
            Between::Link => {
                world.connect("wan", ends, terms());
            }
            Between::Switch => {
                let switch = world.add_switch();
                let left = world.switch_end(switch);
                world.connect("left", [ends[0], left], Default::default());
                let right = world.switch_end(switch);
                world.connect("right", [right, ends[1]], terms());
            }
            Between::Router => router(&mut world, ends, terms(), story.frames),
        }
        let recorder = Recorder::new(Box::new(story.folder.clone()), &world, story.options.clone()).expect("a recorder");
        world.observe(Box::new(recorder.clone()));
        // Duplicate address detection is over.
        world.advance(Instant::from_secs(5));
        Self { world, recorder, v6: story.v6 }
    }

    pub(crate) fn address(&self, port: u16) -> loggia_stack::socket::Address {
        let text = if self.v6 { format!("[fd00::2]:{port}") } else { format!("10.0.0.2:{port}") };
        text.parse().expect("an address")
    }

    pub(crate) fn socket(&mut self, host: HostId, ty: i32) -> SocketId {
        let family = if self.v6 { AF_INET6 } else { AF_INET };
        self.world.stack(host).socket(family, ty, 0).expect("a socket")
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, time: Duration) {
        let moment = self.world.now() + time;
        self.world.advance(moment);
    }

    pub(crate) fn listener(&mut self) -> SocketId {
        let (listener, address) = (self.socket(SERVER, SOCK_STREAM), self.address(80));
        self.world.stack(SERVER).bind(listener, &address).expect("bind");
        self.world.stack(SERVER).listen(listener, 8).expect("listen");
        self.world.settle(SERVER);
        listener
    }

    pub(crate) fn call(&mut self) -> SocketId {
        let (socket, address) = (self.socket(CLIENT, SOCK_STREAM), self.address(80));
        assert_eq!(self.world.stack(CLIENT).connect(socket, &address), Err(Errno::EINPROGRESS));
        self.world.settle(CLIENT);
        socket
    }

    fn next_ready(&mut self) -> Option<(HostId, SocketId, Ready)> {
        let until = self.world.now() + Duration::from_secs(300);
        loop {
            if let Some(ready) = self.world.next_ready() {
                return Some(ready);
            }
            if !self.world.step(until) {
                return None;
            }
        }
    }

    /// Sends as many of `left` bytes as there is room for.
    fn push(&mut self, host: HostId, socket: SocketId, left: &mut usize) {
        while *left > 0 {
            let chunk = vec![b'x'; (*left).min(5000)];
            match self.world.stack(host).send(socket, &chunk, MsgFlags::NONE) {
                Ok(count) => *left -= count,
                Err(_) => break,
            }
        }
        self.world.settle(host);
    }

    /// Receives all there is; says how much, and whether the stream is over.
    fn pull(&mut self, host: HostId, socket: SocketId) -> (usize, bool) {
        let (mut all, mut room) = (0, [0; 3000]);
        let over = loop {
            match self.world.stack(host).recv(socket, &mut room, MsgFlags::NONE) {
                Ok(0) => break true,
                Ok(count) => all += count,
                Err(Errno::EAGAIN) => break false,
                Err(_) => break true,
            }
        };
        self.world.settle(host);
        (all, over)
    }

    fn close(&mut self, host: HostId, socket: SocketId) {
        self.world.stack(host).close(socket).expect("close");
        self.world.settle(host);
    }

    /// Requests and answers over TCP; the client closes first.
    pub(crate) fn ask(&mut self, story: &Story) {
        let listener = self.listener();
        let client = self.call();
        let mut server = None;
        let (mut request, mut answer) = (story.request, 0);
        let (mut asked, mut answered, mut rounds) = (0, 0, 0);
        let mut closed = false;
        while let Some((host, socket, ready)) = self.next_ready() {
            if host == SERVER && socket == listener && server.is_none() {
                server = self.world.stack(SERVER).accept(listener).ok().map(|(socket, _)| socket);
                self.world.settle(SERVER);
            }
            if host == CLIENT && socket == client && !closed && ready.contains(Ready::OUT) {
                self.push(CLIENT, client, &mut request);
            }
            if let Some(server) = server {
                let (count, over) = self.pull(SERVER, server);
                asked += count;
                if asked >= story.request {
                    asked -= story.request;
                    answer += story.answer;
                }
                self.push(SERVER, server, &mut answer);
                if over {
                    self.close(SERVER, server);
                    break;
                }
            }
            if host == CLIENT && !closed {
                answered += self.pull(CLIENT, client).0;
                if answered == story.answer {
                    (answered, rounds) = (0, rounds + 1);
                    request = story.request;
                    if rounds == story.rounds {
                        self.close(CLIENT, client);
                        closed = true;
                    } else {
                        self.push(CLIENT, client, &mut request);
                    }
                }
            }
        }
        assert_eq!(rounds, story.rounds, "the story came to its end");
        let now = self.world.now();
        self.world.advance(now + Duration::from_secs(10));
    }

    /// Datagrams to the server, one every 10 ms.
    pub(crate) fn datagrams(&mut self, count: usize, len: usize) {
        let (server, client, address) = (self.socket(SERVER, SOCK_DGRAM), self.socket(CLIENT, SOCK_DGRAM), self.address(4000));
        self.world.stack(SERVER).bind(server, &address).expect("bind");
        self.world.settle(SERVER);
        for _ in 0..count {
            self.world.stack(CLIENT).sendto(client, &vec![b'd'; len], MsgFlags::NONE, &address).expect("sendto");
            self.world.settle(CLIENT);
            let next = self.world.now() + Duration::from_millis(10);
            self.world.advance(next);
            self.pull(SERVER, server);
        }
        let end = self.world.now() + Duration::from_secs(1);
        self.world.advance(end);
        self.pull(SERVER, server);
        self.close(SERVER, server);
        self.close(CLIENT, client);
    }

    pub(crate) fn end(mut self, story: &Story) -> Told {
        self.world.end();
        Told { recorder: self.recorder, folder: story.folder.clone(), world: self.world }
    }
}

impl Story {
    /// Plays it.
    pub(crate) fn play(&self) -> Told {
        let mut stage = Stage::new(self);
        stage.ask(self);
        stage.end(self)
    }
}

/// Other stories.
impl Stage {
    /// Nobody listens.
    pub(crate) fn refused(&mut self) {
        self.call();
        let end = self.world.now() + Duration::from_secs(1);
        self.world.advance(end);
    }

    /// Nothing comes through, and the client gives up after minutes.
    pub(crate) fn unanswered(&mut self) {
        // Who has an address to send to sends SYNs.
        for (host, other) in [(CLIENT, 2), (SERVER, 1)] {
            let link = self.world.hosts()[host.0].link(0);
            let mac = Mac([2, 0, 0, 0, 0, other]);
            self.world.stack(host).neighbour_set(link, Addr::v4(10, 0, 0, other), mac).expect("a neighbour");
            self.world.settle(host);
        }
        self.call();
        let end = self.world.now() + Duration::from_secs(300);
        self.world.advance(end);
    }

    /// The run ends while the SYN is under way.
    pub(crate) fn cut_short(&mut self) {
        self.call();
        let end = self.world.now() + Duration::from_millis(50);
        self.world.advance(end);
    }

    /// The client sends more than the server has room for; the server reads after two seconds.
    pub(crate) fn stall(&mut self, bytes: usize) {
        let listener = self.listener();
        let client = self.call();
        let mut left = bytes;
        let start = self.world.now();
        self.world.advance(start + Duration::from_millis(200));
        let (server, _) = self.world.stack(SERVER).accept(listener).expect("a connection");
        self.world.settle(SERVER);
        let (mut read, mut now) = (0, start + Duration::from_millis(200));
        while read < bytes {
            self.push(CLIENT, client, &mut left);
            if now >= start + Duration::from_secs(2) {
                read += self.pull(SERVER, server).0;
            }
            now += Duration::from_millis(10);
            self.world.advance(now);
            while self.world.next_ready().is_some() {}
        }
        self.close(CLIENT, client);
        self.world.advance(now + Duration::from_secs(1));
        self.pull(SERVER, server);
        self.close(SERVER, server);
        self.world.advance(now + Duration::from_secs(2));
    }

    /// The client is reset: the server closes with data unread.
    pub(crate) fn reset(&mut self) {
        let listener = self.listener();
        let client = self.call();
        let start = self.world.now();
        self.world.advance(start + Duration::from_millis(100));
        self.push(CLIENT, client, &mut 500);
        self.world.advance(start + Duration::from_millis(200));
        let (server, _) = self.world.stack(SERVER).accept(listener).expect("a connection");
        self.close(SERVER, server);
        self.world.advance(start + Duration::from_secs(1));
    }
}

/// Within one host.
impl Stage {
    /// Three small writes to a stream and one large read, then two messages.
    pub(crate) fn local(&mut self) {
        let name: loggia_stack::socket::Address =
            loggia_stack::socket::Address::Unix(loggia_stack::transport::unix::UnixAddress::Path(b"/run/x"[..].into()));
        let server = self.world.stack(SERVER).socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
        self.world.stack(SERVER).bind(server, &name).expect("bind");
        self.world.stack(SERVER).listen(server, 1).expect("listen");
        let client = self.world.stack(SERVER).socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
        self.world.stack(SERVER).connect(client, &name).expect("connect");
        (0..3).for_each(|_| {
            self.world.stack(SERVER).send(client, &[b'x'; 100], MsgFlags::NONE).expect("send");
        });
        let (accepted, _) = self.world.stack(SERVER).accept(server).expect("accept");
        self.pull(SERVER, accepted);
        let (a, b) = self.world.stack(SERVER).socketpair(AF_UNIX, SOCK_DGRAM, 0).expect("a pair");
        for len in [200, 4000] {
            self.world.stack(SERVER).send(a, &vec![b'd'; len], MsgFlags::NONE).expect("send");
        }
        self.pull(SERVER, b);
    }
}

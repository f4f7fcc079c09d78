//! A small world for tests: stacks joined by wires with a delay, in virtual time. Nothing is random unless a test says so.
#![allow(dead_code)] // Each test uses its part.

use std::collections::VecDeque;
use std::time::Duration;

use loggia_stack::base::{Frame, MsgFlags, Ready};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads, cut};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_STREAM, sol_socket};
use loggia_stack::socket::{Address, Permission};
use loggia_stack::{Errno, Instant, LinkId, Seed, SocketId};

/// A frame on its way.
struct Flight {
    arrives: Instant,
    to: usize,
    link: LinkId,
    frame: Frame,
}

/// A wire between two links.
struct Wire {
    ends: [(usize, LinkId); 2],
    delay: Duration,
}

/// Says of a frame (from which host) whether it gets through.
type Filter = Box<dyn FnMut(usize, &Frame) -> bool>;

/// Hosts, wires, and the moment.
pub(crate) struct Net {
    /// The hosts.
    pub(crate) hosts: Vec<Stack>,
    wires: Vec<Wire>,
    flights: VecDeque<Flight>,
    now: Instant,
    filter: Option<Filter>,
    /// Devices cut what is left to them. Else it arrives as it left, as between two that are joined in memory.
    pub(crate) cuts: bool,
}

/// Settings under which everything is allowed.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.socket.net_raw = Permission::Granted;
    config.socket.net_admin = Permission::Granted;
    config
}

impl Net {
    /// One host that has only its loopback link.
    pub(crate) fn single() -> Self {
        Self::of(1)
    }

    /// Two hosts, 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2, joined by a wire with a delay each way.
    pub(crate) fn pair(delay: Duration) -> Self {
        Self::pair_by(delay, Offloads::default())
    }

    /// The same, by devices that do part of the work themselves.
    pub(crate) fn pair_by(delay: Duration, offloads: Offloads) -> Self {
        let mut net = Self::of(2);
        net.join_by(0, 1, delay, offloads);
        for (host, last) in [(0, 1), (1, 2)] {
            let stack = &mut net.hosts[host];
            stack.add_address(LinkId(2), format!("10.0.0.{last}/24").parse().unwrap()).unwrap();
            stack.add_address(LinkId(2), format!("fd00::{last}/64").parse().unwrap()).unwrap();
        }
        net.run_for(Duration::from_secs(3)); // Addresses are checked for others who have them.
        net
    }

    fn of(count: u64) -> Self {
        let hosts = (0..count).map(|n| Stack::new(config(), Seed::from(n + 1), Instant::EPOCH)).collect();
        Self { hosts, wires: Vec::new(), flights: VecDeque::new(), now: Instant::EPOCH, filter: None, cuts: true }
    }

    /// Joins two hosts by new links.
    pub(crate) fn join(&mut self, a: usize, b: usize, delay: Duration) {
        self.join_by(a, b, delay, Offloads::default());
    }

    fn join_by(&mut self, a: usize, b: usize, delay: Duration, offloads: Offloads) {
        let ends = [a, b].map(|host| (host, Self::add_link(&mut self.hosts[host], offloads)));
        self.wires.push(Wire { ends, delay });
    }

    fn add_link(stack: &mut Stack, offloads: Offloads) -> LinkId {
        let name = format!("eth{}", stack.links().count() - 1);
        let config = LinkConfig { name, medium: Medium::Ip, mtu: 1500, offloads, queue_limit: 1 << 20 };
        let link = stack.add_link(config).unwrap();
        stack.set_up(link, true).unwrap();
        link
    }

    /// The first host alone, with the links it has.
    pub(crate) fn part(&mut self) {
        self.wires.clear();
        self.hosts.truncate(1);
    }

    /// From now on asks of every frame that leaves a host whether it gets through.
    pub(crate) fn filter(&mut self, filter: impl FnMut(usize, &Frame) -> bool + 'static) {
        self.filter = Some(Box::new(filter));
    }

    /// Everything gets through.
    pub(crate) fn unfilter(&mut self) {
        self.filter = None;
    }

    /// The moment.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Puts what hosts have to send onto their wires.
    fn collect(&mut self) {
        for wire in &self.wires {
            for (from, to) in [(0, 1), (1, 0)] {
                let (host, link) = wire.ends[from];
                while let Some(frame) = self.hosts[host].transmit(link) {
                    let passes = self.filter.as_mut().is_none_or(|filter| filter(host, &frame));
                    if passes {
                        let (to, link) = wire.ends[to];
                        let arrives = self.now + wire.delay;
                        let flight = |frame| Flight { arrives, to, link, frame };
                        if self.cuts {
                            self.flights.extend(cut(frame).map(flight));
                        } else {
                            self.flights.push_back(flight(frame));
                        }
                    }
                }
            }
        }
    }

    /// The next moment at which something happens.
    fn next(&self) -> Instant {
        let frame = self.flights.iter().map(|flight| flight.arrives).min().unwrap_or(Instant::NEVER);
        self.hosts.iter().map(Stack::next_deadline).min().unwrap_or(Instant::NEVER).min(frame)
    }

    /// Goes on to the next event, at most to `end`; says whether there was one.
    fn step(&mut self, end: Instant) -> bool {
        self.collect();
        let next = self.next();
        let happens = next <= end;
        self.now = self.now.max(next.min(end));
        for host in &mut self.hosts {
            host.advance(self.now);
        }
        while let Some(at) = self.flights.iter().position(|flight| flight.arrives <= self.now) {
            let Flight { to, link, frame, .. } = self.flights.remove(at).unwrap();
            self.hosts[to].receive(link, frame);
            self.collect();
        }
        happens
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Lets time pass until `done` says so; a test that waits longer than ten minutes of virtual time has failed.
    #[track_caller]
    pub(crate) fn run_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_secs(600);
        while !done(self) {
            assert!(self.step(end) || done(self), "it does not happen:\n{}", self.inspect());
            assert!(self.now < end, "it does not happen in ten minutes:\n{}", self.inspect());
        }
    }

    /// Lets time pass until a socket has one of these bits.
    #[track_caller]
    pub(crate) fn wait(&mut self, host: usize, socket: SocketId, ready: Ready) {
        self.run_until(|net| net.hosts[host].readiness(socket).unwrap().intersects(ready));
    }

    /// All hosts as text.
    pub(crate) fn inspect(&self) -> String {
        self.hosts.iter().map(Stack::inspect).collect()
    }

    /// A TCP connection between the first host (client) and the last (server): both sockets, and the listener.
    #[track_caller]
    pub(crate) fn connect_tcp(&mut self, server: &str) -> (SocketId, SocketId, SocketId) {
        let last = self.hosts.len() - 1;
        let address = addr(server);
        let family = family(&address);
        let listener = self.hosts[last].socket(family, SOCK_STREAM, 0).unwrap();
        self.hosts[last].bind(listener, &address).unwrap();
        self.hosts[last].listen(listener, 128).unwrap();
        let client = self.hosts[0].socket(family, SOCK_STREAM, 0).unwrap();
        assert_eq!(self.hosts[0].connect(client, &address), Err(Errno::EINPROGRESS));
        self.wait(last, listener, Ready::IN);
        let (server, _) = self.hosts[last].accept(listener).unwrap();
        self.wait(0, client, Ready::OUT);
        assert_eq!(self.hosts[0].connect(client, &address), Ok(()));
        (client, server, listener)
    }

    /// Sends all of `data`, waiting for room.
    #[track_caller]
    pub(crate) fn send_all(&mut self, host: usize, socket: SocketId, data: &[u8]) {
        let mut rest = data;
        while !rest.is_empty() {
            match self.hosts[host].send(socket, rest, MsgFlags::NONE) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::EAGAIN) => self.wait(host, socket, Ready::OUT | Ready::ERR),
                Err(error) => panic!("send: {error}"),
            }
        }
    }

    /// Receives exactly `len` bytes, or what comes before the end of the stream.
    #[track_caller]
    pub(crate) fn recv_exact(&mut self, host: usize, socket: SocketId, len: usize) -> Vec<u8> {
        let mut all = vec![0; len];
        let mut done = 0;
        while done < len {
            match self.hosts[host].recv(socket, &mut all[done..], MsgFlags::NONE) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(Errno::EAGAIN) => self.wait(host, socket, Ready::IN),
                Err(error) => panic!("recv: {error}"),
            }
        }
        all.truncate(done);
        all
    }
}

/// An address from text; a failing test says which.
#[track_caller]
pub(crate) fn addr(text: &str) -> Address {
    text.parse().unwrap_or_else(|_| panic!("an address: {text}"))
}

/// The family of an internet address.
pub(crate) fn family(address: &Address) -> i32 {
    if matches!(address, Address::Inet(_)) { AF_INET } else { AF_INET6 }
}

/// Sets an option that is an `int`.
pub(crate) fn set(stack: &mut Stack, socket: SocketId, level: i32, name: i32, value: i32) -> Result<(), Errno> {
    stack.setsockopt(socket, level, name, &value.to_ne_bytes())
}

/// Asks an option that is an `int`.
pub(crate) fn get(stack: &mut Stack, socket: SocketId, level: i32, name: i32) -> Result<i32, Errno> {
    let mut bytes = [0; 4];
    stack.getsockopt(socket, level, name, &mut bytes).map(|_| i32::from_ne_bytes(bytes))
}

/// `SO_ERROR`: the pending error, which is then told.
pub(crate) fn so_error(stack: &mut Stack, socket: SocketId) -> i32 {
    get(stack, socket, sol_socket::LEVEL, sol_socket::SO_ERROR).unwrap()
}

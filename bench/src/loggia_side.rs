//! Two Loggia stacks joined in memory: frames are handed over as they are, as an in-memory link does it. Its defaults (CUBIC, SACK,
//! timestamps), except the buffers' size, which all subjects share; no Nagle.

use std::time::{Duration, Instant as Clock};

use loggia_stack::base::{Addr, Checksum, Cidr, Errno, LinkId, MsgFlags, SockAddr, SocketId};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, IPPROTO_TCP, SOCK_STREAM, sol_socket, tcp};
use loggia_stack::{Instant, Seed};

use crate::workload::{BIG, BUFFER, Pace, WRITE, pattern};

/// One host.
struct Host {
    stack: Stack,
    link: LinkId,
}

impl Host {
    fn new(number: u8, mtu: usize, checksums: bool) -> Self {
        let mut config = Config::default();
        config.socket.rmem_max = BUFFER as u32;
        config.socket.wmem_max = BUFFER as u32;
        let mut stack = Stack::new(config, Seed::from(u64::from(number)), Instant::EPOCH);
        // On a real wire the device would cut and join; here nothing but the wire's own limits counts.
        let offloads = Offloads { checksum: !checksums, segmentation: 0, coalesce: checksums };
        let link = LinkConfig { name: "eth0".into(), medium: Medium::Ip, mtu: mtu as u32, offloads, queue_limit: 64 << 20 };
        let link = stack.add_link(link).expect("a link");
        stack.set_up(link, true).expect("it goes up");
        stack.add_address(link, Cidr::new(address(number).addr, 24)).expect("an address");
        Self { stack, link }
    }

    fn socket(&mut self) -> SocketId {
        let socket = self.stack.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        let mut set =
            |level, name, value: i32| self.stack.setsockopt(socket, level, name, &value.to_ne_bytes()).expect("an option");
        set(sol_socket::LEVEL, sol_socket::SO_RCVBUF, BUFFER as i32);
        set(sol_socket::LEVEL, sol_socket::SO_SNDBUF, BUFFER as i32);
        set(IPPROTO_TCP, tcp::TCP_NODELAY, 1);
        socket
    }

    /// Brings everything that wants to leave over to `other`; true if there was anything.
    fn hand_over(&mut self, other: &mut Self, checksums: bool) -> bool {
        let mut any = false;
        let frames = std::iter::from_fn(|| self.stack.transmit(self.link)).map(|mut frame| {
            any = true;
            if checksums {
                // What a real wire does not carry: that the checksum is known to be right.
                frame.checksum = Checksum::Unknown;
            }
            frame
        });
        other.stack.receive_many(other.link, frames);
        any
    }
}

const PORT: u16 = 80;

fn address(number: u8) -> SockAddr {
    SockAddr::new(Addr::v4(192, 0, 2, number), PORT)
}

/// Where the time comes from.
enum Time {
    /// The machine's clock.
    Real(Clock),
    /// So much later with every connection, so that TIME-WAIT does not use up the ports.
    Virtual(Instant),
}

/// A client and a server on one wire.
struct Pair {
    client: Host,
    server: Host,
    listener: SocketId,
    checksums: bool,
    time: Time,
}

impl Pair {
    fn new(mtu: usize, checksums: bool, time: Time) -> Self {
        let (client, mut server) = (Host::new(1, mtu, checksums), Host::new(2, mtu, checksums));
        let listener = server.socket();
        server.stack.bind(listener, &Address::Inet(address(2))).expect("bind");
        server.stack.listen(listener, 128).expect("listen");
        Self { client, server, listener, checksums, time }
    }

    fn step(&mut self) {
        let now = match &self.time {
            Time::Real(began) => Instant::from_nanos(began.elapsed().as_nanos() as u64),
            Time::Virtual(now) => *now,
        };
        self.client.stack.advance(now);
        self.server.stack.advance(now);
        self.exchange();
    }

    fn exchange(&mut self) {
        while self.client.hand_over(&mut self.server, self.checksums) | self.server.hand_over(&mut self.client, self.checksums) {}
    }

    fn connect(&mut self) -> (SocketId, SocketId) {
        let client = self.client.socket();
        let begun = self.client.stack.connect(client, &Address::Inet(address(2)));
        assert_eq!(begun, Err(Errno::EINPROGRESS));
        loop {
            self.step();
            if let Ok((server, _)) = self.server.stack.accept(self.listener) {
                return (client, server);
            }
        }
    }
}

/// Does what `pace` says.
pub(crate) fn run(pace: Pace, amount: usize) -> Duration {
    let real = Time::Real(Clock::now());
    match pace {
        Pace::Bulk { mtu, checksums, .. } => bulk(&mut Pair::new(mtu, checksums, real), amount),
        Pace::PingPong { .. } => ping_pong(&mut Pair::new(BIG, false, real), amount),
        Pace::Connect { .. } => connections(&mut Pair::new(BIG, false, Time::Virtual(Instant::EPOCH)), amount),
    }
}

fn bulk(pair: &mut Pair, amount: usize) -> Duration {
    let (client, server) = pair.connect();
    let source = pattern(WRITE);
    let mut sink = vec![0u8; WRITE];
    let began = Clock::now();
    let (mut sent, mut received) = (0, 0);
    while received < amount {
        if sent < amount {
            let len = WRITE.min(amount - sent);
            sent += pair.client.stack.send(client, &source[..len], MsgFlags::NONE).unwrap_or(0);
        }
        pair.step();
        while let Ok(count) = pair.server.stack.recv(server, &mut sink, MsgFlags::NONE) {
            received += count;
        }
    }
    began.elapsed()
}

fn ping_pong(pair: &mut Pair, amount: usize) -> Duration {
    let (client, server) = pair.connect();
    let mut byte = [0u8];
    let began = Clock::now();
    for _ in 0..amount {
        pair.client.stack.send(client, b"x", MsgFlags::NONE).expect("room");
        while pair.server.stack.recv(server, &mut byte, MsgFlags::NONE).is_err() {
            pair.step();
        }
        pair.server.stack.send(server, &byte, MsgFlags::NONE).expect("room");
        while pair.client.stack.recv(client, &mut byte, MsgFlags::NONE).is_err() {
            pair.step();
        }
    }
    began.elapsed()
}

fn connections(pair: &mut Pair, amount: usize) -> Duration {
    let mut byte = [0u8];
    let began = Clock::now();
    for _ in 0..amount {
        if let Time::Virtual(now) = &mut pair.time {
            *now += Duration::from_millis(20);
        }
        let (client, server) = pair.connect();
        pair.client.stack.send(client, b"x", MsgFlags::NONE).expect("room");
        while pair.server.stack.recv(server, &mut byte, MsgFlags::NONE).is_err() {
            pair.step();
        }
        // The client closes first, so that TIME-WAIT is the client's.
        pair.client.stack.close(client).expect("open");
        pair.step();
        assert_eq!(pair.server.stack.recv(server, &mut byte, MsgFlags::NONE), Ok(0), "the end");
        pair.server.stack.close(server).expect("open");
        pair.step();
    }
    began.elapsed()
}

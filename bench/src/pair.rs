//! Two stacks of ours joined in memory: frames are handed over as they are, as an in-memory link does it. Defaults of the stack (CUBIC, SACK,
//! timestamps), except the buffers' size where all subjects share one; no Nagle.

use std::iter;
use std::time::{Duration, Instant as Clock};

use loggia_stack::base::{Checksum, Errno, Frame, LinkId, MsgFlags, SockAddr, SocketId};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, sol_socket, tcp};
use loggia_stack::{Instant, Seed};

use crate::site::Site;

/// The largest packet where frames of 64 KiB are meant.
pub const LARGEST: usize = 65_535;
/// Socket buffers, in each direction.
pub const BUFFER: usize = 1 << 20;
/// Bytes given to one write call.
pub const WRITE: usize = 128 << 10;
/// The first port that is listened at.
pub const PORT: u16 = 1000;

/// The largest write of at most [`WRITE`] bytes that is nothing but full segments of so many bytes (not more than that): without Nagle's rule
/// each other write ends with a small segment, whose cost is that of a full one.
pub const fn full_segments(payload: usize) -> usize {
    WRITE / payload * payload
}

/// The wire between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    /// Packets of 64 KiB; checksums are left to the link.
    Large,
    /// MTU 1500; checksums are computed and checked, segments are cut and joined by the stacks.
    Packets,
    /// MTU 1500, but the link carries super-segments as they are, without checksums.
    Bare,
}

impl Wire {
    /// The largest IP packet.
    pub fn mtu(self) -> usize {
        if self == Self::Large { LARGEST } else { 1500 }
    }

    /// Bytes of a write of full segments, as a stack of ours makes them: with timestamps.
    pub fn write(self) -> usize {
        let payload = self.mtu() - 52;
        match self {
            Self::Large | Self::Packets => full_segments(payload),
            Self::Bare => full_segments((LARGEST - 52) / payload * payload),
        }
    }

    fn link(self, medium: Medium) -> LinkConfig {
        let offloads = match self {
            Self::Large => Offloads { checksum: true, segmentation: 0, coalesce: false },
            Self::Packets => Offloads { checksum: false, segmentation: 0, coalesce: true },
            // As the devices in memory of `loggia` take them.
            Self::Bare => Offloads { checksum: true, segmentation: LARGEST as u32, coalesce: false },
        };
        // Nothing but the wire's own limits is to count.
        LinkConfig { name: "eth0".into(), medium, mtu: self.mtu() as u32, offloads, queue_limit: 64 << 20 }
    }
}

/// One host.
#[derive(Debug)]
pub struct Host {
    /// Its stack.
    pub stack: Stack,
    /// Its only link.
    pub link: LinkId,
    /// Where it lives.
    pub site: Site,
    wire: Wire,
}

/// The first port of host `number`.
pub fn address(number: u8) -> SockAddr {
    SockAddr::new(Site::Ipv4.address(number), PORT)
}

/// As `address`, as calls take it.
pub fn name(number: u8, port: u16) -> Address {
    Site::Ipv4.name(number, port)
}

/// Settings under which [`BUFFER`] can be asked for.
pub fn config() -> Config {
    let mut config = Config::default();
    config.socket.rmem_max = BUFFER as u32;
    config.socket.wmem_max = BUFFER as u32;
    // Addresses are there at once, and nobody says anything but what is counted.
    config.network.ipv6.link_defaults = LinkSettings::MANUAL;
    config
}

impl Host {
    /// Host `number`, with one address.
    pub fn new(number: u8, wire: Wire, config: Config) -> Self {
        Self::at(Site::default(), number, wire, config)
    }

    /// The same elsewhere.
    pub fn at(site: Site, number: u8, wire: Wire, config: Config) -> Self {
        let mut stack = Stack::new(config, Seed::from(u64::from(number)), Instant::EPOCH);
        let link = stack.add_link(wire.link(site.medium(number))).expect("a link");
        stack.set_up(link, true).expect("it goes up");
        stack.add_address(link, site.subnet(number)).expect("an address");
        Self { stack, link, site, wire }
    }

    /// A TCP socket with large buffers and without Nagle.
    pub fn large_socket(&mut self) -> SocketId {
        let socket = self.plain_socket();
        self.set(socket, sol_socket::LEVEL, sol_socket::SO_RCVBUF, BUFFER as i32);
        self.set(socket, sol_socket::LEVEL, sol_socket::SO_SNDBUF, BUFFER as i32);
        self.set(socket, IPPROTO_TCP, tcp::TCP_NODELAY, 1);
        socket
    }

    /// A TCP socket as it comes.
    pub fn plain_socket(&mut self) -> SocketId {
        self.stack.socket(self.site.family(), SOCK_STREAM, 0).expect("a socket")
    }

    /// A UDP socket.
    pub fn datagram_socket(&mut self) -> SocketId {
        self.stack.socket(self.site.family(), SOCK_DGRAM, 0).expect("a socket")
    }

    /// Sets a number.
    pub fn set(&mut self, socket: SocketId, level: i32, option: i32, value: i32) {
        self.stack.setsockopt(socket, level, option, &value.to_ne_bytes()).expect("an option");
    }

    /// The next frame that wants to leave, as the wire carries it.
    #[inline]
    pub fn leaving(&mut self) -> Option<Frame> {
        let mut frame = self.stack.transmit(self.link)?;
        if self.wire == Wire::Packets {
            // What a real wire does not carry: that the checksum is known to be right.
            frame.checksum = Checksum::Unknown;
        }
        Some(frame)
    }

    /// Brings everything that wants to leave over to `other`; true if there was anything.
    #[inline(always)] // It is asked in vain more often than not.
    pub fn hand_over(&mut self, other: &mut Self) -> bool {
        let Some(first) = self.leaving() else { return false };
        self.hand_over_from(first, other);
        true
    }

    fn hand_over_from(&mut self, first: Frame, other: &mut Self) {
        other.stack.receive_many(other.link, iter::successors(Some(first), |_| self.leaving()));
    }
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Time {
    /// The machine's clock, from now on.
    Real(Clock),
    /// A microsecond a step, and what [`Pair::wait`] says.
    Virtual(Instant),
}

impl Time {
    /// The machine's clock.
    pub fn real() -> Self {
        Self::Real(Clock::now())
    }

    /// Nobody's clock.
    pub fn stepped() -> Self {
        Self::Virtual(Instant::EPOCH)
    }
}

/// Both ends of a connection.
pub type Ends = (SocketId, SocketId);

/// A client and a server on one wire.
#[derive(Debug)]
pub struct Pair {
    /// Host 1.
    pub client: Host,
    /// Host 2.
    pub server: Host,
    /// Listens at [`PORT`] with large buffers.
    pub listener: SocketId,
    /// Where the time comes from.
    pub time: Time,
}

impl Pair {
    /// Two new hosts, of which one listens.
    pub fn new(wire: Wire, time: Time) -> Self {
        Self::with_config(wire, time, &config())
    }

    /// As [`Pair::new`], with settings for both.
    pub fn with_config(wire: Wire, time: Time, config: &Config) -> Self {
        Self::of([1, 2].map(|number| Host::new(number, wire, config.clone())), time)
    }

    /// Two new hosts elsewhere.
    pub fn at(site: Site, wire: Wire) -> Self {
        Self::of([1, 2].map(|number| Host::at(site, number, wire, config())), Time::stepped())
    }

    fn of([client, mut server]: [Host; 2], time: Time) -> Self {
        let listener = server.large_socket();
        server.stack.bind(listener, &server.site.name(2, PORT)).expect("bind");
        server.stack.listen(listener, 128).expect("listen");
        Self { client, server, listener, time }
    }

    /// The present moment; each time it is asked for it is a little later.
    fn now(&mut self) -> Instant {
        match &mut self.time {
            Time::Real(began) => Instant::from_nanos(began.elapsed().as_nanos() as u64),
            Time::Virtual(now) => {
                *now += Duration::from_micros(1);
                *now
            }
        }
    }

    /// Lets virtual time pass, without looking at timers.
    pub fn wait(&mut self, how_long: Duration) {
        if let Time::Virtual(now) = &mut self.time {
            *now += how_long;
        }
    }

    /// Brings both to the present and lets them say all they have to say.
    pub fn step(&mut self) {
        let now = self.now();
        self.client.stack.advance(now);
        self.server.stack.advance(now);
        self.exchange();
    }

    /// Lets them say all they have to say.
    pub fn exchange(&mut self) {
        while self.client.hand_over(&mut self.server) | self.server.hand_over(&mut self.client) {}
    }

    /// Forgets that sockets became ready: nobody here waits.
    pub fn forget_readiness(&mut self) {
        while self.client.stack.next_ready().is_some() {}
        while self.server.stack.next_ready().is_some() {}
    }

    /// A connection with large buffers.
    pub fn connect(&mut self) -> Ends {
        let client = self.client.large_socket();
        self.connect_to(client, self.listener, PORT)
    }

    /// A connection from a socket to a listener at a port.
    pub fn connect_to(&mut self, client: SocketId, listener: SocketId, port: u16) -> Ends {
        assert_eq!(self.client.stack.connect(client, &self.server.site.name(2, port)), Err(Errno::EINPROGRESS));
        loop {
            self.step();
            if let Ok((server, _)) = self.server.stack.accept(listener) {
                return (client, server);
            }
        }
    }

    /// Sends `amount` bytes from client to server, in writes of `source`'s length.
    pub fn bulk(&mut self, (client, server): Ends, amount: usize, source: &[u8], sink: &mut [u8]) {
        let (mut sent, mut received) = (0, 0);
        while received < amount {
            if sent < amount {
                let len = source.len().min(amount - sent);
                sent += self.client.stack.send(client, &source[..len], MsgFlags::NONE).unwrap_or(0);
            }
            self.step();
            while let Ok(count) = self.server.stack.recv(server, sink, MsgFlags::NONE) {
                received += count;
            }
        }
    }

    /// A byte there and a byte back.
    pub fn ping_pong(&mut self, (client, server): Ends) {
        self.client.stack.send(client, b"x", MsgFlags::NONE).expect("room");
        while self.server.stack.recv(server, &mut [0], MsgFlags::NONE).is_err() {
            self.step();
        }
        self.answer((client, server));
    }

    /// A byte back.
    pub fn answer(&mut self, (client, server): Ends) {
        self.server.stack.send(server, b"y", MsgFlags::NONE).expect("room");
        while self.client.stack.recv(client, &mut [0], MsgFlags::NONE).is_err() {
            self.step();
        }
    }

    /// Closes both ends, the client first, so that TIME-WAIT is the client's.
    pub fn close(&mut self, (client, server): Ends) {
        self.client.stack.close(client).expect("open");
        self.step();
        assert_eq!(self.server.stack.recv(server, &mut [0], MsgFlags::NONE), Ok(0), "the end");
        self.server.stack.close(server).expect("open");
        self.step();
    }

    /// Connect, a byte, close on both sides. The socket is taken as it comes, as the kernel's and smoltcp's are.
    pub fn short_connection(&mut self) {
        let client = self.client.plain_socket();
        let (client, server) = self.connect_to(client, self.listener, PORT);
        self.client.stack.send(client, b"x", MsgFlags::NONE).expect("room");
        while self.server.stack.recv(server, &mut [0u8], MsgFlags::NONE).is_err() {
            self.step();
        }
        self.close((client, server));
    }

    /// So many of them, 20 ms apart, and nobody waits: some three thousand are in TIME-WAIT at a time, which does not use up the ports, and once there
    /// were so many as many leave it as enter.
    pub fn steady_connections(&mut self, count: usize) {
        for _ in 0..count {
            self.wait(Duration::from_millis(20));
            self.short_connection();
            self.forget_readiness();
        }
    }
}

/// The bytes that are sent.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

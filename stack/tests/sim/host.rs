//! One host of a simulation: a stack with one link, and the calls that tests make most.

use loggia_stack::Seed;
use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Cidr, Errno, Event, Frame, Instant, LinkId, MsgFlags, SockAddr, SocketId, Version};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM, sol_socket as so, tcp};

/// A host with one link.
#[derive(Debug)]
pub(crate) struct Host {
    /// The stack.
    pub(crate) stack: Stack,
    /// Its link.
    pub(crate) link: LinkId,
    /// Memory in use when it was new.
    empty: usize,
}

/// A link of packets without a link header.
pub(crate) fn ip_link(mtu: u32) -> LinkConfig {
    LinkConfig { name: "eth0".into(), medium: Medium::Ip, mtu, offloads: Offloads::default(), queue_limit: 64 << 20 }
}

impl Host {
    /// A host with an address on a raw-IP link, with large socket buffers allowed.
    pub(crate) fn new(seed: u64, addr: Addr, mtu: u32) -> Self {
        Self::with(seed, addr, ip_link(mtu), |_| {})
    }

    /// The same on another link and with other settings.
    pub(crate) fn with(seed: u64, addr: Addr, link: LinkConfig, settings: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.socket.rmem_max = 64 << 20;
        config.socket.wmem_max = 64 << 20;
        settings(&mut config);
        let mut stack = Stack::new(config, Seed::from(seed), Instant::EPOCH);
        let link = stack.add_link(link).expect("a link");
        stack.set_up(link, true).expect("it goes up");
        let prefix = if addr.version() == Version::V4 { 24 } else { 64 };
        stack.add_address(link, Cidr::new(addr, prefix)).expect("an address");
        let empty = stack.memory().0;
        Self { stack, link, empty }
    }

    pub(crate) fn transmit(&mut self) -> Option<Frame> {
        self.stack.transmit(self.link)
    }

    pub(crate) fn receive(&mut self, frame: Frame) {
        self.stack.receive(self.link, frame);
    }

    /// Frames that arrived together.
    pub(crate) fn receive_many(&mut self, frames: Vec<Frame>) {
        self.stack.receive_many(self.link, frames);
    }

    pub(crate) fn advance(&mut self, now: Instant) {
        self.stack.advance(now);
    }

    pub(crate) fn next_deadline(&self) -> Instant {
        self.stack.next_deadline()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.stack.next_event()
    }

    /// A TCP socket of the family of `like`.
    pub(crate) fn tcp(&mut self, like: Addr) -> SocketId {
        let family = if like.version() == Version::V4 { AF_INET } else { AF_INET6 };
        self.stack.socket(family, SOCK_STREAM, 0).expect("a socket")
    }

    /// A TCP socket that listens at an address.
    pub(crate) fn listen(&mut self, addr: Addr, port: u16, backlog: i32) -> SocketId {
        let socket = self.tcp(addr);
        self.stack.bind(socket, &address(SockAddr::new(addr, port))).expect("bind");
        self.stack.listen(socket, backlog).expect("listen");
        socket
    }

    /// Begins to connect.
    pub(crate) fn connect(&mut self, socket: SocketId, to: SockAddr) {
        let result = self.stack.connect(socket, &address(to));
        assert_eq!(result, Err(Errno::EINPROGRESS), "a connection takes its time");
    }

    /// The next connection that waits.
    pub(crate) fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        match self.stack.accept(listener) {
            Ok((socket, _)) => Some(socket),
            Err(Errno::EAGAIN | Errno::ECONNABORTED) => None,
            Err(error) => panic!("accept: {error:?}"),
        }
    }

    pub(crate) fn write(&mut self, socket: SocketId, data: &[u8]) -> Result<usize, Errno> {
        self.stack.send(socket, data, MsgFlags::NONE)
    }

    pub(crate) fn read(&mut self, socket: SocketId, into: &mut [u8]) -> Result<usize, Errno> {
        self.stack.recv(socket, into, MsgFlags::NONE)
    }

    pub(crate) fn peek(&mut self, socket: SocketId, into: &mut [u8]) -> Result<usize, Errno> {
        self.stack.recv(socket, into, MsgFlags::PEEK)
    }

    pub(crate) fn shutdown_write(&mut self, socket: SocketId) -> Result<(), Errno> {
        self.stack.shutdown(socket, 1)
    }

    pub(crate) fn close(&mut self, socket: SocketId) {
        self.stack.close(socket).expect("an open socket");
    }

    /// Sets an option whose value is an `int`.
    pub(crate) fn set(&mut self, socket: SocketId, level: i32, name: i32, value: i32) {
        let result = self.stack.setsockopt(socket, level, name, &value.to_ne_bytes());
        assert_eq!(result, Ok(()), "setsockopt {level} {name} {value}");
    }

    /// Socket buffers with which `bytes` of payload can be under way. The send buffer is twice as large, because a writer is woken
    /// only when a third of it is free.
    pub(crate) fn set_buffers(&mut self, socket: SocketId, bytes: usize) {
        self.set(socket, so::LEVEL, so::SO_RCVBUF, bytes as i32);
        self.set(socket, so::LEVEL, so::SO_SNDBUF, 2 * bytes as i32);
    }

    /// Keepalive after `idle` seconds, every `interval`, `count` times.
    pub(crate) fn keepalive(&mut self, socket: SocketId, idle: i32, interval: i32, count: i32) {
        self.set(socket, so::LEVEL, so::SO_KEEPALIVE, 1);
        self.set(socket, IPPROTO_TCP, tcp::TCP_KEEPIDLE, idle);
        self.set(socket, IPPROTO_TCP, tcp::TCP_KEEPINTVL, interval);
        self.set(socket, IPPROTO_TCP, tcp::TCP_KEEPCNT, count);
    }

    /// `SO_LINGER` with so many seconds.
    pub(crate) fn linger(&mut self, socket: SocketId, seconds: i32) {
        let value = [1i32.to_ne_bytes(), seconds.to_ne_bytes()].concat();
        self.stack.setsockopt(socket, so::LEVEL, so::SO_LINGER, &value).expect("SO_LINGER");
    }

    /// Nothing is left of what was there: no socket, no connection, no memory.
    pub(crate) fn assert_empty(&self, who: &str) {
        let (used, _) = self.stack.memory();
        assert_eq!(used, self.empty, "{who} holds memory:\n{}", self.stack.inspect());
    }

    /// Lets the time pass up to which nothing is due.
    pub(crate) fn idle(&mut self, time: Duration) {
        let until = self.stack.now() + time;
        while self.stack.next_deadline() <= until {
            let next = self.stack.next_deadline();
            self.stack.advance(next);
        }
        self.stack.advance(until);
    }
}

/// A socket address as the calls take it.
pub(crate) fn address(addr: SockAddr) -> Address {
    match addr.addr.version() {
        Version::V4 => Address::Inet(addr),
        Version::V6 => Address::Inet6 { addr, flowinfo: 0 },
    }
}

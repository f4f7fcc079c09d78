//! A host that talks to itself, as programs on one machine do.

use std::time::Duration;

use loggia_stack::base::{Addr, Errno, MsgFlags, SockAddr, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM, SOCK_STREAM};
use loggia_stack::{Instant, Seed};

use crate::pair::{Ends, PORT, config};

const NAME: Address = Address::Inet(SockAddr { addr: Addr::V4_LOOPBACK, port: PORT, scope: 0 });

/// A host without links but its loopback.
#[derive(Debug)]
pub struct Alone {
    stack: Stack,
    now: Instant,
    /// Listens at [`PORT`].
    listener: SocketId,
}

impl Default for Alone {
    fn default() -> Self {
        Self::new()
    }
}

impl Alone {
    /// A new one.
    pub fn new() -> Self {
        let mut stack = Stack::new(config(), Seed::from(1), Instant::EPOCH);
        let listener = stack.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        stack.bind(listener, &NAME).expect("bind");
        stack.listen(listener, 1).expect("listen");
        Self { stack, now: Instant::EPOCH, listener }
    }

    /// A connection from it to itself, in which each end waits for the other.
    pub fn connect(&mut self) -> Ends {
        let client = self.stack.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        match self.stack.connect(client, &NAME) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            refused => refused.expect("it connects"),
        }
        let (server, _) = self.stack.accept(self.listener).expect("it has connected");
        (client, server)
    }

    /// Two sockets of datagrams, of which the first sends to the second.
    pub fn datagram_sockets(&mut self) -> Ends {
        let [client, server] = [(); 2].map(|()| self.stack.socket(AF_INET, SOCK_DGRAM, 0).expect("a socket"));
        self.stack.bind(server, &NAME).expect("bind");
        self.stack.connect(client, &NAME).expect("connect");
        (client, server)
    }

    /// A byte there and a byte back.
    pub fn ping_pong(&mut self, (client, server): Ends) {
        for [from, to] in [[client, server], [server, client]] {
            self.carry(from, to, b"x");
        }
    }

    /// A message from one socket to another.
    pub fn carry<const LEN: usize>(&mut self, from: SocketId, to: SocketId, message: &[u8; LEN]) {
        self.stack.send(from, message, MsgFlags::NONE).expect("room");
        self.wait(Duration::from_micros(1));
        self.stack.recv(to, &mut [0; LEN], MsgFlags::NONE).expect("it has come");
    }

    /// Time passes.
    pub fn wait(&mut self, how_long: Duration) {
        self.now += how_long;
        self.stack.advance(self.now);
    }

    /// Connect, a byte, close on both sides.
    pub fn short_connection(&mut self) {
        let (client, server) = self.connect();
        self.carry(client, server, b"x");
        self.stack.close(client).expect("open");
        assert_eq!(self.stack.recv(server, &mut [0], MsgFlags::NONE), Ok(0), "the end");
        self.stack.close(server).expect("open");
    }
}

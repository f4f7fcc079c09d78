//! A host that talks to itself, as programs on one machine do.

use std::time::Duration;

use loggia_stack::base::{Addr, Errno, MsgFlags, SockAddr};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, SOCK_STREAM};
use loggia_stack::{Instant, Seed};

use crate::pair::{Ends, PORT, config};

/// A host without links but its loopback.
#[derive(Debug)]
pub struct Alone {
    stack: Stack,
    now: Instant,
}

impl Default for Alone {
    fn default() -> Self {
        Self::new()
    }
}

impl Alone {
    /// A new one.
    pub fn new() -> Self {
        Self { stack: Stack::new(config(), Seed::from(1), Instant::EPOCH), now: Instant::EPOCH }
    }

    /// A connection from it to itself, in which each end waits for the other.
    pub fn connect(&mut self) -> Ends {
        let name = Address::Inet(SockAddr::new(Addr::V4_LOOPBACK, PORT));
        let [listener, client] = [(); 2].map(|()| self.stack.socket(AF_INET, SOCK_STREAM, 0).expect("a socket"));
        self.stack.bind(listener, &name).expect("bind");
        self.stack.listen(listener, 1).expect("listen");
        match self.stack.connect(client, &name) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            refused => refused.expect("it connects"),
        }
        let (server, _) = self.stack.accept(listener).expect("it has connected");
        (client, server)
    }

    /// A byte there and a byte back.
    pub fn ping_pong(&mut self, (client, server): Ends) {
        for [from, to] in [[client, server], [server, client]] {
            self.stack.send(from, b"x", MsgFlags::NONE).expect("room");
            self.now += Duration::from_micros(1);
            self.stack.advance(self.now);
            self.stack.recv(to, &mut [0], MsgFlags::NONE).expect("it has come");
        }
    }
}

//! Very many connections between two stacks of ours, and listeners that nobody calls.

use loggia_stack::base::{Errno, SocketId};
use loggia_stack::engine::Config;

use crate::pair::{self, Ends, Pair, Time, Wire, name};

/// Connections to one port of the server: well below what a client has ports for.
const A_PORT: usize = 20_000;
/// The first port of the crowd.
const FIRST: u16 = 2000;
/// Connections opened at once.
const BATCH: usize = 128;

/// Settings for a million connections and more.
pub fn config() -> Config {
    let mut config = pair::config();
    config.memory = 16 << 30;
    config.socket.max_sockets = 1 << 23;
    config.socket.ip_local_port_range = (1024, 65_535);
    config.tcp.max_tw_buckets = 1 << 22;
    config.tcp.max_syn_backlog = 1 << 22;
    config
}

/// A pair with a crowd.
#[derive(Debug)]
pub struct Crowd {
    /// The two hosts, in virtual time.
    pub pair: Pair,
    /// All connections of the crowd.
    pub members: Vec<Ends>,
    listener: Option<SocketId>,
    next_port: u16,
    /// How many were ever opened.
    opened: usize,
}

impl Crowd {
    /// Nobody yet, but room to name `most`, so that the list is not among what is measured.
    pub fn new(wire: Wire, most: usize) -> Self {
        let pair = Pair::with_config(wire, Time::stepped(), &config());
        Self { pair, members: Vec::with_capacity(most), listener: None, next_port: FIRST, opened: 0 }
    }

    /// Opens connections with the stack's defaults until there are `count`.
    pub fn grow(&mut self, count: usize) {
        while self.members.len() < count {
            self.open(count - self.members.len());
        }
    }

    /// So many connections are opened and closed again, on the client's side first: they are in TIME-WAIT.
    pub fn pass_by(&mut self, count: usize) {
        let mut left = count;
        let stay = self.members.len();
        while left > 0 {
            self.open(left);
            left -= self.members.len() - stay;
            while self.members.len() > stay {
                let ends = self.members.pop().expect("it was opened");
                self.pair.close(ends);
            }
            self.pair.forget_readiness();
        }
    }

    /// The listener for the next ones.
    fn current(&mut self) -> SocketId {
        let full = self.opened.is_multiple_of(A_PORT);
        match self.listener.filter(|_| !full) {
            Some(listener) => listener,
            None => self.listen(),
        }
    }

    fn listen(&mut self) -> SocketId {
        let server = &mut self.pair.server;
        let listener = server.plain_socket();
        server.stack.bind(listener, &name(2, self.next_port)).expect("bind");
        server.stack.listen(listener, 4096).expect("listen");
        self.next_port += 1;
        self.listener = Some(listener);
        listener
    }

    /// Opens some, `most` at most.
    fn open(&mut self, most: usize) {
        let listener = self.current();
        let count = BATCH.min(most).min(A_PORT - self.opened % A_PORT);
        self.opened += count;
        let to = name(2, self.next_port - 1);
        let clients: Vec<SocketId> = (0..count)
            .map(|_| {
                let client = self.pair.client.plain_socket();
                assert_eq!(self.pair.client.stack.connect(client, &to), Err(Errno::EINPROGRESS));
                client
            })
            .collect();
        let mut clients = clients.into_iter();
        while clients.len() > 0 {
            self.pair.step();
            // SYNs of one queue are answered in order, so they are accepted in order.
            while let Ok((server, _)) = self.pair.server.stack.accept(listener) {
                self.members.push((clients.next().expect("as many as connected"), server));
            }
        }
        self.pair.forget_readiness();
    }

    /// Listeners that nobody calls: `count` of them after the first `before`, on as many addresses as that takes.
    pub fn listen_idly(&mut self, before: usize, count: usize) {
        for number in before..before + count {
            let server = &mut self.pair.server;
            let listener = server.plain_socket();
            // 127.0.0.0/8 is ours from the beginning.
            let (host, port) = (number / 60_000, 5000 + (number % 60_000) as u16);
            let addr = loggia_stack::Addr::v4(127, 0, 1, host as u8);
            let at = loggia_stack::socket::Address::Inet(loggia_stack::SockAddr::new(addr, port));
            server.stack.bind(listener, &at).expect("bind");
            server.stack.listen(listener, 8).expect("listen");
        }
        self.pair.forget_readiness();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_connected_and_everyone_is_who_he_is_taken_for() {
        let mut crowd = Crowd::new(Wire::Large, 300);
        crowd.grow(300);
        assert_eq!(crowd.members.len(), 300);
        for at in [0, 127, 128, 299] {
            crowd.pair.ping_pong(crowd.members[at]);
        }
        crowd.listen_idly(0, 10);
        crowd.pass_by(200);
        assert_eq!(crowd.members.len(), 300);
    }
}

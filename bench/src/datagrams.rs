//! Datagrams of 64 bytes from one host to the other, checksums computed and checked: one at a time, and in batches.

use loggia_stack::base::{MsgFlags, SocketId};
use loggia_stack::socket::{Message, Receiving, Sending};

use crate::pair::{PORT, Pair, Wire};
use crate::site::Site;

/// Datagrams of a batch.
pub const BATCH: usize = 64;
/// What each carries.
const DATA: [u8; 64] = [7; 64];

/// Two hosts with a socket each.
#[derive(Debug)]
pub struct Datagrams {
    pair: Pair,
    client: SocketId,
    server: SocketId,
}

impl Default for Datagrams {
    fn default() -> Self {
        Self::new()
    }
}

impl Datagrams {
    /// One connected to the other.
    pub fn new() -> Self {
        Self::at(Site::default())
    }

    /// The same elsewhere.
    pub fn at(site: Site) -> Self {
        let mut pair = Pair::at(site, Wire::Packets);
        let (client, server) = (pair.client.datagram_socket(), pair.server.datagram_socket());
        pair.server.stack.bind(server, &site.name(2, PORT)).expect("bind");
        pair.client.stack.connect(client, &site.name(2, PORT)).expect("connect");
        Self { pair, client, server }
    }

    /// So many, a call each: one that sends, a step of the wire, one that receives.
    pub fn one_by_one(&mut self, count: usize) {
        let mut room = [0; 64];
        for _ in 0..count {
            self.pair.client.stack.send(self.client, &DATA, MsgFlags::NONE).expect("room");
            self.pair.step();
            self.pair.server.stack.recv(self.server, &mut room, MsgFlags::NONE).expect("it has come");
        }
    }

    /// So many batches, a call each: `sendmmsg`, a step of the wire, `recvmmsg`.
    pub fn batches(&mut self, count: usize) {
        let data: [&[u8]; 1] = [&DATA];
        let mut messages = [Sending::of(Message { data: &data, ..Message::default() }); BATCH];
        let mut rooms = [[0; 64]; BATCH];
        let mut pieces = rooms.each_mut().map(|room| [&mut room[..]]);
        let mut places: Vec<_> = pieces.iter_mut().map(|into| Receiving::into(into, 0)).collect();
        for _ in 0..count {
            assert_eq!(self.pair.client.stack.sendmmsg(self.client, &mut messages), Ok(BATCH));
            self.pair.step();
            assert_eq!(self.pair.server.stack.recvmmsg(self.server, &mut places, MsgFlags::NONE), Ok(BATCH));
        }
    }

    /// So many times as many as a batch has, all sent before a step of the wire and received after it, but a call each.
    pub fn calls_of_a_batch(&mut self, count: usize) {
        let mut room = [0; 64];
        for _ in 0..count {
            for _ in 0..BATCH {
                self.pair.client.stack.send(self.client, &DATA, MsgFlags::NONE).expect("room");
            }
            self.pair.step();
            for _ in 0..BATCH {
                self.pair.server.stack.recv(self.server, &mut room, MsgFlags::NONE).expect("it has come");
            }
        }
    }
}

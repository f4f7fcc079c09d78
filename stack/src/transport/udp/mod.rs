//! UDP (RFC 768, RFC 1122 §4.1, RFC 8085, RFC 8200 §8.1): datagrams with ports and a checksum, nothing more.
//!
//! ```text
//!             ┌ connected: Flows, by both ends ───────────┐
//!  receive ───┤                                           ├─> Endpoint.queue ─> front, pop
//!             └ not connected: Ports, by score ───────────┘
//!  send ─────> prepare (route, header fields) ─> [cork] ─> transmit ─> Network::send
//! ```
//!
//! * [`socket`]: one socket and how it stands in the tables: bind, connect, dissolve, close.
//! * [`flows`]: connected sockets by both ends.
//! * [`header`]: the eight bytes.
//! * [`send`], [`receive`], [`errors`]: the way out, the way in, and what ICMP tells.
//! * [`trail`]: the way in of datagrams that have the headers of the one before; [`train`]: of many that come together.
//! * [`short`]: the way out of a datagram that goes where the one before it went; [`run`]: of many that do, as one.
//!
//! Invariants: a socket with a port stands in exactly one table: bound in `ports`, connected in `flows` (then `ports` only
//! counts it as a holder). What a peer sends grows nothing but receive queues, which are bounded.

mod errors;
mod flows;
mod header;
mod receive;
mod run;
mod send;
mod short;
mod socket;
mod trail;
mod train;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::base::{Base, Entropy, HashKey, Key, LinkId, Slab, SocketId, Version};
use crate::network::Network;
use crate::transport::datagram::{Endpoint, RecvOptions, Run, endpoint_calls};
use crate::transport::ports::{Ports, Rules};
use crate::transport::shard::Shard;
use flows::{Ends, Flows};
use socket::Socket;
use trail::Trail;

/// All UDP sockets of a host.
///
/// # Panics
/// Methods that take a key panic if the socket is gone: a bug of the socket layer.
#[derive(Debug)]
pub struct Udp {
    sockets: Slab<Socket>,
    ports: Ports,
    flows: Flows,
    /// Picks a member of a `SO_REUSEPORT` group by flow.
    spread: HashKey,
    /// Sockets that wait for room in a link's queue, each once.
    blocked: Vec<Key>,
    /// Sockets the packet under way is for; kept for its memory.
    matches: Vec<Key>,
    /// The best bindings of the look-up under way; kept for its memory.
    candidates: Vec<Key>,
    /// Whom the last datagram was for. Void with each change of what look-ups depend on.
    last: Option<((Ends, LinkId), Key)>,
    /// How long that was, header included.
    last_len: usize,
    /// The headers of one that came before, if others are likely to follow. Void likewise.
    trail: Option<Box<Trail>>,
}

impl Udp {
    /// No sockets yet; hash keys and ports follow from `entropy`.
    pub fn new(entropy: &Entropy) -> Self {
        Self {
            sockets: Slab::new(),
            ports: Ports::new(entropy, Rules::Udp),
            flows: Flows::new(entropy),
            spread: entropy.key("udp reuseport"),
            blocked: Vec::new(),
            matches: Vec::new(),
            candidates: Vec::new(),
            last: None,
            last_len: 0,
            trail: None,
        }
    }

    /// `ip_local_port_range`, both ends included.
    pub fn set_port_range(&mut self, first: u16, last: u16) {
        self.ports.set_range(first, last);
    }

    /// Whoever was found for a datagram may not be found any more.
    fn forget_last(&mut self) {
        self.last = None;
        self.trail = None;
    }

    /// Which of several stacks this is.
    pub(crate) fn set_shard(&mut self, shard: Option<Shard>) {
        self.ports.set_shard(shard);
    }

    /// A socket of a family, not bound.
    pub fn open(&mut self, owner: SocketId, version: Version) -> Key {
        self.sockets.insert(Socket::new(owner, version))
    }
}

endpoint_calls!(Udp);

impl Udp {
    /// Copies the oldest datagram out and takes it, as a plain `recv` does; says how many bytes were copied. None: there is no datagram, or there is
    /// something else to tell before.
    pub fn read(&mut self, net: &mut Network, id: Key, into: &mut [u8]) -> Option<usize> {
        let endpoint = &mut self.sockets[id].endpoint;
        if endpoint.inet.error.is_some() {
            return None;
        }
        endpoint.queue.read(&mut net.links.base.budget, endpoint.options.take(), into)
    }

    /// The oldest datagrams that are joined. None: there is none, or there is something else to tell of them than bytes and sender.
    pub fn run(&self, id: Key) -> Option<Run<'_>> {
        let Endpoint { inet, options, queue, .. } = &self.sockets[id].endpoint;
        let tells_more = inet.error.is_some() || options.gro || options.recv != RecvOptions::default();
        if tells_more { None } else { queue.run() }
    }

    /// Throws the oldest `count` datagrams away, which are of one [run](Self::run).
    pub fn discard_some(&mut self, net: &mut Network, id: Key, count: usize) {
        self.sockets[id].endpoint.queue.discard_some(&mut base(net).budget, count);
    }
}

/// The base below a network, for those who need nothing else of it.
fn base(net: &mut Network) -> &mut Base {
    &mut net.links.base
}

#[cfg(test)]
mod tests;

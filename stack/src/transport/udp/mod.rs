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
//!
//! Invariants: a socket with a port stands in exactly one table: bound in `ports`, connected in `flows` (then `ports` only
//! counts it as a holder). What a peer sends grows nothing but receive queues, which are bounded.

mod errors;
mod flows;
mod header;
mod receive;
mod send;
mod socket;

use alloc::vec::Vec;

use crate::base::{Base, Entropy, Errno, HashKey, Key, Ready, Slab, SocketId, Version};
use crate::network::Network;
use crate::transport::datagram::{Datagram, DatagramOptions, Endpoint, MembershipChange, QueuedError};
use crate::transport::inet::{Inet, Shutdown};
use crate::transport::ports::{Ports, Rules};
use flows::Flows;
use socket::Socket;

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
    /// Sockets the packet under way is for; kept for its memory.
    matches: Vec<Key>,
    /// The best bindings of the look-up under way; kept for its memory.
    candidates: Vec<Key>,
}

impl Udp {
    /// No sockets yet; hash keys and ports follow from `entropy`.
    pub fn new(entropy: &Entropy) -> Self {
        Self {
            sockets: Slab::new(),
            ports: Ports::new(entropy, Rules::Udp),
            flows: Flows::new(entropy),
            spread: entropy.key("udp reuseport"),
            matches: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// `ip_local_port_range`, both ends included.
    pub fn set_port_range(&mut self, first: u16, last: u16) {
        self.ports.set_range(first, last);
    }

    /// A socket of a family, not bound.
    pub fn open(&mut self, owner: SocketId, version: Version) -> Key {
        self.sockets.insert(Socket::new(owner, version))
    }

    /// The ends and common options of a socket.
    pub fn inet(&self, id: Key) -> &Inet {
        &self.endpoint(id).inet
    }

    /// After a change of what bindings depend on (reuse, `v6only`, link) call [`Udp::options_changed`].
    pub fn inet_mut(&mut self, id: Key) -> &mut Inet {
        &mut self.sockets[id].endpoint.inet
    }

    /// The options of a socket.
    pub fn options(&self, id: Key) -> &DatagramOptions {
        &self.endpoint(id).options
    }

    /// After a change call [`Udp::options_changed`].
    pub fn options_mut(&mut self, id: Key) -> &mut DatagramOptions {
        &mut self.sockets[id].endpoint.options
    }

    /// The oldest datagram, not taken.
    pub fn front(&self, id: Key) -> Option<&Datagram> {
        self.endpoint(id).queue.front()
    }

    /// Takes the oldest datagram.
    pub fn pop(&mut self, net: &mut Network, id: Key) -> Option<Datagram> {
        self.sockets[id].endpoint.queue.pop(&mut net.links.base.budget)
    }

    /// Bytes of payload that wait, of all datagrams.
    pub fn queued(&self, id: Key) -> usize {
        self.endpoint(id).queue.payload()
    }

    /// The oldest entry of the error queue (`MSG_ERRQUEUE`), taken. `SO_ERROR` becomes the next entry's, as in Linux.
    pub fn pop_error(&mut self, net: &mut Network, id: Key) -> Option<QueuedError> {
        self.sockets[id].endpoint.pop_error(&mut net.links.base)
    }

    /// `IN OUT ERR HUP RDHUP` as Linux's `udp_poll` gives them.
    pub fn readiness(&self, id: Key) -> Ready {
        self.endpoint(id).readiness()
    }

    /// True after `shutdown` of reading: a read gives 0 when nothing is queued.
    pub fn read_shut(&self, id: Key) -> bool {
        self.endpoint(id).read_shut
    }

    /// `ENOTCONN` if not connected, but it takes effect all the same, as in Linux.
    pub fn shutdown(&mut self, net: &mut Network, id: Key, how: Shutdown) -> Result<(), Errno> {
        self.sockets[id].endpoint.shutdown(&mut net.links.base, how)
    }

    /// `IP_ADD_MEMBERSHIP` and kin: joins, leaves, admits or blocks a source. `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOBUFS`,
    /// `ENODEV`, `EINVAL`.
    pub fn membership(&mut self, net: &mut Network, id: Key, change: &MembershipChange) -> Result<(), Errno> {
        self.sockets[id].endpoint.membership(net, change)
    }

    /// Keys of all sockets, for listings.
    pub fn keys(&self) -> Vec<Key> {
        self.sockets.keys()
    }

    fn endpoint(&self, id: Key) -> &Endpoint {
        &self.sockets[id].endpoint
    }
}

/// The base below a network, for those who need nothing else of it.
fn base(net: &mut Network) -> &mut Base {
    &mut net.links.base
}

#[cfg(test)]
mod tests;

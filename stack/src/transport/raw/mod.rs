//! Raw sockets: packets of one IP protocol, past the transports.
//!
//! Every raw socket of a protocol gets a copy of every packet of it that fits its ends; the payload is shared, not copied.
//! IPv4 sockets read whole packets from the IP header on, IPv6 sockets what follows the headers (RFC 3542 §3); IPv4 sockets
//! may write the IP header themselves (`IP_HDRINCL`). [`receive`] is the way in, [`send`] the way out.

mod receive;
mod send;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::base::{Addr, Errno, Key, Slab, SockAddr, SocketId, Version};
use crate::network::{Network, protocol};
use crate::transport::datagram::{Endpoint, endpoint_calls};
use crate::transport::inet::Kind;

/// Where an ICMPv6 message has its checksum: the kernel always keeps it (RFC 3542 §3.1).
const ICMPV6_CHECKSUM: u16 = 2;

/// All raw sockets of a host.
///
/// # Panics
/// Methods that take a key panic if the socket is gone: a bug of the socket layer.
#[derive(Debug, Default)]
pub struct Raw {
    sockets: Slab<Socket>,
    /// The sockets of a protocol, in order of opening.
    by_protocol: BTreeMap<(Version, u8), Vec<Key>>,
    /// Sockets the packet under way is for; kept for its memory.
    matches: Vec<Key>,
}

#[derive(Debug)]
struct Socket {
    endpoint: Endpoint,
    protocol: u8,
}

impl Raw {
    /// No sockets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A socket for packets of `protocol`; with `IPPROTO_RAW` it only sends, and writes the IP header itself.
    pub fn open(&mut self, owner: SocketId, version: Version, protocol: u8) -> Key {
        let mut endpoint = Endpoint::new(owner, version);
        endpoint.options.header_included = protocol == protocol::RAW;
        if version == Version::V6 && protocol == protocol::ICMPV6 {
            endpoint.options.checksum_offset = Some(ICMPV6_CHECKSUM);
        }
        let id = self.sockets.insert(Socket { endpoint, protocol });
        self.by_protocol.entry((version, protocol)).or_default().push(id);
        id
    }

    /// The protocol the socket was opened for.
    pub fn protocol(&self, id: Key) -> u8 {
        self.sockets[id].protocol
    }

    /// Only packets to `local` come in and leave from there. The port does not matter.
    /// `EADDRNOTAVAIL`, `EINVAL` (connected; link-local without a link), `ENODEV`.
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = &mut self.sockets[id].endpoint.inet;
        if inet.is_connected() {
            return Err(Errno::EINVAL);
        }
        if local.addr.version() != inet.version {
            // There are no IPv4 packets on an IPv6 raw socket: Linux says the mapped address is not there.
            return Err(if local.addr.is_v4() { Errno::EADDRNOTAVAIL } else { Errno::EAFNOSUPPORT });
        }
        inet.link = inet.check_bind(net, local, Kind::Datagram)?;
        inet.local = local.addr;
        inet.bound_address = !local.addr.is_unspecified();
        Ok(())
    }

    /// Fixes the other end; `None` (`AF_UNSPEC`) dissolves that. The errors of routing, `EACCES` (broadcast).
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: Option<SockAddr>) -> Result<(), Errno> {
        let Socket { endpoint, protocol } = &mut self.sockets[id];
        match remote {
            None => endpoint.forget_peer(),
            Some(remote) => {
                check_family(endpoint, remote.addr)?;
                let peer = endpoint.plan_connect(net, *protocol, SockAddr { port: 0, ..remote })?;
                endpoint.set_peer(&peer);
            }
        }
        Ok(())
    }

    /// Nothing depends on options but the packets themselves: there is nothing to do, and no error.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, clippy::needless_pass_by_ref_mut)]
    pub fn options_changed(&mut self, _net: &mut Network, _id: Key) -> Result<(), Errno> {
        Ok(())
    }

    /// The last handle is gone: the socket and what is queued go.
    pub fn close(&mut self, net: &mut Network, id: Key) {
        let Some(mut socket) = self.sockets.remove(id) else { return };
        let kind = (socket.endpoint.inet.version, socket.protocol);
        if let Some(mates) = self.by_protocol.get_mut(&kind) {
            mates.retain(|mate| *mate != id);
            if mates.is_empty() {
                self.by_protocol.remove(&kind);
            }
        }
        socket.endpoint.dissolve(net);
    }

    /// The sockets of `protocol` that let packets from `remote` to `local` in.
    fn matching(&self, protocol: u8, remote: Addr, local: Addr, link: crate::base::LinkId) -> impl Iterator<Item = Key> {
        let mates = self.by_protocol.get(&(local.version(), protocol)).filter(|_| protocol != protocol::RAW);
        let mates = mates.into_iter().flatten().copied();
        mates.filter(move |id| self.sockets[*id].endpoint.admits(remote, local, link))
    }
}

/// A raw socket speaks one family only.
fn check_family(endpoint: &Endpoint, addr: Addr) -> Result<(), Errno> {
    match (endpoint.inet.version, addr.version()) {
        (Version::V6, Version::V4) => Err(Errno::ENETUNREACH),
        (Version::V4, Version::V6) => Err(Errno::EAFNOSUPPORT),
        _ => Ok(()),
    }
}

endpoint_calls!(Raw);

#[cfg(test)]
mod tests;

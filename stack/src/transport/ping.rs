//! ICMP echo without privileges: datagram sockets of `IPPROTO_ICMP` / `IPPROTO_ICMPV6`, whose port is the echo identifier.
//!
//! What is written is an echo request from its ICMP header on; identifier and checksum are filled in here. What is read are the
//! replies with the socket's identifier, from the ICMP header on. Such a socket speaks one family.

use alloc::vec::Vec;

use crate::base::event::{Direction, What};
use crate::base::{Discard, Entropy, Errno, Frame, Key, LinkId, MsgFlags, Rope, Slab, SockAddr, SocketId, Sum, Version};
use crate::network::{Network, Packet, TransportError, protocol};
use crate::transport::datagram::{Datagram, Endpoint, Prepared, SendControl, endpoint_calls, kept};
use crate::transport::inet::{Inet, Kind, needs_scope};
use crate::transport::ports::{Binding, Ports, Rules};

/// Bytes of an echo header.
const HEADER: usize = 8;

/// All ping sockets of a host.
///
/// # Panics
/// Methods that take a key panic if the socket is gone: a bug of the socket layer.
#[derive(Debug)]
pub struct Ping {
    sockets: Slab<Socket>,
    /// Identifiers.
    ports: Ports,
}

#[derive(Debug)]
struct Socket {
    endpoint: Endpoint,
}

/// Protocol number, type of an echo request, type of an echo reply.
const fn echo(version: Version) -> (u8, u8, u8) {
    match version {
        Version::V4 => (protocol::ICMP, 8, 0),
        Version::V6 => (protocol::ICMPV6, 128, 129),
    }
}

fn binding(id: Key, inet: &Inet) -> Binding {
    let Inet { local, link, reuse_addr, reuse_port, .. } = *inet;
    Binding { socket: id, local, v6only: true, link, reuse_addr, reuse_port, listening: false }
}

impl Ping {
    /// No sockets yet; identifiers follow from `entropy`.
    pub fn new(entropy: &Entropy) -> Self {
        let mut ports = Ports::new(entropy, Rules::Udp);
        ports.set_range(1, u16::MAX);
        Self { sockets: Slab::new(), ports }
    }

    /// A socket of a family, without an identifier.
    pub fn open(&mut self, owner: SocketId, version: Version) -> Key {
        let mut endpoint = Endpoint::new(owner, version);
        endpoint.inet.v6only = true;
        self.sockets.insert(Socket { endpoint })
    }

    /// Binds to an address and an identifier (port 0: a free one).
    /// `EINVAL` (bound already), `EADDRINUSE`, `EADDRNOTAVAIL` (not ours, or a group), `ENODEV`.
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = self.inet(id);
        if inet.local_port != 0 {
            return Err(Errno::EINVAL);
        }
        let link = inet.check_bind(net, local, Kind::Datagram)?;
        if local.addr.is_multicast() || net.is_broadcast(local.addr) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let port = self.ports.bind(Binding { local: local.addr, link, ..binding(id, inet) }, local.port)?;
        let inet = self.inet_mut(id);
        inet.local = local.addr;
        inet.link = link;
        inet.local_port = port;
        inet.bound_address = !local.addr.is_unspecified();
        inet.bound_port = local.port != 0;
        Ok(())
    }

    fn autobind(&mut self, id: Key) -> Result<(), Errno> {
        if self.inet(id).local_port == 0 {
            let port = self.ports.bind(binding(id, self.inet(id)), 0).map_err(|_| Errno::EAGAIN)?;
            self.inet_mut(id).local_port = port;
        }
        Ok(())
    }

    /// Fixes where requests go; `None` (`AF_UNSPEC`) dissolves that. The errors of routing, `EACCES` (broadcast), `EAGAIN`.
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: Option<SockAddr>) -> Result<(), Errno> {
        if let Some(remote) = remote {
            self.autobind(id)?;
            let endpoint = &mut self.sockets[id].endpoint;
            let peer = endpoint.plan_connect(net, echo(endpoint.inet.version).0, remote)?;
            endpoint.set_peer(&peer);
        } else {
            let port = self.inet(id).local_port;
            self.sockets[id].endpoint.forget_peer();
            if self.inet(id).local_port == 0 {
                self.ports.unbind(id, port);
            }
        }
        self.options_changed(net, id)
    }

    /// Makes changed options of the binding take effect.
    #[allow(clippy::unnecessary_wraps)]
    pub fn options_changed(&mut self, _net: &mut Network, id: Key) -> Result<(), Errno> {
        let now = binding(id, self.inet(id));
        self.ports.update(self.inet(id).local_port, id, |binding| *binding = now);
        Ok(())
    }

    /// The last handle is gone: the socket and what is queued go.
    pub fn close(&mut self, net: &mut Network, id: Key) {
        if let Some(mut socket) = self.sockets.remove(id) {
            self.ports.unbind(id, socket.endpoint.inet.local_port);
            socket.endpoint.dissolve(net);
        }
    }

    /// Sends one echo request (copies `data`); gives its length.
    ///
    /// `EINVAL` (not an echo request), `EDESTADDRREQ`, `EMSGSIZE`, `EACCES`, `EPIPE`, `EOPNOTSUPP` (`MSG_OOB`), `EAGAIN` (no
    /// identifier left), a pending `SO_ERROR`, and the errors of routing.
    pub fn send(
        &mut self,
        net: &mut Network,
        id: Key,
        data: &[&[u8]],
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        if data.iter().map(|part| part.len()).fold(0, usize::saturating_add) > 0xffff {
            return Err(Errno::EMSGSIZE);
        }
        self.send_message(net, id, data.concat(), to, control, flags)
    }

    /// The same with a payload that comes in chunks.
    pub fn send_bytes(
        &mut self,
        net: &mut Network,
        id: Key,
        data: Rope,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        if data.len() > 0xffff {
            return Err(Errno::EMSGSIZE);
        }
        self.send_message(net, id, data.to_vec(), to, control, flags)
    }

    fn send_message(
        &mut self,
        net: &mut Network,
        id: Key,
        mut message: Vec<u8>,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        self.autobind(id)?;
        let endpoint = &mut self.sockets[id].endpoint;
        let (protocol, request, _) = echo(endpoint.inet.version);
        if flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if message.len() < HEADER || message[..2] != [request, 0] {
            return Err(Errno::EINVAL);
        }
        let connected = endpoint.inet.is_connected().then(|| endpoint.inet.remote_end());
        let to = to.or(connected).ok_or(Errno::EDESTADDRREQ)?;
        let prepared = endpoint.prepare(net, protocol, to, control, flags)?;
        prepared.confirm(net, flags);
        if endpoint.write_shut {
            return Err(Errno::EPIPE);
        }
        if let Some(errno) = endpoint.inet.take_error() {
            return Err(errno);
        }
        let limit = prepared.packet_limit(net);
        if prepared.header_len() + message.len() > limit {
            endpoint.local_too_big(&mut net.links.base, to, limit as u32);
            return Err(Errno::EMSGSIZE);
        }
        let len = message.len();
        fill_in(&mut message, &prepared, endpoint.inet.local_port);
        let sent = net.send(&prepared.route, &prepared.outgoing, Frame::new(message.into()));
        match sent {
            Ok(()) => {
                let peer = SockAddr { addr: prepared.outgoing.dst, port: 0, scope: to.scope };
                let socket = endpoint.inet.owner;
                net.links.base.emit(What::Datagram { socket, direction: Direction::Out, peer, len: len as u32 });
                Ok(len)
            }
            Err(Errno::ENOBUFS) if !endpoint.inet.recv_err => Ok(len),
            Err(errno) => Err(errno),
        }
    }

    /// An ICMP message for this host: a reply goes to the socket with its identifier.
    pub fn receive(&mut self, net: &mut Network, packet: &Packet) {
        let (protocol, _, reply) = echo(packet.dst.version());
        let mut scratch = [0; HEADER];
        let Some(header) = packet.view(0, HEADER, &mut scratch) else { return };
        if packet.protocol != protocol || header[..2] != [reply, 0] {
            return;
        }
        let Some(id) = self.lookup(u16::from_be_bytes([header[4], header[5]]), packet.dst, packet.link) else { return };
        let base = &mut net.links.base;
        let scope = if needs_scope(packet.src) { u32::from(packet.link.0) } else { 0 };
        let datagram = Datagram {
            data: kept(packet.payload(0), packet.frame.len()).into(),
            from: SockAddr { addr: packet.src, port: 0, scope },
            to: packet.dst,
            to_port: 0,
            link: packet.link,
            hop_limit: packet.hop_limit,
            tos: packet.traffic_class,
            flow_label: packet.flow_label,
            at: base.now,
            options: None,
            segment_size: 0,
        };
        if self.sockets[id].endpoint.deliver(base, datagram).is_err() {
            base.discard(Some(packet.link), Discard::RawBufferFull, packet.len);
        }
    }

    /// An ICMP error that quotes an echo request.
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        let (protocol, request, _) = echo(error.local.version());
        let [kind, _, _, _, a, b, ..] = error.quoted[..] else { return };
        if error.protocol != protocol || kind != request {
            return;
        }
        if let Some(id) = self.lookup(u16::from_be_bytes([a, b]), error.local, error.link) {
            self.sockets[id].endpoint.icmp_error(&mut net.links.base, error, 0, 0);
        }
    }

    /// The newest socket with an identifier. As in Linux (`ping_lookup`) it does not matter to whom it is connected: who
    /// pings a broadcast address hears many.
    fn lookup(&self, identifier: u16, local: crate::base::Addr, link: LinkId) -> Option<Key> {
        self.ports.at(identifier).iter().rev().find(|one| one.takes(local, link.0)).map(|one| one.socket)
    }
}

/// Identifier and checksum (RFC 792; RFC 4443 §2.3: over IPv6 with the pseudo-header).
fn fill_in(message: &mut [u8], prepared: &Prepared, identifier: u16) {
    message[2..4].fill(0);
    message[4..6].copy_from_slice(&identifier.to_be_bytes());
    let dst = prepared.outgoing.dst;
    let mut sum = match dst.version() {
        Version::V4 => Sum::new(),
        Version::V6 => Sum::pseudo(prepared.route.src, dst, protocol::ICMPV6, message.len()),
    };
    sum.add(message);
    message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
}

endpoint_calls!(Ping);

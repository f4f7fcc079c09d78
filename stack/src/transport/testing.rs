//! Hosts for the tests of datagram protocols: a network layer and the transports, joined by raw-IP links without delay.

use alloc::string::String;
use alloc::vec::Vec;

use crate::base::{Addr, Base, Errno, Frame, Instant, Key, LinkId, MsgFlags, Slab, SockAddr, Version};
use crate::link::{LinkConfig, Links, Medium, Offloads};
use crate::network::{Cast, Network, Packet, TransportError, Up, protocol};
use crate::transport::datagram::SendControl;
use crate::transport::ping::Ping;
use crate::transport::raw::Raw;
use crate::transport::udp::Udp;

pub(super) fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> SockAddr {
    text.parse().unwrap()
}

/// A host on 10.0.0.0/24 and fd00::/64.
pub(super) struct Host {
    pub(super) net: Network,
    pub(super) udp: Udp,
    pub(super) raw: Raw,
    pub(super) ping: Ping,
    pub(super) eth: LinkId,
    /// Names of sockets, as the socket layer would give them.
    owners: Slab<()>,
}

impl Host {
    /// The host 10.0.0.`n`, fd00::`n`.
    pub(super) fn new(n: u8) -> Self {
        Self::with_mtu(n, 1500)
    }

    pub(super) fn with_mtu(n: u8, mtu: u32) -> Self {
        Self::with_link(n, mtu, Offloads::default())
    }

    /// A host whose device does so much.
    pub(super) fn with_link(n: u8, mtu: u32, offloads: Offloads) -> Self {
        let mut net = Network::new(Links::new(Base::new(u64::from(n).into(), Instant::EPOCH, 1 << 24, 1000)));
        let config = LinkConfig { name: String::from("eth0"), medium: Medium::Ip, mtu, offloads, queue_limit: 1 << 20 };
        let eth = net.add_link(config).unwrap();
        net.set_link_up(eth, true).unwrap();
        net.add_address(eth, alloc::format!("10.0.0.{n}/24").parse().unwrap()).unwrap();
        net.add_address(eth, alloc::format!("fd00::{n}/64").parse().unwrap()).unwrap();
        let entropy = net.links.base.entropy.clone();
        let mut host =
            Self { udp: Udp::new(&entropy), raw: Raw::new(), ping: Ping::new(&entropy), net, eth, owners: Slab::new() };
        host.run();
        while host.net.links.transmit(eth).is_some() {}
        host
    }

    /// A new socket's name.
    pub(super) fn owner(&mut self) -> Key {
        self.owners.insert(())
    }

    /// A UDP socket that is not bound.
    pub(super) fn socket(&mut self, version: Version) -> Key {
        let owner = self.owner();
        self.udp.open(owner, version)
    }

    /// A raw socket.
    pub(super) fn raw(&mut self, version: Version, protocol: u8) -> Key {
        let owner = self.owner();
        self.raw.open(owner, version, protocol)
    }

    /// A UDP socket bound to `local`.
    pub(super) fn bound(&mut self, local: &str) -> Key {
        let local = at(local);
        let id = self.socket(local.addr.version());
        self.udp.bind(&mut self.net, id, local).unwrap();
        id
    }

    /// A UDP socket connected to `remote`.
    pub(super) fn connected(&mut self, remote: &str) -> Key {
        let remote = at(remote);
        let id = self.socket(remote.addr.version());
        self.udp.connect(&mut self.net, id, Some(remote)).unwrap();
        id
    }

    pub(super) fn connect(&mut self, id: Key, remote: &str) -> Result<(), Errno> {
        self.udp.connect(&mut self.net, id, Some(at(remote)))
    }

    /// Sends from a connected socket.
    pub(super) fn send(&mut self, id: Key, data: &[u8]) -> Result<usize, Errno> {
        let sent = self.udp.send(&mut self.net, id, &[data], None, &SendControl::default(), MsgFlags::NONE);
        self.run();
        sent
    }

    pub(super) fn send_to(&mut self, id: Key, to: &str, data: &[u8]) -> Result<usize, Errno> {
        self.send_with(id, Some(to), data, &SendControl::default(), MsgFlags::NONE)
    }

    pub(super) fn send_with(
        &mut self,
        id: Key,
        to: Option<&str>,
        data: &[u8],
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        let sent = self.udp.send(&mut self.net, id, &[data], to.map(at), control, flags);
        self.run();
        sent
    }

    /// The payload of the next datagram.
    pub(super) fn recv(&mut self, id: Key) -> Option<Vec<u8>> {
        self.udp.pop(&mut self.net, id).map(|datagram| datagram.data.to_vec())
    }

    /// Lengths of all datagrams that wait.
    pub(super) fn recv_lengths(&mut self, id: Key) -> Vec<usize> {
        core::iter::from_fn(|| self.recv(id)).map(|data| data.len()).collect()
    }

    /// The dispatch of the engine: what the network layer gives goes to its transport.
    pub(super) fn run(&mut self) {
        while let Some(up) = self.net.poll() {
            match up {
                Up::Packet(packet) => self.dispatch(packet),
                Up::Error(error) => self.error(&error),
            }
        }
    }

    pub(super) fn dispatch(&mut self, packet: Packet) {
        self.raw.receive(&mut self.net, &packet);
        match packet.protocol {
            protocol::UDP => self.udp.receive(&mut self.net, packet),
            protocol::ICMP | protocol::ICMPV6 => self.ping.receive(&mut self.net, &packet),
            _ => {}
        }
    }

    /// A packet for UDP alone.
    pub(super) fn receive_udp(&mut self, packet: Packet) {
        self.udp.receive(&mut self.net, packet);
    }

    pub(super) fn error(&mut self, error: &TransportError) {
        self.raw.error(&mut self.net, error);
        match error.protocol {
            protocol::UDP => self.udp.error(&mut self.net, error),
            protocol::ICMP | protocol::ICMPV6 => self.ping.error(&mut self.net, error),
            _ => {}
        }
    }

    /// A frame from the link.
    pub(super) fn take(&mut self, frame: Frame) {
        self.net.receive(self.eth, frame);
        self.run();
    }

    /// All frames that wait to leave.
    pub(super) fn frames(&mut self) -> Vec<Frame> {
        core::iter::from_fn(|| self.net.links.transmit(self.eth)).collect()
    }

    /// A hand-made packet to this host, as the network layer would give it.
    pub(super) fn packet(&self, from: &str, to: &str, bytes: &[u8]) -> Packet {
        let (src, dst) = (addr(from), addr(to));
        let cast = if dst.is_multicast() {
            Cast::Multicast
        } else if self.net.is_broadcast(dst) {
            Cast::Broadcast
        } else {
            Cast::Unicast
        };
        let header = if dst.is_v4() { 20 } else { 40 };
        let mut whole = alloc::vec![0; header];
        whole.extend_from_slice(bytes);
        Packet {
            link: self.eth,
            src,
            dst,
            cast,
            protocol: protocol::UDP,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            frame: Frame::from(&whole[..]),
            network: 0,
            transport: header,
            len: bytes.len(),
        }
    }
}

/// Carries frames between two hosts until none is under way.
pub(super) fn exchange(a: &mut Host, b: &mut Host) {
    loop {
        let (from_a, from_b) = (a.frames(), b.frames());
        if from_a.is_empty() && from_b.is_empty() {
            return;
        }
        from_a.into_iter().for_each(|frame| b.take(on_the_wire(&frame)));
        from_b.into_iter().for_each(|frame| a.take(on_the_wire(&frame)));
    }
}

/// What a wire carries is bytes: nothing is known of them at the other end.
fn on_the_wire(frame: &Frame) -> Frame {
    Frame::from(&frame.to_vec()[..])
}

/// A UDP datagram without a checksum.
pub(super) fn datagram(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&src_port.to_be_bytes());
    bytes.extend_from_slice(&dst_port.to_be_bytes());
    bytes.extend_from_slice(&(payload.len() as u16 + 8).to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

//! One host with raw-IP links, as the stories see it: packets are written by [`V4`] and [`V6`], and read back by the same codecs.

use alloc::vec::Vec;

use crate::base::checksum::checksum;
use crate::base::{Addr, Base, Cidr, Duration, Errno, Frame, Instant, LinkId, Rope, Sum, TimerOwner};
use crate::link::{LinkConfig, Links, Mac, Medium, Offloads};
use crate::network::{Fragmentation, Network, Outgoing, Packet, RouteQuery, TransportError, Up, ipv4, ipv6, protocol};

pub(in crate::network) const ETH0: LinkId = LinkId(2);
pub(in crate::network) const ETH1: LinkId = LinkId(3);

/// Bytes that the queues of links hold.
const QUEUE: usize = 1 << 20;

pub(in crate::network) fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

pub(in crate::network) fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

/// A host and what it said.
pub(in crate::network) struct Host {
    pub(in crate::network) net: Network,
    pub(in crate::network) packets: Vec<Packet>,
    pub(in crate::network) errors: Vec<TransportError>,
}

impl Host {
    /// A host with one link of MTU 1500: 10.0.0.1/24 and fd00::1/64.
    pub(in crate::network) fn new() -> Self {
        let links = Links::new(Base::new(7.into(), Instant::EPOCH, 64 << 20, 0));
        let mut host = Self { net: Network::new(links), packets: Vec::new(), errors: Vec::new() };
        host.add_link("eth0", 1500, &["10.0.0.1/24", "fd00::1/64"]);
        host
    }

    /// The same with a second link: 10.0.1.1/24 and fd00:1::1/64; it forwards.
    pub(in crate::network) fn router(mtu_of_second: u32) -> Self {
        let mut host = Self::new();
        host.net.config.ipv4.forward = true;
        host.net.config.ipv6.forwarding = true;
        host.add_link("eth1", mtu_of_second, &["10.0.1.1/24", "fd00:1::1/64"]);
        host
    }

    /// An Ethernet link with 10.0.2.1/24 and fd00:2::1/64.
    pub(in crate::network) fn add_ethernet(&mut self) -> LinkId {
        let medium = Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, 1]), vlan: None };
        self.add_medium("eth9", medium, 1500, QUEUE, &["10.0.2.1/24", "fd00:2::1/64"])
    }

    /// A link of packets whose queue holds so many bytes, with 10.0.3.1/24 and fd00:3::1/64.
    pub(in crate::network) fn add_slow_link(&mut self, queue: usize) -> LinkId {
        self.add_medium("slow0", Medium::Ip, 1500, queue, &["10.0.3.1/24", "fd00:3::1/64"])
    }

    /// A link of packets whose device cuts super-segments that are longer than any packet, with 10.0.4.1/24 and
    /// fd00:4::1/64.
    pub(in crate::network) fn add_cutting_link(&mut self) -> LinkId {
        let offloads = Offloads { checksum: true, segmentation: 150_000, coalesce: false };
        self.add_with(
            LinkConfig { name: "cuts0".into(), medium: Medium::Ip, mtu: 1500, offloads, queue_limit: QUEUE },
            &["10.0.4.1/24", "fd00:4::1/64"],
        )
    }

    fn add_link(&mut self, name: &str, mtu: u32, addrs: &[&str]) {
        self.add_medium(name, Medium::Ip, mtu, QUEUE, addrs);
    }

    fn add_medium(&mut self, name: &str, medium: Medium, mtu: u32, queue_limit: usize, addrs: &[&str]) -> LinkId {
        self.add_with(LinkConfig { name: name.into(), medium, mtu, offloads: Offloads::default(), queue_limit }, addrs)
    }

    fn add_with(&mut self, config: LinkConfig, addrs: &[&str]) -> LinkId {
        let mtu = config.mtu;
        let link = self.net.add_link(config).unwrap();
        self.net.set_link_up(link, true).unwrap();
        // IPv6 does not run over links of less than its minimum MTU.
        let possible = addrs.iter().filter(|text| mtu >= 1280 || !text.contains(':'));
        possible.for_each(|text| self.net.add_address(link, cidr(text)).unwrap());
        // Whatever was announced at the start is no part of the stories.
        self.pass(Duration::from_secs(5));
        self.sent(link);
        self.sent(ETH0);
        link
    }

    /// A packet comes by `link`.
    pub(in crate::network) fn receive(&mut self, link: LinkId, packet: &[u8]) {
        self.net.receive(link, Frame::from(packet));
        self.settle();
    }

    /// Lets everything go up that wants to.
    pub(in crate::network) fn settle(&mut self) {
        while let Some(up) = self.net.poll() {
            match up {
                Up::Packet(packet) => self.packets.push(packet),
                Up::Error(error) => self.errors.push(error),
            }
        }
    }

    /// Time passes, timers fire.
    pub(in crate::network) fn pass(&mut self, time: Duration) {
        let end = self.net.links.base.now + time;
        loop {
            let next = self.net.links.base.timers.exact_deadline().min(end);
            self.net.links.base.now = next.max(self.net.links.base.now);
            while let Some(timer) = self.net.links.base.timers.expire(next) {
                assert!(!matches!(timer.owner, TimerOwner::Tcp));
                self.net.timer(timer);
            }
            self.settle();
            if next >= end {
                return;
            }
        }
    }

    /// Everything that left by `link` since the last time.
    pub(in crate::network) fn sent(&mut self, link: LinkId) -> Vec<Vec<u8>> {
        self.settle();
        core::iter::from_fn(|| self.net.links.transmit(link)).map(|frame| frame.to_vec()).collect()
    }

    /// The one packet that left by `link`, IPv4.
    pub(in crate::network) fn sent_v4(&mut self, link: LinkId) -> V4 {
        let [packet] = <[Vec<u8>; 1]>::try_from(self.sent(link)).unwrap_or_else(|all| panic!("not one packet but {all:x?}"));
        V4::read(&packet)
    }

    /// The one packet that left by `link`, IPv6.
    pub(in crate::network) fn sent_v6(&mut self, link: LinkId) -> V6 {
        let [packet] = <[Vec<u8>; 1]>::try_from(self.sent(link)).unwrap_or_else(|all| panic!("not one packet but {all:x?}"));
        V6::read(&packet)
    }

    /// A transport sends `payload` to `dst`.
    pub(in crate::network) fn send(&mut self, dst: Addr, payload: &[u8], fragmentation: Fragmentation) -> Result<(), Errno> {
        let outgoing = Outgoing { dst, protocol: protocol::UDP, fragmentation, ..Outgoing::default() };
        self.send_as(&outgoing, payload)
    }

    pub(in crate::network) fn send_as(&mut self, outgoing: &Outgoing, payload: &[u8]) -> Result<(), Errno> {
        let query = RouteQuery { dst: outgoing.dst, src: Addr::any(outgoing.dst.version()), link: None };
        let route = self.net.route(&query)?;
        let sent = self.net.send(&route, outgoing, Frame::from(payload));
        self.settle();
        sent
    }
}

/// An IPv4 packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::network) struct V4 {
    pub(in crate::network) header: ipv4::Header,
    pub(in crate::network) options: Vec<u8>,
    pub(in crate::network) payload: Vec<u8>,
}

impl V4 {
    pub(in crate::network) fn new(src: &str, dst: &str, protocol: u8, payload: &[u8]) -> Self {
        let header = ipv4::Header {
            header_len: 20,
            traffic_class: 0,
            total_len: 0,
            ident: 1,
            dont_fragment: false,
            more_fragments: false,
            offset: 0,
            ttl: 64,
            protocol,
            src: addr(src),
            dst: addr(dst),
        };
        Self { header, options: Vec::new(), payload: payload.into() }
    }

    /// An ICMP message of `kind`, `code`, four bytes and what follows.
    pub(in crate::network) fn icmp(src: &str, dst: &str, kind: [u8; 2], rest: u32, body: &[u8]) -> Self {
        let mut message = [&kind[..], &[0, 0], &rest.to_be_bytes(), body].concat();
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        Self::new(src, dst, protocol::ICMP, &message)
    }

    pub(in crate::network) fn with(mut self, change: impl FnOnce(&mut ipv4::Header)) -> Self {
        change(&mut self.header);
        self
    }

    pub(in crate::network) fn options(self, options: &[u8]) -> Self {
        Self { options: options.into(), ..self }
    }

    pub(in crate::network) fn bytes(&self) -> Vec<u8> {
        let len = 20 + self.options.len();
        let mut bytes = alloc::vec![0; len];
        let header = ipv4::Header { header_len: len as u8, total_len: (len + self.payload.len()) as u16, ..self.header };
        header.emit(&self.options, &mut bytes);
        bytes.extend(&self.payload);
        bytes
    }

    pub(in crate::network) fn read(bytes: &[u8]) -> Self {
        let header = ipv4::Header::parse(bytes[..20].try_into().unwrap(), bytes.len()).unwrap();
        assert_eq!(checksum(&bytes[..header.len()]), 0, "the header's checksum");
        assert_eq!(header.total(), bytes.len());
        let packet = Self { header, options: bytes[20..header.len()].into(), payload: bytes[header.len()..].into() };
        assert!(header.protocol != protocol::ICMP || header.is_fragment() || checksum(&packet.payload) == 0, "ICMP checksum");
        packet
    }

    /// Type and code.
    pub(in crate::network) fn kind(&self) -> (u8, u8) {
        assert_eq!(self.header.protocol, protocol::ICMP);
        (self.payload[0], self.payload[1])
    }

    pub(in crate::network) fn rest(&self) -> u32 {
        u32::from_be_bytes(self.payload[4..8].try_into().unwrap())
    }
}

/// An IPv6 packet; extension headers are part of the payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::network) struct V6 {
    pub(in crate::network) header: ipv6::Header,
    pub(in crate::network) payload: Vec<u8>,
}

impl V6 {
    pub(in crate::network) fn new(src: &str, dst: &str, next_header: u8, payload: &[u8]) -> Self {
        let (src, dst) = (addr(src), addr(dst));
        let header = ipv6::Header { traffic_class: 0, flow_label: 0, payload_len: 0, next_header, hop_limit: 64, src, dst };
        Self { header, payload: payload.into() }
    }

    pub(in crate::network) fn icmp(src: &str, dst: &str, kind: [u8; 2], rest: u32, body: &[u8]) -> Self {
        let mut message = [&kind[..], &[0, 0], &rest.to_be_bytes(), body].concat();
        let mut sum = Sum::pseudo(addr(src), addr(dst), protocol::ICMPV6, message.len());
        sum.add(&message);
        message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
        Self::new(src, dst, protocol::ICMPV6, &message)
    }

    pub(in crate::network) fn with(mut self, change: impl FnOnce(&mut ipv6::Header)) -> Self {
        change(&mut self.header);
        self
    }

    /// Puts an extension header of number `number` in front of the payload.
    pub(in crate::network) fn extension(mut self, number: u8, content: &[u8]) -> Self {
        let len = content.len() + 2;
        assert_eq!(len % 8, 0);
        let next = core::mem::replace(&mut self.header.next_header, number);
        let mut payload = alloc::vec![next, (len / 8 - 1) as u8];
        payload.extend(content);
        payload.extend(&self.payload);
        Self { payload, ..self }
    }

    /// Puts a fragment header in front of the payload.
    pub(in crate::network) fn fragment(mut self, offset: u16, more: bool, ident: u32) -> Self {
        let next_header = core::mem::replace(&mut self.header.next_header, protocol::FRAGMENT);
        let mut payload = Vec::from(ipv6::Fragment { next_header, offset, more, ident }.emit());
        payload.extend(&self.payload);
        Self { payload, ..self }
    }

    pub(in crate::network) fn bytes(&self) -> Vec<u8> {
        let mut bytes = alloc::vec![0; 40];
        ipv6::Header { payload_len: self.payload.len() as u16, ..self.header }.emit(&mut bytes);
        bytes.extend(&self.payload);
        bytes
    }

    pub(in crate::network) fn read(bytes: &[u8]) -> Self {
        let header = ipv6::Header::parse(bytes[..40].try_into().unwrap(), bytes.len()).unwrap();
        assert_eq!(header.total(), bytes.len());
        let packet = Self { header, payload: bytes[40..].into() };
        if header.next_header == protocol::ICMPV6 {
            let mut sum = Sum::pseudo(header.src, header.dst, protocol::ICMPV6, packet.payload.len());
            sum.add(&packet.payload);
            assert_eq!(sum.finish(), 0, "ICMPv6 checksum");
        }
        packet
    }

    pub(in crate::network) fn kind(&self) -> (u8, u8) {
        assert_eq!(self.header.next_header, protocol::ICMPV6);
        (self.payload[0], self.payload[1])
    }

    pub(in crate::network) fn rest(&self) -> u32 {
        u32::from_be_bytes(self.payload[4..8].try_into().unwrap())
    }
}

/// The transport part of a packet that went up.
pub(in crate::network) fn transport(packet: &Packet) -> Rope {
    packet.payload(0)
}

//! A host on one Ethernet in virtual time: what it hears is put in as packets, what it says is read from its frames.

use alloc::string::String;
use alloc::vec::Vec;

use crate::base::{Addr, Base, Cidr, Duration, Frame, Instant, LinkId, Sum};
use crate::link::{LinkConfig, Links, Mac, Medium, Offloads};
use crate::network::ndp::{Message, RouterAdvertisement};
use crate::network::{Cast, Network, Packet, protocol};

pub(in crate::network) const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub(in crate::network) const OTHER_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);

/// An IP packet that the host sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::network) struct Sent {
    pub(in crate::network) at: Instant,
    pub(in crate::network) src: Addr,
    pub(in crate::network) dst: Addr,
    pub(in crate::network) to: Mac,
    pub(in crate::network) hop_limit: u8,
    pub(in crate::network) protocol: u8,
    /// There was a router alert option.
    pub(in crate::network) alert: bool,
    pub(in crate::network) payload: Vec<u8>,
}

impl Sent {
    /// The message of neighbour discovery it carries.
    pub(in crate::network) fn ndp(&self) -> Option<Message> {
        (self.protocol == protocol::ICMPV6).then(|| Message::read(&self.payload)).flatten()
    }

    fn read(at: Instant, frame: &[u8]) -> Option<Self> {
        let to = Mac(frame[..6].try_into().unwrap());
        let packet = &frame[14..];
        match (frame[12], frame[13]) {
            (0x86, 0xdd) => {
                let addr = |from: usize| Addr::from_v6(packet[from..from + 16].try_into().unwrap());
                let alert = packet[6] == protocol::HOP_BY_HOP;
                let (next, start) = if alert { (packet[40], 48) } else { (packet[6], 40) };
                if alert {
                    assert_eq!(packet[41..48], [0, 5, 2, 0, 0, 1, 0], "router alert for MLD and padding");
                }
                let (src, dst, payload) = (addr(8), addr(24), packet[start..].to_vec());
                let mut sum = Sum::pseudo(src, dst, next, payload.len());
                sum.add(&payload);
                assert!(next != protocol::ICMPV6 || sum.finish() == 0, "the checksum is right");
                Some(Self { at, src, dst, to, hop_limit: packet[7], protocol: next, alert, payload })
            }
            (0x08, 0x00) => {
                let addr = |from: usize| Addr::from_v4(packet[from..from + 4].try_into().unwrap());
                let start = usize::from(packet[0] & 0x0f) * 4;
                let alert = packet[20..start] == [0x94, 4, 0, 0];
                let (src, dst, payload) = (addr(12), addr(16), packet[start..].to_vec());
                Some(Self { at, src, dst, to, hop_limit: packet[8], protocol: packet[9], alert, payload })
            }
            _ => None,
        }
    }
}

/// A host on one Ethernet.
pub(in crate::network) struct Host {
    pub(in crate::network) net: Network,
    pub(in crate::network) link: LinkId,
    sent: Vec<Sent>,
    frames: Vec<Frame>,
}

/// Time passes for hosts on one Ethernet: what one says, the others hear a moment later.
pub(in crate::network) fn pass_together(hosts: &mut [Host], time: Duration) {
    const STEP: Duration = Duration::from_millis(1);
    for _ in 0..time.as_millis() {
        for from in 0..hosts.len() {
            hosts[from].pass(STEP);
            for frame in core::mem::take(&mut hosts[from].frames) {
                for to in (0..hosts.len()).filter(|&to| to != from) {
                    let link = hosts[to].link;
                    hosts[to].net.receive(link, Frame::from(frame.to_vec().as_slice()));
                }
            }
        }
    }
    hosts.iter_mut().for_each(Host::collect);
}

impl Host {
    /// A host with an Ethernet that configures itself, not a moment after it was added.
    pub(in crate::network) fn new(seed: u64) -> Self {
        Self::with(seed, |_| {})
    }

    /// A host whose settings are changed before the Ethernet is added.
    pub(in crate::network) fn with(seed: u64, settings: impl FnOnce(&mut Network)) -> Self {
        Self::with_mac(seed, MAC, settings)
    }

    pub(in crate::network) fn with_mac(seed: u64, mac: Mac, settings: impl FnOnce(&mut Network)) -> Self {
        let mut net = Network::new(Links::new(Base::new(seed.into(), Instant::EPOCH, 1 << 20, 64)));
        settings(&mut net);
        let link = net.add_link(ethernet("eth0", mac)).unwrap();
        Self { net, link, sent: Vec::new(), frames: Vec::new() }
    }

    /// A host on whose Ethernet nothing configures itself.
    pub(in crate::network) fn manual(seed: u64) -> Self {
        Self::with(seed, |net| net.config.ipv6.link_defaults = super::LinkSettings::MANUAL)
    }

    /// A host whose link-local address is ready; what it said on the way is forgotten.
    pub(in crate::network) fn ready(seed: u64) -> Self {
        let mut host = Self::new(seed);
        host.pass(Duration::from_millis(2500));
        host.sent();
        host
    }

    pub(in crate::network) fn now(&self) -> Instant {
        self.net.links.base.now
    }

    /// Time passes: every timer fires at its moment.
    pub(in crate::network) fn pass(&mut self, time: Duration) {
        let end = self.now() + time;
        loop {
            self.collect();
            let next = self.net.links.base.timers.exact_deadline().min(end);
            let base = &mut self.net.links.base;
            base.now = base.now.max(next);
            while let Some(timer) = self.net.links.base.timers.expire(self.net.links.base.now) {
                self.net.timer(timer);
                self.collect();
            }
            if next == end {
                break;
            }
        }
    }

    fn collect(&mut self) {
        while self.net.poll().is_some() {}
        while let Some(frame) = self.net.links.transmit(self.link) {
            self.sent.extend(Sent::read(self.now(), &frame.to_vec()));
            self.frames.push(frame);
        }
    }

    /// What was said since the last call.
    pub(in crate::network) fn sent(&mut self) -> Vec<Sent> {
        self.collect();
        self.frames.clear();
        core::mem::take(&mut self.sent)
    }

    /// The messages of neighbour discovery that were said since the last call.
    pub(in crate::network) fn said(&mut self) -> Vec<(Sent, Message)> {
        let sent = self.sent();
        sent.into_iter().filter_map(|sent| sent.ndp().map(|message| (sent, message))).collect()
    }

    /// A packet for the host, as the layer below the ICMPs sees it.
    pub(in crate::network) fn packet(&self, src: Addr, dst: Addr, protocol: u8, hop_limit: u8, payload: &[u8]) -> Packet {
        Packet {
            link: self.link,
            src,
            dst,
            cast: if dst.is_multicast() { Cast::Multicast } else { Cast::Unicast },
            protocol,
            hop_limit,
            traffic_class: 0,
            flow_label: 0,
            frame: Frame::from(payload),
            network: 0,
            transport: 0,
            len: payload.len(),
        }
    }

    /// Hears a message of neighbour discovery.
    pub(in crate::network) fn hear(&mut self, src: &str, dst: Addr, message: &Message) {
        self.hear_with_hop_limit(src, dst, 255, message);
    }

    pub(in crate::network) fn hear_with_hop_limit(&mut self, src: &str, dst: Addr, hop_limit: u8, message: &Message) {
        let packet = self.packet(addr(src), dst, protocol::ICMPV6, hop_limit, &message.write());
        self.net.ndp_receive(&packet);
        self.collect();
    }

    /// Hears a router advertisement from `fe80::1`.
    pub(in crate::network) fn advertise(&mut self, advertisement: RouterAdvertisement) {
        self.hear("fe80::1", Addr::ALL_NODES, &Message::RouterAdvertisement(advertisement));
    }

    /// The IPv6 addresses of the Ethernet that are not link-local.
    pub(in crate::network) fn global(&self) -> Vec<&crate::network::addresses::Assigned> {
        let v6 = |cidr: Cidr| !cidr.addr.is_v4() && !cidr.addr.is_link_local();
        self.net.addresses.on_link(self.link).filter(|assigned| v6(assigned.cidr)).collect()
    }
}

pub(in crate::network) fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

pub(in crate::network) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(in crate::network) fn ethernet(name: &str, mac: Mac) -> LinkConfig {
    LinkConfig {
        name: String::from(name),
        medium: Medium::Ethernet { mac, vlan: None },
        mtu: 1500,
        offloads: Offloads::default(),
        queue_limit: 1 << 20,
    }
}

//! Stories of links: frames in, frames out, time passes. The submodules of `arp` and `neighbour` tell theirs with the same host.

mod joining;

use alloc::string::ToString;
use alloc::vec::Vec;

use super::arp::{ArpPacket, Operation};
use super::ethernet::{Header, ethertype};
use super::offload::layout::Transport;
use super::offload::samples::{ACK, PSH, Sample};
use super::*;
use crate::base::{Addr, Base, Checksum, Discard, Duration, Entropy, Errno, Frame, Instant, LinkId, Version};

pub(super) const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub(super) const PEER: Mac = Mac([2, 0, 0, 0, 0, 2]);
pub(super) const OTHER: Mac = Mac([2, 0, 0, 0, 0, 3]);

pub(super) const BUDGET: usize = 8 << 20;

/// A host with one link.
pub(super) struct Host {
    pub(super) links: Links,
    pub(super) link: LinkId,
}

pub(super) fn ethernet(mac: Mac, vlan: Option<u16>) -> LinkConfig {
    let medium = Medium::Ethernet { mac, vlan };
    LinkConfig { name: "eth0".into(), medium, mtu: 1500, offloads: Offloads::default(), queue_limit: 1 << 20 }
}

fn of_medium(medium: Medium, mtu: u32) -> LinkConfig {
    LinkConfig { medium, mtu, ..ethernet(OWN, None) }
}

pub(super) fn v4(last: u8) -> Addr {
    Addr::v4(10, 0, 0, last)
}

/// An IPv4 packet of `len` bytes, as far as this layer looks at one.
pub(super) fn packet(src: Addr, dst: Addr, len: usize) -> Frame {
    let mut frame = Frame::from(alloc::vec![0xab; len - 20].as_slice());
    let header = frame.push(20);
    header[0] = 0x45;
    header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    header[9] = 253;
    header[12..16].copy_from_slice(&src.v4_octets());
    header[16..].copy_from_slice(&dst.v4_octets());
    frame.l3_len = 20;
    frame
}

/// A frame from another station.
pub(super) fn framed(dst: Mac, src: Mac, kind: u16, mut frame: Frame) -> Frame {
    Header::push(&mut frame, dst, src, None, kind);
    Frame::from(&frame.to_vec()[..])
}

impl Host {
    pub(super) fn new(config: LinkConfig) -> Self {
        Self::seeded(config, 7)
    }

    pub(super) fn seeded(config: LinkConfig, seed: u64) -> Self {
        let mut links = Links::new(Base::new(seed.into(), Instant::EPOCH, BUDGET, 64));
        let link = links.add(config).expect("a link");
        Self { links, link }
    }

    /// On an Ethernet, with the address `10.0.0.1` long announced.
    pub(super) fn settled() -> Self {
        let mut host = Self::new(ethernet(OWN, None));
        host.links.arp_own(host.link, v4(1));
        host.pass(Duration::from_secs(5));
        host.sent();
        host
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.links.base.now + time;
        loop {
            let next = self.links.base.timers.exact_deadline().min(end);
            self.links.base.now = self.links.base.now.max(next);
            while let Some(timer) = self.links.base.timers.expire(next) {
                self.links.timer(timer);
            }
            if next == end {
                return;
            }
        }
    }

    pub(super) fn pass_ms(&mut self, ms: u64) {
        self.pass(Duration::from_millis(ms));
    }

    /// What left since last asked.
    pub(super) fn sent(&mut self) -> Vec<Frame> {
        core::iter::from_fn(|| self.links.transmit(self.link)).collect()
    }

    /// To which stations packets left since last asked.
    pub(super) fn sent_to(&mut self) -> Vec<Mac> {
        self.sent().iter().map(|frame| Header::parse(frame).unwrap().dst).collect()
    }

    /// The ARP packets that left since last asked, and to whom. Anything else that left fails the test.
    pub(super) fn arps(&mut self) -> Vec<(Mac, ArpPacket)> {
        let arp = |frame: &Frame| {
            let header = Header::parse(frame).unwrap();
            (header.dst, ArpPacket::parse(frame, header.len).expect("ARP"))
        };
        self.sent().iter().map(arp).collect()
    }

    pub(super) fn up(&mut self) -> Vec<Up> {
        core::iter::from_fn(|| self.links.poll()).collect()
    }

    /// The frames that came up since last asked. Anything else that came up fails the test.
    fn received(&mut self) -> Vec<Received> {
        let received = |up| if let Up::Received(received) = up { received } else { panic!("{up:?}") };
        self.up().into_iter().map(received).collect()
    }

    pub(super) fn hear(&mut self, frame: Frame) {
        self.links.receive(self.link, frame);
    }

    pub(super) fn hear_arp(&mut self, dst: Mac, packet: ArpPacket) {
        self.hear(framed(dst, packet.sender_mac, ethertype::ARP, packet.to_frame()));
    }

    /// Sends an IPv4 packet to a neighbour.
    pub(super) fn send(&mut self, to: Addr) -> Result<(), Errno> {
        self.links.send(self.link, Hop::Neighbour(to), Version::V4, packet(v4(1), to, 100))
    }

    pub(super) fn discards(&self, reason: Discard) -> u64 {
        self.links.base.counters.discards[reason as usize]
    }

    pub(super) fn neighbour(&self, addr: Addr) -> Option<Neighbour> {
        self.links.neighbours().find(|neighbour| neighbour.addr == addr)
    }
}

#[test]
fn links_have_numbers_that_are_never_used_again() {
    let mut host = Host::new(ethernet(OWN, None));
    assert_eq!(host.link, LinkId(1));
    assert_eq!(host.links.add(ethernet(OWN, None)), Err(Errno::EEXIST));
    let second = LinkConfig { name: "eth1".into(), ..ethernet(OWN, None) };
    assert_eq!(host.links.add(second.clone()), Ok(LinkId(2)));
    assert_eq!(host.links.remove(LinkId(2)), Ok(()));
    assert_eq!(host.links.remove(LinkId(2)), Err(Errno::ENODEV));
    assert_eq!(host.links.add(second), Ok(LinkId(3)));
    assert_eq!(host.links.by_name("eth1"), Some(LinkId(3)));
    assert_eq!(host.links.ids(), [LinkId(1), LinkId(3)]);
    assert_eq!(host.links.rename(LinkId(3), "eth0".to_string()), Err(Errno::EEXIST));
    assert_eq!(host.links.rename(LinkId(3), "lan".to_string()), Ok(()));
    assert_eq!(host.links.links().map(|status| status.config.name.as_str()).collect::<Vec<_>>(), ["eth0", "lan"]);
    for nobody in [LinkId(0), LinkId(2), LinkId(9)] {
        assert!(host.links.config(nobody).is_none() && !host.links.is_up(nobody) && !host.links.has_room(nobody));
        assert_eq!(host.links.set_mtu(nobody, 1500), Err(Errno::ENODEV));
        assert_eq!(host.links.send(nobody, Hop::Broadcast, Version::V4, packet(v4(1), v4(2), 60)), Err(Errno::ENODEV));
        host.links.receive(nobody, packet(v4(1), v4(2), 60));
        assert!(host.links.transmit(nobody).is_none());
    }
}

#[test]
fn a_frame_is_for_us_by_its_address() {
    let group: Addr = "239.1.2.3".parse().unwrap();
    let casts = |host: &mut Host| {
        for dst in [OWN, Mac::BROADCAST, Mac::multicast(group), PEER, Mac([0x33, 0x33, 0, 0, 0, 1])] {
            host.hear(framed(dst, PEER, ethertype::IPV4, packet(v4(2), v4(1), 60)));
        }
        host.received().iter().map(|received| received.cast).collect::<Vec<_>>()
    };
    let mut host = Host::new(ethernet(OWN, None));
    assert_eq!(casts(&mut host), [LinkCast::Unicast, LinkCast::Broadcast, LinkCast::Multicast]);
    host.links.group_join(host.link, group);
    assert_eq!(casts(&mut host), [LinkCast::Unicast, LinkCast::Broadcast, LinkCast::Multicast, LinkCast::Multicast]);
    host.links.group_leave(host.link, group);
    assert_eq!(casts(&mut host).len(), 3);
    assert_eq!(host.discards(Discard::FrameNotForUs), 5);
}

#[test]
fn what_comes_up_tells_family_place_and_sender() {
    let mut host = Host::new(ethernet(OWN, None));
    host.hear(framed(OWN, PEER, ethertype::IPV6, packet(v4(2), v4(1), 60)));
    let received = host.received().remove(0);
    assert_eq!((received.link, received.version, received.network), (host.link, Version::V6, 14));
    assert_eq!(received.frame.l2_len, 14);
}

#[test]
fn a_vlan_is_a_world_of_its_own() {
    let hear = |own: Option<u16>, theirs: Option<u16>| {
        let mut host = Host::new(ethernet(OWN, own));
        let mut frame = packet(v4(2), v4(1), 60);
        Header::push(&mut frame, OWN, PEER, theirs, ethertype::IPV4);
        host.hear(frame);
        let network = host.received().first().map(|received| received.network);
        assert_eq!(network.is_none(), host.discards(Discard::FrameWrongVlan) == 1);
        network
    };
    assert_eq!(hear(None, None), Some(14));
    assert_eq!(hear(None, Some(0)), Some(18), "IEEE 802.1Q: a priority tag is no VLAN");
    assert_eq!(hear(None, Some(7)), None);
    assert_eq!(hear(Some(7), Some(7)), Some(18));
    assert_eq!(hear(Some(7), Some(8)), None);
    assert_eq!(hear(Some(7), Some(0)), None);
    assert_eq!(hear(Some(7), None), None);

    let mut host = Host::new(ethernet(OWN, Some(7)));
    host.links.send(host.link, Hop::Broadcast, Version::V4, packet(v4(1), v4(255), 60)).unwrap();
    let header = Header::parse(&host.sent()[0]).unwrap();
    assert_eq!((header.vlan, header.src, header.dst), (Some(7), OWN, Mac::BROADCAST));
}

#[test]
fn what_nobody_handles_is_counted_by_its_reason() {
    let mut host = Host::new(ethernet(OWN, None));
    host.hear(framed(OWN, PEER, 0x88cc, packet(v4(2), v4(1), 60)));
    host.hear(framed(OWN, PEER, 0x0040, packet(v4(2), v4(1), 60)));
    host.hear(Frame::from(&[0; 13][..]));
    host.hear(Frame::default());
    assert!(host.up().is_empty());
    assert_eq!((host.discards(Discard::FrameUnknownType), host.discards(Discard::FrameTooShort)), (2, 2));
    assert_eq!(host.links.links().next().unwrap().stats.rx_dropped, 4);
}

#[test]
fn raw_links_tell_the_family_by_the_first_nibble() {
    let mut host = Host::new(of_medium(Medium::Ip, 1500));
    for first in [0x45, 0x60, 0x50, 0x00] {
        host.hear(Frame::from(&[first, 0, 0, 0][..]));
    }
    host.hear(Frame::default());
    let versions: Vec<Version> = host.received().iter().map(|received| received.version).collect();
    assert_eq!(versions, [Version::V4, Version::V6]);
    assert_eq!((host.discards(Discard::FrameUnknownType), host.discards(Discard::FrameTooShort)), (2, 1));
    host.send(v4(9)).unwrap();
    assert_eq!(host.sent()[0].to_vec(), packet(v4(1), v4(9), 100).to_vec(), "no link header, nobody to be asked for");
}

#[test]
fn what_is_sent_on_loopback_comes_up_as_it_is() {
    let mut host = Host::new(of_medium(Medium::Loopback, 65_536));
    let sample = Sample::new(Version::V6, Transport::Tcp, 30_000, 1400);
    let sent = sample.frame();
    host.links.send(host.link, Hop::Neighbour(sample.dst()), Version::V6, sent.clone()).unwrap();
    assert!(host.links.transmit(host.link).is_none());
    assert!(host.links.links().next().unwrap().queued > 0);
    let received = host.received().remove(0);
    assert_eq!(received.frame.to_vec(), sent.to_vec());
    assert_eq!((received.network, received.cast), (0, LinkCast::Unicast));
    assert_eq!(
        (received.frame.segment_size, received.frame.checksum),
        (1400, Checksum::Partial { offset: 16 }),
        "trusted, uncut"
    );
    assert_eq!(host.links.links().next().unwrap().queued, 0);
}

#[test]
fn datagrams_keep_their_boundaries_on_loopback_and_from_a_device() {
    for medium in [Medium::Loopback, Medium::Ip] {
        let mut host = Host::new(of_medium(medium, 65_536));
        let sample = Sample::new(Version::V4, Transport::Udp, 2500, 1000);
        if medium == Medium::Loopback {
            host.links.send(host.link, Hop::Neighbour(sample.dst()), Version::V4, sample.frame()).unwrap();
        } else {
            host.hear(sample.frame());
        }
        let lengths: Vec<usize> = host.received().iter().map(|received| received.frame.body.len()).collect();
        assert_eq!(lengths, [1000, 1000, 500], "{medium:?}");
    }
}

/// Notes that came with a frame are no proof: what cannot be cut, or is damaged, goes up whole for the layers above to judge.
#[test]
fn a_super_segment_of_a_device_is_looked_at_before_it_is_cut() {
    let mut host = Host::new(of_medium(Medium::Ip, 1500));
    let mut damaged = Sample::new(Version::V4, Transport::Udp, 2500, 1000).frame();
    damaged.checksum = Checksum::Unknown;
    let mut other = packet(v4(2), v4(1), 2000);
    other.segment_size = 1000;
    let tcp = Sample::new(Version::V4, Transport::Tcp, 2500, 1000).frame();
    [damaged, other, tcp].into_iter().for_each(|frame| host.hear(frame));
    let shapes: Vec<(usize, u16)> =
        host.received().iter().map(|received| (received.frame.len(), received.frame.segment_size)).collect();
    assert_eq!(shapes, [(2528, 0), (2000, 0), (2552, 1000)]);
}

#[test]
fn a_segment_size_that_asks_for_no_cut_is_taken_away() {
    let mut host = Host::new(of_medium(Medium::Ip, 1500));
    for (len, segment) in [(1000, 1000), (900, 1000), (0, 1000)] {
        let sample = Sample::new(Version::V4, Transport::Tcp, len, segment);
        host.links.send(host.link, Hop::Broadcast, Version::V4, sample.frame()).unwrap();
        let sent = host.sent();
        assert_eq!((sent.len(), sent[0].segment_size, sent[0].body.len()), (1, 0, len));
    }
}

#[test]
fn a_full_loopback_says_so_and_has_room_again_when_it_was_read() {
    let mut host = Host::new(LinkConfig { queue_limit: 250, ..of_medium(Medium::Loopback, 65_536) });
    assert_eq!([(); 4].map(|()| host.send(v4(1))), [Ok(()), Ok(()), Ok(()), Err(Errno::ENOBUFS)]);
    assert!(!host.links.has_room(host.link));
    assert_eq!(host.received().len(), 3);
    assert_eq!(host.send(v4(1)), Ok(()));
    host.links.set_up(host.link, false);
    assert!(host.up().is_empty());
    let status = host.links.links().next().unwrap();
    assert_eq!((status.queued, status.stats.tx_dropped), (0, 2), "the one refused and the one that waited");
}

#[test]
fn a_packet_that_cannot_leave_is_refused_with_its_errno() {
    let mut host = Host::new(LinkConfig { queue_limit: 250, ..of_medium(Medium::Ip, 1500) });
    let send = |host: &mut Host, frame| host.links.send(host.link, Hop::Broadcast, Version::V4, frame);
    assert_eq!(send(&mut host, packet(v4(1), v4(2), 1501)), Err(Errno::EMSGSIZE));
    assert_eq!(send(&mut host, Sample::new(Version::V4, Transport::Tcp, 9000, 1449).frame()), Err(Errno::EMSGSIZE));
    assert_eq!(send(&mut host, packet(v4(1), v4(2), 1500)), Ok(()));
    assert_eq!(send(&mut host, packet(v4(1), v4(2), 100)), Err(Errno::ENOBUFS));
    assert!(!host.links.has_room(host.link));
    assert_eq!(host.sent().len(), 1);
    assert!(host.links.has_room(host.link));
    assert_eq!(send(&mut host, Sample::new(Version::V4, Transport::Tcp, 9000, 1448).frame()), Ok(()));
    host.links.set_up(host.link, false);
    assert_eq!(send(&mut host, packet(v4(1), v4(2), 100)), Err(Errno::ENETDOWN));
    assert!(host.sent().is_empty(), "going down emptied the queue");
    host.links.set_up(host.link, true);
    assert!(host.sent().is_empty() && host.links.has_room(host.link));
    assert_eq!(host.links.set_mtu(host.link, 67), Err(Errno::EINVAL));
    assert_eq!(host.links.set_mtu(host.link, 576), Ok(()));
    assert_eq!(send(&mut host, packet(v4(1), v4(2), 577)), Err(Errno::EMSGSIZE));
}

/// The queue counts what will be on the wire, and comes to zero whatever the device does itself.
#[test]
fn a_super_segment_leaves_as_the_device_wants_it() {
    for (checksum, segmentation, frames, partial) in
        [(false, 0, 7, false), (true, 0, 7, true), (true, 4000, 4, true), (true, 65_536, 1, true), (false, 65_536, 7, false)]
    {
        let offloads = Offloads { checksum, segmentation, coalesce: false };
        let mut host = Host::new(LinkConfig { offloads, ..ethernet(OWN, None) });
        let sample = Sample::new(Version::V4, Transport::Tcp, 10_000, 1448);
        host.links.send(host.link, Hop::Broadcast, Version::V4, sample.frame()).unwrap();
        assert_eq!(host.links.links().next().unwrap().queued, 10_000 + 7 * (14 + 20 + 32));
        let sent = host.sent();
        assert_eq!(sent.len(), frames, "{offloads:?}");
        assert_eq!(sent.iter().map(|frame| frame.body.len()).sum::<usize>(), 10_000);
        for frame in &sent {
            assert_eq!(frame.checksum != Checksum::Unknown, partial);
            assert_eq!((frame.l2_len, frame.l3_len, frame.l4_len), (14, 20, 32));
            assert_eq!(frame.segment_size > 0, frame.body.len() > 1448);
        }
        assert_eq!(host.links.links().next().unwrap().queued, 0, "{offloads:?}");
    }
}

/// Also where the device gets fewer headers than were counted.
#[test]
fn with_its_last_piece_nothing_is_left_of_a_super_segment() {
    for (checksum, segmentation) in [(false, 0), (true, 0), (true, 4000), (true, 65_536)] {
        let offloads = Offloads { checksum, segmentation, coalesce: false };
        let mut host = Host::new(LinkConfig { offloads, queue_limit: 1, ..of_medium(Medium::Ip, 1500) });
        let sample = Sample::new(Version::V4, Transport::Tcp, 10_000, 1448);
        host.links.send(host.link, Hop::Broadcast, Version::V4, sample.frame()).unwrap();
        let mut left = 0;
        while left < sample.payload.len() {
            let (frame, drained) = host.links.transmit_next(host.link).unwrap();
            left += frame.body.len();
            assert_eq!(drained, left == sample.payload.len(), "{offloads:?} after {left} bytes");
        }
        assert!(host.links.has_nothing_for(host.link));
        host.links.set_up(host.link, false);
        assert_eq!(host.links.links().next().unwrap().stats.tx_dropped, 0, "{offloads:?}: all of it has left");
    }
}

#[test]
fn a_device_that_gives_several_segments_before_it_asks_gets_them_joined() {
    let offloads = Offloads { coalesce: true, ..Offloads::default() };
    let mut host = Host::new(LinkConfig { offloads, ..ethernet(OWN, None) });
    let mut sample = Sample::new(Version::V4, Transport::Tcp, 10_000, 1448);
    sample.flags = ACK;
    let mut sender = Host::new(ethernet(PEER, None));
    sender.links.neighbour_set(sender.link, sample.dst(), OWN).unwrap();
    sender.links.send(sender.link, Hop::Neighbour(sample.dst()), Version::V4, sample.frame()).unwrap();
    let wire: Vec<Frame> = sender.sent().iter().map(|frame| Frame::from(&frame.to_vec()[..])).collect();

    for frame in &wire {
        host.hear(frame.clone());
    }
    let up = host.received();
    assert_eq!(up.len(), 1);
    assert_eq!((up[0].network, up[0].frame.segment_size), (14, 1448));
    assert_eq!(up[0].frame.body.to_vec(), sample.payload);

    for frame in &wire {
        host.hear(frame.clone());
        assert_eq!(host.received().len(), 1, "asked after each, they come one by one");
    }
}

#[test]
fn going_down_counts_all_that_waited() {
    let offloads = Offloads { coalesce: true, ..Offloads::default() };
    let mut host = Host::new(LinkConfig { offloads, ..of_medium(Medium::Ip, 1500) });
    let sample = Sample::new(Version::V4, Transport::Tcp, 3000, 1000);
    (0..3).for_each(|_| host.links.send(host.link, Hop::Broadcast, Version::V4, sample.frame()).unwrap());
    assert!(host.links.transmit(host.link).is_some(), "the first is being cut");
    host.hear(packet(v4(2), v4(1), 60));
    host.hear(Sample::new(Version::V4, Transport::Tcp, 100, 0).frame());
    host.links.set_up(host.link, false);
    assert_eq!(host.discards(Discard::LinkDown), 3 + 2);
    let status = host.links.links().next().unwrap();
    assert_eq!((status.queued, status.stats.tx_dropped, status.stats.rx_dropped), (0, 3, 2));
    assert!(host.up().is_empty() && host.sent().is_empty());
}

#[test]
fn nobody_asking_costs_no_more_than_the_backlog() {
    let offloads = Offloads { coalesce: true, ..Offloads::default() };
    let mut host = Host::new(LinkConfig { offloads, ..ethernet(OWN, None) });
    for port in 0..5000 {
        let mut sample = Sample::new(Version::V4, Transport::Tcp, 100, 0);
        (sample.port, sample.flags) = (port, ACK | PSH);
        host.hear(framed(OWN, PEER, ethertype::IPV4, sample.frame()));
    }
    assert_eq!(host.up().len(), 1000);
    assert_eq!(host.discards(Discard::LinkBacklogFull), 4000);
    (0..200).for_each(|_| host.hear(framed(OWN, PEER, ethertype::IPV4, packet(v4(2), v4(1), 60_000))));
    let bytes: usize = host.received().iter().map(|received| received.frame.len()).sum();
    assert!((4 << 20..5 << 20).contains(&bytes), "{bytes}");
    host.hear(framed(OWN, PEER, ethertype::IPV4, packet(v4(2), v4(1), 60)));
    assert_eq!(host.up().len(), 1);
}

/// Whatever comes in, in any state: nothing panics, nothing grows, the accounts come to zero.
#[test]
fn random_frames_do_no_harm() {
    for seed in 0..30u64 {
        let mut random = Entropy::new(seed.into());
        let medium = [
            Medium::Ip,
            Medium::Loopback,
            Medium::Ethernet { mac: OWN, vlan: None },
            Medium::Ethernet { mac: OWN, vlan: Some(7) },
        ][random.below(4) as usize];
        let offloads =
            Offloads { checksum: random.below(2) == 0, segmentation: random.below(3) * 3000, coalesce: random.below(2) == 0 };
        let mut host = Host::seeded(LinkConfig { offloads, ..of_medium(medium, 1500) }, seed);
        host.links.arp_own(host.link, v4(1));
        host.links.arp_probe(host.link, v4(3));
        for _ in 0..300 {
            let frame = random_frame(&mut random);
            match random.below(4) {
                0 => drop(host.links.send(host.link, Hop::Neighbour(v4(random.below(9) as u8)), Version::V4, frame)),
                _ => host.hear(frame),
            }
            match random.below(12) {
                0 => host.pass_ms(random.below(3000).into()),
                1 => drop(host.up()),
                2 => drop(host.sent()),
                3 => host.links.set_up(host.link, random.below(5) > 0),
                _ => {}
            }
        }
        host.links.remove(host.link).unwrap();
        assert_eq!(host.links.base.budget.used(), 0, "seed {seed}");
        assert_eq!(host.links.neighbours().count(), 0, "seed {seed}");
        assert!(host.up().is_empty(), "seed {seed}");
        assert!(host.links.base.timers.is_empty() || host.links.base.timers.len() <= 2, "seed {seed}");
    }
}

/// Mostly something real, damaged; sometimes noise. Notes (checksum, segment size, lengths) are as likely to be nonsense.
fn random_frame(random: &mut Entropy) -> Frame {
    let version = if random.below(2) == 0 { Version::V4 } else { Version::V6 };
    let transport = if random.below(2) == 0 { Transport::Tcp } else { Transport::Udp };
    let operation = if random.below(2) == 0 { Operation::Request } else { Operation::Reply };
    let (sender, target) = (v4(random.below(4) as u8), v4(random.below(4) as u8));
    let arp = ArpPacket { operation, sender_mac: PEER, sender, target_mac: OWN, target };
    let (kind, mut frame) = match random.below(3) {
        0 => (ethertype::ARP, arp.to_frame()),
        _ => (ethertype::of(version), Sample::new(version, transport, random.below(3000) as usize, 0).frame()),
    };
    if random.below(3) > 0 {
        let vlan = (random.below(2) == 0).then_some(7);
        Header::push(&mut frame, if random.below(4) > 0 { OWN } else { Mac::BROADCAST }, PEER, vlan, kind);
    }
    let mut bytes = frame.to_vec();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len().min(80) as u32) as usize;
        bytes[at] = random.next_u32() as u8;
    }
    bytes.truncate(if random.below(3) == 0 { random.below(100) as usize } else { bytes.len() });
    let split = random.below(100).min(bytes.len() as u32) as usize;
    let mut frame = Frame::from(&bytes[split..]);
    frame.push(split).copy_from_slice(&bytes[..split]);
    let offset = random.next_u32() as u8;
    frame.checksum = [Checksum::Unknown, Checksum::Verified, Checksum::Partial { offset }][random.below(3) as usize];
    frame.segment_size = if random.below(3) == 0 { random.below(1500) as u16 } else { 0 };
    (frame.l2_len, frame.l3_len, frame.l4_len) = (random.next_u32() as u8, random.below(100) as u16, random.next_u32() as u8);
    frame
}

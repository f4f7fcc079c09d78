//! Ethernet with and without a tag, and ARP: what leaves a link, others read; what others write, a link takes in.

use etherparse::{LaxPacketHeaders, LinkExtHeader, LinkHeader, PacketBuilder};
use loggia_stack::base::{Addr, Base, Frame, Instant, LinkId, Version};
use loggia_stack::link::{Hop, LinkConfig, Links, Mac, Medium, Offloads, Up};
use proptest::prelude::*;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Ipv4Address,
};

const LINK: LinkId = LinkId(1);

fn links(mac: Mac, vlan: Option<u16>) -> Links {
    let mut links = Links::new(Base::new(7.into(), Instant::EPOCH, 1 << 20, 0));
    let medium = Medium::Ethernet { mac, vlan };
    let config = LinkConfig { name: "eth0".into(), medium, mtu: 1500, offloads: Offloads::default(), queue_limit: 1 << 20 };
    assert_eq!(links.add(config), Ok(LINK));
    links
}

/// A link address that a station can have.
fn station() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(|mut mac| {
        mac[0] = mac[0] & 0xfc | 0x02;
        Mac(mac)
    })
}

/// An address a host can have.
fn host() -> impl Strategy<Value = Addr> {
    any::<[u8; 3]>().prop_map(|[b, c, d]| Addr::v4(10, b, c, d))
}

fn vlan() -> impl Strategy<Value = Option<u16>> {
    proptest::option::of(1..=4094u16)
}

fn their_addr(addr: Addr) -> Ipv4Address {
    Ipv4Address::from(addr.v4_octets())
}

fn arp(frame: &Frame) -> (EthernetAddress, ArpRepr) {
    let bytes = frame.to_vec();
    let ethernet = EthernetFrame::new_checked(&bytes[..]).expect("Ethernet");
    assert_eq!(ethernet.ethertype(), EthernetProtocol::Arp);
    let packet = ArpPacket::new_checked(ethernet.payload()).expect("ARP");
    (ethernet.dst_addr(), ArpRepr::parse(&packet).expect("ARP for IPv4 over Ethernet"))
}

/// A frame as smoltcp writes it.
fn theirs(dst: EthernetAddress, src: Mac, repr: &ArpRepr) -> Frame {
    let mut bytes = vec![0; 14 + repr.buffer_len()];
    let mut ethernet = EthernetFrame::new_unchecked(&mut bytes[..]);
    EthernetRepr { src_addr: EthernetAddress(src.0), dst_addr: dst, ethertype: EthernetProtocol::Arp }.emit(&mut ethernet);
    repr.emit(&mut ArpPacket::new_unchecked(ethernet.payload_mut()));
    Frame::from(&bytes[..])
}

proptest! {
    /// RFC 826: smoltcp understands our question, we understand its answer, and the other way round.
    #[test]
    fn arp_is_spoken_with_smoltcp(own in station(), peer in station(), addr in host(), other in host()) {
        prop_assume!(own != peer && addr != other);
        let mut links = links(own, None);
        links.arp_own(LINK, addr);
        let (to, announcement) = arp(&links.transmit(LINK).expect("an announcement"));
        prop_assert_eq!(to, EthernetAddress::BROADCAST);
        let ours = |operation, target_hardware_addr, target_protocol_addr| ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(own.0),
            source_protocol_addr: their_addr(addr),
            target_hardware_addr,
            target_protocol_addr,
        };
        prop_assert_eq!(announcement, ours(ArpOperation::Request, EthernetAddress([0; 6]), their_addr(addr)));

        let mut packet = Frame::from(&[0; 40][..]);
        packet.push(20)[12..16].copy_from_slice(&addr.v4_octets());
        links.send(LINK, Hop::Neighbour(other), Version::V4, packet).unwrap();
        let (to, question) = arp(&links.transmit(LINK).expect("a question"));
        prop_assert_eq!(to, EthernetAddress::BROADCAST);
        prop_assert_eq!(question, ours(ArpOperation::Request, EthernetAddress([0; 6]), their_addr(other)));

        let peers = |operation| ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(peer.0),
            source_protocol_addr: their_addr(other),
            target_hardware_addr: EthernetAddress(own.0),
            target_protocol_addr: their_addr(addr),
        };
        links.receive(LINK, theirs(EthernetAddress(own.0), peer, &peers(ArpOperation::Reply)));
        let sent = links.transmit(LINK).expect("the packet that waited").to_vec();
        prop_assert_eq!(&sent[..6], &peer.0[..]);

        links.receive(LINK, theirs(EthernetAddress::BROADCAST, peer, &peers(ArpOperation::Request)));
        let (to, answer) = arp(&links.transmit(LINK).expect("an answer"));
        prop_assert_eq!(to, EthernetAddress(peer.0));
        prop_assert_eq!(answer, ours(ArpOperation::Reply, EthernetAddress(peer.0), their_addr(other)));
    }

    #[test]
    fn etherparse_reads_our_tags(own in station(), vlan in vlan(), group in any::<[u8; 3]>()) {
        let mut links = links(own, vlan);
        let group = Addr::v4(239, group[0], group[1], group[2]);
        let packet = Frame::from(&[0x45; 60][..]);
        links.send(LINK, Hop::Multicast(group), Version::V4, packet).unwrap();
        let sent = links.transmit(LINK).expect("it leaves").to_vec();
        let read = LaxPacketHeaders::from_ethernet(&sent).expect("Ethernet");
        let Some(LinkHeader::Ethernet2(ethernet)) = read.link else { panic!("{:?}", read.link) };
        prop_assert_eq!((Mac(ethernet.source), Mac(ethernet.destination)), (own, Mac::multicast(group)));
        let tags: Vec<u16> = read.link_exts.iter().map(|ext| match ext {
            LinkExtHeader::Vlan(tag) => tag.vlan_id.value(),
            LinkExtHeader::Macsec(tag) => panic!("{tag:?}"),
        }).collect();
        prop_assert_eq!(tags, vlan.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn we_read_the_tags_of_etherparse(own in station(), peer in station(), ours in vlan(), theirs in vlan(), same in any::<bool>()) {
        let theirs = if same { ours } else { theirs };
        let mut links = links(own, ours);
        let builder = PacketBuilder::ethernet2(peer.0, own.0);
        let builder = match theirs {
            Some(vlan) => builder.single_vlan(vlan.try_into().unwrap()).ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64),
            None => builder.ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64),
        };
        let mut bytes = Vec::new();
        builder.udp(1, 2).write(&mut bytes, b"payload").unwrap();
        links.receive(LINK, Frame::from(&bytes[..]));
        match links.poll() {
            Some(Up::Received(received)) => {
                prop_assert_eq!(ours, theirs);
                prop_assert_eq!(received.version, Version::V4);
                prop_assert_eq!(received.network, if ours.is_some() { 18 } else { 14 });
            }
            other => prop_assert!(other.is_none() && ours != theirs, "{other:?}"),
        }
    }
}

//! What `smoltcp` and `etherparse` each see in a frame. Both check every length and checksum there is; a frame they do not accept panics
//! with its bytes.

use etherparse::{Icmpv6Slice, LinkExtSlice, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr,
    IgmpPacket, IgmpRepr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr, TcpPacket, TcpRepr, UdpPacket,
    UdpRepr,
};

/// What there is in a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    /// Destination and source of Ethernet, and the VLAN.
    pub(crate) link: Option<([u8; 6], [u8; 6], Option<u16>)>,
    /// The packet.
    pub(crate) net: Net,
}

/// A packet of the network layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Net {
    /// Operation; hardware and protocol address of sender and target.
    Arp(u16, [u8; 6], [u8; 4], [u8; 6], [u8; 4]),
    /// Source, destination, hop limit, traffic class, and what is in it.
    Ip(Vec<u8>, Vec<u8>, u8, u8, Upper),
}

/// What an IP packet bears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Upper {
    /// Ports, sequence and acknowledgement number, flags, window, payload.
    Tcp(u16, u16, u32, u32, u8, u16, Vec<u8>),
    /// Ports and payload.
    Udp(u16, u16, Vec<u8>),
    /// Type, code, and all from the fifth byte on.
    Icmp(u8, u8, Vec<u8>),
    /// Type, and all from the fifth byte on.
    Igmp(u8, Vec<u8>),
    /// Offset in bytes, whether more follow, bytes.
    Fragment(u16, bool, Vec<u8>),
    /// Another protocol.
    Other(u8, Vec<u8>),
}

/// What both see, who must agree.
pub(crate) fn judge(ethernet: bool, bytes: &[u8]) -> Seen {
    let (one, other) = (by_etherparse(ethernet, bytes), by_smoltcp(ethernet, bytes));
    assert_eq!(one, other, "etherparse and smoltcp see the same in {bytes:02x?}");
    one
}

/// The ones' complement sum of RFC 1071, as simple as it can be.
fn sum_is_right(parts: &[&[u8]]) -> bool {
    let all = parts.concat();
    let mut sum: u32 = 0;
    for pair in all.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

fn pseudo(src: &[u8], dst: &[u8], protocol: u8, len: usize) -> Vec<u8> {
    [src, dst, &(len as u32).to_be_bytes(), &[0, 0, 0, protocol]].concat()
}

/// What etherparse sees.
pub(crate) fn by_etherparse(ethernet: bool, bytes: &[u8]) -> Seen {
    let packet = if ethernet { SlicedPacket::from_ethernet(bytes) } else { SlicedPacket::from_ip(bytes) };
    let packet = packet.unwrap_or_else(|error| panic!("etherparse: {error} in {bytes:02x?}"));
    let link = packet.link.as_ref().map(|link| {
        let LinkSlice::Ethernet2(header) = link else { panic!("not Ethernet: {bytes:02x?}") };
        let vlan = packet.link_exts.iter().find_map(|extension| match extension {
            LinkExtSlice::Vlan(tag) => Some(tag.vlan_identifier().value()),
            LinkExtSlice::Macsec(_) => None,
        });
        (header.destination(), header.source(), vlan)
    });
    let net = match packet.net.as_ref().unwrap_or_else(|| panic!("etherparse sees no packet in {bytes:02x?}")) {
        NetSlice::Arp(arp) => {
            let arp = arp.to_packet();
            let six = |bytes: &[u8]| bytes.try_into().expect("six bytes");
            let four = |bytes: &[u8]| bytes.try_into().expect("four bytes");
            let (sender, target) = (six(arp.sender_hw_addr()), six(arp.target_hw_addr()));
            Net::Arp(arp.operation.0, sender, four(arp.sender_protocol_addr()), target, four(arp.target_protocol_addr()))
        }
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            assert_eq!(
                header.to_header().calc_header_checksum(),
                header.header_checksum(),
                "IPv4 header checksum of {bytes:02x?}"
            );
            let (src, dst) = (header.source().to_vec(), header.destination().to_vec());
            let upper = if ip.is_payload_fragmented() {
                Upper::Fragment(header.fragments_offset().byte_offset(), header.more_fragments(), ip.payload().payload.to_vec())
            } else {
                upper(packet.transport.as_ref(), &src, &dst, ip.payload_ip_number().0, ip.payload().payload)
            };
            Net::Ip(src, dst, header.ttl(), header.dcp().value() << 2 | header.ecn().value(), upper)
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let (src, dst) = (header.source().to_vec(), header.destination().to_vec());
            let payload = ip.payload();
            let fragment = ip.extensions().clone().into_iter().find_map(|extension| match extension {
                etherparse::Ipv6ExtensionSlice::Fragment(fragment) if fragment.is_fragmenting_payload() => Some(Upper::Fragment(
                    fragment.fragment_offset().byte_offset(),
                    fragment.more_fragments(),
                    payload.payload.to_vec(),
                )),
                _ => None,
            });
            let upper =
                fragment.unwrap_or_else(|| upper(packet.transport.as_ref(), &src, &dst, payload.ip_number.0, payload.payload));
            Net::Ip(src, dst, header.hop_limit(), header.traffic_class(), upper)
        }
    };
    Seen { link, net }
}

fn upper(transport: Option<&TransportSlice<'_>>, src: &[u8], dst: &[u8], protocol: u8, payload: &[u8]) -> Upper {
    let pseudo = pseudo(src, dst, protocol, payload.len());
    match transport {
        Some(TransportSlice::Tcp(tcp)) => {
            assert!(sum_is_right(&[&pseudo, payload]), "TCP checksum of {payload:02x?}");
            let flags = payload[13];
            let (seq, ack) = (tcp.sequence_number(), if tcp.ack() { tcp.acknowledgment_number() } else { 0 });
            Upper::Tcp(tcp.source_port(), tcp.destination_port(), seq, ack, flags, tcp.window_size(), tcp.payload().to_vec())
        }
        Some(TransportSlice::Udp(udp)) => {
            assert!(udp.checksum() == 0 || sum_is_right(&[&pseudo, payload]), "UDP checksum of {payload:02x?}");
            assert_eq!(usize::from(udp.length()), payload.len(), "UDP length");
            Upper::Udp(udp.source_port(), udp.destination_port(), udp.payload().to_vec())
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            assert!(sum_is_right(&[payload]), "ICMP checksum of {payload:02x?}");
            Upper::Icmp(icmp.type_u8(), icmp.code_u8(), payload[4..].to_vec())
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            let address = |bytes: &[u8]| bytes.try_into().expect("sixteen bytes");
            assert!(Icmpv6Slice::is_checksum_valid(icmp, address(src), address(dst)), "ICMPv6 checksum of {payload:02x?}");
            Upper::Icmp(icmp.type_u8(), icmp.code_u8(), payload[4..].to_vec())
        }
        Some(TransportSlice::Igmp(igmp)) => {
            assert!(igmp.is_checksum_valid(), "IGMP checksum of {payload:02x?}");
            Upper::Igmp(igmp.type_u8(), payload[4..].to_vec())
        }
        None => Upper::Other(protocol, payload.to_vec()),
    }
}

/// What smoltcp sees.
pub(crate) fn by_smoltcp(ethernet: bool, bytes: &[u8]) -> Seen {
    if !ethernet {
        return Seen { link: None, net: ip_by_smoltcp(bytes) };
    }
    let frame = EthernetFrame::new_checked(bytes).unwrap_or_else(|_| panic!("smoltcp: no frame: {bytes:02x?}"));
    // smoltcp does not know 802.1Q: the tag is taken off for it.
    let (vlan, kind, payload) = match u16::from(frame.ethertype()) {
        0x8100 => {
            let payload = frame.payload();
            let tag = u16::from_be_bytes([payload[0], payload[1]]);
            (Some(tag & 0xfff), EthernetProtocol::from(u16::from_be_bytes([payload[2], payload[3]])), &payload[4..])
        }
        _ => (None, frame.ethertype(), frame.payload()),
    };
    let net = if kind == EthernetProtocol::Arp { arp_by_smoltcp(payload) } else { ip_by_smoltcp(payload) };
    Seen { link: Some((frame.dst_addr().0, frame.src_addr().0, vlan)), net }
}

fn arp_by_smoltcp(bytes: &[u8]) -> Net {
    let packet = ArpPacket::new_checked(bytes).expect("smoltcp: an ARP packet");
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr,
        target_protocol_addr,
        ..
    } = ArpRepr::parse(&packet).expect("smoltcp: well formed")
    else {
        panic!("smoltcp: another ARP")
    };
    let operation = match operation {
        ArpOperation::Request => 1,
        ArpOperation::Reply => 2,
        ArpOperation::Unknown(other) => other,
    };
    Net::Arp(
        operation,
        source_hardware_addr.0,
        source_protocol_addr.octets(),
        target_hardware_addr.0,
        target_protocol_addr.octets(),
    )
}

fn ip_by_smoltcp(bytes: &[u8]) -> Net {
    match bytes[0] >> 4 {
        4 => {
            let packet = Ipv4Packet::new_checked(bytes).unwrap_or_else(|_| panic!("smoltcp: no IPv4: {bytes:02x?}"));
            assert!(packet.verify_checksum(), "smoltcp: IPv4 header checksum of {bytes:02x?}");
            let (src, dst) = (packet.src_addr(), packet.dst_addr());
            let upper = if packet.more_frags() || packet.frag_offset() != 0 {
                // Reading these whole is a feature of smoltcp that is off here.
                Upper::Fragment(packet.frag_offset(), packet.more_frags(), packet.payload().to_vec())
            } else {
                let repr = Ipv4Repr::parse(&packet, &ChecksumCapabilities::default());
                let repr = repr.unwrap_or_else(|_| panic!("smoltcp: malformed IPv4: {bytes:02x?}"));
                upper_by_smoltcp(src.into(), dst.into(), repr.next_header, packet.payload())
            };
            let class = packet.dscp() << 2 | packet.ecn();
            Net::Ip(src.octets().to_vec(), dst.octets().to_vec(), packet.hop_limit(), class, upper)
        }
        6 => {
            let packet = Ipv6Packet::new_checked(bytes).unwrap_or_else(|_| panic!("smoltcp: no IPv6: {bytes:02x?}"));
            let repr = Ipv6Repr::parse(&packet).unwrap_or_else(|_| panic!("smoltcp: malformed IPv6: {bytes:02x?}"));
            let upper = behind_extensions(&repr, repr.next_header, packet.payload());
            Net::Ip(
                repr.src_addr.octets().to_vec(),
                repr.dst_addr.octets().to_vec(),
                repr.hop_limit,
                packet.traffic_class(),
                upper,
            )
        }
        version => panic!("version {version} in {bytes:02x?}"),
    }
}

/// smoltcp's wire module reads one header at a time: goes over the extension headers.
fn behind_extensions(repr: &Ipv6Repr, next: IpProtocol, bytes: &[u8]) -> Upper {
    match next {
        IpProtocol::HopByHop | IpProtocol::Ipv6Opts | IpProtocol::Ipv6Route => {
            let len = 8 + usize::from(bytes[1]) * 8;
            behind_extensions(repr, IpProtocol::from(bytes[0]), &bytes[len..])
        }
        IpProtocol::Ipv6Frag => {
            let field = u16::from_be_bytes([bytes[2], bytes[3]]);
            if field & !0b110 == 0 {
                behind_extensions(repr, IpProtocol::from(bytes[0]), &bytes[8..])
            } else {
                Upper::Fragment(field & !0b111, field & 1 != 0, bytes[8..].to_vec())
            }
        }
        _ => upper_by_smoltcp(repr.src_addr.into(), repr.dst_addr.into(), next, bytes),
    }
}

fn upper_by_smoltcp(src: IpAddress, dst: IpAddress, protocol: IpProtocol, bytes: &[u8]) -> Upper {
    let checks = ChecksumCapabilities::default();
    let bad = |what: &str| -> ! { panic!("smoltcp: malformed {what}: {bytes:02x?}") };
    match protocol {
        IpProtocol::Tcp => {
            let packet = TcpPacket::new_checked(bytes).unwrap_or_else(|_| bad("TCP"));
            let repr = TcpRepr::parse(&packet, &src, &dst, &checks).unwrap_or_else(|_| bad("TCP"));
            let ack = repr.ack_number.map_or(0, |ack| ack.0 as u32);
            let (seq, window) = (repr.seq_number.0 as u32, repr.window_len);
            Upper::Tcp(repr.src_port, repr.dst_port, seq, ack, bytes[13], window, repr.payload.to_vec())
        }
        IpProtocol::Udp => {
            let packet = UdpPacket::new_checked(bytes).unwrap_or_else(|_| bad("UDP"));
            let repr = UdpRepr::parse(&packet, &src, &dst, &checks).unwrap_or_else(|_| bad("UDP"));
            Upper::Udp(repr.src_port, repr.dst_port, packet.payload().to_vec())
        }
        IpProtocol::Icmp => {
            let packet = Icmpv4Packet::new_checked(bytes).unwrap_or_else(|_| bad("ICMP"));
            Icmpv4Repr::parse(&packet, &checks).unwrap_or_else(|_| bad("ICMP"));
            Upper::Icmp(bytes[0], bytes[1], bytes[4..].to_vec())
        }
        IpProtocol::Icmpv6 => {
            let (IpAddress::Ipv6(src), IpAddress::Ipv6(dst)) = (src, dst) else { bad("ICMPv6 in IPv4") };
            let packet = Icmpv6Packet::new_checked(bytes).unwrap_or_else(|_| bad("ICMPv6"));
            Icmpv6Repr::parse(&src, &dst, &packet, &checks).unwrap_or_else(|_| bad("ICMPv6"));
            Upper::Icmp(bytes[0], bytes[1], bytes[4..].to_vec())
        }
        IpProtocol::Igmp => {
            // smoltcp knows IGMPv1 and v2.
            if bytes[0] != 0x22 {
                let packet = IgmpPacket::new_checked(bytes).unwrap_or_else(|_| bad("IGMP"));
                IgmpRepr::parse(&packet).unwrap_or_else(|_| bad("IGMP"));
                assert!(packet.verify_checksum(), "smoltcp: IGMP checksum of {bytes:02x?}");
            }
            Upper::Igmp(bytes[0], bytes[4..].to_vec())
        }
        other => Upper::Other(u8::from(other), bytes.to_vec()),
    }
}

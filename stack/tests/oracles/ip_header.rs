//! The IP headers: what we write smoltcp and etherparse read the same, and what they write we read the same.

use loggia_stack::base::Addr;
use loggia_stack::network::{ipv4, ipv6};
use proptest::prelude::*;
use smoltcp::wire::{Ipv4Packet, Ipv6FragmentHeader, Ipv6FragmentRepr, Ipv6Packet};

fn v4_addr() -> impl Strategy<Value = Addr> {
    any::<[u8; 4]>().prop_map(Addr::from_v4)
}

/// Any address that is not mapped.
fn v6_addr() -> impl Strategy<Value = Addr> {
    any::<[u8; 16]>().prop_map(|mut octets| {
        octets[0] |= 0x20;
        Addr::from_v6(octets)
    })
}

prop_compose! {
    fn v4_header()(
        words in 0u8..=10,
        payload in 0u16..2000,
        (traffic_class, ttl, protocol, ident) in any::<(u8, u8, u8, u16)>(),
        (dont_fragment, more_fragments) in any::<(bool, bool)>(),
        offset in 0u16..0x2000,
        (src, dst) in (v4_addr(), v4_addr()),
    ) -> ipv4::Header {
        let header_len = 20 + words * 4;
        let (total_len, offset) = (u16::from(header_len) + payload, offset * 8);
        ipv4::Header { header_len, traffic_class, total_len, ident, dont_fragment, more_fragments, offset, ttl, protocol, src, dst }
    }
}

prop_compose! {
    fn v6_header()(
        (traffic_class, next_header, hop_limit) in any::<(u8, u8, u8)>(),
        flow_label in 0u32..1 << 20,
        payload_len in 0u16..2000,
        (src, dst) in (v6_addr(), v6_addr()),
    ) -> ipv6::Header {
        ipv6::Header { traffic_class, flow_label, payload_len, next_header, hop_limit, src, dst }
    }
}

/// A packet with no-operations for options and zeros for a payload.
fn v4_packet(header: &ipv4::Header) -> Vec<u8> {
    let mut packet = vec![0; header.total()];
    header.emit(&[1; 40][..header.len() - 20], &mut packet);
    packet
}

proptest! {
    #[test]
    fn smoltcp_reads_our_ipv4(header in v4_header()) {
        let bytes = v4_packet(&header);
        let theirs = Ipv4Packet::new_checked(&bytes[..]).unwrap();
        prop_assert!(theirs.verify_checksum());
        prop_assert_eq!(theirs.src_addr().octets(), header.src.v4_octets());
        prop_assert_eq!(theirs.dst_addr().octets(), header.dst.v4_octets());
        prop_assert_eq!((theirs.header_len(), theirs.total_len()), (header.header_len, header.total_len));
        prop_assert_eq!((theirs.dont_frag(), theirs.more_frags()), (header.dont_fragment, header.more_fragments));
        prop_assert_eq!((theirs.frag_offset(), theirs.ident()), (header.offset, header.ident));
        prop_assert_eq!((theirs.hop_limit(), u8::from(theirs.next_header())), (header.ttl, header.protocol));
        prop_assert_eq!(theirs.dscp() << 2 | theirs.ecn(), header.traffic_class);
    }

    #[test]
    fn etherparse_reads_our_ipv4(header in v4_header()) {
        let (theirs, _) = etherparse::Ipv4Header::from_slice(&v4_packet(&header)).unwrap();
        prop_assert_eq!(theirs.calc_header_checksum(), theirs.header_checksum);
        prop_assert_eq!((theirs.source, theirs.destination), (header.src.v4_octets(), header.dst.v4_octets()));
        prop_assert_eq!((theirs.total_len, theirs.identification), (header.total_len, header.ident));
        prop_assert_eq!(theirs.fragment_offset.value() * 8, header.offset);
        prop_assert_eq!((theirs.dont_fragment, theirs.more_fragments), (header.dont_fragment, header.more_fragments));
        prop_assert_eq!((theirs.time_to_live, theirs.protocol.0), (header.ttl, header.protocol));
        prop_assert_eq!(theirs.options.len(), header.len() - 20);
    }

    #[test]
    fn we_read_the_ipv4_of_etherparse(payload in 0u16..2000, ttl: u8, protocol: u8, source: [u8; 4], destination: [u8; 4]) {
        let theirs = etherparse::Ipv4Header::new(payload, ttl, etherparse::IpNumber(protocol), source, destination).unwrap();
        let bytes: [u8; 20] = theirs.to_bytes()[..].try_into().unwrap();
        let ours = ipv4::Header::parse(&bytes, 20 + usize::from(payload)).unwrap();
        prop_assert_eq!((ours.src, ours.dst), (Addr::from_v4(source), Addr::from_v4(destination)));
        prop_assert_eq!((ours.ttl, ours.protocol, ours.total_len), (ttl, protocol, 20 + payload));
        prop_assert_eq!((ours.dont_fragment, ours.is_fragment()), (theirs.dont_fragment, false));
    }

    #[test]
    fn smoltcp_reads_our_ipv6(header in v6_header()) {
        let mut bytes = vec![0; header.total()];
        header.emit(&mut bytes);
        let theirs = Ipv6Packet::new_checked(&bytes[..]).unwrap();
        prop_assert_eq!((theirs.src_addr().octets(), theirs.dst_addr().octets()), (header.src.octets(), header.dst.octets()));
        prop_assert_eq!((theirs.traffic_class(), theirs.flow_label()), (header.traffic_class, header.flow_label));
        prop_assert_eq!((theirs.payload_len(), theirs.hop_limit()), (header.payload_len, header.hop_limit));
        prop_assert_eq!(u8::from(theirs.next_header()), header.next_header);
    }

    #[test]
    fn etherparse_writes_the_ipv6_that_we_write(header in v6_header()) {
        let theirs = etherparse::Ipv6Header {
            traffic_class: header.traffic_class,
            flow_label: header.flow_label.try_into().unwrap(),
            payload_length: header.payload_len,
            next_header: etherparse::IpNumber(header.next_header),
            hop_limit: header.hop_limit,
            source: header.src.octets(),
            destination: header.dst.octets(),
        };
        let mut bytes = [0; ipv6::HEADER_LEN];
        header.emit(&mut bytes);
        prop_assert_eq!(bytes, theirs.to_bytes());
        prop_assert_eq!(ipv6::Header::parse(&theirs.to_bytes(), header.total()), Ok(header));
    }

    #[test]
    fn fragment_headers_mean_the_same(next_header: u8, offset in 0u16..0x2000, more: bool, ident: u32) {
        let ours = ipv6::Fragment { next_header, offset: offset * 8, more, ident };
        let bytes = ours.emit();
        // smoltcp's begins after the "next header" field and its reserved byte.
        let theirs = Ipv6FragmentRepr::parse(&Ipv6FragmentHeader::new_checked(&bytes[2..]).unwrap()).unwrap();
        prop_assert_eq!((theirs.frag_offset, theirs.more_frags, theirs.ident), (offset, more, ident));
        prop_assert_eq!(ipv6::Fragment::parse(bytes), ours);
    }
}

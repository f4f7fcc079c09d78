//! Stories of a router: hosts 10.0.0.9 and fd00::9 on the first link, 10.0.1.9 and fd00:1::9 on the second.

use alloc::vec::Vec;

use crate::base::checksum::checksum;
use crate::base::{Checksum, Discard, Frame, Rope};
use crate::network::routes::Via;
use crate::network::tests::world::*;
use crate::network::{ipv6, protocol};

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

fn v4(payload: &[u8]) -> V4 {
    V4::new("10.0.0.9", "10.0.1.9", protocol::UDP, payload)
}

fn v6(payload: &[u8]) -> V6 {
    V6::new("fd00::9", "fd00:1::9", protocol::UDP, payload)
}

#[test]
fn a_host_does_not_forward() {
    let mut host = Host::router(1500);
    host.net.config.ipv4.forward = false;
    host.net.config.ipv6.forwarding = false;
    host.receive(ETH0, &v4(b"12345678").bytes());
    host.receive(ETH0, &v6(b"12345678").bytes());
    assert!(host.sent(ETH1).is_empty() && host.sent(ETH0).is_empty());
    assert_eq!(discards(&host, Discard::IpNotForUs), 2);
}

#[test]
fn a_router_forwards_with_one_hop_less() {
    // RFC 1812 §5.3.1, RFC 8200 §3
    let mut router = Host::router(1500);
    let sent = v4(b"12345678").with(|header| (header.ttl, header.dont_fragment) = (17, true));
    router.receive(ETH0, &[&sent.bytes()[..], b"padding"].concat());
    assert_eq!(router.sent_v4(ETH1).bytes(), sent.with(|header| header.ttl = 16).bytes());

    let sent = v6(b"12345678").with(|header| header.hop_limit = 17).extension(protocol::DESTINATION, &[1, 4, 0, 0, 0, 0]);
    router.receive(ETH0, &sent.bytes());
    assert_eq!(router.sent_v6(ETH1).bytes(), sent.with(|header| header.hop_limit = 16).bytes());
    assert!(router.packets.is_empty());
}

#[test]
fn the_last_hop_is_told_from_the_link_it_came_by() {
    // RFC 1812 §5.3.1, RFC 4443 §3.3
    let mut router = Host::router(1500);
    let last = v4(b"12345678").with(|header| header.ttl = 1).bytes();
    router.receive(ETH0, &last);
    let told = router.sent_v4(ETH0);
    assert_eq!((told.kind(), told.header.src, told.header.dst), ((11, 0), addr("10.0.0.1"), addr("10.0.0.9")));
    assert_eq!(&told.payload[8..], last);

    router.receive(ETH0, &v6(b"12345678").with(|header| header.hop_limit = 1).bytes());
    let told = router.sent_v6(ETH0);
    assert_eq!((told.kind(), told.header.src, told.header.dst), ((3, 0), addr("fd00::1"), addr("fd00::9")));
    assert!(router.sent(ETH1).is_empty());
}

#[test]
fn what_is_too_big_is_cut_or_told() {
    let mut router = Host::router(1300);
    // RFC 1812 §5.2.7.1, RFC 1191 §4: with DF the next hop's MTU is told.
    router.receive(ETH0, &v4(&[7; 1400]).with(|header| header.dont_fragment = true).bytes());
    let told = router.sent_v4(ETH0);
    assert_eq!((told.kind(), told.rest()), ((3, 4), 1300));
    assert_eq!(told.bytes().len(), 576, "as much as fits (RFC 1812 §4.3.2.3)");
    // RFC 791 §3.2: without it the packet is cut, options and all.
    let body: Vec<u8> = (0..1400).map(|i| i as u8).collect();
    router.receive(ETH0, &v4(&body).options(&[148, 4, 0, 0, 7, 3, 4, 0]).bytes());
    let [first, second] = <[Vec<u8>; 2]>::try_from(router.sent(ETH1)).unwrap();
    let (first, second) = (V4::read(&first), V4::read(&second));
    assert_eq!([first.payload, second.payload].concat(), body);
    assert_eq!((first.options, second.options), (Vec::from([148, 4, 0, 0, 7, 3, 4, 0]), Vec::from([148, 4, 0, 0, 1, 1, 1, 0])));
    assert_eq!((second.header.offset, second.header.more_fragments, second.header.ident), (1272, false, 1));
    // RFC 8200 §5: a router never cuts an IPv6 packet.
    router.receive(ETH0, &v6(&[7; 1400]).bytes());
    let told = router.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest(), told.bytes().len()), ((2, 0), 1300, ipv6::MIN_MTU as usize));
}

#[test]
fn a_fragment_is_cut_into_smaller_ones() {
    let mut router = Host::router(600);
    let body: Vec<u8> = (0..1000).map(|i| i as u8).collect();
    router.receive(ETH0, &v4(&body).with(|header| (header.offset, header.more_fragments) = (800, true)).bytes());
    let parts: Vec<V4> = router.sent(ETH1).iter().map(|bytes| V4::read(bytes)).collect();
    let places: Vec<_> = parts.iter().map(|part| (part.header.offset, part.header.more_fragments)).collect();
    assert_eq!(places, [(800, true), (1376, true)]);
}

#[test]
fn where_no_route_leads_the_sender_is_told() {
    let mut router = Host::router(1500);
    router.net.add_refusal(cidr("198.51.100.0/24"), Via::Unreachable, 0).unwrap();
    router.net.add_refusal(cidr("203.0.113.0/24"), Via::Prohibit, 0).unwrap();
    router.net.add_refusal(cidr("198.18.0.0/15"), Via::Blackhole, 0).unwrap();
    router.net.add_refusal(cidr("2001:db8:1::/48"), Via::Prohibit, 0).unwrap();
    let cases =
        [("192.0.2.1", Some((3, 0))), ("198.51.100.1", Some((3, 1))), ("203.0.113.1", Some((3, 13))), ("198.18.0.1", None)];
    for (dst, told) in cases {
        router.receive(ETH0, &V4::new("10.0.0.9", dst, protocol::UDP, b"12345678").bytes());
        let sent: Vec<_> = router.sent(ETH0).iter().map(|bytes| V4::read(bytes).kind()).collect();
        assert_eq!(sent, Vec::from_iter(told), "{dst}");
    }
    for (dst, told) in [("2001:db8::1", (1, 0)), ("2001:db8:1::1", (1, 1))] {
        router.receive(ETH0, &V6::new("fd00::9", dst, protocol::UDP, b"12345678").bytes());
        assert_eq!(router.sent_v6(ETH0).kind(), told, "{dst}");
    }
    assert_eq!(router.net.links.base.counters.ip.in_no_routes, 6);
}

#[test]
fn link_local_addresses_and_groups_are_not_forwarded() {
    // RFC 3927 §2.7, RFC 4291 §2.5.6
    let mut router = Host::router(1500);
    for (src, dst) in
        [("169.254.0.9", "10.0.1.9"), ("10.0.0.9", "169.254.0.9"), ("10.0.0.9", "240.0.0.1"), ("10.0.0.9", "224.1.2.3")]
    {
        router.receive(ETH0, &V4::new(src, dst, protocol::UDP, b"12345678").bytes());
    }
    for (src, dst) in [("fd00::9", "fe80::9"), ("::", "fd00:1::9"), ("fd00::9", "ff05::77")] {
        router.receive(ETH0, &V6::new(src, dst, protocol::UDP, b"12345678").bytes());
    }
    assert!(router.sent(ETH1).is_empty() && router.sent(ETH0).is_empty());
    // RFC 4443 §3.1: beyond the scope of the source.
    router.receive(ETH0, &V6::new("fe80::9", "fd00:1::9", protocol::UDP, b"12345678").bytes());
    assert_eq!(router.sent_v6(ETH0).kind(), (1, 2));
}

#[test]
fn a_neighbour_hears_of_a_better_hop_and_the_packet_still_goes() {
    // RFC 1812 §5.2.7.2, RFC 4861 §8.2
    let mut router = Host::router(1500);
    router.net.add_route(cidr("192.0.2.0/24"), Some(addr("10.0.0.254")), ETH0, 0).unwrap();
    router.receive(ETH0, &V4::new("10.0.0.9", "192.0.2.1", protocol::UDP, b"12345678").bytes());
    let sent: Vec<V4> = router.sent(ETH0).iter().map(|bytes| V4::read(bytes)).collect();
    assert_eq!((sent[0].kind(), sent[0].rest().to_be_bytes()), ((5, 1), [10, 0, 0, 254]));
    assert_eq!(sent[1].header.dst, addr("192.0.2.1"));

    router.net.add_address(ETH0, cidr("fe80::1/64")).unwrap();
    router.pass(crate::base::Duration::from_secs(3));
    router.sent(ETH0);
    router.net.add_route(cidr("2001:db8::/32"), Some(addr("fe80::254")), ETH0, 0).unwrap();
    router.receive(ETH0, &V6::new("fd00::9", "2001:db8::1", protocol::UDP, b"12345678").bytes());
    let sent: Vec<V6> = router.sent(ETH0).iter().map(|bytes| V6::read(bytes)).collect();
    let told = &sent[0];
    assert_eq!((told.kind(), told.header.hop_limit, told.header.dst), ((137, 0), 255, addr("fd00::9")));
    assert!(told.header.src.is_link_local());
    assert_eq!(told.payload[8..24], addr("fe80::254").octets());
    assert_eq!(told.payload[24..40], addr("2001:db8::1").octets());
    assert_eq!(sent[1].header.dst, addr("2001:db8::1"));
}

#[test]
fn joined_segments_pass_if_each_of_them_fits() {
    let mut router = Host::router(1300);
    // A device says nothing of headers: the last fits only if the transport's is forgotten.
    for (segment_size, passes) in [(1260, true), (1400, false), (1270, false)] {
        let segment =
            V4::new("10.0.0.9", "10.0.1.9", protocol::TCP, &[0x50; 20 + 5600]).with(|header| header.dont_fragment = true);
        let mut frame = Frame::new(Rope::from(segment.bytes()));
        frame.segment_size = segment_size;
        router.net.receive(ETH0, frame);
        router.settle();
        assert_eq!(!router.sent(ETH1).is_empty(), passes);
        assert_eq!(!router.sent(ETH0).is_empty(), !passes, "its sender is told");
    }
}

#[test]
fn a_router_enters_itself_into_the_options() {
    // RFC 1812 §5.3.13.3, §5.3.13.4
    let mut router = Host::router(1500);
    router.receive(ETH0, &v4(b"12345678").options(&[7, 7, 4, 0, 0, 0, 0, 0]).bytes());
    assert_eq!(router.sent_v4(ETH1).options, [7, 7, 8, 10, 0, 1, 1, 0]);
    router.receive(ETH0, &v4(b"12345678").options(&[131, 7, 4, 10, 0, 1, 9, 0]).bytes());
    assert_eq!(discards(&router, Discard::IpSourceRoute), 1);
    assert!(router.sent(ETH1).is_empty());
}

#[test]
fn hop_by_hop_options_are_looked_at_and_others_are_not() {
    // RFC 8200 §4
    let mut router = Host::router(1500);
    let unknown = [0x9e, 4, 0, 0, 0, 0];
    router.receive(ETH0, &v6(b"12345678").extension(protocol::DESTINATION, &unknown).bytes());
    assert_eq!(router.sent(ETH1).len(), 1);
    router.receive(ETH0, &v6(b"12345678").extension(protocol::HOP_BY_HOP, &unknown).bytes());
    let told = router.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest()), ((4, 2), 42));
}

#[test]
fn a_fragment_beyond_the_largest_packet_is_not_passed_on() {
    let mut router = Host::router(600);
    router.receive(ETH0, &v4(&[0; 1000]).with(|header| (header.offset, header.more_fragments) = (65528, true)).bytes());
    assert!(router.sent(ETH1).is_empty());
    assert_eq!(discards(&router, Discard::FragmentMalformed), 1);
}

#[test]
fn a_checksum_left_to_others_is_completed_where_it_belongs_on_the_next_link() {
    let mut router = Host::router(1500);
    let ethernet = router.add_ethernet();
    let payload: Vec<u8> = (0..100).collect();
    let segment =
        V6::new("fd00:2::9", "fd00:1::9", protocol::UDP, &payload).extension(protocol::DESTINATION, &[1, 4, 0, 0, 0, 0]);
    let (packet, l4) = (segment.bytes(), 48);
    let expected = checksum(&packet[l4..]).to_be_bytes();
    // As it comes from a TAP with a virtio-net header: the place of the sum counts from the front of the frame.
    let link_header = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9][..], &[0x86, 0xdd]].concat();
    let mut frame = Frame::from(&[&link_header[..], &packet].concat()[..]);
    (frame.l3_len, frame.checksum) = (14 + l4 as u16, Checksum::Partial { offset: 6 });
    router.net.receive(ethernet, frame.clone());
    let sent = router.sent(ETH1).remove(0);
    assert_eq!(sent[l4 + 6..l4 + 8], expected);
    assert_eq!((&sent[l4..l4 + 6], &sent[l4 + 8..]), (&packet[l4..l4 + 6], &packet[l4 + 8..]), "and nowhere else");
    // One that is to begin before the packet does is not believed.
    frame.l3_len = 20;
    router.net.receive(ethernet, frame);
    assert_eq!(router.sent(ETH1).remove(0)[l4..], packet[l4..]);
}

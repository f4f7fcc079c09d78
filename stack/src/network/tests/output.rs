//! What leaves: options, extension headers, headers of raw sockets, copies for ourselves.

use alloc::vec::Vec;
use bytes::Bytes;

use super::world::*;
use crate::base::{Addr, Checksum, Errno, Frame};
use crate::link::Hop;
use crate::network::{Cast, Fragmentation, Outgoing, RouteQuery, protocol};

fn to(dst: &str) -> Outgoing {
    Outgoing { dst: addr(dst), protocol: protocol::UDP, ..Outgoing::default() }
}

#[test]
fn options_and_extension_headers_go_in_front_of_the_payload() {
    let mut host = Host::new();
    let options = Some(Bytes::from_static(&[148, 4, 0, 0]));
    host.send_as(&Outgoing { options, ..to("10.0.0.9") }, b"hello").unwrap();
    let sent = host.sent_v4(ETH0);
    assert_eq!((&sent.options[..], &sent.payload[..]), (&[148, 4, 0, 0][..], &b"hello"[..]));

    // The number of the first header, then hop-by-hop options and destination options.
    let headers = Bytes::from_static(&[0, 60, 0, 5, 2, 0, 0, 1, 0, 99, 0, 1, 4, 0, 0, 0, 0]);
    host.send_as(&Outgoing { options: Some(headers), ..to("fd00::9") }, b"hello").unwrap();
    let sent = host.sent_v6(ETH0);
    assert_eq!(sent.header.next_header, protocol::HOP_BY_HOP);
    assert_eq!(sent.payload, [&[60, 0, 5, 2, 0, 0, 1, 0, protocol::UDP, 0, 1, 4, 0, 0, 0, 0][..], b"hello"].concat());
}

#[test]
fn malformed_options_are_the_callers_fault() {
    let mut host = Host::new();
    for (dst, options) in
        [("10.0.0.9", &[1, 1, 1][..]), ("10.0.0.9", &[1; 44]), ("fd00::9", &[0, 60, 0, 1]), ("fd00::9", &[17; 9])]
    {
        let options = Some(Bytes::from_static(options));
        assert_eq!(host.send_as(&Outgoing { options, ..to(dst) }, b"hello"), Err(Errno::EINVAL));
    }
}

#[test]
fn headers_that_must_be_in_every_fragment_are() {
    // RFC 8200 §4.5
    let mut host = Host::new();
    let headers = Bytes::from_static(&[0, 60, 0, 5, 2, 0, 0, 1, 0, 99, 0, 1, 4, 0, 0, 0, 0]);
    let outgoing = Outgoing { options: Some(headers), fragmentation: Fragmentation::Local, ..to("fd00::9") };
    host.send_as(&outgoing, &[7; 2000]).unwrap();
    let fragments: Vec<V6> = host.sent(ETH0).iter().map(|bytes| V6::read(bytes)).collect();
    assert_eq!(fragments.len(), 2);
    for (fragment, place) in fragments.iter().zip([[0, 1], [0x05, 0xa0]]) {
        assert_eq!(fragment.header.next_header, protocol::HOP_BY_HOP);
        assert_eq!(fragment.payload[..8], [protocol::FRAGMENT, 0, 5, 2, 0, 0, 1, 0]);
        assert_eq!((fragment.payload[8], &fragment.payload[10..12]), (protocol::DESTINATION, &place[..]));
    }
    assert_eq!(fragments[0].payload[16..24], [protocol::UDP, 0, 1, 4, 0, 0, 0, 0]);
}

#[test]
fn a_long_chain_of_extension_headers_needs_no_room_in_the_head() {
    let mut host = Host::new();
    let mut headers = alloc::vec![60, 17, 24, 1, 198];
    headers.resize(1 + 200, 0);
    let mut frame = Frame::from(&b"payload"[..]);
    frame.push(60).fill(9);
    let route = host.net.route(&RouteQuery { dst: addr("fd00::9"), src: Addr::V6_ANY, link: None }).unwrap();
    host.net.send(&route, &Outgoing { options: Some(headers.clone().into()), ..to("fd00::9") }, frame).unwrap();
    let sent = host.sent_v6(ETH0);
    assert_eq!(sent.payload, [&headers[1..], &[9; 60], b"payload"].concat());
}

#[test]
fn a_partial_checksum_is_completed_before_the_packet_is_cut() {
    let mut host = Host::new();
    let (src, dst) = (addr("fd00::1"), addr("fd00::9"));
    let mut frame = Frame::from(&[5; 3000][..]);
    let len = 3008;
    let pseudo = crate::base::Sum::pseudo(src, dst, protocol::UDP, len).folded().to_be_bytes();
    frame.push(8).copy_from_slice(&[1, 2, 3, 4, 11, 192, pseudo[0], pseudo[1]]);
    frame.checksum = Checksum::Partial { offset: 6 };
    let route = host.net.route(&RouteQuery { dst, src, link: None }).unwrap();
    host.net.send(&route, &Outgoing { fragmentation: Fragmentation::Local, ..to("fd00::9") }, frame).unwrap();
    let whole: Vec<u8> = host.sent(ETH0).iter().flat_map(|bytes| V6::read(bytes).payload[8..].to_vec()).collect();
    let mut sum = crate::base::Sum::pseudo(src, dst, protocol::UDP, whole.len());
    sum.add(&whole);
    assert_eq!((whole.len(), sum.finish()), (len, 0));
}

#[test]
fn a_raw_socket_may_write_the_header_itself() {
    let mut host = Host::new();
    let written = V4::new("0.0.0.0", "10.0.0.9", 200, b"raw").with(|header| (header.ident, header.ttl) = (0, 3)).bytes();
    let outgoing = Outgoing { header_included: true, ..to("10.0.0.9") };
    host.send_as(&outgoing, &written).unwrap();
    let sent = host.sent_v4(ETH0);
    assert_eq!((sent.header.src, sent.header.ttl, &sent.payload[..]), (addr("10.0.0.1"), 3, &b"raw"[..]));
    assert_ne!(sent.header.ident, 0);
    for bad in [&written[..10], &[0x4f; 20][..]] {
        assert_eq!(host.send_as(&outgoing, bad), Err(Errno::EINVAL));
    }
    assert_eq!(host.send_as(&outgoing, &[0x45; 1501]), Err(Errno::EMSGSIZE));
    let written = V6::new("fd00::77", "fd00::9", 200, b"raw").bytes();
    host.send_as(&Outgoing { header_included: true, ..to("fd00::9") }, &written).unwrap();
    assert_eq!(host.sent(ETH0), [written]);
}

#[test]
fn members_on_this_host_get_a_copy_unless_the_sender_says_no() {
    let mut host = Host::new();
    for group in ["224.5.6.7", "ff05::567"] {
        host.net.join_group(addr(group), Some(ETH0)).unwrap();
        host.pass(crate::base::Duration::from_secs(60));
        host.sent(ETH0);
        let query = RouteQuery { dst: addr(group), src: Addr::any(addr(group).version()), link: Some(ETH0) };
        let route = host.net.route(&query).unwrap();
        assert_eq!((route.link, route.hop, route.cast), (ETH0, Hop::Multicast(addr(group)), Cast::Multicast));
        for no_loopback in [false, true] {
            host.net.send(&route, &Outgoing { no_loopback, ..to(group) }, Frame::from(&b"all of you"[..])).unwrap();
            host.settle();
            let copies = core::mem::take(&mut host.packets);
            assert_eq!(copies.len(), usize::from(!no_loopback), "{group}");
            assert!(copies.iter().all(|copy| copy.cast == Cast::Multicast && copy.link == ETH0 && copy.hop_limit == 1));
            assert_eq!(host.sent(ETH0).len(), 1);
        }
    }
}

#[test]
fn groups_we_are_not_in_are_not_heard() {
    let mut host = Host::new();
    host.receive(ETH0, &V4::new("10.0.0.9", "224.5.6.7", protocol::UDP, &[0; 8]).bytes());
    host.receive(ETH0, &V6::new("fd00::9", "ff05::567", protocol::UDP, &[0; 8]).bytes());
    assert!(host.packets.is_empty());
    host.receive(ETH0, &V4::new("10.0.0.9", "224.0.0.1", protocol::UDP, &[0; 8]).bytes());
    host.receive(ETH0, &V6::new("fd00::9", "ff02::1", protocol::UDP, &[0; 8]).bytes());
    assert_eq!(host.packets.len(), 2);
}

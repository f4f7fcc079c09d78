//! Packets up, packets down, echo.

use super::world::*;
use crate::base::{Discard, Errno, LinkId};
use crate::link::Hop;
use crate::network::{Cast, Fragmentation, LOOPBACK, RouteQuery, protocol};

const ECHO_V4: [u8; 2] = [8, 0];
const ECHO_V6: [u8; 2] = [128, 0];

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

#[test]
fn a_datagram_goes_up_with_what_its_header_said() {
    let mut host = Host::new();
    let mut packet = V4::new("10.0.0.9", "10.0.0.1", protocol::UDP, b"12345678data").with(|header| header.ttl = 7).bytes();
    packet.extend(b"padding of the link");
    host.receive(ETH0, &packet);
    let [up] = &host.packets[..] else { panic!() };
    assert_eq!((up.src, up.dst, up.cast, up.hop_limit), (addr("10.0.0.9"), addr("10.0.0.1"), Cast::Unicast, 7));
    assert_eq!(transport(up).to_vec(), b"12345678data");

    let v6 = V6::new("fd00::9", "fd00::1", protocol::UDP, b"12345678data").with(|header| header.flow_label = 0x12345);
    host.receive(ETH0, &v6.extension(protocol::DESTINATION, &[1, 4, 0, 0, 0, 0]).bytes());
    let up = &host.packets[1];
    assert_eq!((up.src, up.protocol, up.flow_label), (addr("fd00::9"), protocol::UDP, 0x12345));
    assert_eq!(transport(up).to_vec(), b"12345678data");
}

#[test]
fn a_transport_sends_and_the_header_goes_in_front() {
    let mut host = Host::new();
    host.send(addr("10.0.0.9"), b"hello", Fragmentation::Never).unwrap();
    let sent = host.sent_v4(ETH0);
    assert_eq!((sent.header.src, sent.header.dst, sent.header.ttl), (addr("10.0.0.1"), addr("10.0.0.9"), 64));
    assert!(sent.header.dont_fragment);
    assert_eq!(sent.payload, b"hello");

    host.send(addr("fd00::9"), b"hello", Fragmentation::Never).unwrap();
    let sent = host.sent_v6(ETH0);
    assert_eq!((sent.header.src, sent.header.dst, sent.header.hop_limit), (addr("fd00::1"), addr("fd00::9"), 64));
    assert_eq!(sent.payload, b"hello");
}

#[test]
fn echo_requests_are_answered_with_their_own_bytes() {
    // RFC 1122 §3.2.2.6, RFC 4443 §4.2
    let mut host = Host::new();
    host.receive(ETH0, &V4::icmp("10.0.0.9", "10.0.0.1", ECHO_V4, 0x0001_0002, b"are you there").bytes());
    let reply = host.sent_v4(ETH0);
    assert_eq!(
        (reply.header.src, reply.header.dst, reply.kind(), reply.rest()),
        (addr("10.0.0.1"), addr("10.0.0.9"), (0, 0), 0x0001_0002)
    );
    assert_eq!(&reply.payload[8..], b"are you there");

    host.receive(ETH0, &V6::icmp("fd00::9", "fd00::1", ECHO_V6, 0x0001_0002, b"are you there").bytes());
    let reply = host.sent_v6(ETH0);
    assert_eq!(
        (reply.header.src, reply.header.dst, reply.kind(), reply.rest()),
        (addr("fd00::1"), addr("fd00::9"), (129, 0), 0x0001_0002)
    );
    assert_eq!(&reply.payload[8..], b"are you there");
    assert_eq!(host.packets.len(), 2, "raw sockets see them too");
}

#[test]
fn records_in_an_echo_request_come_back_with_us_in_them() {
    // RFC 1122 §3.2.2.6
    let mut host = Host::new();
    let options = [148, 4, 0, 0, 7, 11, 8, 192, 0, 2, 1, 0, 0, 0, 0, 1, 68, 8, 5, 0, 0, 0, 0, 0];
    host.receive(ETH0, &V4::icmp("10.0.0.9", "10.0.0.1", ECHO_V4, 1, b"x").options(&options).bytes());
    let reply = host.sent_v4(ETH0);
    assert_eq!(reply.options[..11], [7, 11, 12, 192, 0, 2, 1, 10, 0, 0, 1]);
    assert_eq!(reply.options[11..15], [68, 8, 9, 0]);
    assert_eq!((reply.options[15] & 0x80, reply.options.len()), (0x80, 20));
}

#[test]
fn an_echo_with_a_wrong_checksum_is_not_answered() {
    let mut host = Host::new();
    let mut packet = V4::icmp("10.0.0.9", "10.0.0.1", ECHO_V4, 1, b"x").bytes();
    *packet.last_mut().unwrap() ^= 1;
    host.receive(ETH0, &packet);
    assert!(host.sent(ETH0).is_empty() && host.packets.is_empty());
    assert_eq!(discards(&host, Discard::IcmpChecksum), 1);
}

#[test]
fn broadcast_echo_is_ignored_unless_asked_for() {
    // RFC 1122 §3.2.2.6
    let mut host = Host::new();
    let ping = V4::icmp("10.0.0.9", "10.0.0.255", ECHO_V4, 1, b"x").bytes();
    host.receive(ETH0, &ping);
    assert!(host.sent(ETH0).is_empty());
    host.net.config.ipv4.icmp_echo_ignore_broadcasts = false;
    host.receive(ETH0, &ping);
    assert_eq!(host.sent_v4(ETH0).header.src, addr("10.0.0.1"));
}

#[test]
fn a_timestamp_request_is_answered_in_time_of_our_own() {
    // RFC 1122 §3.2.2.8, RFC 792: the high bit marks time that is not since midnight.
    let mut host = Host::new();
    host.receive(ETH0, &V4::icmp("10.0.0.9", "10.0.0.1", [13, 0], 5, &[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]).bytes());
    let reply = host.sent_v4(ETH0);
    assert_eq!((reply.kind(), reply.rest(), &reply.payload[8..12]), ((14, 0), 5, &[0, 0, 0, 7][..]));
    assert!(reply.payload[12] & 0x80 != 0 && reply.payload[16] & 0x80 != 0);
}

#[test]
fn what_is_sent_to_ourselves_goes_through_the_loopback_link() {
    let mut host = Host::new();
    for dst in ["127.0.0.1", "127.1.2.3", "10.0.0.1", "::1", "fd00::1"].map(addr) {
        let route = host.net.route(&RouteQuery { dst, src: crate::base::Addr::any(dst.version()), link: None }).unwrap();
        assert_eq!((route.link, route.hop, route.src, route.local), (LOOPBACK, Hop::Neighbour(dst), dst, true));
        host.send(dst, b"to me", Fragmentation::Never).unwrap();
        let up = host.packets.pop().unwrap();
        assert_eq!((up.src, up.dst, up.link, transport(&up).to_vec()), (dst, dst, LOOPBACK, b"to me".to_vec()));
    }
    assert!(host.sent(ETH0).is_empty());
}

#[test]
fn a_big_datagram_to_ourselves_arrives_whole() {
    let mut host = Host::new();
    let payload: alloc::vec::Vec<u8> = (0..60000u32).map(|i| i as u8).collect();
    host.send(addr("::1"), &payload, Fragmentation::Local).unwrap();
    assert_eq!(transport(&host.packets[0]).to_vec(), payload);
}

#[test]
fn martians_are_discarded() {
    // RFC 1122 §3.2.1.3, RFC 1812 §5.3.7
    let mut host = Host::new();
    for src in ["127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "0.1.2.3", "10.0.0.255", "10.0.0.1"] {
        host.receive(ETH0, &V4::new(src, "10.0.0.1", protocol::UDP, b"12345678").bytes());
    }
    assert_eq!(discards(&host, Discard::IpBadSource), 7);
    for dst in ["127.0.0.1", "0.0.0.0"] {
        host.receive(ETH0, &V4::new("10.0.0.9", dst, protocol::UDP, b"12345678").bytes());
    }
    for src in ["::1", "ff02::1"] {
        host.receive(ETH0, &V6::new(src, "fd00::1", protocol::UDP, b"12345678").bytes());
    }
    for dst in ["::1", "::", "ff01::1", "ff00::1"] {
        host.receive(ETH0, &V6::new("fd00::9", dst, protocol::UDP, b"12345678").bytes());
    }
    assert_eq!((discards(&host, Discard::IpBadSource), discards(&host, Discard::IpBadDestination)), (9, 6));
    host.receive(ETH0, &V4::new("10.0.0.9", "10.0.0.77", protocol::UDP, b"12345678").bytes());
    assert_eq!(discards(&host, Discard::IpNotForUs), 1);
    assert!(host.packets.is_empty() && host.sent(ETH0).is_empty());
}

#[test]
fn mapped_addresses_on_the_wire_do_not_pass_for_ipv4() {
    let mut host = Host::new();
    host.receive(ETH0, &V6::new("fd00::9", "fd00::1", protocol::UDP, b"12345678").with(|h| h.src = addr("10.0.0.9")).bytes());
    host.receive(ETH0, &V6::new("fd00::9", "fd00::1", protocol::UDP, b"12345678").with(|h| h.dst = addr("10.0.0.1")).bytes());
    assert!(host.packets.is_empty());
}

#[test]
fn who_has_no_address_yet_may_ask_all() {
    let mut host = Host::new();
    host.receive(ETH0, &V4::new("0.0.0.0", "255.255.255.255", protocol::UDP, b"12345678").bytes());
    assert_eq!(host.packets[0].cast, Cast::Broadcast);
}

#[test]
fn a_broadcast_comes_back_to_us_too() {
    let mut host = Host::new();
    host.send(addr("10.0.0.255"), b"all", Fragmentation::Never).unwrap();
    assert_eq!(host.sent_v4(ETH0).payload, b"all");
    assert_eq!((host.packets[0].cast, host.packets[0].link), (Cast::Broadcast, ETH0));
}

#[test]
fn a_source_that_is_not_ours_is_refused() {
    let mut host = Host::new();
    let mut route = |dst: &str, src: &str, link| host.net.route(&RouteQuery { dst: addr(dst), src: addr(src), link });
    assert_eq!(route("10.0.0.9", "10.0.0.8", None), Err(Errno::EINVAL));
    assert_eq!(route("10.0.0.9", "127.0.0.1", None), Err(Errno::EINVAL));
    assert_eq!(route("192.0.2.1", "0.0.0.0", None), Err(Errno::ENETUNREACH));
    assert_eq!(route("2001:db8::1", "::", None), Err(Errno::ENETUNREACH));
    assert_eq!(route("10.0.0.9", "10.0.0.1", Some(LinkId(77))), Err(Errno::ENODEV));
    assert_eq!(route("10.0.0.9", "10.0.0.1", None).unwrap().src, addr("10.0.0.1"));
}

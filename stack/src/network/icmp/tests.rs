//! Stories of errors: sent, kept back, understood.

use alloc::vec::Vec;

use crate::base::{Discard, Duration, Entropy, Errno};
use crate::link::Hop;
use crate::network::tests::world::*;
use crate::network::{ErrorCause, Fragmentation, Outgoing, RouteQuery, protocol};

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

/// A datagram arrives and nobody is bound to its port.
fn refused_v4(host: &mut Host, packet: &V4) -> Vec<V4> {
    host.receive(ETH0, &packet.bytes());
    if let Some(packet) = host.packets.pop() {
        host.net.port_unreachable(&packet);
    }
    host.sent(ETH0).iter().map(|bytes| V4::read(bytes)).collect()
}

fn udp_v4(src: &str, dst: &str) -> V4 {
    V4::new(src, dst, protocol::UDP, b"12345678payload")
}

#[test]
fn a_port_nobody_is_bound_to_is_told() {
    // RFC 1122 §3.2.2.1, RFC 4443 §3.1
    let mut host = Host::new();
    let packet = udp_v4("10.0.0.9", "10.0.0.1").with(|header| header.traffic_class = 0x08 | 2);
    let told = &refused_v4(&mut host, &packet)[0];
    assert_eq!((told.kind(), told.header.src, told.header.dst), ((3, 3), addr("10.0.0.1"), addr("10.0.0.9")));
    assert_eq!((&told.payload[8..], told.header.traffic_class), (&packet.bytes()[..], 0xc8 | 2));

    let packet = V6::new("fd00::9", "fd00::1", protocol::UDP, &[7; 1400]);
    host.receive(ETH0, &packet.bytes());
    host.net.port_unreachable(&host.packets.pop().unwrap());
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), told.header.src, told.bytes().len()), ((1, 4), addr("fd00::1"), 1280));
    assert!(packet.bytes().starts_with(&told.payload[8..]));
}

#[test]
fn a_protocol_nobody_handles_is_told() {
    // RFC 1122 §3.2.2.1 (code 2), RFC 8200 §4 (parameter problem, code 1, at the field that names it)
    let mut host = Host::new();
    host.receive(ETH0, &V4::new("10.0.0.9", "10.0.0.1", 200, b"12345678").bytes());
    host.net.protocol_unreachable(&host.packets.pop().unwrap());
    assert_eq!(host.sent_v4(ETH0).kind(), (3, 2));
    host.receive(
        ETH0,
        &V6::new("fd00::9", "fd00::1", 200, b"12345678").extension(protocol::DESTINATION, &[1, 4, 0, 0, 0, 0]).bytes(),
    );
    host.net.protocol_unreachable(&host.packets.pop().unwrap());
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest()), ((4, 1), 40));
    host.receive(ETH0, &V6::new("fd00::9", "fd00::1", protocol::NO_NEXT, &[]).bytes());
    host.net.protocol_unreachable(&host.packets.pop().unwrap());
    assert!(host.sent(ETH0).is_empty(), "RFC 8200 §4.7");
}

#[test]
fn what_must_not_be_answered_is_not() {
    // RFC 1122 §3.2.2: no error about an error, a broadcast or group, a later fragment, a source that names no single host.
    let mut host = Host::new();
    let error = V4::icmp("10.0.0.9", "10.0.0.1", [3, 1], 0, &udp_v4("10.0.0.1", "10.0.0.9").bytes());
    let unknown_type = V4::icmp("10.0.0.9", "10.0.0.1", [99, 0], 0, &[]);
    let later = udp_v4("10.0.0.9", "10.0.0.1").with(|header| header.offset = 8);
    for packet in [
        udp_v4("10.0.0.9", "10.0.0.255"),
        udp_v4("10.0.0.9", "255.255.255.255"),
        udp_v4("240.0.0.9", "10.0.0.1"),
        error,
        unknown_type,
        later,
    ] {
        assert_eq!(refused_v4(&mut host, &packet), [], "{packet:?}");
    }
    // RFC 4443 §2.4 (e): the same, with redirects.
    for packet in [
        V6::icmp("fd00::9", "fd00::1", [1, 4], 0, &V6::new("fd00::1", "fd00::9", protocol::UDP, &[0; 8]).bytes()),
        V6::icmp("fd00::9", "fd00::1", [137, 0], 0, &[0; 32]),
        V6::new("fd00::9", "ff02::1", protocol::UDP, &[0; 8]),
        V6::new("::", "fd00::1", protocol::UDP, &[0; 8]),
    ] {
        host.receive(ETH0, &packet.bytes());
        if let Some(packet) = host.packets.pop() {
            host.net.port_unreachable(&packet);
        }
        assert!(host.sent(ETH0).is_empty(), "{packet:?}");
    }
}

#[test]
fn an_unknown_option_of_a_group_packet_is_told_if_it_asks_for_it() {
    // RFC 8200 §4.2, RFC 4443 §2.4 (e.3)
    let mut host = Host::new();
    for (kind, told) in [(0x9e, 1), (0xde, 0), (0x5e, 0)] {
        let options = [kind, 4, 0, 0, 0, 0];
        host.receive(
            ETH0,
            &V6::new("fd00::9", "ff02::1", protocol::UDP, &[0; 8]).extension(protocol::DESTINATION, &options).bytes(),
        );
        let sent = host.sent(ETH0);
        assert_eq!(sent.len(), told, "{kind:#x}");
        for bytes in sent {
            assert_eq!((V6::read(&bytes).kind(), V6::read(&bytes).rest()), ((4, 2), 42));
        }
    }
}

#[test]
fn routing_type_0_is_refused() {
    // RFC 5095 §3
    let mut host = Host::new();
    let mut routing = [0; 22];
    routing[1] = 1;
    host.receive(ETH0, &V6::new("fd00::9", "fd00::1", protocol::UDP, &[0; 8]).extension(protocol::ROUTING, &routing).bytes());
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest()), ((4, 0), 42));
    assert!(host.packets.is_empty());
}

#[test]
fn malformed_ipv4_options_are_pointed_at() {
    let mut host = Host::new();
    host.receive(ETH0, &udp_v4("10.0.0.9", "10.0.0.1").options(&[7, 7, 3, 0, 0, 0, 0, 0]).bytes());
    let told = host.sent_v4(ETH0);
    assert_eq!((told.kind(), told.rest()), ((12, 0), 22 << 24));
    host.receive(ETH0, &udp_v4("10.0.0.9", "10.0.0.1").options(&[131, 7, 4, 10, 0, 1, 9, 0]).bytes());
    assert_eq!((discards(&host, Discard::IpOptions), discards(&host, Discard::IpSourceRoute)), (1, 1));
    assert!(host.packets.is_empty());
}

#[test]
fn errors_are_limited_and_echo_replies_are_not() {
    // RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)
    let mut host = Host::new();
    let told: usize = (0..100).map(|_| refused_v4(&mut host, &udp_v4("10.0.0.9", "10.0.0.1")).len()).sum();
    assert_eq!(told, 6, "six at once to one destination");
    let mut told = 0;
    for number in 0..200 {
        told += refused_v4(&mut host, &udp_v4(&alloc::format!("10.0.0.{}", number % 250 + 3), "10.0.0.1")).len();
    }
    assert!((20..120).contains(&told), "the bucket for all holds 50, a message costs 1 on average: {told}");
    let icmp = &host.net.links.base.counters.icmp;
    assert!(icmp.out_rate_limit_host >= 90 && icmp.out_rate_limit_global >= 50);
    for _ in 0..100 {
        host.receive(ETH0, &V4::icmp("10.0.0.9", "10.0.0.1", [8, 0], 1, b"ping").bytes());
    }
    assert_eq!(host.sent(ETH0).len(), 100);
}

/// Our packet to `dst`, as it would be quoted.
fn ours_v4(dst: &str) -> Vec<u8> {
    V4::new("10.0.0.1", dst, protocol::UDP, b"\x12\x34\x00\x35\0\x08\0\0").bytes()
}

fn ours_v6(dst: &str) -> V6 {
    V6::new("fd00::1", dst, protocol::UDP, b"\x12\x34\x00\x35\0\x08\0\0")
}

#[test]
fn an_error_goes_to_the_flow_that_caused_it() {
    let mut host = Host::new();
    host.receive(ETH0, &V4::icmp("10.0.0.254", "10.0.0.1", [3, 3], 0, &ours_v4("10.0.0.9")).bytes());
    let error = host.errors.pop().unwrap();
    assert_eq!((error.local, error.remote, error.offender), (addr("10.0.0.1"), addr("10.0.0.9"), addr("10.0.0.254")));
    assert_eq!(
        (error.protocol, error.errno, error.fatal, error.cause),
        (protocol::UDP, Errno::ECONNREFUSED, true, ErrorCause::Unreachable)
    );
    assert_eq!(&error.quoted[..4], b"\x12\x34\x00\x35");

    let quoted = ours_v6("fd00::9").extension(protocol::DESTINATION, &[1, 4, 0, 0, 0, 0]);
    host.receive(ETH0, &V6::icmp("fd00::254", "fd00::1", [3, 0], 0, &quoted.bytes()).bytes());
    let error = host.errors.pop().unwrap();
    assert_eq!(
        (error.protocol, error.errno, error.fatal, error.cause),
        (protocol::UDP, Errno::EHOSTUNREACH, false, ErrorCause::TimeExceeded)
    );
    assert_eq!(&error.quoted[..4], b"\x12\x34\x00\x35");
    assert_eq!(host.packets.len(), 2, "raw sockets see them");
}

#[test]
fn an_error_about_what_we_never_sent_is_discarded() {
    let mut host = Host::new();
    let not_ours = V4::new("10.0.0.2", "10.0.0.9", protocol::UDP, &[0; 8]).bytes();
    let broadcast = ours_v4("10.0.0.255");
    let later = V4::new("10.0.0.1", "10.0.0.9", protocol::UDP, &[0; 8]).with(|header| header.offset = 8).bytes();
    let short = ours_v4("10.0.0.9")[..27].to_vec();
    for quoted in [not_ours, broadcast, later, short, Vec::new()] {
        host.receive(ETH0, &V4::icmp("10.0.0.254", "10.0.0.1", [3, 1], 0, &quoted).bytes());
    }
    host.receive(ETH0, &V6::icmp("fd00::254", "fd00::1", [1, 0], 0, &V6::new("fd00::2", "fd00::9", 17, &[0; 8]).bytes()).bytes());
    assert!(host.errors.is_empty());
    assert_eq!(discards(&host, Discard::IcmpMalformed), 6);
}

#[test]
fn a_path_mtu_is_learnt_and_used_and_forgotten() {
    // RFC 1191 §3, RFC 8201 §4
    let mut host = Host::new();
    let gateway = [("0.0.0.0/0", "10.0.0.254"), ("::/0", "fe80::254")];
    gateway.iter().for_each(|(dst, via)| host.net.add_route(cidr(dst), Some(addr(via)), ETH0, 0).unwrap());
    let quoted_v4 = V4::new("10.0.0.1", "192.0.2.1", protocol::UDP, &[0; 1480]).bytes();
    let quoted_v6 = V6::new("fd00::1", "2001:db8::1", protocol::UDP, &[0; 1460]).bytes();
    host.receive(ETH0, &V4::icmp("10.0.0.254", "10.0.0.1", [3, 4], 1400, &quoted_v4[..548]).bytes());
    host.receive(ETH0, &V6::icmp("fd00::254", "fd00::1", [2, 0], 1300, &quoted_v6[..1232]).bytes());
    let causes: Vec<_> = host.errors.iter().map(|error| error.cause).collect();
    assert_eq!(causes, [ErrorCause::TooBig { mtu: 1400 }, ErrorCause::TooBig { mtu: 1300 }]);
    let mtu = |host: &mut Host, dst: &str| {
        let query = RouteQuery { dst: addr(dst), src: crate::base::Addr::any(addr(dst).version()), link: None };
        host.net.route(&query).unwrap().mtu
    };
    assert_eq!([mtu(&mut host, "192.0.2.1"), mtu(&mut host, "192.0.2.2")], [1400, 1500]);
    assert_eq!([mtu(&mut host, "2001:db8::1"), mtu(&mut host, "2001:db8::2")], [1300, 1500]);
    assert_eq!(host.send(addr("192.0.2.1"), &[0; 1381], Fragmentation::Never), Err(Errno::EMSGSIZE));
    assert_eq!(host.send(addr("192.0.2.1"), &[0; 1381], Fragmentation::Probe), Ok(()));
    host.sent(ETH0);
    host.send(addr("192.0.2.1"), &[0; 1381], Fragmentation::Local).unwrap();
    assert_eq!(host.sent(ETH0).len(), 2);
    host.pass(Duration::from_secs(601));
    assert_eq!([mtu(&mut host, "192.0.2.1"), mtu(&mut host, "2001:db8::1")], [1500, 1500]);
}

#[test]
fn a_told_mtu_that_cannot_be_true_is_not_believed() {
    let mut host = Host::new();
    host.net.add_route(cidr("0.0.0.0/0"), Some(addr("10.0.0.254")), ETH0, 0).unwrap();
    let quoted = |len: usize| V4::new("10.0.0.1", "192.0.2.1", protocol::UDP, &alloc::vec![0; len]).bytes();
    let told = |host: &mut Host, mtu: u32, quoted: &[u8]| {
        host.receive(ETH0, &V4::icmp("10.0.0.254", "10.0.0.1", [3, 4], mtu, &quoted[..quoted.len().min(548)]).bytes());
        host.errors.pop().map(|error| error.cause)
    };
    assert_eq!(told(&mut host, 1000, &quoted(500)), None, "so small a packet fits");
    assert_eq!(told(&mut host, 9000, &quoted(1480)), None, "no link of ours sends such packets");
    // RFC 1191 §5: routers that do not tell.
    assert_eq!(told(&mut host, 0, &quoted(1480)), Some(ErrorCause::TooBig { mtu: 1492 }));
    // Linux: below `min_pmtu` the path is not believed, but DF is cleared.
    assert_eq!(told(&mut host, 100, &quoted(1400)), Some(ErrorCause::TooBig { mtu: 552 }));
    host.send_as(&Outgoing { dst: addr("192.0.2.1"), protocol: protocol::TCP, ..Outgoing::default() }, &[0; 500]).unwrap();
    assert!(!host.sent_v4(ETH0).header.dont_fragment);
}

#[test]
fn redirects_of_the_present_router_are_followed() {
    // RFC 1122 §3.2.2.2
    let mut host = Host::new();
    host.net.add_route(cidr("0.0.0.0/0"), Some(addr("10.0.0.254")), ETH0, 0).unwrap();
    let redirect =
        |from: &str, to: [u8; 4]| V4::icmp(from, "10.0.0.1", [5, 1], u32::from_be_bytes(to), &ours_v4("192.0.2.1")).bytes();
    let hop = |host: &mut Host| {
        let query = RouteQuery { dst: addr("192.0.2.1"), src: addr("0.0.0.0"), link: None };
        host.net.route(&query).unwrap().hop
    };
    // Not from somebody else, not to another network, not to us.
    for refused in
        [redirect("10.0.0.66", [10, 0, 0, 253]), redirect("10.0.0.254", [10, 9, 9, 9]), redirect("10.0.0.254", [10, 0, 0, 1])]
    {
        host.receive(ETH0, &refused);
        assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.0.254")));
    }
    assert_eq!(discards(&host, Discard::RedirectRefused), 3);
    host.receive(ETH0, &redirect("10.0.0.254", [10, 0, 0, 253]));
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.0.253")));
    host.net.hop_failed(ETH0, addr("10.0.0.253"));
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.0.254")), "it did not answer");

    host.net.config.ipv4.shared_media = false;
    host.receive(ETH0, &redirect("10.0.0.254", [10, 0, 0, 253]));
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.0.254")), "secure: it is no default router of ours");
    host.net.config.ipv4.accept_redirects = false;
    host.receive(ETH0, &redirect("10.0.0.254", [10, 0, 0, 253]));
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.0.254")));
}

#[test]
fn any_bytes_whatever_do_no_harm() {
    for seed in 0..30u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = Host::router(1400);
        let samples = [
            V4::icmp("10.0.0.254", "10.0.0.1", [3, 4], 900, &ours_v4("10.0.0.9")).bytes(),
            udp_v4("10.0.0.9", "10.0.1.9").options(&[7, 7, 4, 0, 0, 0, 0, 0]).bytes(),
            V6::icmp("fd00::254", "fd00::1", [2, 0], 1300, &ours_v6("fd00::9").bytes()).bytes(),
            V6::icmp("fe80::254", "fd00::1", [134, 0], 1300, &[1; 64]).with(|header| header.hop_limit = 255).bytes(),
            ours_v6("fd00:1::9").with(|h| h.src = addr("fd00::9")).fragment(8, true, 1).extension(0, &[5, 2, 0, 0, 1, 0]).bytes(),
            V6::icmp("fd00::9", "fd00::1", [128, 0], 7, &[9; 40])
                .extension(60, &[1, 4, 0, 0, 0, 0])
                .extension(43, &[0; 6])
                .bytes(),
        ];
        for _ in 0..200 {
            let mut packet = samples[random.below(samples.len() as u32) as usize].clone();
            for _ in 0..random.below(6) {
                let at = random.below(packet.len() as u32) as usize;
                packet[at] = random.next_u32() as u8;
            }
            if packet[0] >> 4 == 4 && packet.len() >= 20 && random.below(2) == 0 {
                let len = (usize::from(packet[0] & 15) * 4).clamp(20, packet.len());
                crate::network::ipv4::complete_checksum(&mut packet[..len]);
            }
            packet.truncate(random.below(packet.len() as u32 * 8) as usize);
            host.receive(ETH0, &packet);
            while let Some(packet) = host.packets.pop() {
                host.net.port_unreachable(&packet);
                host.net.protocol_unreachable(&packet);
            }
            host.pass(Duration::from_millis(random.below(200).into()));
        }
        assert!(host.net.links.base.counters.discards.iter().sum::<u64>() > 0, "seed {seed}");
    }
}

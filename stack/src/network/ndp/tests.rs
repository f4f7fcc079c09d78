//! Stories of neighbour discovery, and its wire format against random bytes.

use alloc::vec::Vec;

use super::super::autoconf::tests::host::{Host, MAC, OTHER_MAC, addr, secs};
use super::*;
use crate::base::{Entropy, Frame, Instant};
use crate::network::{RouteQuery, protocol};

fn solicitation(target: Addr, source_mac: Option<Mac>) -> Message {
    Message::NeighbourSolicitation { target, source_mac, nonce: None }
}

/// A host with `2001:db8::1/64`, configured by hand.
fn host() -> Host {
    let mut host = Host::manual(1);
    host.net.add_address(host.link, "2001:db8::1/64".parse().unwrap()).unwrap();
    host.net.add_address(host.link, "fe80::a/64".parse().unwrap()).unwrap();
    host.sent();
    host
}

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

#[test]
fn every_message_reads_as_it_was_written() {
    // RFC 4861 §4
    let prefixes = alloc::vec![PrefixInformation {
        prefix: "2001:db8::/64".parse().unwrap(),
        on_link: true,
        autonomous: false,
        valid: 7,
        preferred: 5,
    }];
    let advertisement = RouterAdvertisement {
        hop_limit: 63,
        managed: true,
        other: false,
        preference: Preference::Low,
        lifetime: 1800,
        reachable_ms: 30_000,
        retrans_ms: 1000,
        source_mac: Some(MAC),
        mtu: Some(1400),
        prefixes,
    };
    let target = addr("fe80::9");
    for message in [
        Message::RouterSolicitation { source_mac: Some(MAC) },
        Message::RouterAdvertisement(advertisement),
        Message::NeighbourSolicitation { target, source_mac: None, nonce: Some([1; 6]) },
        Message::NeighbourAdvertisement(NeighbourAdvertisement {
            router: true,
            solicited: false,
            overrides: true,
            target,
            target_mac: Some(MAC),
        }),
        Message::Redirect { target, destination: addr("2001:db8::9"), target_mac: Some(MAC), quoted: alloc::vec![7; 48] },
    ] {
        assert_eq!(Message::read(&message.write()), Some(message));
    }
}

#[test]
fn malformed_messages_are_not_read() {
    // RFC 4861 §6.1.1, §6.1.2, §7.1.1, §7.1.2, §8.1
    let good = solicitation(addr("fe80::9"), Some(MAC)).write();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(Message::read(&good).is_some());
    assert_eq!(Message::read(&with(1, 1)), None, "code is not zero");
    assert_eq!(Message::read(&with(8, 0xff)), None, "target is a group");
    assert_eq!(Message::read(&with(25, 0)), None, "option of length zero");
    assert_eq!(Message::read(&with(25, 2)), None, "option longer than the message");
    for len in 0..24 {
        assert_eq!(Message::read(&good[..len]), None, "{len} bytes");
    }
    let to_elsewhere =
        Message::Redirect { target: addr("2001:db8::2"), destination: addr("2001:db8::9"), target_mac: None, quoted: Vec::new() };
    assert_eq!(Message::read(&to_elsewhere.write()), None, "RFC 4861 §8.1: neither a router nor the destination");
}

#[test]
fn unknown_options_are_skipped() {
    // RFC 4861 §4.6
    let mut bytes = solicitation(addr("fe80::9"), None).write();
    bytes.extend_from_slice(&[200, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[1, 1, 2, 0, 0, 0, 0, 1]);
    assert_eq!(Message::read(&bytes), Some(solicitation(addr("fe80::9"), Some(MAC))));
}

#[test]
fn random_bytes_are_read_without_harm() {
    let seed = 20261122;
    let mut entropy = Entropy::new(seed.into());
    let mut host = host();
    for round in 0..20_000 {
        let mut bytes = alloc::vec![0; entropy.below(120) as usize];
        entropy.fill(&mut bytes);
        if let [kind, code, ..] = bytes.as_mut_slice() {
            (*kind, *code) = (133 + (round % 5) as u8, 0);
        }
        // Half of them with options that hold together.
        if round % 2 == 0 {
            (24..bytes.len()).step_by(8).for_each(|at| {
                if at + 1 < bytes.len() {
                    bytes[at + 1] = 1;
                }
            });
            bytes.truncate(bytes.len() / 8 * 8);
        }
        let src = if round % 3 == 0 { Addr::V6_ANY } else { addr("fe80::9") };
        let packet = host.packet(src, Addr::ALL_NODES, protocol::ICMPV6, 255, &bytes);
        host.net.ndp_receive(&packet);
    }
    host.pass(secs(10));
    assert!(discards(&host, Discard::NdpMalformed) > 5000, "seed {seed}");
}

#[test]
fn who_asks_for_our_link_address_is_told_it() {
    // RFC 4861 §7.2.4
    let mut host = host();
    let own = addr("2001:db8::1");
    host.hear("2001:db8::9", own.solicited_node(), &solicitation(own, Some(OTHER_MAC)));
    let said = host.said();
    let [(sent, Message::NeighbourAdvertisement(told))] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((sent.src, sent.dst, sent.to, sent.hop_limit), (own, addr("2001:db8::9"), OTHER_MAC, 255));
    let expected = NeighbourAdvertisement { router: false, solicited: true, overrides: true, target: own, target_mac: Some(MAC) };
    assert_eq!(*told, expected);
}

#[test]
fn a_router_says_that_it_is_one() {
    // RFC 4861 §7.2.4
    let mut host = host();
    host.net.config.ipv6.forwarding = true;
    let own = addr("2001:db8::1");
    host.hear("2001:db8::9", own, &solicitation(own, Some(OTHER_MAC)));
    assert!(matches!(host.said()[0].1, Message::NeighbourAdvertisement(told) if told.router));
}

#[test]
fn who_probes_for_our_address_is_told_before_everybody() {
    // RFC 4862 §5.4.4, RFC 4861 §7.2.4
    let mut host = host();
    let own = addr("2001:db8::1");
    host.hear("::", own.solicited_node(), &solicitation(own, None));
    let said = host.said();
    let [(sent, Message::NeighbourAdvertisement(told))] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((sent.src, sent.dst), (own, Addr::ALL_NODES));
    assert!(!told.solicited && told.overrides);
}

#[test]
fn solicitations_that_are_wrong_or_for_others_get_no_answer() {
    // RFC 4861 §7.1.1
    let mut host = host();
    let own = addr("2001:db8::1");
    let good = solicitation(own, Some(OTHER_MAC));
    host.hear_with_hop_limit("2001:db8::9", own, 254, &good);
    host.hear("::", own.solicited_node(), &good);
    host.hear("::", own, &solicitation(own, None));
    assert_eq!(discards(&host, Discard::NdpMalformed), 3, "hop limit, nobody's link address, not to the group");
    host.hear("2001:db8::9", own.solicited_node(), &solicitation(addr("2001:db8::2"), Some(OTHER_MAC)));
    host.hear("2001:db8::1", own, &good);
    assert!(host.said().is_empty());
}

#[test]
fn a_packet_for_a_neighbour_asks_for_his_link_address_first() {
    // RFC 4861 §7.2.2, §7.2.5
    let mut host = host();
    let to = addr("2001:db8::9");
    let query = RouteQuery { dst: to, src: Addr::V6_ANY, link: None };
    let route = host.net.route(&query).unwrap();
    let outgoing = crate::network::Outgoing { dst: to, protocol: protocol::UDP, ..Default::default() };
    host.net.send(&route, &outgoing, Frame::from(&[0; 8][..])).unwrap();
    let said = host.said();
    let [(sent, Message::NeighbourSolicitation { target, source_mac, .. })] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((*target, *source_mac, sent.dst), (to, Some(MAC), to.solicited_node()));
    assert_eq!((sent.src, sent.to), (addr("2001:db8::1"), Mac::multicast(to.solicited_node())));
    let told =
        NeighbourAdvertisement { router: false, solicited: true, overrides: true, target: to, target_mac: Some(OTHER_MAC) };
    host.hear("2001:db8::9", addr("2001:db8::1"), &Message::NeighbourAdvertisement(told));
    let sent = host.sent();
    assert!(sent.iter().any(|sent| sent.dst == to && sent.to == OTHER_MAC && sent.protocol == protocol::UDP), "{sent:?}");
}

#[test]
fn a_solicited_advertisement_to_a_group_is_forged() {
    // RFC 4861 §7.1.2
    let mut host = host();
    let told =
        |target| NeighbourAdvertisement { router: false, solicited: true, overrides: true, target, target_mac: Some(OTHER_MAC) };
    host.hear("fe80::9", Addr::ALL_NODES, &Message::NeighbourAdvertisement(told(addr("fe80::9"))));
    assert_eq!(discards(&host, Discard::NdpMalformed), 1);
}

#[test]
fn somebody_who_claims_an_address_in_use_is_counted() {
    let mut host = host();
    let target = addr("2001:db8::1");
    let told = NeighbourAdvertisement { router: false, solicited: false, overrides: true, target, target_mac: Some(OTHER_MAC) };
    host.hear("fe80::9", Addr::ALL_NODES, &Message::NeighbourAdvertisement(told));
    assert_eq!(host.net.links.base.counters.neighbour.conflicts, 1);
    assert!(host.net.is_local(target));
}

fn router_advertisement() -> RouterAdvertisement {
    RouterAdvertisement { lifetime: 1800, source_mac: Some(OTHER_MAC), ..RouterAdvertisement::default() }
}

#[test]
fn forged_router_advertisements_are_refused() {
    // RFC 4861 §6.1.2
    let mut host = Host::ready(1);
    let message = Message::RouterAdvertisement(router_advertisement());
    host.hear("2001:db8::1", Addr::ALL_NODES, &message);
    host.hear_with_hop_limit("fe80::1", Addr::ALL_NODES, 254, &message);
    assert_eq!(discards(&host, Discard::NdpMalformed), 2);
    assert_eq!(host.net.default_routers(host.link).count(), 0);
}

#[test]
fn a_router_advertises_the_parameters_of_the_link() {
    // RFC 4861 §6.3.4
    let mut host = Host::ready(1);
    let link = host.link;
    let with =
        |mtu, hop_limit, retrans_ms| RouterAdvertisement { mtu: Some(mtu), hop_limit, retrans_ms, ..router_advertisement() };
    host.advertise(with(1400, 40, 250));
    assert_eq!((host.net.ipv6_mtu(link), host.net.advertised_hop_limit(link)), (Some(1400), Some(40)));
    assert_eq!(host.net.retrans_time(link).as_millis(), 250);
    host.advertise(with(1279, 0, 0));
    assert_eq!((host.net.ipv6_mtu(link), host.net.advertised_hop_limit(link)), (Some(1400), Some(40)), "unspecified or absurd");
    assert_eq!(host.net.retrans_time(link).as_millis(), 250);
    host.advertise(with(9000, 50, u32::MAX));
    assert_eq!((host.net.ipv6_mtu(link), host.net.advertised_hop_limit(link)), (Some(1400), Some(50)));
    assert_eq!(host.net.retrans_time(link).as_millis(), 250);
}

#[test]
fn routers_are_asked_for_at_growing_distances_until_one_answers() {
    // RFC 7559 §2
    let mut host = Host::ready(1);
    host.pass(secs(4 * 3600));
    let asked: Vec<Instant> = host.said().iter().map(|(sent, _)| sent.at).collect();
    assert!((10..16).contains(&asked.len()), "{asked:?}");
    let distances: Vec<u64> = asked.windows(2).map(|two| two[1].since(two[0]).as_secs()).collect();
    assert!(distances.windows(2).all(|two| two[1] > two[0] || two[1] > 3200), "{distances:?}");
    host.advertise(RouterAdvertisement { lifetime: 0, ..router_advertisement() });
    host.pass(secs(4000));
    assert!(!host.said().is_empty(), "RFC 7559 §2: no default router, no answer");
    host.advertise(router_advertisement());
    host.pass(secs(4 * 3600));
    assert!(host.said().iter().all(|(_, message)| !matches!(message, Message::RouterSolicitation { .. })));
}

#[test]
fn a_router_is_lost_by_its_lifetime_its_word_or_its_flag() {
    // RFC 4861 §6.3.5, §6.3.4, §7.2.5
    let mut host = Host::ready(1);
    let count = |host: &Host| {
        let routes = host.net.route_entries().iter().filter(|entry| entry.dst.prefix == 0).count();
        assert_eq!(host.net.default_routers(host.link).count(), routes);
        routes
    };
    host.advertise(router_advertisement());
    assert_eq!(count(&host), 1);
    host.pass(secs(1801));
    assert_eq!(count(&host), 0, "lifetime");
    host.advertise(router_advertisement());
    host.advertise(RouterAdvertisement { lifetime: 0, ..router_advertisement() });
    assert_eq!(count(&host), 0, "its word");
    host.advertise(router_advertisement());
    let target = addr("fe80::1");
    let told = NeighbourAdvertisement { router: false, solicited: false, overrides: true, target, target_mac: Some(OTHER_MAC) };
    host.hear("fe80::1", Addr::ALL_NODES, &Message::NeighbourAdvertisement(told));
    assert_eq!(count(&host), 0, "its flag");
}

#[test]
fn a_router_itself_hears_no_routers_and_does_not_ask_for_them() {
    // RFC 4861 §6.2.2
    let mut host = Host::with(1, |net| net.config.ipv6.forwarding = true);
    host.pass(secs(10));
    host.advertise(router_advertisement());
    assert_eq!(host.net.default_routers(host.link).count(), 0);
    assert!(host.said().iter().all(|(_, message)| !matches!(message, Message::RouterSolicitation { .. })));
}

/// A host with a default router `fe80::1` and an address to speak from.
fn routed() -> Host {
    let mut host = Host::ready(1);
    host.advertise(router_advertisement());
    host.net.add_address(host.link, "2001:db8::1/64".parse().unwrap()).unwrap();
    host.pass(secs(3));
    host.sent();
    host
}

fn redirect(target: &str, destination: &str) -> Message {
    let (target, destination) = (addr(target), addr(destination));
    Message::Redirect { target, destination, target_mac: Some(OTHER_MAC), quoted: Vec::new() }
}

fn first_hop(host: &mut Host, dst: &str) -> crate::link::Hop {
    host.net.route(&RouteQuery { dst: addr(dst), src: Addr::V6_ANY, link: None }).unwrap().hop
}

#[test]
fn a_redirect_of_the_first_hop_is_followed() {
    // RFC 4861 §8.3
    let mut host = routed();
    let own = addr("2001:db8::1");
    host.hear("fe80::1", own, &redirect("fe80::2", "2001:db8:9::9"));
    assert_eq!(first_hop(&mut host, "2001:db8:9::9"), crate::link::Hop::Neighbour(addr("fe80::2")));
    assert_eq!(first_hop(&mut host, "2001:db8:9::8"), crate::link::Hop::Neighbour(addr("fe80::1")), "only this destination");
    host.hear("fe80::1", own, &redirect("2001:db8:9::7", "2001:db8:9::7"));
    assert_eq!(first_hop(&mut host, "2001:db8:9::7"), crate::link::Hop::Neighbour(addr("2001:db8:9::7")), "it is a neighbour");
}

#[test]
fn forged_redirects_are_refused() {
    // RFC 4861 §8.1
    let mut host = routed();
    let own = addr("2001:db8::1");
    let message = redirect("fe80::2", "2001:db8:9::9");
    host.hear_with_hop_limit("fe80::1", own, 254, &message);
    host.hear("2001:db8::1", own, &message);
    assert_eq!(discards(&host, Discard::NdpMalformed), 2);
    host.hear("fe80::66", own, &message);
    assert_eq!(discards(&host, Discard::RedirectRefused), 1, "not the present first hop");
    let settings = *host.net.link_settings(host.link).unwrap();
    let deaf = super::super::autoconf::LinkSettings { accept_redirects: false, ..settings };
    host.net.set_link_settings(host.link, deaf).unwrap();
    host.hear("fe80::1", own, &message);
    assert_eq!(discards(&host, Discard::RedirectRefused), 2, "not wanted");
    assert_eq!(first_hop(&mut host, "2001:db8:9::9"), crate::link::Hop::Neighbour(addr("fe80::1")));
}

#[test]
fn floods_of_solicitations_are_answered_and_forgotten() {
    let mut host = host();
    let own = addr("2001:db8::1");
    for n in 0..5000u32 {
        let from = alloc::format!("2001:db8::{:x}:{:x}", n >> 8, n & 0xff | 0x100);
        host.hear(&from, own.solicited_node(), &solicitation(own, Some(OTHER_MAC)));
        host.sent();
    }
    assert!(host.net.links.neighbours().count() <= 4096);
    assert_eq!(host.net.addresses().filter(|assigned| assigned.link == host.link).count(), 2);
}

/// A router with a link-local address on its Ethernet, which advertises a prefix.
fn advertising_router() -> Host {
    let mut host = Host::with(1, |net| net.config.ipv6.forwarding = true);
    host.pass(secs(3));
    host.sent();
    let prefix = "2001:db8::/64".parse().unwrap();
    let prefixes = alloc::vec![PrefixInformation { prefix, on_link: true, autonomous: true, valid: 86400, preferred: 14400 }];
    let message = RouterAdvertisement { lifetime: 1800, prefixes, ..RouterAdvertisement::default() };
    host.net.advertise(host.link, Some(Advertising::new(message))).unwrap();
    host
}

/// When and with which lifetime the host advertised since the last call.
fn advertised(host: &mut Host) -> Vec<(Instant, u16)> {
    let said = host.said();
    let lifetime = |message: &Message| match message {
        Message::RouterAdvertisement(advertisement) => Some(advertisement.lifetime),
        _ => None,
    };
    said.iter().filter_map(|(sent, message)| lifetime(message).map(|lifetime| (sent.at, lifetime))).collect()
}

#[test]
fn a_router_advertises_often_at_first_and_then_at_random() {
    // RFC 4861 §6.2.4
    let mut host = advertising_router();
    host.pass(secs(2 * 3600));
    let all = advertised(&mut host);
    let distances: Vec<u64> = all.windows(2).map(|two| two[1].0.since(two[0].0).as_secs()).collect();
    assert_eq!(distances[..3], [16, 16, 16]);
    assert!(distances[3..].iter().all(|distance| (200..=600).contains(distance)), "{distances:?}");
    assert!(distances.len() > 12);
}

#[test]
fn a_solicitation_is_answered_soon_but_not_at_any_rate() {
    // RFC 4861 §6.2.6
    let mut host = advertising_router();
    host.pass(secs(100));
    host.sent();
    let asked = host.now();
    for _ in 0..100 {
        host.hear("fe80::9", Addr::ALL_ROUTERS, &Message::RouterSolicitation { source_mac: Some(OTHER_MAC) });
        host.pass(crate::base::Duration::from_millis(100));
    }
    let all = advertised(&mut host);
    assert!(all[0].0.since(asked).as_millis() <= 500);
    assert!(all.windows(2).all(|two| two[1].0.since(two[0].0) >= secs(3)), "{all:?}");
    assert!((3..=5).contains(&all.len()), "{all:?}");
}

#[test]
fn a_router_that_stops_says_so_and_who_does_not_forward_is_none() {
    // RFC 4861 §6.2.5
    let mut host = advertising_router();
    host.pass(secs(1));
    host.sent();
    host.net.advertise(host.link, None).unwrap();
    assert!(advertised(&mut host).iter().all(|(_, lifetime)| *lifetime == 0));
    host.pass(secs(3600));
    assert!(advertised(&mut host).is_empty());
    host.net.config.ipv6.forwarding = false;
    let message = RouterAdvertisement { lifetime: 1800, ..RouterAdvertisement::default() };
    host.net.advertise(host.link, Some(Advertising::new(message.clone()))).unwrap();
    host.pass(secs(1));
    assert_eq!(advertised(&mut host)[0].1, 0);
    let absurd = Advertising { max_interval: secs(1), ..Advertising::new(message) };
    assert_eq!(host.net.advertise(host.link, Some(absurd)), Err(crate::base::Errno::EINVAL));
}

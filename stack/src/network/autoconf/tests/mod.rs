//! Stories of hosts that configure themselves.

pub(in crate::network) mod host;

use alloc::vec::Vec;

use super::*;
use crate::base::event::class;
use crate::base::{AddressNews, Duration, Instant, What};
use crate::network::addresses::{AddrState, AddressConfig, Detection};
use crate::network::ndp::{
    MAX_PREFIXES, MAX_ROUTERS, Message, NeighbourAdvertisement, Preference, PrefixInformation, RouterAdvertisement,
};
use crate::network::routes::Via;
use host::{Host, MAC, OTHER_MAC, addr, ethernet, pass_together, secs};

fn prefix(text: &str, valid: u32, preferred: u32) -> PrefixInformation {
    PrefixInformation { prefix: text.parse().unwrap(), on_link: true, autonomous: true, valid, preferred }
}

fn router(lifetime: u16) -> RouterAdvertisement {
    RouterAdvertisement { lifetime, source_mac: Some(OTHER_MAC), ..RouterAdvertisement::default() }
}

fn with_prefix(valid: u32, preferred: u32) -> RouterAdvertisement {
    RouterAdvertisement { prefixes: alloc::vec![prefix("2001:db8::/64", valid, preferred)], ..router(1800) }
}

/// The first link-local address and its state.
fn link_local(host: &Host) -> (Addr, AddrState) {
    let mut all = host.net.addresses.on_link(host.link);
    all.find(|assigned| assigned.origin == Origin::LinkLocal).map(|assigned| (assigned.cidr.addr, assigned.state)).unwrap()
}

fn solicitation(target: Addr, nonce: Option<[u8; 6]>) -> Message {
    Message::NeighbourSolicitation { target, source_mac: None, nonce }
}

fn advertisement(target: Addr) -> Message {
    let target_mac = Some(OTHER_MAC);
    Message::NeighbourAdvertisement(NeighbourAdvertisement {
        router: false,
        solicited: false,
        overrides: true,
        target,
        target_mac,
    })
}

#[test]
fn a_link_gets_a_link_local_address_after_probing_and_then_asks_for_routers() {
    // RFC 4862 §5.3, §5.4.2; RFC 4861 §6.3.7
    let mut host = Host::new(1);
    let (own, state) = link_local(&host);
    assert_eq!(state, AddrState::Tentative);
    assert!(own.is_link_local() && !host.net.is_local(own));
    host.pass(secs(3));
    assert_eq!(link_local(&host), (own, AddrState::Preferred));
    let said = host.said();
    let (probe, Message::NeighbourSolicitation { target, source_mac: None, nonce: Some(_) }) = &said[0] else {
        panic!("first a probe: {said:?}")
    };
    assert_eq!((*target, probe.src, probe.dst, probe.hop_limit), (own, Addr::V6_ANY, own.solicited_node(), 255));
    assert_eq!(probe.to, Mac::multicast(own.solicited_node()));
    assert!(probe.at <= Instant::from_secs(1), "RFC 4862 §5.4.2: within a second");
    let (asked, Message::RouterSolicitation { source_mac }) = &said[1] else { panic!("then for routers: {said:?}") };
    assert_eq!((asked.src, asked.dst, *source_mac), (own, Addr::ALL_ROUTERS, Some(MAC)));
    assert_eq!(asked.at.since(probe.at), secs(1), "RFC 4862 §5.4: RetransTimer after the probe");
}

#[test]
fn two_hosts_of_one_seed_have_different_addresses() {
    let mut other = Host::new(1);
    let link = other.net.add_link(ethernet("eth1", OTHER_MAC)).unwrap();
    let made = other.net.addresses.on_link(link).next().unwrap().cidr.addr;
    assert_ne!(made, link_local(&other).0);
    assert_eq!(link_local(&Host::new(1)).0, link_local(&other).0, "RFC 7217 §4: the same in the same place");
}

#[test]
fn an_address_that_is_taken_is_made_anew_three_times() {
    // RFC 4862 §5.4.4, §5.4.5; RFC 7217 §6
    let mut host = Host::new(1);
    let mut tried = Vec::new();
    for _ in 0..4 {
        let (own, state) = link_local(&host);
        assert_eq!(state, AddrState::Tentative);
        tried.push(own);
        host.hear("fe80::99", Addr::ALL_NODES, &advertisement(own));
    }
    tried.dedup();
    assert_eq!(tried.len(), 4, "{tried:?}");
    assert_eq!(link_local(&host), (tried[3], AddrState::Duplicate));
    host.pass(secs(60));
    assert!(!host.net.is_local(tried[3]));
    assert!(host.said().is_empty(), "RFC 4862 §5.4.5: it stays silent");
    assert_eq!(host.net.links.base.counters.neighbour.conflicts, 4);
}

#[test]
fn somebody_who_probes_for_the_same_address_gets_neither_of_us_it() {
    // RFC 4862 §5.4.3
    let mut host = Host::manual(1);
    let own = addr("2001:db8::1");
    let config = AddressConfig { detection: Detection::Probe, ..AddressConfig::new(Cidr::new(own, 64)) };
    host.net.add_address_with(host.link, config).unwrap();
    host.hear("::", own.solicited_node(), &solicitation(own, Some([9; 6])));
    assert_eq!(host.net.addresses.get(host.link, own).unwrap().state, AddrState::Duplicate);
    host.pass(secs(10));
    assert!(!host.net.is_local(own) && host.said().is_empty());
}

#[test]
fn our_own_probe_that_comes_back_is_no_conflict() {
    // RFC 7527 §4.2
    let mut host = Host::new(1);
    host.pass(secs(1));
    let (own, _) = link_local(&host);
    let probe = host.said().remove(0).1;
    host.hear("::", own.solicited_node(), &probe);
    host.pass(secs(2));
    assert_eq!(link_local(&host), (own, AddrState::Preferred));
}

#[test]
fn a_solicitation_from_somewhere_for_a_tentative_address_is_ignored() {
    // RFC 4862 §5.4.3
    let mut host = Host::new(1);
    let (own, _) = link_local(&host);
    host.hear("fe80::9", own.solicited_node(), &solicitation(own, None));
    assert_eq!(link_local(&host), (own, AddrState::Tentative));
    assert!(host.said().is_empty());
}

#[test]
fn a_static_address_without_detection_is_usable_at_once() {
    let mut host = Host::manual(1);
    let link = host.link;
    host.net.add_address(link, "2001:db8::1/64".parse().unwrap()).unwrap();
    host.net.add_address(link, "10.0.0.1/24".parse().unwrap()).unwrap();
    assert!(host.net.is_local(addr("2001:db8::1")) && host.net.is_local(addr("10.0.0.1")));
    assert!(host.net.is_broadcast(addr("10.0.0.255")));
    let connected = host.net.route_entries().iter().filter(|entry| entry.link == link && entry.via == Via::OnLink).count();
    assert_eq!(connected, 2);
    host.net.remove_address(link, addr("10.0.0.1")).unwrap();
    assert!(!host.net.is_local(addr("10.0.0.1")) && !host.net.is_broadcast(addr("10.0.0.255")));
    assert_eq!(host.net.remove_address(link, addr("10.0.0.1")), Err(Errno::EADDRNOTAVAIL));
}

#[test]
fn addresses_that_cannot_be_are_refused() {
    let mut host = Host::manual(1);
    let link = host.link;
    let mut add = |link, text: &str| host.net.add_address(link, text.parse().unwrap());
    assert_eq!(add(LinkId(9), "10.0.0.1/24"), Err(Errno::ENODEV));
    for text in ["0.0.0.0/0", "::/0", "224.0.0.1/32", "ff02::1/128", "255.255.255.255/32"] {
        assert_eq!(add(link, text), Err(Errno::EADDRNOTAVAIL), "{text}");
    }
    assert_eq!((add(link, "10.0.0.1/24"), add(link, "10.0.0.1/16")), (Ok(()), Err(Errno::EEXIST)));
    let small = crate::link::LinkConfig { mtu: 1279, ..ethernet("eth1", OTHER_MAC) };
    let small = host.net.add_link(small).unwrap();
    assert_eq!(host.net.add_address(small, "2001:db8::1/64".parse().unwrap()), Err(Errno::EINVAL), "RFC 8200 §5");
}

#[test]
fn the_connected_route_stays_while_another_address_shares_it() {
    let mut host = Host::manual(1);
    let link = host.link;
    for text in ["10.0.0.1/24", "10.0.0.2/24"] {
        host.net.add_address(link, text.parse().unwrap()).unwrap();
    }
    let connected = |host: &Host| host.net.route_entries().iter().filter(|entry| entry.link == link).count();
    host.net.remove_address(link, addr("10.0.0.1")).unwrap();
    assert_eq!(connected(&host), 1);
    host.net.remove_address(link, addr("10.0.0.2")).unwrap();
    assert_eq!(connected(&host), 0);
}

#[test]
fn an_ipv4_address_may_be_probed_for_first() {
    // RFC 5227 §2.1
    let mut host = Host::manual(1);
    let own = addr("10.0.0.1");
    let config = AddressConfig { detection: Detection::Probe, ..AddressConfig::new(Cidr::new(own, 24)) };
    host.net.add_address_with(host.link, config).unwrap();
    assert!(!host.net.is_local(own));
    host.pass(secs(10));
    assert!(host.net.is_local(own), "nobody answered");
}

#[test]
fn an_ipv4_address_that_somebody_has_is_not_used() {
    // RFC 5227 §2.1.1
    let mut host = Host::manual(1);
    let own = addr("10.0.0.1");
    let config = AddressConfig { detection: Detection::Probe, ..AddressConfig::new(Cidr::new(own, 24)) };
    host.net.add_address_with(host.link, config).unwrap();
    host.net.autoconf_conflict(host.link, own, OTHER_MAC);
    host.pass(secs(10));
    assert_eq!(host.net.addresses.get(host.link, own).unwrap().state, AddrState::Duplicate);
    assert!(!host.net.is_local(own));
}

#[test]
fn an_advertised_prefix_becomes_an_address_and_a_router_a_default_route() {
    // RFC 4862 §5.5.3, RFC 4861 §6.3.4
    let mut host = Host::ready(1);
    host.advertise(with_prefix(3600, 1800));
    let own = host.global()[0].cidr;
    assert_eq!((own.prefix, own.network()), (64, addr("2001:db8::")));
    assert_eq!(host.global()[0].state, AddrState::Tentative);
    host.pass(secs(2));
    assert_eq!(host.global()[0].state, AddrState::Preferred);
    let entries = host.net.route_entries();
    let has = |dst: &str, via| entries.iter().any(|entry| entry.dst == dst.parse().unwrap() && entry.via == via);
    assert!(has("::/0", Via::Gateway(addr("fe80::1"))) && has("2001:db8::/64", Via::OnLink), "{entries:?}");
    assert_eq!(host.net.addresses.select_source(addr("2001:db8:1::1"), host.link, addr("fe80::1")), Some(own.addr));
}

#[test]
fn an_address_is_deprecated_and_then_removed() {
    // RFC 4862 §5.5.4
    let mut host = Host::ready(1);
    host.advertise(with_prefix(3600, 1800));
    let own = host.global()[0].cidr.addr;
    host.pass(secs(1801));
    assert_eq!(host.global()[0].state, AddrState::Deprecated);
    assert!(host.net.is_local(own), "still received on");
    host.pass(secs(1800));
    assert!(host.global().is_empty() && !host.net.is_local(own));
    assert!(host.net.route_entries().iter().all(|entry| entry.dst != "2001:db8::/64".parse().unwrap()));
}

#[test]
fn an_advertisement_renews_and_preferred_lifetime_zero_deprecates_at_once() {
    // RFC 4862 §5.5.3 (e)
    let mut host = Host::ready(1);
    host.advertise(with_prefix(7200, 1800));
    host.pass(secs(1799));
    host.advertise(with_prefix(7200, 1800));
    host.pass(secs(1799));
    assert_eq!(host.global()[0].state, AddrState::Preferred);
    host.advertise(with_prefix(7200, 0));
    assert_eq!(host.global()[0].state, AddrState::Deprecated);
    host.advertise(with_prefix(7200, 1800));
    assert_eq!(host.global()[0].state, AddrState::Preferred);
}

#[test]
fn nobody_can_take_an_address_away_within_two_hours() {
    // RFC 4862 §5.5.3 (e): the two-hour rule
    let mut host = Host::ready(1);
    host.advertise(with_prefix(86400, 86400));
    host.advertise(with_prefix(0, 0));
    host.pass(secs(7199));
    assert_eq!(host.global().len(), 1);
    host.pass(secs(2));
    assert!(host.global().is_empty());
}

#[test]
fn prefixes_that_are_not_for_addresses_make_none() {
    // RFC 4862 §5.5.3 (a)-(d)
    let mut host = Host::ready(1);
    let prefixes = alloc::vec![
        PrefixInformation { autonomous: false, ..prefix("2001:db8:1::/64", 3600, 3600) },
        prefix("fe80::/64", 3600, 3600),
        prefix("2001:db8:2::/64", 1800, 3600),
        prefix("2001:db8:3::/64", 0, 0),
        prefix("2001:db8:4::/63", 3600, 3600),
        prefix("ff0e::/64", 3600, 3600),
    ];
    host.advertise(RouterAdvertisement { prefixes, ..router(1800) });
    assert!(host.global().is_empty());
}

#[test]
fn an_infinite_lifetime_does_not_end() {
    let mut host = Host::ready(1);
    host.advertise(with_prefix(u32::MAX, u32::MAX));
    host.pass(secs(10 * 365 * 86400));
    assert_eq!(host.global()[0].state, AddrState::Preferred);
}

#[test]
fn a_flood_of_advertisements_fills_nothing_beyond_its_bounds() {
    let mut host = Host::ready(1);
    for n in 0..2000u32 {
        let [_, _, high, low] = n.to_be_bytes();
        let text = alloc::format!("2001:db8:{:x}::/64", u16::from_be_bytes([high, low]));
        let advertisement = RouterAdvertisement { prefixes: alloc::vec![prefix(&text, 86400, 86400)], ..router(1800) };
        let from = alloc::format!("fe80::{:x}", n + 1);
        host.hear(&from, Addr::ALL_NODES, &Message::RouterAdvertisement(advertisement));
    }
    assert_eq!(host.global().len(), MAX_ADVERTISED);
    assert_eq!(host.net.default_routers(host.link).count(), MAX_ROUTERS);
    let advertised = host.net.route_entries().len();
    assert!(advertised <= MAX_ROUTERS + MAX_PREFIXES + 4, "{advertised} routes");
    host.pass(secs(90000));
    assert!(host.global().is_empty() && host.net.default_routers(host.link).next().is_none());
}

#[test]
fn a_link_that_comes_up_again_is_checked_again() {
    // RFC 4862 §5.4
    let mut host = Host::ready(1);
    host.advertise(with_prefix(3600, 3600));
    host.pass(secs(2));
    let (own, _) = link_local(&host);
    host.net.set_link_up(host.link, false).unwrap();
    assert!(host.global().is_empty() && host.net.default_routers(host.link).next().is_none());
    host.pass(secs(10));
    host.sent();
    host.net.set_link_up(host.link, true).unwrap();
    assert_eq!(link_local(&host), (own, AddrState::Tentative));
    host.pass(secs(3));
    assert_eq!(link_local(&host), (own, AddrState::Preferred));
    assert!(host.said().iter().any(|(_, message)| matches!(message, Message::RouterSolicitation { .. })));
}

#[test]
fn settings_take_away_what_they_forbid_and_give_what_they_allow() {
    let mut host = Host::ready(1);
    host.advertise(with_prefix(3600, 3600));
    host.pass(secs(2));
    let (own, _) = link_local(&host);
    host.net.set_link_settings(host.link, LinkSettings::MANUAL).unwrap();
    assert!(host.net.addresses.on_link(host.link).next().is_none());
    assert!(host.net.route_entries().iter().all(|entry| entry.link != host.link));
    host.advertise(with_prefix(3600, 3600));
    assert!(host.global().is_empty(), "advertisements are not heard any more");
    host.net.set_link_settings(host.link, LinkSettings::HOST).unwrap();
    host.pass(secs(3));
    assert_eq!(link_local(&host), (own, AddrState::Preferred));
    assert_eq!(host.net.set_link_settings(LinkId(9), LinkSettings::HOST), Err(Errno::ENODEV));
}

#[test]
fn a_removed_link_leaves_nothing_behind() {
    let mut host = Host::ready(1);
    host.advertise(with_prefix(3600, 3600));
    host.pass(secs(2));
    let timers = host.net.links.base.timers.len();
    host.net.remove_link(host.link).unwrap();
    assert!(host.net.addresses.on_link(host.link).next().is_none());
    assert!(host.net.link_settings(host.link).is_none());
    assert!(host.net.links.base.timers.len() < timers);
    host.pass(Duration::from_secs(4000));
}

#[test]
fn preferred_routers_come_first_while_they_answer() {
    // RFC 4191 §3.2
    let mut host = Host::ready(1);
    let from = |preference| Message::RouterAdvertisement(RouterAdvertisement { preference, ..router(1800) });
    host.hear("fe80::1", Addr::ALL_NODES, &from(Preference::Low));
    host.hear("fe80::2", Addr::ALL_NODES, &from(Preference::High));
    host.hear("fe80::3", Addr::ALL_NODES, &from(Preference::Medium));
    let first_hop = |host: &Host| host.net.next_hop(addr("2001:db8::9"), Addr::V6_ANY, None).unwrap().hop;
    assert_eq!(first_hop(&host), crate::link::Hop::Neighbour(addr("fe80::2")));
    host.hear("fe80::2", Addr::ALL_NODES, &from(Preference::Low));
    assert_eq!(first_hop(&host), crate::link::Hop::Neighbour(addr("fe80::3")));
}

/// Two hosts on one Ethernet that configure themselves.
fn neighbours() -> [Host; 2] {
    [Host::new(1), Host::with_mac(2, OTHER_MAC, |_| {})]
}

fn state(host: &Host, own: Addr) -> AddrState {
    host.net.addresses.get(host.link, own).unwrap().state
}

#[test]
fn of_two_hosts_the_one_that_comes_later_does_not_get_the_address() {
    // RFC 4862 §5.4
    let mut hosts = neighbours();
    let own = addr("2001:db8::1");
    pass_together(&mut hosts, secs(3));
    for host in &mut hosts {
        host.net.add_address(host.link, Cidr::new(own, 64)).unwrap();
        let link = host.link;
        assert_eq!(host.net.add_address(link, Cidr::new(own, 64)), Err(Errno::EEXIST));
        if state(host, own) == AddrState::Tentative && host.net.mac_of(link) == Some(MAC) {
            host.pass(secs(3));
        }
    }
    pass_together(&mut hosts, secs(3));
    assert_eq!(hosts.each_ref().map(|host| state(host, own)), [AddrState::Preferred, AddrState::Duplicate]);
}

#[test]
fn of_two_hosts_that_come_at_once_at_most_one_gets_the_address() {
    // RFC 4862 §5.4.3: who has heard the other's probe gives way, whether he has probed or not.
    let own = addr("2001:db8::1");
    for seed in 1..10 {
        let mut hosts = [Host::manual(seed), Host::with_mac(seed + 100, OTHER_MAC, |_| {})];
        for host in &mut hosts {
            let config = AddressConfig { detection: Detection::Probe, ..AddressConfig::new(Cidr::new(own, 64)) };
            host.net.add_address_with(host.link, config).unwrap();
        }
        pass_together(&mut hosts, secs(3));
        let states = hosts.each_ref().map(|host| state(host, own));
        assert!(states.contains(&AddrState::Duplicate) && !states.contains(&AddrState::Tentative), "seed {seed}: {states:?}");
    }
}

#[test]
fn neighbours_with_link_local_addresses_reach_each_other() {
    let mut hosts = neighbours();
    pass_together(&mut hosts, secs(3));
    let [from, to] = hosts.each_ref().map(|host| link_local(host).0);
    let link = hosts[0].link;
    let route = hosts[0].net.route(&crate::network::RouteQuery { dst: to, src: Addr::V6_ANY, link: Some(link) }).unwrap();
    assert_eq!(route.src, from);
    let outgoing = crate::network::Outgoing { dst: to, protocol: 253, ..Default::default() };
    hosts[0].net.send(&route, &outgoing, crate::base::Frame::from(&b"hello"[..])).unwrap();
    let received = hosts[1].net.links.base.counters.ip.in_delivers;
    pass_together(&mut hosts, Duration::from_millis(10));
    // The solicitation, and then the packet itself.
    assert_eq!(hosts[1].net.links.base.counters.ip.in_delivers - received, 2);
}

#[test]
fn a_link_local_address_is_not_reached_by_another_link() {
    // RFC 4007 §6
    let mut host = Host::ready(1);
    let (own, _) = link_local(&host);
    let other = host.net.add_link(ethernet("eth1", OTHER_MAC)).unwrap();
    let frame = |mac: Mac| {
        let mut bytes = Vec::from(mac.0);
        bytes.extend_from_slice(&[2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 1, 253, 64]);
        bytes.extend_from_slice(&addr("fe80::9").octets());
        bytes.extend_from_slice(&own.octets());
        bytes.push(0);
        crate::base::Frame::from(bytes.as_slice())
    };
    let delivered = |host: &mut Host, link, mac| {
        let before = host.net.links.base.counters.ip.in_delivers;
        host.net.receive(link, frame(mac));
        while host.net.poll().is_some() {}
        host.net.links.base.counters.ip.in_delivers - before
    };
    assert_eq!(delivered(&mut host, other, OTHER_MAC), 0);
    let link = host.link;
    assert_eq!(delivered(&mut host, link, MAC), 1);
}

#[test]
fn a_host_configures_itself_by_the_router_on_its_link() {
    // RFC 4861 §6.2.6, §6.3.7, RFC 4862 §5.5
    let mut hosts = [Host::with(1, |net| net.config.ipv6.forwarding = true), Host::with_mac(2, OTHER_MAC, |_| {})];
    let advertising =
        crate::network::ndp::Advertising::new(RouterAdvertisement { source_mac: None, ..with_prefix(86400, 14400) });
    let link = hosts[0].link;
    hosts[0].net.advertise(link, Some(advertising)).unwrap();
    hosts[0].net.add_address(link, "2001:db8::1/64".parse().unwrap()).unwrap();
    pass_together(&mut hosts, secs(6));
    let router = link_local(&hosts[0]).0;
    let host = &hosts[1];
    assert_eq!(host.global()[0].state, AddrState::Preferred);
    assert_eq!(host.net.default_routers(host.link).map(|known| known.addr).collect::<Vec<_>>(), [router]);
    let next = host.net.next_hop(addr("2001:db8:9::1"), Addr::V6_ANY, None).unwrap();
    assert_eq!(next.hop, crate::link::Hop::Neighbour(router));
}

#[test]
fn an_address_waits_for_its_link_to_come_up() {
    let mut host = Host::new(1);
    let link = host.link;
    host.net.set_link_up(link, false).unwrap();
    let own = addr("2001:db8::1");
    host.net.add_address(link, Cidr::new(own, 64)).unwrap();
    host.pass(secs(10));
    assert_eq!(state(&host, own), AddrState::Tentative);
    host.sent();
    host.net.set_link_up(link, true).unwrap();
    host.pass(secs(3));
    assert_eq!(state(&host, own), AddrState::Preferred);
    assert!(
        host.said().iter().any(|(_, message)| matches!(message, Message::NeighbourSolicitation { target, .. } if *target == own))
    );
}

#[test]
fn who_listens_is_told_of_the_life_of_an_address() {
    let mut host = Host::manual(1);
    host.net.links.base.events.listen(class::NETWORK);
    let news = |host: &mut Host| {
        let told = core::iter::from_fn(|| host.net.links.base.events.pop());
        told.filter_map(|event| if let What::Address { news, .. } = event.what { Some(news) } else { None }).collect::<Vec<_>>()
    };
    let own = addr("2001:db8::1");
    let config = AddressConfig {
        detection: Detection::Probe,
        preferred: secs(10),
        valid: secs(20),
        ..AddressConfig::new(Cidr::new(own, 64))
    };
    host.net.add_address_with(host.link, config).unwrap();
    assert_eq!(news(&mut host), [AddressNews::Tentative]);
    host.pass(secs(3));
    assert_eq!(news(&mut host), [AddressNews::Usable]);
    host.pass(secs(8));
    assert_eq!(news(&mut host), [AddressNews::Deprecated]);
    host.pass(secs(10));
    assert_eq!(news(&mut host), [AddressNews::Gone]);
    let taken = AddressConfig { detection: Detection::Probe, ..AddressConfig::new(Cidr::new(own, 64)) };
    host.net.add_address_with(host.link, taken).unwrap();
    host.hear("::", own.solicited_node(), &solicitation(own, Some([9; 6])));
    assert_eq!(news(&mut host), [AddressNews::Tentative, AddressNews::Duplicate]);
    host.net.set_link_up(host.link, false).unwrap();
    let told = host.net.links.base.events.pop().map(|event| event.what);
    assert_eq!(told, Some(What::Link { link: host.link, up: false }));
}

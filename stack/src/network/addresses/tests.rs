//! The table and the choice of source addresses.

use super::select::{Candidate, best};
use super::*;
use crate::base::{Entropy, Seed};

const ETH0: LinkId = LinkId(1);
const ETH1: LinkId = LinkId(2);

fn table() -> Addresses {
    Addresses::new(&Entropy::new(Seed::from(1)))
}

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn assigned(link: LinkId, cidr: &str) -> Assigned {
    Assigned::new(link, cidr.parse().unwrap(), Origin::Static)
}

fn with(addresses: &[(LinkId, &str)]) -> Addresses {
    let mut all = table();
    for &(link, cidr) in addresses {
        all.insert(assigned(link, cidr));
    }
    all
}

#[test]
fn only_usable_addresses_are_local() {
    let mut all = table();
    let key = all.insert(Assigned { state: AddrState::Tentative, ..assigned(ETH0, "2001:db8::1/64") });
    assert!(!all.is_local(addr("2001:db8::1")));
    for (state, local) in [(AddrState::Preferred, true), (AddrState::Deprecated, true), (AddrState::Duplicate, false)] {
        all.by_key_mut(key).unwrap().state = state;
        assert_eq!(all.is_local(addr("2001:db8::1")), local, "{state:?}");
    }
    all.take(key);
    assert!(all.is_empty() && all.on_link(ETH0).next().is_none());
}

#[test]
fn the_whole_of_127_is_local_without_being_configured() {
    // RFC 1122 §3.2.1.3 (g)
    let all = table();
    assert!(all.is_local(addr("127.9.9.9")) && all.is_local(addr("::1")));
    assert!(!all.is_local(addr("128.0.0.1")));
}

#[test]
fn a_link_local_address_is_local_on_its_own_link_alone() {
    // RFC 4007 §6
    let all = with(&[(ETH0, "fe80::1/64"), (ETH1, "fe80::2/64"), (ETH1, "2001:db8::1/64")]);
    assert!(all.is_local_on(ETH0, addr("fe80::1")) && !all.is_local_on(ETH1, addr("fe80::1")));
    assert!(all.is_local_on(ETH0, addr("2001:db8::1")), "the weak host model holds for the rest");
}

#[test]
fn a_broadcast_address_lives_as_long_as_one_address_brings_it() {
    let mut all = with(&[(ETH0, "10.0.0.1/24")]);
    let second = all.insert(assigned(ETH0, "10.0.0.2/24"));
    assert!(all.is_broadcast(addr("10.0.0.255")) && all.is_broadcast(Addr::V4_BROADCAST));
    assert!(!all.is_broadcast(addr("10.0.0.254")) && !all.is_broadcast(addr("::ffff:0:0:1")));
    all.take(second);
    assert!(all.is_broadcast(addr("10.0.0.255")));
    let first = all.key(ETH0, addr("10.0.0.1")).unwrap();
    all.take(first);
    assert!(!all.is_broadcast(addr("10.0.0.255")));
}

#[test]
fn ten_thousand_addresses_are_found_one_by_one() {
    let mut all = table();
    let nth = |n: u32| Addr::from_v4((0x0a00_0000 + n).to_be_bytes());
    for n in 1..10_000 {
        all.insert(Assigned::new(LinkId((n % 7) as u16), Cidr::host(nth(n)), Origin::Static));
    }
    assert!((1..10_000).all(|n| all.is_local(nth(n)) && all.link_of(nth(n)) == Some(LinkId((n % 7) as u16))));
    assert!(!all.is_local(nth(10_000)));
}

#[test]
fn the_address_that_comes_later_in_a_network_is_secondary() {
    let all = with(&[(ETH0, "10.0.0.1/24"), (ETH0, "10.0.0.2/24"), (ETH0, "10.0.0.3/16"), (ETH1, "10.0.0.4/24")]);
    let secondary: Vec<_> = all.iter().map(|assigned| all.is_secondary(assigned)).collect();
    assert_eq!(secondary, [false, true, false, false]);
}

#[test]
fn ipv4_takes_the_address_of_the_next_hop_s_network() {
    let all = with(&[(ETH0, "192.0.2.1/24"), (ETH0, "10.0.0.1/8"), (ETH1, "198.51.100.1/24")]);
    let source = |link, dst, next_hop| all.select_source(addr(dst), link, addr(next_hop));
    assert_eq!(source(ETH0, "203.0.113.9", "10.0.0.254"), Some(addr("10.0.0.1")));
    assert_eq!(source(ETH0, "10.2.3.4", "10.2.3.4"), Some(addr("10.0.0.1")));
    assert_eq!(source(ETH0, "203.0.113.9", "203.0.113.9"), Some(addr("192.0.2.1")), "the first of the link");
    assert_eq!(source(LinkId(3), "203.0.113.9", "203.0.113.9"), Some(addr("192.0.2.1")), "the first of the host");
    assert_eq!(source(ETH0, "198.51.100.1", "198.51.100.1"), Some(addr("198.51.100.1")), "to oneself from oneself");
}

#[test]
fn ipv4_does_not_carry_confined_addresses_to_another_link() {
    let all = with(&[(ETH0, "127.0.0.1/8"), (ETH0, "169.254.1.1/16"), (ETH0, "10.0.0.1/32")]);
    assert_eq!(all.select_source(addr("8.8.8.8"), ETH1, addr("8.8.8.8")), Some(addr("10.0.0.1")));
    let confined = with(&[(ETH0, "127.0.0.1/8"), (ETH0, "169.254.1.1/16")]);
    assert_eq!(confined.select_source(addr("8.8.8.8"), ETH1, addr("8.8.8.8")), None);
}

#[test]
fn ipv6_skips_what_it_may_not_use() {
    let mut all = with(&[(ETH0, "fe80::1/64"), (ETH1, "2001:db8:1::1/64")]);
    all.insert(Assigned { state: AddrState::Tentative, ..assigned(ETH0, "2001:db8::1/64") });
    let source = |all: &Addresses, dst| all.select_source(addr(dst), ETH0, addr(dst));
    assert_eq!(source(&all, "2001:db8::2"), Some(addr("2001:db8:1::1")), "the tentative one does not count");
    assert_eq!(source(&all, "fe80::2"), Some(addr("fe80::1")));
    assert_eq!(source(&all, "ff02::1"), Some(addr("fe80::1")));
    assert_eq!(source(&with(&[(ETH1, "fe80::1/64")]), "2001:db8::2"), None, "another link's link-local address");
    assert_eq!(source(&with(&[(ETH1, "2001:db8::1/64")]), "fe80::2"), None, "RFC 6724 §4: only the outgoing link's");
}

/// A candidate in the words of the RFC's examples.
fn candidate(text: &str) -> Candidate {
    Candidate { addr: addr(text), prefix: 64, deprecated: false, outgoing: true }
}

#[test]
fn the_examples_of_rfc_6724() {
    // RFC 6724 §10.1 (the last two are about temporary and home addresses, which this host does not have)
    for (dst, candidates, expected, rule) in [
        ("2001:db8:1::1", ["2001:db8:3::1", "fe80::1"], "2001:db8:3::1", "prefer appropriate scope"),
        ("ff05::1", ["2001:db8:3::1", "fe80::1"], "2001:db8:3::1", "prefer appropriate scope"),
        ("fe80::1", ["fe80::2", "2001:db8:1::1"], "fe80::2", "prefer appropriate scope"),
        ("2001:db8:1::1", ["2001:db8:1::2", "2001:db8:3::2"], "2001:db8:1::2", "longest matching prefix"),
        (
            "2002:c633:6401::1",
            ["2002:c633:6401::d5e3:7953:13eb:22e8", "2001:db8:1::2"],
            "2002:c633:6401::d5e3:7953:13eb:22e8",
            "prefer matching label",
        ),
        ("2001:db8:1::1", ["2001:db8:1::1", "2001:db8:3::1"], "2001:db8:1::1", "prefer same address"),
    ] {
        for order in [[0, 1], [1, 0]] {
            let chosen = best(order.iter().map(|&at| candidate(candidates[at])), addr(dst)).unwrap();
            assert_eq!(chosen.addr, addr(expected), "to {dst}: {rule}");
        }
    }
}

#[test]
fn deprecated_addresses_and_other_links_are_avoided() {
    // RFC 6724 §5 rules 3 and 5
    let dst = addr("2001:db8:1::9");
    let near = Candidate { deprecated: true, ..candidate("2001:db8:1::1") };
    let far = candidate("2001:db8:2::1");
    assert_eq!(best([near, far].into_iter(), dst), Some(far));
    let elsewhere = Candidate { outgoing: false, ..candidate("2001:db8:1::1") };
    assert_eq!(best([elsewhere, far].into_iter(), dst), Some(far));
    assert_eq!(best([far, elsewhere].into_iter(), dst), Some(far));
}

#[test]
fn scope_comes_before_deprecation() {
    // RFC 6724 §5 rule 2 before rule 3
    let global = Candidate { deprecated: true, ..candidate("2001:db8:1::1") };
    let link_local = candidate("fe80::1");
    assert_eq!(best([global, link_local].into_iter(), addr("2001:db8:9::1")), Some(global));
}

#[test]
fn the_newest_of_equals_is_taken() {
    let equals = [candidate("2001:db8::1:1"), candidate("2001:db8::1:2")];
    assert_eq!(best(equals.into_iter(), addr("2001:db8:1::1")), Some(equals[1]));
}

#[test]
fn of_several_links_with_an_address_the_first_has_it() {
    let mut all = table();
    let keys: Vec<Key> = (1..=40).map(|link| all.insert(assigned(LinkId(link), "10.0.0.1/24"))).collect();
    for (gone, next) in (2..=40).enumerate() {
        assert_eq!(all.link_of(addr("10.0.0.1")), Some(LinkId(next - 1)));
        all.take(keys[gone]);
    }
    assert_eq!(all.link_of(addr("10.0.0.1")), Some(LinkId(40)));
}

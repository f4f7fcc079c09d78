//! Stories of group membership.

use alloc::vec::Vec;

use super::super::autoconf::tests::host::{Host, Sent, addr, secs};
use super::message::Dialect;
use super::*;
use crate::base::{Discard, Duration, Errno, checksum::checksum};
use crate::network::protocol;

const GROUP: Addr = Addr::v4(239, 1, 1, 1);
const OTHER_GROUP: Addr = Addr::v4(239, 1, 1, 2);
const SRC: Addr = Addr::v4(192, 0, 2, 1);
const OTHER_SRC: Addr = Addr::v4(192, 0, 2, 2);
const REPORTS: Addr = Addr::v4(224, 0, 0, 22);

/// A host with `10.0.0.1/24` and `fe80::a/64`, configured by hand.
fn host() -> Host {
    let mut host = Host::manual(1);
    host.net.add_address(host.link, "10.0.0.1/24".parse().unwrap()).unwrap();
    host.net.add_address(host.link, "fe80::a/64".parse().unwrap()).unwrap();
    host.pass(secs(5));
    host.sent();
    host
}

/// The IGMP messages said since the last call.
fn igmp(host: &mut Host) -> Vec<Sent> {
    let mut sent = host.sent();
    sent.retain(|sent| sent.protocol == protocol::IGMP);
    for sent in &sent {
        assert_eq!(checksum(&sent.payload), 0);
        assert_eq!((sent.hop_limit, sent.alert, sent.src), (1, true, addr("10.0.0.1")), "RFC 9776 §4");
    }
    sent
}

/// The MLD messages said since the last call.
fn mld(host: &mut Host) -> Vec<Sent> {
    let mut sent = host.sent();
    sent.retain(|sent| sent.protocol == protocol::ICMPV6 && sent.ndp().is_none());
    for sent in &sent {
        assert_eq!((sent.hop_limit, sent.alert, sent.src), (1, true, addr("fe80::a")), "RFC 9777 §5");
    }
    sent
}

/// Kind and number of sources of each record of reports of the current dialect, with the group's last byte.
fn records(sent: &[Sent]) -> Vec<(u8, u8, u16)> {
    let mut all = Vec::new();
    for sent in sent {
        let v6 = sent.protocol == protocol::ICMPV6;
        let size = if v6 { 16 } else { 4 };
        assert_eq!(sent.payload[0], if v6 { message::MLD_V2_REPORT } else { message::IGMP_V3_REPORT });
        assert_eq!(sent.dst, if v6 { addr("ff02::16") } else { REPORTS });
        let mut rest = &sent.payload[8..];
        for _ in 0..u16::from_be_bytes([sent.payload[6], sent.payload[7]]) {
            let sources = u16::from_be_bytes([rest[2], rest[3]]);
            all.push((rest[0], rest[3 + size], sources));
            rest = &rest[4 + size * (1 + usize::from(sources))..];
        }
        assert!(rest.is_empty());
    }
    all
}

const IS_IN: u8 = 1;
const IS_EX: u8 = 2;
const TO_IN: u8 = 3;
const TO_EX: u8 = 4;
const ALLOW: u8 = 5;
const BLOCK: u8 = 6;

fn hear(host: &mut Host, dst: Addr, mut bytes: Vec<u8>) {
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    let packet = host.packet(addr("10.0.0.254"), dst, protocol::IGMP, 1, &bytes);
    host.net.igmp_receive(&packet);
}

/// A query of version 3 with one second to answer.
fn query(host: &mut Host, group: Addr, sources: &[Addr]) {
    let mut bytes = alloc::vec![0x11, 10, 0, 0];
    bytes.extend_from_slice(&group.v4_octets());
    bytes.extend_from_slice(&[2, 125, 0, sources.len() as u8]);
    sources.iter().for_each(|src| bytes.extend_from_slice(&src.v4_octets()));
    let dst = if group.is_unspecified() { ALL_SYSTEMS } else { group };
    hear(host, dst, bytes);
}

fn old_query(host: &mut Host, group: Addr, tenths: u8) {
    let mut bytes = alloc::vec![0x11, tenths, 0, 0];
    bytes.extend_from_slice(&group.v4_octets());
    let dst = if group.is_unspecified() { ALL_SYSTEMS } else { group };
    hear(host, dst, bytes);
}

#[test]
fn a_join_is_told_at_once_and_once_more_within_a_second() {
    // RFC 9776 §5.1
    let mut host = host();
    host.net.join_group(GROUP, Some(host.link)).unwrap();
    assert_eq!(records(&igmp(&mut host)), [(TO_EX, 1, 0)]);
    host.pass(secs(1));
    assert_eq!(records(&igmp(&mut host)), [(TO_EX, 1, 0)]);
    host.pass(secs(100));
    assert!(igmp(&mut host).is_empty());
}

#[test]
fn joins_are_counted_and_only_the_first_and_the_last_leave_are_told() {
    let mut host = host();
    let link = host.link;
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.pass(secs(2));
    host.sent();
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.net.leave_group(GROUP, link).unwrap();
    host.pass(secs(2));
    assert!(igmp(&mut host).is_empty());
    assert!(host.net.groups.is_member(link, GROUP, SRC));
    host.net.leave_group(GROUP, link).unwrap();
    assert!(!host.net.groups.is_member(link, GROUP, SRC), "not a moment longer");
    host.pass(secs(2));
    assert_eq!(records(&igmp(&mut host)), [(TO_IN, 1, 0), (TO_IN, 1, 0)]);
    assert_eq!(host.net.leave_group(GROUP, link), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(host.net.groups.on_link(link).filter(|(group, _)| group.is_v4()).count(), 0);
}

#[test]
fn errors_of_joining() {
    let mut host = host();
    let link = host.link;
    assert_eq!(host.net.join_group(addr("10.0.0.9"), Some(link)), Err(Errno::EINVAL));
    assert_eq!(host.net.join_group(GROUP, Some(LinkId(9))), Err(Errno::ENODEV));
    assert_eq!(host.net.join_group(GROUP, None), Err(Errno::ENODEV), "no route");
    assert_eq!(host.net.join_source(GROUP, Some(link), addr("fd00::1")), Err(Errno::EINVAL));
    assert_eq!(host.net.block_source(GROUP, link, SRC), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(host.net.leave_source(GROUP, link, SRC), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(host.net.unblock_source(GROUP, link, SRC), Err(Errno::EADDRNOTAVAIL));
    host.net.add_route("224.0.0.0/4".parse().unwrap(), None, link, 0).unwrap();
    assert_eq!(host.net.join_group(GROUP, None), Ok(link));
}

#[test]
fn sources_come_and_go_one_by_one() {
    // RFC 9776 §5.1
    let mut host = host();
    let link = host.link;
    let settle = |host: &mut Host| {
        host.pass(secs(2));
        let said = records(&igmp(host));
        assert!(said.windows(2).all(|two| two[0] == two[1]), "each change twice: {said:?}");
        said.first().copied()
    };
    host.net.join_source(GROUP, Some(link), SRC).unwrap();
    assert_eq!(settle(&mut host), Some((ALLOW, 1, 1)));
    assert!(host.net.groups.is_member(link, GROUP, SRC) && !host.net.groups.is_member(link, GROUP, OTHER_SRC));
    host.net.join_group(GROUP, Some(link)).unwrap();
    assert_eq!(settle(&mut host), Some((TO_EX, 1, 0)), "another socket wants them all");
    host.net.block_source(GROUP, link, OTHER_SRC).unwrap();
    assert_eq!(settle(&mut host), Some((BLOCK, 1, 1)));
    assert!(host.net.groups.is_member(link, GROUP, SRC) && !host.net.groups.is_member(link, GROUP, OTHER_SRC));
    host.net.unblock_source(GROUP, link, OTHER_SRC).unwrap();
    assert_eq!(settle(&mut host), Some((ALLOW, 1, 1)));
    host.net.leave_group(GROUP, link).unwrap();
    assert_eq!(settle(&mut host), Some((TO_IN, 1, 1)), "the first socket's source remains");
    host.net.leave_source(GROUP, link, SRC).unwrap();
    assert_eq!(settle(&mut host), Some((BLOCK, 1, 1)));
    assert!(host.net.groups.find(link, GROUP).is_none(), "forgotten when all was told");
}

#[test]
fn a_socket_s_whole_filter_changes_as_one() {
    // RFC 9776 §2
    let mut host = host();
    let link = host.link;
    let blocked = SourceFilter::new(Mode::Exclude, alloc::vec![SRC, OTHER_SRC]);
    host.net.listen(link, GROUP, &SourceFilter::NOTHING, &blocked).unwrap();
    assert_eq!(records(&igmp(&mut host)), [(TO_EX, 1, 2)]);
    host.net.listen(link, GROUP, &blocked, &SourceFilter::NOTHING).unwrap();
    assert_eq!(records(&igmp(&mut host)), [(TO_IN, 1, 0)]);
}

#[test]
fn a_general_query_is_answered_once_for_all_groups() {
    // RFC 9776 §5.2
    let mut host = host();
    let link = host.link;
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.net.join_source(OTHER_GROUP, Some(link), SRC).unwrap();
    host.pass(secs(2));
    host.sent();
    query(&mut host, Addr::V4_ANY, &[]);
    query(&mut host, Addr::V4_ANY, &[]);
    let asked = host.now();
    host.pass(secs(3));
    let said = igmp(&mut host);
    assert_eq!(said.len(), 1);
    assert!(said[0].at.since(asked) <= secs(1));
    assert_eq!(records(&said), [(IS_EX, 1, 0), (IS_IN, 2, 1)]);
}

#[test]
fn a_query_for_sources_is_answered_with_those_that_are_wanted() {
    // RFC 9776 §5.2
    let mut host = host();
    let link = host.link;
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.net.block_source(GROUP, link, SRC).unwrap();
    host.pass(secs(2));
    host.sent();
    query(&mut host, GROUP, &[SRC, OTHER_SRC]);
    host.pass(secs(2));
    assert_eq!(records(&igmp(&mut host)), [(IS_IN, 1, 1)], "the blocked one is not wanted");
    query(&mut host, GROUP, &[SRC]);
    host.pass(secs(2));
    assert!(igmp(&mut host).is_empty(), "nothing to tell");
    query(&mut host, GROUP, &[SRC]);
    query(&mut host, GROUP, &[]);
    host.pass(secs(2));
    assert_eq!(records(&igmp(&mut host)), [(IS_EX, 1, 1)], "rule 5: the whole group");
    query(&mut host, OTHER_GROUP, &[]);
    host.pass(secs(2));
    assert!(igmp(&mut host).is_empty(), "not a member");
}

#[test]
fn the_groups_of_all_nodes_are_joined_and_never_told() {
    // RFC 9776 §5, RFC 9777 §6
    let mut host = Host::manual(1);
    host.pass(secs(3));
    assert!(host.net.groups.is_member(host.link, ALL_SYSTEMS, SRC));
    assert!(host.net.groups.is_member(host.link, Addr::ALL_NODES, addr("fe80::1")));
    host.net.join_group(ALL_SYSTEMS, Some(host.link)).unwrap();
    host.net.join_group(addr("ff01::5"), Some(host.link)).unwrap();
    host.pass(secs(3));
    assert!(host.sent().is_empty());
}

#[test]
fn an_old_querier_is_spoken_to_in_its_dialect() {
    // RFC 9776 §7.2.1, RFC 2236 §3
    let mut host = host();
    let link = host.link;
    old_query(&mut host, Addr::V4_ANY, 10);
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.pass(secs(11));
    let said = igmp(&mut host);
    assert_eq!(said.iter().map(|sent| (sent.payload[0], sent.dst)).collect::<Vec<_>>(), [(message::IGMP_V2_REPORT, GROUP); 2]);
    host.net.leave_group(GROUP, link).unwrap();
    let said = igmp(&mut host);
    assert_eq!((said[0].payload[0], said[0].dst), (message::IGMP_LEAVE, Addr::v4(224, 0, 0, 2)));
    host.pass(secs(300));
    host.net.join_group(GROUP, Some(link)).unwrap();
    assert_eq!(records(&igmp(&mut host)), [(TO_EX, 1, 0)], "it has been silent long enough");
}

#[test]
fn the_oldest_querier_hears_no_leaves() {
    // RFC 1112
    let mut host = host();
    old_query(&mut host, Addr::V4_ANY, 0);
    host.net.join_group(GROUP, Some(host.link)).unwrap();
    assert_eq!(igmp(&mut host)[0].payload[0], message::IGMP_V1_REPORT);
    host.net.leave_group(GROUP, host.link).unwrap();
    host.pass(secs(20));
    assert!(igmp(&mut host).is_empty());
}

#[test]
fn another_s_report_spares_ours_in_the_older_dialect() {
    // RFC 2236 §3
    let mut host = host();
    let link = host.link;
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.pass(secs(5));
    host.sent();
    old_query(&mut host, Addr::V4_ANY, 100);
    hear(&mut host, GROUP, alloc::vec![message::IGMP_V2_REPORT, 0, 0, 0, 239, 1, 1, 1]);
    host.pass(secs(11));
    assert!(igmp(&mut host).is_empty());
    host.net.leave_group(GROUP, link).unwrap();
    assert!(igmp(&mut host).is_empty(), "who did not report last need not tell that he leaves");
}

#[test]
fn each_group_answers_an_old_query_by_itself() {
    // RFC 2236 §3
    let mut host = host();
    for group in [GROUP, OTHER_GROUP] {
        host.net.join_group(group, Some(host.link)).unwrap();
    }
    host.pass(secs(5));
    host.sent();
    old_query(&mut host, Addr::V4_ANY, 50);
    host.pass(secs(6));
    let mut said: Vec<Addr> = igmp(&mut host).iter().map(|sent| sent.dst).collect();
    said.sort_unstable();
    assert_eq!(said, [GROUP, OTHER_GROUP]);
}

#[test]
fn queries_that_are_wrong_are_discarded() {
    // RFC 9776 §4.1.12
    let mut host = host();
    host.net.join_group(GROUP, Some(host.link)).unwrap();
    host.pass(secs(5));
    host.sent();
    let to_us_alone = alloc::vec![0x11, 10, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0];
    hear(&mut host, addr("10.0.0.1"), to_us_alone.clone());
    let packet = host.packet(addr("10.0.0.254"), ALL_SYSTEMS, protocol::IGMP, 1, &to_us_alone);
    host.net.igmp_receive(&packet);
    let packet = host.packet(addr("10.0.0.254"), ALL_SYSTEMS, protocol::IGMP, 1, &[0x11]);
    host.net.igmp_receive(&packet);
    host.pass(secs(5));
    assert!(igmp(&mut host).is_empty());
    assert_eq!(host.net.links.base.counters.discards[Discard::GroupMalformed as usize], 3);
}

fn mld_query(group: Addr, millis: u16, tail: &[u8]) -> Vec<u8> {
    let mut bytes = alloc::vec![message::MLD_QUERY, 0, 0, 0];
    bytes.extend_from_slice(&millis.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&group.octets());
    bytes.extend_from_slice(tail);
    bytes
}

fn hear_mld(host: &mut Host, src: &str, dst: Addr, hop_limit: u8, bytes: &[u8]) {
    let packet = host.packet(addr(src), dst, protocol::ICMPV6, hop_limit, bytes);
    host.net.mld_receive(&packet);
}

#[test]
fn mld_tells_and_answers_as_igmp_does() {
    // RFC 9777 §6.1, §6.2
    let mut host = host();
    let group = addr("ff05::1");
    host.net.join_group(group, Some(host.link)).unwrap();
    host.pass(secs(2));
    assert_eq!(records(&mld(&mut host)), [(TO_EX, 1, 0), (TO_EX, 1, 0)]);
    let query = mld_query(Addr::V6_ANY, 1000, &[2, 125, 0, 0]);
    hear_mld(&mut host, "fe80::1", Addr::ALL_NODES, 1, &query);
    host.pass(secs(2));
    let said = records(&mld(&mut host));
    assert_eq!(said, [(IS_EX, 0x0a, 0), (IS_EX, 1, 0)], "the solicited-node group of fe80::a too");
    host.net.leave_group(group, host.link).unwrap();
    assert_eq!(records(&mld(&mut host)), [(TO_IN, 1, 0)]);
}

#[test]
fn an_old_mld_querier_is_spoken_to_in_its_dialect() {
    // RFC 9777 §8.2.1, RFC 2710 §4
    let mut host = host();
    let group = addr("ff05::1");
    hear_mld(&mut host, "fe80::1", Addr::ALL_NODES, 1, &mld_query(Addr::V6_ANY, 100, &[]));
    host.pass(secs(1));
    host.sent();
    host.net.join_group(group, Some(host.link)).unwrap();
    host.net.leave_group(group, host.link).unwrap();
    let said = mld(&mut host);
    let kinds: Vec<(u8, Addr)> = said.iter().map(|sent| (sent.payload[0], sent.dst)).collect();
    assert_eq!(kinds, [(message::MLD_V1_REPORT, group), (message::MLD_DONE, Addr::ALL_ROUTERS)]);
}

#[test]
fn mld_queries_from_beyond_the_link_are_discarded() {
    // RFC 9777 §5.1.14
    let mut host = host();
    let query = mld_query(Addr::V6_ANY, 1000, &[2, 125, 0, 0]);
    hear_mld(&mut host, "2001:db8::1", Addr::ALL_NODES, 1, &query);
    hear_mld(&mut host, "fe80::1", Addr::ALL_NODES, 64, &query);
    host.pass(secs(3));
    assert!(mld(&mut host).is_empty());
    assert_eq!(host.net.links.base.counters.discards[Discard::GroupMalformed as usize], 2);
}

#[test]
fn a_link_that_comes_up_tells_its_groups_again() {
    let mut host = host();
    let link = host.link;
    host.net.join_group(GROUP, Some(link)).unwrap();
    host.net.set_link_up(link, false).unwrap();
    host.pass(secs(5));
    host.sent();
    host.net.join_group(OTHER_GROUP, Some(link)).unwrap();
    host.net.set_link_up(link, true).unwrap();
    host.pass(secs(5));
    let said = records(&igmp(&mut host));
    for group in [1, 2] {
        assert_eq!(said.iter().filter(|record| **record == (TO_EX, group, 0)).count(), 2, "{said:?}");
    }
}

#[test]
fn many_groups_are_told_in_few_reports() {
    let mut host = host();
    for n in 0..1000u16 {
        let [high, low] = n.to_be_bytes();
        host.net.join_group(Addr::v4(239, 2, high, low), Some(host.link)).unwrap();
    }
    host.pass(secs(2));
    host.sent();
    query(&mut host, Addr::V4_ANY, &[]);
    host.pass(secs(2));
    let said = igmp(&mut host);
    assert_eq!((records(&said).len(), said.len()), (1000, 6));
    assert!(said.iter().all(|sent| sent.payload.len() + 24 <= 1500));
}

#[test]
fn random_bytes_are_heard_without_harm() {
    let seed = 20261122;
    let mut entropy = Entropy::new(seed.into());
    let mut host = host();
    for group in [GROUP, addr("ff05::1")] {
        host.net.join_group(group, Some(host.link)).unwrap();
    }
    for round in 0..20_000u32 {
        let mut bytes = alloc::vec![0; 1 + entropy.below(80) as usize];
        entropy.fill(&mut bytes);
        if round % 2 == 0 {
            bytes[0] = [0x11, 0x12, 0x16, 0x17, 0x22][round as usize / 2 % 5];
            if bytes.len() >= 8 {
                bytes[2..4].fill(0);
                hear(&mut host, ALL_SYSTEMS, bytes);
            }
        } else {
            bytes[0] = [130, 131, 132, 143][round as usize / 2 % 4];
            hear_mld(&mut host, "fe80::1", Addr::ALL_NODES, 1, &bytes);
        }
        host.pass(Duration::from_micros(1));
    }
    host.pass(secs(60));
    host.sent();
    assert_eq!(host.net.groups.on_link(host.link).count(), 3, "seed {seed}");
}

#[test]
fn the_dialects_are_ordered_by_age() {
    assert!(Dialect::Oldest < Dialect::Older && Dialect::Older < Dialect::Current);
}

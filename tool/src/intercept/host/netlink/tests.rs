//! Questions and answers as bytes.

use loggia_lab::world::{Frames, HostId, PortConfig, World};
use loggia_stack::base::Seed;
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;
use proptest::prelude::*;

use super::answer::{Manner, answer};
use super::request::{HEADER, attributes, requests};

const HOST: HostId = HostId(0);
const ASKED: i32 = libc::NLM_F_REQUEST;
const DUMP: i32 = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
/// Bytes of answers that nothing may exceed: what is answered before it stops, and the answer at that moment with its question.
const BOUND: usize = 512 << 10;

/// A host with `eth0`, 10.0.0.1/24, fd00::1/64 and a default route.
fn host() -> World {
    let mut world = World::new(Seed::from(1));
    world.add_host("server", Config::default());
    let port = PortConfig { name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, 1]), mtu: 1400, frames: Frames::Packets };
    let place = world.add_port(HOST, &port).expect("a port");
    let link = world.hosts()[0].link(place);
    let stack = world.stack(HOST);
    for address in ["10.0.0.1/24", "fd00::1/64"] {
        stack.add_address(link, address.parse().expect("an address")).expect("it is free");
    }
    let gateway = Some("10.0.0.254".parse().expect("an address"));
    stack.add_route("0.0.0.0/0".parse().expect("a network"), gateway, link, 0).expect("a route");
    world
}

fn question(kind: u16, flags: i32, body: &[u8]) -> Vec<u8> {
    let len = (HEADER + body.len()) as u32;
    [&len.to_ne_bytes()[..], &kind.to_ne_bytes(), &(flags as u16).to_ne_bytes(), &7u32.to_ne_bytes(), &[0; 4], body].concat()
}

fn asked(world: &mut World, bytes: &[u8]) -> Vec<Vec<u8>> {
    answer(world, HOST, Manner { port: 42, strict: false, brief: false }, bytes)
}

/// Type and body of each message of an answer.
fn messages(datagrams: &[Vec<u8>]) -> Vec<(u16, Vec<u8>)> {
    datagrams.iter().flat_map(|datagram| requests(datagram)).map(|message| (message.kind, message.body.to_vec())).collect()
}

/// The error number of the only message.
fn error(datagrams: &[Vec<u8>]) -> i32 {
    let messages = messages(datagrams);
    let [(kind, body)] = &messages[..] else { panic!("one message: {messages:?}") };
    assert_eq!(i32::from(*kind), libc::NLMSG_ERROR);
    -i32::from_ne_bytes(*body.first_chunk().expect("a number"))
}

#[test]
fn interfaces_are_listed_with_their_names_and_an_end() {
    let answers = messages(&asked(&mut host(), &question(libc::RTM_GETLINK, DUMP, &[0, 0, 0, 0])));
    let names: Vec<_> = answers
        .iter()
        .filter(|(kind, _)| *kind == libc::RTM_NEWLINK)
        .map(|(_, body)| attributes(&body[16..]).find(|(kind, _)| *kind == 3).expect("a name").1.to_vec())
        .collect();
    assert_eq!(names, [b"lo\0".to_vec(), b"eth0\0".to_vec()]);
    assert_eq!(i32::from(answers.last().expect("an end").0), libc::NLMSG_DONE);
}

#[test]
fn addresses_are_those_of_the_family_that_is_asked_for() {
    let mut world = host();
    for (family, prefixes) in
        [(0, vec![8, 24, 128, 64]), (libc::AF_INET as u8, vec![8, 24]), (libc::AF_INET6 as u8, vec![128, 64])]
    {
        let answers = messages(&asked(&mut world, &question(libc::RTM_GETADDR, DUMP, &[family, 0, 0, 0])));
        let told = answers.iter().filter(|(kind, body)| *kind == libc::RTM_NEWADDR && body[3] != libc::RT_SCOPE_LINK);
        let found: Vec<_> = told.map(|(_, body)| body[1]).collect();
        assert_eq!(found, prefixes, "family {family}");
    }
}

#[test]
fn the_route_to_a_destination_names_its_gateway_and_source() {
    let body = [&[libc::AF_INET as u8, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 1, 0][..], &[192, 0, 2, 9]].concat();
    let answers = messages(&asked(&mut host(), &question(libc::RTM_GETROUTE, ASKED, &body)));
    let [(libc::RTM_NEWROUTE, route)] = &answers[..] else { panic!("one route: {answers:?}") };
    let value = |wanted| attributes(&route[12..]).find(|(kind, _)| *kind == wanted).map(|(_, value)| value.to_vec());
    assert_eq!(value(libc::RTA_GATEWAY), Some(vec![10, 0, 0, 254]));
    assert_eq!(value(libc::RTA_PREFSRC), Some(vec![10, 0, 0, 1]));
}

#[test]
fn what_cannot_be_answered_is_an_error() {
    let mut world = host();
    let nobody = [&[0; 4][..], &99u32.to_ne_bytes(), &[0; 8]].concat();
    assert_eq!(error(&asked(&mut world, &question(libc::RTM_GETLINK, ASKED, &nobody))), libc::ENODEV);
    assert_eq!(error(&asked(&mut world, &question(libc::RTM_SETLINK, ASKED, &nobody))), libc::EPERM);
    assert_eq!(error(&asked(&mut world, &question(libc::RTM_GETQDISC, DUMP, &nobody))), libc::EOPNOTSUPP);
    assert_eq!(error(&asked(&mut world, &question(999, ASKED, &nobody))), libc::EOPNOTSUPP);
}

#[test]
fn many_questions_in_one_datagram_are_answered_within_bounds() {
    let many = question(libc::RTM_GETROUTE, DUMP, &[0; 4]).repeat(5_000);
    let total: usize = asked(&mut host(), &many).iter().map(Vec::len).sum();
    assert!((1..BOUND).contains(&total), "{total}");
}

proptest! {
    /// Whatever a program sends: no panic, whole messages, a bounded answer, and the host is as it was.
    #[test]
    fn anything_may_be_sent(
        kinds in prop::collection::vec((0u16..130, any::<u16>(), prop::collection::vec(any::<u8>(), 0..80)), 0..6),
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        strict in any::<bool>(),
        brief in any::<bool>(),
    ) {
        let mut world = host();
        let before = world.stack(HOST).inspect();
        let mut bytes: Vec<u8> = kinds
            .iter()
            .flat_map(|(kind, flags, body)| {
                let mut message = question(*kind, i32::from(*flags), body);
                message.resize(message.len().next_multiple_of(4), 0);
                message
            })
            .collect();
        for (place, byte) in spoilt.iter().filter(|_| !kinds.is_empty()) {
            let len = bytes.len();
            bytes[place.index(len)] = *byte;
        }
        let answers = answer(&mut world, HOST, Manner { port: 42, strict, brief }, &bytes);
        prop_assert!(answers.iter().map(Vec::len).sum::<usize>() < BOUND);
        for datagram in &answers {
            let whole: usize = requests(datagram).map(|message| message.whole.len().next_multiple_of(4)).sum();
            prop_assert_eq!(whole, datagram.len());
        }
        prop_assert_eq!(world.stack(HOST).inspect(), before);
    }
}

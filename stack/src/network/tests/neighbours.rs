//! Neighbours that do not answer.

use super::world::*;
use crate::base::{Duration, Errno};
use crate::link::{Hop, Mac};
use crate::network::{ErrorCause, Fragmentation, RouteQuery, protocol};

#[test]
fn a_sender_hears_that_its_neighbour_does_not_answer() {
    let mut host = Host::new();
    host.add_ethernet();
    for (dst, kind) in [("10.0.2.9", (3, 1)), ("fd00:2::9", (1, 3))] {
        host.send(addr(dst), b"\x12\x34\x00\x35\0\x08\0\0", Fragmentation::Never).unwrap();
        host.pass(Duration::from_secs(5));
        let error = host.errors.pop().unwrap();
        assert_eq!((error.cause, error.errno, error.fatal), (ErrorCause::Local, Errno::EHOSTUNREACH, false));
        assert_eq!((error.remote, error.protocol, (error.kind, error.code)), (addr(dst), protocol::UDP, kind));
        assert_eq!(&error.quoted[..4], b"\x12\x34\x00\x35");
        assert!(host.errors.is_empty());
    }
}

#[test]
fn a_router_tells_that_the_last_hop_does_not_answer() {
    // RFC 1812 §5.2.7.1, RFC 4443 §3.1
    let mut router = Host::router(1500);
    router.add_ethernet();
    router.receive(ETH0, &V4::new("10.0.0.9", "10.0.2.9", protocol::UDP, &[0; 8]).bytes());
    router.receive(ETH0, &V6::new("fd00::9", "fd00:2::9", protocol::UDP, &[0; 8]).bytes());
    router.pass(Duration::from_secs(5));
    let mut kinds: alloc::vec::Vec<_> = router
        .sent(ETH0)
        .iter()
        .map(|bytes| if bytes[0] >> 4 == 4 { V4::read(bytes).kind() } else { V6::read(bytes).kind() })
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(1, 3), (3, 1)]);
    assert!(router.errors.is_empty());
}

#[test]
fn another_default_router_is_chosen_when_the_first_is_silent() {
    // RFC 1122 §3.3.1.5, RFC 4861 §6.3.6
    let mut host = Host::new();
    let link = host.add_ethernet();
    host.net.links.neighbour_set(link, addr("10.0.2.253"), Mac([2, 0, 0, 0, 0, 9])).unwrap();
    for router in ["10.0.2.254", "10.0.2.253"] {
        host.net.add_route(cidr("0.0.0.0/0"), Some(addr(router)), link, 0).unwrap();
    }
    let hop = |host: &mut Host| {
        let query = RouteQuery { dst: addr("192.0.2.1"), src: addr("0.0.0.0"), link: None };
        host.net.route(&query).unwrap().hop
    };
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.2.254")));
    host.send(addr("192.0.2.1"), b"\x12\x34\x00\x35\0\x08\0\0", Fragmentation::Never).unwrap();
    host.pass(Duration::from_secs(5));
    assert_eq!(hop(&mut host), Hop::Neighbour(addr("10.0.2.253")));
}

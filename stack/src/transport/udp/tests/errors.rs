//! What ICMP errors do to sockets (RFC 1122 §4.1.3.3), as Linux maps them.

use bytes::Bytes;

use crate::base::{Entropy, Errno, Ready};
use crate::network::{ErrorCause, Fragmentation, TransportError, protocol};
use crate::transport::testing::{Host, addr, at, datagram, exchange};

fn unreachable(host: &Host, local_port: u16, remote_port: u16) -> TransportError {
    TransportError {
        link: host.eth,
        local: addr("10.0.0.1"),
        remote: addr("10.0.0.2"),
        protocol: protocol::UDP,
        quoted: Bytes::from(datagram(local_port, remote_port, b"quoted")),
        offender: addr("10.0.0.2"),
        hop_limit: 64,
        traffic_class: 0,
        kind: 3,
        code: 3,
        cause: ErrorCause::Unreachable,
        errno: Errno::ECONNREFUSED,
        fatal: true,
    }
}

#[test]
fn a_connected_socket_learns_of_hard_errors_once() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:4000");
    host.connect(id, "10.0.0.2:9").unwrap();
    let error = unreachable(&host, 4000, 9);
    host.udp.error(&mut host.net, &error);
    assert_eq!(host.udp.readiness(id), Ready::OUT | Ready::ERR);
    assert_eq!(host.send(id, b"x"), Err(Errno::ECONNREFUSED), "the next call tells");
    assert_eq!(host.send(id, b"x"), Ok(1));
    let soft = TransportError { errno: Errno::EHOSTUNREACH, fatal: false, code: 1, ..unreachable(&host, 4000, 9) };
    host.udp.error(&mut host.net, &soft);
    assert_eq!(host.udp.readiness(id), Ready::OUT, "a soft error is not told");
}

#[test]
fn an_unconnected_socket_learns_only_with_recverr_and_then_in_detail() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:4000");
    let error = unreachable(&host, 4000, 9);
    host.udp.error(&mut host.net, &error);
    assert_eq!(host.udp.readiness(id), Ready::OUT);
    host.udp.inet_mut(id).recv_err = true;
    let soft = TransportError { errno: Errno::EHOSTUNREACH, fatal: false, code: 1, ..unreachable(&host, 4000, 10) };
    host.udp.error(&mut host.net, &error);
    host.udp.error(&mut host.net, &soft);
    assert_eq!(host.udp.readiness(id), Ready::OUT | Ready::ERR);
    let first = host.udp.pop_error(&mut host.net, id).unwrap();
    assert_eq!((first.errno, first.origin, first.kind, first.code), (Errno::ECONNREFUSED, 2, 3, 3));
    assert_eq!((first.offender, first.destination), (Some(addr("10.0.0.2")), at("10.0.0.2:9")));
    assert_eq!(&first.data[..], b"quoted");
    assert_eq!(host.udp.inet(id).error, Some(Errno::EHOSTUNREACH), "the next one's is pending now");
    assert_eq!(host.udp.pop_error(&mut host.net, id).unwrap().destination, at("10.0.0.2:10"));
    assert_eq!(host.udp.inet(id).error, None);
    assert!(host.udp.pop_error(&mut host.net, id).is_none());
    assert_eq!(host.net.links.base.budget.used(), 0);
}

#[test]
fn an_error_finds_the_socket_that_sent_and_no_other() {
    let mut host = Host::new(1);
    let bystander = host.bound("10.0.0.1:4001");
    let connected = host.bound("10.0.0.1:4000");
    host.connect(connected, "10.0.0.2:9").unwrap();
    for (local_port, remote_port) in [(4001, 9), (4000, 10), (5000, 9)] {
        let error = unreachable(&host, local_port, remote_port);
        host.udp.error(&mut host.net, &error);
    }
    assert_eq!(host.udp.inet(bystander).error, None, "not connected");
    assert_eq!(host.udp.inet(connected).error, None, "connected to another port");
    assert_eq!(host.net.links.base.counters.icmp.in_errors, 2);
}

#[test]
fn a_path_that_is_too_narrow_is_a_hard_error_unless_anybody_may_cut() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:4000");
    host.connect(id, "10.0.0.2:9").unwrap();
    let cause = ErrorCause::TooBig { mtu: 1000 };
    let error = TransportError { cause, code: 4, errno: Errno::EMSGSIZE, fatal: false, ..unreachable(&host, 4000, 9) };
    host.udp.inet_mut(id).fragmentation = Fragmentation::Anybody;
    host.udp.error(&mut host.net, &error);
    assert_eq!(host.udp.inet(id).error, None);
    host.udp.inet_mut(id).fragmentation = Fragmentation::Local;
    host.udp.inet_mut(id).recv_err = true;
    host.udp.error(&mut host.net, &error);
    assert_eq!(host.udp.inet_mut(id).take_error(), Some(Errno::EMSGSIZE));
    assert_eq!(host.udp.pop_error(&mut host.net, id).unwrap().info, 1000);
}

#[test]
fn a_flood_of_errors_stays_within_the_receive_buffer() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:4000");
    host.udp.inet_mut(id).recv_err = true;
    for _ in 0..10_000 {
        let error = unreachable(&host, 4000, 9);
        host.udp.error(&mut host.net, &error);
    }
    assert!(host.net.links.base.budget.used() <= host.udp.options(id).rcvbuf);
    host.udp.close(&mut host.net, id);
    assert_eq!(host.net.links.base.budget.used(), 0);
}

#[test]
fn a_refusal_over_ipv6_has_its_own_origin() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let id = a.connected("[fd00::2]:9");
    a.udp.inet_mut(id).recv_err = true;
    a.send(id, b"anybody?").unwrap();
    exchange(&mut a, &mut b);
    let told = a.udp.pop_error(&mut a.net, id).unwrap();
    assert_eq!((told.errno, told.origin, told.kind, told.code), (Errno::ECONNREFUSED, 3, 1, 4));
    assert_eq!(&told.data[..], b"anybody?");
}

#[test]
fn random_quotations_do_no_harm() {
    for seed in 0..20u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = Host::new(1);
        let id = host.bound("10.0.0.1:7");
        host.udp.inet_mut(id).recv_err = true;
        for _ in 0..200 {
            let mut quoted = alloc::vec![0; random.below(30) as usize];
            random.fill(&mut quoted);
            if quoted.len() > 1 {
                (quoted[0], quoted[1]) = (0, 7);
            }
            let error = TransportError { quoted: quoted.into(), ..unreachable(&host, 0, 0) };
            host.udp.error(&mut host.net, &error);
            host.raw.error(&mut host.net, &error);
            host.ping.error(&mut host.net, &TransportError { protocol: protocol::ICMP, ..error });
        }
        assert!(host.udp.pop_error(&mut host.net, id).is_some(), "seed {seed}");
    }
}

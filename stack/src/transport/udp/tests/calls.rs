//! Bind, connect, send: what each call gives.

use crate::base::{Addr, Errno, MsgFlags, Ready, SockAddr, Version};
use crate::network::Fragmentation;
use crate::transport::datagram::SendControl;
use crate::transport::inet::Shutdown;
use crate::transport::testing::{Host, addr, at, exchange};

#[test]
fn a_datagram_arrives_whole_with_its_sender_even_if_it_is_empty() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let client = host.bound("127.0.0.1:4000");
    assert_eq!(host.send_to(client, "127.0.0.1:53", b"question"), Ok(8));
    assert_eq!(host.send_to(client, "127.0.0.1:53", b""), Ok(0));
    let first = host.udp.front(server).unwrap().about;
    assert_eq!((first.from, first.to, first.to_port), (at("127.0.0.1:4000"), Addr::V4_LOOPBACK, 53));
    assert_eq!(host.recv(server).unwrap(), b"question");
    assert_eq!(host.udp.readiness(server), Ready::IN | Ready::OUT, "an empty datagram is one too");
    assert_eq!(host.recv(server).unwrap(), b"");
    assert_eq!(host.udp.readiness(server), Ready::OUT);
    assert_eq!(host.net.links.base.budget.used(), 0);
}

#[test]
fn two_hosts_talk_over_both_families() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    for (server, client) in [("10.0.0.2:7", "10.0.0.1:7000"), ("[fd00::2]:7", "[fd00::1]:7000")] {
        let server_socket = b.bound(server);
        let client_socket = a.bound(client);
        assert_eq!(a.send_to(client_socket, server, b"ping"), Ok(4));
        exchange(&mut a, &mut b);
        let question = b.udp.pop(&mut b.net, server_socket).expect("the datagram is there");
        assert_eq!((question.from, question.data.to_vec()), (at(client), b"ping".to_vec()));
        assert_eq!(b.send_to(server_socket, client, b"pong"), Ok(4));
        exchange(&mut a, &mut b);
        assert_eq!(a.recv(client_socket).unwrap(), b"pong");
    }
    assert_eq!(b.net.links.base.counters.udp.in_datagrams, 2);
    assert_eq!(b.net.links.base.counters.udp.out_datagrams, 2);
}

#[test]
fn large_datagrams_cross_in_fragments() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    for (server, len) in [("10.0.0.2:7", 65_507), ("[fd00::2]:7", 65_527)] {
        let server_socket = b.bound(server);
        let client = a.connected(server);
        let data: alloc::vec::Vec<u8> = (0..len).map(|n: usize| (n % 251) as u8).collect();
        assert_eq!(a.send(client, &data), Ok(len));
        exchange(&mut a, &mut b);
        assert!(b.recv(server_socket).as_deref() == Some(&data[..]), "{len} bytes");
    }
}

#[test]
fn bind_says_what_is_wrong() {
    let mut host = Host::new(1);
    host.bound("10.0.0.1:53");
    let id = host.socket(Version::V4);
    for (local, errno) in [
        ("10.0.0.1:53", Errno::EADDRINUSE),
        ("0.0.0.0:53", Errno::EADDRINUSE),
        ("10.0.0.7:54", Errno::EADDRNOTAVAIL),
        ("[::1]:54", Errno::EAFNOSUPPORT),
    ] {
        assert_eq!(host.udp.bind(&mut host.net, id, at(local)), Err(errno), "{local}");
    }
    host.udp.bind(&mut host.net, id, at("127.0.0.1:53")).unwrap();
    assert_eq!(host.udp.bind(&mut host.net, id, at("127.0.0.1:54")), Err(Errno::EINVAL), "bound already");
    let six = host.socket(Version::V6);
    assert_eq!(host.udp.bind(&mut host.net, six, at("[fe80::1]:54")), Err(Errno::EINVAL), "link-local without a link");
    let elsewhere = SockAddr { scope: 9, ..at("[fe80::1]:54") };
    assert_eq!(host.udp.bind(&mut host.net, six, elsewhere), Err(Errno::ENODEV));
    host.udp.inet_mut(six).v6only = true;
    let mapped = SockAddr::new(Addr::V4_LOOPBACK, 54);
    assert_eq!(host.udp.bind(&mut host.net, six, mapped), Err(Errno::EINVAL), "IPv4 on an IPv6-only socket");
    let free = host.socket(Version::V4);
    host.udp.inet_mut(free).freebind = true;
    assert_eq!(host.udp.bind(&mut host.net, free, at("10.9.9.9:54")), Ok(()));
    for group in ["224.0.0.251:5353", "255.255.255.255:68", "10.0.0.255:69"] {
        host.bound(group);
    }
}

#[test]
fn send_says_what_is_wrong() {
    let mut host = Host::new(1);
    let id = host.socket(Version::V4);
    assert_eq!(host.send(id, b"x"), Err(Errno::EDESTADDRREQ));
    let long = alloc::vec![0; 65_536];
    for (to, len, errno) in [
        ("127.0.0.1:0", 1, Errno::EINVAL),
        ("[::1]:9", 1, Errno::EAFNOSUPPORT),
        ("127.0.0.1:9", 65_508, Errno::EMSGSIZE),
        ("127.0.0.1:9", 65_536, Errno::EMSGSIZE),
        ("10.0.0.255:9", 1, Errno::EACCES),
        ("192.0.2.1:9", 1, Errno::ENETUNREACH),
    ] {
        assert_eq!(host.send_to(id, to, &long[..len]), Err(errno), "{len} bytes to {to}");
    }
    let six = host.socket(Version::V6);
    host.udp.inet_mut(six).recv_err = true;
    for len in [65_528, 65_536] {
        assert_eq!(host.send_to(six, "[fd00::9]:9", &long[..len]), Err(Errno::EMSGSIZE));
        let told = host.udp.pop_error(&mut host.net, six).expect("the error queue hears of it");
        assert_eq!((told.errno, told.info), (Errno::EMSGSIZE, 1500));
    }
    host.udp.inet_mut(six).v6only = true;
    let oob = host.send_with(id, Some("127.0.0.1:9"), b"x", &SendControl::default(), MsgFlags::OOB);
    assert_eq!(oob, Err(Errno::EOPNOTSUPP));
    let routed = Some("192.0.2.1:9");
    assert_eq!(host.send_with(id, routed, b"x", &SendControl::default(), MsgFlags::DONTROUTE), Err(Errno::ENETUNREACH));
    assert_eq!(host.net.links.base.budget.used(), 0);
}

/// As Linux 6.18 answers: an address of the other family is out of reach once the local one is fixed.
#[test]
fn the_local_family_decides_which_remote_ones_are_in_reach() {
    let mut host = Host::new(1);
    let six = host.bound("[::1]:1000");
    assert_eq!(host.send_to(six, "127.0.0.1:9", b"x"), Err(Errno::ENETUNREACH));
    assert_eq!(host.connect(six, "127.0.0.1:9"), Err(Errno::ENETUNREACH));
    let mapped = host.socket(Version::V6);
    host.udp.bind(&mut host.net, mapped, at("127.0.0.1:1000")).unwrap();
    assert_eq!(host.send_to(mapped, "[::1]:9", b"x"), Err(Errno::EAFNOSUPPORT));
    let only = host.socket(Version::V6);
    host.udp.inet_mut(only).v6only = true;
    assert_eq!(host.connect(only, "127.0.0.1:9"), Err(Errno::ENETUNREACH));
    let local = host.socket(Version::V6);
    assert_eq!(host.connect(local, "[fe80::1]:9"), Err(Errno::EINVAL), "link-local without a link");
}

#[test]
fn broadcast_needs_permission_to_connect_too() {
    let mut host = Host::new(1);
    let id = host.socket(Version::V4);
    assert_eq!(host.connect(id, "10.0.0.255:9"), Err(Errno::EACCES));
    host.udp.options_mut(id).broadcast = true;
    assert_eq!(host.connect(id, "10.0.0.255:9"), Ok(()));
    assert_eq!(host.send(id, b"all"), Ok(3));
}

#[test]
fn a_connected_socket_has_a_source_and_hears_its_peer_only() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let stranger = host.bound("127.0.0.1:54");
    let client = host.connected("127.0.0.1:53");
    assert_eq!(host.udp.inet(client).local, Addr::V4_LOOPBACK);
    let here = alloc::format!("127.0.0.1:{}", host.udp.inet(client).local_port);
    assert_eq!(host.send_to(stranger, &here, b"hello"), Ok(5));
    assert_eq!(host.recv(client), None);
    assert_eq!(host.send_to(server, &here, b"answer"), Ok(6));
    assert_eq!(host.recv(client).unwrap(), b"answer");
    assert_eq!(host.udp.bind(&mut host.net, client, at("127.0.0.1:9")), Err(Errno::EINVAL));
    host.udp.connect(&mut host.net, client, None).unwrap();
    let inet = host.udp.inet(client);
    assert_eq!((inet.local, inet.local_port, inet.is_connected()), (Addr::V4_ANY, 0, false), "nothing was bound");
    assert_eq!(host.send(client, b"x"), Err(Errno::EDESTADDRREQ));
}

#[test]
fn dissolving_leaves_what_bind_gave() {
    let mut host = Host::new(1);
    let id = host.bound("127.0.0.1:4000");
    let other = host.bound("127.0.0.1:53");
    host.connect(id, "127.0.0.1:9").unwrap();
    host.send_to(other, "127.0.0.1:4000", b"lost").unwrap();
    assert_eq!(host.recv(id), None);
    host.udp.connect(&mut host.net, id, None).unwrap();
    assert_eq!(host.udp.inet(id).local_end(), at("127.0.0.1:4000"));
    host.send_to(other, "127.0.0.1:4000", b"found").unwrap();
    assert_eq!(host.recv(id).unwrap(), b"found");
}

/// A quirk of Linux that programs know: the source of the first connect stays.
#[test]
fn a_second_connect_keeps_the_source_of_the_first() {
    let mut host = Host::new(1);
    let id = host.connected("127.0.0.1:9");
    assert_eq!(host.connect(id, "127.0.0.2:9"), Ok(()));
    assert_eq!(host.udp.inet(id).local, Addr::V4_LOOPBACK);
    host.udp.connect(&mut host.net, id, None).unwrap();
    assert_eq!(host.connect(id, "10.0.0.2:9"), Ok(()));
    assert_eq!(host.udp.inet(id).local, addr("10.0.0.1"));
}

#[test]
fn the_unspecified_address_as_a_destination_is_this_host() {
    let mut host = Host::new(1);
    let four = host.bound("127.0.0.1:53");
    let six = host.bound("[::1]:53");
    let client = host.socket(Version::V4);
    host.send_to(client, "0.0.0.0:53", b"four").unwrap();
    let client = host.socket(Version::V6);
    host.send_to(client, "[::]:53", b"six").unwrap();
    assert_eq!(host.recv(four).unwrap(), b"four");
    assert_eq!(host.recv(six).unwrap(), b"six");
}

#[test]
fn a_socket_of_both_families_hears_both() {
    let mut host = Host::new(1);
    let server = host.bound("[::]:53");
    let client = host.socket(Version::V4);
    host.send_to(client, "127.0.0.1:53", b"four").unwrap();
    assert_eq!(host.udp.front(server).unwrap().about.from.addr, Addr::V4_LOOPBACK);
    assert_eq!(host.recv(server).unwrap(), b"four");
    let from_six = host.connected("[::1]:53");
    host.send(from_six, b"six").unwrap();
    assert_eq!(host.recv(server).unwrap(), b"six");
    let mapped = host.socket(Version::V6);
    host.connect(mapped, "127.0.0.1:53").unwrap();
    assert_eq!(host.udp.inet(mapped).local, Addr::V4_LOOPBACK, "an IPv6 socket speaks IPv4");
    host.send(mapped, b"mapped").unwrap();
    assert_eq!(host.recv(server).unwrap(), b"mapped");
}

#[test]
fn without_a_free_port_the_first_send_must_be_tried_again() {
    let mut host = Host::new(1);
    host.udp.set_port_range(50_000, 50_000);
    let first = host.connected("127.0.0.1:9");
    assert_eq!(host.udp.inet(first).local_port, 50_000);
    let second = host.socket(Version::V4);
    assert_eq!(host.send_to(second, "127.0.0.1:9", b"x"), Err(Errno::EAGAIN));
    assert_eq!(host.udp.bind(&mut host.net, second, at("0.0.0.0:0")), Err(Errno::EADDRINUSE));
    host.udp.close(&mut host.net, first);
    assert_eq!(host.send_to(second, "127.0.0.1:9", b"x"), Ok(1));
}

/// The bits that Linux 6.18 reports.
#[test]
fn shutdown_shows_in_readiness_and_works_though_not_connected() {
    let mut host = Host::new(1);
    let connected = host.connected("127.0.0.1:9");
    assert_eq!(host.udp.shutdown(&mut host.net, connected, Shutdown::Read), Ok(()));
    for (how, ready, sends) in [
        (Shutdown::Read, Ready::IN | Ready::OUT | Ready::RDHUP, Ok(1)),
        (Shutdown::Write, Ready::OUT, Err(Errno::EPIPE)),
        (Shutdown::Both, Ready::IN | Ready::OUT | Ready::RDHUP | Ready::HUP, Err(Errno::EPIPE)),
    ] {
        let id = host.socket(Version::V4);
        assert_eq!(host.udp.shutdown(&mut host.net, id, how), Err(Errno::ENOTCONN));
        assert_eq!(host.udp.readiness(id), ready, "{how:?}");
        assert_eq!(host.send_to(id, "127.0.0.1:9", b"x"), sends, "{how:?}");
    }
}

#[test]
fn what_must_not_be_cut_must_fit_the_path() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:4000");
    host.connect(id, "10.0.0.2:9").unwrap();
    host.udp.inet_mut(id).fragmentation = Fragmentation::Never;
    assert_eq!(host.send(id, &[0; 1472]), Ok(1472));
    assert_eq!(host.send(id, &[0; 1473]), Err(Errno::EMSGSIZE));
    assert!(host.udp.pop_error(&mut host.net, id).is_none(), "told only with IP_RECVERR");
    host.udp.inet_mut(id).recv_err = true;
    assert_eq!(host.send(id, &[0; 1473]), Err(Errno::EMSGSIZE));
    assert_eq!(host.udp.readiness(id), Ready::OUT | Ready::ERR);
    let told = host.udp.pop_error(&mut host.net, id).unwrap();
    assert_eq!((told.errno, told.origin, told.info, told.destination), (Errno::EMSGSIZE, 1, 1500, at("10.0.0.2:9")));
    assert_eq!(host.udp.readiness(id), Ready::OUT);
    let six = host.bound("[fd00::1]:4000");
    host.udp.options_mut(six).dont_fragment = true;
    assert_eq!(host.send_to(six, "[fd00::2]:9", &[0; 1453]), Err(Errno::EMSGSIZE));
    assert_eq!(host.send_to(six, "[fd00::2]:9", &[0; 1452]), Ok(1452));
}

#[test]
fn ten_thousand_connected_sockets_share_a_port_and_each_hears_its_peer() {
    let mut host = Host::new(1);
    let mut ids = alloc::vec::Vec::new();
    for n in 0..10_000u16 {
        let id = host.socket(Version::V4);
        host.udp.inet_mut(id).reuse_addr = true;
        host.udp.bind(&mut host.net, id, at("10.0.0.1:443")).unwrap();
        host.udp.connect(&mut host.net, id, Some(SockAddr::new(addr("10.0.0.2"), 1000 + n))).unwrap();
        ids.push(id);
    }
    for n in [0usize, 77, 9_999] {
        let bytes = crate::transport::testing::datagram(1000 + n as u16, 443, b"x");
        let packet = host.packet("10.0.0.2", "10.0.0.1", &bytes);
        host.receive_udp(packet);
        assert_eq!(host.recv(ids[n]).unwrap(), b"x");
    }
    assert!(host.udp.ports.at(443).is_empty(), "connected sockets are not looked through");
    for id in ids {
        host.udp.close(&mut host.net, id);
    }
    host.bound("10.0.0.1:443");
}

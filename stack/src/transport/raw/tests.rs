//! Stories of raw and ping sockets.

use alloc::vec::Vec;

use crate::base::{Discard, Entropy, Errno, Key, MsgFlags, Ready, SockAddr, Version};
use crate::network::protocol;
use crate::transport::datagram::SendControl;
use crate::transport::testing::{Host, addr, at, datagram, exchange};

/// IANA: for experiments (RFC 3692).
const EXPERIMENT: u8 = 253;

fn end(text: &str) -> SockAddr {
    SockAddr::new(addr(text), 0)
}

fn send(host: &mut Host, id: Key, to: Option<&str>, data: &[u8]) -> Result<usize, Errno> {
    let sent = host.raw.send(&mut host.net, id, &[data], to.map(end), &SendControl::default(), MsgFlags::NONE);
    host.run();
    sent
}

fn recv(host: &mut Host, id: Key) -> Option<Vec<u8>> {
    host.raw.pop(&mut host.net, id).map(|datagram| datagram.data.to_vec())
}

fn arrives(host: &mut Host, protocol: u8, from: &str, to: &str, bytes: &[u8]) -> bool {
    let mut packet = host.packet(from, to, bytes);
    packet.protocol = protocol;
    host.raw.receive(&mut host.net, &packet)
}

#[test]
fn every_socket_of_the_protocol_gets_a_copy_ipv4_with_its_header() {
    let mut host = Host::new(1);
    let [one, two] = [(); 2].map(|()| host.raw(Version::V4, EXPERIMENT));
    let six = host.raw(Version::V6, EXPERIMENT);
    let other = host.raw(Version::V4, 254);
    assert!(arrives(&mut host, EXPERIMENT, "10.0.0.2", "10.0.0.1", b"data"));
    assert!(arrives(&mut host, EXPERIMENT, "fd00::2", "fd00::1", b"data"));
    assert!(!arrives(&mut host, 200, "10.0.0.2", "10.0.0.1", b"data"), "nobody wants that protocol");
    for id in [one, two] {
        assert_eq!(host.raw.front(id).unwrap().about.from, end("10.0.0.2"));
        assert_eq!(recv(&mut host, id).unwrap()[20..], *b"data");
    }
    assert_eq!(recv(&mut host, six).unwrap(), b"data");
    assert_eq!(recv(&mut host, other), None);
}

#[test]
fn ends_and_filters_decide_what_comes_in() {
    let mut host = Host::new(1);
    let id = host.raw(Version::V4, protocol::ICMP);
    host.raw.bind(&mut host.net, id, end("10.0.0.1")).unwrap();
    host.raw.connect(&mut host.net, id, Some(end("10.0.0.2"))).unwrap();
    assert!(!arrives(&mut host, protocol::ICMP, "10.0.0.2", "127.0.0.1", &[0; 8]));
    assert!(!arrives(&mut host, protocol::ICMP, "10.0.0.3", "10.0.0.1", &[0; 8]));
    host.raw.options_mut(id).icmp_filter = !(1 << 8);
    assert!(arrives(&mut host, protocol::ICMP, "10.0.0.2", "10.0.0.1", &[0; 8]), "its protocol is known all the same");
    assert_eq!(recv(&mut host, id), None);
    for kind in [8, 40] {
        arrives(&mut host, protocol::ICMP, "10.0.0.2", "10.0.0.1", &[kind, 0, 0, 0]);
        assert_eq!(recv(&mut host, id).unwrap()[20], kind, "wanted, or unknown to the filter");
    }
}

/// RFC 3542 §3.2
#[test]
fn icmp6_filter_keeps_types_out() {
    let mut host = Host::new(1);
    let id = host.raw(Version::V6, protocol::ICMPV6);
    host.raw.options_mut(id).checksum_offset = None;
    host.raw.options_mut(id).icmp6_filter = [0, 0, 0, 0, 1 << 1, 0, 0, 0];
    for kind in [128, 129, 130] {
        arrives(&mut host, protocol::ICMPV6, "fd00::2", "fd00::1", &[kind, 0, 0, 0]);
    }
    let kinds: Vec<u8> = core::iter::from_fn(|| recv(&mut host, id)).map(|data| data[0]).collect();
    assert_eq!(kinds, [128, 130]);
}

/// RFC 3542 §3.1
#[test]
fn ipv6_checksum_is_made_and_asked_for() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let sender = a.raw(Version::V6, EXPERIMENT);
    let reader = b.raw(Version::V6, EXPERIMENT);
    a.raw.options_mut(sender).checksum_offset = Some(2);
    b.raw.options_mut(reader).checksum_offset = Some(2);
    assert_eq!(send(&mut a, sender, Some("fd00::2"), b"abc"), Err(Errno::EINVAL), "no room for it");
    assert_eq!(send(&mut a, sender, Some("fd00::2"), &[1, 2, 0xff, 0xff, 5]), Ok(5));
    exchange(&mut a, &mut b);
    let got = recv(&mut b, reader).expect("the checksum is right");
    assert_ne!(got[2..4], [0xff, 0xff]);
    assert!(arrives(&mut b, EXPERIMENT, "fd00::1", "fd00::2", &[1, 2, 3, 4, 5]));
    assert_eq!(recv(&mut b, reader), None);
    assert_eq!(b.net.links.base.counters.discards[Discard::RawChecksum as usize], 1);
}

#[test]
fn calls_say_what_is_wrong() {
    let mut host = Host::new(1);
    let id = host.raw(Version::V4, EXPERIMENT);
    assert_eq!(send(&mut host, id, None, b"x"), Err(Errno::EDESTADDRREQ));
    assert_eq!(send(&mut host, id, Some("fd00::2"), b"x"), Err(Errno::EAFNOSUPPORT));
    assert_eq!(send(&mut host, id, Some("10.0.0.255"), b"x"), Err(Errno::EACCES));
    assert_eq!(send(&mut host, id, Some("192.0.2.1"), b"x"), Err(Errno::ENETUNREACH));
    assert_eq!(send(&mut host, id, Some("10.0.0.2"), &alloc::vec![0; 65_516]), Err(Errno::EMSGSIZE));
    assert_eq!(host.raw.bind(&mut host.net, id, end("10.0.0.9")), Err(Errno::EADDRNOTAVAIL));
    let six = host.raw(Version::V6, EXPERIMENT);
    assert_eq!(host.raw.bind(&mut host.net, six, end("10.0.0.1")), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(send(&mut host, six, Some("10.0.0.2"), b"x"), Err(Errno::ENETUNREACH));
}

#[test]
fn who_writes_the_ip_header_gets_it_completed() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let sender = a.raw(Version::V4, protocol::RAW);
    let reader = b.raw(Version::V4, EXPERIMENT);
    let mut packet = [0; 24];
    (packet[0], packet[8], packet[9]) = (0x45, 9, EXPERIMENT);
    packet[16..20].copy_from_slice(&[10, 0, 0, 2]);
    packet[20..].copy_from_slice(b"data");
    assert_eq!(send(&mut a, sender, Some("10.0.0.2"), &packet), Ok(24));
    exchange(&mut a, &mut b);
    let got = recv(&mut b, reader).expect("length and checksum are right");
    assert_eq!((got[8], &got[12..16], &got[20..]), (9, &[10, 0, 0, 1][..], &b"data"[..]));
    assert_ne!(got[4..6], [0, 0], "it has an identification");
    packet[0] = 0x4f;
    for (data, errno) in [(&packet[..], Errno::EINVAL), (&packet[..19], Errno::EINVAL), (&[0x45; 1501], Errno::EMSGSIZE)] {
        assert_eq!(send(&mut a, sender, Some("10.0.0.2"), data), Err(errno), "{} bytes", data.len());
    }
    assert!(!arrives(&mut a, protocol::RAW, "10.0.0.2", "10.0.0.1", b"x"), "IPPROTO_RAW only sends");
}

#[test]
fn a_full_buffer_and_random_bytes_do_no_harm() {
    for seed in 0..10u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = Host::new(1);
        let sockets = [
            host.raw(Version::V4, protocol::ICMP),
            host.raw(Version::V6, protocol::ICMPV6),
            host.raw(Version::V4, protocol::UDP),
        ];
        for id in sockets {
            host.raw.options_mut(id).rcvbuf = 8192;
        }
        for n in 0..300 {
            let mut bytes = alloc::vec![0; random.below(40) as usize];
            random.fill(&mut bytes);
            let (from, to) = if n % 2 == 0 { ("10.0.0.2", "10.0.0.1") } else { ("fd00::2", "fd00::1") };
            let mut packet = host.packet(from, to, &bytes);
            packet.protocol = [protocol::ICMP, protocol::ICMPV6, protocol::UDP][random.below(3) as usize];
            host.raw.receive(&mut host.net, &packet);
            host.ping.receive(&mut host.net, &packet);
        }
        assert!(host.net.links.base.counters.discards[Discard::RawBufferFull as usize] > 0, "seed {seed}");
        assert!(host.net.links.base.budget.used() <= 3 * 8192, "seed {seed}");
        for id in sockets {
            host.raw.close(&mut host.net, id);
        }
        assert_eq!(host.net.links.base.budget.used(), 0);
        assert!(!arrives(&mut host, protocol::UDP, "10.0.0.2", "10.0.0.1", &datagram(1, 2, b"")));
    }
}

#[test]
fn an_unprivileged_ping_hears_its_own_echo() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    for (to, request, reply) in [("10.0.0.2:0", 8, 0), ("[fd00::2]:0", 128, 129)] {
        let [id, other] = [(); 2].map(|()| {
            let owner = a.owner();
            a.ping.open(owner, at(to).addr.version())
        });
        let message = [request, 0, 0, 0, 0xaa, 0xbb, 0, 1, b'h', b'i'];
        let sent = a.ping.send(&mut a.net, id, &[&message], Some(at(to)), &SendControl::default(), MsgFlags::NONE);
        assert_eq!(sent, Ok(10));
        a.run();
        exchange(&mut a, &mut b);
        assert_eq!(a.ping.readiness(id), Ready::IN | Ready::OUT);
        let echo = a.ping.pop(&mut a.net, id).unwrap().data.to_vec();
        assert_eq!((echo[0], &echo[6..]), (reply, &[0, 1, b'h', b'i'][..]));
        assert_eq!(echo[4..6], a.ping.inet(id).local_port.to_be_bytes(), "the identifier is the port");
        assert_eq!(a.ping.readiness(other), Ready::OUT);
        let not_an_echo = [13, 0, 0, 0, 0, 0, 0, 0];
        let sent = a.ping.send(&mut a.net, id, &[&not_an_echo], Some(at(to)), &SendControl::default(), MsgFlags::NONE);
        assert_eq!(sent, Err(Errno::EINVAL));
    }
}

//! Ancillary data of datagrams.

use std::time::Duration;

use loggia_stack::base::{Addr, Errno, MsgFlags, Ready};
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_DGRAM, ip, ipv6, sol_socket, udp};
use loggia_stack::socket::{Control, Message};

use crate::common::{Net, addr, set};

const DELAY: Duration = Duration::from_millis(10);

#[test]
fn an_ipv4_datagram_tells_how_it_came() {
    let mut net = Net::pair(DELAY);
    let service = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(service, &addr("0.0.0.0:7")).unwrap();
    for name in [ip::IP_PKTINFO, ip::IP_RECVTTL, ip::IP_RECVTOS, ip::IP_RECVORIGDSTADDR] {
        set(&mut net.hosts[1], service, ip::LEVEL, name, 1).unwrap();
    }
    set(&mut net.hosts[1], service, sol_socket::LEVEL, sol_socket::SO_TIMESTAMPNS, 1).unwrap();
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let message = Message {
        data: &[b"x"],
        to: Some(&addr("10.0.0.2:7")),
        control: &[Control::Ttl(9), Control::Tos(0x20)],
        flags: MsgFlags::NONE,
    };
    assert_eq!(net.hosts[0].sendmsg(client, &message), Ok(1));
    net.wait(1, service, Ready::IN);
    let got = net.hosts[1].recvmsg(service, &mut [&mut [0; 8]], 512, MsgFlags::NONE).unwrap();
    let now = net.now();
    let me = Addr::v4(10, 0, 0, 2);
    match &got.control[..] {
        [
            Control::TimestampNanos(at),
            Control::PktInfo { link: 2, local, destination },
            Control::Ttl(9),
            Control::Tos(0x20),
            Control::OriginalDestination(original),
        ] => assert_eq!((*at, *local, *destination, original.port), (now, me, me, 7)),
        other => panic!("{other:?}"),
    }
    // A buffer that holds the first item alone.
    net.hosts[0].sendmsg(client, &message).unwrap();
    net.wait(1, service, Ready::IN);
    let got = net.hosts[1].recvmsg(service, &mut [&mut [0; 8]], 32, MsgFlags::NONE).unwrap();
    assert_eq!((got.control.len(), got.flags), (1, MsgFlags::CTRUNC));
}

#[test]
fn an_ipv6_datagram_tells_how_it_came() {
    let mut net = Net::pair(DELAY);
    let service = net.hosts[1].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(service, &addr("[::]:7")).unwrap();
    for name in [ipv6::IPV6_RECVPKTINFO, ipv6::IPV6_RECVHOPLIMIT, ipv6::IPV6_RECVTCLASS] {
        set(&mut net.hosts[1], service, ipv6::LEVEL, name, 1).unwrap();
    }
    let client = net.hosts[0].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    let message = Message {
        data: &[b"x"],
        to: Some(&addr("[fd00::2]:7")),
        control: &[Control::HopLimit(9), Control::TrafficClass(0x20)],
        flags: MsgFlags::NONE,
    };
    assert_eq!(net.hosts[0].sendmsg(client, &message), Ok(1));
    net.wait(1, service, Ready::IN);
    let got = net.hosts[1].recvmsg(service, &mut [&mut [0; 8]], 512, MsgFlags::NONE).unwrap();
    let me: Addr = "fd00::2".parse().unwrap();
    match &got.control[..] {
        [Control::PktInfo6 { link: 2, addr }, Control::HopLimit(9), Control::TrafficClass(0x20)] => assert_eq!(*addr, me),
        other => panic!("{other:?}"),
    }
}

/// An IPv6 socket that sends IPv4 is heard in IPv4's terms, and a source also in IPv6's, as on Linux.
#[test]
fn what_an_ipv6_socket_says_of_an_ipv4_datagram() {
    let mut net = Net::pair(DELAY);
    let service = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(service, &addr("0.0.0.0:7")).unwrap();
    for name in [ip::IP_RECVTTL, ip::IP_RECVTOS] {
        set(&mut net.hosts[1], service, ip::LEVEL, name, 1).unwrap();
    }
    let client = net.hosts[0].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    let mapped = Control::PktInfo6 { link: 0, addr: Addr::v4(10, 0, 0, 1) };
    let said = [Control::HopLimit(3), Control::TrafficClass(0x40), Control::Ttl(9), Control::Tos(0x20), mapped];
    let message = Message { data: &[b"x"], to: Some(&addr("[::ffff:10.0.0.2]:7")), control: &said, flags: MsgFlags::NONE };
    let of_v6 = [Control::PktInfo6 { link: 0, addr: "fd00::1".parse().unwrap() }];
    assert_eq!(net.hosts[0].sendmsg(client, &Message { control: &of_v6, ..message }), Err(Errno::EINVAL));
    assert_eq!(net.hosts[0].sendmsg(client, &message), Ok(1));
    net.hosts[0].connect(client, &addr("[::ffff:10.0.0.2]:7")).unwrap();
    assert_eq!(net.hosts[0].sendmsg(client, &Message { to: None, ..message }), Ok(1));
    for _ in 0..2 {
        net.wait(1, service, Ready::IN);
        let got = net.hosts[1].recvmsg(service, &mut [&mut [0; 8]], 512, MsgFlags::NONE).unwrap();
        assert!(matches!(got.control[..], [Control::Ttl(9), Control::Tos(0x20)]), "{:?}", got.control);
    }
    // And of an IPv6 one IPv4's items say nothing.
    let to = addr("[fd00::2]:7");
    let of_v4 = [Control::Ttl(-1), Control::PktInfo { link: 77, local: Addr::v4(1, 2, 3, 4), destination: Addr::v4(0, 0, 0, 0) }];
    let other = net.hosts[0].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    assert_eq!(net.hosts[0].sendmsg(other, &Message { to: Some(&to), control: &of_v4, ..message }), Ok(1));
}

#[test]
fn one_call_sends_many_datagrams() {
    let mut net = Net::pair(DELAY);
    let service = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(service, &addr("0.0.0.0:7")).unwrap();
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    set(&mut net.hosts[0], client, udp::LEVEL, udp::UDP_SEGMENT, 100).unwrap();
    assert_eq!(net.hosts[0].sendto(client, &[1; 250], MsgFlags::NONE, &addr("10.0.0.2:7")), Ok(250));
    net.run_for(Duration::from_secs(1));
    let lens: Vec<usize> = std::iter::from_fn(|| net.hosts[1].recv(service, &mut [0; 500], MsgFlags::NONE).ok()).collect();
    assert_eq!(lens, [100, 100, 50]);
}

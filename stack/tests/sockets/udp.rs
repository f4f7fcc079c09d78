//! UDP through the calls.

use std::time::Duration;

use loggia_stack::base::{Entropy, LinkId, MsgFlags, Ready};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SHUT_RD, SHUT_WR, SIOCINQ, SOCK_DGRAM, SOCK_RAW, ip, ipv6, sol_socket};
use loggia_stack::{Errno, Stack};

use crate::common::{Net, addr, set, so_error};

const DELAY: Duration = Duration::from_millis(10);

#[test]
fn a_datagram_there_and_one_back() {
    for (server, family) in [("10.0.0.2:53", AF_INET), ("[fd00::2]:53", AF_INET6)] {
        let mut net = Net::pair(DELAY);
        let service = net.hosts[1].socket(family, SOCK_DGRAM, 0).unwrap();
        net.hosts[1].bind(service, &addr(server)).unwrap();
        let client = net.hosts[0].socket(family, SOCK_DGRAM, 0).unwrap();
        assert_eq!(net.hosts[0].sendto(client, b"who?", MsgFlags::NONE, &addr(server)), Ok(4));
        net.wait(1, service, Ready::IN);
        let mut room = [0; 16];
        let (len, from) = net.hosts[1].recvfrom(service, &mut room, MsgFlags::NONE).unwrap();
        assert_eq!(&room[..len], b"who?");
        assert_eq!(net.hosts[1].sendto(service, b"", MsgFlags::NONE, &from), Ok(0));
        net.wait(0, client, Ready::IN);
        assert_eq!(net.hosts[0].recvfrom(client, &mut room, MsgFlags::NONE), Ok((0, addr(server))), "an empty datagram is one");
        assert_eq!(net.hosts[0].recvfrom(client, &mut room, MsgFlags::NONE), Err(Errno::EAGAIN));
    }
}

#[test]
fn what_does_not_fit_is_cut_off_and_told() {
    let mut net = Net::single();
    let socket = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].bind(socket, &addr("127.0.0.1:7")).unwrap();
    let me = addr("127.0.0.1:7");
    for text in [&b"abcdef"[..], b"next"] {
        net.hosts[0].sendto(socket, text, MsgFlags::NONE, &me).unwrap();
    }
    assert_eq!(net.hosts[0].query(socket, SIOCINQ), Ok(6), "the first one alone");
    let mut room = [0; 4];
    let got = net.hosts[0].recvmsg(socket, &mut [&mut room], 0, MsgFlags::PEEK | MsgFlags::TRUNC).unwrap();
    assert_eq!((got.len, got.flags, got.from), (6, MsgFlags::TRUNC, me));
    let got = net.hosts[0].recvmsg(socket, &mut [&mut room], 0, MsgFlags::NONE).unwrap();
    assert_eq!((got.len, got.flags, &room), (4, MsgFlags::TRUNC, b"abcd"));
    let (mut one, mut other) = ([0; 1], [0; 9]);
    let got = net.hosts[0].recvmsg(socket, &mut [&mut one, &mut other], 0, MsgFlags::NONE).unwrap();
    assert_eq!((got.len, got.flags), (4, MsgFlags::NONE));
    assert_eq!((&one[..], &other[..3]), (&b"n"[..], &b"ext"[..]));
}

/// `recv` makes nothing of what `recvmsg` tells beside the bytes, and so takes a way of its own: twin hosts must not be told apart by it.
#[test]
fn recv_gives_what_recvmsg_gives() {
    const FLAGS: [MsgFlags; 5] = [MsgFlags::NONE, MsgFlags::PEEK, MsgFlags::TRUNC, MsgFlags::DONTWAIT, MsgFlags::OOB];
    let me = addr("127.0.0.1:7");
    for seed in 0..200u64 {
        let mut entropy = Entropy::new(seed.into());
        let mut twins = [Net::single(), Net::single()];
        let sockets = twins.each_mut().map(|net| {
            let socket = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
            net.hosts[0].bind(socket, &me).unwrap();
            set(&mut net.hosts[0], socket, sol_socket::LEVEL, sol_socket::SO_PEEK_OFF, seed as i32 % 4 - 1).unwrap();
            socket
        });
        for step in 0..60 {
            let bytes: Vec<u8> = (0..entropy.below(9)).map(|at| (step + at) as u8).collect();
            let (what, room) = (entropy.below(12), entropy.below(10) as usize);
            let flags = FLAGS[entropy.below(5) as usize] | FLAGS[entropy.below(5) as usize];
            let [by_recv, by_recvmsg] = [0, 1].map(|twin| {
                let (stack, socket, mut room) = (&mut twins[twin].hosts[0], sockets[twin], vec![0; room]);
                let result = match what {
                    0..5 => stack.sendto(socket, &bytes, MsgFlags::NONE, &me),
                    5 if step > 50 => stack.shutdown(socket, SHUT_RD).map(|()| 0),
                    _ if twin == 0 => stack.recv(socket, &mut room, flags),
                    _ => stack.recvmsg(socket, &mut [&mut room], 0, flags).map(|received| received.len),
                };
                (result, room, stack.query(socket, SIOCINQ))
            });
            assert_eq!(by_recv, by_recvmsg, "seed {seed}, step {step}, {flags:?}");
        }
    }
}

#[test]
fn nobody_there_is_told_to_a_connected_socket_once() {
    let mut net = Net::pair(DELAY);
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].connect(client, &addr("10.0.0.2:9")).unwrap();
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Ok(1));
    net.wait(0, client, Ready::ERR);
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::ECONNREFUSED));
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Ok(1));
    net.wait(0, client, Ready::ERR);
    assert_eq!(so_error(&mut net.hosts[0], client), Errno::ECONNREFUSED.number());
    assert_eq!(net.hosts[0].recv(client, &mut [0; 1], MsgFlags::NONE), Err(Errno::EAGAIN));
    net.hosts[0].connect(client, &Address::Unspecified).unwrap();
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::EDESTADDRREQ));
    assert_eq!(net.hosts[0].getpeername(client), Err(Errno::ENOTCONN));
}

#[test]
fn the_error_queue_tells_more() {
    let mut net = Net::pair(DELAY);
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    set(&mut net.hosts[0], client, ip::LEVEL, ip::IP_RECVERR, 1).unwrap();
    net.hosts[0].sendto(client, b"hello", MsgFlags::NONE, &addr("10.0.0.2:9")).unwrap();
    net.wait(0, client, Ready::ERR);
    let mut room = [0; 64];
    let got = net.hosts[0].recvmsg(client, &mut [&mut room], 256, MsgFlags::ERRQUEUE).unwrap();
    assert_eq!(got.from, addr("10.0.0.2:9"));
    assert!(got.flags.contains(MsgFlags::ERRQUEUE));
    assert_eq!(&room[..got.len], b"hello");
    let data = got.control[0].data();
    assert_eq!(data[..4], Errno::ECONNREFUSED.number().to_ne_bytes());
    assert_eq!(data[4..7], [2, 3, 3], "from ICMP: unreachable, port");
    assert_eq!(data[20..24], [10, 0, 0, 2], "the offender");
    let again = net.hosts[0].recvmsg(client, &mut [&mut room], 256, MsgFlags::ERRQUEUE);
    assert_eq!(again.map(|got| got.len), Err(Errno::EAGAIN));
}

/// By it `tracepath` knows how many routers the answer has passed.
#[test]
fn the_hop_limit_of_an_icmp_error_is_told_before_it() {
    let options = [
        (AF_INET, "10.0.0.2:9", ip::LEVEL, ip::IP_RECVERR, (ip::LEVEL, ip::IP_RECVTTL, ip::IP_TTL)),
        (AF_INET6, "[fd00::2]:9", ipv6::LEVEL, ipv6::IPV6_RECVERR, (ipv6::LEVEL, ipv6::IPV6_RECVHOPLIMIT, ipv6::IPV6_HOPLIMIT)),
        (
            AF_INET6,
            "[fd00::2]:9",
            ipv6::LEVEL,
            ipv6::IPV6_RECVERR,
            (ipv6::LEVEL, ipv6::IPV6_2292HOPLIMIT, ipv6::IPV6_2292HOPLIMIT),
        ),
    ];
    for (family, to, error_level, recv_err, (level, asked, told)) in options {
        let mut net = Net::pair(DELAY);
        let client = net.hosts[0].socket(family, SOCK_DGRAM, 0).unwrap();
        for (level, option) in [(error_level, recv_err), (level, asked)] {
            set(&mut net.hosts[0], client, level, option, 1).unwrap();
        }
        net.hosts[0].sendto(client, b"hello", MsgFlags::NONE, &addr(to)).unwrap();
        net.wait(0, client, Ready::ERR);
        let got = net.hosts[0].recvmsg(client, &mut [&mut [0; 64]], 256, MsgFlags::ERRQUEUE).unwrap();
        let kinds: Vec<_> = got.control.iter().map(loggia_stack::socket::Control::header).collect();
        assert_eq!(kinds, [(level, told), (error_level, recv_err)]);
        assert_eq!(got.control[0].data(), 64i32.to_ne_bytes());
    }
}

#[test]
fn shutting_down_what_is_not_connected_still_works() {
    let mut net = Net::single();
    let socket = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    assert_eq!(net.hosts[0].shutdown(socket, SHUT_RD), Err(Errno::ENOTCONN));
    assert_eq!(net.hosts[0].recv(socket, &mut [0; 1], MsgFlags::NONE), Ok(0), "who waits is released");
    assert_eq!(net.hosts[0].recv(socket, &mut [0; 1], MsgFlags::DONTWAIT), Err(Errno::EAGAIN));
    assert_eq!(net.hosts[0].shutdown(socket, SHUT_WR), Err(Errno::ENOTCONN));
    assert_eq!(net.hosts[0].sendto(socket, b"x", MsgFlags::NONE, &addr("127.0.0.1:9")), Err(Errno::EPIPE));
}

#[test]
fn who_waits_for_a_full_link_is_told_when_the_link_goes_down() {
    let mut net = Net::pair(DELAY);
    let stack = &mut net.hosts[0];
    let socket = stack.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    stack.connect(socket, &addr("10.0.0.2:9")).unwrap();
    while stack.send(socket, &[0; 1000], MsgFlags::NONE).is_ok() {}
    assert_eq!(stack.readiness(socket), Ok(Ready::NONE));
    while stack.next_ready().is_some() {}
    stack.set_up(LinkId(2), false).unwrap();
    assert_eq!(stack.next_ready(), Some((socket, Ready::OUT)), "the queue is gone: nothing will drain it");
    assert_eq!(stack.send(socket, b"x", MsgFlags::NONE), Err(Errno::ENETUNREACH), "no route leads over it");
}

#[test]
fn broadcasts_need_permission() {
    let mut net = Net::pair(DELAY);
    let socket = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let all = addr("10.0.0.255:7");
    assert_eq!(net.hosts[0].sendto(socket, b"x", MsgFlags::NONE, &all), Err(Errno::EACCES));
    assert_eq!(net.hosts[0].connect(socket, &all), Err(Errno::EACCES));
    set(&mut net.hosts[0], socket, sol_socket::LEVEL, sol_socket::SO_BROADCAST, 1).unwrap();
    let listener = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(listener, &addr("0.0.0.0:7")).unwrap();
    assert_eq!(net.hosts[0].sendto(socket, b"x", MsgFlags::NONE, &all), Ok(1));
    net.wait(1, listener, Ready::IN);
}

#[test]
fn members_of_a_group_hear_what_is_sent_to_it() {
    let mut net = Net::pair(DELAY);
    let member = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(member, &addr("0.0.0.0:7")).unwrap();
    let join = [[239, 1, 2, 3], [10, 0, 0, 2]].concat();
    net.hosts[1].setsockopt(member, ip::LEVEL, ip::IP_ADD_MEMBERSHIP, &join).unwrap();
    assert_eq!(net.hosts[1].setsockopt(member, ip::LEVEL, ip::IP_ADD_MEMBERSHIP, &join), Err(Errno::EADDRINUSE));
    let sender = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].setsockopt(sender, ip::LEVEL, ip::IP_MULTICAST_IF, &[10, 0, 0, 1]).unwrap();
    assert_eq!(net.hosts[0].sendto(sender, b"all", MsgFlags::NONE, &addr("239.1.2.3:7")), Ok(3));
    net.wait(1, member, Ready::IN);
    net.hosts[1].recv(member, &mut [0; 8], MsgFlags::NONE).unwrap();
    net.hosts[1].setsockopt(member, ip::LEVEL, ip::IP_DROP_MEMBERSHIP, &join).unwrap();
    assert_eq!(net.hosts[1].setsockopt(member, ip::LEVEL, ip::IP_DROP_MEMBERSHIP, &join), Err(Errno::EADDRNOTAVAIL));
    net.hosts[0].sendto(sender, b"all", MsgFlags::NONE, &addr("239.1.2.3:7")).unwrap();
    net.run_for(Duration::from_secs(1));
    assert_eq!(net.hosts[1].recv(member, &mut [0; 8], MsgFlags::NONE), Err(Errno::EAGAIN));
}

#[test]
fn an_ipv6_socket_speaks_ipv4_unless_it_is_told_not_to() {
    let mut net = Net::pair(DELAY);
    let service = net.hosts[1].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(service, &addr("[::]:53")).unwrap();
    let client = net.hosts[0].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].sendto(client, b"x", MsgFlags::NONE, &addr("10.0.0.2:53")).unwrap();
    net.wait(1, service, Ready::IN);
    let (_, from) = net.hosts[1].recvfrom(service, &mut [0; 4], MsgFlags::NONE).unwrap();
    assert!(from.to_string().starts_with("[::ffff:10.0.0.1]:"), "{from}");
    let only = net.hosts[0].socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    set(&mut net.hosts[0], only, ipv6::LEVEL, ipv6::IPV6_V6ONLY, 1).unwrap();
    assert_eq!(net.hosts[0].sendto(only, b"x", MsgFlags::NONE, &addr("10.0.0.2:53")), Err(Errno::ENETUNREACH));
}

#[test]
fn a_raw_socket_sees_echo_replies() {
    let mut net = Net::pair(DELAY);
    let raw = net.hosts[0].socket(AF_INET, SOCK_RAW, 1).unwrap();
    let mut echo = vec![8, 0, 0, 0, 0, 7, 0, 1];
    let sum = !(0x0800u16 + 7 + 1);
    echo[2..4].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(net.hosts[0].sendto(raw, &echo, MsgFlags::NONE, &addr("10.0.0.2:0")), Ok(8));
    net.wait(0, raw, Ready::IN);
    let mut room = [0; 64];
    let (len, from) = net.hosts[0].recvfrom(raw, &mut room, MsgFlags::NONE).unwrap();
    assert_eq!((len, from), (28, addr("10.0.0.2:0")), "with its IP header");
    assert_eq!(room[20], 0, "an echo reply");
}

/// Who looks at packets sees each, also those that would find their socket by the headers of the one before.
#[test]
fn a_raw_socket_sees_each_packet_of_loopback() {
    let mut net = Net::single();
    let host = &mut net.hosts[0];
    let socket = host.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    host.bind(socket, &addr("127.0.0.1:7")).unwrap();
    host.connect(socket, &addr("127.0.0.1:7")).unwrap();
    let mut room = [0; 64];
    let mut send = |host: &mut Stack| {
        host.send(socket, b"to itself", MsgFlags::NONE).unwrap();
        assert_eq!(host.recv(socket, &mut room, MsgFlags::NONE), Ok(9));
    };
    (0..2).for_each(|_| send(host));
    let raw = host.socket(AF_INET, SOCK_RAW, 17).unwrap();
    for _ in 0..3 {
        send(host);
        assert_eq!(host.recv(raw, &mut [0; 64], MsgFlags::NONE), Ok(37), "with its headers");
    }
}

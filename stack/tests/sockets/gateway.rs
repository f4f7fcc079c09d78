//! A host that answers for others: any address by one link, every port, and a gate before the listener. Host 1 is the gateway.

use std::time::Duration;

use loggia_stack::base::{LinkId, MsgFlags, Ready, SockAddr};
use loggia_stack::network::Unreachable;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SHUT_WR, SOCK_DGRAM, SOCK_STREAM, ip, ipv6, sol_socket};
use loggia_stack::socket::{Address, Control};
use loggia_stack::transport::tcp::{Request, Verdict};
use loggia_stack::{Errno, SocketId};

use crate::common::{Net, addr, family, set, so_error};

const DELAY: Duration = Duration::from_millis(10);
const LINK: LinkId = LinkId(2);

/// Two hosts of which the first sends everything to the second, which answers for all.
fn world() -> Net {
    let mut net = Net::pair(DELAY);
    for (all, gateway) in [("0.0.0.0/0", "10.0.0.2"), ("::/0", "fd00::2")] {
        net.hosts[0].add_route(all.parse().unwrap(), Some(gateway.parse().unwrap()), LINK, 0).unwrap();
    }
    net.hosts[1].set_transparent(LINK, true).unwrap();
    net
}

/// A listener for every port, behind a gate.
fn gate(net: &mut Net, any: &str, backlog: i32) -> SocketId {
    let (any, stack) = (addr(any), &mut net.hosts[1]);
    let listener = stack.socket(family(&any), SOCK_STREAM, 0).unwrap();
    stack.bind_every_port(listener, &any).unwrap();
    stack.listen(listener, backlog).unwrap();
    stack.put_gate(listener).unwrap();
    listener
}

fn call(net: &mut Net, to: &str) -> SocketId {
    let to = addr(to);
    let client = net.hosts[0].socket(family(&to), SOCK_STREAM, 0).unwrap();
    assert_eq!(net.hosts[0].connect(client, &to), Err(Errno::EINPROGRESS));
    client
}

fn request(net: &mut Net, listener: SocketId) -> Request {
    net.wait(1, listener, Ready::IN);
    net.hosts[1].next_request(listener).unwrap()
}

fn end(address: &Address) -> SockAddr {
    match address {
        Address::Inet(end) | Address::Inet6 { addr: end, .. } => *end,
        other => panic!("no internet address: {other:?}"),
    }
}

#[test]
fn a_connection_to_anybody_arrives_with_the_name_it_was_for() {
    for (any, to) in [("0.0.0.0:0", "192.0.2.7:8080"), ("[::]:0", "[2001:db8::7]:8080")] {
        let mut net = world();
        let listener = gate(&mut net, any, 16);
        let client = call(&mut net, to);
        let asked = request(&mut net, listener);
        assert_eq!(asked.local, end(&addr(to)));
        assert_eq!(Ok(asked.remote), net.hosts[0].getsockname(client).map(|name| end(&name)));
        assert_eq!(net.hosts[1].next_request(listener), Err(Errno::EAGAIN), "told once");
        assert_eq!(net.hosts[1].readiness(listener), Ok(Ready::NONE));

        net.hosts[1].answer(listener, &asked, Verdict::Accept).unwrap();
        net.wait(1, listener, Ready::IN);
        let (server, from) = net.hosts[1].accept(listener).unwrap();
        assert_eq!(end(&from), asked.remote);
        assert_eq!(net.hosts[1].getsockname(server), Ok(addr(to)));
        net.wait(0, client, Ready::OUT);
        assert_eq!(net.hosts[0].getpeername(client), Ok(addr(to)));

        net.send_all(0, client, b"question");
        net.hosts[0].shutdown(client, SHUT_WR).unwrap();
        assert_eq!(net.recv_exact(1, server, 100), b"question");
        net.send_all(1, server, b"answer");
        net.hosts[1].close(server).unwrap();
        assert_eq!(net.recv_exact(0, client, 100), b"answer");
    }
}

#[test]
fn nothing_is_answered_before_the_decision() {
    let mut net = world();
    let listener = gate(&mut net, "0.0.0.0:0", 16);
    let client = call(&mut net, "192.0.2.7:80");
    let asked = request(&mut net, listener);
    // The client asks three times more meanwhile; it is one request.
    net.run_for(Duration::from_secs(8));
    assert_eq!(net.hosts[0].readiness(client), Ok(Ready::NONE), "still connecting");
    assert_eq!(net.hosts[1].next_request(listener), Err(Errno::EAGAIN));
    net.hosts[1].answer(listener, &asked, Verdict::Accept).unwrap();
    net.run_for(DELAY * 2);
    assert_eq!(net.hosts[0].readiness(client), Ok(Ready::OUT), "one round trip after the decision");
}

/// RFC 9293 §3.10.7.1: what is refused gets a reset, as if nobody listened.
#[test]
fn a_refused_request_is_reset() {
    let mut net = world();
    let listener = gate(&mut net, "0.0.0.0:0", 16);
    let client = call(&mut net, "192.0.2.7:81");
    let asked = request(&mut net, listener);
    net.hosts[1].answer(listener, &asked, Verdict::Refuse).unwrap();
    net.wait(0, client, Ready::HUP);
    assert_eq!(so_error(&mut net.hosts[0], client), Errno::ECONNREFUSED.number());
    assert_eq!(net.hosts[1].answer(listener, &asked, Verdict::Accept), Err(Errno::ENOENT), "decided once");
}

/// RFC 1122 §3.2.2.1, RFC 4443 §3.1: which kind of unreachable it is reaches the caller as its errno.
#[test]
fn an_unreachable_destination_is_told() {
    let cases = [
        ("0.0.0.0:0", "192.0.2.7:82", Unreachable::Network, Errno::ENETUNREACH),
        ("0.0.0.0:0", "192.0.2.7:82", Unreachable::Host, Errno::EHOSTUNREACH),
        ("[::]:0", "[2001:db8::7]:82", Unreachable::Network, Errno::ENETUNREACH),
        ("[::]:0", "[2001:db8::7]:82", Unreachable::Host, Errno::EHOSTUNREACH),
        ("[::]:0", "[2001:db8::7]:82", Unreachable::Prohibited, Errno::EACCES),
    ];
    for (any, to, why, errno) in cases {
        let mut net = world();
        let listener = gate(&mut net, any, 16);
        let client = call(&mut net, to);
        let asked = request(&mut net, listener);
        net.hosts[1].answer(listener, &asked, Verdict::Unreachable(why)).unwrap();
        net.wait(0, client, Ready::HUP);
        assert_eq!(so_error(&mut net.hosts[0], client), errno.number(), "{why:?}");
    }
}

#[test]
fn an_ignored_request_comes_again() {
    let mut net = world();
    let listener = gate(&mut net, "0.0.0.0:0", 16);
    call(&mut net, "192.0.2.7:80");
    let asked = request(&mut net, listener);
    net.hosts[1].answer(listener, &asked, Verdict::Ignore).unwrap();
    assert_eq!(request(&mut net, listener), asked);
}

#[test]
fn the_backlog_bounds_what_waits_at_the_gate() {
    let mut net = world();
    let listener = gate(&mut net, "0.0.0.0:0", 4);
    for port in 1..=10 {
        call(&mut net, &format!("192.0.2.7:{port}"));
    }
    net.run_for(DELAY * 2);
    let told = std::iter::from_fn(|| net.hosts[1].next_request(listener).ok()).collect::<Vec<_>>();
    assert_eq!(told.len(), 4);
    for asked in &told {
        net.hosts[1].answer(listener, asked, Verdict::Refuse).unwrap();
    }
    // The others ask again and find room.
    net.wait(1, listener, Ready::IN);
    net.hosts[1].close(listener).unwrap();
    net.run_for(Duration::from_secs(1));
}

#[test]
fn a_socket_of_its_own_goes_before_the_one_for_every_port() {
    let mut net = world();
    let listener = gate(&mut net, "0.0.0.0:0", 16);
    let own = net.hosts[1].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    net.hosts[1].bind(own, &addr("10.0.0.2:80")).unwrap();
    net.hosts[1].listen(own, 16).unwrap();
    call(&mut net, "10.0.0.2:80");
    net.wait(1, own, Ready::IN);
    assert_eq!(net.hosts[1].next_request(listener), Err(Errno::EAGAIN));
    call(&mut net, "10.0.0.2:81");
    assert_eq!(request(&mut net, listener).local, end(&addr("10.0.0.2:81")));
}

#[test]
fn datagrams_to_anybody_are_answered_in_his_name() {
    let cases = [
        ("0.0.0.0:0", "192.0.2.7:53", ip::LEVEL, ip::IP_RECVORIGDSTADDR, ip::IP_TRANSPARENT),
        ("[::]:0", "[2001:db8::7]:53", ipv6::LEVEL, ipv6::IPV6_RECVORIGDSTADDR, ipv6::IPV6_TRANSPARENT),
    ];
    for (any, to, level, original, transparent) in cases {
        let mut net = world();
        let (any, to) = (addr(any), addr(to));
        let catch = net.hosts[1].socket(family(&any), SOCK_DGRAM, 0).unwrap();
        net.hosts[1].bind_every_port(catch, &any).unwrap();
        set(&mut net.hosts[1], catch, level, original, 1).unwrap();
        let client = net.hosts[0].socket(family(&to), SOCK_DGRAM, 0).unwrap();
        net.hosts[0].connect(client, &to).unwrap();
        net.hosts[0].send(client, b"who?", MsgFlags::NONE).unwrap();

        net.wait(1, catch, Ready::IN);
        let mut room = [0; 16];
        let got = net.hosts[1].recvmsg(catch, &mut [&mut room], 256, MsgFlags::NONE).unwrap();
        let wanted = got.control.iter().find_map(|item| match item {
            Control::OriginalDestination(end) | Control::OriginalDestination6(end) => Some(*end),
            _ => None,
        });
        assert_eq!(wanted, Some(end(&to)));
        assert_eq!(net.hosts[1].send(catch, b"no", MsgFlags::NONE), Err(Errno::EDESTADDRREQ));
        assert_eq!(net.hosts[1].sendto(catch, b"no", MsgFlags::NONE, &got.from), Err(Errno::EINVAL), "for receiving alone");

        // What follows in the flow comes to a socket of its own.
        let own = net.hosts[1].socket(family(&to), SOCK_DGRAM, 0).unwrap();
        set(&mut net.hosts[1], own, level, transparent, 1).unwrap();
        set(&mut net.hosts[1], own, sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1).unwrap();
        net.hosts[1].bind(own, &to).unwrap();
        net.hosts[1].connect(own, &got.from).unwrap();
        net.hosts[1].send(own, b"me", MsgFlags::NONE).unwrap();
        net.wait(0, client, Ready::IN);
        assert_eq!(net.hosts[0].recvfrom(client, &mut room, MsgFlags::NONE), Ok((2, to.clone())));
        net.hosts[0].send(client, b"thanks", MsgFlags::NONE).unwrap();
        net.wait(1, own, Ready::IN);
        assert_eq!(net.hosts[1].readiness(catch).unwrap() & Ready::IN, Ready::NONE);
        net.hosts[1].refuse(own, &[]).unwrap();
        net.wait(0, client, Ready::ERR);
        assert_eq!(net.hosts[0].recv(client, &mut room, MsgFlags::NONE), Err(Errno::ECONNREFUSED), "as of a closed port");
        assert_eq!(net.hosts[1].refuse(catch, &[]), Err(Errno::ENOTCONN));
        net.hosts[1].close(catch).unwrap();
        let again = net.hosts[1].socket(family(&any), SOCK_DGRAM, 0).unwrap();
        assert_eq!(net.hosts[1].bind_every_port(again, &any), Ok(()), "the place is free again");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let mut net = world();
    let stack = &mut net.hosts[1];
    assert_eq!(stack.set_transparent(LinkId(1), true), Err(Errno::EINVAL), "loopback");
    assert_eq!(stack.set_transparent(LinkId(9), true), Err(Errno::ENODEV));
    let any = addr("0.0.0.0:0");
    let socket = stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(stack.put_gate(socket), Err(Errno::EINVAL), "it does not listen");
    stack.bind_every_port(socket, &any).unwrap();
    assert_eq!(stack.bind(socket, &addr("0.0.0.0:80")), Err(Errno::EINVAL), "it has a name");
    assert_eq!(stack.connect(socket, &addr("10.0.0.1:80")), Err(Errno::EINVAL));
    let other = stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(stack.bind_every_port(other, &any), Err(Errno::EADDRINUSE));
    assert_eq!(stack.next_request(other), Err(Errno::EINVAL));
    assert_eq!(stack.refuse(other, &[]), Err(Errno::EOPNOTSUPP), "TCP has resets");
    let datagrams = stack.socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    assert_eq!(stack.put_gate(datagrams), Err(Errno::EOPNOTSUPP));
}

#[test]
fn without_it_a_host_answers_for_nobody_else() {
    let mut net = world();
    net.hosts[1].set_transparent(LINK, false).unwrap();
    let listener = gate(&mut net, "0.0.0.0:0", 16);
    call(&mut net, "192.0.2.7:80");
    net.run_for(Duration::from_secs(5));
    assert_eq!(net.hosts[1].next_request(listener), Err(Errno::EAGAIN));
}

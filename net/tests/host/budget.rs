//! A stack that has no memory left: errors, back-pressure and recovery.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::net::{Domain, Socket, TcpListener, TcpStream, Type, UdpSocket};

use crate::{SERVER, pattern, rest};

const LITTLE: usize = 1 << 20;
const ENOBUFS: i32 = 105;

/// A client with much memory and a server with little.
fn hosts() -> [Host; 2] {
    let [one, two] = pair(Properties::ip(1500));
    let client = Host::builder().address("10.0.0.1/24").device(one).start().expect("a host");
    let server = Host::builder().memory(LITTLE).address("10.0.0.2/24").device(two).start().expect("a host");
    [client, server]
}

fn used(host: &Host) -> usize {
    host.with(|stack, _| stack.memory().0)
}

/// Sockets until there is no memory for another, and what is said then.
fn hoard(host: &Host) -> (Vec<Socket>, io::Error) {
    let mut sockets = Vec::new();
    loop {
        match Socket::new_on(host, Domain::IPV4, Type::DGRAM, None) {
            Ok(socket) => sockets.push(socket),
            Err(refused) => return (sockets, refused),
        }
        assert!(sockets.len() < 1_000_000, "they cost nothing");
    }
}

#[test]
fn peers_of_one_who_does_not_read_are_held_up_and_lose_nothing() {
    let [client, server] = hosts();
    let listener = TcpListener::bind_on(&server, SERVER).expect("bind");
    let connections: Vec<_> = (0..16)
        .map(|_| (TcpStream::connect_on(&client, SERVER).expect("connect"), listener.accept().expect("accept").0))
        .collect();
    let data = &pattern(500_000);
    thread::scope(|scope| {
        // Eight times as much as the server has memory for.
        for (mut here, _) in connections.iter().map(|(here, there)| (here, there)) {
            scope.spawn(move || {
                here.write_all(data).expect("write");
                here.shutdown(Shutdown::Write).expect("shutdown");
            });
        }
        // All of them come to a standstill, and the server has no more than it may.
        let mut before = usize::MAX;
        while used(&server) != before {
            before = used(&server);
            thread::sleep(Duration::from_millis(50));
        }
        assert!(before <= LITTLE, "{before} bytes");
        // Whoever reads gets everything.
        for (_, there) in &connections {
            assert!(rest(there) == *data);
            assert!(used(&server) <= LITTLE);
        }
    });
    drop((connections, listener));
}

#[test]
fn who_writes_waits_for_memory() {
    let [client, server] = hosts();
    let listener = TcpListener::bind_on(&client, "10.0.0.1:7").expect("bind");
    let data = &pattern(1_000_000);
    let connections: Vec<_> = (0..4)
        .map(|_| (TcpStream::connect_on(&server, "10.0.0.1:7").expect("connect"), listener.accept().expect("accept").0))
        .collect();
    thread::scope(|scope| {
        for (mut here, _) in connections.iter().map(|(here, there)| (here, there)) {
            scope.spawn(move || {
                here.write_all(data).expect("write");
                here.shutdown(Shutdown::Write).expect("shutdown");
            });
        }
        for (_, there) in &connections {
            assert!(rest(there) == *data);
            assert!(used(&server) <= LITTLE);
        }
    });
}

#[test]
fn what_is_refused_for_want_of_memory_is_there_again_when_there_is_some() {
    let [client, server] = hosts();
    let receiver = UdpSocket::bind_on(&server, "10.0.0.2:0").expect("bind");
    let (sockets, refused) = hoard(&server);
    assert_eq!(refused.raw_os_error(), Some(ENOBUFS));
    assert!(used(&server) <= LITTLE);
    // Nor does a peer get anything: not a connection, and no room for a datagram.
    let datagrams = UdpSocket::bind_on(&client, "10.0.0.1:0").expect("bind");
    let to = receiver.local_addr().expect("an address");
    (0..1000).for_each(|_| drop(datagrams.send_to(&[7; 1000], to)));
    assert!(used(&server) <= LITTLE);
    // As soon as some is given back everything goes on.
    drop(sockets);
    UdpSocket::bind_on(&server, "10.0.0.2:0").expect("there is memory");
    let listener = TcpListener::bind_on(&server, SERVER).expect("bind");
    let mut here = TcpStream::connect_on(&client, SERVER).expect("connect");
    let (mut there, _) = listener.accept().expect("accept");
    here.write_all(b"as ever").expect("write");
    drop(here);
    let mut all = Vec::new();
    there.read_to_end(&mut all).expect("read");
    assert_eq!(all, b"as ever");
}

#[test]
fn a_stack_without_memory_refuses_connections_and_takes_them_later() {
    let [client, server] = hosts();
    let listener = TcpListener::bind_on(&server, SERVER).expect("bind");
    let (hoard, _) = hoard(&server);
    let late = TcpStream::connect_timeout_on(&client, &SERVER.parse().expect("an address"), Duration::from_millis(200));
    let late = late.map(drop).expect_err("nobody answers").kind();
    assert!(matches!(late, ErrorKind::TimedOut | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset), "{late:?}");
    drop(hoard);
    let here = TcpStream::connect_on(&client, SERVER).expect("connect");
    assert_eq!(listener.accept().expect("accept").1, here.local_addr().expect("an address"));
}

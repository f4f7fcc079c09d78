//! Doors that std has not: openings to decide about, connections for anybody, chunks that are not copied, connections in numbers.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use loggia::device::{Properties, pair};
use loggia::net::{Domain, Socket, TcpGate, TcpStream, Type};
use loggia::{Host, Interface, State};

use crate::{SERVER, connected, hosts, pattern, rest};

#[test]
fn a_gate_decides_before_the_handshake() {
    let [client, server] = hosts();
    let gate = TcpGate::bind_on(&server, SERVER.parse().expect("an address"), 8).expect("bind");
    let asking = thread::spawn(move || {
        let refused = TcpStream::connect_on(&client, SERVER).expect_err("refused");
        (refused.kind(), TcpStream::connect_on(&client, SERVER).map(drop))
    });
    let opening = gate.opening().expect("somebody asks");
    assert_eq!(
        (opening.from().ip(), opening.to()),
        ("10.0.0.1".parse().expect("an address"), SERVER.parse().expect("an address"))
    );
    drop(opening);
    gate.opening().expect("somebody asks again").accept();
    gate.accept().expect("it was let in");
    let (refused, let_in) = asking.join().expect("the client");
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    let_in.expect("let in");
}

#[test]
fn connections_for_anybody() {
    let [inside, outside] = pair(Properties::ip(1500));
    let proxy =
        Host::builder().interface(Interface::new(inside).transparent(true).address("10.0.0.2/24")).start().expect("a host");
    let client = Host::builder().address("10.0.0.1/24").gateway("10.0.0.2").device(outside).start().expect("a host");
    let gate = TcpGate::bind_any_on(&proxy, Ipv4Addr::UNSPECIFIED.into(), 8).expect("bind");
    let somewhere = SocketAddr::new(IpAddr::from(Ipv4Addr::new(203, 0, 113, 7)), 4711);
    let asking =
        thread::spawn(move || TcpStream::connect_on(&client, somewhere).map(|stream| (stream.peer_addr(), rest(&stream))));
    gate.opening().expect("somebody asks").accept();
    let (mut stream, _) = gate.accept().expect("it was let in");
    assert_eq!(stream.local_addr().expect("where it was to go"), somewhere);
    stream.write_all(b"in his name").expect("write");
    drop(stream);
    let (peer, heard) = asking.join().expect("the client").expect("connected");
    assert_eq!((peer.expect("an address"), &heard[..]), (somewhere, &b"in his name"[..]));
}

#[test]
fn chunks_go_without_a_copy() {
    let (here, there) = connected(&hosts());
    let data = Bytes::from(pattern(3_000_000));
    let sent = data.clone();
    let writer = thread::spawn(move || here.send_bytes(sent).expect("send"));
    let mut all = Vec::new();
    loop {
        let chunk = there.recv_bytes(1 << 20).expect("receive");
        if chunk.is_empty() {
            break;
        }
        all.extend_from_slice(&chunk);
    }
    assert_eq!(writer.join().expect("the writer"), data.len());
    assert!(all == data);
}

#[test]
fn connections_are_told_in_numbers() {
    let (mut here, there) = connected(&hosts());
    here.write_all(&pattern(100_000)).expect("write");
    let reader = thread::spawn(move || rest(&there));
    here.shutdown(std::net::Shutdown::Write).expect("shutdown");
    assert_eq!(reader.join().expect("the reader").len(), 100_000);
    while here.info().is_some_and(|info| info.state == State::FinWait1) {
        thread::yield_now();
    }
    let info = here.info().expect("it is one of TCP");
    assert!(info.bytes_acknowledged >= 100_000 && info.bytes_sent >= 100_000, "{info:?}");
    assert!(info.segment_size > 1000 && info.congestion_window >= 10 && info.path_mtu == 1500, "{info:?}");
}

#[test]
fn a_connect_that_was_begun_is_waited_for() {
    let [client, server] = hosts();
    let at: SocketAddr = SERVER.parse().expect("an address");
    let gate = TcpGate::bind_on(&server, at, 8).expect("bind");
    let socket = Socket::new_on(&client, Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("a mode");
    assert_eq!(socket.connect(&at.into()).expect_err("it has begun").raw_os_error(), Some(115));
    assert_eq!(socket.connect(&at.into()).expect_err("it goes on").raw_os_error(), Some(114));
    let opening = gate.opening().expect("somebody asks");
    socket.set_nonblocking(false).expect("a mode");
    socket.set_write_timeout(Some(Duration::from_millis(20))).expect("an option");
    assert_eq!(socket.connect(&at.into()).expect_err("nobody has answered").raw_os_error(), Some(114));
    socket.set_write_timeout(None).expect("an option");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| socket.connect(&at.into()));
        thread::sleep(Duration::from_millis(20));
        opening.accept();
        waiting.join().expect("no panic").expect("its end");
    });
    assert_eq!(socket.connect(&at.into()).expect_err("it is connected").raw_os_error(), Some(106));
    // One that was refused is told so and can begin anew.
    let socket = Socket::new_on(&client, Domain::IPV4, Type::STREAM, None).expect("a socket");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| socket.connect(&at.into()));
        gate.opening().expect("somebody asks").refuse();
        assert_eq!(waiting.join().expect("no panic").expect_err("refused").kind(), ErrorKind::ConnectionRefused);
        let again = scope.spawn(|| socket.connect(&at.into()));
        gate.opening().expect("somebody asks again").accept();
        again.join().expect("no panic").expect("let in");
    });
}

#[test]
fn all_bits_of_a_mark_count() {
    let host = Host::builder().start().expect("a host");
    let socket = Socket::new_on(&host, Domain::IPV4, Type::DGRAM, None).expect("a socket");
    for mark in [0, 1, 0x8000_0000, u32::MAX] {
        socket.set_mark(mark).expect("a mark");
        assert_eq!(socket.mark().expect("a mark"), mark);
    }
}

//! What is expected of sockets, whoever's they are.

use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use super::*;

const EINVAL: i32 = 22;
const EAGAIN: i32 = 11;
const EPIPE: i32 = 32;
const EPROTONOSUPPORT: i32 = 93;
const EDESTADDRREQ: i32 = 89;
const EMSGSIZE: i32 = 90;
const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;
const ECONNRESET: i32 = 104;
const ENOTCONN: i32 = 107;
const ECONNREFUSED: i32 = 111;
const EINPROGRESS: i32 = 115;
const ENOENT: i32 = 2;

const MSG_PEEK: i32 = 0x2;
const MSG_TRUNC: i32 = 0x20;
const MSG_DONTWAIT: i32 = 0x40;

/// A short wait: for what is to time out.
const SHORT: Duration = Duration::from_millis(20);

/// A port that the host chooses.
fn any() -> SocketAddr {
    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)
}

fn port(addr: io::Result<SocketAddr>) -> u16 {
    addr.expect("an address").port()
}

fn errno<T: std::fmt::Debug>(result: Result<T, Error>) -> i32 {
    result.expect_err("an error").raw_os_error().unwrap_or(0)
}

/// Two ends of a connection, the client's first.
fn connected(server: &End, client: &End) -> (TcpStream, TcpStream) {
    let listener = server.listen(any()).expect("listen");
    let here = client.connect(SocketAddr::new(End::V4, port(listener.local_addr()))).expect("connect");
    (here, listener.accept().expect("accept").0)
}

/// Two sockets of which the first is connected to the second.
fn udp_pair(server: &End, client: &End) -> (UdpSocket, UdpSocket) {
    let there = server.udp(any()).expect("bind");
    let here = client.udp(any()).expect("bind");
    here.connect(SocketAddr::new(End::V4, port(there.local_addr()))).expect("connect");
    (here, there)
}

/// All that comes until the end.
fn rest(mut stream: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("read");
    all
}

/// Waits until something of the other end has come, an end or a reset included.
fn until_something_comes(stream: &TcpStream) {
    // An error is one of the things that come; it is left for the next call where the call can be asked for again.
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let _ = stream.peek(&mut [0; 1]);
    stream.set_read_timeout(None).expect("an option");
}

pub(super) fn bytes_go_both_ways(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    let mut room = [0; 7];
    here.write_all(b"hello").expect("write");
    there.read_exact(&mut room[..5]).expect("read");
    assert_eq!(&room[..5], b"hello");
    // A time that no clock reaches: it waits for ever.
    here.set_read_timeout(Some(Duration::MAX)).expect("an option");
    let answer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        there.write_all(b"and you").expect("write");
        there
    });
    here.read_exact(&mut room).expect("read");
    assert_eq!(&room, b"and you");
    drop(answer.join());
    here.flush().expect("there is nothing to flush");
}

pub(super) fn nobody_listens(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    let to = SocketAddr::new(End::V4, port(listener.local_addr()));
    drop(listener);
    let refused = client.connect(to).expect_err("nobody is there");
    assert_eq!((refused.kind(), refused.raw_os_error()), (ErrorKind::ConnectionRefused, Some(ECONNREFUSED)));
    let refused = client.connect_timeout(&to, Duration::from_secs(20)).expect_err("nobody is there");
    assert_eq!((refused.kind(), refused.raw_os_error()), (ErrorKind::ConnectionRefused, Some(ECONNREFUSED)));
    let nothing = client.connect_timeout(&to, Duration::ZERO).expect_err("no time");
    assert_eq!((nothing.kind(), nothing.raw_os_error()), (ErrorKind::InvalidInput, None));
}

pub(super) fn half_a_close(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    here.write_all(b"all I have").expect("write");
    here.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(rest(&there), b"all I have");
    assert_eq!(errno(here.write(b"more")), EPIPE);
    there.write_all(b"an answer").expect("write");
    drop(there);
    assert_eq!(rest(&here), b"an answer");
}

pub(super) fn what_was_unread_resets(server: &End, client: &End) {
    let (mut here, there) = connected(server, client);
    here.write_all(b"unread").expect("write");
    until_something_comes(&there);
    drop(there);
    let reset = here.read(&mut [0; 9]).expect_err("reset");
    assert_eq!((reset.kind(), reset.raw_os_error()), (ErrorKind::ConnectionReset, Some(ECONNRESET)));
    assert_eq!(here.read(&mut [0; 9]).expect("the error is told once"), 0);
}

pub(super) fn linger_zero_resets(server: &End, client: &End) {
    let server_socket = server.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    server_socket.bind(&any().into()).expect("bind");
    server_socket.listen(1).expect("listen");
    let to = SocketAddr::new(End::V4, server_socket.local_addr().expect("an address").as_socket().expect("of IP").port());
    let mut here = client.connect(to).expect("connect");
    let (there, _) = server_socket.accept().expect("accept");
    assert_eq!(there.linger().expect("an option"), None);
    there.set_linger(Some(Duration::ZERO)).expect("an option");
    assert_eq!(there.linger().expect("an option"), Some(Duration::ZERO));
    drop(there);
    assert_eq!(errno(here.read(&mut [0; 9])), ECONNRESET);
}

pub(super) fn a_write_after_a_reset(server: &End, client: &End) {
    let (mut here, there) = connected(server, client);
    here.write_all(b"unread").expect("write");
    until_something_comes(&there);
    drop(there);
    // The reset comes; it is told by `take_error`, once.
    let told = loop {
        if let Some(told) = here.take_error().expect("an option") {
            break told;
        }
        thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(told.raw_os_error(), Some(ECONNRESET));
    assert!(here.take_error().expect("an option").is_none());
    assert_eq!(errno(here.write(b"x")), EPIPE);
}

pub(super) fn what_came_before_a_reset_is_read(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    here.write_all(b"unread").expect("write");
    until_something_comes(&there);
    there.write_all(b"last words").expect("write");
    drop(there);
    // Until the reset has come too: then writing fails.
    while here.write(b"x").is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    let mut room = [0; 16];
    assert_eq!(here.read(&mut room).expect("it came before"), 10);
    assert_eq!(here.read(&mut room).expect("the write was told of the reset"), 0);
}

pub(super) fn peeking_takes_nothing(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    here.write_all(b"hello").expect("write");
    let mut room = [0; 5];
    assert_eq!(there.peek(&mut room[..3]).expect("peek"), 3);
    assert_eq!(&room[..3], b"hel");
    there.read_exact(&mut room).expect("read");
    assert_eq!(&room, b"hello");
}

pub(super) fn shutting_down_each_way(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    here.shutdown(Shutdown::Read).expect("shutdown");
    assert_eq!(here.read(&mut [0; 9]).expect("the end"), 0);
    here.write_all(b"still").expect("write");
    here.shutdown(Shutdown::Both).expect("shutdown");
    assert_eq!(rest(&there), b"still");
    assert_eq!(errno(here.write(b"x")), EPIPE);
    there.shutdown(Shutdown::Write).expect("shutdown");
    drop(here);
    assert_eq!(errno(there.write(b"x")), EPIPE);
    let fresh = client.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    assert_eq!(errno(fresh.shutdown(Shutdown::Both)), ENOTCONN);
}

pub(super) fn a_read_times_out(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    assert_eq!(here.read_timeout().expect("an option"), None);
    here.set_read_timeout(Some(SHORT)).expect("an option");
    assert_eq!(here.read_timeout().expect("an option"), Some(SHORT));
    let late = here.read(&mut [0; 9]).expect_err("nothing came");
    assert_eq!((late.kind(), late.raw_os_error()), (ErrorKind::WouldBlock, Some(EAGAIN)));
    there.write_all(b"now").expect("write");
    here.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    assert_eq!(here.read(&mut [0; 9]).expect("it came"), 3);
    here.set_read_timeout(None).expect("an option");
    assert_eq!(here.read_timeout().expect("an option"), None);
}

pub(super) fn a_write_times_out(server: &End, client: &End) {
    let (mut here, there) = connected(server, client);
    here.set_write_timeout(Some(SHORT)).expect("an option");
    assert_eq!(here.write_timeout().expect("an option"), Some(SHORT));
    let data = vec![7; 1 << 20];
    let late = loop {
        match here.write(&data) {
            Ok(len) => assert!(len > 0),
            Err(late) => break late,
        }
    };
    assert_eq!((late.kind(), late.raw_os_error()), (ErrorKind::WouldBlock, Some(EAGAIN)));
    drop(there);
}

pub(super) fn a_timeout_of_nothing_is_refused(server: &End, client: &End) {
    let (here, _there) = connected(server, client);
    for refused in [here.set_read_timeout(Some(Duration::ZERO)), here.set_write_timeout(Some(Duration::ZERO))] {
        assert_eq!(refused.expect_err("nothing").kind(), ErrorKind::InvalidInput);
    }
    here.set_read_timeout(Some(Duration::from_nanos(1))).expect("an option");
    assert!(here.read_timeout().expect("an option").is_some());
}

pub(super) fn clones_are_one_socket(server: &End, client: &End) {
    let (here, mut there) = connected(server, client);
    let mut clone = here.try_clone().expect("a clone");
    here.set_read_timeout(Some(SHORT)).expect("an option");
    assert_eq!(clone.read_timeout().expect("an option"), Some(SHORT));
    here.set_nonblocking(true).expect("a mode");
    assert_eq!(clone.read(&mut [0; 9]).expect_err("the mode is shared").kind(), ErrorKind::WouldBlock);
    clone.set_nonblocking(false).expect("a mode");
    drop(here);
    clone.write_all(b"I live").expect("write");
    clone.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(rest(&there), b"I live");
    there.write_all(b"and I").expect("write");
    drop(there);
    clone.set_read_timeout(None).expect("an option");
    assert_eq!(rest(&clone), b"and I");
}

pub(super) fn nonblocking_calls_do_not_wait(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    listener.set_nonblocking(true).expect("a mode");
    let would = listener.accept().expect_err("nobody came");
    assert_eq!((would.kind(), would.raw_os_error()), (ErrorKind::WouldBlock, Some(EAGAIN)));
    let (mut here, there) = connected(server, client);
    here.set_nonblocking(true).expect("a mode");
    assert_eq!(errno(here.read(&mut [0; 9])), EAGAIN);
    let mut written = 0;
    let full = loop {
        match here.write(&vec![7; 65_536]) {
            Ok(len) => written += len,
            Err(full) => break full,
        }
    };
    assert!(written > 0);
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    let udp = client.udp(any()).expect("bind");
    udp.set_nonblocking(true).expect("a mode");
    assert_eq!(errno(udp.recv_from(&mut [0; 9])), EAGAIN);
    drop(there);
}

pub(super) fn a_write_takes_everything(server: &End, client: &End) {
    let (mut here, there) = connected(server, client);
    let reader = thread::spawn(move || rest(there).len());
    let data = vec![1; 9_000_000];
    assert_eq!(here.write(&data).expect("write"), data.len(), "a call that waits takes all");
    drop(here);
    assert_eq!(reader.join().expect("the reader"), data.len());
}

pub(super) fn reading_and_writing_at_once(server: &End, client: &End) {
    let (here, there) = connected(server, client);
    let echo = thread::spawn(move || io::copy(&mut &there, &mut &there).expect("echo"));
    let data: Vec<u8> = (0..3_000_000u32).map(|at| (at ^ at >> 8) as u8).collect();
    let back = thread::scope(|scope| {
        scope.spawn(|| {
            (&here).write_all(&data).expect("write");
            here.shutdown(Shutdown::Write).expect("shutdown");
        });
        rest(&here)
    });
    assert!(back == data);
    assert_eq!(echo.join().expect("the echo"), data.len() as u64);
}

pub(super) fn vectored_reads_and_writes(server: &End, client: &End) {
    let (mut here, mut there) = connected(server, client);
    let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(here.write_vectored(&pieces).expect("write"), 7);
    drop(here);
    let (mut first, mut second) = ([0; 3], [0; 9]);
    let len = there.read_vectored(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]).expect("read");
    assert_eq!(len, 7);
    assert_eq!((&first[..], &second[..4]), (&b"one"[..], &b" two"[..]));
}

pub(super) fn connections_come_one_by_one(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    let to = SocketAddr::new(End::V4, port(listener.local_addr()));
    let ours: Vec<_> = (0..3).map(|_| client.connect(to).expect("connect")).collect();
    for (stream, accepted) in ours.iter().zip(listener.incoming()) {
        let accepted = accepted.expect("accept");
        assert_eq!(accepted.peer_addr().expect("an address"), stream.local_addr().expect("an address"));
    }
}

pub(super) fn accepted_after_the_client_has_gone(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    let mut gone = client.connect(SocketAddr::new(End::V4, port(listener.local_addr()))).expect("connect");
    gone.write_all(b"bye").expect("write");
    drop(gone);
    assert_eq!(rest(listener.accept().expect("accept").0), b"bye");
}

pub(super) fn accepting_times_out(server: &End, _: &End) {
    let socket = server.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&any().into()).expect("bind");
    socket.listen(1).expect("listen");
    socket.set_read_timeout(Some(SHORT)).expect("an option");
    assert_eq!(errno(socket.accept()), EAGAIN);
}

pub(super) fn a_port_in_use(server: &End, _: &End) {
    let listener = server.listen(any()).expect("listen");
    let in_use = server.listen(listener.local_addr().expect("an address")).expect_err("taken");
    assert_eq!((in_use.kind(), in_use.raw_os_error()), (ErrorKind::AddrInUse, Some(EADDRINUSE)));
    let socket = server.udp(any()).expect("bind");
    assert_eq!(errno(server.udp(socket.local_addr().expect("an address"))), EADDRINUSE);
}

pub(super) fn an_address_that_is_not_ours(server: &End, _: &End) {
    let addr = SocketAddr::new(End::NOT_OURS, 80);
    let unavailable = server.listen(addr).expect_err("not ours");
    assert_eq!((unavailable.kind(), unavailable.raw_os_error()), (ErrorKind::AddrNotAvailable, Some(EADDRNOTAVAIL)));
    assert_eq!(errno(server.udp(addr)), EADDRNOTAVAIL);
}

pub(super) fn addresses_of_both_ends(server: &End, client: &End) {
    let (here, there) = connected(server, client);
    assert_eq!(here.local_addr().expect("an address"), there.peer_addr().expect("an address"));
    assert_eq!(here.peer_addr().expect("an address"), there.local_addr().expect("an address"));
    let udp = client.udp(any()).expect("bind");
    let unconnected = udp.peer_addr().expect_err("not connected");
    assert_eq!((unconnected.kind(), unconnected.raw_os_error()), (ErrorKind::NotConnected, Some(ENOTCONN)));
}

pub(super) fn ipv6_and_mapped_addresses(server: &End, client: &End) {
    let listener = server.listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)).expect("listen");
    let port = port(listener.local_addr());
    let here = client.connect(SocketAddr::new(End::V6, port)).expect("connect");
    let (there, from) = listener.accept().expect("accept");
    assert_eq!(from, here.local_addr().expect("an address"));
    assert!(there.local_addr().expect("an address").is_ipv6());
    let here = client.connect(SocketAddr::new(End::V4, port)).expect("connect");
    let (there, from) = listener.accept().expect("accept");
    let IpAddr::V4(own) = here.local_addr().expect("an address").ip() else { panic!("IPv4 it was") };
    assert_eq!(from.ip(), IpAddr::V6(own.to_ipv6_mapped()));
    assert_eq!(there.peer_addr().expect("an address"), from);
    // And from such a socket to IPv4.
    let socket = client.socket(Domain::IPV6, Type::STREAM, None).expect("a socket");
    let IpAddr::V4(v4) = End::V4 else { panic!("it is one") };
    socket.connect(&SocketAddr::new(v4.to_ipv6_mapped().into(), port).into()).expect("connect");
    let only = client.socket(Domain::IPV6, Type::DGRAM, None).expect("a socket");
    only.set_only_v6(true).expect("an option");
    assert!(only.only_v6().expect("an option"));
}

pub(super) fn options_are_kept(server: &End, client: &End) {
    let (here, _there) = connected(server, client);
    assert!(!here.nodelay().expect("an option"));
    here.set_nodelay(true).expect("an option");
    assert!(here.nodelay().expect("an option"));
    here.set_ttl(17).expect("an option");
    assert_eq!(here.ttl().expect("an option"), 17);
    assert_eq!(errno(here.set_ttl(256)), EINVAL);
    assert!(here.take_error().expect("an option").is_none());
    let listener = server.listen(any()).expect("listen");
    listener.set_ttl(9).expect("an option");
    assert_eq!(listener.ttl().expect("an option"), 9);
    let udp = server.udp(any()).expect("bind");
    assert!(!udp.broadcast().expect("an option"));
    udp.set_broadcast(true).expect("an option");
    udp.set_multicast_ttl_v4(3).expect("an option");
    udp.set_multicast_loop_v4(false).expect("an option");
    assert!(udp.broadcast().expect("an option") && !udp.multicast_loop_v4().expect("an option"));
    assert_eq!(udp.multicast_ttl_v4().expect("an option"), 3);
    let socket = client.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
    socket.set_send_buffer_size(20_000).expect("an option");
    assert_eq!(socket.send_buffer_size().expect("an option"), 40_000);
    socket.set_recv_buffer_size(30_000).expect("an option");
    assert_eq!(socket.recv_buffer_size().expect("an option"), 60_000);
    socket.set_keepalive(true).expect("an option");
    assert!(socket.keepalive().expect("an option"));
}

pub(super) fn empty_datagrams(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    assert_eq!(here.send(b"").expect("send"), 0);
    assert_eq!(here.send(b"x").expect("send"), 1);
    let mut room = [0; 9];
    let (len, from) = there.recv_from(&mut room).expect("receive");
    assert_eq!((len, from.port()), (0, port(here.local_addr())));
    assert_eq!(there.recv(&mut room).expect("receive"), 1);
}

pub(super) fn long_datagrams_are_cut(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    here.send(b"0123456789").expect("send");
    here.send(b"next").expect("send");
    let mut room = [0; 4];
    assert_eq!(there.recv(&mut room).expect("receive"), 4);
    assert_eq!(&room, b"0123");
    assert_eq!(there.recv(&mut room).expect("receive"), 4);
    assert_eq!(&room, b"next");
}

pub(super) fn a_datagram_too_long_is_refused(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    assert_eq!(errno(here.send(&vec![0; 65_508])), EMSGSIZE);
    assert_eq!(here.send(&vec![1; 60_000]).expect("in fragments"), 60_000);
    assert_eq!(there.recv(&mut vec![0; 65_536]).expect("receive"), 60_000);
}

pub(super) fn connected_datagrams(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    here.send(b"ask").expect("send");
    let mut room = [0; 9];
    let (len, from) = there.recv_from(&mut room).expect("receive");
    assert_eq!(&room[..len], b"ask");
    server.udp(any()).expect("bind").send_to(b"not yours", from).expect("send");
    there.send_to(b"answer", from).expect("send");
    let len = here.recv(&mut room).expect("receive");
    assert_eq!(&room[..len], b"answer", "a connected socket hears only its peer");
    let clone = here.try_clone().expect("a clone");
    drop(here);
    assert_eq!(port(clone.peer_addr()), port(there.local_addr()));
}

pub(super) fn peeked_datagrams(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    here.send(b"look").expect("send");
    let mut room = [0; 9];
    let (len, from) = there.peek_from(&mut room).expect("peek");
    assert_eq!((len, from.port()), (4, port(here.local_addr())));
    assert_eq!(there.peek(&mut room[..2]).expect("peek"), 2);
    assert_eq!(there.recv(&mut room).expect("receive"), 4);
}

pub(super) fn nobody_takes_datagrams(server: &End, client: &End) {
    let (here, there) = udp_pair(server, client);
    drop(there);
    here.send(b"anybody?").expect("send");
    assert_eq!(errno(here.recv(&mut [0; 9])), ECONNREFUSED);
}

pub(super) fn no_destination(_: &End, client: &End) {
    let socket = client.udp(any()).expect("bind");
    assert_eq!(errno(socket.send(b"where to?")), EDESTADDRREQ);
}

pub(super) fn receiving_times_out(_: &End, client: &End) {
    let socket = client.udp(any()).expect("bind");
    socket.set_read_timeout(Some(SHORT)).expect("an option");
    let late = socket.recv_from(&mut [0; 9]).expect_err("nothing came");
    assert_eq!((late.kind(), late.raw_os_error()), (ErrorKind::WouldBlock, Some(EAGAIN)));
}

pub(super) fn unix_streams(server: &End, _: &End) {
    let (mut here, there) = server.unix_pair().expect("a pair");
    here.write_all(b"hello").expect("write");
    here.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(rest(&there), b"hello");
    assert!(here.local_addr().expect("an address").is_unnamed());
    there.set_read_timeout(Some(SHORT)).expect("an option");
    assert_eq!(there.read_timeout().expect("an option"), Some(SHORT));
    let mut clone = there.try_clone().expect("a clone");
    clone.write_all(b"back").expect("write");
    drop((there, clone));
    assert_eq!(rest(&here), b"back");
    assert_eq!(errno(here.write(b"x")), EPIPE);
}

pub(super) fn unix_listeners(server: &End, _: &End) {
    let path = End::path("listeners");
    let listener = server.unix_listen(&path).expect("listen");
    assert_eq!(listener.local_addr().expect("an address").as_pathname(), Some(&*path));
    let mut here = server.unix_connect(&path).expect("connect");
    assert_eq!(here.peer_addr().expect("an address").as_pathname(), Some(&*path));
    let (there, from) = listener.accept().expect("accept");
    assert!(from.is_unnamed());
    here.write_all(b"x").expect("write");
    drop(here);
    assert_eq!(rest(there), b"x");
    assert_eq!(errno(server.unix_listen(&path)), EADDRINUSE);
    listener.set_nonblocking(true).expect("a mode");
    assert!(listener.incoming().next().expect("it never ends").is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    // A file without a server refuses.
    drop(listener);
    assert_eq!(errno(server.unix_connect(&path)), ECONNREFUSED);
    let _ = std::fs::remove_file(path);
}

pub(super) fn unix_abstract_names(server: &End, _: &End) {
    let name = format!("loggia-parity-{}", std::process::id());
    let addr = UnixAddr::from_abstract_name(&name).expect("a name");
    let listener = server.unix_listen_at(&addr).expect("listen");
    assert_eq!(listener.local_addr().expect("an address").as_abstract_name(), Some(name.as_bytes()));
    let here = server.unix_connect_to(&addr).expect("connect");
    assert!(here.peer_addr().expect("an address").as_pathname().is_none());
    assert!(UnixAddr::from_pathname("a\0b").is_err_and(|error| error.kind() == ErrorKind::InvalidInput));
}

pub(super) fn unix_datagrams(server: &End, _: &End) {
    let (here, there) = server.unix_datagrams().expect("a pair");
    for message in [&b"one"[..], b"", b"three"] {
        assert_eq!(here.send(message).expect("send"), message.len());
    }
    let mut room = [0; 9];
    assert_eq!(there.recv(&mut room).expect("receive"), 3);
    assert_eq!(there.recv(&mut room).expect("receive"), 0);
    assert_eq!(there.recv(&mut room[..2]).expect("receive"), 2);
    let path = End::path("datagrams");
    let named = server.unix_bind(&path).expect("bind");
    let unnamed = server.unix_datagram().expect("a socket");
    assert_eq!(unnamed.send_to(b"to a path", &path).expect("send"), 9);
    let (len, from) = named.recv_from(&mut room).expect("receive");
    assert!(len == 9 && from.is_unnamed());
    unnamed.connect(&path).expect("connect");
    assert_eq!(unnamed.send(b"again").expect("send"), 5);
    named.set_nonblocking(true).expect("a mode");
    assert_eq!(named.recv(&mut room).expect("receive"), 5);
    assert_eq!(errno(named.recv(&mut room)), EAGAIN);
    let _ = std::fs::remove_file(path);
}

pub(super) fn unix_nobody_is_there(server: &End, _: &End) {
    let path = End::path("nobody");
    let missing = server.unix_connect(&path).expect_err("nobody");
    assert_eq!((missing.kind(), missing.raw_os_error()), (ErrorKind::NotFound, Some(ENOENT)));
    assert_eq!(errno(server.unix_datagram().expect("a socket").send_to(b"x", &path)), ENOENT);
    assert_eq!(errno(server.unix_datagram().expect("a socket").send(b"x")), ENOTCONN);
}

pub(super) fn a_connect_that_does_not_wait(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    let socket = client.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("a mode");
    assert!(socket.nonblocking().expect("a mode"));
    let to = SocketAddr::new(End::V4, port(listener.local_addr())).into();
    if let Err(begun) = socket.connect(&to) {
        assert_eq!(begun.raw_os_error(), Some(EINPROGRESS));
    }
    let (there, _) = listener.accept().expect("accept");
    // The handshake's last segment may still be on its way to the call, not to the socket.
    while socket.peer_addr().is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(socket.take_error().expect("an option").is_none());
    assert_eq!(socket.send(b"hello").expect("send"), 5);
    drop(socket);
    assert_eq!(rest(there), b"hello");
}

pub(super) fn a_refused_connect_that_does_not_wait(server: &End, client: &End) {
    let listener = server.listen(any()).expect("listen");
    let to = SocketAddr::new(End::V4, port(listener.local_addr())).into();
    drop(listener);
    let socket = client.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("a mode");
    let mut told = socket.connect(&to).expect_err("nobody");
    while told.raw_os_error() == Some(EINPROGRESS) {
        thread::sleep(Duration::from_millis(1));
        told = socket.take_error().expect("an option").unwrap_or(told);
    }
    assert_eq!(told.raw_os_error(), Some(ECONNREFUSED));
}

pub(super) fn sockets_of_every_kind(server: &End, _: &End) {
    let tcp = server.socket(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
    assert_eq!(tcp.domain().expect("an option"), Domain::IPV6);
    assert_eq!(tcp.r#type().expect("an option"), Type::STREAM);
    assert_eq!(tcp.protocol().expect("an option"), Some(Protocol::TCP));
    assert!(!tcp.is_listener().expect("an option"));
    tcp.listen(1).expect("on a port that the host chooses");
    assert!(tcp.is_listener().expect("an option"));
    assert_eq!(errno(server.socket(Domain::IPV4, Type::STREAM, Some(Protocol::UDP))), EPROTONOSUPPORT);
    let unconnected = server.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    assert_eq!(errno(unconnected.peer_addr()), ENOTCONN);
    assert_eq!(errno(unconnected.accept()), EINVAL);
    assert_eq!(errno(unconnected.send(b"x")), EPIPE);
}

pub(super) fn the_byte_that_overtakes(server: &End, client: &End) {
    let listener = server.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&any().into()).expect("bind");
    listener.listen(1).expect("listen");
    let here = client.socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let at = listener.local_addr().expect("an address").as_socket().expect("of IP");
    here.connect(&SocketAddr::new(End::V4, at.port()).into()).expect("connect");
    let (there, _) = listener.accept().expect("accept");
    assert_eq!(errno(there.recv_out_of_band(&mut [0; 1])), EINVAL);
    here.send_out_of_band(b"!").expect("send");
    while there.recv_out_of_band(&mut [0; 1]).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(errno(there.recv_out_of_band(&mut [0; 1])), EINVAL, "it is told once");
}

/// Options by socket2's names have the values that they have there.
pub(super) fn options_by_socket2s_names(server: &End, _: &End) {
    let tcp = server.socket(Domain::IPV6, Type::STREAM, None).expect("a socket");
    let untouched = (tcp.tcp_keepalive_time().expect("idle"), tcp.tcp_keepalive_interval().expect("interval"));
    assert_eq!(untouched, (Duration::from_secs(7200), Duration::from_secs(75)));
    assert_eq!((tcp.tcp_keepalive_retries().expect("retries"), tcp.keepalive().expect("an option")), (9, false));
    let often = TcpKeepalive::new().with_time(Duration::from_millis(30_999)).with_retries(4);
    tcp.set_tcp_keepalive(&often).expect("an option");
    let set = (tcp.tcp_keepalive_time().expect("idle"), tcp.tcp_keepalive_interval().expect("interval"));
    assert_eq!(set, (Duration::from_secs(30), Duration::from_secs(75)));
    assert_eq!((tcp.tcp_keepalive_retries().expect("retries"), tcp.keepalive().expect("an option")), (4, true));
    assert_eq!(errno(tcp.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::ZERO))), EINVAL);

    assert_eq!(tcp.tcp_user_timeout().expect("an option"), None);
    tcp.set_tcp_user_timeout(Some(Duration::from_millis(1500))).expect("an option");
    assert_eq!(tcp.tcp_user_timeout().expect("an option"), Some(Duration::from_millis(1500)));
    tcp.set_tcp_congestion(b"reno").expect("an option");
    assert!(tcp.tcp_congestion().expect("an option").starts_with(b"reno\0"));
    assert_eq!(errno(tcp.set_tcp_congestion(b"nobody's")), ENOENT);
    tcp.set_tcp_notsent_lowat(9000).expect("an option");
    assert_eq!(tcp.tcp_notsent_lowat().expect("an option"), 9000);

    type Flag = (fn(&Socket) -> Result<bool, Error>, fn(&Socket, bool) -> Result<(), Error>);
    let of_tcp: [Flag; 6] = [
        (|it| it.tcp_nodelay(), |it, on| it.set_tcp_nodelay(on)),
        (|it| it.tcp_cork(), |it, on| it.set_tcp_cork(on)),
        (|it| it.tcp_thin_linear_timeouts(), |it, on| it.set_tcp_thin_linear_timeouts(on)),
        (|it| it.reuse_address(), |it, on| it.set_reuse_address(on)),
        (|it| it.reuse_port(), |it, on| it.set_reuse_port(on)),
        (|it| it.freebind_v6(), |it, on| it.set_freebind_v6(on)),
    ];
    of_tcp.iter().for_each(|flag| is_off_until_set(&tcp, flag));
    let udp = server.socket(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    let of_udp: [Flag; 4] = [
        (|it| it.broadcast(), |it, on| it.set_broadcast(on)),
        (|it| it.recv_tos_v4(), |it, on| it.set_recv_tos_v4(on)),
        (|it| it.freebind_v4(), |it, on| it.set_freebind_v4(on)),
        (|it| it.out_of_band_inline(), |it, on| it.set_out_of_band_inline(on)),
    ];
    of_udp.iter().for_each(|flag| is_off_until_set(&udp, flag));

    assert!(udp.multicast_all_v4().expect("an option"));
    assert_eq!(udp.multicast_if_v4().expect("an option"), Ipv4Addr::UNSPECIFIED);
    let IpAddr::V4(ours) = End::V4 else { unreachable!("the story's address") };
    udp.set_multicast_if_v4(&ours).expect("an option");
    assert_eq!(udp.multicast_if_v4().expect("an option"), ours);
    let (source, group) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(232, 1, 1, 1));
    udp.join_ssm_v4(&source, &group, &ours).expect("an option");
    assert_eq!(errno(udp.join_ssm_v4(&source, &group, &ours)), EADDRNOTAVAIL);
    udp.leave_ssm_v4(&source, &group, &ours).expect("an option");
    assert_eq!(errno(udp.leave_ssm_v4(&source, &group, &ours)), EINVAL);
    udp.set_priority(5).expect("an option");
    udp.set_ttl_v4(7).expect("an option");
    assert_eq!((udp.priority().expect("an option"), udp.ttl_v4().expect("an option")), (5, 7));
    assert_ne!(udp.cookie().expect("an option"), tcp.cookie().expect("an option"));

    let udp = server.socket(Domain::IPV6, Type::DGRAM, None).expect("a socket");
    assert!(udp.multicast_all_v6().expect("an option"));
    udp.set_multicast_hops_v6(3).expect("an option");
    assert_eq!((udp.multicast_hops_v6().expect("an option"), udp.multicast_if_v6().expect("an option")), (3, 0));
    let of_udp: [Flag; 3] = [
        (|it| it.recv_tclass_v6(), |it, on| it.set_recv_tclass_v6(on)),
        (|it| it.recv_hoplimit_v6(), |it, on| it.set_recv_hoplimit_v6(on)),
        (|it| it.only_v6(), |it, on| it.set_only_v6(on)),
    ];
    of_udp.iter().for_each(|flag| is_off_until_set(&udp, flag));

    fn is_off_until_set(socket: &Socket, (get, set): &Flag) {
        assert!(!get(socket).expect("an option"));
        set(socket, true).expect("an option");
        assert!(get(socket).expect("an option"));
    }
}

pub(super) fn calls_with_flags(server: &End, client: &End) {
    let there = server.socket(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    there.bind(&any().into()).expect("bind");
    let to = there.local_addr().expect("an address").as_socket().expect("of IP");
    let here = client.socket(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    let to = SocketAddr::new(End::V4, to.port()).into();
    assert_eq!(errno(there.recv_with_flags(&mut [0; 4], MSG_DONTWAIT)), EAGAIN);
    assert_eq!(here.send_to_with_flags(b"hello", &to, MSG_DONTWAIT).expect("send"), 5);
    assert_eq!(there.recv_from_with_flags(&mut [0; 4], MSG_TRUNC | MSG_PEEK).expect("peek").0, 5);
    assert_eq!(there.recv_with_flags(&mut [0; 4], MSG_TRUNC).expect("receive"), 5);
    here.connect(&to).expect("connect");
    assert_eq!(here.send_with_flags(b"again", 0).expect("send"), 5);
    assert_eq!(there.recv_with_flags(&mut [0; 8], 0).expect("receive"), 5);
}

//! What is expected of sockets, whoever's they are.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};

use super::{End, SockRef, Type, net};

/// A port that the host chooses.
fn any() -> SocketAddr {
    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)
}

fn at(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

/// Two ends of a connection, the client's first.
async fn connected(server: &End, client: &End) -> (net::TcpStream, net::TcpStream) {
    let listener = server.listen(any()).await.expect("listen");
    let port = listener.local_addr().expect("an address").port();
    let (connected, accepted) = tokio::join!(client.connect(at(End::V4, port)), listener.accept());
    (connected.expect("connect"), accepted.expect("accept").0)
}

async fn udp_pair(server: &End, client: &End) -> (net::UdpSocket, net::UdpSocket) {
    let there = server.udp(any()).await.expect("bind");
    let here = client.udp(any()).await.expect("bind");
    here.connect(at(End::V4, there.local_addr().expect("an address").port())).await.expect("connect");
    (here, there)
}

fn errno(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// Tries of something that is tried again and again.
const MANY: u32 = 20;

const ENODEV: i32 = 19;
const EPIPE: i32 = 32;
const EDESTADDRREQ: i32 = 89;
const EMSGSIZE: i32 = 90;
const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;
const ECONNRESET: i32 = 104;
const ECONNREFUSED: i32 = 111;

pub(super) async fn bytes_go_both_ways(server: End, client: End) {
    let (mut here, mut there) = connected(&server, &client).await;
    let mut room = [0; 16];
    here.write_all(b"hello").await.expect("write");
    there.read_exact(&mut room[..5]).await.expect("read");
    assert_eq!(&room[..5], b"hello");
    there.write_all(b"and you").await.expect("write");
    here.read_exact(&mut room[..7]).await.expect("read");
    assert_eq!(&room[..7], b"and you");
}

pub(super) async fn nobody_listens(server: End, client: End) {
    let listener = server.listen(any()).await.expect("listen");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let refused = client.connect(at(End::V4, port)).await.expect_err("nobody is there");
    assert_eq!((refused.kind(), errno(&refused)), (ErrorKind::ConnectionRefused, ECONNREFUSED));
}

pub(super) async fn half_a_close(server: End, client: End) {
    let (mut here, mut there) = connected(&server, &client).await;
    here.write_all(b"all I have").await.expect("write");
    here.shutdown().await.expect("shutdown");
    let mut all = Vec::new();
    there.read_to_end(&mut all).await.expect("read");
    assert_eq!(all, b"all I have");
    assert_eq!(errno(&here.write(b"more").await.expect_err("writing has ended")), EPIPE);
    there.write_all(b"an answer").await.expect("write");
    drop(there);
    all.clear();
    here.read_to_end(&mut all).await.expect("read");
    assert_eq!(all, b"an answer");
}

pub(super) async fn what_was_unread_resets(server: End, client: End) {
    let (mut here, there) = connected(&server, &client).await;
    here.write_all(b"unread").await.expect("write");
    there.readable().await.expect("readable");
    drop(there);
    let reset = here.read(&mut [0; 9]).await.expect_err("reset");
    assert_eq!((reset.kind(), errno(&reset)), (ErrorKind::ConnectionReset, ECONNRESET));
    assert_eq!(here.read(&mut [0; 9]).await.expect("the error is told once"), 0);
}

pub(super) async fn linger_zero_resets(server: End, client: End) {
    let (mut here, there) = connected(&server, &client).await;
    there.set_zero_linger().expect("an option");
    assert_eq!(there.linger().expect("an option"), Some(Duration::ZERO));
    drop(there);
    assert_eq!(errno(&here.read(&mut [0; 9]).await.expect_err("reset")), ECONNRESET);
}

pub(super) async fn peeking_takes_nothing(server: End, client: End) {
    let (mut here, mut there) = connected(&server, &client).await;
    here.write_all(b"hello").await.expect("write");
    let mut room = [0; 5];
    assert_eq!(there.peek(&mut room[..3]).await.expect("peek"), 3);
    assert_eq!(&room[..3], b"hel");
    there.read_exact(&mut room).await.expect("read");
    assert_eq!(&room, b"hello");
}

pub(super) async fn shut_for_reading(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    let (mut read, write) = there.into_split();
    drop(write);
    let (mut ours, _keep) = here.into_split();
    assert_eq!(ours.read(&mut [0; 9]).await.expect("the end"), 0);
    assert!(read.try_read(&mut [0; 9]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    drop(_keep);
    assert_eq!(read.read(&mut [0; 9]).await.expect("the end"), 0);
}

pub(super) async fn writing_after_the_reset_is_a_broken_pipe(server: End, client: End) {
    let (mut here, there) = connected(&server, &client).await;
    there.set_zero_linger().expect("an option");
    drop(there);
    here.readable().await.expect("readable");
    assert_eq!(errno(&here.write(b"x").await.expect_err("reset")), ECONNRESET);
    assert_eq!(errno(&here.write(b"x").await.expect_err("no more")), EPIPE);
    assert!(here.take_error().expect("an option").is_none());
}

pub(super) async fn a_connection_waits_for_its_accept(server: End, client: End) {
    let listener = server.listen(any()).await.expect("listen");
    let to = at(End::V4, listener.local_addr().expect("an address").port());
    let mut first = client.connect(to).await.expect("connect");
    let second = client.connect(to).await.expect("connect");
    first.write_all(b"early").await.expect("write");
    let (mut accepted, from) = listener.accept().await.expect("accept");
    assert_eq!(from, first.local_addr().expect("an address"));
    let mut room = [0; 5];
    accepted.read_exact(&mut room).await.expect("read");
    assert_eq!(&room, b"early");
    assert_eq!(listener.accept().await.expect("accept").1, second.local_addr().expect("an address"));
}

pub(super) async fn accepted_after_the_client_has_gone(server: End, client: End) {
    let listener = server.listen(any()).await.expect("listen");
    let mut gone = client.connect(at(End::V4, listener.local_addr().expect("an address").port())).await.expect("connect");
    gone.write_all(b"bye").await.expect("write");
    drop(gone);
    let (mut accepted, _) = listener.accept().await.expect("accept");
    let mut all = Vec::new();
    accepted.read_to_end(&mut all).await.expect("read");
    assert_eq!(all, b"bye");
}

pub(super) async fn a_port_in_use(server: End, _: End) {
    let listener = server.listen(any()).await.expect("listen");
    let taken = listener.local_addr().expect("an address");
    assert_eq!(errno(&server.listen(taken).await.expect_err("taken")), EADDRINUSE);
    let socket = server.udp(any()).await.expect("bind");
    let taken = socket.local_addr().expect("an address");
    assert_eq!(errno(&server.udp(taken).await.expect_err("taken")), EADDRINUSE);
}

pub(super) async fn an_address_that_is_not_ours(server: End, _: End) {
    let addr = at(End::NOT_OURS, 80);
    let unavailable = server.listen(addr).await.expect_err("not ours");
    assert_eq!((unavailable.kind(), errno(&unavailable)), (ErrorKind::AddrNotAvailable, EADDRNOTAVAIL));
    assert_eq!(errno(&server.udp(addr).await.expect_err("not ours")), EADDRNOTAVAIL);
}

pub(super) async fn options_are_kept(server: End, client: End) {
    let (here, _there) = connected(&server, &client).await;
    assert!(!here.nodelay().expect("an option"));
    here.set_nodelay(true).expect("an option");
    assert!(here.nodelay().expect("an option"));
    here.set_ttl(17).expect("an option");
    assert_eq!(here.ttl().expect("an option"), 17);
    assert!(here.set_ttl(256).is_err_and(|error| errno(&error) == 22));
    assert_eq!(here.linger().expect("an option"), None);
    let socket = client.tcp().expect("a socket");
    socket.set_send_buffer_size(20_000).expect("an option");
    assert_eq!(socket.send_buffer_size().expect("an option"), 40_000);
    socket.set_recv_buffer_size(30_000).expect("an option");
    assert_eq!(socket.recv_buffer_size().expect("an option"), 60_000);
    socket.set_keepalive(true).expect("an option");
    assert!(socket.keepalive().expect("an option") && !socket.reuseaddr().expect("an option"));
    let socket = server.udp(any()).await.expect("bind");
    socket.set_broadcast(true).expect("an option");
    assert!(socket.broadcast().expect("an option") && socket.multicast_loop_v4().expect("an option"));
}

pub(super) async fn trying_would_block(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    assert!(here.try_read(&mut [0; 9]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    assert_eq!(there.try_write(b"hello").expect("there is room"), 5);
    here.readable().await.expect("readable");
    let mut into = Vec::with_capacity(16);
    assert_eq!(here.try_read_buf(&mut into).expect("it is there"), 5);
    assert_eq!(into, b"hello");
    let udp = server.udp(any()).await.expect("bind");
    assert!(udp.try_recv(&mut [0; 9]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
}

pub(super) async fn readiness_is_told(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    let ready = here.ready(Interest::READABLE | Interest::WRITABLE).await.expect("ready");
    assert!(ready.is_writable() && !ready.is_readable());
    there.try_write(b"x").expect("there is room");
    assert!(here.ready(Interest::READABLE).await.expect("ready").is_readable());
    drop(there);
    let closed = async {
        while !here.ready(Interest::READABLE).await.expect("ready").is_read_closed() {
            tokio::task::yield_now().await;
        }
    };
    closed.await;
}

pub(super) async fn two_tasks_wait_for_one_socket(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    let mut room = [0; 1];
    let all = async { tokio::join!(here.readable(), here.readable(), here.peek(&mut room)) };
    let (all, _) = tokio::join!(all, async {
        tokio::task::yield_now().await;
        there.try_write(b"x").expect("there is room")
    });
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok_and(|len| len == 1));
}

pub(super) async fn halves_are_reunited(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    let (read, write) = here.into_split();
    let (other_read, other_write) = there.into_split();
    let wrong = read.reunite(other_write).expect_err("halves of two");
    let here = wrong.0.reunite(write).expect("halves of one");
    let there = other_read.reunite(wrong.1).expect("halves of one");
    assert_eq!(here.try_write(b"still open").expect("open"), 10);
    there.readable().await.expect("readable");
    assert_eq!(there.try_read(&mut [0; 16]).expect("open"), 10);
}

pub(super) async fn a_dropped_half_ends_writing(server: End, client: End) {
    let (here, mut there) = connected(&server, &client).await;
    let (mut read, write) = here.into_split();
    drop(write);
    assert_eq!(there.read(&mut [0; 9]).await.expect("the end"), 0);
    there.write_all(b"I go on").await.expect("write");
    drop(there);
    let mut all = Vec::new();
    read.read_to_end(&mut all).await.expect("read");
    assert_eq!(all, b"I go on");
}

pub(super) async fn vectored_writes(server: End, client: End) {
    let (mut here, mut there) = connected(&server, &client).await;
    assert!(tokio::io::AsyncWrite::is_write_vectored(&here));
    let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(here.write_vectored(&pieces).await.expect("write"), 7);
    let mut room = [0; 7];
    there.read_exact(&mut room).await.expect("read");
    assert_eq!(&room, b"one two");
}

pub(super) async fn a_full_buffer_holds_the_writer(server: End, client: End) {
    let (here, mut there) = connected(&server, &client).await;
    let mut written = 0;
    while let Ok(len) = here.try_write(&vec![7; 65_536]) {
        written += len;
    }
    let write = async {
        here.writable().await.expect("writable");
        here.try_write(&[7; 1]).expect("there is room")
    };
    let read = async {
        let mut room = vec![0; 65_536];
        let mut read = 0;
        while read < written {
            read += there.read(&mut room).await.expect("read");
        }
        read
    };
    let (one, read) = tokio::join!(write, read);
    assert!((written..=written + one).contains(&read));
}

pub(super) async fn names_of_both_ends(server: End, client: End) {
    let (here, there) = connected(&server, &client).await;
    assert_eq!(here.local_addr().expect("an address"), there.peer_addr().expect("an address"));
    assert_eq!(here.peer_addr().expect("an address"), there.local_addr().expect("an address"));
    let unconnected = client.udp(any()).await.expect("bind");
    assert_eq!(unconnected.peer_addr().expect_err("not connected").kind(), ErrorKind::NotConnected);
}

pub(super) async fn empty_datagrams(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    assert_eq!(here.send(b"").await.expect("send"), 0);
    assert_eq!(here.send(b"x").await.expect("send"), 1);
    let mut room = [0; 9];
    let (len, from) = there.recv_from(&mut room).await.expect("receive");
    assert_eq!((len, from.port()), (0, here.local_addr().expect("an address").port()));
    assert_eq!(there.recv(&mut room).await.expect("receive"), 1);
}

pub(super) async fn long_datagrams_are_cut(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    here.send(b"0123456789").await.expect("send");
    here.send(b"next").await.expect("send");
    let mut room = [0; 4];
    assert_eq!(there.recv(&mut room).await.expect("receive"), 4);
    assert_eq!(&room, b"0123");
    assert_eq!(there.recv(&mut room).await.expect("receive"), 4);
    assert_eq!(&room, b"next");
    here.send(b"once more").await.expect("send");
    let mut fixed = &mut room[..];
    assert_eq!(there.recv_buf(&mut fixed).await.expect("receive"), 4);
    assert_eq!(&room, b"once");
    here.send(b"twice more").await.expect("send");
    let mut fixed = &mut room[..];
    let (len, from) = there.recv_buf_from(&mut fixed).await.expect("receive");
    assert_eq!((len, from.port()), (4, here.local_addr().expect("an address").port()));
    assert_eq!(&room, b"twic");
    let nothing = there.try_recv_buf_from(&mut &mut room[..]);
    assert!(nothing.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
}

pub(super) async fn an_interface_is_bound_to_by_name(server: End, _: End) {
    let socket = server.udp(any()).await.expect("bind");
    assert_eq!(socket.device().expect("an option"), None);
    assert_eq!(errno(&socket.bind_device(Some(b"nosuch0")).expect_err("no such interface")), ENODEV);
    socket.bind_device(None).expect("nothing to do");
}

pub(super) async fn a_datagram_too_long_is_refused(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    assert_eq!(errno(&here.send(&vec![0; 65_508]).await.expect_err("too long")), EMSGSIZE);
    assert_eq!(here.send(&vec![1; 60_000]).await.expect("in fragments"), 60_000);
    assert_eq!(there.recv(&mut vec![0; 65_536]).await.expect("receive"), 60_000);
}

pub(super) async fn connected_datagrams(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    here.send(b"ask").await.expect("send");
    let mut room = [0; 9];
    let (len, from) = there.recv_from(&mut room).await.expect("receive");
    assert_eq!(&room[..len], b"ask");
    let stranger = server.udp(any()).await.expect("bind");
    stranger.send_to(b"not yours", from).await.expect("send");
    there.send_to(b"answer", from).await.expect("send");
    let len = here.recv(&mut room).await.expect("receive");
    assert_eq!(&room[..len], b"answer", "a connected socket hears only its peer");
}

pub(super) async fn peeked_datagrams(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    here.send(b"look").await.expect("send");
    let port = here.local_addr().expect("an address").port();
    let mut room = [0; 9];
    assert_eq!(there.peek_from(&mut room).await.map(|(len, from)| (len, from.port())).expect("peek"), (4, port));
    assert_eq!(there.peek_sender().await.expect("peek").port(), port);
    assert_eq!(poll_fn(|cx| there.poll_peek_sender(cx)).await.expect("peek").port(), port);
    assert_eq!(there.recv(&mut room).await.expect("receive"), 4);
}

pub(super) async fn nobody_takes_datagrams(server: End, client: End) {
    let (here, there) = udp_pair(&server, &client).await;
    drop(there);
    here.send(b"anybody?").await.expect("send");
    assert_eq!(errno(&here.recv(&mut [0; 9]).await.expect_err("nobody")), ECONNREFUSED);
}

pub(super) async fn no_destination(_: End, client: End) {
    let socket = client.udp(any()).await.expect("bind");
    assert_eq!(errno(&socket.send(b"where to?").await.expect_err("nowhere")), EDESTADDRREQ);
}

pub(super) async fn unix_streams(server: End, _: End) {
    let (mut here, mut there) = server.unix_pair().expect("a pair");
    here.write_all(b"hello").await.expect("write");
    here.shutdown().await.expect("shutdown");
    let mut all = Vec::new();
    there.read_to_end(&mut all).await.expect("read");
    assert_eq!(all, b"hello");
    assert!(here.local_addr().expect("an address").is_unnamed());
    drop(here);
    assert_eq!(errno(&there.write(b"x").await.expect_err("gone")), EPIPE);
}

pub(super) async fn unix_datagrams_keep_their_boundaries(server: End, _: End) {
    let (here, there) = server.unix_datagrams().expect("a pair");
    for message in [&b"one"[..], b"", b"three"] {
        assert_eq!(here.send(message).await.expect("send"), message.len());
    }
    let mut room = [0; 9];
    assert_eq!(there.recv(&mut room).await.expect("receive"), 3);
    assert_eq!(there.recv(&mut room).await.expect("receive"), 0);
    assert_eq!(there.recv(&mut room[..2]).await.expect("receive"), 2);
    assert!(there.try_recv(&mut room).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    here.send(b"cut").await.expect("send");
    let (len, from) = there.recv_buf_from(&mut &mut room[..2]).await.expect("receive");
    assert_eq!((len, from.is_unnamed()), (2, true));
    assert!(there.try_recv_buf(&mut &mut room[..]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    here.send(&vec![7; 100_000]).await.expect("send");
    let mut long = Vec::with_capacity(150_000);
    assert_eq!(there.recv_buf(&mut long).await.expect("receive"), 100_000);
    assert_eq!(long, vec![7; 100_000]);
}

/// A name that no file has.
fn abstract_name(what: &str) -> PathBuf {
    format!("\0loggia-{}-{what}", std::process::id()).into()
}

pub(super) async fn unix_datagrams_by_name(server: End, _: End) {
    // A path, for tokio's `poll_send_to` takes no abstract names; on the machine it is a file.
    let name = std::env::temp_dir().join(format!("loggia-{}-datagrams", std::process::id()));
    let [here, there] = [(); 2].map(|()| server.unix_socket(true).expect("a socket"));
    there.bind(&name).expect("bind");
    let [here, there] = [here, there].map(|socket| socket.datagram().expect("a datagram socket"));
    assert_eq!(poll_fn(|cx| here.poll_send_to(cx, b"polled", &name)).await.expect("send"), 6);
    let mut room = [0; 9];
    let mut buf = ReadBuf::new(&mut room);
    poll_fn(|cx| there.poll_recv_ready(cx)).await.expect("ready");
    let from = poll_fn(|cx| there.poll_recv_from(cx, &mut buf)).await.expect("receive");
    assert!(from.is_unnamed());
    assert_eq!(buf.filled(), b"polled");
    poll_fn(|cx| here.poll_send_ready(cx)).await.expect("ready");
    // Ours is no file.
    let _ = std::fs::remove_file(&name);
}

pub(super) async fn unix_sockets_become_what_they_are_for(server: End, _: End) {
    let name = abstract_name("streams");
    let socket = server.unix_socket(false).expect("a socket");
    socket.bind(&name).expect("bind");
    let listener = socket.listen(5).expect("listen");
    let mut here = server.unix_socket(false).expect("a socket").connect(&name).await.expect("connect");
    let (mut there, _) = listener.accept().await.expect("accept");
    here.write_all(b"x").await.expect("write");
    assert_eq!(there.read_u8().await.expect("read"), b'x');
    assert!(server.unix_socket(true).expect("a socket").connect(&name).await.is_err());
    assert!(server.unix_socket(true).expect("a socket").listen(1).is_err());
    assert!(server.unix_socket(false).expect("a socket").datagram().is_err());
}

/// What the other facade has made, with options that tokio has none of.
pub(super) async fn sockets_of_the_other_facade(server: End, client: End) {
    let made = server.socket(Type::STREAM).expect("a socket");
    made.bind(&any().into()).expect("bind");
    made.listen(8).expect("listen");
    made.set_nonblocking(true).expect("a mode");
    let listener = net::TcpListener::from_std(made.into()).expect("a listener");
    let port = listener.local_addr().expect("an address").port();

    let made = client.socket(Type::STREAM).expect("a socket");
    made.set_nonblocking(true).expect("a mode");
    let connecting = net::TcpSocket::from_std_stream(made.into()).connect(at(End::V4, port));
    let (here, accepted) = tokio::join!(connecting, listener.accept());
    let (mut here, (there, _)) = (here.expect("connect"), accepted.expect("accept"));

    // A handle of the same socket, in the mode of tasks.
    let mut other = there.into_std().expect("a socket that waits");
    assert_eq!(other.read(&mut [0]).expect_err("nothing yet").kind(), ErrorKind::WouldBlock);
    let clone = other.try_clone().expect("a handle");
    let mut there = net::TcpStream::from_std(clone).expect("a stream");
    here.write_all(b"hello").await.expect("write");
    there.readable().await.expect("readable");
    let mut room = [0; 3];
    assert_eq!(other.read(&mut room).expect("read"), 3);
    drop(other);
    there.read_exact(&mut room[..2]).await.expect("the other handle is open still");
    assert_eq!(&room, b"lol");
    drop(there);
    assert_eq!(here.read(&mut room).await.expect("the end"), 0, "with the last handle");
}

/// A socket of tasks looked at as one of any kind, for the options that tokio has no name for.
pub(super) async fn options_by_a_look(server: End, client: End) {
    let udp = client.udp(any()).await.expect("bind");
    SockRef::from(&udp).set_recv_buffer_size(10_000).expect("an option");
    assert_eq!(SockRef::from(&udp).recv_buffer_size().expect("an option"), 20_000);
    udp.local_addr().expect("it is open still");
    let (here, there) = connected(&server, &client).await;
    let (reading, writing) = here.into_split();
    SockRef::from(AsRef::<net::TcpStream>::as_ref(&writing)).set_keepalive(true).expect("an option");
    assert!(SockRef::from(AsRef::<net::TcpStream>::as_ref(&reading)).keepalive().expect("an option"));
    assert!(!SockRef::from(&there).keepalive().expect("an option"));
    assert_eq!(there.local_addr().expect("an address"), reading.peer_addr().expect("an address"));
}

/// Work that would have to wait for reasons of its own, though the socket is ready, is tried again when something comes, and not before.
pub(super) async fn work_that_does_not_take_what_is_there(server: End, client: End) {
    let (here, mut there) = connected(&server, &client).await;
    there.write_all(b"a").await.expect("write");
    let tries = AtomicU32::new(0);
    let work = here.async_io(Interest::READABLE, || match tries.fetch_add(1, Ordering::Relaxed) {
        last if last + 1 == MANY => Ok(last),
        _ => Err(ErrorKind::WouldBlock.into()),
    });
    let mut work = std::pin::pin!(work);
    let soon = Duration::from_millis(50);
    tokio::time::timeout(soon, &mut work).await.expect_err("it waits");
    let before = tries.load(Ordering::Relaxed);
    assert!((1..MANY / 2).contains(&before), "{before} tries while nothing came");
    for _ in before..MANY {
        there.write_all(b"b").await.expect("write");
        if tokio::time::timeout(soon, &mut work).await.is_ok() {
            return;
        }
    }
    panic!("{} tries", tries.load(Ordering::Relaxed));
}

//! What only our sockets for tasks have: those that answer in the name of others, and a wait for room in a backlog.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use loggia::net::{Domain, SockAddr, Socket, Type};
use loggia::tokio::net::{TcpListener, TcpStream, UdpGate, UnixStream};
use loggia::tokio::shutdown;
use loggia::{Host, net};
use tokio::io::AsyncReadExt;

use turns::Turns;

#[path = "../common/turns.rs"]
mod turns;

#[test]
fn nobody_elses_datagram_comes_between_a_name_and_its_peer() {
    let (turns, host) = Turns::new();
    let addr = |at: &str| at.parse::<SocketAddr>().expect("an address");
    let (to, from) = (addr("127.0.0.1:1000"), addr("127.0.0.1:2000"));
    let gate = UdpGate::bind_on(&host, "0.0.0.0".parse().expect("an address")).expect("bind");
    let peer = net::UdpSocket::bind_on(&host, from).expect("bind");
    let stranger = net::UdpSocket::bind_on(&host, "127.0.0.1:3000").expect("bind");
    turns.in_between(move || stranger.send_to(b"to whoever has it", to).is_ok());
    let socket = gate.answering(from, to).expect("a socket");
    turns.in_between(|| false);
    let mut room = [0; 64];
    assert_eq!(socket.try_recv(&mut room).expect_err("they went to the gate").kind(), ErrorKind::WouldBlock);
    peer.send_to(b"from its peer", to).expect("send");
    assert_eq!(socket.try_recv(&mut room).expect("it has come"), 13);
}

#[tokio::test]
async fn a_full_backlog_is_waited_for() {
    let host = Host::builder().start().expect("a host");
    let listener = Socket::new_on(&host, Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&SockAddr::unix("\0there").expect("a name")).expect("bind");
    listener.listen(0).expect("listen");
    let _first = UnixStream::connect_on(&host, "\0there").await.expect("there is room for one");
    let second = tokio::spawn({
        let host = host.clone();
        async move { UnixStream::connect_on(&host, "\0there").await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    listener.accept().expect("accept");
    second.await.expect("no panic").expect("there is room again");
    let third = tokio::spawn(async move { UnixStream::connect_on(&host, "\0there").await.map(drop) });
    tokio::task::yield_now().await;
    drop(listener);
    assert_eq!(third.await.expect("no panic").expect_err("nobody listens any more").kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_task_awaits_the_end_of_a_host_whose_data_it_reads_itself() {
    let hosts = crate::hosts();
    let listener = TcpListener::bind_on(&hosts[1], crate::SERVER).await.expect("bind");
    let here = TcpStream::connect_on(&hosts[0], crate::SERVER).await.expect("connect");
    let (mut there, _) = listener.accept().await.expect("accept");
    let mut written = 0;
    while let Ok(len) = here.try_write(&[7; 8192]) {
        written += len;
    }
    let mut all = Vec::new();
    // Both on one thread: the end must not hold it.
    let (ended, read) = tokio::join!(shutdown(&hosts[0], Duration::from_secs(60)), there.read_to_end(&mut all));
    ended.expect("all of it has left");
    read.expect("all of it has come");
    assert_eq!(all.len(), written);
    assert!(hosts[0].is_over() && !hosts[1].is_over());
}

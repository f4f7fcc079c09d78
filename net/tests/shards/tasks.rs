//! Tasks that wait at all shards.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use loggia::tokio::net::{TcpStream, UdpSocket};
use loggia::tokio::shards;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::memory::{hosts, shards_with};
use crate::{SHARDS, pattern};

fn run(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime").block_on(story);
}

#[test]
fn connections_are_accepted_from_all_shards() {
    const COUNT: usize = 40;
    run(async {
        let (many, single) = hosts();
        let listener = shards::TcpListener::bind_on(&many, "10.0.0.1:0").await.expect("bind");
        let to = listener.local_addr().expect("an address");
        let serve = tokio::spawn(async move {
            for number in 0..COUNT {
                let accepted =
                    if number % 2 == 0 { listener.accept().await } else { poll_fn(|cx| listener.poll_accept(cx)).await };
                let (mut stream, _) = accepted.expect("accept");
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    tokio::io::copy(&mut reader, &mut writer).await.expect("an echo");
                });
            }
        });
        for _ in 0..COUNT {
            let mut stream = TcpStream::connect_on(&single, to).await.expect("connect");
            stream.write_all(&pattern(2000)).await.expect("write");
            stream.shutdown().await.expect("shutdown");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.expect("read");
            assert!(all == pattern(2000));
        }
        serve.await.expect("no panic");
        assert_eq!(shards_with(&many, "PassiveOpens"), SHARDS, "each has its share");
    });
}

#[test]
fn who_gives_up_waiting_at_all_shards_takes_nothing_away() {
    run(async {
        let (many, single) = hosts();
        let listener = shards::TcpListener::bind_on(&many, "10.0.0.1:7").await.expect("bind");
        for _ in 0..3 * SHARDS {
            let given_up = std::pin::pin!(listener.accept()).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(given_up, Poll::Pending), "nobody has connected");
            let (here, there) = tokio::join!(TcpStream::connect_on(&single, "10.0.0.1:7"), listener.accept());
            let (here, (there, from)) = (here.expect("connect"), there.expect("accept"));
            assert_eq!((here.local_addr().expect("its end"), there.peer_addr().expect("its end")), (from, from));
        }
    });
}

#[test]
fn datagrams_are_received_from_all_shards_and_answered_by_theirs() {
    const COUNT: usize = 40;
    run(async {
        let (many, single) = hosts();
        let server = shards::UdpSocket::bind_on(&many, "10.0.0.1:53").await.expect("bind");
        let serve = tokio::spawn(async move {
            let mut room = [0; 100];
            for _ in 0..COUNT {
                let (len, from) = server.recv_from(&mut room).await.expect("a question");
                server.send_to(&room[..len], from).await.expect("send");
            }
        });
        for number in 0..COUNT {
            let client = UdpSocket::bind_on(&single, "0.0.0.0:0").await.expect("bind");
            client.send_to(&[number as u8; 9], "10.0.0.1:53").await.expect("send");
            let mut room = [0; 100];
            let (len, from) = client.recv_from(&mut room).await.expect("an answer");
            assert_eq!((&room[..len], from), (&[number as u8; 9][..], "10.0.0.1:53".parse().expect("an address")));
        }
        serve.await.expect("no panic");
        assert_eq!(shards_with(&many, "InDatagrams"), SHARDS, "each has its share");
    });
}

//! Tasks that wait at all shards.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use loggia::tokio::net::{TcpStream, UdpSocket};
use loggia::tokio::shards;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::memory::{hosts, shards_with};
use crate::{SHARDS, pattern};

fn run(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime").block_on(story);
}

/// Whether somebody was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Woken {
    /// Waits for it.
    async fn was(&self) {
        while !self.0.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
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
            let [first, second] = [(); 2].map(|()| Arc::new(Woken::default()));
            let (mut gives_up, mut stays) = (Box::pin(listener.accept()), Box::pin(listener.accept()));
            for (waits, woken) in [(&mut gives_up, &first), (&mut stays, &second)] {
                let waker = Waker::from(woken.clone());
                assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "nobody has connected");
            }
            let here = TcpStream::connect_on(&single, "10.0.0.1:7").await.expect("connect");
            first.was().await;
            // It has been told, and does not look any more: what it was told of is there for the other, who is told as well.
            drop(gives_up);
            second.was().await;
            let (there, from) = stays.await.expect("accept");
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

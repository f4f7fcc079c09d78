//! Programs in virtual time.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loggia::Host;
use loggia::time::{interval, sleep, timeout};
use loggia::tokio::net::{TcpListener, TcpStream, UdpSocket};
use loggia_lab::link::{Chance, Fate, Loss, Terms};
use loggia_lab::observe::{Observer, PipeId, Seen};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Instant, Seed};
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;
use loggia_stack::network::autoconf::LinkSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::paused::{Outcome, run};
use super::shared::{Clock, Shared};

/// Two hosts, `a` (10.0.0.1) and `b` (10.0.0.2), on a link.
fn pair(seed: u64, terms: &Terms, observer: Option<Box<dyn Observer>>) -> (Arc<Shared>, [Host; 2]) {
    let mut world = World::new(Seed::from(seed));
    if let Some(observer) = observer {
        world.observe(observer);
    }
    let ends = [("a", 1), ("b", 2)].map(|(name, last)| end(&mut world, name, last));
    world.connect("wan", ends, [terms.clone(), terms.clone()]);
    let lookup = |_, name: &str| match name {
        "a" => vec![Addr::v4(10, 0, 0, 1)],
        "b" => vec![Addr::v4(10, 0, 0, 2)],
        _ => vec![],
    };
    let shared = Shared::new(world, Clock::Virtual, Box::new(lookup));
    let hosts = [0, 1].map(|id| shared.host(HostId(id)));
    (shared, hosts)
}

fn end(world: &mut World, name: &str, last: u8) -> End {
    let mut config = Config::default();
    config.network.ipv6.link_defaults = LinkSettings::MANUAL;
    let host = world.add_host(name, config);
    let config = PortConfig { name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, last]), mtu: 1500, frames: Frames::Packets };
    let port = world.add_port(host, &config).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    world.stack(host).add_address(link, Cidr::new(Addr::v4(10, 0, 0, last), 24)).expect("an address");
    world.settle(host);
    End::Host { host, port }
}

fn wan(millis: u64, loss: f64) -> Terms {
    let chance = Chance { probability: loss, correlation: 0.0 };
    let loss = (loss > 0.0).then_some(Loss::Independent(chance));
    Terms { delay: Duration::from_millis(millis), loss, ..Terms::default() }
}

const LONG: Instant = Instant::from_secs(3600);

async fn echo(host: Host) -> std::io::Result<()> {
    let listener = TcpListener::bind_on(&host, "0.0.0.0:7").await?;
    let (mut stream, _) = listener.accept().await?;
    let (mut from, mut to) = stream.split();
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

#[test]
fn a_round_trip_takes_what_the_link_says() {
    let (shared, [a, b]) = pair(1, &wan(20, 0.0), None);
    let outcome = run(&shared, LONG, || (), async {
        tokio::spawn(echo(b));
        let mut stream = TcpStream::connect_on(&a, "b:7").await.expect("connect");
        assert_eq!(a.now().millis(), 80, "ARP and the handshake");
        stream.write_all(b"hello").await.expect("write");
        let mut room = [0; 5];
        stream.read_exact(&mut room).await.expect("read");
        assert_eq!((&room, a.now().millis()), (b"hello", 120));
        stream.shutdown().await.expect("shutdown");
        assert_eq!(stream.read(&mut room).await.expect("the end"), 0);
    });
    assert_eq!(outcome.expect("a runtime"), Outcome::Done(()));
}

#[test]
fn time_passes_only_when_everybody_waits() {
    let (shared, [a, b]) = pair(1, &Terms::default(), None);
    let outcome = run(&shared, LONG, || (), async {
        sleep(&a, Duration::from_secs(1000)).await;
        assert_eq!(a.now(), Instant::from_secs(1000));
        let mut ticks = interval(&a, Duration::from_millis(10));
        for n in 0..5 {
            assert_eq!(ticks.tick().await, Instant::from_secs(1000) + Duration::from_millis(n * 10));
        }
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(20))).await.expect("a thread");
        assert_eq!(b.now(), Instant::from_secs(1000) + Duration::from_millis(40));
        let socket = UdpSocket::bind_on(&b, "10.0.0.2:9").await.expect("bind");
        let nothing = timeout(&b, Duration::from_secs(2), socket.recv(&mut [0; 9])).await;
        assert!(nothing.is_err());
        assert_eq!(b.now(), Instant::from_secs(1002) + Duration::from_millis(40));
    });
    assert_eq!(outcome.expect("a runtime"), Outcome::Done(()));
}

#[test]
fn who_waits_for_nothing_is_stuck_and_who_waits_too_long_is_late() {
    let (shared, [a, _]) = pair(1, &Terms::default(), None);
    let stuck = run(&shared, Instant::NEVER, || (), std::future::pending::<()>());
    assert_eq!(stuck.expect("a runtime"), Outcome::Stuck);
    let late = run(&shared, LONG, || (), async { sleep(&a, Duration::from_secs(7200)).await });
    assert_eq!(late.expect("a runtime"), Outcome::Deadline);
    assert_eq!(a.now(), LONG);
}

/// All frames and fates in one number.
pub(crate) struct Digest {
    hasher: DefaultHasher,
    result: Arc<Mutex<u64>>,
}

impl Digest {
    /// One that writes what it has to say there.
    pub(crate) fn new(result: Arc<Mutex<u64>>) -> Self {
        Self { hasher: DefaultHasher::new(), result }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        *self.result.lock().expect("nobody panics") = self.hasher.finish();
    }
}

impl Observer for Digest {
    fn frame(&mut self, seen: &Seen<'_>) {
        self.add(format!("{} {:?} {:?}", seen.at, seen.host, seen.direction).as_bytes());
        self.add(seen.frame.head());
        self.add(&seen.frame.body.to_vec());
    }

    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        self.add(format!("{pipe:?} {fate:?}").as_bytes());
    }
}

/// Eight clients at once send and get 100 kB each over a lossy link; gives the digest.
fn busy(seed: u64) -> u64 {
    let result = Arc::new(Mutex::new(0));
    let (shared, [a, b]) = pair(seed, &wan(20, 0.02), Some(Box::new(Digest::new(result.clone()))));
    let moved = Arc::new(AtomicU64::new(0));
    let outcome = run(&shared, LONG, || (), async {
        let listener = TcpListener::bind_on(&b, "0.0.0.0:7").await.expect("bind");
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accept");
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        let clients: Vec<_> = (0..8).map(|n| tokio::spawn(client(a.clone(), n, moved.clone()))).collect();
        for client in clients {
            client.await.expect("a client");
        }
    });
    assert_eq!(outcome.expect("a runtime"), Outcome::Done(()));
    assert_eq!(moved.load(Ordering::Relaxed), 800_000);
    *result.lock().expect("nobody panics")
}

async fn client(host: Host, n: u8, moved: Arc<AtomicU64>) {
    let stream = TcpStream::connect_on(&host, "b:7").await.expect("connect");
    let (mut from, mut to) = stream.into_split();
    tokio::spawn(async move { to.write_all(&vec![n; 100_000]).await });
    let mut all = Vec::new();
    from.read_to_end(&mut all).await.expect("read");
    assert!(all.iter().all(|byte| *byte == n));
    moved.fetch_add(all.len() as u64, Ordering::Relaxed);
}

#[test]
fn the_same_seed_gives_the_same_frames_and_another_others() {
    let first = busy(7);
    assert_eq!(first, busy(7));
    assert_ne!(first, busy(8));
}

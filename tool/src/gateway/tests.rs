//! A program's host and the one that stands for the machine, on a link, in real time; the machine's side is this machine's loopback.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use loggia::Host;
use loggia::tokio::net::{TcpListener, TcpStream, UdpSocket};
use loggia_lab::file::Protocol;
use loggia_lab::link::Terms;
use loggia_lab::plan::{MACHINE_V4, MACHINE_V6};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Instant, Seed};
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;
use loggia_stack::network::autoconf::LinkSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::AbortHandle;

use super::relay::MOST;
use super::{IDLE, Machine, Notes, Publication, Uplink};
use crate::engine::shared::{Clock, Shared};

/// The program's host (10.0.0.1, fd00::1), the machine's (10.0.0.2, fd00::2), and who drives them.
struct Lab {
    program: Host,
    machine: Host,
    driver: Option<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new(Seed::from(1));
        let ends = [("program", 1), ("machine", 2)].map(|(name, last)| end(&mut world, name, last));
        let terms = Terms { delay: Duration::from_millis(1), ..Terms::default() };
        world.connect("wan", ends, [terms.clone(), terms]);
        let shared = Shared::new(world, Clock::Real(std::time::Instant::now()), Box::new(|_, _| Vec::new()));
        let [program, machine] = [0, 1].map(|id| shared.host(HostId(id)));
        let over = Arc::new(AtomicBool::new(false));
        let ended = over.clone();
        let driver = thread::spawn(move || drive(&shared, &ended));
        Self { program, machine, driver: Some(driver), over }
    }

    fn open_uplink(&self) -> AbortHandle {
        let uplink = Uplink::open(self.machine.clone()).expect("gates");
        let serving = tokio::spawn(uplink.serve(Machine::new(), IDLE, silence()));
        serving.abort_handle()
    }

    /// Publishes a port of the program's host; says where on the machine.
    fn publish(&self, protocol: Protocol, port: u16) -> SocketAddr {
        let publication = Publication::take(loopback(), protocol).expect("a free port");
        let at = publication.local_addr().expect("an address");
        tokio::spawn(publication.serve(self.machine.clone(), SocketAddr::new([10, 0, 0, 1].into(), port), IDLE, silence()));
        at
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(driver) = self.driver.take() {
            driver.thread().unpark();
            let _ = driver.join();
        }
    }
}

fn silence() -> Notes {
    Arc::new(|_| {})
}

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn end(world: &mut World, name: &str, last: u8) -> End {
    let mut config = Config::default();
    config.network.ipv6.link_defaults = LinkSettings::MANUAL;
    let host = world.add_host(name, config);
    let config = PortConfig { name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, last]), mtu: 1500, frames: Frames::Packets };
    let port = world.add_port(host, &config).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    let stack = world.stack(host);
    stack.add_address(link, Cidr::new(Addr::v4(10, 0, 0, last), 24)).expect("an address");
    stack.add_address(link, format!("fd00::{last}/64").parse().expect("a network")).expect("an address");
    if last == 1 {
        for (all, gateway) in [("0.0.0.0/0", "10.0.0.2"), ("::/0", "fd00::2")] {
            let gateway = Some(gateway.parse().expect("an address"));
            stack.add_route(all.parse().expect("a network"), gateway, link, 0).expect("a route");
        }
    }
    world.settle(host);
    End::Host { host, port }
}

/// Drives a world in real time, as a run does.
fn drive(shared: &Shared, over: &AtomicBool) {
    let driver = thread::current();
    shared.on_kick(move || driver.unpark());
    while !over.load(Ordering::Relaxed) {
        let left = {
            let mut inner = shared.lock();
            inner.armed = Instant::EPOCH;
            let now = inner.clock();
            inner.advance(now);
            inner.armed = inner.next_deadline();
            inner.armed.since(inner.clock())
        };
        thread::park_timeout(left.min(Duration::from_secs(1)));
    }
}

fn run(story: impl Future<Output = io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let told = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), story).await });
    told.expect("it takes too long").expect("no error");
}

/// Reads to the end, then answers with what it has read, upside down.
async fn answer_all(mut stream: tokio::net::TcpStream) -> io::Result<()> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    all.reverse();
    stream.write_all(&all).await
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}

#[test]
fn the_machines_loopback_is_reached_and_each_direction_ends_by_itself() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let listener = tokio::net::TcpListener::bind(loopback()).await?;
        let port = listener.local_addr()?.port();
        let server = tokio::spawn(async move { answer_all(listener.accept().await?.0).await });
        let mut stream = TcpStream::connect_on(&lab.program, SocketAddr::new(MACHINE_V4.into(), port)).await?;
        let sent = pattern(3_000_000);
        stream.write_all(&sent).await?;
        stream.shutdown().await?;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        got.reverse();
        assert!(got == sent, "{} of {} bytes came back", got.len(), sent.len());
        server.await?
    });
}

#[test]
fn the_machine_is_reached_by_ipv6_too() {
    run(async {
        let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
            eprintln!("SKIPPED: this machine has no IPv6");
            return Ok(());
        };
        let lab = Lab::new();
        lab.open_uplink();
        let port = listener.local_addr()?.port();
        let server = tokio::spawn(async move { answer_all(listener.accept().await?.0).await });
        let mut stream = TcpStream::connect_on(&lab.program, SocketAddr::new(MACHINE_V6.into(), port)).await?;
        stream.write_all(b"abc").await?;
        stream.shutdown().await?;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        assert_eq!(got, b"cba");
        server.await?
    });
}

#[test]
fn a_refusal_is_a_refusal() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let closed = std::net::TcpListener::bind(loopback())?.local_addr()?.port();
        let refused = TcpStream::connect_on(&lab.program, SocketAddr::new(MACHINE_V4.into(), closed)).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let nobody = TcpStream::connect_on(&lab.program, "10.0.0.2:80").await;
        assert_eq!(nobody.unwrap_err().kind(), io::ErrorKind::ConnectionRefused, "the host's own address stands for nobody");
        Ok(())
    });
}

#[test]
fn a_reset_is_a_reset_both_ways() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let listener = tokio::net::TcpListener::bind(loopback()).await?;
        let to = SocketAddr::new(MACHINE_V4.into(), listener.local_addr()?.port());

        let mut stream = TcpStream::connect_on(&lab.program, to).await?;
        let (server, _) = listener.accept().await?;
        server.set_zero_linger()?;
        drop(server);
        assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);

        let stream = TcpStream::connect_on(&lab.program, to).await?;
        let (mut server, _) = listener.accept().await?;
        stream.set_zero_linger()?;
        drop(stream);
        assert_eq!(server.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    });
}

#[test]
fn who_does_not_read_stops_who_writes() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let listener = tokio::net::TcpListener::bind(loopback()).await?;
        let to = SocketAddr::new(MACHINE_V4.into(), listener.local_addr()?.port());
        let mut stream = TcpStream::connect_on(&lab.program, to).await?;
        let (mut server, _) = listener.accept().await?;
        let chunk = pattern(251 * 100);
        let mut sent = 0;
        // All buffers on the way are full when nothing more is taken for a while.
        while let Ok(written) = tokio::time::timeout(Duration::from_millis(500), stream.write(&chunk[sent % 251..])).await {
            sent += written?;
            assert!(sent < 100_000_000, "somebody keeps what nobody reads");
        }
        stream.shutdown().await?;
        let mut got = Vec::new();
        server.read_to_end(&mut got).await?;
        assert!(got == pattern(sent), "{} of {sent} bytes, or others", got.len());
        Ok(())
    });
}

#[test]
fn datagrams_go_and_come_each_for_whom_it_is() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let service = tokio::net::UdpSocket::bind(loopback()).await?;
        let to = SocketAddr::new(MACHINE_V4.into(), service.local_addr()?.port());
        tokio::spawn(async move {
            let mut room = vec![0; 65_535];
            loop {
                let (len, from) = service.recv_from(&mut room).await?;
                room[..len].reverse();
                service.send_to(&room[..len], from).await?;
            }
            #[allow(unreachable_code)]
            io::Result::Ok(())
        });
        let mut room = vec![0; 65_535];
        let clients =
            [UdpSocket::bind_on(&lab.program, "0.0.0.0:0").await?, UdpSocket::bind_on(&lab.program, "0.0.0.0:0").await?];
        for round in 0..3 {
            for (number, client) in clients.iter().enumerate() {
                let sent = pattern(1 + 9000 * round + number);
                client.send_to(&sent, to).await?;
                let (len, from) = client.recv_from(&mut room).await?;
                assert_eq!(from, to, "it seems to come from whom was asked");
                room[..len].reverse();
                assert!(room[..len] == sent, "{len} of {} bytes", sent.len());
            }
        }
        Ok(())
    });
}

#[test]
fn a_port_of_the_machine_without_anybody_is_told() {
    run(async {
        let lab = Lab::new();
        lab.open_uplink();
        let port = std::net::UdpSocket::bind(loopback())?.local_addr()?.port();
        let client = UdpSocket::bind_on(&lab.program, "0.0.0.0:0").await?;
        client.connect(SocketAddr::new(MACHINE_V4.into(), port)).await?;
        client.send(b"who?").await?;
        let refused = client.recv(&mut [0; 9]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn an_association_ends_when_nothing_is_sent() {
    run(async {
        let lab = Lab::new();
        let uplink = Uplink::open(lab.machine.clone())?;
        tokio::spawn(uplink.serve(Machine::new(), Duration::from_millis(50), silence()));
        let service = tokio::net::UdpSocket::bind(loopback()).await?;
        let to = SocketAddr::new(MACHINE_V4.into(), service.local_addr()?.port());
        let client = UdpSocket::bind_on(&lab.program, "0.0.0.0:0").await?;
        let mut room = [0; 9];
        client.send_to(b"one", to).await?;
        let (_, first) = service.recv_from(&mut room).await?;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            client.send_to(b"two", to).await?;
            let (_, next) = service.recv_from(&mut room).await?;
            if next != first {
                return Ok(());
            }
        }
    });
}

#[test]
fn a_published_port_leads_to_the_program() {
    run(async {
        let lab = Lab::new();
        let at = lab.publish(Protocol::Tcp, 80);
        let listener = TcpListener::bind_on(&lab.program, "0.0.0.0:80").await?;
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await?;
                tokio::spawn(async move {
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).await?;
                    all.reverse();
                    stream.write_all(&all).await
                });
            }
            #[allow(unreachable_code)]
            io::Result::Ok(())
        });
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..50 {
            clients.spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(at).await?;
                let sent = pattern(100_000 + number);
                stream.write_all(&sent).await?;
                stream.shutdown().await?;
                let mut got = Vec::new();
                stream.read_to_end(&mut got).await?;
                got.reverse();
                assert!(got == sent, "client {number}: {} of {} bytes", got.len(), sent.len());
                io::Result::Ok(())
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        Ok(())
    });
}

#[test]
fn more_clients_than_a_door_carries_wait_their_turn() {
    run(async {
        let lab = Lab::new();
        let at = lab.publish(Protocol::Tcp, 80);
        let listener = TcpListener::bind_on(&lab.program, "0.0.0.0:80").await?;
        let mut clients = Vec::new();
        for _ in 0..MOST + 5 {
            clients.push(tokio::net::TcpStream::connect(at).await?);
        }
        let mut served = Vec::new();
        for _ in 0..MOST {
            served.push(listener.accept().await?.0);
        }
        let next = tokio::time::timeout(Duration::from_millis(300), listener.accept());
        assert!(next.await.is_err(), "one more than {MOST} is let in");
        served.drain(..5);
        clients.drain(..5);
        for _ in 0..5 {
            listener.accept().await?;
        }
        Ok(())
    });
}

#[test]
fn a_published_port_where_nobody_listens_resets() {
    run(async {
        let lab = Lab::new();
        let at = lab.publish(Protocol::Tcp, 81);
        let mut stream = tokio::net::TcpStream::connect(at).await?;
        assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        let taken = Publication::take(at, Protocol::Tcp).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn published_datagrams_find_their_clients() {
    run(async {
        let lab = Lab::new();
        let at = lab.publish(Protocol::Udp, 53);
        let service = UdpSocket::bind_on(&lab.program, "0.0.0.0:53").await?;
        let clients = [tokio::net::UdpSocket::bind(loopback()).await?, tokio::net::UdpSocket::bind(loopback()).await?];
        let mut room = [0; 16];
        let mut names = Vec::new();
        for client in &clients {
            client.send_to(b"who?", at).await?;
            let (len, from) = service.recv_from(&mut room).await?;
            assert_eq!(&room[..len], b"who?");
            names.push(from);
        }
        assert_ne!(names[0], names[1]);
        for (client, name) in clients.iter().zip(&names).rev() {
            let text = name.to_string();
            service.send_to(text.as_bytes(), *name).await?;
            let mut room = [0; 64];
            let (len, from) = client.recv_from(&mut room).await?;
            assert_eq!((&room[..len], from), (text.as_bytes(), at));
        }
        Ok(())
    });
}

#[test]
fn when_the_uplink_ends_what_is_open_is_reset() {
    run(async {
        let lab = Lab::new();
        let uplink = lab.open_uplink();
        let listener = tokio::net::TcpListener::bind(loopback()).await?;
        let to = SocketAddr::new(MACHINE_V4.into(), listener.local_addr()?.port());
        let mut stream = TcpStream::connect_on(&lab.program, to).await?;
        let (mut server, _) = listener.accept().await?;
        uplink.abort();
        assert_eq!(server.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    });
}

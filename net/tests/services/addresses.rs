//! Stories of the DHCP client.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use loggia::Host;
use loggia::device::Properties;
use loggia::dhcp::{Client, Config};
use loggia::dns::Resolver;
use loggia::host::Route;
use loggia::time::sleep;
use loggia::tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::dhcp_server::{Heard, Log, OFFERED, SERVER, answer, give, give_with, serve};
use crate::dns_server;
use crate::world::World;

const HOUR: u32 = 3600;

/// A host without an address, and a server which answers as told.
fn lab(script: impl FnMut(&Heard) -> Vec<Message> + Send + 'static) -> (World, Host, Log) {
    let world = World::default();
    let host = world.host(&[]);
    let server = world.host(&["10.0.0.1/24"]);
    let log = serve(&world, &server, script);
    (world, host, log)
}

fn without_probe() -> Config {
    let mut config = Config::default();
    config.probe = false;
    config
}

fn start(world: &World, host: &Host, config: Config) -> Client {
    let (client, task) = Client::with_task(host, "eth0", config).expect("a client");
    world.spawn(async move {
        task.await.expect("nothing is in its way");
    });
    client
}

fn addresses(host: &Host) -> Vec<String> {
    let all = host.interfaces().into_iter().filter(|interface| interface.name == "eth0");
    all.flat_map(|interface| interface.addresses).map(|address| address.to_string()).collect()
}

fn routes(host: &Host) -> Vec<(String, Option<IpAddr>)> {
    let ours = host
        .routes()
        .into_iter()
        .filter(|route| route.interface.as_deref() == Some("eth0") && route.destination.addr().is_ipv4());
    ours.map(|route| (route.destination.to_string(), route.gateway)).collect()
}

fn mtu(host: &Host) -> u32 {
    host.interfaces().into_iter().find(|interface| interface.name == "eth0").expect("it is there").mtu
}

#[test]
fn a_host_gets_an_address_and_gives_it_back() {
    let (world, host, log) = lab(give_with(OFFERED, HOUR, |answer| {
        let options = answer.opts_mut();
        options.insert(DhcpOption::DomainNameServer(vec![SERVER]));
        options.insert(DhcpOption::DomainName("lan.example".into()));
        options.insert(DhcpOption::InterfaceMtu(1400));
    }));
    let mut config = without_probe();
    config.host_name = Some("guest".into());
    let client = start(&world, &host, config);
    world.run(async move {
        let lease = client.bound().await.expect("a lease");
        assert_eq!((lease.address.to_string().as_str(), lease.server), ("10.0.0.100/24", SERVER));
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
        assert_eq!(routes(&host), [("10.0.0.0/24".into(), None), ("0.0.0.0/0".into(), Some(SERVER.into()))]);
        assert_eq!(mtu(&host), 1400);
        assert!(host.resolver().is_some());
        let heard = log.take();
        assert_eq!(heard.iter().map(Heard::kind).collect::<Vec<_>>(), [MessageType::Discover, MessageType::Request]);
        assert!(heard.iter().all(|heard| heard.from.ip().is_unspecified() && heard.from.port() == 68), "RFC 2131 §4.1");
        assert!(heard.iter().all(|heard| heard.message.flags().broadcast()), "RFC 2131 §4.1");
        assert!(heard.iter().all(|heard| heard.message.opts().contains(OptionCode::Hostname)));
        assert_eq!(heard[0].message.xid(), heard[1].message.xid());

        client.release().await.expect("given back");
        let heard = log.take();
        assert_eq!(heard.iter().map(Heard::kind).collect::<Vec<_>>(), []);
        sleep(&host, Duration::from_secs(1)).await;
        let heard = log.take();
        assert_eq!((heard[0].kind(), heard[0].from.ip()), (MessageType::Release, OFFERED.into()), "RFC 2131 §4.4.6");
        assert_eq!((heard[0].message.ciaddr(), heard.len()), (OFFERED, 1));
        assert!(addresses(&host).is_empty() && routes(&host).is_empty() && host.resolver().is_none());
        assert_eq!(mtu(&host), 1500);
    });
}

#[test]
fn names_are_found_with_what_the_lease_says() {
    let (world, host, _) = lab(give_with(OFFERED, HOUR, |answer| {
        answer.opts_mut().insert(DhcpOption::DomainNameServer(vec![Ipv4Addr::new(10, 0, 0, 53)]));
        let domains = ["other.example.", "lan.example."].map(dns_server::name);
        answer.opts_mut().insert(DhcpOption::DomainSearch(domains.to_vec()));
    }));
    let server = world.host(&["10.0.0.53/24"]);
    dns_server::serve(
        &world,
        &server,
        dns_server::zone(vec![dns_server::record("web.lan.example.", 60, dns_server::address("10.0.0.53"))]),
    );
    let web = server.clone();
    world.spawn(async move {
        let listener = TcpListener::bind_on(&web, "0.0.0.0:80").await.expect("bind");
        loop {
            drop(listener.accept().await.expect("accept"));
        }
    });
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        let stream = TcpStream::connect_on(&host, "web:80").await.expect("RFC 3397");
        assert_eq!(stream.peer_addr().expect("an address").ip(), Ipv4Addr::new(10, 0, 0, 53));
    });
}

#[test]
fn a_resolver_of_the_users_own_stays() {
    let (world, host, _) = lab(give_with(OFFERED, HOUR, |answer| {
        answer.opts_mut().insert(DhcpOption::DomainNameServer(vec![SERVER]));
    }));
    host.set_resolver(Resolver::new(loggia::dns::Config::default())).expect("a resolver");
    let own = host.resolver().expect("it was set");
    let mut config = without_probe();
    (config.resolver, config.routes) = (None, false);
    let client = start(&world, &host, config);
    world.run(async move {
        client.bound().await.expect("a lease");
        assert!(Arc::ptr_eq(&host.resolver().expect("it was set"), &own));
        assert_eq!(routes(&host), [("10.0.0.0/24".into(), None)], "none but the network's own");
        client.release().await.expect("given back");
        assert!(host.resolver().is_some());
    });
}

#[test]
fn questions_without_an_answer_come_less_and_less_often() {
    let (world, host, log) = lab(|_| Vec::new());
    let client = start(&world, &host, without_probe());
    world.run(async move {
        sleep(&host, Duration::from_secs(300)).await;
        let heard = log.take();
        let gaps: Vec<f64> = heard.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
        let expected = [4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0];
        assert_eq!(gaps.len(), expected.len(), "{gaps:?}");
        for (gap, expected) in gaps.iter().zip(expected) {
            assert!((gap - expected).abs() <= 1.0, "RFC 2131 §4.1: {gaps:?}");
        }
        assert!(gaps.iter().any(|gap| gap.fract() != 0.0), "a random part: {gaps:?}");
        let secs: Vec<_> = heard.iter().map(|heard| heard.message.secs()).collect();
        assert!(secs.is_sorted() && secs[0] == 0 && secs[7] > 200, "{secs:?}");
        assert!(client.lease().is_none());
    });
}

#[test]
fn an_offer_that_is_not_kept_is_given_up() {
    let (world, host, log) = lab(|heard| match heard.kind() {
        MessageType::Discover => vec![answer(heard, MessageType::Offer, OFFERED, HOUR)],
        _ => Vec::new(),
    });
    let _client = start(&world, &host, without_probe());
    world.run(async move {
        sleep(&host, Duration::from_secs(65)).await;
        use MessageType::*;
        let first = [Discover, Request, Request, Request, Request, Discover, Request];
        assert!(log.kinds().starts_with(&first), "RFC 2131 §3.1.5");
    });
}

#[test]
fn a_refusal_begins_anew_and_those_who_always_refuse_are_asked_less_often() {
    let (world, host, log) = lab(|heard| match heard.kind() {
        MessageType::Discover => vec![answer(heard, MessageType::Offer, OFFERED, HOUR)],
        _ => vec![answer(heard, MessageType::Nak, Ipv4Addr::UNSPECIFIED, 0)],
    });
    let _client = start(&world, &host, without_probe());
    world.run(async move {
        sleep(&host, Duration::from_secs(600)).await;
        let discovers = log.take().into_iter().filter(|heard| heard.kind() == MessageType::Discover).count();
        assert!((8..20).contains(&discovers), "{discovers}");
        assert!(addresses(&host).is_empty());
    });
}

#[test]
fn only_the_server_that_was_chosen_can_refuse_or_grant() {
    let (world, host, _) = lab(|heard| {
        let mut first = match heard.kind() {
            MessageType::Discover => return vec![answer(heard, MessageType::Offer, OFFERED, HOUR)],
            _ => answer(heard, MessageType::Nak, Ipv4Addr::UNSPECIFIED, 0),
        };
        first.opts_mut().insert(DhcpOption::ServerIdentifier(Ipv4Addr::new(10, 0, 0, 66)));
        let mut second = answer(heard, MessageType::Ack, Ipv4Addr::new(10, 0, 0, 66), HOUR);
        second.opts_mut().insert(DhcpOption::ServerIdentifier(Ipv4Addr::new(10, 0, 0, 66)));
        // The right server, but another address, another transaction, and at last what was asked for.
        let third = answer(heard, MessageType::Ack, Ipv4Addr::new(10, 0, 0, 66), HOUR);
        let mut fourth = answer(heard, MessageType::Nak, Ipv4Addr::UNSPECIFIED, 0);
        fourth.set_xid(heard.message.xid() ^ 1);
        vec![first, second, third, fourth, answer(heard, MessageType::Ack, OFFERED, HOUR)]
    });
    let client = start(&world, &host, without_probe());
    world.run(async move {
        assert_eq!(client.bound().await.expect("a lease").address.addr(), OFFERED);
        assert!(host.now() < loggia::time::Instant::from_secs(1), "at the first try");
    });
}

#[test]
fn an_address_that_somebody_has_is_declined() {
    let taken = Ipv4Addr::new(10, 0, 0, 77);
    let count = AtomicU32::new(0);
    let (world, host, log) = lab(move |heard| {
        let declined = count.fetch_add(u32::from(heard.kind() == MessageType::Decline), Ordering::Relaxed) > 0;
        give(if declined { OFFERED } else { taken }, HOUR)(heard)
    });
    world.host(&["10.0.0.77/24"]);
    let client = start(&world, &host, Config::default());
    world.run(async move {
        let lease = client.bound().await.expect("a lease");
        assert_eq!(lease.address.addr(), OFFERED);
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
        let heard = log.take();
        let declined = heard.iter().find(|heard| heard.kind() == MessageType::Decline).expect("RFC 2131 §4.4.1");
        assert_eq!((declined.requested(), declined.from.ip()), (Some(taken), Ipv4Addr::UNSPECIFIED.into()));
        let next = heard.iter().find(|heard| heard.at > declined.at).expect("it goes on");
        assert_eq!(next.kind(), MessageType::Discover);
        assert!(next.at - declined.at >= Duration::from_secs(10), "RFC 2131 §3.1.5");
        assert!(host.now() - next.at >= Duration::from_secs(4), "RFC 5227 §2.1.1: the other one was probed for too");
    });
}

#[test]
fn an_address_is_not_used_while_it_is_probed_for() {
    let (world, host, _) = lab(give(OFFERED, HOUR));
    let client = start(&world, &host, Config::default());
    world.run(async move {
        sleep(&host, Duration::from_secs(2)).await;
        assert!(client.lease().is_none());
        assert!(UdpSocket::bind_on(&host, (OFFERED, 7)).await.is_err());
        client.bound().await.expect("a lease");
        assert!(UdpSocket::bind_on(&host, (OFFERED, 7)).await.is_ok());
        assert!(host.now() < loggia::time::Instant::from_secs(8));
    });
}

#[test]
fn a_lease_is_kept_by_asking_its_server_in_time() {
    let (world, host, log) = lab(give(OFFERED, HOUR));
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        let first = log.take();
        sleep(&host, Duration::from_secs(1799)).await;
        assert!(log.take().is_empty());
        sleep(&host, Duration::from_secs(2)).await;
        let heard = log.take();
        assert_eq!((heard.len(), heard[0].kind()), (1, MessageType::Request));
        let renewal = &heard[0].message;
        assert_eq!((heard[0].from.ip(), renewal.ciaddr()), (OFFERED.into(), OFFERED), "RFC 2131 §4.4.5: from our address");
        assert!(!renewal.flags().broadcast() && !renewal.opts().contains(OptionCode::ServerIdentifier), "RFC 2131 §4.3.6");
        assert_ne!(renewal.xid(), first[0].message.xid());
        // For days.
        sleep(&host, Duration::from_secs(3 * 24 * 3600)).await;
        assert_eq!(log.take().len(), 3 * 48);
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
    });
}

#[test]
fn a_lease_that_its_server_does_not_renew_is_asked_of_all_and_ends() {
    let silent = Arc::new(AtomicBool::new(false));
    let quiet = silent.clone();
    let (world, host, log) =
        lab(move |heard| if quiet.load(Ordering::Relaxed) { Vec::new() } else { give(OFFERED, HOUR)(heard) });
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        let begun = log.take()[1].at;
        silent.store(true, Ordering::Relaxed);
        sleep(&host, Duration::from_secs(3590)).await;
        let at = |heard: &Heard| (heard.at - begun).as_secs();
        let heard = log.take();
        let times: Vec<_> = heard.iter().map(at).collect();
        // T1 1800, T2 3150: half of what is left, and a minute at least (RFC 2131 §4.4.5).
        assert_eq!(times, [1800, 2475, 2812, 2981, 3065, 3125, 3150, 3375, 3487, 3547]);
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
        assert!(client.lease().is_some());
        sleep(&host, Duration::from_secs(20)).await;
        assert!(addresses(&host).is_empty() && client.lease().is_none(), "the lease is over");
        assert_eq!(log.kinds(), [MessageType::Discover, MessageType::Discover]);
        silent.store(false, Ordering::Relaxed);
        client.bound().await.expect("a lease again");
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
    });
}

#[test]
fn a_server_that_refuses_to_renew_takes_the_address_away() {
    let count = AtomicU32::new(0);
    let (world, host, _) = lab(move |heard| match count.fetch_add(1, Ordering::Relaxed) {
        2 => vec![answer(heard, MessageType::Nak, Ipv4Addr::UNSPECIFIED, 0)],
        0 | 1 => give(OFFERED, HOUR)(heard),
        _ => give(Ipv4Addr::new(10, 0, 0, 101), HOUR)(heard),
    });
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        sleep(&host, Duration::from_millis(1_800_500)).await;
        assert!(addresses(&host).is_empty());
        sleep(&host, Duration::from_secs(10)).await;
        assert_eq!(addresses(&host), ["10.0.0.101/24"]);
    });
}

#[test]
fn what_changes_with_a_renewal_changes_on_the_host() {
    let count = AtomicU32::new(0);
    let (world, host, _) = lab(move |heard| {
        let later = count.fetch_add(1, Ordering::Relaxed) > 1;
        give_with(OFFERED, HOUR, |answer| {
            let router = Ipv4Addr::new(10, 0, 0, if later { 2 } else { 1 });
            answer.opts_mut().insert(DhcpOption::Router(vec![router]));
            answer.opts_mut().insert(DhcpOption::InterfaceMtu(if later { 1300 } else { 9000 }));
        })(heard)
    });
    let client = start(&world, &host, without_probe());
    let listening = host.clone();
    world.run(async move {
        client.bound().await.expect("a lease");
        assert_eq!(routes(&host)[1], ("0.0.0.0/0".into(), Some(SERVER.into())));
        assert_eq!(mtu(&host), 1500, "no more than the device can carry");
        let socket = UdpSocket::bind_on(&listening, (OFFERED, 7)).await.expect("bind");
        sleep(&host, Duration::from_secs(1801)).await;
        assert_eq!(routes(&host)[1], ("0.0.0.0/0".into(), Some(Ipv4Addr::new(10, 0, 0, 2).into())));
        assert_eq!((routes(&host).len(), mtu(&host)), (2, 1300));
        assert_eq!(socket.local_addr().expect("an address").ip(), OFFERED, "the address was never away");
    });
}

#[test]
fn classless_routes_take_the_place_of_the_router() {
    let (world, host, _) = lab(give_with(OFFERED, HOUR, |answer| {
        let route = |net: &str, router: [u8; 4]| (net.parse().expect("a network"), Ipv4Addr::from(router));
        answer.opts_mut().insert(DhcpOption::ClasslessStaticRoute(vec![
            route("192.168.7.0/24", [10, 0, 0, 2]),
            route("172.16.0.0/12", [0, 0, 0, 0]),
            route("0.0.0.0/0", [10, 9, 9, 9]),
        ]));
    }));
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        let by = |router: [u8; 4]| Some(IpAddr::from(router));
        let expected = [
            ("10.9.9.9/32".into(), None),
            ("10.0.0.0/24".into(), None),
            ("192.168.7.0/24".into(), by([10, 0, 0, 2])),
            ("172.16.0.0/12".into(), None),
            ("0.0.0.0/0".into(), by([10, 9, 9, 9])),
        ];
        assert_eq!(routes(&host), expected, "RFC 3442");
        client.release().await.expect("given back");
        assert!(routes(&host).is_empty());
    });
}

#[test]
fn an_address_of_before_is_asked_for_first() {
    let (world, host, log) = lab(give(OFFERED, HOUR));
    let mut config = without_probe();
    config.previous = Some(OFFERED);
    let client = start(&world, &host, config);
    world.run(async move {
        client.bound().await.expect("a lease");
        let heard = log.take();
        assert_eq!(
            (heard.len(), heard[0].kind(), heard[0].requested()),
            (1, MessageType::Request, Some(OFFERED)),
            "RFC 2131 §3.2"
        );
        assert!(!heard[0].message.opts().contains(OptionCode::ServerIdentifier), "RFC 2131 §4.3.2");
    });
}

#[test]
fn an_address_of_before_that_does_not_fit_here_is_forgotten() {
    let (world, host, log) = lab(|heard| match heard.requested() {
        Some(address) if address != OFFERED => vec![answer(heard, MessageType::Nak, Ipv4Addr::UNSPECIFIED, 0)],
        _ => give(OFFERED, HOUR)(heard),
    });
    let mut config = without_probe();
    config.previous = Some(Ipv4Addr::new(192, 168, 1, 7));
    let client = start(&world, &host, config);
    world.run(async move {
        assert_eq!(client.bound().await.expect("a lease").address.addr(), OFFERED);
        assert_eq!(log.kinds(), [MessageType::Request, MessageType::Discover, MessageType::Request]);
    });
}

#[test]
fn a_lease_for_ever_is_never_asked_for_again() {
    let (world, host, log) = lab(give(OFFERED, u32::MAX));
    let client = start(&world, &host, without_probe());
    world.run(async move {
        assert_eq!(client.bound().await.expect("a lease").duration, Duration::MAX);
        sleep(&host, Duration::from_secs(20 * 365 * 24 * 3600)).await;
        assert_eq!(log.take().len(), 2);
        assert_eq!(addresses(&host), ["10.0.0.100/24"]);
    });
}

#[test]
fn whoever_drops_the_client_gives_the_address_back() {
    let (world, host, log) = lab(give(OFFERED, HOUR));
    let client = start(&world, &host, without_probe());
    world.run(async move {
        client.bound().await.expect("a lease");
        log.take();
        drop(client);
        sleep(&host, Duration::from_secs(1)).await;
        assert_eq!(log.kinds(), [MessageType::Release]);
        assert!(addresses(&host).is_empty());
    });
}

#[test]
fn whoever_drops_the_task_ends_the_client() {
    let (world, host, _) = lab(give(OFFERED, HOUR));
    let (client, task) = Client::with_task(&host, "eth0", without_probe()).expect("a client");
    let second = Client::with_task(&host, "eth0", without_probe()).expect_err("there is one");
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    world.run(async move {
        tokio::select! {
            biased;
            lease = client.bound() => drop(lease.expect("a lease")),
            ended = task => ended.expect("it goes on"),
        }
        assert_eq!(client.bound().await.expect_err("it has ended").kind(), io::ErrorKind::NotConnected);
        assert!(addresses(&host).is_empty());
        client.release().await.expect("there is nothing to give back");
        assert!(Client::with_task(&host, "eth0", without_probe()).is_ok(), "another may begin");
    });
}

/// Numbers that follow from a seed.
fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

#[test]
fn whatever_a_server_says_the_host_has_one_address_or_none() {
    for seed in 1..=20 {
        let mut random = numbers(0x9e37_79b9 * seed);
        let (world, host, log) = lab(move |heard| {
            let answers = random(3);
            let one = |_| {
                let kind = match random(6) {
                    0 => MessageType::Nak,
                    1 | 2 => MessageType::Offer,
                    3 => MessageType::Inform,
                    _ => MessageType::Ack,
                };
                // Mostly what was asked for, or else nearly nothing would ever be held.
                let asked = heard.requested().filter(|_| random(4) > 0);
                let kept = Some(heard.message.ciaddr()).filter(|address| !address.is_unspecified() && random(4) > 0);
                let address = asked.or(kept).unwrap_or(Ipv4Addr::new(10, 0, 0, random(256) as u8));
                let mut answer = answer(heard, kind, address, random(600) as u32);
                let routers = (0..random(4)).map(|_| Ipv4Addr::from(random(1 << 32) as u32)).collect();
                answer.opts_mut().insert(DhcpOption::Router(routers));
                answer.opts_mut().insert(DhcpOption::SubnetMask(Ipv4Addr::from(random(1 << 32) as u32)));
                answer.opts_mut().insert(DhcpOption::InterfaceMtu(random(65_536) as u16));
                answer.opts_mut().insert(DhcpOption::Renewal(random(600) as u32));
                if random(8) == 0 {
                    answer.set_xid(random(1 << 32) as u32);
                }
                answer
            };
            (0..answers).map(one).collect()
        });
        let client = start(&world, &host, without_probe());
        world.run(async move {
            let mut held = 0;
            for _ in 0..200 {
                sleep(&host, Duration::from_secs(37)).await;
                let ours = addresses(&host);
                assert_eq!(ours.len(), usize::from(client.lease().is_some()), "seed {seed}: {ours:?}");
                assert!((576..=1500).contains(&mtu(&host)), "seed {seed}");
                held += ours.len();
            }
            // It was held at times, and nobody was flooded.
            assert!(held > 0 && log.take().len() < 2000, "seed {seed}: {held}");
            client.release().await.expect("given back");
            assert!(addresses(&host).is_empty() && routes(&host).is_empty() && mtu(&host) == 1500, "seed {seed}");
        });
    }
}

#[test]
fn a_client_needs_an_ethernet() {
    let [one, _other] = loggia::device::pair(Properties::ip(1500).name("ip0"));
    let host = Host::builder().device(one).start().expect("a host");
    assert_eq!(Client::start(&host, "ip0", Config::default()).expect_err("no Ethernet").kind(), io::ErrorKind::Unsupported);
    let unknown = Client::start(&host, "eth7", Config::default()).expect_err("no such interface");
    assert_eq!(unknown.raw_os_error(), Some(libc::ENODEV));
}

/// Two hosts of the library in real time, over a cable in memory; the client has a thread of its own.
#[test]
fn a_thread_of_its_own_keeps_the_lease() {
    let [one, other] = loggia::device::pair(Properties::ethernet([2, 0, 0, 0, 0, 8], 1500).name("eth0"));
    let host = Host::builder().device(one).start().expect("a host");
    let server = Host::builder().device(other).address("10.0.0.1/24").start().expect("a host");
    let socket = loggia::net::UdpSocket::bind_on(&server, "0.0.0.0:67").expect("bind");
    socket.set_broadcast(true).expect("an option");
    server.add_route(&Route::to("0.0.0.0/0").expect("a prefix").on("eth0")).expect("a route");
    let serving = std::thread::spawn(move || {
        use dhcproto::{Decodable, Encodable};
        let mut script = give(OFFERED, HOUR);
        let mut room = [0; 1500];
        loop {
            let (len, from) = socket.recv_from(&mut room).expect("receive");
            let message = Message::decode(&mut dhcproto::Decoder::new(&room[..len])).expect("a message");
            let heard = Heard { at: loggia::time::Instant::EPOCH, from, message };
            for answer in script(&heard) {
                let bytes = answer.to_vec().expect("bytes");
                socket.send_to(&bytes, "255.255.255.255:68").expect("send");
            }
            if heard.kind() == MessageType::Release {
                return;
            }
        }
    });
    let client = Client::start(&host, "eth0", without_probe()).expect("a client");
    assert_eq!(client.bound().wait().expect("a lease").address.addr(), OFFERED);
    assert_eq!(addresses(&host).iter().filter(|address| address.starts_with("10.")).count(), 1);
    client.release().wait().expect("given back");
    serving.join().expect("it was told");
}

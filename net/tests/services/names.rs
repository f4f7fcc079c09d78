//! Stories of the resolver.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use loggia::Host;
use loggia::dns::{Config, Error, Failure, Hosts, Lookup, Resolver};
use loggia::lookup::ToAddrs;
use loggia::time::{Instant, sleep};
use loggia::tokio::net::{TcpListener, TcpStream, UdpSocket, lookup_host_on};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::dns_server::{Log, address, alias, pointer, record, reply, serve, soa, zone};
use crate::world::World;

const SERVER: &str = "10.0.0.53";
const OTHER: &str = "10.0.0.54";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| ip(text)).collect()
}

/// A client and a server, which answers as told.
fn lab(
    script: impl Fn(&hickory_proto::op::Message, &crate::dns_server::Asked) -> Option<hickory_proto::op::Message>
    + Send
    + Sync
    + 'static,
) -> (World, Host, Log) {
    let world = World::default();
    let client = world.host(&["10.0.0.1/24", "2001:db8::1/64"]);
    let server = world.host(&["10.0.0.53/24", "2001:db8::53/64"]);
    let log = serve(&world, &server, script);
    (world, client, log)
}

fn resolver() -> Resolver {
    Resolver::new(Config::new([ip(SERVER)]))
}

async fn look(resolver: &Resolver, host: &Host, name: &str) -> Result<Lookup, Error> {
    resolver.lookup(host, name).await.map_err(|error| reason(&error))
}

/// The resolver's own error in that of the call.
fn reason(error: &io::Error) -> Error {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Failure>())
        .map(|failure| failure.error.clone())
        .unwrap_or_else(|| panic!("{error}"))
}

fn since(host: &Host, begun: Instant) -> Duration {
    host.now() - begun
}

#[test]
fn addresses_of_both_families_are_found_by_one_name() {
    let (world, client, log) =
        lab(zone(vec![record("www.example.", 60, address("10.0.0.9")), record("www.example.", 60, address("2001:db8::9"))]));
    world.run(async move {
        let found = look(&resolver(), &client, "www.example").await.expect("found");
        assert_eq!(found.addresses, ips(&["2001:db8::9", "10.0.0.9"]), "RFC 6724 §6: IPv6 has the higher precedence");
        assert_eq!(found.name, "www.example");
        let asked = log.take();
        let mut types: Vec<_> = asked.iter().map(|asked| asked.ty).collect();
        types.sort();
        assert_eq!(types, [RecordType::A, RecordType::AAAA]);
        assert!(asked.iter().all(|asked| asked.edns && !asked.tcp));
        assert_ne!(asked[0].id, asked[1].id);
        assert_ne!(asked[0].from.port(), asked[1].from.port(), "RFC 5452 §9.2: each question has a port of its own");
    });
}

#[test]
fn sockets_take_names() {
    let (world, client, _) = lab(zone(vec![record("www.example.", 60, address("10.0.0.53"))]));
    client.set_resolver(resolver()).expect("a resolver");
    let server = world.host(&["10.0.0.80/24"]);
    world.run(async move {
        let addrs: Vec<_> = lookup_host_on(&client, "www.example:80").await.expect("found").collect();
        assert_eq!(addrs, ["10.0.0.53:80".parse().expect("an address")]);
        let refused = TcpStream::connect_on(&client, "www.example:80").await.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let unknown = TcpStream::connect_on(&client, ("nobody.example", 80)).await.expect_err("no such name");
        assert_eq!((unknown.kind(), reason(&unknown)), (io::ErrorKind::NotFound, Error::NoName));
        assert_eq!(unknown.to_string(), "\"nobody.example\": there is no such name");
        let invalid = TcpStream::connect_on(&client, "www.example").await.expect_err("no port");
        assert_eq!(invalid.kind(), io::ErrorKind::InvalidInput);
        let socket = UdpSocket::bind_on(&client, "0.0.0.0:0").await.expect("bind");
        socket.connect("www.example:7".to_owned()).await.expect("connect");
        assert_eq!(socket.peer_addr().expect("an address").ip(), ip("10.0.0.53"));
        // Who has no resolver knows no such names.
        let unknown = TcpStream::connect_on(&server, "www.example:80").await.expect_err("nobody to ask");
        assert_eq!(unknown.kind(), io::ErrorKind::NotFound);
        assert_eq!("10.0.0.1:7".to_addrs(&server).expect("no name")[0].port(), 7);
        client.remove_resolver().expect("none");
        assert!(client.resolve("www.example").await.is_err());
        assert_eq!(client.resolve("2001:db8::7").await.expect("an address"), [ip("2001:db8::7")]);
    });
}

#[test]
fn aliases_are_followed_within_an_answer_and_beyond() {
    let (world, client, log) = lab(|query, asked| {
        let mut answer = reply(query, ResponseCode::NoError);
        match asked.name.to_ascii_lowercase().as_str() {
            "www.example." => {
                answer.answers =
                    vec![record("www.example.", 60, alias("a.example.")), record("a.example.", 60, alias("b.example."))];
            }
            "b.example." if asked.ty == RecordType::A => answer.answers = vec![record("b.example.", 60, address("10.0.0.9"))],
            _ => answer.authorities = vec![soa(60)],
        }
        Some(answer)
    });
    world.run(async move {
        let found = look(&resolver(), &client, "WWW.example").await.expect("found");
        assert_eq!((found.addresses, found.name.as_str()), (ips(&["10.0.0.9"]), "b.example"), "RFC 1034 §3.6.2");
        let asked = log.names();
        assert_eq!(asked.iter().filter(|(name, _)| name == "b.example.").count(), 2, "of both types: {asked:?}");
    });
}

#[test]
fn aliases_without_an_end_are_given_up() {
    let count = AtomicUsize::new(0);
    let (world, client, log) = lab(move |query, asked| {
        let mut answer = reply(query, ResponseCode::NoError);
        let next = format!("{}.example.", count.fetch_add(1, Ordering::Relaxed));
        answer.answers = vec![record(&asked.name, 60, alias(&next))];
        Some(answer)
    });
    world.run(async move {
        assert_eq!(look(&resolver(), &client, "www.example").await, Err(Error::Chain));
        assert_eq!(log.take().len(), 2 * loggia::dns::MAX_CHAIN, "for two types");
    });
}

#[test]
fn an_answer_that_does_not_fit_comes_by_tcp() {
    let (world, client, log) = lab(|query, asked| {
        let mut answer = reply(query, ResponseCode::NoError);
        if asked.ty == RecordType::A {
            answer.answers = (1..=200).map(|last| record("many.example.", 60, address(&format!("10.0.9.{last}")))).collect();
        }
        Some(if asked.tcp { answer } else { answer.truncate() })
    });
    world.run(async move {
        let found = look(&resolver(), &client, "many.example").await.expect("found");
        assert_eq!(found.addresses.len(), loggia::dns::MAX_ADDRESSES, "RFC 7766 §5");
        assert_eq!(log.take().iter().filter(|asked| asked.tcp && asked.ty == RecordType::A).count(), 1);
    });
}

#[test]
fn a_silent_server_makes_way_for_the_next() {
    let (world, client, silent) = lab(|_, _| None);
    let other = world.host(&["10.0.0.54/24"]);
    let log = serve(&world, &other, zone(vec![record("www.example.", 60, address("10.0.0.9"))]));
    world.run(async move {
        let resolver = Resolver::new(Config::new([ip(SERVER), ip(OTHER)]));
        let begun = client.now();
        assert_eq!(look(&resolver, &client, "www.example").await.expect("found").addresses, ips(&["10.0.0.9"]));
        let took = since(&client, begun);
        assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(6), "one timeout: {took:?}");
        assert_eq!((silent.take().len(), log.take().len()), (2, 2));
    });
}

#[test]
fn a_server_that_is_not_there_makes_way_at_once() {
    let (world, client, _) = lab(zone(vec![record("www.example.", 60, address("10.0.0.9"))]));
    world.host(&["10.0.0.54/24"]);
    world.run(async move {
        let resolver = Resolver::new(Config::new([ip(OTHER), ip(SERVER)]));
        let begun = client.now();
        look(&resolver, &client, "www.example").await.expect("found");
        assert!(since(&client, begun) < Duration::from_millis(100), "its ICMP error ends the wait");
        // And if there is no other, that is what is said.
        let resolver = Resolver::new(Config::new([ip(OTHER)]));
        assert_eq!(look(&resolver, &client, "www.example").await, Err(Error::Unreachable(io::ErrorKind::ConnectionRefused)));
        assert_eq!(look(&Resolver::new(Config::default()), &client, "www.example").await, Err(Error::NoServer));
    });
}

#[test]
fn nobody_waits_longer_than_all_tries() {
    let (world, client, log) = lab(|_, _| None);
    world.run(async move {
        let mut config = Config::new([ip(SERVER)]);
        (config.timeout, config.attempts) = (Duration::from_secs(3), 4);
        let begun = client.now();
        assert_eq!(look(&Resolver::new(config), &client, "www.example").await, Err(Error::TimedOut));
        let took = since(&client, begun);
        assert!(took >= Duration::from_secs(12) && took < Duration::from_secs(13), "four times three seconds: {took:?}");
        let asked = log.take();
        assert_eq!(asked.len(), 8);
        let mut ids: Vec<_> = asked.iter().map(|asked| asked.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.len() >= 7, "each try has an id of its own: {ids:?}");
    });
}

#[test]
fn servers_take_turns_where_that_is_wanted() {
    let answers = || zone(vec![record("a.example.", 0, address("10.0.0.9")), record("b.example.", 0, address("10.0.0.9"))]);
    let (world, client, first) = lab(answers());
    let other = world.host(&["10.0.0.54/24"]);
    let second = serve(&world, &other, answers());
    world.run(async move {
        let mut config = Config::new([ip(SERVER), ip(OTHER)]);
        config.rotate = true;
        let resolver = Resolver::new(config);
        for _ in 0..4 {
            look(&resolver, &client, "a.example").await.expect("found");
        }
        assert_eq!((first.take().len(), second.take().len()), (3, 2), "four times for IPv4, and once that there is no IPv6");
    });
}

#[test]
fn a_server_that_fails_makes_way_for_the_next() {
    let (world, client, _) = lab(|query, _| Some(reply(query, ResponseCode::ServFail)));
    let other = world.host(&["10.0.0.54/24"]);
    serve(&world, &other, zone(vec![record("www.example.", 60, address("10.0.0.9"))]));
    world.run(async move {
        let resolver = Resolver::new(Config::new([ip(SERVER), ip(OTHER)]));
        look(&resolver, &client, "www.example").await.expect("found");
        let alone = look(&self::resolver(), &client, "www.example").await.expect_err("it fails");
        assert_eq!(alone, Error::Failed("Server Failure".into()));
    });
}

#[test]
fn a_server_without_edns_is_asked_without() {
    let (world, client, log) = lab(|query, asked| {
        let found = zone(vec![record("www.example.", 60, address("10.0.0.9"))]);
        if asked.edns { Some(reply(query, ResponseCode::FormErr)) } else { found(query, asked) }
    });
    world.run(async move {
        look(&resolver(), &client, "www.example").await.expect("RFC 6891 §6.2.2");
        assert_eq!(log.take().iter().filter(|asked| !asked.edns).count(), 2);
    });
}

#[test]
fn answers_are_kept_as_long_as_they_hold() {
    let (world, client, log) = lab(zone(vec![record("www.example.", 30, address("10.0.0.9"))]));
    world.run(async move {
        let resolver = resolver();
        for _ in 0..3 {
            look(&resolver, &client, "www.example").await.expect("found");
            assert_eq!(look(&resolver, &client, "nobody.example").await, Err(Error::NoName));
        }
        assert_eq!(log.take().len(), 4, "each name and type once; also that there is none (RFC 2308 §5)");
        sleep(&client, Duration::from_secs(31)).await;
        look(&resolver, &client, "WWW.EXAMPLE").await.expect("found");
        assert_eq!(look(&resolver, &client, "nobody.example").await, Err(Error::NoName));
        // That it has no IPv6 address holds for a minute.
        assert_eq!(log.names(), [("WWW.EXAMPLE.".into(), RecordType::A)]);
        sleep(&client, Duration::from_secs(30)).await;
        assert_eq!(look(&resolver, &client, "nobody.example").await, Err(Error::NoName));
        assert_eq!(log.take().len(), 2);
        resolver.clear_cache();
        assert_eq!(resolver.cached(), 0);
    });
}

#[test]
fn a_short_name_is_looked_for_in_the_search_list() {
    let (world, client, log) = lab(zone(vec![record("server.lan.example.", 60, address("10.0.0.9"))]));
    world.run(async move {
        let mut config = Config::new([ip(SERVER)]);
        config.search = vec!["other.example".into(), "lan.example".into()];
        let resolver = Resolver::new(config);
        let found = look(&resolver, &client, "server").await.expect("found");
        assert_eq!(found.name, "server.lan.example");
        let mut asked = log.names();
        asked.retain(|(_, ty)| *ty == RecordType::A);
        assert_eq!(
            asked.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["server.other.example.", "server.lan.example."]
        );
        assert_eq!(look(&resolver, &client, "server.").await, Err(Error::NoName), "a dot at the end means the name itself");
    });
}

#[test]
fn an_address_has_names() {
    let (world, client, _) = lab(zone(vec![
        record("9.0.0.10.in-addr.arpa.", 60, pointer("www.example.")),
        record("9.0.0.10.in-addr.arpa.", 60, pointer("ftp.example.")),
        record("9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", 60, pointer("six.example.")),
    ]));
    world.run(async move {
        let resolver = resolver();
        assert_eq!(resolver.reverse(&client, ip("10.0.0.9")).await.expect("names"), ["www.example", "ftp.example"]);
        assert_eq!(resolver.reverse(&client, ip("2001:db8::9")).await.expect("names"), ["six.example"], "RFC 3596 §2.5");
        let none = resolver.reverse(&client, ip("10.0.0.8")).await.expect_err("no name");
        assert_eq!(reason(&none), Error::NoName);
    });
}

#[test]
fn some_things_are_known_without_asking() {
    let (world, client, log) = lab(|_, _| None);
    world.run(async move {
        let mut config = Config::new([ip(SERVER)]);
        config.hosts = Hosts::parse("10.0.0.9 printer.example printer\n");
        let resolver = Resolver::new(config);
        assert_eq!(look(&resolver, &client, "Printer").await.expect("found").addresses, ips(&["10.0.0.9"]));
        assert_eq!(resolver.reverse(&client, ip("10.0.0.9")).await.expect("a name"), ["printer.example"]);
        assert_eq!(look(&resolver, &client, "localhost").await.expect("found").addresses, ips(&["::1", "127.0.0.1"]));
        assert_eq!(look(&resolver, &client, "10.1.2.3").await.expect("found").addresses, ips(&["10.1.2.3"]));
        assert_eq!(look(&resolver, &client, "a.invalid").await, Err(Error::NoName), "RFC 6761 §6.4");
        assert_eq!(look(&resolver, &client, "a..b").await, Err(Error::Invalid));
        assert!(log.take().is_empty());
    });
}

/// Answers each datagram at port 53 with what `forge` makes of it, from a port that `from` says.
async fn forge(host: Host, forge: impl Fn(Vec<u8>, u16) -> Vec<u8> + Send + 'static) {
    let socket = UdpSocket::bind_on(&host, "0.0.0.0:53").await.expect("bind");
    let mut room = [0; 2000];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut room).await else { continue };
        for number in 0..100 {
            let _ = socket.send_to(&forge(room[..len].to_vec(), number), from).await;
        }
    }
}

#[test]
fn who_guesses_ids_only_drives_the_question_to_tcp() {
    let world = World::default();
    let (client, server) = (world.host(&["10.0.0.1/24"]), world.host(&["10.0.0.53/24"]));
    // Whoever can send from the server's address answers with all ids but the right one, and another address.
    world.spawn(forge(server.clone(), |query, number| {
        let query = hickory_proto::op::Message::from_vec(&query).expect("a query");
        let mut answer = reply(&query, ResponseCode::NoError);
        answer.metadata.id = query.metadata.id.wrapping_add(number + 1);
        answer.answers = vec![record("www.example.", 60, address("10.6.6.6"))];
        answer.to_vec().expect("bytes")
    }));
    let listener_host = server.clone();
    world.spawn(async move {
        let listener = TcpListener::bind_on(&listener_host, "0.0.0.0:53").await.expect("bind");
        loop {
            let (mut stream, _) = listener.accept().await.expect("accept");
            let mut query = vec![0; stream.read_u16().await.expect("a length").into()];
            stream.read_exact(&mut query).await.expect("a query");
            let query = hickory_proto::op::Message::from_vec(&query).expect("a query");
            let mut answer = reply(&query, ResponseCode::NoError);
            if query.queries[0].query_type() == RecordType::A {
                answer.answers = vec![record("www.example.", 60, address("10.0.0.9"))];
            }
            let bytes = answer.to_vec().expect("bytes");
            stream.write_u16(bytes.len() as u16).await.expect("write");
            stream.write_all(&bytes).await.expect("write");
        }
    });
    world.run(async move {
        let found = look(&resolver(), &client, "www.example").await.expect("found");
        assert_eq!(found.addresses, ips(&["10.0.0.9"]), "RFC 5452 §9.1");
    });
}

#[test]
fn answers_from_elsewhere_are_not_heard() {
    let (world, client, log) = lab(|_, _| None);
    let forger = world.host(&["10.0.0.66/24"]);
    world.run(async move {
        let socket = UdpSocket::bind_on(&forger, "0.0.0.0:53").await.expect("bind");
        let asking = resolver().lookup(&client, "www.example");
        let mut asking = Box::pin(asking);
        let forging = async {
            loop {
                sleep(&forger, Duration::from_millis(100)).await;
                for asked in log.take() {
                    let mut answer = hickory_proto::op::Message::response(asked.id, hickory_proto::op::OpCode::Query);
                    answer.add_query(hickory_proto::op::Query::query(crate::dns_server::name(&asked.name), asked.ty));
                    answer.answers = vec![record("www.example.", 60, address("10.6.6.6"))];
                    // The right id, question and port, but not the server's address.
                    let _ = socket.send_to(&answer.to_vec().expect("bytes"), asked.from).await;
                }
            }
        };
        let error = tokio::select! {
            biased;
            error = &mut asking => error.expect_err("nobody answered"),
            () = forging => unreachable!("it goes on for ever"),
        };
        assert_eq!(reason(&error), Error::TimedOut, "RFC 5452 §9.1");
    });
}

#[test]
fn garbage_does_no_harm() {
    let world = World::default();
    let (client, server) = (world.host(&["10.0.0.1/24"]), world.host(&["10.0.0.53/24"]));
    let state = std::sync::Mutex::new(0x2545_f491_4f6c_dd1d_u64);
    // Either bytes of nothing, or a true answer with some bytes changed.
    world.spawn(forge(server, move |query, number| {
        let mut state = state.lock().expect("state");
        let mut random = || {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *state as usize
        };
        let parsed = hickory_proto::op::Message::from_vec(&query).expect("a query");
        let mut answer = reply(&parsed, ResponseCode::NoError);
        answer.answers = vec![record("www.example.", 60, alias("a.example.")), record("a.example.", 60, alias("www.example."))];
        let mut bytes = answer.to_vec().expect("bytes");
        if number % 2 == 0 {
            return (0..random() % 600).map(|_| random() as u8).collect();
        }
        for _ in 0..=random() % 4 {
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() % (bytes.len() + 1));
        bytes
    }));
    world.run(async move {
        for number in 0..50 {
            // Whatever it says, it comes to an end without an address.
            look(&resolver(), &client, &format!("{number}.example")).await.expect_err("garbage");
        }
    });
}

#[test]
fn a_server_that_drips_by_tcp_is_left_when_the_time_is_over() {
    let world = World::default();
    let (client, server) = (world.host(&["10.0.0.1/24"]), world.host(&["10.0.0.53/24"]));
    let dripping = server.clone();
    world.spawn(async move {
        let listener = TcpListener::bind_on(&dripping, "0.0.0.0:53").await.expect("bind");
        let mut streams = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.expect("accept");
            stream.write_all(&[0xff, 0xff, 0]).await.expect("write");
            streams.push(stream);
        }
    });
    world.run(async move {
        let mut config = Config::new([ip(SERVER)]);
        (config.use_tcp, config.attempts) = (true, 1);
        let begun = client.now();
        assert_eq!(look(&Resolver::new(config), &client, "www.example").await, Err(Error::TimedOut));
        assert!(since(&client, begun) < Duration::from_secs(6));
        let owned = client.with(|stack, _| stack.socket_rows().iter().filter(|row| row.socket.is_some()).count());
        assert_eq!(owned, 0, "no socket is left behind");
    });
}

#[test]
fn the_next_address_is_tried_while_the_first_does_not_answer() {
    let (world, client, _) = lab(zone(vec![
        record("www.example.", 60, address("2001:db8::99")),
        record("www.example.", 60, address("2001:db8::98")),
        record("www.example.", 60, address("10.0.0.80")),
    ]));
    client.set_resolver(resolver()).expect("a resolver");
    let web = world.host(&["10.0.0.80/24", "2001:db8::99/64"]);
    // IPv6 packets of the web server get lost.
    world.lose(|from, frame| from == 2 && frame[12..14] == [0x86, 0xdd]);
    world.spawn(async move {
        let listener = TcpListener::bind_on(&web, "[::]:80").await.expect("bind");
        loop {
            let (mut stream, _) = listener.accept().await.expect("accept");
            // Those that were given up are reset.
            let _ = stream.write_all(b"hello").await;
        }
    });
    world.run(async move {
        let begun = client.now();
        let mut stream = TcpStream::connect_on(&client, "www.example:80").await.expect("connect");
        assert_eq!(stream.peer_addr().expect("an address").ip(), ip("10.0.0.80"));
        let took = since(&client, begun);
        assert!(took >= Duration::from_millis(250) && took < Duration::from_millis(300), "RFC 8305 §5: {took:?}");
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting).await.expect("read");
        drop(stream);
        sleep(&client, Duration::from_secs(120)).await;
        assert_eq!(client.with(|stack, _| stack.socket_rows().len()), 0, "nothing is left of the others");
    });
}

#[test]
fn the_same_seed_asks_the_same() {
    let run = || {
        let (world, client, log) = lab(zone(vec![record("www.example.", 60, address("10.0.0.9"))]));
        world.run(async move {
            look(&resolver(), &client, "www.example").await.expect("found");
            log.take()
        })
    };
    assert_eq!(run(), run());
}

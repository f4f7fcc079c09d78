//! Over a cable in memory, which has one queue and no descriptor.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use loggia::device::{Properties, pair};
use loggia::net::{TcpListener, TcpStream, UdpSocket};
use loggia::{Host, Interface, Shards, shards};

use crate::{SHARDS, echo, exchange, pattern};

/// 10.0.0.1 of many stacks, and 10.0.0.2 of one, over a cable.
fn hosts_over(properties: Properties) -> (Shards, Host) {
    let [one, two] = pair(properties);
    let interface = |device| Interface::new(device).name("lan0").autoconfigure(false);
    let many = Host::builder().interface(interface(one)).address("10.0.0.1/24").address("fd00::1/64");
    let single = Host::builder().interface(interface(two)).address("10.0.0.2/24").address("fd00::2/64");
    (many.start_shards(SHARDS).expect("shards"), single.start().expect("a host"))
}

pub(super) fn hosts() -> (Shards, Host) {
    hosts_over(Properties::ip(1500))
}

const LONG: Option<Duration> = Some(Duration::from_secs(60));

/// How many shards have established a connection.
pub(super) fn shards_with(many: &Shards, name: &str) -> usize {
    let of = |host: &Host| host.counters().iter().any(|counter| counter.name == name && counter.value > 0);
    many.hosts().iter().filter(|host| of(host)).count()
}

#[test]
fn connections_to_us_are_spread_over_the_shards_and_none_is_refused() {
    for ethernet in [false, true] {
        let properties = if ethernet { Properties::ethernet([2, 0, 0, 0, 0, 1], 1500) } else { Properties::ip(1500) };
        let (many, single) = hosts_over(properties);
        let listener = shards::TcpListener::bind_on(&many, "[::]:0").expect("bind");
        let port = listener.local_addr().expect("an address").port();
        let data = pattern(20_000);
        const COUNT: usize = 40;
        thread::scope(|scope| {
            scope.spawn(|| {
                for stream in listener.incoming().take(COUNT) {
                    let stream = stream.expect("accept");
                    scope.spawn(move || exchange(stream, b""));
                }
            });
            for number in 0..COUNT {
                let to = SocketAddr::new(["10.0.0.1", "fd00::1"][number % 2].parse().expect("an address"), port);
                let stream = TcpStream::connect_on(&single, to).expect("connect");
                assert_eq!(exchange(stream, &data), b"");
            }
        });
        assert_eq!(shards_with(&many, "PassiveOpens"), SHARDS, "each has its share");
        assert!(many.counters().iter().all(|counter| counter.name != "OutRsts"), "each segment found its connection");
    }
}

#[test]
fn connections_we_open_stay_on_their_shard() {
    let (many, single) = hosts();
    let listener = TcpListener::bind_on(&single, "10.0.0.2:7").expect("bind");
    let data = pattern(50_000);
    thread::scope(|scope| {
        scope.spawn(|| echo(&listener, 5 * SHARDS));
        for host in many.hosts() {
            for _ in 0..5 {
                let stream = TcpStream::connect_on(host, "10.0.0.2:7").expect("connect");
                assert!(exchange(stream, &data) == data);
            }
        }
    });
    assert_eq!(shards_with(&many, "ActiveOpens"), SHARDS);
    let resets = many.counters().into_iter().find(|counter| counter.name == "OutRsts");
    assert_eq!(resets, None, "no segment came to a shard that did not know it");
}

#[test]
fn a_port_whose_answers_go_elsewhere_is_not_to_be_had() {
    let (many, single) = hosts();
    let _listener = TcpListener::bind_on(&single, "10.0.0.2:7").expect("bind");
    let connects = |host: &Host| {
        let socket = loggia::net::Socket::new_on(host, loggia::net::Domain::IPV4, loggia::net::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.bind(&"10.0.0.1:1234".parse::<SocketAddr>().expect("an address").into()).expect("bind");
        socket.connect(&"10.0.0.2:7".parse::<SocketAddr>().expect("an address").into())
    };
    let outcomes: Vec<_> = many.hosts().iter().map(connects).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.map(std::io::Error::raw_os_error).all(|number| number == Some(99)), "EADDRNOTAVAIL");
}

#[test]
fn datagrams_from_an_ephemeral_port_are_answered_on_whichever_shard() {
    let (many, single) = hosts();
    let server = UdpSocket::bind_on(&single, "10.0.0.2:53").expect("bind");
    let mut room = [0; 100];
    for host in many.hosts() {
        for connected in [false, true] {
            let client = UdpSocket::bind_on(host, "0.0.0.0:0").expect("bind");
            client.set_read_timeout(LONG).expect("an option");
            if connected {
                client.connect("10.0.0.2:53").expect("connect");
                client.send(b"question").expect("send");
            } else {
                client.send_to(b"question", "10.0.0.2:53").expect("send");
            }
            let (_, from) = server.recv_from(&mut room).expect("a question");
            server.send_to(b"answer", from).expect("send");
            assert_eq!(client.recv(&mut room).expect("an answer"), 6);
        }
    }
}

#[test]
fn a_datagram_socket_on_all_shards_answers_everybody_also_in_fragments() {
    let (many, single) = hosts();
    let server = shards::UdpSocket::bind_on(&many, "10.0.0.1:53").expect("bind");
    let data = pattern(10_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut room = vec![0; 20_000];
            for _ in 0..40 {
                let (len, from) = server.recv_from(&mut room).expect("a question");
                server.send_to(&room[..len], from).expect("send");
            }
        });
        for number in 0..40 {
            let client = UdpSocket::bind_on(&single, "0.0.0.0:0").expect("bind");
            client.set_read_timeout(LONG).expect("an option");
            let data = if number % 2 == 0 { &data[..100] } else { &data };
            client.send_to(data, "10.0.0.1:53").expect("send");
            let mut room = vec![0; 20_000];
            let len = client.recv(&mut room).expect("an answer");
            assert!(room[..len] == *data);
        }
    });
    let takers = server.parts().iter().filter(|part| part.local_addr().is_ok()).count();
    assert_eq!((takers, shards_with(&many, "InDatagrams")), (SHARDS, SHARDS));
}

#[test]
fn an_icmp_error_reaches_the_shard_whose_flow_it_is_about() {
    let (many, _single) = hosts();
    for host in many.hosts() {
        let socket = UdpSocket::bind_on(host, "10.0.0.1:0").expect("bind");
        socket.connect("10.0.0.2:9").expect("connect");
        socket.set_read_timeout(LONG).expect("an option");
        socket.send(b"anybody?").expect("send");
        let refused = socket.recv(&mut [0; 9]).expect_err("nobody");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    let strays = many.counters().into_iter().filter(|counter| counter.name.contains("ICMP error for a flow"));
    assert_eq!(strays.count(), 0);
}

#[test]
fn neighbours_are_found_by_all_and_questions_answered_by_one() {
    let (many, single) = hosts_over(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500));
    let server = UdpSocket::bind_on(&single, "[fd00::2]:53").expect("bind");
    let mut ports = HashSet::new();
    for host in many.hosts() {
        let client = UdpSocket::bind_on(host, "[fd00::1]:0").expect("bind");
        client.set_read_timeout(LONG).expect("an option");
        client.send_to(b"question", "[fd00::2]:53").expect("send");
        let (_, from) = server.recv_from(&mut [0; 100]).expect("a question");
        server.send_to(b"answer", from).expect("send");
        client.recv(&mut [0; 100]).expect("an answer");
        ports.insert(from.port());
    }
    assert_eq!(ports.len(), SHARDS, "each has ports of its own");
    assert!(many.hosts().iter().all(|host| host.neighbours().iter().any(|known| known.mac.is_some())));
    let replies = many.hosts().iter().filter(|host| {
        let counters = host.counters();
        counters.iter().any(|counter| counter.name == "ArpOut" && counter.value > 1)
    });
    assert!(replies.count() <= 1, "each announces itself, one answers");
}

#[test]
fn the_end_is_told_at_all_shards() {
    let (many, single) = hosts();
    let listener = shards::TcpListener::bind_on(&many, "10.0.0.1:7").expect("bind");
    let here = TcpStream::connect_on(&single, "10.0.0.1:7").expect("connect");
    let there = listener.accept().expect("accept").0;
    drop((here, there));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| listener.accept().expect_err("it is over").raw_os_error());
        many.shutdown(Duration::from_secs(60)).expect("in order");
        let told = waiting.join().expect("no panic");
        assert!(matches!(told, Some(22 | 100)), "the listener was ended, or the host: {told:?}");
    });
    assert!(many.hosts().iter().all(|host| host.events().is_err()));
}

/// Also the questions that one answers for all: the other end does not know our station when it begins.
#[test]
fn another_answers_for_a_shard_that_has_ended() {
    let (many, single) = hosts_over(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500));
    let _listener = shards::TcpListener::bind_on(&many, "10.0.0.1:7").expect("bind");
    many.hosts()[0].shutdown(Duration::from_secs(60)).expect("there was nothing to send");
    single.remove_neighbour("lan0", "10.0.0.1").expect("it is an interface");
    for _ in 0..8 * SHARDS {
        TcpStream::connect_on(&single, "10.0.0.1:7").expect("others listen too");
        let refused = TcpStream::connect_on(&single, "10.0.0.1:9").expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

#[test]
fn who_is_not_to_wait_on_all_shards_does_not() {
    let (many, _single) = hosts();
    let listener = shards::TcpListener::bind_on(&many, "10.0.0.1:7").expect("bind");
    listener.set_nonblocking(true).expect("a mode");
    let modes = listener.parts().iter().map(|part| part.accept().expect_err("nobody").kind());
    assert!(modes.chain([listener.accept().expect_err("nobody").kind()]).all(|kind| kind == std::io::ErrorKind::WouldBlock));
    let socket = shards::UdpSocket::bind_on(&many, "10.0.0.1:53").expect("bind");
    socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a timeout");
    assert_eq!(socket.read_timeout().expect("an option"), Some(Duration::from_millis(10)));
    assert_eq!(socket.recv_from(&mut [0; 9]).expect_err("nothing").kind(), std::io::ErrorKind::WouldBlock);
    socket.set_read_timeout(None).expect("no timeout");
    socket.set_nonblocking(true).expect("a mode");
    assert_eq!(socket.recv_from(&mut [0; 9]).expect_err("nothing").kind(), std::io::ErrorKind::WouldBlock);
}

//! Beside the kernel, over the queues of a TUN or TAP.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use loggia::device::Tun;
use loggia::{Host, Interface, Shards, shards};

use crate::namespace::{has, inside, run};
use crate::{SHARDS, exchange, pattern};

/// The kinds of wire: TAP or TUN, and how many queues.
const WIRES: [(bool, usize); 4] = [(false, SHARDS), (true, SHARDS), (false, 2), (false, 6)];

/// 10.0.0.2 and fd00::2 of many stacks beside the kernel's 10.0.0.1 and fd00::1.
fn lay((ethernet, queues): (bool, usize)) -> Shards {
    println!("ethernet {ethernet}, {queues} queues");
    let builder = Tun::builder().queues(queues);
    let interface = if ethernet {
        Interface::new(builder.open_tap("wire0").expect("a TAP"))
    } else {
        Interface::new(builder.open("wire0").expect("a TUN"))
    };
    // The kernel is to tell everybody that nobody is there.
    for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
        std::fs::write(format!("/proc/sys/net/{limit}"), "0").expect("a setting");
    }
    run("ip address add 10.0.0.1/24 dev wire0");
    run("ip address add fd00::1/64 dev wire0 nodad");
    run("ip link set wire0 up");
    while !run("ip -6 route show table local").contains("local fd00::1 dev wire0") {
        thread::sleep(Duration::from_millis(2));
    }
    let interface = interface.autoconfigure(false).address("10.0.0.2/24").address("fd00::2/64");
    Host::builder().interface(interface).start_shards(SHARDS).expect("shards")
}

fn ours(family: usize, port: u16) -> SocketAddr {
    SocketAddr::new(["10.0.0.2", "fd00::2"][family].parse().expect("an address"), port)
}

fn theirs(family: usize, port: u16) -> SocketAddr {
    SocketAddr::new(["10.0.0.1", "fd00::1"][family].parse().expect("an address"), port)
}

fn over_every_wire(story: fn(&Shards, usize)) {
    for wire in WIRES {
        let shards = lay(wire);
        (0..2).for_each(|family| story(&shards, family));
        shards.shutdown(Duration::from_secs(10)).expect("everything was sent");
    }
}

/// Sends all to us and sees it come back.
fn exchange_by_the_kernel(to: SocketAddr, data: &[u8]) {
    let mut stream = std::net::TcpStream::connect(to).expect("connect");
    stream.write_all(data).expect("write");
    stream.shutdown(Shutdown::Write).expect("shutdown");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("read");
    assert!(all == data);
}

fn the_kernel_connects(many: &Shards, family: usize) {
    const CLIENTS: usize = 4;
    const EACH: usize = 6;
    let listener = shards::TcpListener::bind_on(many, ours(family, 80)).expect("bind");
    let data = &pattern(200_000);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(move || (0..EACH).for_each(|_| exchange_by_the_kernel(ours(family, 80), data)));
        }
        for stream in listener.incoming().take(CLIENTS * EACH) {
            let mut stream = stream.expect("accept");
            scope.spawn(move || {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).expect("read");
                stream.write_all(&all).expect("write");
            });
        }
    });
}

fn we_connect(many: &Shards, family: usize) {
    let listener = std::net::TcpListener::bind(theirs(family, 0)).expect("bind");
    let to = listener.local_addr().expect("an address");
    let data = pattern(200_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming().take(3 * SHARDS) {
                let mut stream = stream.expect("accept");
                scope.spawn(move || {
                    let mut all = Vec::new();
                    stream.read_to_end(&mut all).expect("read");
                    stream.write_all(&all).expect("write");
                });
            }
        });
        for host in many.hosts() {
            let data = &data;
            scope.spawn(move || {
                for _ in 0..3 {
                    let stream = loggia::net::TcpStream::connect_on(host, to).expect("connect");
                    assert!(exchange(stream, data) == *data);
                }
            });
        }
    });
}

fn datagrams_are_echoed_and_refused(many: &Shards, family: usize) {
    let server = shards::UdpSocket::bind_on(many, ours(family, 7)).expect("bind");
    let mut room = vec![0; 20_000];
    for len in [1000, 10_000, 1000, 10_000] {
        let client = std::net::UdpSocket::bind(theirs(family, 0)).expect("bind");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
        let data = pattern(len);
        client.send_to(&data, ours(family, 7)).expect("send");
        let (got, from) = server.recv_from(&mut room).expect("receive");
        server.send_to(&room[..got], from).expect("send");
        let got = client.recv(&mut room).expect("receive");
        assert!(room[..got] == data);
    }
    for host in many.hosts() {
        let socket = loggia::net::UdpSocket::bind_on(host, ours(family, 0)).expect("bind");
        socket.connect(theirs(family, 82)).expect("connect");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
        socket.send(b"anybody?").expect("send");
        let refused = socket.recv(&mut [0; 9]).expect_err("nobody");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    if has("ping") {
        run(&format!("ping -n -c 3 -i 0.01 -W 20 {}", ours(family, 0).ip()));
    }
}

/// After three silent seconds the kernel has forgotten by which queue a flow came and spreads by a hash of its own: what then comes by
/// another shard's queue is passed on.
fn a_flow_that_was_silent_still_finds_its_shard(many: &Shards, family: usize) {
    if family == 1 {
        return;
    }
    let listener = std::net::TcpListener::bind(theirs(family, 0)).expect("bind");
    let to = listener.local_addr().expect("an address");
    let mut pairs: Vec<_> = many
        .hosts()
        .iter()
        .map(|host| {
            let here = loggia::net::TcpStream::connect_on(host, to).expect("connect");
            (here, listener.accept().expect("accept").0)
        })
        .collect();
    thread::sleep(Duration::from_millis(3500));
    for (here, there) in &mut pairs {
        there.write_all(b"are you there?").expect("write");
        here.read_exact(&mut [0; 14]).expect("read");
    }
}

macro_rules! tests {
    ($($story:ident)*) => {
        mod beside_the_kernel {
            $(#[test]
            fn $story() {
                super::inside(concat!("tun::beside_the_kernel::", stringify!($story)), || super::over_every_wire(super::$story));
            })*
        }
    };
}

tests! {
    the_kernel_connects
    we_connect
    datagrams_are_echoed_and_refused
}

#[test]
fn silence_changes_nothing() {
    inside("tun::silence_changes_nothing", || {
        let shards = lay(WIRES[0]);
        a_flow_that_was_silent_still_finds_its_shard(&shards, 0);
        shards.shutdown(Duration::from_secs(10)).expect("everything was sent");
    });
}

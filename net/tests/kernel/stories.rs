//! What goes over the wire, both ways.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use loggia::Host;

use crate::namespace::inside;
use crate::wire::{KERNEL, OURS, WIRES, Wire, lay, tear_down};

/// Bytes that tell where they belong.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}

/// Sends all, ends writing, and reads all that comes: both directions of one connection full at once.
macro_rules! exchange {
    ($stream:expr, $data:expr) => {{
        let stream = $stream;
        let data: &[u8] = $data;
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                (&stream).write_all(data).expect("write");
                stream.shutdown(Shutdown::Write).expect("shutdown");
            });
            let mut all = Vec::new();
            (&stream).read_to_end(&mut all).expect("read");
            writer.join().expect("the writer");
            all
        })
    }};
}

const LEN: usize = 3_000_000;

fn the_kernel_connects(host: &Host, family: usize) {
    let listener = loggia::net::TcpListener::bind_on(host, SocketAddr::new(OURS[family], 80)).expect("bind");
    let data = pattern(LEN);
    thread::scope(|scope| {
        let ours = scope.spawn(|| {
            let (stream, from) = listener.accept().expect("accept");
            assert_eq!(from.ip(), KERNEL[family]);
            exchange!(stream, &data)
        });
        let theirs = std::net::TcpStream::connect(SocketAddr::new(OURS[family], 80)).expect("connect");
        assert!(exchange!(theirs, &data) == data, "what we sent has come");
        assert!(ours.join().expect("our side") == data, "what the kernel sent has come");
    });
}

fn we_connect(host: &Host, family: usize) {
    let listener = std::net::TcpListener::bind(SocketAddr::new(KERNEL[family], 0)).expect("bind");
    let to = listener.local_addr().expect("an address");
    let data = pattern(LEN);
    thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            let (stream, from) = listener.accept().expect("accept");
            assert_eq!(from.ip(), OURS[family]);
            exchange!(stream, &data)
        });
        let ours = loggia::net::TcpStream::connect_on(host, to).expect("connect");
        assert!(exchange!(ours, &data) == data);
        assert!(theirs.join().expect("their side") == data);
    });
}

fn datagrams_are_echoed(host: &Host, family: usize) {
    let ours = loggia::net::UdpSocket::bind_on(host, SocketAddr::new(OURS[family], 7)).expect("bind");
    let theirs = std::net::UdpSocket::bind(SocketAddr::new(KERNEL[family], 0)).expect("bind");
    theirs.connect(SocketAddr::new(OURS[family], 7)).expect("connect");
    // Nothing is lost here; should it be, the test is to end.
    theirs.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    ours.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let mut room = vec![0; 20_000];
    // One in a packet, one of nothing, and one in fragments.
    for len in [1000, 0, 10_000] {
        let data = pattern(len);
        theirs.send(&data).expect("send");
        let (got, from) = ours.recv_from(&mut room).expect("receive");
        ours.send_to(&room[..got], from).expect("send");
        let got = theirs.recv(&mut room).expect("receive");
        assert!(room[..got] == data);
    }
}

fn nobody_listens(host: &Host, family: usize) {
    let refused = std::net::TcpStream::connect(SocketAddr::new(OURS[family], 81)).expect_err("nobody");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let refused = loggia::net::TcpStream::connect_on(host, SocketAddr::new(KERNEL[family], 81)).expect_err("nobody");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    // The kernel's ICMP reaches the socket it concerns.
    let socket = loggia::net::UdpSocket::bind_on(host, SocketAddr::new(OURS[family], 0)).expect("bind");
    socket.connect(SocketAddr::new(KERNEL[family], 82)).expect("connect");
    socket.send(b"anybody?").expect("send");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let refused = socket.recv(&mut [0; 9]).expect_err("nobody");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

fn over_every_wire(story: fn(&Host, usize)) {
    for wire in WIRES {
        println!("{wire:?}");
        let host = lay(wire);
        (0..2).for_each(|family| story(&host, family));
        tear_down(&host);
    }
}

macro_rules! tests {
    ($($story:ident)*) => {
        mod over_tun_and_tap {
            $(#[test]
            fn $story() {
                super::inside(concat!("stories::over_tun_and_tap::", stringify!($story)), || super::over_every_wire(super::$story));
            })*
        }
    };
}

tests! {
    the_kernel_connects
    we_connect
    datagrams_are_echoed
    nobody_listens
}

/// Whoever still writes to a host that has ended learns of it, as from a process that the kernel has ended.
#[test]
fn a_host_that_ends_tells_the_kernel() {
    inside("stories::a_host_that_ends_tells_the_kernel", || {
        for wire in [Wire::Tun, Wire::Tap] {
            let host = lay(wire);
            let listener = loggia::net::TcpListener::bind_on(&host, SocketAddr::new(OURS[0], 80)).expect("bind");
            let mut theirs = std::net::TcpStream::connect(SocketAddr::new(OURS[0], 80)).expect("connect");
            let _ours = listener.accept().expect("accept");
            tear_down(&host);
            assert_eq!(theirs.read(&mut [0; 9]).expect("the end came before the reset"), 0);
            // Were it not told, it would fill its buffer and wait.
            theirs.set_write_timeout(Some(Duration::from_secs(20))).expect("an option");
            let told = loop {
                if let Err(error) = theirs.write(&[7; 8192]) {
                    break error.kind();
                }
            };
            assert_eq!(told, std::io::ErrorKind::BrokenPipe, "{wire:?}");
        }
    });
}

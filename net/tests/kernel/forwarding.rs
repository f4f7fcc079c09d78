//! The example `forwarder`: what the kernel sends into a TUN goes on by the kernel's own sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use loggia::device::Tun;
use loggia::{Host, Interface};

use crate::namespace::{inside, run};

#[path = "../../../examples/forwarder.rs"]
#[allow(dead_code, reason = "its main function is for the example")]
mod forwarder;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Anybody, whom the TUN leads to.
const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

#[test]
fn what_enters_the_interface_goes_on() {
    inside("forwarding::what_enters_the_interface_goes_on", story);
}

fn story() {
    let tun = Tun::open("wire0").expect("a TUN");
    run("ip link set lo up");
    run("ip address add 192.0.2.2/24 dev wire0");
    run("ip link set wire0 up");
    run("ip route add 198.51.100.0/24 dev wire0");
    let interface = Interface::new(tun).transparent(true).address("192.0.2.1/24").gateway("192.0.2.2");
    let host = Host::builder().interface(interface).start().expect("a host");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(forwarder::forward(&host, Some(LOCAL)))
    });
    streams();
    datagrams();
}

fn streams() {
    let listener = TcpListener::bind(SocketAddr::new(LOCAL, 0)).expect("bind");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accept");
        std::io::copy(&mut &stream, &mut &stream)
    });
    // The forwarder's gates may not be there yet.
    let stream = (0..1000).find_map(|_| {
        thread::sleep(Duration::from_millis(5));
        TcpStream::connect(SocketAddr::new(SOMEBODY, port)).ok()
    });
    let mut stream = stream.expect("the forwarder lets it through");
    let data: Vec<u8> = (0..1_000_000u32).map(|at| (at ^ at >> 8) as u8).collect();
    let mut back = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&data).expect("write");
            stream.shutdown(std::net::Shutdown::Write).expect("shutdown");
        });
        (&stream).read_to_end(&mut back).expect("read");
    });
    assert!(back == data);
    assert_eq!(stream.write(b"x").expect_err("writing has ended").kind(), ErrorKind::BrokenPipe);
    let closed = TcpListener::bind(SocketAddr::new(LOCAL, 0)).expect("bind").local_addr().expect("an address").port();
    let refused = TcpStream::connect(SocketAddr::new(SOMEBODY, closed)).expect_err("refused there, refused here");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

fn datagrams() {
    let server = UdpSocket::bind(SocketAddr::new(LOCAL, 0)).expect("bind");
    let client = UdpSocket::bind("0.0.0.0:0").expect("bind");
    client.connect(SocketAddr::new(SOMEBODY, server.local_addr().expect("an address").port())).expect("connect");
    for socket in [&server, &client] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    }
    let mut room = [0; 100];
    for question in ["one", "two", "three"] {
        client.send(question.as_bytes()).expect("send");
        let (len, from) = server.recv_from(&mut room).expect("receive");
        assert_eq!(&room[..len], question.as_bytes());
        server.send_to(b"answer", from).expect("send");
        assert_eq!(client.recv(&mut room).expect("receive"), 6);
    }
}

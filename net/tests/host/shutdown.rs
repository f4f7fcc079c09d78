//! How hosts end.

use std::io::{ErrorKind, Write};
use std::thread;
use std::time::Duration;

use loggia::net::{TcpListener, TcpStream, UdpSocket};

use crate::{connected, hosts, pattern, rest};

const LONG: Duration = Duration::from_secs(60);
const ENETDOWN: i32 = 100;

#[test]
fn what_was_written_is_sent_before_the_end() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    let data = pattern(2_000_000);
    let reader = thread::spawn(move || rest(there));
    here.write_all(&data).expect("write");
    hosts[0].shutdown(LONG).expect("all of it has left");
    assert!(reader.join().expect("the reader") == data);
    assert!(here.write(b"more").is_err());
}

#[test]
fn who_does_not_read_does_not_hold_the_end_up() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    here.set_nonblocking(true).expect("a mode");
    while here.write(&vec![7; 65_536]).is_ok() {}
    let late = hosts[0].shutdown(Duration::from_millis(20)).expect_err("the other end reads nothing");
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    // It is told by a reset that more is not to come.
    let reset = std::io::copy(&mut &there, &mut std::io::sink()).expect_err("reset");
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    hosts[0].shutdown(LONG).expect_err("it is as it was");
}

#[test]
fn who_waits_is_told_of_the_end() {
    let [one, _two] = hosts();
    let socket = UdpSocket::bind_on(&one, "10.0.0.1:9").expect("bind");
    let listener = TcpListener::bind_on(&one, "10.0.0.1:9").expect("bind");
    thread::scope(|scope| {
        let receiver = scope.spawn(|| socket.recv(&mut [0; 9]));
        let acceptor = scope.spawn(|| listener.accept());
        one.shutdown(LONG).expect("nothing is to be sent");
        assert_eq!(receiver.join().expect("no panic").expect_err("nothing came").raw_os_error(), Some(ENETDOWN));
        acceptor.join().expect("no panic").expect_err("nobody came");
    });
    assert_eq!(socket.recv(&mut [0; 9]).expect_err("nothing will come").raw_os_error(), Some(ENETDOWN));
    one.attach(loggia::Interface::new(loggia::device::Loopback::new())).expect_err("it is over");
}

#[test]
fn dropping_everything_neither_waits_nor_loses() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    let data = pattern(500_000);
    here.set_nonblocking(true).expect("a mode");
    let written = here.write(&data).expect("there is room");
    drop(here);
    let [client, _server] = hosts;
    drop(client);
    assert!(rest(there) == data[..written]);
}

#[test]
fn a_host_without_devices_talks_to_itself() {
    let host = loggia::Host::builder().start().expect("a host");
    let listener = TcpListener::bind_on(&host, "localhost:80").expect("bind");
    let here = TcpStream::connect_on(&host, listener.local_addr().expect("an address")).expect("connect");
    (&here).write_all(b"myself").expect("write");
    drop(here);
    assert_eq!(rest(listener.accept().expect("accept").0), b"myself");
    host.shutdown(LONG).expect("clean");
}

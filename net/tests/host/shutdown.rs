//! How hosts end.

use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use loggia::events::{Reason, What};
use loggia::net::{TcpGate, TcpListener, TcpStream, UdpSocket};
use loggia::time::sleep;
use loggia::{Host, State};

use crate::{SERVER, connected, hosts, pattern, rest};

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

/// What writing says in the end, if it is told anything within twenty seconds.
fn write_until_told(mut stream: TcpStream) -> ErrorKind {
    stream.set_write_timeout(Some(Duration::from_secs(20))).expect("an option");
    loop {
        if let Err(error) = stream.write(&[7; 8192]) {
            return error.kind();
        }
    }
}

#[test]
fn who_still_holds_a_connection_open_learns_that_nobody_is_there() {
    let hosts = hosts();
    let (mut here, mut there) = connected(&hosts);
    there.write_all(b"last words").expect("write");
    hosts[0].shutdown(LONG).expect("nothing was to be sent");
    assert_eq!(here.info().map(|info| info.state), Some(State::Closed));
    let mut words = [0; 10];
    here.read_exact(&mut words).expect("they had come");
    assert_eq!(&words, b"last words");
    assert_eq!(here.read(&mut words).expect_err("and nothing more will").raw_os_error(), Some(ENETDOWN));
    assert_eq!(there.read(&mut words).expect("the end came before the reset"), 0);
    assert_eq!(write_until_told(there), ErrorKind::BrokenPipe);
    hosts[1].shutdown(Duration::from_secs(3600)).expect("there is nobody to wait for");
}

#[test]
fn what_both_ends_have_closed_is_not_reset() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    let mut events = hosts[1].events().expect("events");
    here.write_all(b"good bye").expect("write");
    here.shutdown(Shutdown::Write).expect("shutdown");
    assert_eq!(rest(there), b"good bye");
    assert_eq!(here.read(&mut [0; 9]).expect("its end"), 0);
    hosts[0].shutdown(LONG).expect("in order");
    let closed = events.find_map(|event| match event.what {
        What::Closed { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(closed, Some(Reason::Finished));
    assert!(!hosts[0].counters().iter().any(|counter| counter.name == "OutRsts"));
}

#[test]
fn what_has_no_way_to_leave_is_not_waited_for() {
    for cut in [Cut::Lost, Cut::Down] {
        let hosts = hosts();
        let (mut here, _there) = connected(&hosts);
        here.set_nonblocking(true).expect("a mode");
        while here.write(&vec![7; 65_536]).is_ok() {}
        match cut {
            Cut::Lost => hosts[1].detach("ip0").expect("it is there"),
            Cut::Down => hosts[0].set_up("ip0", false).expect("it is there"),
        }
        let late = hosts[0].shutdown(Duration::from_secs(3600)).expect_err("it was given up");
        assert_eq!(late.kind(), ErrorKind::TimedOut);
    }
}

/// What becomes of the only interface.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Lost,
    Down,
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
        assert_eq!(acceptor.join().expect("no panic").expect_err("nobody came").raw_os_error(), Some(ENETDOWN));
    });
    assert_eq!(listener.accept().expect_err("nobody will come").raw_os_error(), Some(ENETDOWN));
    assert!(listener.incoming().next().is_none());
    assert_eq!(socket.recv(&mut [0; 9]).expect_err("nothing will come").raw_os_error(), Some(ENETDOWN));
    one.attach(loggia::Interface::new(loggia::device::Loopback::new())).expect_err("it is over");
}

#[test]
fn a_host_that_is_over_says_so_and_is_not_changed_any_more() {
    let [one, two] = hosts();
    assert!(!one.is_over());
    one.shutdown(LONG).expect("nothing is to be sent");
    assert!(one.is_over() && !two.is_over());
    let errors = [
        UdpSocket::bind_on(&one, "10.0.0.1:9").map(drop),
        TcpListener::bind_on(&one, "10.0.0.1:9").map(drop),
        TcpStream::connect_on(&one, SERVER).map(drop),
        one.add_address("ip0", "10.0.0.3/24"),
        one.set_up("ip0", true),
    ];
    for error in errors {
        assert_eq!(error.expect_err("it is over").raw_os_error(), Some(ENETDOWN));
    }
    assert_eq!(one.interfaces()[1].name, "ip0");
}

#[test]
fn gates_tell_of_the_end() {
    let [one, _two] = hosts();
    let gate = TcpGate::bind_on(&one, "10.0.0.1:9".parse().expect("an address"), 8).expect("bind");
    thread::scope(|scope| {
        let decider = scope.spawn(|| gate.opening().map(drop));
        let acceptor = scope.spawn(|| gate.accept().map(drop));
        one.shutdown(LONG).expect("nothing is to be sent");
        for waiting in [decider, acceptor] {
            assert_eq!(waiting.join().expect("no panic").expect_err("nobody came").raw_os_error(), Some(ENETDOWN));
        }
    });
}

#[test]
fn listeners_tell_of_the_end_while_others_still_say_what_they_have_to() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    let listener = TcpListener::bind_on(&hosts[0], "10.0.0.1:9").expect("bind");
    here.set_nonblocking(true).expect("a mode");
    while here.write(&vec![7; 65_536]).is_ok() {}
    thread::scope(|scope| {
        let ending = scope.spawn(|| hosts[0].shutdown(LONG));
        assert_eq!(listener.incoming().count(), 0);
        rest(there);
        ending.join().expect("no panic").expect("all of it was read");
    });
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
fn whom_nobody_has_accepted_holds_nobody_up() {
    let [client, server] = hosts();
    let listener = TcpListener::bind_on(&server, SERVER).expect("bind");
    let waiting = [(); 3].map(|()| TcpStream::connect_on(&client, SERVER).expect("connect"));
    // One is accepted, and its end is waited for.
    let (accepted, _) = listener.accept().expect("accept");
    (&accepted).write_all(b"good bye").expect("write");
    server.shutdown(LONG).expect("nothing of ours is left to be sent");
    let ends = waiting.map(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).map(|_| all).map_err(|error| error.kind())
    });
    assert_eq!(ends, [Ok(b"good bye".to_vec()), Err(ErrorKind::ConnectionReset), Err(ErrorKind::ConnectionReset)]);
}

#[test]
fn what_a_closed_connection_still_has_is_given_up_by_a_reset() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    here.set_nonblocking(true).expect("a mode");
    while here.write(&vec![7; 65_536]).is_ok() {}
    drop(here);
    let late = hosts[0].shutdown(Duration::from_millis(20)).expect_err("the other end reads nothing");
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    there.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let reset = std::io::copy(&mut &there, &mut std::io::sink()).expect_err("reset");
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
}

/// Ends the host from its own thread.
struct Ends(Host, mpsc::Sender<ErrorKind>);

impl Wake for Ends {
    fn wake(self: Arc<Self>) {
        self.1.send(self.0.shutdown(LONG).expect_err("it cannot wait for itself").kind()).expect("somebody listens");
    }
}

#[test]
fn a_host_that_is_to_wait_for_itself_says_so_also_while_another_waits() {
    let hosts = hosts();
    let (mut here, there) = connected(&hosts);
    here.set_nonblocking(true).expect("a mode");
    while here.write(&vec![7; 65_536]).is_ok() {}
    thread::scope(|scope| {
        let waiting = scope.spawn(|| hosts[0].shutdown(LONG));
        thread::sleep(Duration::from_millis(20));
        let (tell, told) = mpsc::channel();
        let waker = Waker::from(Arc::new(Ends(hosts[0].clone(), tell)));
        let mut sleep = pin!(sleep(&hosts[0], Duration::from_millis(20)));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let told = told.recv_timeout(Duration::from_secs(60));
        drop(there);
        // It was cut off in the middle, whichever way it is told.
        let _ = waiting.join().expect("no panic");
        assert_eq!(told, Ok(ErrorKind::Deadlock));
    });
}

#[test]
fn a_host_without_devices_talks_to_itself() {
    let host = Host::builder().start().expect("a host");
    let listener = TcpListener::bind_on(&host, "localhost:80").expect("bind");
    let here = TcpStream::connect_on(&host, listener.local_addr().expect("an address")).expect("connect");
    (&here).write_all(b"myself").expect("write");
    drop(here);
    assert_eq!(rest(listener.accept().expect("accept").0), b"myself");
    host.shutdown(LONG).expect("clean");
}

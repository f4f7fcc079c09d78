//! Who waits for the devices: the host's thread, or a caller who waits alone. Nobody may be forgotten when that changes.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixDatagram;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use loggia::berkeley::numbers::{AF_INET, POLLIN, SOCK_DGRAM};
use loggia::berkeley::{Berkeley, PollFd};
use loggia::device::{Device, Packet, PacketFd, Properties, pair};
use loggia::net::{SockAddr, TcpListener, TcpStream, UdpSocket};
use loggia::{Host, Interface};

use crate::{connected, hosts_over, pattern, rest};

const ENETDOWN: i32 = 100;
/// A test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

/// A polled device that knows who received packets from it, loses some, and has a fault in it if told.
struct Watched {
    inner: PacketFd,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    readers: Mutex<HashSet<ThreadId>>,
    /// Every so many are lost; 0: none.
    loses: AtomicU32,
    sent: AtomicU32,
    /// This thread finds the fault.
    faulty_for: Mutex<Option<ThreadId>>,
}

impl Seen {
    fn was_read_by(&self, thread: ThreadId) -> bool {
        self.readers.lock().expect("no panic").contains(&thread)
    }
}

impl Device for Watched {
    fn properties(&self) -> Properties {
        self.inner.properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        let here = thread::current().id();
        let faulty = *self.seen.faulty_for.lock().expect("no panic") == Some(here);
        assert!(!faulty, "a fault of the device's");
        let packet = self.inner.receive(queue)?;
        self.seen.readers.lock().expect("no panic").insert(here);
        Ok(packet)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let loses = self.seen.loses.load(Ordering::Relaxed);
        if loses > 0 && self.seen.sent.fetch_add(1, Ordering::Relaxed) % loses == loses - 1 {
            return Ok(());
        }
        self.inner.send(packet)
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor(queue)
    }
}

/// Two hosts, and what their devices saw.
fn watched() -> ([Host; 2], [Arc<Seen>; 2]) {
    let (one, two) = UnixDatagram::pair().expect("a pair");
    let seen = [Arc::<Seen>::default(), Arc::default()];
    let device = |end, seen: &Arc<Seen>| {
        let inner = PacketFd::new(end, Properties::ip(1500)).expect("a device");
        Watched { inner, seen: seen.clone() }
    };
    (hosts_over([device(one, &seen[0]), device(two, &seen[1])]), seen)
}

fn bind(host: &Host, at: &str) -> UdpSocket {
    let socket = UdpSocket::bind_on(host, at).expect("bind");
    socket.set_read_timeout(Some(PATIENCE)).expect("an option");
    socket
}

/// Asks and is answered, alone on the first host, until this thread has received a packet itself.
fn ask_until_at_helm(socket: &UdpSocket, seen: &Seen) {
    let mut room = [0; 64];
    for _ in 0..100_000 {
        socket.send_to(b"anybody?", "10.0.0.2:9").expect("send");
        assert_eq!(socket.recv(&mut room).expect("an answer"), 8);
        if seen.was_read_by(thread::current().id()) {
            return;
        }
    }
    panic!("others read for us all the time");
}

/// Answers on the second host until something short comes.
fn answer(socket: &UdpSocket) {
    let mut room = [0; 64];
    loop {
        let (len, from) = socket.recv_from(&mut room).expect("a question");
        socket.send_to(&room[..len], from).expect("send");
        if len < 8 {
            return;
        }
    }
}

#[test]
fn who_waits_alone_reads_for_himself_and_others_are_read_for() {
    let (hosts, seen) = watched();
    let (asks, answers) = (bind(&hosts[0], "10.0.0.1:9"), bind(&hosts[1], "10.0.0.2:9"));
    let waits = bind(&hosts[0], "10.0.0.1:10");
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        ask_until_at_helm(&asks, &seen[0]);
        // Now another waits too, and stays while this one comes and goes.
        let other = scope.spawn(|| waits.recv(&mut [0; 64]));
        for _ in 0..1000 {
            asks.send_to(b"anybody?", "10.0.0.2:9").expect("send");
            asks.recv(&mut [0; 64]).expect("an answer");
        }
        // This one is busy with something else.
        answers.send_to(b"for the other", "10.0.0.1:10").expect("send");
        assert_eq!(other.join().expect("no panic").expect("it has come"), 13);
        asks.send_to(b"end", "10.0.0.2:9").expect("send");
    });
}

/// Threads in different calls of one host, which come and go at their own times; each gets what is for it.
#[test]
fn many_wait_in_different_calls_and_nobody_is_forgotten() {
    const TURNS: usize = 150;
    let (hosts, _) = watched();
    let [ours, theirs] = &hosts;
    let listener = TcpListener::bind_on(ours, "10.0.0.1:7").expect("bind");
    let (stream, peer) = connected(&hosts);
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    let (datagrams, sender) = (bind(ours, "10.0.0.1:9"), bind(theirs, "10.0.0.2:9"));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // One accepts.
        let accepts = scope.spawn(|| (0..TURNS).for_each(|_| assert_eq!(rest(listener.accept().expect("accept").0), b"hello")));
        // One reads what comes byte by byte, one datagrams.
        let reads = scope.spawn(|| (0..TURNS).for_each(|_| (&stream).read_exact(&mut [0]).expect("a byte")));
        let receives = scope.spawn(|| (0..TURNS).for_each(|_| assert_eq!(datagrams.recv(&mut [0; 9]).expect("it has come"), 5)));
        // One waits in vain, again and again.
        let gives_up = scope.spawn(|| {
            let socket = bind(ours, "10.0.0.1:11");
            socket.set_read_timeout(Some(Duration::from_micros(300))).expect("an option");
            while !over.load(Ordering::Relaxed) {
                socket.recv(&mut [0; 9]).expect_err("nothing comes");
            }
        });
        for turn in 0..TURNS {
            let mut stream = TcpStream::connect_on(theirs, "10.0.0.1:7").expect("connect");
            stream.write_all(b"hello").expect("write");
            drop(stream);
            (&peer).write_all(b"!").expect("write");
            sender.send_to(b"hello", "10.0.0.1:9").expect("send");
            if turn % 16 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
        }
        for waits in [accepts, reads, receives] {
            waits.join().expect("each gets what is for it");
        }
        over.store(true, Ordering::Relaxed);
        gives_up.join().expect("no panic");
    });
}

#[test]
fn timers_are_met_by_whoever_is_there() {
    let (hosts, seen) = watched();
    seen.iter().for_each(|seen| seen.loses.store(9, Ordering::Relaxed));
    let (mut here, mut there) = connected(&hosts);
    let data = pattern(300_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut all = vec![0; data.len()];
            there.read_exact(&mut all).expect("it has come");
            there.write_all(&all).expect("write");
        });
        here.write_all(&data).expect("write");
        let mut all = vec![0; data.len()];
        here.read_exact(&mut all).expect("it has come back");
        assert!(all == data, "what is lost is sent again");
    });
}

/// Asks until this caller is at the helm, ends who answers, and says that it will wait now.
fn say_when_at_helm(asks: &UdpSocket, seen: &Seen, ready: &AtomicBool) {
    ask_until_at_helm(asks, seen);
    asks.send_to(b"end", "10.0.0.2:9").expect("send");
    asks.recv(&mut [0; 9]).expect("an answer");
    ready.store(true, Ordering::Release);
}

fn await_flag(flag: &AtomicBool) {
    while !flag.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

#[test]
fn a_caller_at_the_helm_is_told_of_the_end() {
    let ready = AtomicBool::new(false);
    let (hosts, seen) = watched();
    let (asks, answers) = (bind(&hosts[0], "10.0.0.1:9"), bind(&hosts[1], "10.0.0.2:9"));
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        let waits = scope.spawn(|| {
            say_when_at_helm(&asks, &seen[0], &ready);
            asks.recv(&mut [0; 9]).expect_err("it is over").raw_os_error()
        });
        await_flag(&ready);
        // It waits by now, or is about to.
        hosts[0].shutdown(PATIENCE).expect("nothing is to be sent");
        assert_eq!(waits.join().expect("no panic"), Some(ENETDOWN));
    });
}

#[test]
fn a_device_is_taken_from_a_caller_who_waits_for_it_and_another_put_in_its_place() {
    let ready = AtomicBool::new(false);
    let (hosts, seen) = watched();
    let (asks, answers) = (bind(&hosts[0], "10.0.0.1:9"), bind(&hosts[1], "10.0.0.2:9"));
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        let waits = scope.spawn(|| {
            say_when_at_helm(&asks, &seen[0], &ready);
            asks.recv(&mut [0; 9]).expect("by the new device")
        });
        await_flag(&ready);
        hosts[0].detach(&hosts[0].interfaces()[1].name).expect("it is there");
        assert_eq!(Arc::strong_count(&seen[0]), 1, "the device is gone");
        let [one, other] = pair(Properties::ip(1500));
        hosts[0].attach(Interface::new(one).address("10.0.0.1/24")).expect("an interface");
        let third = Host::builder().address("10.0.0.3/24").device(other).start().expect("a host");
        bind(&third, "10.0.0.3:9").send_to(b"new", "10.0.0.1:9").expect("send");
        assert_eq!(waits.join().expect("no panic"), 3);
    });
}

#[test]
fn a_fault_of_a_device_is_told_to_who_waits_and_the_host_goes_on() {
    let (hosts, seen) = watched();
    let (asks, answers) = (bind(&hosts[0], "10.0.0.1:9"), bind(&hosts[1], "10.0.0.2:9"));
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        ask_until_at_helm(&asks, &seen[0]);
        *seen[0].faulty_for.lock().expect("no panic") = Some(thread::current().id());
        // Others may still read for us now and then.
        let told = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..100_000 {
                asks.send_to(b"anybody?", "10.0.0.2:9").expect("send");
                asks.recv(&mut [0; 64]).expect("an answer");
            }
        }));
        told.expect_err("the fault is found");
        assert!(!hosts[0].interfaces()[1].up, "the device is lost");
        answers.send_to(b"end", "10.0.0.2:9").expect("to oneself");
    });
    // By itself it still speaks.
    let listener = TcpListener::bind_on(&hosts[0], "localhost:80").expect("bind");
    let mut here = TcpStream::connect_on(&hosts[0], "localhost:80").expect("connect");
    here.write_all(b"still here").expect("write");
    drop(here);
    assert_eq!(rest(listener.accept().expect("accept").0), b"still here");
    hosts[0].shutdown(PATIENCE).expect("nothing is to be sent");
}

#[test]
fn one_who_polls_for_several_is_at_the_helm_too() {
    let (hosts, seen) = watched();
    let answers = bind(&hosts[1], "10.0.0.2:9");
    let calls = Berkeley::on(&hosts[0]);
    let addr = |at: &str| SockAddr::from(at.parse::<SocketAddr>().expect("an address"));
    let fds = ["10.0.0.1:9", "10.0.0.1:10"].map(|at| {
        let fd = calls.socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
        calls.bind(fd, &addr(at)).expect("bind");
        fd
    });
    let to = addr("10.0.0.2:9");
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        for turn in 0..100_000 {
            calls.sendto(fds[turn % 2], b"anybody?", 0, &to).expect("send");
            let mut polls = fds.map(|fd| PollFd { fd, events: POLLIN, revents: 0 });
            assert_eq!(calls.poll(&mut polls, Some(PATIENCE)).expect("poll"), 1);
            assert_eq!(polls[turn % 2].revents, POLLIN);
            assert_eq!(calls.recv(fds[turn % 2], &mut [0; 64], 0).expect("an answer"), 8);
            if seen[0].was_read_by(thread::current().id()) {
                break;
            }
        }
        assert!(seen[0].was_read_by(thread::current().id()));
        calls.sendto(fds[0], b"end", 0, &to).expect("send");
    });
}

#[cfg(feature = "tokio")]
#[test]
fn tasks_and_callers_share_a_host() {
    use loggia::tokio::net::UdpSocket as Task;

    let (hosts, seen) = watched();
    let (asks, answers) = (bind(&hosts[0], "10.0.0.1:9"), bind(&hosts[1], "10.0.0.2:9"));
    let sender = bind(&hosts[1], "10.0.0.2:12");
    thread::scope(|scope| {
        scope.spawn(|| answer(&answers));
        ask_until_at_helm(&asks, &seen[0]);
        let tasks = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let socket = Task::bind_on(&hosts[0], "10.0.0.1:12").await.expect("bind");
                for _ in 0..300 {
                    socket.send_to(b"a task", "10.0.0.2:12").await.expect("send");
                    assert_eq!(socket.recv(&mut [0; 64]).await.expect("an answer"), 6);
                    // In the host's own time.
                    loggia::time::sleep(&hosts[0], Duration::from_micros(50)).await;
                }
            });
        });
        scope.spawn(|| {
            let mut room = [0; 64];
            for _ in 0..300 {
                let (len, from) = sender.recv_from(&mut room).expect("a question");
                sender.send_to(&room[..len], from).expect("send");
            }
        });
        while !tasks.is_finished() {
            asks.send_to(b"anybody?", "10.0.0.2:9").expect("send");
            asks.recv(&mut [0; 64]).expect("an answer");
        }
        tasks.join().expect("no panic");
        asks.send_to(b"end", "10.0.0.2:9").expect("send");
    });
}

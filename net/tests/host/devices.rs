//! Devices that are full, lost, or tell nonsense.

use std::future::Future;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use loggia::device::{Device, Loopback, Memory, Notifier, Packet, PacketFd, Properties, pair};
use loggia::net::{TcpListener, TcpStream, UdpSocket};
use loggia::{Host, Interface};

use crate::{SERVER, connected, hosts_over, pattern, rest};

/// Devices over the two ends of a datagram socket of the machine, whose queue is short.
fn datagrams() -> [PacketFd; 2] {
    let (one, two) = UnixDatagram::pair().expect("a pair");
    [one, two].map(|end| PacketFd::new(end, Properties::ip(1500)).expect("a device"))
}

/// Sends data both ways at once and sees it come.
fn exchange((here, there): &(TcpStream, TcpStream), len: usize) {
    let data = &pattern(len);
    thread::scope(|scope| {
        for (mut from, to) in [(here, there), (there, here)] {
            scope.spawn(move || {
                from.write_all(data).expect("write");
                from.shutdown(std::net::Shutdown::Write).expect("shutdown");
            });
            scope.spawn(move || assert!(rest(to) == *data));
        }
    });
}

#[test]
fn a_full_device_holds_writers_and_loses_nothing() {
    let hosts = hosts_over(datagrams());
    exchange(&connected(&hosts), 2_000_000);
    let dropped: u64 = hosts.iter().flat_map(Host::interfaces).map(|interface| interface.sent_dropped).sum();
    assert_eq!(dropped, 0, "what a device has no room for waits");
}

#[test]
fn memory_carries_both_ways_at_once() {
    exchange(&connected(&hosts_over(pair(Properties::ip(1500)))), 5_000_000);
    exchange(&connected(&hosts_over(pair(Properties::ethernet([2, 0, 0, 0, 0, 1], 1500)))), 1_000_000);
}

#[test]
fn a_lost_device_takes_its_interface_down_and_another_takes_its_place() {
    let [_one, two] = datagrams();
    let server = Host::builder().address("10.0.0.2/24").device(two).start().expect("a host");
    // Its other end has gone before it began.
    let broken = seqpacket_without_an_end();
    let client = Host::builder().interface(Interface::new(broken).name("wan0").address("10.0.0.1/24")).start().expect("a host");
    while client.interfaces()[1].up {
        thread::sleep(Duration::from_millis(1));
    }
    let unreachable = TcpStream::connect_on(&client, SERVER).expect_err("there is no way");
    assert!(matches!(unreachable.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown), "{unreachable:?}");
    // A new cable, the old name and address.
    let [left, right] = datagrams();
    client.detach("wan0").expect("it is there");
    client.attach(Interface::new(left).name("wan0").address("10.0.0.1/24")).expect("the name is free");
    let old = server.interfaces()[1].name.clone();
    server.detach(&old).expect("it is there");
    server.attach(Interface::new(right).address("10.0.0.2/24")).expect("an interface");
    exchange(&connected(&[client, server]), 100_000);
}

/// A seqpacket socket whose other end is closed.
fn seqpacket_without_an_end() -> PacketFd {
    let (one, _) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None).expect("a pair");
    PacketFd::new(one, Properties::ip(1500)).expect("a device")
}

#[test]
fn connections_live_on_over_another_device() {
    let hosts = hosts_over(datagrams());
    let (mut here, there) = connected(&hosts);
    here.write_all(b"by the old cable, ").expect("write");
    let [old_left, old_right] = [0, 1].map(|at: usize| hosts[at].interfaces()[1].name.clone());
    hosts[0].detach(&old_left).expect("it is there");
    here.write_all(b"by none, ").expect("it waits in the socket");
    let [left, right] = datagrams();
    hosts[1].detach(&old_right).expect("it is there");
    hosts[1].attach(Interface::new(right).address("10.0.0.2/24")).expect("an interface");
    hosts[0].attach(Interface::new(left).address("10.0.0.1/24")).expect("an interface");
    here.write_all(b"by the new one").expect("write");
    drop(here);
    assert_eq!(String::from_utf8_lossy(&rest(there)), "by the old cable, by none, by the new one");
}

#[test]
fn streams_are_not_packets() {
    let (one, _two) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let refused = PacketFd::new(one, Properties::ip(1500)).expect_err("no packets");
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
}

/// A device that receives nonsense between packets.
struct Noisy {
    inner: Memory,
    count: AtomicU64,
}

impl Device for Noisy {
    fn properties(&self) -> Properties {
        self.inner.properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count.is_multiple_of(3) {
            return self.inner.receive(queue);
        }
        // Lengths and first bytes of all kinds, and what looks like an IP header but is none.
        let mut bytes: Vec<u8> =
            (0..count % 90).map(|at| (count.wrapping_mul(0x9e37_79b9) >> (at % 24)) as u8 ^ at as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first = if count.is_multiple_of(2) { 0x45 } else { 0x60 };
        }
        Ok(bytes.into())
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.inner.send(packet)
    }

    fn flush(&self) {
        self.inner.flush();
    }

    fn attach(&self, notifier: Notifier) {
        self.inner.attach(notifier);
    }
}

#[test]
fn nonsense_is_counted_and_harms_nobody() {
    let [one, two] = pair(Properties::ip(1500));
    let noisy = |inner| Noisy { inner, count: AtomicU64::new(0) };
    let hosts = hosts_over([noisy(one), noisy(two)]);
    exchange(&connected(&hosts), 300_000);
    assert!(hosts[0].interfaces()[1].received_packets > 0);
    let discards = hosts[0].counters().into_iter().filter(|counter| counter.group == "Discard");
    assert!(discards.map(|counter| counter.value).sum::<u64>() > 0, "{:?}", hosts[0].counters());
}

/// A device over one end of a pair, whose frames are what it is told to say.
struct Strange<F>(UnixDatagram, F);

impl<F: Fn() -> io::Result<Packet> + Send + Sync + 'static> Device for Strange<F> {
    fn properties(&self) -> Properties {
        Properties::ip(1500)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        self.1()
    }

    fn send(&self, _: &Packet) -> io::Result<()> {
        Ok(())
    }

    fn descriptor(&self, _: usize) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

#[test]
fn a_device_that_panics_leaves_nobody_waiting() {
    let (end, other) = UnixDatagram::pair().expect("a pair");
    let host = Host::builder()
        .address("10.0.0.1/24")
        .device(Strange(end, || panic!("a fault of the device's")))
        .start()
        .expect("a host");
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("bind");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| socket.recv(&mut [0; 9]));
        other.send(b"something").expect("send");
        assert_eq!(waiting.join().expect("no panic here").expect_err("it is over").raw_os_error(), Some(100));
    });
    host.shutdown(Duration::from_secs(60)).expect_err("not in order");
}

/// A descriptor that can always be read, as long as the other is open.
fn always_readable() -> (UnixDatagram, UnixDatagram) {
    let (end, other) = UnixDatagram::pair().expect("a pair");
    other.send(b"never read").expect("send");
    (end, other)
}

#[test]
fn a_busy_device_leaves_the_others_their_turn() {
    let hosts = hosts_over(datagrams());
    let (end, _unread) = always_readable();
    hosts[0].attach(Interface::new(Strange(end, || Ok(vec![0x45; 3].into())))).expect("another interface");
    echo(&hosts);
}

/// A TCP segment of a stream, of which only the length is told by its headers.
fn segment(stream: u8, payload: usize, salt: u8) -> Vec<u8> {
    let mut packet: Vec<u8> = (0..40 + payload).map(|at| at as u8 ^ salt).collect();
    packet[..4].copy_from_slice(&[0x45, 0, ((40 + payload) >> 8) as u8, (40 + payload) as u8]);
    packet[9] = 6;
    packet[12..24].fill(stream);
    packet[32] = 0x50;
    packet
}

#[test]
fn what_is_received_together_comes_as_it_was_sent() {
    let (one, two) = UnixDatagram::pair().expect("a pair");
    let device = PacketFd::new(two, Properties::ip(1500)).expect("a device");
    let mut came = Vec::new();
    for round in 0..20 {
        let packets = [segment(1, 1460, round), segment(1, 1460, 9), segment(1, 20, 3), segment(2, 800, round), vec![round; 30]];
        packets.iter().for_each(|packet| assert_eq!(one.send(packet).ok(), Some(packet.len())));
        let end = loop {
            if let Err(end) = device.receive_several(0, &mut |packet| came.push(packet.to_vec())) {
                break end;
            }
        };
        assert_eq!((end.kind(), &came[..]), (io::ErrorKind::WouldBlock, &packets[..]));
        came.clear();
    }
}

/// A datagram goes to the second host and comes back.
fn echo([client, server]: &[Host; 2]) {
    let [client, server] =
        [(client, "10.0.0.1:9"), (server, "10.0.0.2:9")].map(|(host, at)| UdpSocket::bind_on(host, at).expect("bind"));
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    }
    let mut room = [0; 64];
    client.send_to(b"there and back", "10.0.0.2:9").expect("send");
    let (len, from) = server.recv_from(&mut room).expect("it has come");
    server.send_to(&room[..len], from).expect("send");
    assert_eq!(client.recv(&mut room).expect("it has come back"), 14);
}

#[test]
fn a_device_that_calls_in_vain_burns_no_core() {
    let (end, _unread) = always_readable();
    let asked = Arc::new(AtomicU64::new(0));
    let counter = asked.clone();
    let device = Strange(end, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::WouldBlock.into())
    });
    let host = Host::builder().address("10.0.0.1/24").device(device).start().expect("a host");
    while asked.load(Ordering::Relaxed) < 3 {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(300));
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked < 1000, "{asked} times: without a rest it would be a hundred thousand");
    drop(host);
}

/// The machine's end of a device, and the device.
fn cable() -> (UnixDatagram, PacketFd) {
    let (one, two) = UnixDatagram::pair().expect("a pair");
    (one, PacketFd::new(two, Properties::ip(1500)).expect("a device"))
}

#[test]
fn of_two_full_devices_each_goes_on_when_it_has_room() {
    let ((first, one), (second, two)) = (cable(), cable());
    let host = Host::builder()
        .interface(Interface::new(one).name("one").address("10.0.1.1/24"))
        .interface(Interface::new(two).name("two").address("10.0.2.1/24"))
        .start()
        .expect("a host");
    let socket = UdpSocket::bind_on(&host, "0.0.0.0:9").expect("bind");
    // As many as the machine has room for, and a few more, which wait.
    let fill = |to: &str, place: usize| {
        let mut count = 0;
        while host.interfaces()[place].queued == 0 {
            socket.send_to(b"!", to).expect("send");
            count += 1;
        }
        // The host's thread goes to sleep with what it knows of.
        thread::sleep(Duration::from_millis(200));
        count
    };
    let counts = [fill("10.0.1.2:9", 1), fill("10.0.2.2:9", 2)];
    for (end, count) in [(second, counts[1]), (first, counts[0])] {
        end.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
        (0..count).for_each(|_| assert!(end.recv(&mut [0; 64]).expect("it has come") > 0));
    }
}

#[test]
fn what_icmp_says_does_not_end_a_device() {
    let bind = |at: &str| std::net::UdpSocket::bind(at).expect("a socket of the machine's");
    let (ours, theirs) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let [our_addr, their_addr] = [&ours, &theirs].map(|socket| socket.local_addr().expect("an address"));
    ours.connect(their_addr).expect("connect");
    drop(theirs);
    let device = |socket| PacketFd::new(socket, Properties::ip(1500)).expect("a device");
    let client = Host::builder().address("10.0.0.1/24").device(device(ours)).start().expect("a host");
    let socket = UdpSocket::bind_on(&client, "10.0.0.1:0").expect("bind");
    for _ in 0..20 {
        // The machine answers each: nobody has that port.
        socket.send_to(b"anybody?", "10.0.0.2:9").expect("send");
        thread::sleep(Duration::from_millis(2));
    }
    assert!(client.interfaces()[1].up);
    let theirs = bind(&their_addr.to_string());
    theirs.connect(our_addr).expect("connect");
    let server = Host::builder().address("10.0.0.2/24").device(device(theirs)).start().expect("a host");
    echo(&[client, server]);
}

#[test]
fn frames_that_cannot_be_are_counted() {
    let (end, other) = UnixDatagram::pair().expect("a pair");
    let device = PacketFd::with_virtio_header(other, Properties::ip(1500)).expect("a device");
    let host = Host::builder().address("10.0.0.1/24").device(device).start().expect("a host");
    for len in 0..200 {
        // Too short for a header, or one that says what cannot be.
        end.send(&vec![0xff; len % 40]).expect("send");
    }
    let dropped = || {
        host.counters()
            .iter()
            .find(|counter| counter.name == "frame shorter than its link header")
            .map_or(0, |counter| counter.value)
    };
    while dropped() < 200 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(host.interfaces()[1].received_dropped, 200);
}

/// A device with a fault in it that tells when it has something.
#[derive(Default)]
struct FaultyTeller(Arc<Mutex<Option<Notifier>>>);

impl Device for FaultyTeller {
    fn properties(&self) -> Properties {
        Properties::ip(1500)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        panic!("a fault of the device's")
    }

    fn send(&self, _: &Packet) -> io::Result<()> {
        Ok(())
    }

    fn attach(&self, notifier: Notifier) {
        *self.0.lock().expect("no panic") = Some(notifier);
    }
}

#[test]
fn a_panic_of_one_device_leaves_the_host_to_the_others() {
    let hosts = hosts_over(pair(Properties::ip(1500)));
    let faulty = FaultyTeller::default();
    let notifier = faulty.0.clone();
    hosts[0].attach(Interface::new(faulty).name("faulty0")).expect("an interface");
    let notifier = notifier.lock().expect("no panic").clone().expect("it was attached");
    let told = thread::spawn(move || notifier.ready()).join();
    told.expect_err("it is told on the thread of who called");
    let faulty = hosts[0].interfaces().into_iter().find(|interface| interface.name == "faulty0").expect("it is there");
    assert!(!faulty.up, "it is lost");
    echo(&hosts);
}

/// Holds the host's thread up, and says when it begins to.
struct Slow(mpsc::Sender<()>);

impl Wake for Slow {
    fn wake(self: Arc<Self>) {
        self.0.send(()).expect("somebody listens");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_device_is_gone_when_it_has_been_taken_away() {
    let host = Host::builder().start().expect("a host");
    let (end, other) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None).expect("a pair");
    let device = PacketFd::new(other, Properties::ip(1500)).expect("a device");
    host.attach(Interface::new(device).name("wan0")).expect("an interface");
    // The thread has the device, and is at something else for a while.
    let (tell, told) = mpsc::channel();
    let waker = Waker::from(Arc::new(Slow(tell)));
    let mut sleep = pin!(loggia::time::sleep(&host, Duration::from_millis(20)));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    told.recv().expect("it is woken");
    host.detach("wan0").expect("it is there");
    end.set_nonblocking(true).expect("a mode");
    assert_eq!(end.recv(&mut [std::mem::MaybeUninit::uninit(); 64]).expect("its end"), 0);
}

#[test]
fn a_device_that_gives_back() {
    let host = Host::builder().address("10.0.0.1/32").gateway("10.0.0.99").device(Loopback::new()).start().expect("a host");
    // It goes out by the device, comes back by it, and is nobody's: the one whom it was for is not here.
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("bind");
    socket.send_to(b"anybody?", "10.0.0.2:9").expect("send");
    let device = host.interfaces().remove(1);
    assert_eq!((device.sent_packets, device.received_packets), (1, 1));
    assert_eq!(device.name, "ip0");
}

/// Gives back at once: it says so from within `send`.
#[derive(Default)]
struct Hasty {
    packets: Mutex<Vec<Packet>>,
    notifier: Mutex<Option<Notifier>>,
}

impl Device for Hasty {
    fn properties(&self) -> Properties {
        Properties::ip(1500)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        self.packets.lock().expect("no panic").pop().ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.packets.lock().expect("no panic").push(packet.clone());
        let notifier = self.notifier.lock().expect("no panic").clone();
        notifier.inspect(Notifier::ready);
        Ok(())
    }

    fn attach(&self, notifier: Notifier) {
        *self.notifier.lock().expect("no panic") = Some(notifier);
    }
}

#[test]
fn a_device_may_say_that_it_is_ready_while_it_is_given_something() {
    let host = Host::builder().address("10.0.0.1/32").gateway("10.0.0.99").device(Hasty::default()).start().expect("a host");
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("bind");
    for sent in 1..=3 {
        socket.send_to(b"anybody?", "10.0.0.2:9").expect("send");
        while host.interfaces()[1].received_packets < sent {
            thread::yield_now();
        }
    }
}

#[test]
fn several_interfaces_of_one_host() {
    let [left, middle_left] = pair(Properties::ip(1500));
    let [middle_right, right] = pair(Properties::ip(1500));
    let router = Host::builder()
        .forward(true)
        .interface(Interface::new(middle_left).address("10.0.1.1/24"))
        .interface(Interface::new(middle_right).address("10.0.2.1/24"))
        .start()
        .expect("a host");
    let one = Host::builder().address("10.0.1.2/24").gateway("10.0.1.1").device(left).start().expect("a host");
    let two = Host::builder().address("10.0.2.2/24").gateway("10.0.2.1").device(right).start().expect("a host");
    let listener = TcpListener::bind_on(&two, "0.0.0.0:7").expect("bind");
    let here = TcpStream::connect_on(&one, "10.0.2.2:7").expect("connect");
    let (there, from) = listener.accept().expect("accept");
    assert_eq!(from.ip().to_string(), "10.0.1.2");
    exchange(&(here, there), 500_000);
    assert!(router.interfaces().iter().skip(1).all(|interface| interface.sent_packets > 0));
}

/// A device of two queues that sends by the second.
struct BySecond {
    queues: [PacketFd; 2],
    /// How often it had no room.
    refused: AtomicU64,
}

impl Device for BySecond {
    fn properties(&self) -> Properties {
        self.queues[0].properties().queues(2)
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        self.queues[queue].receive(0)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let sent = self.queues[1].send(packet);
        self.refused.fetch_add(sent.is_err().into(), Ordering::Relaxed);
        sent
    }

    fn full_queue(&self) -> usize {
        1
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        self.queues[queue].descriptor(0)
    }
}

/// The first has room all the while: nobody asks in vain, and whoever waits goes on.
#[test]
fn room_is_waited_for_at_the_queue_that_is_full() {
    let ([one, _one_end], [two, end]) = (datagrams(), datagrams());
    let device = Arc::new(BySecond { queues: [one, two], refused: AtomicU64::new(0) });
    let host = Host::builder().address("10.0.0.1/24").device(device.clone()).start().expect("a host");
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:9").expect("a socket");
    (0..1000u32).for_each(|number| assert!(socket.send_to(&number.to_ne_bytes(), "10.0.0.2:9").is_ok(), "{number}"));
    thread::sleep(Duration::from_millis(100));
    let refused = device.refused.load(Ordering::Relaxed);
    let mut got = 0;
    while got < 1000 {
        match end.receive(0) {
            Ok(packet) => {
                let wanted = packet.len() == 32 && packet.to_vec()[28..] == u32::to_ne_bytes(got);
                got += u32::from(wanted);
            }
            Err(_) => thread::sleep(Duration::from_micros(100)),
        }
    }
    assert!(refused <= 1010, "{refused} times for a thousand datagrams");
}

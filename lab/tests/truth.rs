//! The network does what was asked, as two hosts on it see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loggia_lab::link::{Cause, Chance, Fate, Jitter, Limit, Loss, Queue, QueueKind, Rate, Reorder, Terms, Trace, Verdict};
use loggia_lab::link::{Distribution, PacketId};
use loggia_lab::observe::{Observer, PipeId, Seen};
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::base::{Addr, Cidr, Instant, MsgFlags, Ready};
use loggia_stack::link::Mac;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM, SOCK_STREAM};
use loggia_stack::{Config, Errno, Seed, SocketId};

/// What a receive buffer grows to.
const BUFFER: u32 = 6 << 20;

const CLIENT: HostId = HostId(0);
const SERVER: HostId = HostId(1);

fn mac(host: HostId) -> Mac {
    Mac([2, 0, 0, 0, 0, host.0 as u8 + 1])
}

fn addr(host: HostId) -> Addr {
    Addr::v4(10, 0, 0, host.0 as u8 + 1)
}

/// Two hosts that know each other's link address, on a link.
fn pair(seed: u64, terms: [Terms; 2]) -> World {
    let mut world = World::new(Seed::from(seed));
    let config = Config::default();
    let frames = terms.iter().map(Frames::of).min().expect("two directions");
    let ends = [CLIENT, SERVER].map(|host| {
        let name = if host == CLIENT { "client" } else { "server" };
        assert_eq!(world.add_host(name, config.clone()), host);
        let config = PortConfig { name: "eth0".into(), mac: mac(host), mtu: 1500, frames };
        let port = world.add_port(host, &config).expect("an interface");
        let link = world.hosts()[host.0].link(port);
        let other = HostId(1 - host.0);
        world.stack(host).add_address(link, Cidr::new(addr(host), 24)).expect("an address");
        world.stack(host).neighbour_set(link, addr(other), mac(other)).expect("a neighbour");
        world.settle(host);
        End::Host { host, port }
    });
    world.connect("wan", ends, terms);
    // What hosts say when they begin (duplicate detection, groups) is over.
    world.advance(Instant::from_secs(30));
    world
}

fn both(terms: &Terms) -> [Terms; 2] {
    [terms.clone(), terms.clone()]
}

fn delay(millis: u64) -> Terms {
    Terms { delay: Duration::from_millis(millis), ..Terms::default() }
}

fn fixed(bits: u64) -> Rate {
    Rate::Fixed { bits, burst: 0, overhead: 0 }
}

fn to(host: HostId, port: u16) -> Address {
    format!("10.0.0.{}:{port}", host.0 + 1).parse().expect("an address")
}

/// A pair with a UDP socket on both sides.
struct Datagrams {
    world: World,
    sender: SocketId,
    receiver: SocketId,
}

impl Datagrams {
    fn new(mut world: World) -> Self {
        let sender = world.stack(CLIENT).socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
        let receiver = world.stack(SERVER).socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
        world.stack(SERVER).bind(receiver, &to(SERVER, 9)).expect("bind");
        Self { world, sender, receiver }
    }

    fn send(&mut self, bytes: &[u8]) {
        let sent = self.world.stack(CLIENT).sendto(self.sender, bytes, MsgFlags::NONE, &to(SERVER, 9));
        assert_eq!(sent, Ok(bytes.len()));
        self.world.settle(CLIENT);
    }

    /// The next datagram that is there.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 2000];
        let len = self.world.stack(SERVER).recv(self.receiver, &mut bytes, MsgFlags::DONTWAIT).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }

    /// Sends `count` datagrams, one every `gap`, and says which numbers arrived.
    fn stream(&mut self, count: u32, gap: Duration) -> Vec<u32> {
        let mut arrived = Vec::new();
        for number in 0..count {
            self.send(&number.to_be_bytes());
            let then = self.world.now() + gap;
            self.world.advance(then);
            arrived.extend(std::iter::from_fn(|| self.receive()));
        }
        // No more than a receive buffer holds at a time.
        for _ in 0..1000 {
            let then = self.world.now() + Duration::from_micros(500);
            self.world.advance(then);
            arrived.extend(std::iter::from_fn(|| self.receive()));
        }
        arrived.into_iter().filter_map(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?))).collect()
    }
}

#[test]
fn a_datagram_takes_the_delay_to_the_nanosecond() {
    let mut lab = Datagrams::new(pair(1, both(&delay(37))));
    for _ in 0..100 {
        let sent = lab.world.now();
        lab.send(b"when?");
        lab.world.advance(Instant::from_nanos((sent + Duration::from_millis(37)).nanos() - 1));
        assert_eq!(lab.receive(), None);
        lab.world.advance(sent + Duration::from_millis(37));
        assert_eq!(lab.receive().as_deref(), Some(&b"when?"[..]));
    }
}

#[test]
fn loss_is_within_its_confidence_interval() {
    for (seed, probability) in [(1, 0.001), (2, 0.01), (3, 0.1)] {
        let loss = Some(Loss::Independent(Chance { probability, correlation: 0.0 }));
        let mut lab = Datagrams::new(pair(seed, [Terms { loss, ..delay(5) }, delay(5)]));
        let count = 100_000;
        let arrived = lab.stream(count, Duration::from_micros(10)).len() as f64;
        let lost = 1.0 - arrived / f64::from(count);
        // 3.3 standard deviations: 99.9 %.
        let interval = 3.3 * (probability * (1.0 - probability) / f64::from(count)).sqrt();
        assert!((lost - probability).abs() < interval, "{lost} for {probability} ± {interval}");
        let counts = lab.world.wires()[0].pipe(0).counts();
        assert_eq!(counts.dropped[Cause::Loss as usize] + counts.delivered, counts.sent);
    }
}

#[test]
fn order_is_kept_or_not_as_asked() {
    let jitter = |overtake| {
        let jitter = Jitter { spread: Duration::from_millis(5), distribution: Distribution::Normal, correlation: 0.0, overtake };
        Datagrams::new(pair(1, [Terms { jitter: Some(jitter), ..delay(20) }, delay(20)])).stream(2000, Duration::from_millis(1))
    };
    let kept = jitter(false);
    assert_eq!(kept, (0..2000).collect::<Vec<_>>());
    let mut shuffled = jitter(true);
    assert!(!shuffled.is_sorted());
    shuffled.sort_unstable();
    assert_eq!(shuffled, kept);
}

#[test]
fn copies_arrive_twice() {
    let duplicate = Chance { probability: 0.25, correlation: 0.0 };
    let mut lab = Datagrams::new(pair(1, [Terms { duplicate, ..delay(20) }, delay(20)]));
    let copies = |lab: &Datagrams| lab.world.wires()[0].pipe(0).counts().duplicated;
    let before = copies(&lab);
    let arrived = lab.stream(4000, Duration::from_millis(1));
    let copies = copies(&lab) - before;
    assert_eq!(arrived.len() as u64, 4000 + copies);
    assert!((850..1150).contains(&copies), "{copies}");
}

/// A stream of bytes from the client to the server.
struct Stream {
    world: World,
    sender: SocketId,
    receiver: SocketId,
    sent: u64,
    received: u64,
    /// The first byte that is not the one that was sent there.
    wrong: Option<u64>,
    limit: u64,
    buffer: Vec<u8>,
    /// The stream from its beginning, as much as is sent at once from any place.
    pattern: Vec<u8>,
}

/// The byte at a place of the stream.
fn byte(at: u64) -> u8 {
    (at % 251) as u8
}

impl Stream {
    /// Established; sends `limit` bytes.
    fn new(mut world: World, limit: u64) -> Self {
        let listener = world.stack(SERVER).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        world.stack(SERVER).bind(listener, &to(SERVER, 80)).expect("bind");
        world.stack(SERVER).listen(listener, 8).expect("listen");
        let sender = world.stack(CLIENT).socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
        assert_eq!(world.stack(CLIENT).connect(sender, &to(SERVER, 80)), Err(Errno::EINPROGRESS));
        world.settle(CLIENT);
        let receiver = loop {
            match world.stack(SERVER).accept(listener) {
                Ok((socket, _)) => break socket,
                Err(error) => assert_eq!(error, Errno::EAGAIN),
            }
            assert!(world.step(Instant::from_secs(1000)), "no connection: {world:?}");
        };
        Self {
            world,
            sender,
            receiver,
            sent: 0,
            received: 0,
            wrong: None,
            limit,
            buffer: vec![0; BUFFER as usize],
            pattern: (0..65_536 + 251).map(byte).collect(),
        }
    }

    /// Goes on until the moment, or until everything has arrived.
    fn run(&mut self, until: Instant) {
        while self.received < self.limit {
            self.write();
            self.read();
            while self.world.next_ready().is_some() {}
            if !self.world.step(until) {
                break;
            }
        }
    }

    fn write(&mut self) {
        let ready = self.world.stack(CLIENT).readiness(self.sender).expect("a socket");
        if !ready.contains(Ready::OUT) || self.sent == self.limit {
            return;
        }
        loop {
            let (from, len) = ((self.sent % 251) as usize, (self.limit - self.sent).min(65_536) as usize);
            match self.world.stack(CLIENT).send(self.sender, &self.pattern[from..from + len], MsgFlags::DONTWAIT) {
                Ok(0) | Err(_) => break,
                Ok(sent) => self.sent += sent as u64,
            }
        }
        self.world.settle(CLIENT);
    }

    /// All at once: whoever reads by little opens the window by little.
    fn read(&mut self) {
        while let Ok(len @ 1..) = self.world.stack(SERVER).recv(self.receiver, &mut self.buffer, MsgFlags::DONTWAIT) {
            let differs = self.buffer[..len].iter().zip(self.received..).find(|(seen, at)| **seen != byte(*at));
            self.wrong = self.wrong.or(differs.map(|(_, at)| at));
            self.received += len as u64;
        }
        self.world.settle(SERVER);
    }

    /// Bytes a second that arrive between two moments.
    fn goodput(&mut self, from: Instant, until: Instant) -> f64 {
        self.run(from);
        let before = self.received;
        self.run(until);
        (self.received - before) as f64 / (until - from).as_secs_f64()
    }
}

const ENDLESS: u64 = u64::MAX;

#[test]
fn tcp_gets_of_a_rate_what_headers_leave() {
    for (bits, queue) in [
        (5_000_000, Queue::default()),
        (20_000_000, Queue { kind: QueueKind::DropTail, limit: Limit::Bytes(200_000), ecn: false }),
        (100_000_000, Queue::default()),
    ] {
        let up = Terms { rate: Some(fixed(bits)), queue, ..delay(20) };
        let mut stream = Stream::new(pair(1, [up, delay(20)]), ENDLESS);
        let goodput = stream.goodput(Instant::from_secs(40), Instant::from_secs(60));
        // Of 1514 bytes of a frame 1448 are payload.
        let most = bits as f64 / 8.0 * 1448.0 / 1514.0;
        assert!((goodput / most - 1.0).abs() < 0.01, "{goodput} of {most} bytes/s at {bits} bit/s");
        assert_eq!(stream.wrong, None);
    }
}

/// An opportunity for 1500 bytes of IP packets each millisecond.
#[test]
fn tcp_gets_of_a_trace_what_headers_leave() {
    let up = Terms { rate: Some(Rate::Trace(Trace(Arc::new([1])))), ..delay(20) };
    let mut stream = Stream::new(pair(1, [up, delay(20)]), ENDLESS);
    let goodput = stream.goodput(Instant::from_secs(40), Instant::from_secs(60));
    let most = 1448.0 * 1000.0;
    assert!((goodput / most - 1.0).abs() < 0.01, "{goodput} of {most} bytes/s");
}

/// How long packets of the first link's first direction waited in the queue.
#[derive(Default)]
struct Waits(Arc<Mutex<Vec<Duration>>>);

impl Observer for Waits {
    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        if let Verdict::Delivered { queued, .. } = fate.verdict
            && pipe == (PipeId { wire: 0, end: 0 })
        {
            self.0.lock().expect("nobody panics").push(queued);
        }
    }
}

/// The median wait of a bulk sender's packets at 20 Mbit/s, and what of the rate it got.
fn bulk_through(kind: QueueKind) -> (Duration, f64) {
    let queue = Queue { kind, limit: Limit::Packets(1000), ecn: false };
    let up = Terms { rate: Some(fixed(20_000_000)), queue, ..delay(20) };
    let mut stream = Stream::new(pair(1, [up, delay(20)]), ENDLESS);
    stream.run(Instant::from_secs(35));
    let waits = Waits::default();
    let all = waits.0.clone();
    stream.world.observe(Box::new(waits));
    let goodput = stream.goodput(Instant::from_secs(35), Instant::from_secs(45));
    let mut waits = all.lock().expect("nobody panics").clone();
    waits.sort_unstable();
    (waits[waits.len() / 2], goodput / (20e6 / 8.0 * 1448.0 / 1514.0))
}

const TARGET: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_millis(100);
const FQ_CODEL: QueueKind = QueueKind::FqCoDel { target: TARGET, interval: INTERVAL, flows: 1024, quantum: 1514 };

#[test]
fn codel_keeps_a_bulk_sender_from_filling_the_queue() {
    let (standing, full) = bulk_through(QueueKind::DropTail);
    // What waits at the end behind a loss for its retransmission is not counted: half a second of it at most.
    assert!(standing > Duration::from_millis(100) && full > 0.94, "{standing:?} {full}");
    for kind in [QueueKind::CoDel { target: TARGET, interval: INTERVAL }, FQ_CODEL] {
        let (waited, share) = bulk_through(kind);
        assert!(waited < Duration::from_millis(20) && share > 0.85, "{kind:?}: {waited:?}, {share} of the rate");
    }
}

/// How long a datagram takes at most beside a bulk sender.
fn datagrams_beside_bulk(kind: QueueKind) -> Duration {
    let queue = Queue { kind, limit: Limit::Packets(1000), ecn: false };
    let up = Terms { rate: Some(fixed(20_000_000)), queue, ..delay(20) };
    let mut stream = Stream::new(pair(1, [up, delay(20)]), ENDLESS);
    stream.run(Instant::from_secs(40));
    let world = &mut stream.world;
    let receiver = world.stack(SERVER).socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
    world.stack(SERVER).bind(receiver, &to(SERVER, 9)).expect("bind");
    let sender = world.stack(CLIENT).socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
    let mut longest = Duration::ZERO;
    for number in 0..50 {
        let sent = Instant::from_millis(40_000 + 97 * number);
        stream.run(sent);
        assert_eq!(stream.world.stack(CLIENT).sendto(sender, b"tick", MsgFlags::NONE, &to(SERVER, 9)), Ok(4));
        stream.world.settle(CLIENT);
        for micros in 1..1_000_000 {
            stream.run(sent + Duration::from_micros(micros * 100));
            if stream.world.stack(SERVER).recv(receiver, &mut [0; 10], MsgFlags::DONTWAIT).is_ok() {
                longest = longest.max(stream.world.now() - sent);
                break;
            }
        }
    }
    longest
}

#[test]
fn fq_codel_lets_a_datagram_pass_a_bulk_sender() {
    let apart = datagrams_beside_bulk(FQ_CODEL);
    // The delay, the frame that is being sent, and at most a turn of the other.
    assert!(apart <= Duration::from_micros(20_000 + 3 * 610), "{apart:?}");
    let behind = datagrams_beside_bulk(QueueKind::DropTail);
    assert!(behind > Duration::from_millis(100), "{behind:?}");
}

#[test]
fn delay_without_a_rate_limits_bulk_only_by_the_window() {
    let mut stream = Stream::new(pair(1, both(&delay(50))), ENDLESS);
    let goodput = stream.goodput(Instant::from_secs(35), Instant::from_secs(40));
    // A window a round trip of 100 ms; half of the buffer is window, as on Linux.
    let window = f64::from(BUFFER) / 2.0;
    assert!(goodput > window / 0.1 * 0.95 && goodput < window / 0.1 * 1.05, "{goodput} bytes/s of {}", window / 0.1);
    assert_eq!(stream.wrong, None);
}

#[test]
fn what_a_bad_link_does_to_packets_does_not_reach_the_program() {
    let terms = Terms {
        loss: Some(Loss::GilbertElliott { enter: 0.005, leave: 0.3, bad: 0.5, good: 0.001 }),
        duplicate: Chance { probability: 0.01, correlation: 0.0 },
        corrupt: Chance { probability: 0.01, correlation: 0.0 },
        reorder: Some(Reorder { chance: Chance { probability: 0.01, correlation: 0.0 }, by: None }),
        rate: Some(fixed(50_000_000)),
        ..delay(10)
    };
    let mut stream = Stream::new(pair(1, both(&terms)), 20_000_000);
    stream.run(Instant::from_secs(1000));
    assert_eq!((stream.received, stream.wrong), (20_000_000, None));
    let corrupted: u64 = (0..2).map(|end| stream.world.wires()[0].pipe(end).counts().corrupted).sum();
    let seen: u64 = stream
        .world
        .hosts()
        .iter()
        .map(|host| host.stack().counters())
        .map(|counters| counters.tcp.in_csum_errors + counters.ip.in_hdr_errors)
        .sum();
    assert!(corrupted > 100 && seen > corrupted * 9 / 10, "{seen} of {corrupted} were told by a checksum");
}

#[test]
fn a_link_that_is_down_for_a_while_only_takes_time() {
    let mut stream = Stream::new(pair(1, both(&Terms { rate: Some(fixed(20_000_000)), ..delay(10) })), 30_000_000);
    stream.run(Instant::from_secs(33));
    let set = |stream: &mut Stream, down| {
        for end in 0..2 {
            let terms = Terms { down, ..stream.world.wires()[0].pipe(end).terms().clone() };
            stream.world.set_terms(PipeId { wire: 0, end }, terms);
        }
    };
    set(&mut stream, true);
    let before = stream.received;
    stream.run(Instant::from_secs(35));
    assert!(stream.received - before < 40_000, "what was on the wire");
    set(&mut stream, false);
    stream.run(Instant::from_secs(1000));
    assert_eq!((stream.received, stream.wrong), (30_000_000, None));
}

#[test]
fn impairments_may_begin_while_super_segments_are_under_way() {
    let mut stream = Stream::new(pair(1, both(&delay(10))), 100_000_000);
    stream.run(Instant::from_millis(30_500));
    let terms = Terms { loss: Some(Loss::Periodic { every: 100, first: 50 }), rate: Some(fixed(100_000_000)), ..delay(10) };
    stream.world.set_terms(PipeId { wire: 0, end: 0 }, terms);
    stream.run(Instant::from_secs(1000));
    assert_eq!((stream.received, stream.wrong), (100_000_000, None));
    assert!(stream.world.wires()[0].pipe(0).counts().dropped[Cause::Loss as usize] > 300);
}

/// Everything that is told of a world, as one long text.
struct Scribe(Arc<Mutex<String>>);

impl Observer for Scribe {
    fn frame(&mut self, seen: &Seen<'_>) {
        use std::fmt::Write as _;
        let PacketId(packet) = seen.packet;
        let mut text = self.0.lock().expect("nobody panics");
        let _ = writeln!(text, "{} {:?} {packet} {:x?}", seen.at, seen.direction, seen.frame.to_vec());
    }

    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        use std::fmt::Write as _;
        let _ = writeln!(self.0.lock().expect("nobody panics"), "{pipe:?} {fate:?}");
    }
}

/// What happens in a world with everything random in it, to the byte.
fn chronicle(seed: u64) -> String {
    let terms = Terms {
        jitter: Some(Jitter {
            spread: Duration::from_millis(2),
            distribution: Distribution::ParetoNormal,
            correlation: 0.3,
            overtake: false,
        }),
        loss: Some(Loss::Independent(Chance { probability: 0.02, correlation: 0.2 })),
        corrupt: Chance { probability: 0.01, correlation: 0.0 },
        rate: Some(fixed(10_000_000)),
        queue: Queue { kind: FQ_CODEL, limit: Limit::Packets(1000), ecn: true },
        ..delay(15)
    };
    let text = Arc::new(Mutex::new(String::new()));
    let mut world = pair(seed, both(&terms));
    world.observe(Box::new(Scribe(text.clone())));
    let mut stream = Stream::new(world, 500_000);
    stream.run(Instant::from_secs(1000));
    assert_eq!(stream.received, 500_000);
    let text = text.lock().expect("nobody panics");
    text.clone()
}

#[test]
fn the_same_seed_tells_the_same_story_to_the_byte() {
    let (one, two, other) = (chronicle(1), chronicle(1), chronicle(2));
    assert!(one == two, "two runs of one seed differ");
    assert!(one != other, "two seeds give the same run");
    assert!(one.contains(&format!("{:?}", Verdict::Dropped(Cause::Loss))));
}

/// A black hole: the link takes packets of 1300 bytes and tells nobody. The transfer completes, at the size that the link takes, and fast once
/// that is found (RFC 4821 §7.7).
#[test]
fn a_transfer_through_a_black_hole_for_large_packets_completes() {
    let terms = Terms { mtu: Some(1300), rate: Some(fixed(100_000_000)), ..delay(10) };
    let mut lab = Stream::new(pair(1, both(&terms)), 20_000_000);
    let began = lab.world.now();
    lab.run(began + Duration::from_secs(60));
    assert_eq!((lab.received, lab.wrong), (20_000_000, None));
    let took = lab.world.now() - began;
    assert!(took < Duration::from_secs(15), "{took:?}");
    let sender = lab.sender;
    let pmtu = lab.world.stack(CLIENT).tcp_info(sender).unwrap().pmtu;
    assert!((1292..=1300).contains(&pmtu), "{pmtu}");
}

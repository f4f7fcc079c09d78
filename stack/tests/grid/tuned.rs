//! Buffers that nobody set: they grow to what a path and its programs need, and no further.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant, Pressure, SockAddr, SocketId};
use loggia_stack::engine::Config;
use loggia_stack::socket::numbers::sol_socket as so;

use crate::sim::host::ip_link;
use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Host, World};

const ADDRS: [Addr; 2] = [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)];
/// `SO_SNDBUF` and `SO_RCVBUF` of a connection that has carried nothing (Linux's numbers).
const INITIAL: [u32; 2] = [87_040, 131_072];
/// The largest they become by default.
const LARGEST: [u32; 2] = [4 << 20, 6 << 20];

const fn secs(count: u64) -> Instant {
    Instant::from_secs(count)
}

fn path(rate: u64, round_trip: Duration) -> Conditions {
    Conditions { delay: round_trip / 2, rate, ..Conditions::default() }
}

/// What a rate leaves for payload: 1448 of 1500 bytes, in bytes a second.
fn most(rate: u64) -> f64 {
    rate as f64 / 8.0 * 1448.0 / 1500.0
}

/// A connection from host 0, which writes as much as it may, to host 1, which reads.
struct Bulk {
    world: World,
    from: SocketId,
    to: SocketId,
    written: u64,
    read: u64,
    pattern: Pattern,
    /// Bytes read at a time, and how often; none: all at once.
    pace: Option<(usize, Duration)>,
    next_read: Instant,
}

/// Two hosts with other settings.
fn world(conditions: Conditions, settings: impl Fn(&mut Config)) -> World {
    let host = |number: usize| Host::with(number as u64, ADDRS[number], ip_link(1500), &settings);
    World::new(1, [host(0), host(1)], conditions)
}

/// An established connection between the hosts, from the one with the number.
fn connect(world: &mut World, from: usize, prepare: impl Fn(&mut Host, SocketId)) -> [SocketId; 2] {
    // A port that no connection before it has.
    let (to, port) = (1 - from, 1000 + (world.now.millis() % 50_000) as u16);
    let listener = world.hosts[to].listen(ADDRS[to], port, 8);
    prepare(&mut world.hosts[to], listener);
    let client = world.hosts[from].tcp(ADDRS[from]);
    prepare(&mut world.hosts[from], client);
    world.hosts[from].connect(client, SockAddr::new(ADDRS[to], port));
    let until = world.now + Duration::from_secs(10);
    loop {
        assert!(world.step(until), "no connection");
        if let Some(server) = world.hosts[to].accept(listener) {
            world.hosts[to].close(listener);
            return [client, server];
        }
    }
}

impl Bulk {
    fn new(conditions: Conditions) -> Self {
        Self::with(conditions, |_| (), |_, _| ())
    }

    fn with(conditions: Conditions, settings: impl Fn(&mut Config), prepare: impl Fn(&mut Host, SocketId)) -> Self {
        Self::on(world(conditions, settings), prepare)
    }

    fn on(mut world: World, prepare: impl Fn(&mut Host, SocketId)) -> Self {
        let [from, to] = connect(&mut world, 0, prepare);
        let next_read = world.now;
        Self { world, from, to, written: 0, read: 0, pattern: Pattern::new(1), pace: None, next_read }
    }

    fn run(&mut self, until: Instant) {
        while self.world.now < until {
            self.write();
            self.read();
            let pause = if self.pace.is_some() { self.next_read.min(until) } else { until };
            self.world.step(pause);
        }
    }

    fn write(&mut self) {
        while let Ok(count) = self.world.hosts[0].write(self.from, self.pattern.at(self.written, 64 << 10)) {
            self.written += count as u64;
        }
    }

    fn read(&mut self) {
        if let Some((piece, every)) = self.pace {
            if self.world.now < self.next_read {
                return;
            }
            self.next_read = self.world.now + every;
            self.read_into(&mut vec![0; piece]);
        } else {
            let mut into = vec![0; 64 << 10];
            while self.read_into(&mut into) > 0 {}
        }
    }

    fn read_into(&mut self, into: &mut [u8]) -> usize {
        let Ok(count) = self.world.hosts[1].read(self.to, into) else { return 0 };
        assert!(self.pattern.matches(self.read, &into[..count]), "wrong byte after offset {}", self.read);
        self.read += count as u64;
        count
    }

    /// Bytes a second that were read between two moments.
    fn goodput(&mut self, from: Instant, until: Instant) -> f64 {
        self.run(from);
        let before = self.read;
        self.run(until);
        (self.read - before) as f64 / until.since(from).as_secs_f64()
    }

    /// The writer's `SO_SNDBUF` and the reader's `SO_RCVBUF` now.
    fn buffers(&mut self) -> [u32; 2] {
        let [writer, reader] = &mut self.world.hosts;
        [get(writer, self.from, so::SO_SNDBUF), get(reader, self.to, so::SO_RCVBUF)]
    }

    /// The writer ends, the reader reads the rest, both close; when nothing is remembered any more no memory is held.
    fn finish(mut self) {
        self.world.hosts[0].shutdown_write(self.from).expect("connected");
        let until = self.world.now + Duration::from_mins(2);
        while self.read < self.written && self.world.now < until {
            self.read();
            self.world.step(until);
        }
        assert_eq!(self.read, self.written);
        self.world.hosts[0].close(self.from);
        self.world.hosts[1].close(self.to);
        while self.world.step(until + Duration::from_mins(5)) {}
        self.world.hosts[0].assert_empty("the writer");
        self.world.hosts[1].assert_empty("the reader");
    }
}

fn get(host: &mut Host, socket: SocketId, name: i32) -> u32 {
    let mut value = [0; 4];
    host.stack.getsockopt(socket, so::LEVEL, name, &mut value).expect("an option of four bytes");
    u32::from_ne_bytes(value)
}

const MS_100: Duration = Duration::from_millis(100);

/// 1.25 MB fit on the path; the first buffers would carry 64 KiB a round trip.
#[test]
fn default_buffers_fill_100_mbit_over_100_ms() {
    let mut bulk = Bulk::new(path(100_000_000, MS_100));
    assert_eq!(bulk.buffers(), INITIAL);
    let share = bulk.goodput(secs(4), secs(8)) / most(100_000_000);
    assert!(share >= 0.97, "{share} with {:?}", bulk.buffers());
    assert!(bulk.buffers().iter().zip(LARGEST).all(|(now, most)| *now <= most), "{:?}", bulk.buffers());
    bulk.finish();
}

/// The peer echoes nothing: the receiver measures by windows.
#[test]
fn they_do_so_without_timestamps() {
    let mut bulk = Bulk::with(path(100_000_000, MS_100), |config| config.tcp.timestamps = false, |_, _| ());
    let share = bulk.goodput(secs(4), secs(8)) / (100e6 / 8.0 * 1460.0 / 1500.0);
    assert!(share >= 0.97, "{share} with {:?}", bulk.buffers());
    bulk.finish();
}

/// The default maxima are half of `tcp_rmem`: 3 MiB of window, which is what 1 Gbit/s needs over 20 ms.
#[test]
fn default_buffers_fill_a_gigabit_over_20_ms() {
    let mut bulk = Bulk::new(path(1_000_000_000, Duration::from_millis(20)));
    let share = bulk.goodput(Instant::from_millis(1500), Instant::from_millis(2500)) / most(1_000_000_000);
    assert!(share >= 0.97, "{share} with {:?}", bulk.buffers());
}

/// Over 100 ms that takes 12.5 MB, so the maxima must be raised, as on Linux. (RFC 7323 §2: windows beyond 64 KiB.)
#[test]
fn raised_maxima_fill_a_gigabit_over_100_ms() {
    let raised = |config: &mut Config| (config.tcp.rmem[2], config.tcp.wmem[2]) = (64 << 20, 64 << 20);
    let mut bulk = Bulk::with(path(1_000_000_000, MS_100), raised, |_, _| ());
    let share = bulk.goodput(secs(3), secs(4)) / most(1_000_000_000);
    assert!(share >= 0.97, "{share} with {:?}", bulk.buffers());
}

#[test]
fn with_the_default_maxima_it_is_a_window_a_round_trip() {
    let mut bulk = Bulk::new(path(1_000_000_000, MS_100));
    let share = bulk.goodput(secs(3), secs(4)) / (f64::from(LARGEST[1] / 2) / 0.1);
    assert!((0.95..1.05).contains(&share), "{share} with {:?}", bulk.buffers());
    assert_eq!(bulk.buffers(), LARGEST);
}

#[test]
fn who_reads_slowly_gets_no_larger_buffer() {
    let mut bulk = Bulk::new(path(100_000_000, MS_100));
    bulk.pace = Some((4096, Duration::from_millis(50)));
    bulk.run(secs(20));
    assert!(bulk.read > 1_000_000 && bulk.written - bulk.read > 100_000);
    assert_eq!(bulk.buffers(), INITIAL);
    bulk.pace = None;
    bulk.finish();
}

#[test]
fn who_writes_little_gets_no_larger_buffer() {
    let mut bulk = Bulk::new(path(100_000_000, MS_100));
    for second in 1..20 {
        let count = bulk.world.hosts[0].write(bulk.from, bulk.pattern.at(bulk.written, 10_000)).expect("room");
        bulk.written += count as u64;
        while bulk.world.step(secs(second)) {
            bulk.read();
        }
    }
    assert_eq!((bulk.read, bulk.buffers()), (190_000, INITIAL));
}

/// Both are twice what was asked for, and stay so.
#[test]
fn what_the_application_fixes_stays() {
    for (name, at) in [(so::SO_SNDBUF, 0), (so::SO_RCVBUF, 1)] {
        let fix = |host: &mut Host, socket| host.set(socket, so::LEVEL, name, 100_000);
        let mut bulk = Bulk::with(path(100_000_000, MS_100), |_| (), fix);
        let rate = bulk.goodput(secs(4), secs(8));
        assert_eq!(bulk.buffers()[at], 200_000);
        assert!(rate < 200_000.0 / 0.1, "{rate} bytes/s");
        bulk.finish();
    }
}

/// A buffer that has grown is what is set from then on.
#[test]
fn what_is_fixed_later_stays_from_then_on() {
    let mut bulk = Bulk::new(path(100_000_000, MS_100));
    bulk.run(secs(4));
    assert!(bulk.buffers().iter().all(|size| *size > 1_000_000), "{:?}", bulk.buffers());
    bulk.world.hosts[0].set(bulk.from, so::LEVEL, so::SO_SNDBUF, 50_000);
    bulk.world.hosts[1].set(bulk.to, so::LEVEL, so::SO_RCVBUF, 50_000);
    let rate = bulk.goodput(secs(6), secs(8));
    assert_eq!(bulk.buffers(), [100_000, 100_000]);
    assert!((200_000.0..1_000_000.0).contains(&rate), "{rate} bytes/s");
    bulk.finish();
}

#[test]
fn tcp_moderate_rcvbuf_turns_the_receiver_off() {
    let mut bulk = Bulk::with(path(100_000_000, MS_100), |config| config.tcp.moderate_rcvbuf = false, |_, _| ());
    let rate = bulk.goodput(secs(4), secs(8));
    assert!((600_000.0..660_000.0).contains(&rate), "64 KiB a round trip: {rate} bytes/s");
    assert_eq!(bulk.buffers()[1], INITIAL[1]);
}

/// What a host has in the story of the pressure, in bytes.
const MEMORY: usize = 4 << 20;

/// One host's memory is nearly used up by what nobody reads: its buffers stay until that is gone.
#[test]
fn under_memory_pressure_nothing_grows() {
    for pressed in [0, 1] {
        let mut world = world(path(100_000_000, MS_100), |config| config.memory = MEMORY);
        let ends = connect(&mut world, 1 - pressed, |host, socket| host.set_buffers(socket, 16 << 20));
        let hog = Hog { ends, from: 1 - pressed };
        hog.fill(&mut world, pressed);
        let mut bulk = Bulk::on(world, |_, _| ());
        let begin = bulk.world.now;
        bulk.run(begin + Duration::from_secs(4));
        assert_eq!(bulk.buffers()[pressed], INITIAL[pressed]);
        hog.end(&mut bulk.world);
        bulk.run(begin + Duration::from_secs(8));
        assert!(bulk.buffers()[pressed] > 1_000_000, "{:?}", bulk.buffers());
        bulk.finish();
    }
}

/// A connection whose reader does not read.
struct Hog {
    ends: [SocketId; 2],
    from: usize,
}

impl Hog {
    /// Sends more than three quarters of the memory that the reader's host has.
    fn fill(&self, world: &mut World, pressed: usize) {
        let until = world.now + Duration::from_mins(1);
        let mut left = MEMORY / 5 * 4;
        while left > 0 {
            left -= world.hosts[self.from].write(self.ends[0], &vec![0; left.min(64 << 10)]).unwrap_or(0);
            if !world.step(until) {
                break;
            }
        }
        while world.step(until) {}
        assert_eq!(world.hosts[pressed].stack.memory().1, Pressure::High);
    }

    fn end(&self, world: &mut World) {
        world.hosts[1 - self.from].close(self.ends[1]);
        world.hosts[self.from].close(self.ends[0]);
    }
}

/// RFC 9293 §3.8.6.2.2: who reads now and then what has come is told to the sender in time, so that the window is used.
#[test]
fn a_fixed_window_is_used_each_round_trip_also_by_who_reads_late() {
    for (kib, pause) in [(64, 2), (128, 5), (256, 10)] {
        let mut bulk = Bulk::with(path(100_000_000, MS_100), |_| (), |host, socket| host.set_buffers(socket, kib << 10));
        bulk.pace = Some((1 << 20, Duration::from_millis(pause)));
        let share = bulk.goodput(secs(1), secs(4)) / ((kib << 10) as f64 / 0.1);
        assert!(share >= 0.89, "{kib} KiB read every {pause} ms: {share}");
        let [data, acknowledgements] = bulk.world.wires.each_ref().map(|wire| wire.fates.sent);
        assert!(acknowledgements < data / 100 * 56, "{acknowledgements} acknowledgements of {data}");
    }
}

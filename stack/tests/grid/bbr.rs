//! BBR over described links: what it fills, and how it shares (draft-ietf-ccwg-bbr). Buffers grow by themselves, every byte is checked.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant, SockAddr, SocketId};
use loggia_stack::engine::Config;
use loggia_stack::socket::numbers::{IPPROTO_TCP, tcp};

use crate::sim::host::ip_link;
use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Host, World};

const ADDRS: [Addr; 2] = [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)];

/// A flow of the sender's that never runs out of data.
struct Flow {
    from: SocketId,
    to: SocketId,
    written: u64,
    read: u64,
}

/// Flows between two hosts.
struct Flows {
    world: World,
    flows: Vec<Flow>,
    pattern: Pattern,
}

impl Flows {
    /// A flow for each of the names of congestion controls.
    fn new(seed: u64, conditions: Conditions, algorithms: &[&str]) -> Self {
        Self::with(seed, conditions, algorithms, |_| ())
    }

    /// The same with other settings.
    fn with(seed: u64, conditions: Conditions, algorithms: &[&str], settings: impl Fn(&mut Config)) -> Self {
        // Room for more than twice what any of the paths here holds.
        let hosts = [0, 1].map(|number| {
            Host::with(seed + number as u64, ADDRS[number], ip_link(1500), |config| {
                config.tcp.wmem[2] = 32 << 20;
                config.tcp.rmem[2] = 32 << 20;
                settings(config);
            })
        });
        let mut flows = Self { world: World::new(seed, hosts, conditions), flows: Vec::new(), pattern: Pattern::new(seed) };
        algorithms.iter().enumerate().for_each(|(at, name)| flows.open(1000 + at as u16, name));
        flows
    }

    fn open(&mut self, port: u16, algorithm: &str) {
        let world = &mut self.world;
        let listener = world.hosts[1].listen(ADDRS[1], port, 1);
        let from = world.hosts[0].tcp(ADDRS[0]);
        let chosen = world.hosts[0].stack.setsockopt(from, IPPROTO_TCP, tcp::TCP_CONGESTION, algorithm.as_bytes());
        assert_eq!(chosen, Ok(()), "{algorithm}");
        world.hosts[0].connect(from, SockAddr::new(ADDRS[1], port));
        let until = world.now + Duration::from_secs(30);
        let to = loop {
            assert!(world.step(until), "no connection");
            if let Some(to) = world.hosts[1].accept(listener) {
                break to;
            }
        };
        self.flows.push(Flow { from, to, written: 0, read: 0 });
    }

    fn run(&mut self, until: Instant) {
        let mut into = vec![0; 64 << 10];
        while self.world.now < until {
            for flow in &mut self.flows {
                while let Ok(count) = self.world.hosts[0].write(flow.from, self.pattern.at(flow.written, 64 << 10)) {
                    flow.written += count as u64;
                }
                while let Ok(count) = self.world.hosts[1].read(flow.to, &mut into) {
                    assert!(self.pattern.matches(flow.read, &into[..count]), "wrong byte after offset {}", flow.read);
                    flow.read += count as u64;
                }
            }
            self.world.step(until);
        }
    }

    /// The smoothed round trip of a flow.
    fn round_trip(&self, flow: usize) -> Duration {
        let info = self.world.hosts[0].stack.tcp_info(self.flows[flow].from).expect("a connection");
        Duration::from_micros(info.rtt_us.into())
    }

    fn set_rate(&mut self, rate: u64) {
        self.world.wires.iter_mut().for_each(|wire| wire.conditions.rate = rate);
    }

    /// What each flow brings over between two moments, as a part of what the link's rate leaves for payload.
    fn shares(&mut self, from: Instant, until: Instant) -> Vec<f64> {
        self.run(from);
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.read).collect();
        self.run(until);
        let link = self.world.wires[0].conditions.rate as f64 / 8.0 * 1448.0 / 1500.0 * until.since(from).as_secs_f64();
        self.flows.iter().zip(before).map(|(flow, before)| (flow.read - before) as f64 / link).collect()
    }
}

const fn secs(count: u64) -> Instant {
    Instant::from_secs(count)
}

fn path(rate: u64, round_trip: Duration, loss: f64, queue: u64) -> Conditions {
    Conditions { delay: round_trip / 2, loss, rate, queue, ..Conditions::default() }
}

const MBIT_100: u64 = 100_000_000;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// draft-ietf-ccwg-bbr §2: losses that are not congestion do not slow it down.
#[test]
fn it_fills_a_link_that_loses_a_hundredth() {
    for (seed, round_trip) in [(1, ms(10)), (2, ms(100))] {
        let mut flows = Flows::new(seed, path(MBIT_100, round_trip, 0.01, 1 << 20), &["bbr"]);
        let share = flows.shares(secs(2), secs(10))[0];
        assert!(share >= 0.9, "{round_trip:?}, seed {seed}: {share:.3} of the link");
    }
}

/// draft-ietf-ccwg-bbr §2: the queue stays short where CUBIC would fill it.
#[test]
fn it_fills_a_link_and_not_its_queue() {
    for round_trip in [ms(10), ms(50)] {
        // A queue of 80 ms.
        let mut flows = Flows::new(1, path(MBIT_100, round_trip, 0.0, 1_000_000), &["bbr"]);
        let share = flows.shares(secs(2), secs(3))[0];
        assert!(share >= 0.95, "{round_trip:?}: {share:.3} of the link");
        let waited = flows.round_trip(0).saturating_sub(round_trip);
        assert!(waited < ms(10), "{round_trip:?}: {waited:?} in the queue");
        assert_eq!(flows.world.wires[0].fates.dropped, 0);
    }
}

/// draft-ietf-ccwg-bbr §5.3.3.5.3: neither starves beside the other, in a short queue and in a long one.
#[test]
fn it_shares_with_cubic() {
    // A fourth, and twice what the path holds.
    for queue in [128 << 10, 1 << 20] {
        let mut flows = Flows::new(1, path(MBIT_100, ms(40), 0.0, queue), &["bbr", "cubic"]);
        let shares = flows.shares(secs(4), secs(12));
        assert!(shares.iter().all(|share| *share > 0.2) && shares.iter().sum::<f64>() > 0.9, "queue {queue}: {shares:.3?}");
    }
}

/// draft-ietf-ccwg-bbr §4.1.3.5.1: without SACK it measures less, and still works; as on a path on which a quantum is more than it holds.
#[test]
fn it_works_with_less() {
    let mut flows = Flows::with(1, path(MBIT_100, ms(20), 0.0, 512 << 10), &["bbr"], |config| {
        config.tcp.sack = false;
        config.tcp.timestamps = false;
    });
    let share = flows.shares(secs(2), secs(3))[0];
    assert!(share > 0.8, "without SACK: {share:.3} of the link");
    for (rate, round_trip) in [(1_000_000_000, Duration::from_micros(200)), (1_000_000, ms(2))] {
        let mut flows = Flows::new(1, path(rate, round_trip, 0.0, 1 << 20), &["bbr"]);
        let share = flows.shares(Instant::from_millis(300), Instant::from_millis(800))[0];
        assert!(share > 0.9, "{rate} bit/s, {round_trip:?}: {share:.3} of the link");
    }
}

/// Two of its kind come to equal shares, though one began later.
#[test]
fn it_shares_with_itself() {
    let mut flows = Flows::new(1, path(MBIT_100 / 5, ms(40), 0.0, 128 << 10), &["bbr"]);
    flows.run(secs(3));
    flows.open(2000, "bbr");
    let shares = flows.shares(secs(20), secs(45));
    assert!(jain(&shares) > 0.95 && shares.iter().sum::<f64>() > 0.9, "{shares:.3?}");
}

/// Jain's index: 1 is equal shares.
fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    sum * sum / (shares.len() as f64 * shares.iter().map(|share| share * share).sum::<f64>())
}

/// draft-ietf-ccwg-bbr appendix: ten times the bandwidth is found within a few probes, and a tenth of it is lived with.
#[test]
fn it_follows_the_bandwidth() {
    let mut flows = Flows::new(1, path(MBIT_100 / 10, ms(40), 0.0, 256 << 10), &["bbr"]);
    flows.run(secs(5));
    flows.set_rate(MBIT_100);
    let share = flows.shares(secs(11), secs(13))[0];
    assert!(share > 0.9, "{share:.3} of ten times the rate");
    flows.set_rate(MBIT_100 / 10);
    let share = flows.shares(secs(33), secs(35))[0];
    assert!(share > 0.9, "{share:.3} of a tenth of the rate");
    let waited = flows.round_trip(0).saturating_sub(ms(40));
    assert!(waited < ms(100), "{waited:?} in the queue");
}

//! Bulk flows from host 0 to host 1.

use std::collections::BTreeMap;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant, SockAddr, SocketId};

use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Host, World};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// Decides the losses and everything else that is random.
    pub(crate) seed: u64,
    /// How many connections.
    pub(crate) flows: usize,
    /// Socket buffers in bytes of payload, both ends; none: as they grow by themselves.
    pub(crate) buffer: Option<usize>,
    /// What each flow has to bring over.
    pub(crate) bytes: u64,
    /// It is stopped after this.
    pub(crate) at_most: Duration,
    /// The link, both ways.
    pub(crate) conditions: Conditions,
}

/// How it went.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Bytes of each flow that arrived, and when the last of them did.
    arrived: Vec<(u64, Duration)>,
    /// The part of the frames that the full queue dropped.
    pub(crate) dropped: f64,
}

impl Outcome {
    /// Bytes a second of all flows together, until the last one was through.
    pub(crate) fn goodput(&self) -> f64 {
        let bytes: u64 = self.arrived.iter().map(|(bytes, _)| bytes).sum();
        let last = self.arrived.iter().map(|(_, at)| *at).max().unwrap_or_default();
        bytes as f64 / last.as_secs_f64()
    }

    /// Bytes a second of each flow.
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.arrived.iter().map(|(bytes, at)| *bytes as f64 / at.as_secs_f64()).collect()
    }

    /// Jain's index over the flows' rates: 1 is equal shares.
    pub(crate) fn fairness(&self) -> f64 {
        let rates = self.rates();
        let sum: f64 = rates.iter().sum();
        sum * sum / (rates.len() as f64 * rates.iter().map(|rate| rate * rate).sum::<f64>())
    }
}

/// One connection: the sender's socket, the receiver's when it was accepted.
struct Flow {
    from: SocketId,
    to: Option<SocketId>,
    written: u64,
    read: u64,
    done_at: Option<Instant>,
}

const PORT: u16 = 5001;

/// Runs the flows until all are through or the time is up.
pub(crate) fn run(spec: &Spec) -> Outcome {
    let client = Host::new(spec.seed, Addr::v4(10, 0, 0, 1), 1500);
    let server = Host::new(spec.seed + 1, Addr::v4(10, 0, 0, 2), 1500);
    let mut world = World::new(spec.seed, [client, server], spec.conditions);
    let pattern = Pattern::new(spec.seed);
    let listener = world.hosts[1].listen(Addr::v4(10, 0, 0, 2), PORT, 1024);
    set_buffers(&mut world.hosts[1], listener, spec.buffer);
    let mut flows: Vec<Flow> = (0..spec.flows).map(|_| open(&mut world.hosts[0], spec.buffer)).collect();
    let senders: BTreeMap<u64, usize> = flows.iter().enumerate().map(|(at, flow)| (flow.from.to_bits(), at)).collect();
    let mut receivers = BTreeMap::new();
    let until = Instant::EPOCH + spec.at_most;
    while world.now < until && flows.iter().any(|flow| flow.done_at.is_none()) {
        // Only what readiness names is called: a change it does not tell of would stop the flow.
        while let Some((socket, _)) = world.hosts[0].stack.next_ready() {
            write(&mut world.hosts[0], &mut flows[senders[&socket.to_bits()]], spec.bytes, &pattern);
        }
        while let Some((socket, _)) = world.hosts[1].stack.next_ready() {
            if socket == listener {
                accept(&mut world.hosts[1], listener, &mut flows, &mut receivers);
            } else if let Some(&at) = receivers.get(&socket.to_bits()) {
                read(&mut world.hosts[1], &mut flows[at], spec.bytes, &pattern, world.now);
            }
        }
        assert!(world.step(until) || world.now == until, "it goes on: seed {}", spec.seed);
    }
    let arrived = flows.iter().map(|flow| (flow.read, flow.done_at.unwrap_or(until).since(Instant::EPOCH))).collect();
    let [sent, dropped] =
        world.wires.iter().fold([0, 0], |[sent, dropped], wire| [sent + wire.fates.sent, dropped + wire.fates.dropped]);
    Outcome { arrived, dropped: dropped as f64 / sent as f64 }
}

fn set_buffers(host: &mut Host, socket: SocketId, buffer: Option<usize>) {
    if let Some(bytes) = buffer {
        host.set_buffers(socket, bytes);
    }
}

fn open(client: &mut Host, buffer: Option<usize>) -> Flow {
    let from = client.tcp(Addr::v4(10, 0, 0, 1));
    set_buffers(client, from, buffer);
    client.connect(from, SockAddr::new(Addr::v4(10, 0, 0, 2), PORT));
    Flow { from, to: None, written: 0, read: 0, done_at: None }
}

/// All flows carry the same bytes, so that it does not matter which of them a new connection is counted as.
fn accept(server: &mut Host, listener: SocketId, flows: &mut [Flow], receivers: &mut BTreeMap<u64, usize>) {
    while let Some(socket) = server.accept(listener) {
        let at = flows.iter().position(|flow| flow.to.is_none()).expect("as many as were opened");
        flows[at].to = Some(socket);
        receivers.insert(socket.to_bits(), at);
    }
}

fn write(client: &mut Host, flow: &mut Flow, bytes: u64, pattern: &Pattern) {
    while flow.written < bytes {
        let piece = pattern.at(flow.written, (bytes - flow.written).min(64 << 10) as usize);
        let Ok(count) = client.write(flow.from, piece) else { return };
        flow.written += count as u64;
    }
}

fn read(server: &mut Host, flow: &mut Flow, bytes: u64, pattern: &Pattern, now: Instant) {
    let Some(socket) = flow.to else { return };
    let mut into = [0; 16 << 10];
    while let Ok(count) = server.read(socket, &mut into) {
        assert!(pattern.matches(flow.read, &into[..count]), "wrong byte after offset {}", flow.read);
        flow.read += count as u64;
        if flow.read == bytes {
            flow.done_at = Some(now);
        }
    }
}

//! Two hosts, a link between them, and the time.

use loggia_stack::base::event::class;
use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant, Rope};

use super::{Conditions, Digest, Host, Random, Wire};

/// How frames are given to a host that arrive at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(dead_code)] // Each test uses its part.
pub(crate) enum Arrival {
    /// One by one.
    Apart,
    /// By one call.
    Together,
    /// By one call, and what follows the headers of each stands behind that of the one before, in one chunk.
    Gathered,
}

/// The frames, with the bytes behind their headers (of UDP over IP, without options) in one chunk.
fn gathered(frames: &[Frame]) -> Vec<Frame> {
    let parts: Vec<(Vec<u8>, Vec<u8>)> = frames
        .iter()
        .map(|frame| {
            let mut head = frame.to_vec();
            let headers = match (head.first().map(|byte| byte >> 4), head.get(12..14)) {
                (Some(4), _) => 28,
                (Some(6), _) => 48,
                (_, Some([0x86, 0xdd])) => 62,
                _ => 42,
            };
            let body = head.split_off(headers.min(head.len()));
            (head, body)
        })
        .collect();
    let chunk = Rope::from(parts.iter().flat_map(|(_, body)| body.iter().copied()).collect::<Vec<u8>>());
    let mut at = 0;
    let frames = parts.iter().map(|(head, body)| {
        let mut frame = Frame::new(chunk.slice(at, body.len()));
        at += body.len();
        frame.push(head.len()).copy_from_slice(head);
        frame
    });
    frames.collect()
}

/// Two hosts on a link.
#[derive(Debug)]
pub(crate) struct World {
    /// The present moment.
    pub(crate) now: Instant,
    /// The hosts.
    pub(crate) hosts: [Host; 2],
    /// `wires[0]` leads from host 0 to host 1.
    pub(crate) wires: [Wire; 2],
    /// All frames that left, with their time, and all events.
    pub(crate) digest: Digest,
    /// All frames that left, if they are wanted.
    pub(crate) captured: Option<Vec<Vec<u8>>>,
    /// How frames are given to a host that arrive together.
    pub(crate) arrival: Arrival,
    /// Whether events go into the digest, which costs.
    digest_events: bool,
    /// What hosts remember of routes and addresses is void before each step.
    pub(crate) forgets: bool,
}

impl World {
    /// Two hosts on a wire that does the same to both directions.
    pub(crate) fn new(seed: u64, hosts: [Host; 2], conditions: Conditions) -> Self {
        let wires = [1, 2].map(|purpose| Wire::new(conditions, Random::new(seed, purpose)));
        Self {
            now: Instant::EPOCH,
            hosts,
            wires,
            digest: Digest::default(),
            captured: None,
            arrival: Arrival::Together,
            digest_events: false,
            forgets: false,
        }
    }

    /// Puts all events into the digest from now on.
    pub(crate) fn record_events(&mut self) {
        self.digest_events = true;
        self.hosts.iter_mut().for_each(|host| host.stack.listen_events(class::ALL));
    }

    /// Puts what the hosts want to send onto the wires.
    pub(crate) fn settle(&mut self) {
        for (number, (host, wire)) in self.hosts.iter_mut().zip(&mut self.wires).enumerate() {
            while let Some(frame) = host.transmit() {
                self.digest.number(self.now.nanos() << 1 | number as u64);
                let bytes = frame.to_vec();
                self.digest.bytes(&bytes);
                if let Some(captured) = &mut self.captured {
                    captured.push(bytes);
                }
                wire.put(self.now, &frame);
            }
            while let Some(event) = host.next_event() {
                if self.digest_events {
                    self.digest.text(&event);
                }
            }
        }
    }

    /// The next moment at which anything happens; [`Instant::NEVER`] if nothing will.
    pub(crate) fn next(&self) -> Instant {
        let arrivals = self.wires.iter().map(Wire::next_arrival);
        let deadlines = self.hosts.iter().map(Host::next_deadline);
        arrivals.chain(deadlines).min().unwrap_or(Instant::NEVER)
    }

    /// Goes to the next moment, but not past `until`; false if nothing happens before that.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        self.settle();
        if self.forgets {
            self.hosts.iter_mut().for_each(|host| host.stack.configure_network(|_| ()));
        }
        let next = self.next();
        let happens = next <= until;
        // A deadline may be early; that the time goes on is the simulator's business.
        let floor = self.now + Duration::from_nanos(u64::from(next <= self.now));
        self.now = next.min(until).max(floor);
        for host in &mut self.hosts {
            host.advance(self.now);
        }
        for number in 0..2 {
            let arrived: Vec<Frame> = std::iter::from_fn(|| self.wires[number].take(self.now)).collect();
            let host = &mut self.hosts[1 - number];
            match self.arrival {
                Arrival::Apart => arrived.into_iter().for_each(|frame| host.receive(frame)),
                Arrival::Together => host.receive_many(arrived),
                Arrival::Gathered => host.receive_many(gathered(&arrived)),
            }
        }
        self.settle();
        happens
    }
}

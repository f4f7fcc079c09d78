//! Entries of the record turned into samples, as they happen.

use std::collections::HashMap;

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Instant};

use super::table::{Labels, Place, Series, Table};
use crate::link::{Cause, Pipe, Rate};
use crate::observe::PipeId;
use crate::record::{Connections, Dir, End, Fact, Flags, Name, Part, Segment, Transfer, Which};

/// Most datagrams under way that are remembered.
const DATAGRAMS: usize = 1 << 18;

/// What is known of a program that ended.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Process {
    /// Its exit code; 128 and the number of the signal if one ended it; none if it was stopped by the lab.
    pub exit: Option<i32>,
    /// From its start to its end.
    pub time: Duration,
    /// Processor time, of user and kernel.
    pub cpu: Duration,
    /// Most bytes of memory at once.
    pub rss: u64,
}

/// Makes metrics of entries.
#[derive(Debug, Default)]
pub struct Collector {
    table: Table,
    ends: Vec<[Progress; 2]>,
    datagrams: HashMap<u64, (u64, Labels)>,
    /// The port that was called, of two ends that exchange datagrams.
    called: HashMap<(End, End), u16>,
    owners: HashMap<(Name, u64), String>,
    hosts: HashMap<Addr, Name>,
    /// Where the series of ends of connections are, by metric: labels are long.
    places: Vec<[[Option<Place>; OF_ENDS.len()]; 2]>,
    /// Where queue and delay of links are, by link and end.
    links: Vec<[Option<[Place; 2]>; 2]>,
}

/// A metric of ends of connections.
#[derive(Clone, Copy)]
enum Of {
    Rtt,
    Connect,
    ConnectFailed,
    Reset,
    Close,
    Request,
    Ttfb,
    Goodput,
    RetransmitRatio,
    Retransmits,
    Sendbuf,
    Writes,
    Reads,
}

/// Their names, in the order of [`Of`].
const OF_ENDS: [&str; 13] = [
    "tcp.rtt",
    "tcp.connect",
    "tcp.connect_failed",
    "tcp.reset",
    "tcp.close",
    "tcp.request",
    "tcp.ttfb",
    "tcp.goodput",
    "tcp.retransmit_ratio",
    "tcp.retransmits",
    "sock.sendbuf",
    "sock.writes",
    "sock.reads",
];

/// A datagram that is seen.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// The packet's number in the run.
    pub pkt: u64,
    /// Which way, seen from the host.
    pub dir: Dir,
    /// From which end.
    pub src: End,
    /// To which end.
    pub dst: End,
    /// The host forwards it, or is to.
    pub forwarded: bool,
}

/// A packet that arrives at the far end of a link.
#[derive(Clone, Copy, Debug)]
pub struct Crossing {
    /// Which link, by which of its ends.
    pub pipe: PipeId,
    /// When it was put onto the link, if that is known.
    pub put: Option<Instant>,
    /// When it arrives.
    pub arrives: Instant,
    /// How long it waited in the queue.
    pub queued: Duration,
}

/// How far an end of a connection is; moments in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    connect: Option<u64>,
    first_byte: bool,
    /// The burst that was not answered yet began then.
    request: Option<u64>,
    close: Option<u64>,
    /// The first byte left this end.
    first_out: Option<u64>,
    read: u64,
    reads: u64,
    last_read: u64,
    /// Bytes that the peer acknowledged.
    acked: u64,
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl Collector {
    /// What was measured so far.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// An address is that of a host.
    pub fn address(&mut self, addr: Addr, host: &Name) {
        if self.hosts.insert(addr, host.clone()).is_none() {
            self.places.clear();
        }
    }

    /// A socket is that of a program.
    pub fn owner(&mut self, host: &Name, socket: u64, program: &str) {
        if self.owners.insert((host.clone(), socket), program.into()).is_none() {
            self.places.clear();
        }
    }

    /// A program ended.
    pub fn process(&mut self, host: &str, program: &str, process: &Process) {
        let labels = Labels::from([("host", host.to_owned()), ("program", program.to_owned())]);
        if let Some(exit) = process.exit {
            self.table.sample("proc.exit", &labels, f64::from(exit));
        }
        self.table.sample("proc.time", &labels, process.time.as_secs_f64());
        self.table.sample("proc.cpu", &labels, process.cpu.as_secs_f64());
        self.table.sample("proc.rss", &labels, process.rss as f64);
    }

    /// Learns from a fact that happened on a host at `t` and is neither a packet nor a fate, after the connections did.
    pub fn take(&mut self, t: u64, host: Option<&Name>, fact: &Fact, connections: &Connections) {
        self.know(connections);
        match fact {
            Fact::State { local, peer, from, to, cause, .. } => {
                if let Some(at) = connections.between(*local, *peer) {
                    let which = connections.all()[at].which(*local);
                    self.state(t, (at, which), [from, to, cause], connections);
                }
            }
            Fact::Rtt { socket: Some(socket), sample_us, .. } => {
                if let Some(end) = host.and_then(|host| connections.of_socket(host, *socket)) {
                    self.sample(Of::Rtt, end, f64::from(*sample_us) / 1e6, connections);
                }
            }
            Fact::Write(write) => self.transfer((t, host), write, connections, Self::written),
            Fact::Read(read) => self.transfer((t, host), read, connections, Self::read),
            _ => {}
        }
    }

    /// As many ends as there are.
    fn know(&mut self, connections: &Connections) {
        if self.ends.len() < connections.all().len() {
            self.ends.resize(connections.all().len(), Default::default());
        }
    }

    fn transfer(
        &mut self,
        (t, host): (u64, Option<&Name>),
        transfer: &Transfer,
        connections: &Connections,
        then: fn(&mut Self, u64, (usize, Which), &Transfer, &Connections),
    ) {
        let end = host.and_then(|host| connections.of_socket(host, transfer.socket));
        if let (Some(end), Some(1..)) = (end, transfer.len) {
            then(self, t, end, transfer, connections);
        }
    }

    fn progress(&mut self, (at, which): (usize, Which)) -> &mut Progress {
        &mut self.ends[at][which as usize]
    }

    fn labels(&self, (at, which): (usize, Which), connections: &Connections) -> Labels {
        let connection = &connections.all()[at];
        let side = connection.side(which);
        let port = connection.side(Which::Server).end.port;
        let name = |which: Which| {
            let side = connection.side(which);
            let host = side.host.as_ref().or_else(|| self.hosts.get(&side.end.addr));
            host.map_or_else(|| side.end.addr.to_string(), ToString::to_string)
        };
        let mut labels = Labels::from([("host", name(which)), ("peer", name(which.other())), ("port", port.to_string())]);
        let owner = side.host.clone().zip(side.socket).and_then(|key| self.owners.get(&key));
        if let Some(program) = owner {
            labels.insert("program", program.clone());
        }
        labels
    }

    fn series(&mut self, of: Of, (at, which): (usize, Which), connections: &Connections) -> &mut Series {
        let known = self.places.get(at).and_then(|places| places[which as usize][of as usize]);
        let place = known.unwrap_or_else(|| self.place(of, (at, which), connections));
        self.table.at(place)
    }

    fn place(&mut self, of: Of, (at, which): (usize, Which), connections: &Connections) -> Place {
        let labels = self.labels((at, which), connections);
        let place = self.table.place(OF_ENDS[of as usize], &labels);
        // While an end has no name of the lab, it may yet get one.
        if connections.all()[at].side(which.other()).host.is_some() {
            self.places.resize(self.places.len().max(at + 1), Default::default());
            self.places[at][which as usize][of as usize] = Some(place);
        }
        place
    }

    fn sample(&mut self, of: Of, end: (usize, Which), value: f64, connections: &Connections) {
        self.series(of, end, connections).samples.add(value);
    }

    fn count(&mut self, of: Of, end: (usize, Which), part: u64, whole: u64, connections: &Connections) {
        self.series(of, end, connections).count(part, whole);
    }
}

/// TCP.
impl Collector {
    /// A segment that is a part of a connection was seen at `t`, in nanoseconds.
    pub fn segment(&mut self, t: u64, segment: &Segment, part: &Part, connections: &Connections) {
        if segment.forwarded {
            return;
        }
        self.know(connections);
        let (at, from) = (part.connection, part.from);
        let connection = &connections.all()[at];
        // A segment that leaves is counted where it leaves; one from outside of the lab where it arrives.
        if segment.dir == Dir::Out || connection.side(from).host.is_none() {
            let segments = u64::from(segment.segments);
            let again = if part.again { segments } else { 0 };
            if segment.len > 0 {
                self.progress((at, from)).first_out.get_or_insert(t);
                self.count(Of::RetransmitRatio, (at, from), again, segments, connections);
            }
            if segment.len > 0 || segment.flags.has(Flags::SYN | Flags::FIN) {
                self.count(Of::Retransmits, (at, from), again, 0, connections);
            }
        }
        if segment.dir == Dir::In && segment.flags.has(Flags::ACK) {
            // Without the SYN. The FIN is not data either, but after it nothing is written.
            let acked = u64::from(connection.relative(from.other(), segment.ack).saturating_sub(1));
            let progress = self.progress((at, from.other()));
            // Streams longer than 4 GiB: the number goes on from what is known.
            let ahead = (acked as u32).wrapping_sub(progress.acked as u32);
            if (ahead as i32) > 0 {
                progress.acked += u64::from(ahead);
            }
        }
    }

    fn state(&mut self, t: u64, end: (usize, Which), [from, to, cause]: [&str; 3], connections: &Connections) {
        let opening = from == "SYN-SENT" || (from == "SYN-RECEIVED" && self.progress(end).connect.is_some());
        match to {
            "SYN-SENT" => self.progress(end).connect = Some(t),
            "ESTABLISHED" => {
                if let Some(connect) = self.progress(end).connect {
                    self.sample(Of::Connect, end, seconds(t - connect), connections);
                }
            }
            "CLOSED" if opening => self.count(Of::ConnectFailed, end, 1, 0, connections),
            "CLOSED" if cause == "reset" => self.count(Of::Reset, end, 1, 0, connections),
            "FIN-WAIT-1" | "LAST-ACK" => {
                self.progress(end).close.get_or_insert(t);
            }
            "TIME-WAIT" | "CLOSED" if cause == "fin" || cause == "fin-acked" => {
                if let Some(close) = self.progress(end).close.take() {
                    self.sample(Of::Close, end, seconds(t - close), connections);
                }
            }
            _ => {}
        }
    }

    fn written(&mut self, t: u64, end: (usize, Which), write: &Transfer, connections: &Connections) {
        let progress = self.progress(end);
        if end.1 == Which::Client {
            progress.request.get_or_insert(t);
        }
        let held = (write.offset + u64::from(write.len.unwrap_or(0))).saturating_sub(progress.acked);
        self.sample(Of::Sendbuf, end, held as f64, connections);
        self.count(Of::Writes, end, 1, 0, connections);
    }

    fn read(&mut self, t: u64, end: (usize, Which), read: &Transfer, connections: &Connections) {
        let progress = self.progress(end);
        progress.read += u64::from(read.len.unwrap_or(0));
        progress.reads += 1;
        self.count(Of::Reads, end, 1, 0, connections);
        let progress = self.progress(end);
        progress.last_read = t;
        let request = progress.request.take();
        let first = !std::mem::replace(&mut progress.first_byte, true);
        let connect = progress.connect.filter(|_| first);
        if let Some(request) = request {
            self.sample(Of::Request, end, seconds(t - request), connections);
        }
        if let Some(connect) = connect {
            self.sample(Of::Ttfb, end, seconds(t - connect), connections);
        }
    }

    fn goodput(&mut self, connections: &Connections) {
        for at in 0..self.ends.len() {
            for which in [Which::Client, Which::Server] {
                let Progress { read, reads, last_read, .. } = self.ends[at][which as usize];
                let began = self.ends[at][which.other() as usize].first_out;
                if let Some(began) = began.filter(|began| reads > 1 && last_read > *began) {
                    self.sample(Of::Goodput, (at, which), read as f64 * 8.0 / seconds(last_read - began), connections);
                }
            }
        }
    }
}

/// UDP.
impl Collector {
    /// A datagram with ports was seen at `t`, in nanoseconds, at the border of a host.
    pub fn datagram(&mut self, t: u64, at: &Name, packet: &Datagram) {
        let called = *self.called.entry(packet.src.pair(packet.dst)).or_insert(packet.dst.port);
        let name = |end: End| self.hosts.get(&end.addr).map_or_else(|| end.addr.to_string(), ToString::to_string);
        let (host, peer) = if packet.dir == Dir::Out { (packet.src, packet.dst) } else { (packet.dst, packet.src) };
        let labels = Labels::from([
            ("host", if packet.forwarded { name(host) } else { at.to_string() }),
            ("peer", name(peer)),
            ("port", called.to_string()),
        ]);
        if packet.forwarded {
            return;
        }
        if packet.dir == Dir::Out {
            self.table.count("udp.sent", &labels, 1, 0);
            if self.datagrams.len() < DATAGRAMS {
                self.datagrams.insert(packet.pkt, (t, labels));
            }
            return;
        }
        self.table.count("udp.received", &labels, 1, 0);
        if let Some((left, labels)) = self.datagrams.remove(&packet.pkt) {
            self.table.sample("udp.delay", &labels, seconds(t - left));
            self.table.count("udp.loss", &labels, 0, 1);
        }
    }
}

/// Links.
impl Collector {
    /// A link dropped a packet.
    pub fn dropped(&mut self, pkt: u64) {
        if let Some((_, labels)) = self.datagrams.remove(&pkt) {
            self.table.count("udp.loss", &labels, 1, 1);
        }
    }

    /// So many packets cross the link called `link`, all alike; `host` is at the end that sends.
    pub fn crossed(&mut self, crossing: &Crossing, count: u64, link: &str, host: &str) {
        let Crossing { pipe, put, arrives, queued } = *crossing;
        if self.links.len() <= pipe.wire {
            self.links.resize(pipe.wire + 1, Default::default());
        }
        let table = &mut self.table;
        let [queue, delay] = *self.links[pipe.wire][pipe.end].get_or_insert_with(|| {
            let labels = link_labels(link, host);
            ["queue", "delay"].map(|what| table.place(&format!("link.{link}.{what}"), &labels))
        });
        table.at(queue).samples.add_many(seconds(queued.as_nanos() as u64), count);
        if let Some(put) = put {
            table.at(delay).samples.add_many(seconds(arrives.nanos().saturating_sub(put.nanos())), count);
        }
    }

    /// What one direction of a link counted; `host` is at the end that sends.
    pub fn link(&mut self, link: &str, host: &str, pipe: &Pipe, lasted: Duration) {
        let labels = link_labels(link, host);
        let counts = *pipe.counts();
        let lost: u64 = counts.dropped.iter().sum();
        let mut count = |what: &str, part, whole| self.table.count(&format!("link.{link}.{what}"), &labels, part, whole);
        count("sent", counts.sent, 0);
        count("sent_bytes", counts.sent_bytes, 0);
        count("delivered", counts.delivered, 0);
        count("delivered_bytes", counts.delivered_bytes, 0);
        count("duplicated", counts.duplicated, 0);
        count("corrupted", counts.corrupted, 0);
        count("reordered", counts.reordered, 0);
        count("marked", counts.marked, 0);
        count("lost", lost, 0);
        count("loss", lost, counts.sent);
        for (cause, dropped) in Cause::ALL.iter().zip(counts.dropped) {
            count(&format!("lost.{}", cause.name()), dropped, 0);
        }
        self.table.sample(&format!("link.{link}.queue_peak"), &labels, counts.queue_peak as f64);
        if let Some(Rate::Fixed { bits, .. }) = pipe.terms().rate {
            let possible = bits as f64 * lasted.as_secs_f64();
            let share = if possible > 0.0 { counts.delivered_bytes as f64 * 8.0 / possible } else { 0.0 };
            self.table.sample(&format!("link.{link}.utilisation"), &labels, share);
        }
    }

    /// It is over, after `lasted`.
    pub fn end(&mut self, lasted: Duration, connections: &Connections) {
        self.goodput(connections);
        self.table.seconds = lasted.as_secs_f64();
    }
}

fn link_labels(link: &str, host: &str) -> Labels {
    Labels::from([("link", link.to_owned()), ("host", host.to_owned())])
}

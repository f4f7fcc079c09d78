//! The observer that writes the record.

mod packets;
mod together;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_stack::SocketId;
use loggia_stack::base::event::class;
use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Event, Instant, What};
use loggia_stack::link::{Mac, Medium};

use super::connections::Connections;
use super::entry::{Entry, Fact};
use super::folder::Folder;
use super::name::Name;
use super::sink::{self, Sink};
use super::sockets::{self, Owners};
use super::tell;
use super::trail::{Passing, Pending, Trail};
use crate::capture::{Captures, Snap, remarks};
use crate::link::{Fate, Fates, Marks, PacketId, Verdict};
use crate::metrics::{Collector, Crossing, Process, Table};
use crate::observe::{Observer, PipeId, Seen};
use crate::world::{End, HostId, World};

/// What is recorded, and how much of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The moment zero of the run, as time since 1970.
    pub epoch: Duration,
    /// Captures are written.
    pub capture: bool,
    /// How much of each packet captures keep.
    pub snap: Snap,
    /// Most bytes of one capture.
    pub capture_limit: u64,
    /// `events.jsonl` is written.
    pub events: bool,
    /// Most bytes of it.
    pub events_limit: u64,
    /// Most entries that are kept in memory, for views of a run that is not over.
    pub keep: usize,
}

impl Default for Options {
    /// Everything, up to a gibibyte a file; nothing in memory.
    fn default() -> Self {
        Self {
            epoch: Duration::ZERO,
            capture: true,
            snap: Snap::All,
            capture_limit: 1 << 30,
            events: true,
            events_limit: 1 << 30,
            keep: 0,
        }
    }
}

/// Records a run. Copies share one record: one is given to the world, another is kept to be asked.
#[derive(Clone)]
pub struct Recorder {
    /// Entries may be wanted; else of what is only for them not even the lock is taken.
    entries: bool,
    inner: Arc<Mutex<Inner>>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// Bytes that are set aside for what is written at the end of a run: metrics, sockets, the manifest; and as many more for each host.
const SET_ASIDE: u64 = 256 << 10;
const SET_ASIDE_HOST: u64 = 16 << 10;

struct Inner {
    now: Instant,
    hosts: Vec<HostNames>,
    links: Vec<LinkNames>,
    trail: Trail,
    passing: Vec<Option<Passing>>,
    connections: Connections,
    pending: Pending,
    /// What was done to packets that have not arrived yet.
    marks: HashMap<(PipeId, PacketId), Vec<(Instant, Marks)>>,
    /// Packets that were damaged on a link before the last.
    damaged: HashSet<u64>,
    captures: Captures,
    collector: Collector,
    began: Instant,
    /// Nothing is measured any more, only recorded.
    measured: bool,
    events: Option<Sink>,
    kept: Vec<Entry>,
    keep: usize,
    folder: Box<dyn Folder>,
    /// Whose sockets are.
    owners: Owners,
    /// The sockets there were at [`Recorder::snapshot`].
    sockets: Option<serde_json::Value>,
    /// Files that could not be written.
    failures: Vec<String>,
}

struct HostNames {
    name: Name,
    ports: Vec<Name>,
    /// The link addresses of its interfaces.
    macs: Vec<Option<Mac>>,
    /// Its addresses, as far as they are known: those it began with, and those it sent from.
    own: HashSet<Addr>,
    /// The one it sent from last.
    last: Addr,
    /// Something it had to send may not have come onto a wire: what is the first there may have been sent before all the same.
    discards: bool,
}

struct LinkNames {
    name: Name,
    ends: [End; 2],
    /// Packets that were put onto each direction and whose fate is not known.
    waiting: [u64; 2],
}

/// Making and asking it.
impl Recorder {
    /// A recorder of `world`, whose hosts and links must all be there, into `folder`. An error if not even the first file can be made;
    /// later failures end the file in question, see [`Recorder::failures`].
    pub fn new(mut folder: Box<dyn Folder>, world: &World, options: Options) -> io::Result<Self> {
        let hosts = host_names(world);
        let room = SET_ASIDE + (hosts.len() as u64 + 1) * (sink::LAST_BYTES + SET_ASIDE_HOST);
        folder.set_aside(room).map_err(|error| {
            io::Error::new(error.kind(), format!("no room for the record ({room} bytes to begin with): {error}"))
        })?;
        let events = if options.events {
            Some(Sink::new("events.jsonl", folder.create("events.jsonl")?, options.events_limit))
        } else {
            None
        };
        let described: Vec<_> = hosts.iter().map(|host| (host.name.clone(), host.ports.clone())).collect();
        let captures = if options.capture { Captures::new(&mut *folder, &described, &options) } else { Captures::default() };
        let mut collector = Collector::default();
        hosts.iter().for_each(|host| host.own.iter().for_each(|addr| collector.address(*addr, &host.name)));
        let passing = hosts.iter().map(|host| (host.ports.len() > 1).then(Passing::default)).collect();
        let inner = Inner {
            now: world.now(),
            hosts,
            links: link_names(world),
            trail: Trail::default(),
            passing,
            connections: Connections::default(),
            pending: Pending::default(),
            marks: HashMap::new(),
            damaged: HashSet::new(),
            captures,
            collector,
            began: world.now(),
            measured: false,
            events,
            kept: Vec::new(),
            keep: options.keep,
            folder,
            owners: Owners::new(),
            sockets: None,
            failures: Vec::new(),
        };
        Ok(Self { entries: options.events || options.keep > 0, inner: Arc::new(Mutex::new(inner)) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a whole file of the record, as `manifest.json`. What is in it stays if it is there already and this fails half way.
    pub fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let mut file = self.lock().folder.create(path)?;
        file.write_all(text.as_bytes())?;
        file.flush()
    }

    /// Brings what is known so far into the files: to be called now and then, so that a run that is killed leaves something to read.
    pub fn flush(&self) {
        self.lock().flush();
    }

    /// Why files end early, one line each; empty if the record is whole.
    pub fn failures(&self) -> Vec<String> {
        let inner = self.lock();
        let files = inner.events.iter().chain(inner.captures.sinks()).filter_map(Sink::failure).map(Into::into);
        files.chain(inner.failures.iter().cloned()).collect()
    }

    /// A socket is that of a program: its name in the lab file, and its process.
    pub fn owner(&self, host: HostId, socket: SocketId, program: &str, pid: u32) {
        let mut inner = self.lock();
        let name = inner.hosts[host.0].name.clone();
        inner.collector.owner(&name, socket.to_bits(), program);
        inner.owners.insert((host, socket), (program.into(), pid));
    }

    /// The record's table of sockets is that of this moment, not that of the end, when programs have been stopped. The first one counts.
    pub fn snapshot(&self, world: &World) {
        let mut inner = self.lock();
        if inner.sockets.is_none() {
            inner.sockets = Some(sockets::of(world, &inner.owners));
        }
    }

    /// What is measured ends here: what comes, when programs are stopped, is recorded and no more. The first call counts; without one it
    /// is the end of the world.
    pub fn measured(&self, world: &World) {
        self.lock().measured(world);
    }

    /// A program ended.
    pub fn process(&self, host: HostId, program: &str, process: &Process) {
        let mut inner = self.lock();
        let name = inner.hosts[host.0].name.clone();
        inner.collector.process(&name, program, process);
    }

    /// What was measured; complete after the world has ended and all programs were told of.
    pub fn metrics(&self) -> Table {
        self.lock().collector.table().clone()
    }

    /// Writes `metrics.json`: the last thing to do.
    pub fn write_metrics(&self) {
        let mut inner = self.lock();
        let value = inner.collector.table().to_json();
        inner.whole_file("metrics.json", &value);
    }

    /// Which files hold as much as they may and therefore end early, one line each.
    pub fn shortened(&self) -> Vec<String> {
        let inner = self.lock();
        let full = inner.events.iter().chain(inner.captures.sinks()).filter(|sink| sink.is_full()).map(Sink::limit);
        full.map(|(name, limit)| format!("{name} holds the {limit} bytes it may")).collect()
    }

    /// The entries kept in memory, the first [`Options::keep`] of them.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().kept.clone()
    }

    /// The TCP connections so far.
    pub fn connections(&self) -> Connections {
        self.lock().connections.clone()
    }
}

fn host_names(world: &World) -> Vec<HostNames> {
    let of = |host: &crate::world::Host| {
        let config = |port| host.stack().links().find(|status| status.link == host.link(port)).map(|status| status.config);
        let named = |port| config(port).map_or_else(|| format!("eth{port}"), |config| config.name.clone());
        let mac = |port| match config(port)?.medium {
            Medium::Ethernet { mac, .. } => Some(mac),
            Medium::Loopback | Medium::Ip => None,
        };
        let ports = (0..host.ports()).map(|port| named(port).into()).collect();
        let macs = (0..host.ports()).map(mac).collect();
        let own = host.stack().addresses().map(|(_, cidr)| cidr.addr).collect();
        HostNames { name: host.name.as_str().into(), ports, macs, own, last: Addr::V4_ANY, discards: false }
    };
    world.hosts().iter().map(of).collect()
}

fn link_names(world: &World) -> Vec<LinkNames> {
    let of = |wire: &crate::world::Wire| LinkNames { name: wire.name.as_str().into(), ends: wire.ends, waiting: [0; 2] };
    world.wires().iter().map(of).collect()
}

impl Observer for Recorder {
    fn frame(&mut self, seen: &Seen<'_>) {
        self.lock().frame(seen);
    }

    fn train(&mut self, seen: &Seen<'_>, fates: &Fates) {
        self.lock().train(seen, fates);
    }

    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        self.lock().fate(pipe, fate);
    }

    fn relayed(&mut self, at: Instant, from: (PipeId, PacketId), to: (PipeId, PacketId)) {
        self.lock().relayed(at, from, to);
    }

    fn event(&mut self, host: HostId, event: &Event) {
        if self.entries || tell::is_measured(event) {
            self.lock().event(host, event);
        }
    }

    fn note(&mut self, at: Instant, host: Option<HostId>, topic: &str, text: &str) {
        self.lock().tell(at, host, Fact::Note { topic: topic.to_owned().into(), text: text.into() });
    }

    fn end(&mut self, world: &World) {
        self.lock().end(world);
    }

    fn classes(&self) -> u16 {
        class::DISCARDS | class::STATES | class::CONTROL | class::CALLS
    }
}

impl Inner {
    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        self.now = self.now.max(fate.at);
        let (pkt, put) = self.trail.put((pipe, fate.packet)).map_or((0, None), |(pkt, put)| (pkt, Some(put)));
        let link = &mut self.links[pipe.wire];
        let copy = matches!(fate.verdict, Verdict::Delivered { marks, .. } if marks.duplicate);
        let waiting = &mut link.waiting[pipe.end];
        *waiting = waiting.saturating_sub(u64::from(!copy));
        match fate.verdict {
            Verdict::Dropped(cause) => {
                let comment = remarks::dropped(&link.name, cause, *waiting);
                self.remark(pkt, [comment]);
                self.settle(pkt);
                if !self.measured {
                    self.collector.dropped(pkt);
                }
            }
            Verdict::Delivered { arrives, marks, queued } => {
                let to_host = matches!(link.ends[1 - pipe.end], End::Host { .. });
                if marks != Marks::default() {
                    let comments = remarks::marked(&link.name, &marks);
                    self.marks.entry((pipe, fate.packet)).or_default().push((arrives, marks));
                    if !copy {
                        self.remark(pkt, comments);
                    }
                }
                if to_host {
                    self.settle(pkt);
                }
                if !self.measured {
                    let host = match self.links[pipe.wire].ends[pipe.end] {
                        End::Host { host, .. } => &*self.hosts[host.0].name,
                        End::Switch { .. } => "",
                    };
                    let crossing = Crossing { pipe, put, arrives, queued };
                    self.collector.crossed(&crossing, 1, &self.links[pipe.wire].name, host);
                }
            }
        }
        if self.wants_entries() {
            let told = tell::fate(&self.links[pipe.wire].name, pipe, (pkt, put.map(Instant::nanos)), fate);
            let host = self.host_at(pipe);
            self.put(Entry { t: fate.at.nanos(), host, fact: Fact::Fate(told) });
        }
    }

    /// The host at the end of a link that sends.
    fn host_at(&self, pipe: PipeId) -> Option<Name> {
        match self.links[pipe.wire].ends[pipe.end] {
            End::Host { host, .. } => Some(self.hosts[host.0].name.clone()),
            End::Switch { .. } => None,
        }
    }

    fn relayed(&mut self, at: Instant, from: (PipeId, PacketId), to: (PipeId, PacketId)) {
        self.now = at;
        let (pipe, _) = to;
        self.links[pipe.wire].waiting[pipe.end] += 1;
        let number = self.trail.number(from);
        self.trail.name(to, number, at);
        // What an earlier link did to it is said where it arrives.
        let done = self.marks_of(from, at).filter(|marks| marks.corrupted.is_some());
        self.damaged.extend(done.map(|_| number));
    }

    /// Says something of a packet that is held.
    fn remark(&mut self, pkt: u64, comments: impl IntoIterator<Item = String>) {
        if let Some((host, place)) = self.pending.get(pkt) {
            self.captures.remark(host, place, comments);
        }
    }

    /// Nothing more will be said of a packet.
    fn settle(&mut self, pkt: u64) {
        if let Some((host, place)) = self.pending.remove(pkt) {
            self.captures.close(host, place);
        }
    }

    fn event(&mut self, host: HostId, event: &Event) {
        self.now = self.now.max(event.at);
        match event.what {
            What::Retransmit { seq, len, why, .. } => self.captures.sent_again(host.0, event.at, seq, len, why),
            What::Discard { .. } | What::Lost { .. } => self.hosts[host.0].discards = true,
            _ => {}
        }
        if let Some(fact) = tell::event(event) {
            self.tell(event.at, Some(host), fact);
        }
    }

    /// A fact that is neither a packet nor a fate goes to all who want it.
    fn tell(&mut self, at: Instant, host: Option<HostId>, fact: Fact) {
        let (t, name) = (at.nanos(), host.map(|host| &self.hosts[host.0].name));
        self.connections.learn(t, name, &fact);
        if !self.measured {
            self.collector.take(t, name, &fact, &self.connections);
        }
        if self.wants_entries() {
            self.put(Entry { t, host: name.cloned(), fact });
        }
    }

    /// True if somebody wants entries: to make one costs more than to measure what it says.
    fn wants_entries(&self) -> bool {
        self.kept.len() < self.keep || self.events.as_ref().is_some_and(Sink::is_open)
    }

    /// Writes an entry, and keeps it.
    fn put(&mut self, entry: Entry) {
        if let Some(events) = self.events.as_mut().filter(|events| events.is_open()) {
            put_line(events, &entry);
        }
        if self.kept.len() < self.keep {
            self.kept.push(entry);
        }
    }

    fn flush(&mut self) {
        self.captures.flush(self.now);
        self.events.iter_mut().for_each(Sink::flush);
    }

    fn end(&mut self, world: &World) {
        self.now = world.now();
        self.captures.end(self.now);
        self.events.iter_mut().for_each(Sink::flush);
        self.folder.release();
        self.measured(world);
        let sockets = self.sockets.take().unwrap_or_else(|| sockets::of(world, &self.owners));
        self.whole_file("sockets.json", &sockets);
    }

    fn measured(&mut self, world: &World) {
        if std::mem::replace(&mut self.measured, true) {
            return;
        }
        let lasted = world.now().since(self.began);
        for (wire, at) in world.wires().iter().enumerate() {
            for end in 0..2 {
                let host = self.host_at(PipeId { wire, end }).unwrap_or_default();
                self.collector.link(&at.name, &host, at.pipe(end), lasted);
            }
        }
        self.collector.end(lasted, &self.connections);
    }

    /// Writes a file at once; why it fails is among the failures.
    fn whole_file(&mut self, path: &str, value: &serde_json::Value) {
        let text = serde_json::to_vec_pretty(value).unwrap_or_default();
        let written = self.folder.create(path).and_then(|mut file| {
            file.write_all(&text)?;
            file.flush()
        });
        if let Err(error) = written {
            self.failures.push(format!("{path}: {error}"));
        }
    }
}

/// Bytes of `events.jsonl` that are kept free for its last line.
const LAST_LINE: usize = 200;

/// Appends an entry as a line; where that would be too much, a line that says so, and it is the last.
fn put_line(events: &mut Sink, entry: &Entry) {
    let line = |entry: &Entry| {
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        line
    };
    let block = line(entry);
    if events.would_overflow(block.len() + LAST_LINE) {
        let text = format!("events.jsonl holds the {} bytes it may: nothing more is recorded", events.limit().1);
        events.put(&line(&Entry { t: entry.t, host: None, fact: Fact::Note { topic: "record".into(), text } }));
        events.finish();
    } else {
        events.put(&block);
    }
}

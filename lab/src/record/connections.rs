//! Which TCP connections there are, joined from what both ends' wires show.

use std::cell::Cell;
use std::collections::HashMap;

use super::end::{End, Flags};
use super::entry::{Dir, Entry, Fact, Packet};
use super::failure::Failure;
use super::name::Name;

/// All TCP connections of a run, in the order in which they were opened.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    all: Vec<Connection>,
    current: HashMap<(End, End), usize>,
    /// The one that was asked for last, and its ends: packets come in trains.
    last: Option<(End, End, usize)>,
    /// Where in `owned` a host's socket stands.
    sockets: HashMap<(Name, u64), usize>,
    owned: Vec<Owned>,
    /// The two that were asked for last: a client and its server call by turns.
    asked: Cell<[usize; 2]>,
}

/// A host's socket, and which end of a connection it is.
#[derive(Clone, Debug)]
struct Owned {
    host: Name,
    socket: u64,
    end: (usize, Which),
}

/// Which end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Which {
    /// The one that sent the first SYN.
    Client,
    /// The other.
    Server,
}

impl Which {
    /// The one at the other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A TCP connection.
#[derive(Clone, PartialEq, Debug)]
pub struct Connection {
    /// Its number in the run, from 1.
    pub number: usize,
    /// When its first packet was seen, in nanoseconds since the start.
    pub opened: u64,
    /// How it ended, if not in order.
    pub failure: Option<Failure>,
    /// Both ends: the client's and the server's.
    sides: [Side; 2],
}

/// One end of a connection.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Side {
    /// Its address and port.
    pub end: End,
    /// The host it is on, if that is one of the lab.
    pub host: Option<Name>,
    /// Its socket, once known.
    pub socket: Option<u64>,
    /// Its initial sequence number.
    pub iss: Option<u32>,
    /// What windows it announces are to be shifted by.
    wscale: Option<u8>,
    /// One after the last sequence number it sent.
    sent: Option<u32>,
    /// It sent bytes of the stream.
    data: bool,
}

/// What of a TCP segment matters to its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Which way, seen from the host.
    pub dir: Dir,
    /// From which end.
    pub src: End,
    /// To which end.
    pub dst: End,
    /// Flags.
    pub flags: Flags,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// The window as in the header.
    pub window: u32,
    /// Window scale, on a SYN.
    pub wscale: Option<u8>,
    /// Bytes of payload.
    pub len: u32,
    /// How many segments it is on a wire.
    pub segments: u32,
    /// A link damaged it on the way here: it may be of any connection.
    pub damaged: bool,
    /// The host forwards it, or is to.
    pub forwarded: bool,
}

impl Segment {
    /// That of a packet; none if it is no TCP segment.
    pub fn of(packet: &Packet) -> Option<Self> {
        let flags = packet.flags.filter(|_| packet.proto == "tcp")?;
        let &Packet { dir, src, dst, wscale, len, segments, damaged, forwarded, .. } = packet;
        let (seq, ack, window) = (packet.seq.unwrap_or(0), packet.ack.unwrap_or(0), packet.win.unwrap_or(0));
        Some(Self { dir, src, dst, flags, seq, ack, window, wscale, len, segments, damaged, forwarded })
    }
}

/// What a packet is to its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Which connection, counted from 0.
    pub connection: usize,
    /// Which end sent it.
    pub from: Which,
    /// Some of it was sent before.
    pub again: bool,
    /// It is behind all that its sender sent before.
    pub fresh: bool,
    /// The window in bytes.
    pub window: u32,
}

impl Connection {
    /// One end.
    pub fn side(&self, which: Which) -> &Side {
        &self.sides[which as usize]
    }

    /// Which end is at `end`.
    pub fn which(&self, end: End) -> Which {
        if self.sides[0].end == end { Which::Client } else { Which::Server }
    }

    /// Which ends are on `host`.
    pub fn on(&self, host: &str) -> Option<Which> {
        let at = |which: Which| self.side(which).host.as_deref() == Some(host);
        [Which::Client, Which::Server].into_iter().find(|which| at(*which))
    }

    /// A sequence number of an end, counted from its first.
    pub fn relative(&self, from: Which, seq: u32) -> u32 {
        seq.wrapping_sub(self.side(from).iss.unwrap_or(seq))
    }

    /// True if an end sent bytes of a stream, as far as its own wire shows.
    pub fn carried_data(&self) -> bool {
        self.sides.iter().any(|side| side.data)
    }

    /// The name of an end for people: its host, or its address.
    pub fn name(&self, which: Which) -> String {
        let side = self.side(which);
        side.host.as_ref().map_or_else(|| side.end.addr.to_string(), ToString::to_string)
    }

    /// One line: who with whom.
    pub fn title(&self) -> String {
        let end = |which| {
            let side = self.side(which);
            let host = side.host.as_ref().map_or_else(String::new, |host| format!("{host} "));
            format!("{host}{}", side.end)
        };
        format!("#{} {} → {}", self.number, end(Which::Client), end(Which::Server))
    }
}

impl Connections {
    /// All of them.
    pub fn all(&self) -> &[Connection] {
        &self.all
    }

    /// The connections of a whole record.
    pub fn of(entries: &[Entry]) -> Self {
        let mut connections = Self::default();
        entries.iter().for_each(|entry| connections.take(entry));
        connections
    }

    /// Learns from an entry.
    pub fn take(&mut self, entry: &Entry) {
        self.learn(entry.t, entry.host.as_ref(), &entry.fact);
    }

    /// Learns from a fact that happened on a host at `t`.
    pub(super) fn learn(&mut self, t: u64, host: Option<&Name>, fact: &Fact) {
        match (fact, host) {
            (Fact::Packet(packet), Some(host)) => {
                self.packet(t, host, packet);
            }
            (Fact::Named { socket, proto, local, peer }, Some(host)) if proto == "tcp" && peer.port != 0 => {
                self.named(t, host, *socket, *local, *peer);
            }
            (Fact::State { socket, local, peer, from, to, cause }, Some(host)) if peer.port != 0 => {
                if let Some(socket) = socket {
                    self.named(t, host, *socket, *local, *peer);
                }
                if to == "CLOSED" {
                    self.failed(*local, *peer, from, cause);
                }
            }
            _ => {}
        }
    }

    /// The connection of a socket, and which end it is.
    pub fn of_socket(&self, host: &Name, socket: u64) -> Option<(usize, Which)> {
        let is_it = |at: &usize| self.owned.get(*at).is_some_and(|owned| owned.socket == socket && owned.host == *host);
        let [last, before] = self.asked.get();
        let found = [last, before].into_iter().find(is_it);
        let at = found.or_else(|| self.sockets.get(&(host.clone(), socket)).copied())?;
        if at != last {
            self.asked.set([at, last]);
        }
        Some(self.owned[at].end)
    }

    /// The latest connection between two ends.
    pub fn between(&self, a: End, b: End) -> Option<usize> {
        match self.last {
            Some((c, d, at)) if (a, b) == (c, d) || (a, b) == (d, c) => Some(at),
            _ => self.current.get(&a.pair(b)).copied(),
        }
    }

    /// What a packet is to its connection; none if it is no TCP segment.
    pub fn packet(&mut self, t: u64, host: &Name, packet: &Packet) -> Option<Part> {
        self.segment(t, host, &Segment::of(packet)?)
    }

    /// What a segment is to its connection; none if nobody can tell.
    pub fn segment(&mut self, t: u64, host: &Name, segment: &Segment) -> Option<Part> {
        if segment.damaged {
            return None;
        }
        let at = self.find_or_open(t, segment);
        Some(self.segment_of(at, host, segment))
    }

    /// What a segment is to the connection that it is of.
    pub(super) fn segment_of(&mut self, at: usize, host: &Name, segment: &Segment) -> Part {
        let connection = &mut self.all[at];
        let from = connection.which(segment.src);
        if !segment.forwarded {
            let here = if segment.dir == Dir::Out { from } else { from.other() };
            connection.sides[here as usize].host.get_or_insert_with(|| host.clone());
        }
        let window = connection.window(from, segment);
        let side = &mut connection.sides[from as usize];
        let fresh = side.goes_on(segment);
        let counts = segment.dir == Dir::Out && !segment.forwarded || side.host.is_none();
        let again = counts && side.sends(segment);
        Part { connection: at, from, again, fresh, window }
    }

    /// The known connection of a segment that is behind all that its sender sent before.
    pub(super) fn goes_on(&self, segment: &Segment) -> Option<usize> {
        let at = self.between(segment.src, segment.dst)?;
        self.all[at].side(self.all[at].which(segment.src)).goes_on(segment).then_some(at)
    }

    /// A SYN with a new sequence number opens a connection; any other segment of an unknown one too, for the record may begin late.
    fn find_or_open(&mut self, t: u64, segment: &Segment) -> usize {
        let &Segment { src, dst, flags, seq, .. } = segment;
        let opening = flags.has(Flags::SYN) && !flags.has(Flags::ACK);
        if let Some(at) = self.between(src, dst) {
            if self.last.is_none_or(|(_, _, last)| last != at) {
                self.last = Some((src, dst, at));
            }
            let known = &self.all[at].sides[self.all[at].which(src) as usize];
            if !opening || known.iss.is_none_or(|iss| iss == seq) {
                return at;
            }
        }
        let (client, server) = if flags.has(Flags::SYN) && flags.has(Flags::ACK) { (dst, src) } else { (src, dst) };
        self.open(t, client, server)
    }

    fn open(&mut self, t: u64, client: End, server: End) -> usize {
        let side = |end| Side { end, ..Side::default() };
        let at = self.all.len();
        self.all.push(Connection { number: at + 1, opened: t, failure: None, sides: [side(client), side(server)] });
        self.current.insert(client.pair(server), at);
        self.last = None;
        at
    }

    /// The end at `local` is CLOSED.
    fn failed(&mut self, local: End, peer: End, from: &str, cause: &str) {
        let Some(at) = self.between(local, peer) else { return };
        let connection = &mut self.all[at];
        connection.failure = connection.failure.or(Failure::of(connection.which(local), from, cause));
    }

    /// A socket's ends are known. Usually the wire showed the connection before; the calling end's socket is named before its SYN.
    fn named(&mut self, t: u64, host: &Name, socket: u64, local: End, peer: End) {
        if self.sockets.contains_key(&(host.clone(), socket)) {
            return;
        }
        let known = self.between(local, peer);
        let fresh = known.filter(|at| self.all[*at].sides[self.all[*at].which(local) as usize].socket.is_none());
        let at = fresh.unwrap_or_else(|| self.open(t, local, peer));
        let which = self.all[at].which(local);
        let side = &mut self.all[at].sides[which as usize];
        side.socket = Some(socket);
        side.host.get_or_insert_with(|| host.clone());
        self.sockets.insert((host.clone(), socket), self.owned.len());
        self.owned.push(Owned { host: host.clone(), socket, end: (at, which) });
    }
}

impl Connection {
    /// The window is scaled if both ends offered to (RFC 7323 §2.2), never on a SYN.
    fn window(&self, from: Which, segment: &Segment) -> u32 {
        let &Segment { window, flags, .. } = segment;
        let both = self.sides.iter().all(|side| side.wscale.is_some());
        match self.side(from).wscale {
            Some(shift) if both && !flags.has(Flags::SYN) => window << shift.min(14),
            _ => window,
        }
    }
}

impl Side {
    /// True if what the end sends is behind all that it sent before.
    fn goes_on(&self, segment: &Segment) -> bool {
        let Some(sent) = self.sent.filter(|_| !segment.flags.has(Flags::SYN)) else { return false };
        // What arrives from a host of the lab was counted where it left.
        segment.dir == Dir::In && self.host.is_some() || (segment.seq.wrapping_sub(sent) as i32) >= 0
    }

    /// The end sends this; true if it had sent some of it before.
    fn sends(&mut self, segment: &Segment) -> bool {
        let &Segment { seq, flags, len, wscale, .. } = segment;
        self.data |= len > 0;
        if flags.has(Flags::SYN) {
            self.wscale = wscale;
            self.iss.get_or_insert(seq);
        }
        let space = len + u32::from(flags.has(Flags::SYN)) + u32::from(flags.has(Flags::FIN));
        let end = seq.wrapping_add(space);
        let sent = *self.sent.get_or_insert(seq);
        let again = space > 0 && (sent.wrapping_sub(seq) as i32) > 0;
        if (end.wrapping_sub(sent) as i32) > 0 {
            self.sent = Some(end);
        }
        again
    }
}

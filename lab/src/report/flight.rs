//! The packets of a connection, each with what became of it.

use std::collections::HashMap;

use crate::capture::remarks;
use crate::link::Cause;
use crate::record::{Connection, Connections, Dir, Entry, Fact, Fate, Packet, Which};

/// A packet of a connection on its way from one end to the other.
#[derive(Clone, Debug)]
pub(super) struct Flight<'a> {
    /// Which end sent it.
    pub(super) from: Which,
    /// When it left, or was first seen if its sender is not in the lab.
    pub(super) left: u64,
    /// When it arrived; none if it did not, or has not yet.
    pub(super) arrived: Option<u64>,
    /// When copies of it arrived.
    pub(super) copies: Vec<u64>,
    /// What it was when it left.
    pub(super) packet: &'a Packet,
    /// What links decided of it, in order.
    pub(super) fates: Vec<&'a Fate>,
    /// Why it was sent again.
    pub(super) why: Option<&'a str>,
    /// It arrived damaged: the receiver does not take it.
    pub(super) damaged: bool,
}

impl Flight<'_> {
    /// The link that dropped it, and why.
    pub(super) fn dropped(&self) -> Option<&Fate> {
        self.fates.iter().find(|fate| fate.is_dropped()).copied()
    }

    /// How long it waited in queues, in nanoseconds.
    pub(super) fn queued(&self) -> u64 {
        self.fates.iter().filter_map(|fate| fate.queued).sum()
    }
}

/// What happened to a connection.
#[derive(Clone, Debug)]
pub(super) struct Story<'a> {
    /// The connection.
    pub(super) connection: &'a Connection,
    /// Its packets, in the order in which they left.
    pub(super) flights: Vec<Flight<'a>>,
    /// Changes of state and calls at its ends, in order.
    pub(super) deeds: Vec<(Which, &'a Entry)>,
}

impl Story<'_> {
    /// When it began: with the call or the first packet.
    pub(super) fn begin(&self) -> u64 {
        let state = self.deeds.iter().find(|(_, entry)| matches!(entry.fact, Fact::State { .. })).map(|(_, entry)| entry.t);
        self.flights.first().map(|flight| flight.left).into_iter().chain(state).min().unwrap_or(self.connection.opened)
    }
}

/// What happened to `connection`.
pub(super) fn story<'a>(entries: &'a [Entry], connection: &'a Connection) -> Story<'a> {
    let mut teller = Teller {
        connections: Connections::default(),
        flights: Vec::new(),
        places: HashMap::new(),
        deeds: Vec::new(),
        late: Vec::new(),
    };
    let at = connection.number - 1;
    entries.iter().for_each(|entry| teller.take(entry, at, connection));
    Story { connection, flights: teller.flights, deeds: teller.deeds }
}

struct Teller<'a> {
    /// Read along, so that ends which are used again by a later connection are told apart.
    connections: Connections,
    flights: Vec<Flight<'a>>,
    /// By number of the packet.
    places: HashMap<u64, usize>,
    deeds: Vec<(Which, &'a Entry)>,
    /// Repetitions that were told of and have not left yet: they wait for the neighbour's address. Who, from where, how much, why.
    late: Vec<(Which, u32, u32, &'a str)>,
}

/// Where and why a link dropped a packet, in words.
pub(super) fn lost_on(fate: &Fate) -> String {
    format!("lost on {}: {}", fate.link, cause(&fate.fate))
}

/// The words for a cause that stands in the record by name.
pub(super) fn cause(name: &str) -> &str {
    Cause::ALL.iter().find(|cause| cause.name() == name).map_or(name, |cause| remarks::cause(*cause))
}

impl<'a> Teller<'a> {
    fn take(&mut self, entry: &'a Entry, at: usize, connection: &'a Connection) {
        self.connections.take(entry);
        match &entry.fact {
            Fact::Packet(packet) => {
                let known = self.places.contains_key(&packet.pkt);
                let ours = || self.connections.between(packet.src, packet.dst) == Some(at) && packet.proto == "tcp";
                if known || (!packet.damaged && ours()) {
                    self.packet(entry.t, packet, connection);
                }
            }
            Fact::Fate(fate) => {
                if let Some(place) = self.places.get(&fate.pkt)
                    && !fate.marks.iter().any(|mark| mark == "duplicate")
                {
                    self.flights[*place].fates.push(fate);
                }
            }
            Fact::Retransmit { seq, len, why, .. } => self.again(entry, *seq, *len, why, connection),
            Fact::State { local, peer, .. } if self.connections.between(*local, *peer) == Some(at) => {
                self.deeds.push((connection.which(*local), entry));
            }
            Fact::Call { socket, .. } => self.deed(entry, *socket, at),
            Fact::Write(transfer) | Fact::Read(transfer) => self.deed(entry, transfer.socket, at),
            _ => {}
        }
    }

    fn deed(&mut self, entry: &'a Entry, socket: u64, at: usize) {
        let of = entry.host.as_ref().and_then(|host| self.connections.of_socket(host, socket));
        if let Some((_, which)) = of.filter(|(number, _)| *number == at) {
            self.deeds.push((which, entry));
        }
    }

    fn packet(&mut self, t: u64, packet: &'a Packet, connection: &Connection) {
        let from = connection.which(packet.src);
        match self.places.get(&packet.pkt) {
            None => {
                // An end outside of the lab: what arrives from it was not seen to leave.
                let arrived = (packet.dir == Dir::In && !packet.forwarded).then_some(t);
                let flight = Flight {
                    from,
                    left: t,
                    arrived,
                    copies: Vec::new(),
                    packet,
                    fates: Vec::new(),
                    why: if packet.again { self.told_before(from, packet) } else { None },
                    damaged: false,
                };
                self.places.insert(packet.pkt, self.flights.len());
                self.flights.push(flight);
            }
            Some(place) if packet.dir == Dir::In && !packet.forwarded => {
                let flight = &mut self.flights[*place];
                match flight.arrived {
                    Some(_) => flight.copies.push(t),
                    None => {
                        flight.arrived = Some(t);
                        flight.damaged = packet.damaged;
                    }
                }
            }
            Some(_) => {}
        }
    }

    /// The packets that left at this moment with these numbers are repetitions, for this reason.
    fn again(&mut self, entry: &'a Entry, seq: u32, len: u32, why: &'a str, connection: &Connection) {
        let sides = [Which::Client, Which::Server];
        let Some(here) = sides.into_iter().find(|which| connection.side(*which).host == entry.host) else { return };
        let mut any = false;
        for flight in self.flights.iter_mut().rev().take_while(|flight| flight.left == entry.t) {
            if flight.from == here && within(flight.packet, seq, len) {
                (flight.why, any) = (Some(why), true);
            }
        }
        let ours = |seq: u32| connection.side(here).iss.is_some_and(|iss| seq.wrapping_sub(iss) < u32::MAX / 2);
        if !any && ours(seq) && self.late.len() < LATE {
            self.late.push((here, seq, len, why));
        }
    }

    fn told_before(&mut self, from: Which, packet: &Packet) -> Option<&'a str> {
        let of = |(who, seq, len, _): &(Which, u32, u32, &str)| *who == from && within(packet, *seq, *len);
        let at = self.late.iter().position(of)?;
        Some(self.late.remove(at).3)
    }
}

/// Most repetitions that are waited for.
const LATE: usize = 64;

/// True if a packet begins among `len` numbers from `seq` on.
fn within(packet: &Packet, seq: u32, len: u32) -> bool {
    packet.seq.is_some_and(|first| first.wrapping_sub(seq) < len.max(1))
}

//! Each moment of a connection gets the one thing it was spent on, so that the parts add up to the whole.

use std::collections::BTreeMap;

use super::super::flight::{Flight, Story, story};
use crate::record::{Connection, Entry, Fact, Flags, Which};

/// What time was spent on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Before the first SYN left: the link address of the neighbour had to be found.
    Resolving,
    /// The SYN and its answer were under way.
    Opening,
    /// A lost SYN or SYN-ACK had to be sent again.
    OpeningAgain,
    /// Lost bytes were missing at the receiver until a timer had them sent again.
    Timeout,
    /// Lost bytes were missing at the receiver until acknowledgements had them sent again.
    Fast,
    /// Data waited in a queue for the rate of a link.
    Queue,
    /// Data was on its way: the delay of the links.
    Wire,
    /// There was more to send, but the receiver's window was full.
    Window,
    /// There was more to send, but the congestion window was full: acknowledgements were on their way.
    Congestion,
    /// Data lay at this end and its program did not read it.
    Reader(Which),
    /// Nothing was to be sent: the program at this end had the word.
    Program(Which),
    /// FINs and their acknowledgements were under way.
    Closing,
    /// A RST was under way.
    Resetting,
}

impl Part {
    /// In words.
    pub fn text(self, connection: &Connection) -> String {
        let name = |which| connection.name(which);
        match self {
            Self::Resolving => "opening: finding the link address of the neighbour".into(),
            Self::Opening => "opening: the SYN and its answer under way".into(),
            Self::OpeningAgain => "opening: waiting until a lost SYN or SYN,ACK is sent again".into(),
            Self::Timeout => "repairing losses: waiting for the retransmission timer or a probe".into(),
            Self::Fast => "repairing losses by fast retransmit".into(),
            Self::Queue => "waiting in a queue for the rate of a link".into(),
            Self::Wire => "data on its way: the delay of the links".into(),
            Self::Window => "waiting for the receiver's window to open".into(),
            Self::Congestion => "waiting for acknowledgements: the congestion window was full".into(),
            Self::Reader(which) => format!("waiting until the program on {} reads", name(which)),
            Self::Program(which) => format!("waiting for the program on {} to send or close", name(which)),
            Self::Closing => "closing: FINs and their acknowledgements under way".into(),
            Self::Resetting => "ended by a RST, which was under way".into(),
        }
    }
}

/// What the time of a connection was spent on, the longest first; in nanoseconds.
pub fn parts(entries: &[Entry], connection: &Connection) -> Vec<(Part, u64)> {
    let story = story(entries, connection);
    let mut moments = moments(&story);
    moments.sort_by_key(|(t, moment)| (*t, moment.rank()));
    let mut now = State::default();
    for from in [Which::Client, Which::Server] {
        now.of(from).watched = connection.side(from.other()).host.is_some();
    }
    let mut sums = BTreeMap::<Part, u64>::new();
    let Some((begin, end)) = span(&story) else { return Vec::new() };
    let mut at = begin;
    let mut acts: std::collections::VecDeque<(u64, Which)> =
        moments.iter().filter_map(|(t, moment)| Some((*t, moment.act()?))).collect();
    for (t, moment) in &moments {
        let until = (*t).clamp(begin, end);
        if until > at {
            *sums.entry(now.part()).or_default() += until - at;
            at = until;
        }
        now.take(moment);
        while acts.front().is_some_and(|(acted, _)| acted <= t) {
            acts.pop_front();
        }
        now.next = acts.front().map(|(_, which)| *which);
    }
    if end > at {
        *sums.entry(now.part()).or_default() += end - at;
    }
    let mut parts: Vec<_> = sums.into_iter().collect();
    parts.sort_by_key(|(part, nanos)| (std::cmp::Reverse(*nanos), *part));
    parts
}

/// From the connect call to the last change of state or the last packet.
fn span(story: &Story<'_>) -> Option<(u64, u64)> {
    let states = || story.deeds.iter().filter(|(_, entry)| matches!(entry.fact, Fact::State { .. })).map(|(_, entry)| entry.t);
    let begin = states().chain(story.flights.iter().map(|flight| flight.left)).min()?;
    let packets = story.flights.iter().map(|flight| flight.arrived.unwrap_or(flight.left));
    let end = states().chain(packets).max()?;
    Some((begin, end))
}

/// Something that changes what the time is spent on. The streams are named by their sender, places in them count from 0.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// A SYN or SYN-ACK left; lost: it will not arrive.
    Syn {
        lost: bool,
    },
    Established,
    Written {
        from: Which,
        to: u64,
    },
    Sent {
        from: Which,
        to: u64,
        len: u64,
        queued: bool,
    },
    LeftQueue {
        from: Which,
    },
    /// Data has arrived, or is known not to.
    Landed {
        from: Which,
    },
    Arrived {
        from: Which,
        begin: u64,
        end: u64,
    },
    /// Lost bytes would have arrived now; `timeout`: the timer will have them sent again.
    Missing {
        from: Which,
        begin: u64,
        end: u64,
        timeout: bool,
    },
    /// The sender may send up to here.
    Edge {
        from: Which,
        to: u64,
    },
    Read {
        from: Which,
        to: u64,
    },
    /// A FIN left.
    Fin {
        from: Which,
    },
    /// A FIN arrived.
    FinArrived {
        from: Which,
    },
    /// A RST left.
    Reset,
}

impl Moment {
    /// Whose program acts here.
    const fn act(&self) -> Option<Which> {
        match self {
            Self::Written { from, .. } | Self::Fin { from } => Some(*from),
            _ => None,
        }
    }

    /// Order among what happens at once: what arrives comes before what that causes.
    const fn rank(&self) -> u8 {
        match self {
            Self::Arrived { .. } | Self::FinArrived { .. } => 0,
            Self::Landed { .. } | Self::LeftQueue { .. } => 1,
            Self::Missing { .. } => 2,
            Self::Edge { .. } | Self::Established => 3,
            Self::Read { .. } => 4,
            Self::Written { .. } => 5,
            Self::Sent { .. } | Self::Syn { .. } | Self::Fin { .. } | Self::Reset => 6,
        }
    }
}

fn moments(story: &Story<'_>) -> Vec<(u64, Moment)> {
    let mut moments = Vec::new();
    let usual = [Which::Client, Which::Server].map(|from| usual(story, from));
    for (at, flight) in story.flights.iter().enumerate() {
        let flags = flight.packet.flags.unwrap_or_default();
        let lost = flight.arrived.is_none() || flight.damaged;
        if flags.has(Flags::SYN) {
            moments.push((flight.left, Moment::Syn { lost }));
        }
        if flags.has(Flags::FIN) {
            moments.push((flight.left, Moment::Fin { from: flight.from }));
            moments.extend(flight.arrived.filter(|_| !lost).map(|arrived| (arrived, Moment::FinArrived { from: flight.from })));
        }
        if flags.has(Flags::RST) && !lost {
            moments.push((flight.left, Moment::Reset));
        }
        if flight.packet.len > 0 {
            data(&mut moments, story, at, usual[flight.from as usize]);
        }
        if let Some(arrived) = flight.arrived.filter(|_| !lost && flags.has(Flags::ACK) && !flags.has(Flags::SYN)) {
            let ack = story.connection.relative(flight.from.other(), flight.packet.ack.unwrap_or(0)).saturating_sub(1);
            let to = u64::from(ack) + u64::from(flight.packet.win.unwrap_or(0));
            moments.push((arrived, Moment::Edge { from: flight.from.other(), to }));
        }
    }
    for (which, entry) in &story.deeds {
        match &entry.fact {
            Fact::State { to, .. } if *which == Which::Client && to == "ESTABLISHED" => {
                moments.push((entry.t, Moment::Established));
            }
            Fact::Write(write) => {
                let to = write.offset + u64::from(write.len.unwrap_or(0));
                moments.push((entry.t, Moment::Written { from: *which, to }));
            }
            Fact::Read(read) => {
                let to = read.offset + u64::from(read.len.unwrap_or(0));
                moments.push((entry.t, Moment::Read { from: which.other(), to }));
            }
            _ => {}
        }
    }
    moments
}

/// How long a packet of an end takes if nothing is in its way.
fn usual(story: &Story<'_>, from: Which) -> u64 {
    let of = |flight: &&Flight<'_>| flight.from == from && !flight.damaged;
    story.flights.iter().filter(of).filter_map(|flight| Some(flight.arrived? - flight.left)).min().unwrap_or(0)
}

/// Where in the stream the data of a packet begins.
fn place(story: &Story<'_>, flight: &Flight<'_>) -> u64 {
    let seq = story.connection.relative(flight.from, flight.packet.seq.unwrap_or(0));
    u64::from(seq.wrapping_sub(1))
}

fn data(moments: &mut Vec<(u64, Moment)>, story: &Story<'_>, at: usize, usual: u64) {
    let flight = &story.flights[at];
    let (from, begin) = (flight.from, place(story, flight));
    let end = begin + u64::from(flight.packet.len);
    let waited = flight.queued();
    moments.push((flight.left, Moment::Sent { from, to: end, len: end - begin, queued: waited > 0 }));
    let arrives = match flight.arrived.filter(|_| !flight.damaged) {
        Some(arrived) => {
            moments.push((arrived, Moment::Arrived { from, begin, end }));
            arrived
        }
        None => {
            let expected = flight.left + usual;
            let again = story.flights[at + 1..].iter().find(|later| later.from == from && covers(story, later, begin));
            let timeout = again.and_then(|later| later.why).is_none_or(|why| why == "timeout" || why == "tail loss probe");
            moments.push((expected, Moment::Missing { from, begin, end, timeout }));
            expected
        }
    };
    if waited > 0 {
        moments.push(((flight.left + waited).min(arrives), Moment::LeftQueue { from }));
    }
    moments.push((arrives, Moment::Landed { from }));
}

fn covers(story: &Story<'_>, flight: &Flight<'_>, at: u64) -> bool {
    let begin = place(story, flight);
    flight.packet.len > 0 && begin <= at && at < begin + u64::from(flight.packet.len)
}

/// How things stand.
#[derive(Debug, Default)]
struct State {
    syn_sent: bool,
    syn_lost: bool,
    established: bool,
    closing: bool,
    reset: bool,
    streams: [Stream; 2],
    /// Who read last.
    reader: Option<Which>,
    /// Whose program acts next: it is the one that is waited for.
    next: Option<Which>,
}

/// One direction.
#[derive(Debug, Default)]
struct Stream {
    written: u64,
    sent: u64,
    edge: u64,
    /// All bytes before have arrived.
    whole: u64,
    /// What has arrived behind a gap.
    pieces: BTreeMap<u64, u64>,
    read: u64,
    /// The end that receives is in the lab: its calls are seen.
    watched: bool,
    /// Below zero for a moment where something arrives when it leaves.
    under_way: i64,
    in_queue: i64,
    /// The largest segment so far: with less room than that a sender waits (RFC 9293 §3.8.6.2.1).
    segment: u64,
    fin: bool,
    fin_arrived: bool,
    /// Bytes that are missing: where they begin, where they end, and whether the timer brings them.
    missing: Vec<(u64, u64, bool)>,
}

impl Stream {
    fn arrived(&mut self, begin: u64, end: u64) {
        let old = self.pieces.entry(begin).or_insert(end);
        *old = (*old).max(end);
        while let Some((begin, end)) = self.pieces.first_key_value().map(|(begin, end)| (*begin, *end)) {
            if begin > self.whole {
                break;
            }
            self.whole = self.whole.max(end);
            self.pieces.pop_first();
        }
        let has = |begin: u64, end: u64| {
            end <= self.whole || self.pieces.range(..=begin).next_back().is_some_and(|(_, piece_end)| *piece_end >= end)
        };
        self.missing.retain(|(begin, end, _)| !has(*begin, *end));
    }
}

impl State {
    fn take(&mut self, moment: &Moment) {
        match *moment {
            Moment::Syn { lost } => (self.syn_sent, self.syn_lost) = (true, lost),
            Moment::Established => self.established = true,
            Moment::Fin { from } => (self.closing, self.of(from).fin) = (true, true),
            Moment::FinArrived { from } => self.of(from).fin_arrived = true,
            Moment::Reset => (self.closing, self.reset) = (true, true),
            Moment::Written { from, to } => self.of(from).written = self.of(from).written.max(to),
            Moment::Sent { from, to, len, queued } => {
                let stream = self.of(from);
                stream.segment = stream.segment.max(len);
                stream.sent = stream.sent.max(to);
                // Of an end outside of the lab no call is seen.
                stream.written = stream.written.max(to);
                stream.under_way += 1;
                stream.in_queue += i64::from(queued);
            }
            Moment::LeftQueue { from } => self.of(from).in_queue -= 1,
            Moment::Landed { from } => self.of(from).under_way -= 1,
            Moment::Arrived { from, begin, end } => self.of(from).arrived(begin, end),
            Moment::Missing { from, begin, end, timeout } => {
                let stream = self.of(from);
                if end > stream.whole {
                    stream.missing.push((begin, end, timeout));
                }
            }
            Moment::Edge { from, to } => self.of(from).edge = self.of(from).edge.max(to),
            Moment::Read { from, to } => {
                self.reader = Some(from.other());
                let stream = self.of(from);
                stream.read = stream.read.max(to);
            }
        }
    }

    fn of(&mut self, from: Which) -> &mut Stream {
        &mut self.streams[from as usize]
    }

    /// What the time is spent on as things stand.
    fn part(&self) -> Part {
        let any = |is: fn(&Stream) -> bool| self.streams.iter().any(is);
        if !self.established && !self.closing {
            return match (self.syn_sent, self.syn_lost) {
                (false, _) => Part::Resolving,
                (true, false) => Part::Opening,
                (true, true) => Part::OpeningAgain,
            };
        }
        // Whatever had not been read, sent or sent again is waited for no more.
        if self.reset {
            return Part::Resetting;
        }
        if let Some(part) = self.missing() {
            return part;
        }
        if any(|stream| stream.under_way > 0) {
            return if any(|stream| stream.in_queue > 0) { Part::Queue } else { Part::Wire };
        }
        if let Some(stream) = self.streams.iter().find(|stream| stream.written > stream.sent) {
            return if stream.edge < stream.sent + stream.segment.min(stream.written - stream.sent) {
                Part::Window
            } else {
                Part::Congestion
            };
        }
        let unread = [Which::Client, Which::Server].into_iter().find(|from| {
            let stream = &self.streams[*from as usize];
            stream.watched && stream.whole > stream.read
        });
        match (unread, self.closing) {
            (Some(from), _) => Part::Reader(from.other()),
            (None, true) => self.silent_end().map_or(Part::Closing, Part::Program),
            (None, false) => Part::Program(self.next.or(self.reader).unwrap_or(Which::Client)),
        }
    }

    /// The end that has not closed although the other's FIN has arrived there.
    fn silent_end(&self) -> Option<Which> {
        let waits = |which: &Which| self.streams[which.other() as usize].fin_arrived && !self.streams[*which as usize].fin;
        [Which::Client, Which::Server].into_iter().find(waits)
    }

    fn missing(&self) -> Option<Part> {
        let mut missing = self.streams.iter().flat_map(|stream| &stream.missing).peekable();
        missing.peek()?;
        Some(if missing.any(|(_, _, timeout)| *timeout) { Part::Timeout } else { Part::Fast })
    }
}

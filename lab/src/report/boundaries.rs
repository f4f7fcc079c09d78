//! Send calls, segments and receive calls side by side.
//!
//! TCP carries a stream of bytes: what one call sent may arrive in many, what many calls sent in one. UDP carries messages: one call, one
//! datagram, one call, or nothing.

use std::collections::BTreeMap;

use super::flight::{Flight, lost_on, story};
use super::look::{Look, Tone, count, fit, millis, number};
use super::pick::described;
use crate::record::{Connection, Connections, Dir, End, Entry, Fact, Name, Packet, Transfer, Which};

/// Lines of a direction that are shown, if nothing else is asked.
const LINES: usize = 40;

/// A piece of the stream: which bytes, and when.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Piece {
    from: u64,
    len: u64,
    t: u64,
}

/// Both directions of a TCP connection, `lines` lines each at most; 0: forty.
pub fn stream(entries: &[Entry], connection: &Connection, lines: usize, look: &Look) -> String {
    let story = story(entries, connection);
    let mut text = look.paint(Tone::Title, &described(connection).replace('→', look.arrow())) + "\n";
    let mut any = false;
    for from in [Which::Client, Which::Server] {
        let calls = |which: Which, sends: bool| {
            let of = |(who, entry): &(Which, &Entry)| match &entry.fact {
                Fact::Write(transfer) if sends && *who == which => piece(entry.t, transfer),
                Fact::Read(transfer) if !sends && *who == which => piece(entry.t, transfer),
                _ => None,
            };
            story.deeds.iter().filter_map(of).collect::<Vec<_>>()
        };
        let (sends, reads) = (calls(from, true), calls(from.other(), false));
        let mut segments = BTreeMap::new();
        for flight in story.flights.iter().filter(|flight| flight.from == from && flight.packet.len > 0) {
            let seq = connection.relative(from, flight.packet.seq.unwrap_or(0));
            // The SYN has a number, and the first byte the next.
            let first = u64::from(seq.wrapping_sub(1));
            for piece in on_the_wire(first, flight) {
                segments.entry(piece.from).or_insert(piece);
            }
        }
        let segments: Vec<Piece> = segments.into_values().collect();
        if sends.is_empty() && segments.is_empty() {
            continue;
        }
        let start = sends.first().or(segments.first()).map_or(0, |piece| piece.t);
        any = true;
        text += &direction(connection, from, [&sends, &segments, &reads], start, if lines == 0 { LINES } else { lines }, look);
    }
    if any {
        text += &look.paint(
            Tone::Faint,
            "\nTCP keeps the order of bytes, not the borders of calls: what belongs together, the programs must say.\n",
        );
    }
    text
}

fn piece(t: u64, transfer: &Transfer) -> Option<Piece> {
    let len = transfer.len.filter(|len| *len > 0)?;
    Some(Piece { from: transfer.offset, len: u64::from(len), t })
}

/// The segments of a packet: a super-segment is many of them on the wire.
fn on_the_wire(first: u64, flight: &Flight<'_>) -> impl Iterator<Item = Piece> {
    let Packet { len, segments, segment, .. } = flight.packet;
    // Records of before do not say where the cuts are.
    let each = segment.unwrap_or(len.div_ceil((*segments).max(1))).max(1);
    let (len, t) = (*len, flight.left);
    (0..len).step_by(each as usize).map(move |at| Piece { from: first + u64::from(at), len: u64::from(each.min(len - at)), t })
}

fn direction(connection: &Connection, from: Which, pieces: [&[Piece]; 3], start: u64, lines: usize, look: &Look) -> String {
    let names = [connection.name(from), connection.name(from.other())];
    let bytes = pieces[0].iter().chain(pieces[1]).map(|piece| piece.from + piece.len).max().unwrap_or(0);
    let sum = format!(
        "{} {} {}: {} in {}, {}, {}",
        names[0],
        look.arrow(),
        names[1],
        count(bytes, "byte", "bytes"),
        count(pieces[0].len() as u64, "send call", "send calls"),
        count(pieces[1].len() as u64, "segment", "segments"),
        count(pieces[2].len() as u64, "receive call", "receive calls"),
    );
    let cell = ((look.columns() - 4) / 3).min(40);
    let titles = ["sent by calls", "on the wire", "received by calls"];
    let heading = titles.map(|title| fit(&format!("{title:<20} {:>9}", "ms"), cell)).join("  ");
    let mut text = format!("\n{sum}\n{}\n", look.paint(Tone::Faint, heading.trim_end()));
    let mut places: Vec<u64> = pieces.iter().flat_map(|of| of.iter().map(|piece| piece.from)).collect();
    places.sort_unstable();
    places.dedup();
    for place in places.iter().take(lines) {
        let cells = pieces.map(|of| fit(&cell_text(of, *place, start, look), cell));
        text += &format!("{}\n", cells.join("  ").trim_end());
    }
    if places.len() > lines {
        let rest = count((places.len() - lines) as u64, "more line", "more lines");
        text += &format!("{}\n", look.paint(Tone::Faint, &format!("  {} {rest}", look.either('⋮', ':'))));
    }
    text
}

/// What a column has at a byte: a piece begins there, or one goes on, or nothing.
fn cell_text(pieces: &[Piece], place: u64, start: u64, look: &Look) -> String {
    let at = pieces.partition_point(|piece| piece.from <= place);
    match at.checked_sub(1).map(|at| pieces[at]) {
        Some(piece) if piece.from == place => {
            let when = millis(piece.t.saturating_sub(start));
            format!("{:>9} {} {:>6} B {when:>9}", number(place), look.either('┬', '+'), number(piece.len))
        }
        Some(piece) if place < piece.from + piece.len => format!("{:>9} {}", "", look.either('│', '|')),
        _ => String::new(),
    }
}

/// A datagram on its way from call to call.
#[derive(Clone, Debug, Default)]
struct Message {
    sent: u64,
    len: u64,
    arrived: Option<u64>,
    lost: Option<String>,
    read: Option<(u64, u64)>,
}

/// The datagrams between two ends, one a line, `lines` lines at most (0: forty) for each pair of ends.
pub fn datagrams(entries: &[Entry], lines: usize, look: &Look) -> String {
    let lines = if lines == 0 { LINES } else { lines };
    let mut flows = Flows::default();
    entries.iter().for_each(|entry| flows.take(entry));
    let mut text = String::new();
    for ((from, to), messages) in &flows.messages {
        text += &flow(&flows, *from, *to, messages, lines, look);
    }
    text
}

/// Everything: the connections and the datagrams.
pub fn boundaries(entries: &[Entry], connections: &Connections, lines: usize, look: &Look) -> String {
    const UDP: &str =
        "\nUDP keeps the borders: one call, one datagram, one call; or nothing, or less if the buffer is too small.\n";
    let carried = connections.all().iter().filter(|connection| connection.carried_data());
    let streams: Vec<_> = carried.map(|connection| stream(entries, connection, lines, look)).collect();
    let text = streams.join("\n");
    let text = text + &super::local::local(entries, lines, look);
    let mut datagrams = datagrams(entries, lines, look);
    if !datagrams.is_empty() {
        datagrams += &look.paint(Tone::Faint, UDP);
    }
    match (text.is_empty(), datagrams.is_empty()) {
        (true, true) => "nothing was sent\n".into(),
        (false, false) => format!("{text}\n{datagrams}"),
        _ => text + &datagrams,
    }
}

/// Which message of a pair of ends.
type Place = (Pair, usize);
/// Who sends to whom.
type Pair = (EndKey, EndKey);

#[derive(Default)]
struct Flows {
    messages: BTreeMap<Pair, Vec<Message>>,
    hosts: BTreeMap<EndKey, Name>,
    places: BTreeMap<u64, Place>,
    /// Sockets of UDP, by host and number: their port.
    ports: BTreeMap<(Name, u64), u16>,
    /// What has arrived at a port of a host and was not read yet.
    waiting: BTreeMap<(Name, u16), Vec<Place>>,
}

/// An end, in an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EndKey([u8; 16], u16);

impl EndKey {
    fn of(end: End) -> Self {
        Self(end.addr.octets(), end.port)
    }

    fn text(self) -> String {
        End::new(loggia_stack::Addr::from_v6(self.0), self.1).to_string()
    }
}

impl Flows {
    fn take(&mut self, entry: &Entry) {
        match (&entry.fact, &entry.host) {
            (Fact::Packet(packet), Some(host)) if packet.proto == "udp" && packet.src.port != 0 && !packet.forwarded => {
                let key = (EndKey::of(packet.src), EndKey::of(packet.dst));
                match packet.dir {
                    Dir::Out => self.sent(entry.t, key, packet.pkt, packet.len, host),
                    Dir::In if !packet.damaged => self.arrived(entry.t, key, packet.pkt, packet.dst.port, host),
                    Dir::In => {}
                }
            }
            (Fact::Fate(fate), _) if fate.is_dropped() => {
                if let Some((key, at)) = self.places.get(&fate.pkt)
                    && let Some(message) = self.messages.get_mut(key).and_then(|messages| messages.get_mut(*at))
                {
                    message.lost = Some(lost_on(fate));
                }
            }
            (Fact::Named { socket, proto, local, .. }, Some(host)) if proto == "udp" => {
                self.ports.insert((host.clone(), *socket), local.port);
            }
            (Fact::Read(read), Some(host)) => self.read(entry.t, host, read),
            _ => {}
        }
    }

    fn sent(&mut self, t: u64, key: Pair, pkt: u64, len: u32, host: &Name) {
        self.hosts.entry(key.0).or_insert_with(|| host.clone());
        let messages = self.messages.entry(key).or_default();
        self.places.insert(pkt, (key, messages.len()));
        messages.push(Message { sent: t, len: u64::from(len), ..Message::default() });
    }

    fn arrived(&mut self, t: u64, key: Pair, pkt: u64, port: u16, host: &Name) {
        self.hosts.entry(key.1).or_insert_with(|| host.clone());
        if let Some((key, at)) = self.places.get(&pkt)
            && let Some(message) = self.messages.get_mut(key).and_then(|messages| messages.get_mut(*at))
        {
            if message.arrived.is_none() {
                message.arrived = Some(t);
            }
            self.waiting.entry((host.clone(), port)).or_default().push((*key, *at));
        }
    }

    /// Datagrams are read in the order in which they arrived at their port.
    fn read(&mut self, t: u64, host: &Name, read: &Transfer) {
        let Some(port) = self.ports.get(&(host.clone(), read.socket)) else { return };
        let (Some(len), Some(waiting)) = (read.len, self.waiting.get_mut(&(host.clone(), *port))) else { return };
        if waiting.is_empty() {
            return;
        }
        let (key, at) = waiting.remove(0);
        if let Some(message) = self.messages.get_mut(&key).and_then(|messages| messages.get_mut(at)) {
            message.read = Some((t, u64::from(len)));
        }
    }
}

fn flow(flows: &Flows, from: EndKey, to: EndKey, messages: &[Message], lines: usize, look: &Look) -> String {
    let name = |end: EndKey| flows.hosts.get(&end).map_or_else(|| end.text(), |host| format!("{host} {}", end.text()));
    let of = |is: fn(&Message) -> bool| messages.iter().filter(|message| is(message)).count() as u64;
    let mut sum = format!(
        "{}, {} arrived, {} received by a call",
        count(messages.len() as u64, "datagram", "datagrams"),
        number(of(|message| message.arrived.is_some())),
        number(of(|message| message.read.is_some())),
    );
    let lost = of(|message| message.lost.is_some());
    if lost > 0 {
        sum += &format!(", {} lost", number(lost));
    }
    let title = format!("udp {} {} {}", name(from), look.arrow(), name(to));
    let heading = format!("{:>6}  {:<20}{:>10}   {}", "", "left its host", "arrived", "received by a call");
    let mut text = format!("\n{}\n{sum}\n{}\n", look.paint(Tone::Title, &title), look.paint(Tone::Faint, &heading));
    let start = messages.first().map_or(0, |message| message.sent);
    for (at, message) in messages.iter().enumerate().take(lines) {
        text += &message_line(at + 1, message, start, look);
    }
    if messages.len() > lines {
        let rest = count((messages.len() - lines) as u64, "more datagram", "more datagrams");
        text += &format!("{}\n", look.paint(Tone::Faint, &format!("  {} {rest}", look.either('⋮', ':'))));
    }
    text
}

fn message_line(number_of: usize, message: &Message, start: u64, look: &Look) -> String {
    let moment = |t: u64| format!("{:>10}", millis(t.saturating_sub(start)));
    let sent = format!("{:>6} B {}", number(message.len), moment(message.sent));
    let arrived = match (message.arrived, &message.lost) {
        (Some(t), _) => moment(t),
        (None, Some(lost)) => format!("{} {lost}", look.either('╳', 'x')),
        (None, None) => "under way".into(),
    };
    let read = match message.read {
        Some((t, len)) if len < message.len => format!("{:>6} B {} cut: its buffer was too small", number(len), moment(t)),
        Some((t, len)) => format!("{:>6} B {}", number(len), moment(t)),
        None => String::new(),
    };
    let line = format!("{number_of:>6}  {} {arrived:>10}  {read}", fit(&sent, 19));
    let line = line.trim_end();
    let lost = message.lost.is_some() && message.arrived.is_none();
    format!("{}\n", if lost { look.paint(Tone::Bad, line) } else { line.to_owned() })
}

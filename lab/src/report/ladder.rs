//! The packets of a connection between its two ends.
//!
//! ```text
//!   client          ms                                             ms  server
//!   SYN-SENT     0.000 ──SYN mss 1460──────────────────────────▶ 20.000 SYN-RECEIVED
//!   ESTABLISHED 40.000 ◀──────────────────SYN,ACK mss 1460────── 20.000
//!               40.000 ──seq 1, 100 B──────────╳ lost on wan: loss model
//! ```
//!
//! Each packet is one line: at either side the moment at which it was there, and the state it brought that end into.

use super::flight::{Flight, Story, lost_on, story};
use super::look::{Look, Tone, count, fit, millis, number, time};
use crate::record::{Connection, Entry, Fact, Flags, Which};

/// Columns for the name of a state.
const STATE: usize = 12;
/// Columns for a moment.
const MOMENT: usize = 9;
/// Columns that words on what became of a packet have in any case.
const WORDS: usize = 16;
/// Lines shown before packets nothing happened to are summed up.
const LINES: usize = 60;

/// The ladder of a connection. Long ones are shortened to about `lines` lines, losses and repetitions kept; 0: sixty.
pub fn ladder(entries: &[Entry], connection: &Connection, lines: usize, look: &Look) -> String {
    let story = story(entries, connection);
    let start = story.begin();
    let rows = rows(&story);
    let mut text = heading(&story, start, look);
    for piece in shorten(&rows, if lines == 0 { LINES } else { lines }) {
        match piece {
            Piece::Row(row) => text.push_str(&line(row, start, look)),
            Piece::Gap(gap) => text.push_str(&gap_line(gap, look)),
        }
        text.push('\n');
    }
    text
}

fn heading(story: &Story<'_>, start: u64, look: &Look) -> String {
    let end = story.flights.iter().filter_map(|flight| flight.arrived.max(Some(flight.left))).max().unwrap_or(start);
    let lost = story.flights.iter().filter(|flight| flight.dropped().is_some()).count() as u64;
    let again = story.flights.iter().filter(|flight| flight.packet.again).count() as u64;
    let packets: u64 = story.flights.iter().map(|flight| u64::from(flight.packet.segments)).sum();
    let title = story.connection.title().replace('→', look.arrow());
    let mut sum = format!("{} in {}", count(packets, "packet", "packets"), time(end - start));
    if lost > 0 {
        sum += &format!(", {} lost", number(lost));
    }
    if again > 0 {
        sum += &format!(", {} sent again", number(again));
    }
    let (client, server) = (story.connection.name(Which::Client), story.connection.name(Which::Server));
    let middle = " ".repeat(shaft(look) + 2);
    let names = format!("{} {:>MOMENT$} {middle} {:>MOMENT$} {server}", fit(&client, STATE), "ms", "ms");
    format!("{}\n{sum}\n\n{}\n", look.paint(Tone::Title, &title), look.paint(Tone::Faint, names.trim_end()))
}

/// Columns of an arrow between the moments, without its ends.
fn shaft(look: &Look) -> usize {
    look.columns() - 2 * (STATE + 1 + MOMENT + 1) - 2
}

/// A line of the ladder.
struct Row<'a> {
    states: [Option<&'a str>; 2],
    /// Moments at the client's and the server's side.
    moments: [Option<u64>; 2],
    what: RowKind<'a>,
    /// Something happened that is worth a line.
    special: bool,
}

enum RowKind<'a> {
    Flight {
        flight: &'a Flight<'a>,
        label: String,
        copy: bool,
    },
    /// A change of state without a packet.
    Deed {
        cause: &'a str,
    },
}

fn rows<'a>(story: &'a Story<'a>) -> Vec<Row<'a>> {
    let mut acks = [None; 2];
    let mut rows = Vec::new();
    for flight in &story.flights {
        let label = label(story.connection, flight, &mut acks[flight.from as usize]);
        let special = is_special(flight);
        rows.push(flight_row(flight, label, flight.arrived, special));
        for copy in &flight.copies {
            let mut row = flight_row(flight, "copy of the one above".into(), Some(*copy), true);
            row.moments[flight.from as usize] = None;
            if let RowKind::Flight { copy, .. } = &mut row.what {
                *copy = true;
            }
            rows.push(row);
        }
    }
    set_states(story, &mut rows);
    rows
}

fn flight_row<'a>(flight: &'a Flight<'a>, label: String, arrived: Option<u64>, special: bool) -> Row<'a> {
    let mut moments = [None; 2];
    moments[flight.from as usize] = Some(flight.left);
    moments[flight.from.other() as usize] = arrived;
    Row { states: [None; 2], moments, what: RowKind::Flight { flight, label, copy: false }, special }
}

fn is_special(flight: &Flight<'_>) -> bool {
    let flags = flight.packet.flags.unwrap_or_default();
    flags.has(Flags::SYN | Flags::FIN | Flags::RST)
        || flight.packet.again
        || flight.dropped().is_some()
        || flight.damaged
        || flight.packet.win == Some(0)
}

/// Puts each change of state beside the packet that made it or was made by it, or on a line of its own.
fn set_states<'a>(story: &Story<'a>, rows: &mut Vec<Row<'a>>) {
    for (which, entry) in &story.deeds {
        let Fact::State { from, to, cause, .. } = &entry.fact else { continue };
        let side = *which as usize;
        // A half-open connection is no socket yet, and its state nobody's event: it began with the SYN.
        if from == "SYN-RECEIVED"
            && let Some(row) = rows
                .iter_mut()
                .find(|row| row.moments[side].is_some() && row.is_from(*which) == Some(false) && row.has(Flags::SYN))
        {
            row.states[side].get_or_insert("SYN-RECEIVED");
        }
        let sent = matches!(&**cause, "call" | "timeout");
        // A state that was left by sending a FIN or by taking one stands beside it.
        let fin = *cause == "fin" || to == "TIME-WAIT" || (sent && matches!(&**to, "FIN-WAIT-1" | "LAST-ACK"));
        let fits = |row: &Row<'_>| row.moments[side] == Some(entry.t) && row.is_from(*which) == Some(sent);
        let best = rows.iter().position(|row| fits(row) && fin && row.has(Flags::FIN));
        let place = best.or_else(|| rows.iter().position(fits));
        match place.or_else(|| rows.iter().position(|row| row.moments[side] == Some(entry.t))) {
            Some(at) => rows[at].states[side] = Some(to),
            None => insert(rows, side, entry.t, to, cause),
        }
        if let Some(row) = rows.iter_mut().find(|row| row.states[side] == Some(to)) {
            row.special = true;
        }
    }
}

fn insert<'a>(rows: &mut Vec<Row<'a>>, side: usize, t: u64, to: &'a str, cause: &'a str) {
    let mut row = Row { states: [None; 2], moments: [None; 2], what: RowKind::Deed { cause }, special: true };
    row.states[side] = Some(to);
    row.moments[side] = Some(t);
    let at = rows.iter().position(|other| other.begins() > t).unwrap_or(rows.len());
    rows.insert(at, row);
}

impl Row<'_> {
    fn begins(&self) -> u64 {
        match &self.what {
            RowKind::Flight { flight, .. } => flight.left,
            RowKind::Deed { .. } => self.moments.iter().flatten().copied().min().unwrap_or(0),
        }
    }

    fn is_from(&self, which: Which) -> Option<bool> {
        match &self.what {
            RowKind::Flight { flight, .. } => Some(flight.from == which),
            RowKind::Deed { .. } => None,
        }
    }

    /// A packet with one of `flags`, undamaged.
    fn has(&self, flags: u8) -> bool {
        match &self.what {
            RowKind::Flight { flight, .. } => flight.packet.flags.is_some_and(|set| set.has(flags)) && !flight.damaged,
            RowKind::Deed { .. } => false,
        }
    }
}

/// What a packet says, in few words.
fn label(connection: &Connection, flight: &Flight<'_>, last_ack: &mut Option<u32>) -> String {
    let packet = flight.packet;
    let flags = packet.flags.unwrap_or_default();
    let mut words = Vec::new();
    let ack = packet.ack.filter(|_| flags.has(Flags::ACK)).map(|ack| connection.relative(flight.from.other(), ack));
    let seq = connection.relative(flight.from, packet.seq.unwrap_or(0));
    let signs = Flags(flags.0 & !(8 | if flags.has(Flags::SYN) { 0 } else { Flags::ACK }));
    if signs != Flags(0) {
        words.push(signs.names());
    }
    if packet.len > 0 {
        words.push(format!("seq {seq}, {} B", packet.len));
    } else if flags.has(Flags::FIN | Flags::RST) {
        words.push(format!("seq {seq}"));
    }
    words.extend(packet.mss.map(|mss| format!("mss {mss}")));
    if let Some(ack) = ack.filter(|ack| !flags.has(Flags::SYN) && (packet.len == 0 || *last_ack != Some(*ack))) {
        words.push(format!("ack {ack}"));
    }
    *last_ack = ack.or(*last_ack);
    if packet.win == Some(0) && !flags.has(Flags::RST) {
        words.push("window 0".into());
    }
    for (from, to) in packet.sack.iter().take(2) {
        let relative = |seq| connection.relative(flight.from.other(), seq);
        words.push(format!("sack {}-{}", relative(*from), relative(*to)));
    }
    if packet.segments > 1 {
        words.push(format!("{} segments", packet.segments));
    }
    words.extend(notes(flight));
    words.join(" ")
}

/// What happened to a packet besides.
fn notes(flight: &Flight<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    match (flight.packet.again, flight.why) {
        (_, Some(why)) => notes.push(format!("again: {why}")),
        (true, None) => notes.push("again".into()),
        _ => {}
    }
    let marked = |mark: &str| flight.fates.iter().any(|fate| fate.marks.iter().any(|set| set == mark));
    for (mark, note) in [("corrupted", "damaged"), ("reordered", "overtakes"), ("ecn", "marked CE")] {
        if marked(mark) {
            notes.push(note.into());
        }
    }
    notes
}

fn line(row: &Row<'_>, start: u64, look: &Look) -> String {
    let moment = |side: usize| row.moments[side].map_or_else(String::new, |t| millis(t.saturating_sub(start)));
    let state = |side: usize| row.states[side].unwrap_or_default();
    let (left, right) = (fit(state(0), STATE), state(1));
    let middle = match &row.what {
        RowKind::Deed { cause } => format!(" {} ", fit(&format!("({})", because(cause)), shaft(look))),
        RowKind::Flight { flight, label, copy } => arrow(flight, label, *copy, look),
    };
    let text = format!("{left} {:>MOMENT$} {middle} {:>MOMENT$} {right}", moment(0), moment(1));
    look.paint_row(text.trim_end(), row)
}

fn because(cause: &str) -> &str {
    match cause {
        "call" => "by a call",
        "timeout" => "by a timer",
        "icmp" => "by an ICMP error",
        "memory" => "memory is used up",
        other => other,
    }
}

/// The arrow of a packet: its words near the end it comes from, broken if it does not arrive.
fn arrow(flight: &Flight<'_>, label: &str, copy: bool, look: &Look) -> String {
    let shaft = shaft(look);
    let dash = look.either('─', '-');
    let right = flight.from == Which::Client;
    let end = flight.dropped().map(|fate| (look.either('╳', 'x'), lost_on(fate)));
    let end = end.or_else(|| flight.arrived.is_none().then(|| (look.either('┄', '.'), "still under way".into())));
    if let (Some((sign, words)), false) = (&end, copy) {
        return broken(label, (*sign, words), right, shaft + 2, look);
    }
    let label = fit(label, label.chars().count().min(shaft - 2));
    let dashes = |count: usize| dash.to_string().repeat(count);
    let rest = shaft - 2 - label.chars().count();
    let head = |fine, plain| look.either(fine, plain);
    match (right, copy) {
        (true, false) => format!("{0}{1}{2}{3}{4} ", dashes(2), label, dashes(rest), dashes(0), head('▶', '>')),
        (false, false) => format!("{}{}{}{} ", head('◀', '<'), dashes(rest), label, dashes(2)),
        (true, true) => format!("  {}{}{}{} ", " ".repeat(rest / 2), label, dashes(rest - rest / 2), head('▶', '>')),
        (false, true) => format!("{}{}{}{} ", head('◀', '<'), dashes(rest - rest / 2), label, " ".repeat(rest / 2 + 2)),
    }
}

/// Words on what became of a packet stand where its arrow breaks off. They give way to what the packet is: its flags, its number.
fn broken(label: &str, (cross, words): (char, &str), right: bool, width: usize, look: &Look) -> String {
    let dash = look.either('─', '-').to_string();
    let room = width.saturating_sub(6);
    let words_room = room.saturating_sub(name(label) + 1).max(WORDS).min(room);
    let lost = fit(words, words.chars().count().min(words_room));
    let space = room.saturating_sub(lost.chars().count());
    let label = if space == 0 { String::new() } else { fit(label, label.chars().count().min(space)) };
    let dashes = dash.repeat(space.saturating_sub(label.chars().count()));
    if right {
        format!("{dash}{dash}{label}{dashes}{cross} {lost}  ")
    } else {
        format!("  {lost} {cross}{dashes}{label}{dash}{dash}")
    }
}

/// Columns of a label up to and with its first number.
fn name(label: &str) -> usize {
    let before = label.chars().take_while(|c| !c.is_ascii_digit()).count();
    before + label.chars().skip(before).take_while(char::is_ascii_digit).count()
}

impl Look {
    fn paint_row(&self, text: &str, row: &Row<'_>) -> String {
        match &row.what {
            RowKind::Flight { flight, .. } if flight.dropped().is_some() || flight.damaged => self.paint(Tone::Bad, text),
            RowKind::Flight { flight, .. } if flight.packet.again => self.paint(Tone::Warn, text),
            _ => text.into(),
        }
    }
}

/// What is shown: lines, and gaps between them.
enum Piece<'r, 'a> {
    Row(&'r Row<'a>),
    Gap(&'r [Row<'a>]),
}

/// The first and last lines and those on which something happened, with the ones around them; the rest as gaps.
fn shorten<'r, 'a>(rows: &'r [Row<'a>], lines: usize) -> Vec<Piece<'r, 'a>> {
    if rows.len() <= lines {
        return rows.iter().map(Piece::Row).collect();
    }
    let edge = lines / 4;
    let mut shown: Vec<bool> = (0..rows.len()).map(|at| at < edge || at + edge >= rows.len()).collect();
    let mut left = lines.saturating_sub(2 * edge);
    for at in (0..rows.len()).filter(|at| rows[*at].special) {
        if left == 0 {
            break;
        }
        left -= usize::from(!shown[at]);
        shown[at] = true;
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let hidden = shown[at..].iter().take_while(|shown| !**shown).count();
        match hidden {
            0 | 1 => {
                pieces.push(Piece::Row(&rows[at]));
                at += 1;
            }
            _ => {
                pieces.push(Piece::Gap(&rows[at..at + hidden]));
                at += hidden;
            }
        }
    }
    pieces
}

fn gap_line(rows: &[Row<'_>], look: &Look) -> String {
    let mut sums = [[0_u64; 3]; 2];
    let mut lost = 0;
    for row in rows {
        if let RowKind::Flight { flight, copy: false, .. } = &row.what {
            let sum = &mut sums[flight.from as usize];
            sum[usize::from(flight.packet.len == 0)] += u64::from(flight.packet.segments);
            sum[2] += u64::from(flight.packet.len);
            lost += u64::from(flight.dropped().is_some());
        }
    }
    let mut words = Vec::new();
    for (side, [data, bare, bytes]) in sums.into_iter().enumerate() {
        let way = match (side, look.ascii) {
            (0, false) => "▶",
            (0, true) => ">",
            (_, false) => "◀",
            (_, true) => "<",
        };
        if data > 0 {
            words.push(format!("{way} {} with {} bytes", count(data, "segment", "segments"), number(bytes)));
        }
        if bare > 0 {
            words.push(format!("{way} {}", count(bare, "acknowledgement", "acknowledgements")));
        }
    }
    if lost > 0 {
        words.push(format!("{} of them lost", number(lost)));
    }
    let dots = look.either('⋮', ':');
    look.paint(Tone::Faint, &format!("{}{dots} {}", " ".repeat(STATE + MOMENT + 3), words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_cause_leaves_the_number_readable() {
        let words = "lost on wan: larger than the link carries";
        let line = broken("seq 14480, 1448 B ack 64", ('╳', words), false, 54, &Look::default());
        assert_eq!(line, "  lost on wan: larger than the link car~ ╳seq 14480~──");
        let line = broken("seq 14480, 1448 B", ('╳', words), true, 54, &Look::default());
        assert_eq!(line, "──seq 14480~╳ lost on wan: larger than the link car~  ");
        for width in 0..80 {
            let line = broken("seq 14480, 1448 B", ('╳', words), true, width, &Look::default());
            assert!(width < 8 || line.chars().count() <= width + 2, "{width}: {line}");
        }
        let line = broken("ack 1", ('╳', "lost on wan: loss model"), true, 54, &Look::default());
        assert_eq!(line, "──ack 1────────────────────╳ lost on wan: loss model  ");
    }
}

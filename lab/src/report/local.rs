//! Send and receive calls of AF_UNIX sockets: no packets between them, and the same question what becomes of borders.

use std::collections::BTreeMap;

use super::look::{Look, Tone, count, millis, number};
use crate::record::{Entry, Fact, Name, Transfer};

/// Lines that are shown, if nothing else is asked.
const LINES: usize = 40;

/// A call that moved bytes.
#[derive(Clone, Copy, Debug)]
struct Call {
    t: u64,
    offset: u64,
    len: u64,
}

/// From which socket of a host to which.
type Way = (Name, u64, u64);

#[derive(Default)]
struct Calls {
    writes: BTreeMap<(Name, u64), Vec<Call>>,
    reads: BTreeMap<(Name, u64), Vec<Call>>,
    /// Whether borders are kept.
    ways: BTreeMap<Way, bool>,
    /// The messages of a receiver with their senders, in the order in which they were queued.
    queued: BTreeMap<(Name, u64), Vec<(Call, u64)>>,
}

/// All streams and messages within hosts; empty if there are none.
pub(super) fn local(entries: &[Entry], lines: usize, look: &Look) -> String {
    let mut calls = Calls::default();
    entries.iter().for_each(|entry| calls.take(entry));
    let lines = if lines == 0 { LINES } else { lines };
    let ways = calls
        .ways
        .iter()
        .map(|(way, message)| if *message { calls.messages(way, lines, look) } else { calls.stream(way, lines, look) });
    ways.collect()
}

impl Calls {
    fn take(&mut self, entry: &Entry) {
        let Some(host) = &entry.host else { return };
        match &entry.fact {
            Fact::Handed { from: Some(from), to: Some(to), len, message, .. } => {
                self.ways.insert((host.clone(), *from, *to), *message);
                if !message {
                    self.ways.insert((host.clone(), *to, *from), false);
                } else if *len > 0 {
                    self.queued
                        .entry((host.clone(), *to))
                        .or_default()
                        .push((Call { t: entry.t, offset: 0, len: u64::from(*len) }, *from));
                }
            }
            Fact::Write(transfer) => push(&mut self.writes, host, transfer, entry.t),
            Fact::Read(transfer) => push(&mut self.reads, host, transfer, entry.t),
            _ => {}
        }
    }

    fn stream(&self, (host, from, to): &Way, lines: usize, look: &Look) -> String {
        let (writes, reads) = (of(&self.writes, host, *from), of(&self.reads, host, *to));
        let Some(first) = writes.first() else { return String::new() };
        let bytes = writes.iter().map(|call| call.len).sum();
        let sum = format!(
            "{} in {}, {}",
            count(bytes, "byte", "bytes"),
            count(writes.len() as u64, "send call", "send calls"),
            count(reads.len() as u64, "receive call", "receive calls")
        );
        let mut places: Vec<u64> = writes.iter().chain(reads).map(|call| call.offset).collect();
        places.sort_unstable();
        places.dedup();
        let mut text = heading("stream", (host, *from, *to), &sum, look);
        for place in places.iter().take(lines) {
            let line = format!("{}  {}", cell(writes, *place, first.t, look), cell(reads, *place, first.t, look));
            text += &format!("{}\n", line.trim_end());
        }
        text + &more(places.len(), lines, look)
    }

    /// Messages are received in the order in which they were queued, whoever sent them.
    fn messages(&self, (host, from, to): &Way, lines: usize, look: &Look) -> String {
        let none = Vec::new();
        let queued = self.queued.get(&(host.clone(), *to)).unwrap_or(&none);
        let reads = of(&self.reads, host, *to);
        let ours: Vec<_> = queued.iter().enumerate().filter(|(_, (_, sender))| sender == from).collect();
        let Some((_, (first, _))) = ours.first() else { return String::new() };
        let received = ours.iter().filter(|(at, _)| *at < reads.len()).count() as u64;
        let sum = format!("{}, {} received by a call", count(ours.len() as u64, "message", "messages"), number(received));
        let mut text = heading("messages", (host, *from, *to), &sum, look);
        for (at, (sent, _)) in ours.iter().take(lines) {
            let left = format!("{:>9} B {:>9}", number(sent.len), millis(sent.t.saturating_sub(first.t)));
            let read = reads.get(*at).map_or_else(String::new, |read| {
                let cut = if read.len < sent.len { " cut: its buffer was too small" } else { "" };
                format!("{:>9} B {:>9}{cut}", number(read.len), millis(read.t.saturating_sub(first.t)))
            });
            text += &format!("{left:<32}  {read}\n");
        }
        text + &more(ours.len(), lines, look)
    }
}

fn of<'a>(calls: &'a BTreeMap<(Name, u64), Vec<Call>>, host: &Name, socket: u64) -> &'a [Call] {
    calls.get(&(host.clone(), socket)).map_or(&[], Vec::as_slice)
}

fn push(calls: &mut BTreeMap<(Name, u64), Vec<Call>>, host: &Name, transfer: &Transfer, t: u64) {
    if let Some(len) = transfer.len.filter(|len| *len > 0) {
        let call = Call { t, offset: transfer.offset, len: u64::from(len) };
        calls.entry((host.clone(), transfer.socket)).or_default().push(call);
    }
}

fn heading(kind: &str, (host, from, to): (&Name, u64, u64), sum: &str, look: &Look) -> String {
    let title = format!("unix {kind} on {host}: socket {from} {} socket {to}", look.arrow());
    let columns = format!("{:<22}{:>9}   {:<22}{:>9}", "sent by calls", "ms", "received by calls", "ms");
    format!("\n{}\n{sum}\n{}\n", look.paint(Tone::Title, &title), look.paint(Tone::Faint, &columns))
}

fn cell(calls: &[Call], place: u64, start: u64, look: &Look) -> String {
    let at = calls.partition_point(|call| call.offset <= place);
    let text = match at.checked_sub(1).map(|at| calls[at]) {
        Some(call) if call.offset == place => {
            let when = millis(call.t.saturating_sub(start));
            format!("{:>9} {} {:>6} B {when:>9}", number(place), look.either('┬', '+'), number(call.len))
        }
        Some(call) if place < call.offset + call.len => format!("{:>9} {}", "", look.either('│', '|')),
        _ => String::new(),
    };
    format!("{text:<32}")
}

fn more(all: usize, lines: usize, look: &Look) -> String {
    match all.saturating_sub(lines) {
        0 => String::new(),
        rest => format!("{}\n", look.paint(Tone::Faint, &format!("  {} {rest} more", look.either('⋮', ':')))),
    }
}

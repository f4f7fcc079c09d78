//! The facts behind the parts: round trips, repetitions, losses, windows.

use std::collections::BTreeMap;

use super::super::flight::{Flight, Story, cause as cause_of};
use super::super::look::{count, number, time};
use crate::record::{Entry, Fact, Flags, Which};

/// Repetitions by timer that are told one by one.
const TOLD: usize = 5;

/// A sentence each.
pub(super) fn facts(entries: &[Entry], story: &Story<'_>) -> Vec<String> {
    let mut facts = Vec::new();
    for from in [Which::Client, Which::Server] {
        facts.extend(round_trip(entries, story, from));
    }
    facts.extend(link_part(story));
    facts.extend(losses(story));
    for from in [Which::Client, Which::Server] {
        facts.extend(again(story, from));
        facts.extend(closed_window(story, from));
    }
    facts
}

fn round_trip(entries: &[Entry], story: &Story<'_>, which: Which) -> Option<String> {
    let side = story.connection.side(which);
    let ours = |entry: &Entry| entry.host == side.host;
    let sample = |entry: &Entry| match entry.fact {
        Fact::Rtt { socket, sample_us, .. } if socket.is_some() && socket == side.socket && ours(entry) => {
            Some(u64::from(sample_us))
        }
        _ => None,
    };
    let samples: Vec<u64> = entries.iter().filter_map(sample).collect();
    let (least, most) = (samples.iter().min()?, samples.iter().max()?);
    let mean = samples.iter().sum::<u64>() / samples.len() as u64;
    let [least, mean, most] = [*least, mean, *most].map(|micros| time(micros * 1000));
    let times = count(samples.len() as u64, "time", "times");
    Some(format!(
        "Round trip as {} measures it: {least} at least, {mean} on average, {most} at most; {times}.",
        story.connection.name(which)
    ))
}

/// What the links take, queues left out.
fn link_part(story: &Story<'_>) -> Option<String> {
    let bare = |from: Which| {
        let of = |flight: &&Flight<'_>| flight.from == from;
        let took = |flight: &Flight<'_>| Some((flight.arrived? - flight.left).saturating_sub(flight.queued()));
        story.flights.iter().filter(of).filter_map(took).min()
    };
    let (there, back) = (bare(Which::Client)?, bare(Which::Server)?);
    let longest = story.flights.iter().map(Flight::queued).max().unwrap_or(0);
    let queue = if longest == 0 { String::new() } else { format!(", and packets waited up to {} in queues", time(longest)) };
    Some(format!("The links take {} there and {} back{queue}.", time(there), time(back)))
}

fn losses(story: &Story<'_>) -> Vec<String> {
    let mut lost = BTreeMap::<(&str, &str), [u64; 2]>::new();
    for flight in &story.flights {
        if let Some(fate) = flight.dropped() {
            lost.entry((&*fate.link, &*fate.fate)).or_default()[flight.from as usize] += 1;
        }
    }
    let damaged = story.flights.iter().filter(|flight| flight.damaged).count() as u64;
    let (client, server) = (story.connection.name(Which::Client), story.connection.name(Which::Server));
    let told = lost.into_iter().map(|((link, cause), [there, back])| {
        let cause = cause_of(cause);
        let all = count(there + back, "packet", "packets");
        format!("Lost on {link} ({cause}): {all}, {} from {client} and {} from {server}.", number(there), number(back))
    });
    let mut told: Vec<_> = told.collect();
    if damaged > 0 {
        told.push(format!("Damaged on the way, and not taken by the receiver: {}.", count(damaged, "packet", "packets")));
    }
    told
}

/// What an end sent again, and why; each wait for a timer with its length.
fn again(story: &Story<'_>, from: Which) -> Vec<String> {
    let takes_room =
        |flight: &Flight<'_>| flight.packet.len > 0 || flight.packet.flags.unwrap_or_default().has(Flags::SYN | Flags::FIN);
    let sent = |flight: &&Flight<'_>| flight.from == from && takes_room(flight);
    let all: u64 = story.flights.iter().filter(sent).map(|flight| u64::from(flight.packet.segments)).sum();
    let mut by = BTreeMap::<&str, u64>::new();
    let mut timers = Vec::new();
    for (at, flight) in story.flights.iter().enumerate().filter(|(_, flight)| flight.from == from && flight.packet.again) {
        let why = flight.why.unwrap_or("a reason not told");
        *by.entry(why).or_default() += u64::from(flight.packet.segments);
        if why == "timeout" {
            timers.push(timer(story, at));
        }
    }
    let total: u64 = by.values().sum();
    if total == 0 {
        return Vec::new();
    }
    let reasons: Vec<_> = by.iter().map(|(why, count)| format!("{} by {why}", number(*count))).collect();
    let segments = count(total, "segment", "segments");
    let mut told =
        vec![format!("{} sent {segments} again, of {}: {}.", story.connection.name(from), number(all), reasons.join(", "))];
    let rest = timers.len().saturating_sub(TOLD);
    told.extend(timers.into_iter().take(TOLD));
    if rest > 0 {
        told.push(format!("  and {} more", count(rest as u64, "timer", "timers")));
    }
    told
}

fn timer(story: &Story<'_>, at: usize) -> String {
    let flight = &story.flights[at];
    let seq = flight.packet.seq;
    let before = story.flights[..at].iter().rev().find(|earlier| earlier.from == flight.from && earlier.packet.seq == seq);
    let begin = story.begin();
    let what = match flight.packet.len {
        0 => flight.packet.flags.unwrap_or_default().names(),
        len => format!("seq {}, {len} B", story.connection.relative(flight.from, seq.unwrap_or(0))),
    };
    let waited = match before.map(|before| flight.left - before.left) {
        None => String::new(),
        // Both waited for the neighbour's address.
        Some(0) => ", together with the first".into(),
        Some(nanos) => format!(", {} after it was sent before", time(nanos)),
    };
    format!("  at {}: {what}{waited}", time(flight.left - begin))
}

/// How often an end closed its window.
fn closed_window(story: &Story<'_>, which: Which) -> Option<String> {
    let closed = |flight: &&Flight<'_>| {
        let flags = flight.packet.flags.unwrap_or_default();
        flight.from == which && flight.packet.win == Some(0) && !flags.has(Flags::RST)
    };
    let times = story.flights.iter().filter(closed).count() as u64;
    let name = story.connection.name(which);
    (times > 0)
        .then(|| format!("{name} said {} that its window is closed: its program did not read.", count(times, "time", "times")))
}

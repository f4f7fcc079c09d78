//! Where a connection's time went: parts that add up, and the facts behind them.
//!
//! - `parts`: each moment of the connection gets the one thing it was spent on
//! - `facts`: round trips, repetitions, losses

mod facts;
mod parts;

pub use parts::{Part, parts};

use super::flight::story;
use super::look::{Look, Tone, count, number, time};
use crate::record::{Connection, Entry, Which};

/// Columns of the bar that stands for the whole time.
const BAR: usize = 20;

/// The explanation of a connection.
pub fn why(entries: &[Entry], connection: &Connection, look: &Look) -> String {
    let story = story(entries, connection);
    let found = parts(entries, connection);
    let total: u64 = found.iter().map(|(_, nanos)| nanos).sum();
    let title = connection.title().replace('→', look.arrow());
    let failure = connection.failure.map_or_else(String::new, |failure| format!(" {}", failure.text(connection)));
    let mut text = format!("{}\n{}{failure}\n\n", look.paint(Tone::Title, &title), lasted(&story, total));
    text += &table(&found, total, connection, look);
    let facts = facts::facts(entries, &story);
    if !facts.is_empty() {
        text.push('\n');
    }
    facts.iter().for_each(|fact| text += &format!("{fact}\n"));
    text
}

fn lasted(story: &super::flight::Story<'_>, total: u64) -> String {
    let bytes = |from: Which| {
        let end = |flight: &super::flight::Flight<'_>| {
            let seq = story.connection.relative(from, flight.packet.seq.unwrap_or(0));
            u64::from(seq.wrapping_sub(1)) + u64::from(flight.packet.len)
        };
        story.flights.iter().filter(|flight| flight.from == from && flight.packet.len > 0).map(end).max().unwrap_or(0)
    };
    let (client, server) = (story.connection.name(Which::Client), story.connection.name(Which::Server));
    let (to_server, to_client) = (bytes(Which::Client), bytes(Which::Server));
    format!(
        "It lasted {}: {} went to {server}, {} to {client}.",
        time(total),
        count(to_server, "byte", "bytes"),
        number(to_client)
    )
}

/// The parts, the longest first, with what they add up to. Rounded so that the printed figures add up as well.
fn table(parts: &[(Part, u64)], total: u64, connection: &Connection, look: &Look) -> String {
    let mut text = String::new();
    let (mut before, all) = (0_u64, total.max(1));
    let tenths = |nanos: u64| (nanos as f64 / all as f64 * 1000.0).round() as u64;
    let micros = |nanos: u64| (nanos + 500) / 1000;
    for (part, nanos) in parts {
        let after = before + nanos;
        let (share, length) = (tenths(after) - tenths(before), micros(after) - micros(before));
        before = after;
        text += &format!(
            "{:>12} {:>4}.{} %  {}  {}\n",
            ms(length),
            share / 10,
            share % 10,
            bar(*nanos, all, look),
            part.text(connection)
        );
    }
    let sum = format!("{:>12}  100.0 %  {}  in all", ms(micros(total)), " ".repeat(BAR));
    text + &look.paint(Tone::Faint, &sum) + "\n"
}

fn ms(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

fn bar(nanos: u64, all: u64, look: &Look) -> String {
    let full = (nanos as f64 / all as f64 * BAR as f64).round() as usize;
    let full = full.clamp(usize::from(nanos > 0), BAR);
    format!("{}{}", look.either('█', '#').to_string().repeat(full), " ".repeat(BAR - full))
}

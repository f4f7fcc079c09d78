//! Which connection is meant.

use super::flight::story;
use super::look::Look;
use crate::record::{Connection, Connections, Entry, Failure};

/// A connection that was meant.
#[derive(Debug)]
pub struct Picked<'a> {
    /// The one.
    pub connection: &'a Connection,
    /// Others of that name, which carried no data: refused ones, those of the other address family.
    pub others: Vec<&'a Connection>,
}

/// The connection that `text` names: its number (`3`, `#3`), or a part of its title that no other has (`client-2`, `:8080`, an address),
/// at least none that carried data. Without text the only one there is. An error says what there is to choose from.
pub fn pick<'a>(connections: &'a Connections, text: Option<&str>) -> Result<Picked<'a>, String> {
    let all = connections.all();
    let found: Vec<_> = match text {
        None => all.iter().collect(),
        Some(text) => match text.trim_start_matches('#').parse::<usize>() {
            Ok(number) => all.iter().filter(|connection| connection.number == number).collect(),
            Err(_) => all.iter().filter(|connection| connection.title().contains(text)).collect(),
        },
    };
    let (full, empty): (Vec<_>, Vec<_>) = found.iter().copied().partition(|connection: &&Connection| connection.carried_data());
    if let ([connection], true) = (&full[..], found.len() > 1) {
        return Ok(Picked { connection, others: empty });
    }
    match (&found[..], text) {
        ([connection], _) => Ok(Picked { connection, others: Vec::new() }),
        ([], None) => Err("this run has no TCP connection".into()),
        ([], Some(text)) => Err(format!("no connection is {text:?}; there are:\n{}", titles(all.iter()))),
        (_, None) => Err(format!("which one?\n{}", titles(all.iter()))),
        (_, Some(text)) => Err(format!("{text:?} is more than one connection:\n{}", titles(found.into_iter()))),
    }
}

fn titles<'a>(connections: impl ExactSizeIterator<Item = &'a Connection>) -> String {
    const SHOWN: usize = 20;
    let rest = connections.len().saturating_sub(SHOWN);
    let mut lines: Vec<_> = connections.take(SHOWN).map(|connection| format!("  {}", described(connection))).collect();
    if rest > 0 {
        lines.push(format!("  and {rest} more"));
    }
    lines.join("\n")
}

/// The connection of which most packets were dropped; the first of those, and of all if none was.
pub fn most_eventful<'a>(entries: &[Entry], connections: &'a Connections) -> Option<&'a Connection> {
    let dropped =
        |connection: &&Connection| story(entries, connection).flights.iter().filter(|flight| flight.dropped().is_some()).count();
    connections.all().iter().rev().max_by_key(dropped)
}

/// All connections, a line each, with a word on those that ended out of order, and on those that carried no data.
pub fn list(connections: &Connections, look: &Look) -> String {
    let lines = connections.all().iter().map(|connection| described(connection).replace('→', look.arrow()) + "\n");
    lines.collect()
}

/// The title, with a word on what went wrong.
pub(super) fn described(connection: &Connection) -> String {
    let failure = connection.failure.map(Failure::name);
    let empty = (!connection.carried_data()).then_some("no data");
    let words: Vec<_> = failure.into_iter().chain(empty).collect();
    let words = if words.is_empty() { String::new() } else { format!("  ({})", words.join(", ")) };
    format!("{}{words}", connection.title())
}

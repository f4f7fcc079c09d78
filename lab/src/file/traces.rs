//! Files that a lab file names: moments to send, and delays.

use std::io;

use super::Surroundings;
use super::units;

/// The text of a file, or what is wrong with it.
fn fetch(name: &str, around: &Surroundings<'_>) -> Result<String, String> {
    let bytes = (around.files)(name.as_ref()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; names are relative to the lab file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    })?;
    String::from_utf8(bytes).map_err(|_| "it is not text".into())
}

/// Lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A trace of moments to send in mahimahi's format: milliseconds, one a line, not descending.
pub(super) fn moments(name: &str, around: &Surroundings<'_>) -> Result<Vec<u64>, String> {
    let text = fetch(name, around)?;
    let mut moments: Vec<u64> = Vec::new();
    for (number, line) in lines(&text) {
        let moment: u64 = line.parse().map_err(|_| format!("its line {number} is {line:?}, not a number of milliseconds"))?;
        if moments.last().is_some_and(|last| *last > moment) {
            return Err(format!("its line {number} ({moment}) is earlier than the one before"));
        }
        moments.push(moment);
    }
    match moments.last() {
        None => Err("it has no lines".into()),
        Some(0) => Err("its last moment, which is its period, is 0".into()),
        Some(_) => Ok(moments),
    }
}

/// A trace of delays with their units, one a line; in nanoseconds.
pub(super) fn delays(name: &str, around: &Surroundings<'_>) -> Result<Vec<u64>, String> {
    let text = fetch(name, around)?;
    let delay = |(number, line): (usize, &str)| {
        units::duration(line)
            .map(|delay| delay.as_nanos() as u64)
            .map_err(|wrong| format!("its line {number} is {line:?}: {wrong}"))
    };
    let delays = lines(&text).map(delay).collect::<Result<Vec<_>, _>>()?;
    if delays.is_empty() { Err("it has no lines".into()) } else { Ok(delays) }
}

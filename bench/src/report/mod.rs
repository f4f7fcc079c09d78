//! What is told of a run: a table, JSON, curves, the machine.

pub(crate) mod curve;
pub(crate) mod json;
pub(crate) mod machine;
pub(crate) mod table;

/// What a row of the goals is about.
pub(crate) const ROWS: [(u8, &str); 21] = [
    (0, "floors"),
    (1, "bulk, 64 KiB segments, one thread"),
    (2, "bulk, 64 KiB segments, a thread for each stack"),
    (3, "bulk, MTU 1500, checksums computed and checked, one thread"),
    (4, "bulk, MTU 1500 on a bare link, one thread"),
    (5, "zero copy, one thread"),
    (6, "TUN, plain"),
    (7, "TUN with virtio-net header"),
    (8, "ping-pong of a byte, one thread"),
    (9, "ping-pong of a byte, blocking facade, two threads"),
    (10, "connect, a byte, close"),
    (11, "UDP, 64 bytes"),
    (12, "memory"),
    (13, "growth: one active among n idle, over one alone"),
    (14, "growth: n active in turn, over one alone"),
    (15, "10^6 connections: set-up, idle CPU"),
    (16, "unmodified programs under loggia run"),
    (17, "capture of headers, impaired link"),
    (18, "a world in virtual time, one thread"),
    (19, "100 ms round trip, auto-tuned buffers"),
    (20, "shards: a stack a core"),
];

/// The title of a row.
pub(crate) fn title(row: u8) -> &'static str {
    ROWS.iter().find(|(number, _)| *number == row).map_or("", |(_, title)| title)
}

/// Three or four significant digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e9 => format!("{:.2}e9", value / 1e9),
        size if size >= 1000.0 => grouped(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([1_234_567.0, 123.4, 12.34, 1.234, 0.0123].map(number), ["1,234,567", "123", "12.3", "1.23", "0.0123"]);
        assert_eq!(title(12), "memory");
    }
}

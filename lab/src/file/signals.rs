//! Signals of Linux by name.

const SIGNALS: [(&str, i32); 31] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The number of a signal: `TERM`, `SIGTERM`, `term` or `15`.
pub fn signal_number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let bare = name.to_ascii_uppercase();
    let bare = bare.strip_prefix("SIG").unwrap_or(&bare);
    SIGNALS.iter().find(|(known, _)| *known == bare).map(|(_, number)| *number)
}

/// The name of a signal without `SIG`; the number of one without a name.
pub fn signal_name(number: i32) -> String {
    SIGNALS.iter().find(|(_, known)| *known == number).map_or_else(|| number.to_string(), |(name, _)| (*name).into())
}

/// What to write instead of `name`.
pub(super) fn remedy(name: &str) -> String {
    let bare = name.trim_start_matches("SIG");
    match super::nearest(bare, SIGNALS.iter().map(|(name, _)| *name)) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => "expected a signal by name, as \"TERM\", or by number".into(),
    }
}

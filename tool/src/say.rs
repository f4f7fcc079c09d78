//! Printing, as the rest of this crate means it when it says `println!`: if nobody listens any more (`loggia ladder RUN | head`), nothing is
//! said, and nothing else happens. The standard library's macros of these names panic, which would turn a run that held into a fault.
//! What somebody waits for and cannot get, as on a full disk, is kept for the end: [`unsaid`].

macro_rules! print {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        $crate::say::noted(std::write!(std::io::stdout(), $($said)*));
    }};
}

macro_rules! println {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        $crate::say::noted(std::writeln!(std::io::stdout(), $($said)*));
    }};
}

macro_rules! eprintln {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        let _ = std::writeln!(std::io::stderr(), "{}", $crate::say::plainly(&std::format!($($said)*)));
    }};
}

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::sync::OnceLock;

/// Why something that was to be printed was not.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Keeps why printing failed, unless it is that nobody listens.
pub(crate) fn noted(said: io::Result<()>) {
    if let Err(error) = said
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = UNSAID.set(error);
    }
}

/// Why not all of what was printed has reached who waits for it, at the end of everything; none if it has, or if nobody waits.
pub fn unsaid() -> Option<&'static io::Error> {
    noted(io::stdout().flush());
    UNSAID.get()
}

/// A message without the numbers that the standard library adds to errors of the system: ` (os error 13)` tells a user nothing.
pub(crate) fn plainly(text: &str) -> Cow<'_, str> {
    const LEAD: &str = " (os error ";
    let mut pieces = text.split(LEAD);
    let mut plain = Cow::Borrowed(pieces.next().unwrap_or_default());
    for piece in pieces {
        let number = piece.bytes().take_while(u8::is_ascii_digit).count();
        match piece[number..].strip_prefix(')') {
            Some(rest) if number > 0 => plain.to_mut().push_str(rest),
            _ => plain.to_mut().extend([LEAD, piece]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn numbers_of_errors_are_left_out() {
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(plainly(&format!("a: {error}; b: {error}")), "a: Permission denied; b: Permission denied");
        assert_eq!(plainly("nothing (os error of mine)"), "nothing (os error of mine)");
    }
}

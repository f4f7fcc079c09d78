//! Printing, as the rest of this crate means it when it says `println!`: if nobody listens any more (`loggia ladder RUN | head`), nothing is
//! said, and nothing else happens. The standard library's macros of these names panic, which would turn a run that held into a fault.

macro_rules! print {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        let _ = std::write!(std::io::stdout(), $($said)*);
    }};
}

macro_rules! println {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        let _ = std::writeln!(std::io::stdout(), $($said)*);
    }};
}

macro_rules! eprintln {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        let _ = std::writeln!(std::io::stderr(), "{}", $crate::say::plainly(&std::format!($($said)*)));
    }};
}

use std::borrow::Cow;

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

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
        let _ = std::writeln!(std::io::stderr(), $($said)*);
    }};
}

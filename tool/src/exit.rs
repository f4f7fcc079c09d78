//! Exit codes, as the manual states them.

/// How a run ended, as an exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All held.
    Held,
    /// A check or an expected state failed.
    Failed,
    /// Usage or file error; nothing was started.
    Usage,
    /// Nothing can be said: deadline, too few samples, an impairment that never fired.
    Inconclusive,
    /// A program used something Loggia cannot carry.
    CannotCarry,
    /// Loggia's own fault.
    Fault,
    /// The program cannot be executed.
    CannotExecute,
    /// The program was not found.
    NotFound,
    /// Ctrl-C.
    Interrupted,
    /// The program's own, passed through.
    Program(u8),
}

impl std::fmt::Display for Exit {
    /// In a word or two, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Usage => "refused",
            Self::Inconclusive => "inconclusive",
            Self::CannotCarry => "cannot be carried",
            Self::Fault => "a fault of Loggia's",
            Self::CannotExecute => "cannot be executed",
            Self::NotFound => "not found",
            Self::Interrupted => "interrupted",
            Self::Program(code) => return write!(f, "exit status {code}"),
        })
    }
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::CannotCarry => 4,
            Self::Fault => 125,
            Self::CannotExecute => 126,
            Self::NotFound => 127,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }
}

//! How a program ended.

use std::fmt;

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// By itself, with this code.
    Exit(u8),
    /// By a signal.
    Signal {
        /// Which.
        signal: i32,
        /// Whether it left a core file.
        core: bool,
    },
}

impl Status {
    /// From the form in which `wait` gives it; `None` if the program has not ended.
    pub fn from_wait(status: i32) -> Option<Self> {
        if libc::WIFEXITED(status) {
            Some(Self::Exit(libc::WEXITSTATUS(status) as u8))
        } else if libc::WIFSIGNALED(status) {
            Some(Self::Signal { signal: libc::WTERMSIG(status), core: libc::WCOREDUMP(status) })
        } else {
            None
        }
    }

    /// What a shell would say: the code, or 128 and the signal's number.
    pub fn code(self) -> u8 {
        match self {
            Self::Exit(code) => code,
            Self::Signal { signal, .. } => 128 + (signal & 0x7f) as u8,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Signal { signal, core } => {
                let name = signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
                write!(f, "{name}{}", if core { " (core dumped)" } else { "" })
            }
        }
    }
}

/// The signals that have a name of the same number on every Linux machine this runs on.
const NAMES: [(i32, &str); 31] = [
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGSTKFLT, "SIGSTKFLT"),
    (libc::SIGCHLD, "SIGCHLD"),
    (libc::SIGCONT, "SIGCONT"),
    (libc::SIGSTOP, "SIGSTOP"),
    (libc::SIGTSTP, "SIGTSTP"),
    (libc::SIGTTIN, "SIGTTIN"),
    (libc::SIGTTOU, "SIGTTOU"),
    (libc::SIGURG, "SIGURG"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGXFSZ, "SIGXFSZ"),
    (libc::SIGVTALRM, "SIGVTALRM"),
    (libc::SIGPROF, "SIGPROF"),
    (libc::SIGWINCH, "SIGWINCH"),
    (libc::SIGIO, "SIGIO"),
    (libc::SIGPWR, "SIGPWR"),
    (libc::SIGSYS, "SIGSYS"),
];

/// A signal's name, with SIG.
pub fn signal_name(signal: i32) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name)
}

/// A signal by its name, with or without SIG, or by its number.
pub fn signal_by_name(name: &str) -> Option<i32> {
    let bare = name.strip_prefix("SIG").unwrap_or(name);
    let named = NAMES.iter().find(|(_, full)| full.strip_prefix("SIG") == Some(bare)).map(|(number, _)| *number);
    named.or_else(|| bare.parse().ok().filter(|number| (1..=64).contains(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        assert_eq!(Status::from_wait(7 << 8), Some(Status::Exit(7)));
        let killed = Status::from_wait(libc::SIGKILL).unwrap();
        assert_eq!((killed.code(), killed.to_string()), (137, "SIGKILL".into()));
        let core = Status::from_wait(libc::SIGSEGV | 0x80).unwrap();
        assert_eq!((core.code(), core.to_string()), (139, "SIGSEGV (core dumped)".into()));
        assert_eq!(Status::from_wait(0x137f), None, "stopped");
    }

    #[test]
    fn signals_have_names_and_numbers() {
        assert_eq!(signal_by_name("SIGTERM"), Some(15));
        assert_eq!(signal_by_name("TERM"), Some(15));
        assert_eq!(signal_by_name("15"), Some(15));
        assert_eq!((signal_by_name("SIGNAL"), signal_by_name("0"), signal_by_name("99")), (None, None, None));
    }
}

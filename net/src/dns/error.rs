//! Why there is no answer.

use std::error;
use std::fmt;
use std::io;

/// What was asked and has no answer. Calls give it inside of an [`io::Error`] of the fitting kind ([`io::Error::get_ref`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The name, or the address whose names were wanted.
    pub asked: String,
    /// Why.
    pub error: Error,
}

/// Why a name has no answer; see [`Failure`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no such name (NXDOMAIN).
    NoName,
    /// The name is there, but nothing of the kind that was asked for (RFC 2308 §2.2).
    NoData,
    /// It can be no name: a label of more than 63 bytes, more than 255 in all, or none.
    Invalid,
    /// No server is configured.
    NoServer,
    /// No server answered in time.
    TimedOut,
    /// The servers answer that they cannot or will not (SERVFAIL, REFUSED, …): what the last one said.
    Failed(String),
    /// The aliases go round in a circle, or there are too many.
    Chain,
    /// The host's sockets could not reach any server: what was said of the last one.
    Unreachable(io::ErrorKind),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("there is no such name"),
            Self::NoData => f.write_str("the name has no such data"),
            Self::Invalid => f.write_str("that can be no name"),
            Self::NoServer => f.write_str("no DNS server is configured"),
            Self::TimedOut => f.write_str("no DNS server answered in time"),
            Self::Failed(code) => write!(f, "the DNS server answered: {code}"),
            Self::Chain => f.write_str("too many aliases, or a circle of them"),
            Self::Unreachable(kind) => write!(f, "no DNS server can be reached: {kind}"),
        }
    }
}

impl error::Error for Error {}

impl Error {
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoName | Self::NoData => io::ErrorKind::NotFound,
            Self::Invalid => io::ErrorKind::InvalidInput,
            Self::TimedOut => io::ErrorKind::TimedOut,
            Self::Unreachable(kind) => *kind,
            Self::NoServer => io::ErrorKind::AddrNotAvailable,
            Self::Failed(_) | Self::Chain => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.asked, self.error)
    }
}

impl error::Error for Failure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.error.kind(), failure)
    }
}

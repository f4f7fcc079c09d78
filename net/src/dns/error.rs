//! Why there is no answer.

use std::error;
use std::fmt;
use std::io;

/// Why a name has no answer. Calls give it inside of an [`io::Error`] of the fitting kind ([`io::Error::get_ref`]).
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

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::NoName | Error::NoData => io::ErrorKind::NotFound,
            Error::Invalid => io::ErrorKind::InvalidInput,
            Error::TimedOut => io::ErrorKind::TimedOut,
            Error::Unreachable(kind) => *kind,
            Error::NoServer => io::ErrorKind::AddrNotAvailable,
            Error::Failed(_) | Error::Chain => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

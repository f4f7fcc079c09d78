//! Why a program failed, for people.

use std::fmt;
use std::io;

use crate::say::plainly;

/// Why a program failed: a line for its standard error.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(plainly(&error.to_string()).into_owned())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Says what was attempted.
pub trait Attempt<T> {
    /// The failure of doing `what`.
    fn attempt(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Attempt<T> for Result<T, E> {
    fn attempt(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(plainly(&format!("{what}: {error}")).into_owned()))
    }
}

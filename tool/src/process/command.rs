//! What to run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A program with all that it is given.
#[derive(Debug)]
pub struct Command {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: BTreeMap<OsString, OsString>,
    pub(super) directory: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) input: Input,
    pub(super) outputs: [Output; 2],
    pub(super) seat: Seat,
}

/// Where standard input comes from.
#[derive(Debug, Default)]
pub enum Input {
    /// Nothing to read.
    #[default]
    Null,
    /// Loggia's own.
    Inherit,
    /// A file or pipe.
    File(File),
}

/// Where standard output or error goes.
#[derive(Debug, Default)]
pub enum Output {
    /// Nowhere.
    Null,
    /// Loggia's own.
    #[default]
    Inherit,
    /// A file or pipe, written by the program itself.
    File(File),
    /// A log: the program has a pipe, and its keeper writes what comes out of it. Never blocks the program for longer than the disk
    /// takes.
    Log(Log),
}

/// A file that grows to a limit: the beginning is kept, and the last 64 KiB after a line that says how much was left out.
#[derive(Debug)]
pub struct Log {
    /// Opened for appending.
    pub file: File,
    /// Bytes of the beginning that are kept.
    pub limit: u64,
}

/// How a program sits at the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Seat {
    /// In loggia's process group and session: it is in the foreground if loggia is, reads keys, and gets what Ctrl-C and Ctrl-Z send.
    Terminal,
    /// In a session of its own, without terminal.
    #[default]
    Apart,
}

impl Command {
    /// The program of this name (looked up in PATH unless it has a slash), without arguments, with loggia's environment, directory, user
    /// and output, no input, apart from the terminal.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().into(),
            arguments: Vec::new(),
            environment: std::env::vars_os().collect(),
            directory: None,
            user: None,
            input: Input::default(),
            outputs: [Output::default(), Output::default()],
            seat: Seat::default(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().into()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.as_ref().into(), value.as_ref().into());
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.remove(name.as_ref());
        self
    }

    /// Removes all environment variables.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.environment.clear();
        self
    }

    /// Sets the working directory; a relative path of the program is relative to it.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().into());
        self
    }

    /// Runs as another user of this machine, with his groups, HOME, USER and LOGNAME; only root may ask for it.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets standard input.
    #[must_use]
    pub fn stdin(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// Sets standard output.
    #[must_use]
    pub fn stdout(mut self, output: Output) -> Self {
        self.outputs[0] = output;
        self
    }

    /// Sets standard error.
    #[must_use]
    pub fn stderr(mut self, output: Output) -> Self {
        self.outputs[1] = output;
        self
    }

    /// Sets how it sits at the terminal.
    #[must_use]
    pub fn seat(mut self, seat: Seat) -> Self {
        self.seat = seat;
        self
    }
}

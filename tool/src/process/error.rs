//! Why a program could not be started, and what to do.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::command::Command;
use super::report::{Failure, Stage};
use crate::exit::Exit;

/// Why a program could not be started.
#[derive(Debug)]
pub enum SpawnError {
    /// There is no such program: neither at its path nor in PATH.
    NotFound {
        /// As it was asked for.
        program: String,
    },
    /// The program is there, but not what runs it: a script's interpreter, an executable's loader.
    NoInterpreter {
        /// As it was asked for.
        program: String,
    },
    /// It is a folder.
    Folder {
        /// As it was asked for.
        program: String,
    },
    /// The program is there and cannot be executed.
    CannotExecute {
        /// As it was asked for.
        program: String,
        /// What the kernel says.
        error: io::Error,
    },
    /// The working directory cannot be entered.
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// A word, variable or path holds a zero byte (here written `\0`).
    Nul(String),
    /// This machine has no such user.
    UnknownUser(String),
    /// Only root may run programs as somebody else.
    NotRoot(String),
    /// Becoming the user failed.
    Identity(io::Error),
    /// Another filter with a listener is already there: a run inside a run.
    Nested,
    /// The machine does not let a filter with a listener be installed.
    NoFilter(io::Error),
    /// The machine does not let loggia look into the programs it starts.
    NoInspection,
    /// This program forbids to be looked into.
    ForbidsInspection {
        /// As it was asked for.
        program: String,
    },
    /// The keeper or the warden was killed.
    Lost,
    /// A call of our own failed.
    Own(io::Error),
}

impl SpawnError {
    pub(super) fn of(command: &Command, Failure { stage, errno }: Failure) -> Self {
        let error = io::Error::from_raw_os_error(errno);
        let program = command.program.to_string_lossy().into_owned();
        match (stage, errno) {
            (Stage::Execute, libc::EACCES | libc::EISDIR) if is_folder(command) => Self::Folder { program },
            // EACCES may be of a directory of PATH that may not be searched.
            (Stage::Execute, libc::ENOENT | libc::ENOTDIR | libc::EACCES) if !is_there(command) => Self::NotFound { program },
            (Stage::Execute, libc::ENOENT) => Self::NoInterpreter { program },
            (Stage::Execute, _) => Self::CannotExecute { program, error },
            (Stage::Directory, _) => Self::Directory { directory: command.directory.clone().unwrap_or_default(), error },
            (Stage::Filter, libc::EBUSY) => Self::Nested,
            (Stage::Filter, _) => Self::NoFilter(error),
            (Stage::Listener, libc::EPERM | libc::ENOSYS | libc::EACCES) => Self::NoInspection,
            (Stage::Inspect, _) if yama_scope() >= 2 => Self::NoInspection,
            (Stage::Inspect, _) => Self::ForbidsInspection { program },
            (Stage::Identity, _) => Self::Identity(error),
            _ => Self::Own(error),
        }
    }

    /// The exit code of a run that ends by it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::Folder { .. } | Self::NoInterpreter { .. } | Self::CannotExecute { .. } => Exit::CannotExecute,
            Self::Directory { .. } | Self::Nul(_) | Self::UnknownUser(_) | Self::NotRoot(_) => Exit::Usage,
            Self::Nested | Self::NoFilter(_) | Self::NoInspection | Self::ForbidsInspection { .. } => Exit::CannotCarry,
            Self::Identity(_) | Self::Lost | Self::Own(_) => Exit::Fault,
        }
    }
}

/// Whether a program that the kernel did not find is there, so that something else is missing.
fn is_there(command: &Command) -> bool {
    let base = command.directory.clone().unwrap_or_default();
    let path = command.environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
    let there = |candidate: &OsString| match std::fs::metadata(base.join(candidate)) {
        Ok(found) => found.is_file(),
        // Whoever names a path means what lies there, whether or not it may be looked at.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied && command.program.as_encoded_bytes().contains(&b'/'),
    };
    super::lookup::candidates(&command.program, path).iter().any(there)
}

/// Whether the path that was given is that of a folder. Names are not looked up in PATH for folders.
fn is_folder(command: &Command) -> bool {
    let base = command.directory.clone().unwrap_or_default();
    command.program.as_encoded_bytes().contains(&b'/') && base.join(&command.program).is_dir()
}

/// Whether this process may be looked into by others of its user: not if its own executable may only be executed and not read.
fn own_file_is_readable() -> bool {
    std::fs::File::open("/proc/self/exe").is_ok()
}

/// 0 if anybody may look into his own processes, 1 into his descendants, 2 only with CAP_SYS_PTRACE, 3 nobody. Machines without it: 0.
fn yama_scope() -> u8 {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel/yama/ptrace_scope")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn plain(error: &io::Error) -> String {
    crate::say::plainly(&error.to_string()).into_owned()
}

impl std::error::Error for SpawnError {}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { program } if program.contains('/') => write!(f, "{program}: there is no such program"),
            Self::NotFound { program } => write!(f, "{program}: there is no such program in PATH"),
            Self::NoInterpreter { program } => {
                write!(f, "{program}: the file is there, but not what runs it (the interpreter in its first line, or its dynamic loader)")
            }
            Self::CannotExecute { program, error } if error.raw_os_error() == Some(libc::ENOEXEC) => {
                write!(f, "{program}: neither an executable of this machine nor a script with an interpreter in its first line (#!/bin/sh)")
            }
            Self::CannotExecute { program, error } if error.raw_os_error() == Some(libc::EACCES) => {
                write!(f, "{program}: may not be executed: it lacks the permission (chmod +x), or its folder may not be entered")
            }
            Self::CannotExecute { program, error } => write!(f, "{program}: cannot be executed: {}", plain(error)),
            Self::Folder { program } => write!(f, "{program}: is a folder, not a program"),
            Self::Directory { directory, error } => write!(f, "working directory {}: {}", directory.display(), plain(error)),
            Self::Nul(text) => write!(f, "a zero byte cannot be passed to a program: {text}"),
            Self::UnknownUser(name) => write!(f, "user {name}: there is no such user on this machine"),
            Self::NotRoot(name) => write!(f, "user {name}: only root may run programs as another user"),
            Self::Identity(error) => write!(f, "cannot become the user: {}", plain(error)),
            Self::Nested => f.write_str(
                "loggia already runs under a supervisor of system calls (loggia inside loggia, or a container tool that uses seccomp \
                 notification), and the kernel allows one: run it outside",
            ),
            Self::NoFilter(error) => write!(
                f,
                "the kernel does not let system calls be supervised ({}): Linux 5.14 with CONFIG_SECCOMP_FILTER is needed, and a \
                 container that allows it (docker run --security-opt seccomp=unconfined)",
                plain(error)
            ),
            Self::NoInspection if !own_file_is_readable() => f.write_str(
                "loggia may not look into the programs it starts, because its own file may only be executed and not read: make it \
                 readable (chmod a+r, where loggia lies)",
            ),
            Self::NoInspection if yama_scope() >= 2 => f.write_str(
                "the kernel does not let loggia look into the programs it starts: kernel.yama.ptrace_scope is 2 or more; set it to 1 \
                 (sysctl kernel.yama.ptrace_scope=1) or give loggia CAP_SYS_PTRACE",
            ),
            Self::NoInspection => f.write_str(
                "loggia may not look into the programs it starts (pidfd_getfd is refused): in a container add --cap-add SYS_PTRACE, or \
                 --security-opt seccomp=unconfined",
            ),
            Self::ForbidsInspection { program } => write!(
                f,
                "{program}: forbids to be looked into, so its sockets cannot be carried (an executable that its user may not read, or \
                 PR_SET_DUMPABLE 0): make it readable, or run loggia with CAP_SYS_PTRACE"
            ),
            Self::Lost => f.write_str("the process that watches the program was killed"),
            Self::Own(error) => write!(f, "cannot start a program: {}", plain(error)),
        }
    }
}

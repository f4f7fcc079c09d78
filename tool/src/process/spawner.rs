//! From a command to a running program, as the rest of loggia sees it.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use super::command::{Command, Input, Output};
use super::error::SpawnError;
use super::lookup;
use super::order::{Identity, Order, Sink};
use super::program::Program;
use super::report::Report;
use super::warden;
use crate::sys::descriptor::{self, Watched, poll};
use crate::sys::filter::Instruction;
use crate::sys::message::{self, Patience};
use crate::sys::process::{self, Wait, wait};
use crate::sys::{Pid, account, pidfd, signal};

/// Starts programs. Dropping it starts no end: each [`Program`] lives until it is dropped.
#[derive(Debug)]
pub struct Spawner {
    /// Closed first, which is what the warden ends by.
    control: OwnedFd,
    warden: Pid,
}

/// What came of a command.
#[derive(Debug)]
pub struct Spawned {
    /// The program and all that it starts.
    pub program: Program,
    /// Where its system calls are asked about; present if there was a filter.
    pub listener: Option<OwnedFd>,
}

impl Spawner {
    /// Forks the warden. To be called first of all: before any thread is started (a fork copies only one), before the limits of this
    /// process are raised and before signals are blocked (programs get what is in force now).
    pub fn start() -> io::Result<Self> {
        let (control, theirs) = message::pair()?;
        let warden = process::fork(move || warden::run(theirs))?;
        Ok(Self { control, warden })
    }

    /// Starts a program under a filter, whose listener comes back with it. Returns when the program has been executed.
    pub fn spawn(&self, command: &Command, filter: Option<&[Instruction]>) -> Result<Spawned, SpawnError> {
        let order = order(command, filter)?;
        let null = File::options().read(true).write(true).open("/dev/null").map_err(SpawnError::Own)?;
        let (ours, theirs) = message::pair().map_err(SpawnError::Own)?;
        let mut file = descriptor::memory_file().map_err(SpawnError::Own)?;
        file.write_all(&order.encode()).map_err(SpawnError::Own)?;
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let input = match &command.input {
            Input::Null => null.as_fd(),
            Input::Inherit => stdin.as_fd(),
            Input::File(file) => file.as_fd(),
        };
        let output = stream(&command.outputs[0], &null, stdout.as_fd());
        let error = stream(&command.outputs[1], &null, stderr.as_fd());
        self.wake_warden();
        message::send(self.control.as_fd(), &[0], &[theirs.as_fd(), file.as_fd(), input, output, error])
            .map_err(|_| SpawnError::Lost)?;
        drop(theirs);
        answer(command, ours)
    }

    /// Somebody may have stopped it.
    fn wake_warden(&self) {
        let _ = signal::send(self.warden, libc::SIGCONT);
    }

    /// Ends the warden, whose programs must have ended or been dropped, and says whether it was gone in time.
    pub fn close(self, patience: Duration) -> io::Result<bool> {
        self.wake_warden();
        let Self { control, warden } = self;
        let handle = pidfd::open_process(warden)?;
        drop(control);
        let mut watched = [Watched::input(handle.as_raw_fd())];
        poll(&mut watched, patience.as_millis() as i32)?;
        let gone = watched[0].came();
        if gone {
            wait(Wait::End(warden))?;
        }
        Ok(gone)
    }
}

fn stream<'a>(output: &'a Output, null: &'a File, own: BorrowedFd<'a>) -> BorrowedFd<'a> {
    match output {
        Output::Null => null.as_fd(),
        Output::Inherit => own,
        Output::File(file) | Output::Log(super::Log { file, .. }) => file.as_fd(),
    }
}

/// Waits for the keeper's first word.
fn answer(command: &Command, control: OwnedFd) -> Result<Spawned, SpawnError> {
    let mut buffer = [0; 256];
    let mut received = message::receive(control.as_fd(), &mut buffer, Patience::Waits).map_err(SpawnError::Own)?;
    match Report::decode(&buffer[..received.len]) {
        Some(Report::Started { pid }) => {
            Ok(Spawned { program: Program::new(pid, control), listener: received.descriptors.pop() })
        }
        Some(Report::Failed(failure)) => Err(SpawnError::of(command, failure)),
        _ => Err(SpawnError::Lost),
    }
}

fn order(command: &Command, filter: Option<&[Instruction]>) -> Result<Order, SpawnError> {
    let mut environment = command.environment.clone();
    let mut identity = None;
    if let Some(name) = &command.user {
        let account = account_of(name)?;
        for (variable, value) in [("HOME", &account.home), ("USER", &account.name), ("LOGNAME", &account.name)] {
            environment.insert(variable.into(), value.clone());
        }
        let account::Account { uid, gid, groups, .. } = account;
        identity = Some(Identity { uid, gid, groups });
    }
    let strings = |list: &[&OsString]| list.iter().map(|text| string(text.as_bytes())).collect::<Result<Vec<_>, _>>();
    let arguments = strings(&[&command.program].into_iter().chain(&command.arguments).collect::<Vec<_>>())?;
    let candidates = lookup::candidates(&command.program, environment.get(OsStr::new("PATH")).map(OsString::as_os_str));
    let pairs = environment.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
    Ok(Order {
        candidates: strings(&candidates.iter().collect::<Vec<_>>())?,
        arguments,
        environment: pairs.map(|pair| string(&pair)).collect::<Result<_, _>>()?,
        directory: command.directory.as_ref().map(|path| string(path.as_os_str().as_bytes())).transpose()?,
        identity,
        seat: command.seat,
        sinks: [sink(&command.outputs[0]), sink(&command.outputs[1])],
        filter: filter.map(<[_]>::to_vec),
    })
}

fn string(bytes: &[u8]) -> Result<CString, SpawnError> {
    CString::new(bytes).map_err(|_| SpawnError::Nul(String::from_utf8_lossy(bytes).replace('\0', "\\0")))
}

/// Whether programs can run as this user of the machine.
pub fn can_run_as(name: &str) -> Result<(), SpawnError> {
    account_of(name).map(drop)
}

fn account_of(name: &str) -> Result<account::Account, SpawnError> {
    let account = account::find(&string(name.as_bytes())?).map_err(SpawnError::Own)?;
    let account = account.ok_or_else(|| SpawnError::UnknownUser(name.into()))?;
    match process::effective_uid() {
        0 => Ok(account),
        _ => Err(SpawnError::NotRoot(name.into())),
    }
}

fn sink(output: &Output) -> Sink {
    match output {
        Output::Log(log) => Sink::Log { limit: log.limit },
        Output::Null | Output::Inherit | Output::File(_) => Sink::Direct,
    }
}

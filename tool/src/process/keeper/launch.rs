//! From an order to a running program.
//!
//! ```text
//!  keeper                                   child
//!    │ fork ──────────────────────────────────> streams, session, no_new_privs, filter
//!    │ <── number of the listener ────────────┤
//!    │ pidfd_getfd                            │
//!    │ ─── go on ─────────────────────────────> close the listener, user, directory, signals, exec
//!    │ <── end of conversation (or failure) ──┤
//!    │ may it be inspected?                   program
//! ```
//!
//! The child passes the number rather than the listener itself because `sendmsg` is already filtered; `read` and `write` may be.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use super::super::Seat;
use super::super::lookup::Verdict;
use super::super::order::Order;
use super::super::report::{Failure, Stage};
use crate::sys::{Pid, descriptor, filter, message, pidfd, process, signal};

/// A program under way.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) pid: Pid,
    /// Present if the order has a filter.
    pub(super) listener: Option<OwnedFd>,
}

/// Marks a result with the step it belongs to.
trait At<T> {
    fn at(self, stage: Stage) -> Result<T, Failure>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, stage: Stage) -> Result<T, Failure> {
        self.map_err(|error| Failure::of(stage, &error))
    }
}

/// Starts the program with these standard streams.
pub(super) fn launch(order: &Order, streams: [RawFd; 3]) -> Result<Launched, Failure> {
    let (ours, theirs) = message::pair().at(Stage::Fork)?;
    let keeper = process::own_pid();
    let (mut ours, theirs) = (File::from(ours), File::from(theirs));
    let pid = process::fork(|| {
        descriptor::close(ours.as_raw_fd());
        let Err(failure) = run(order, streams, keeper, &theirs);
        let _ = descriptor::write_untrapped(theirs.as_fd(), &failure.to_bytes());
        process::PANICKED
    })
    .at(Stage::Fork)?;
    drop(theirs);
    supervise(order, pid, &mut ours).inspect_err(|_| bury(pid)).map(|listener| Launched { pid, listener })
}

/// Ends a child that did not become a program.
fn bury(pid: Pid) {
    let _ = signal::send(pid, libc::SIGKILL);
    let _ = process::wait(process::Wait::End(pid));
}

/// What the child says: four bytes are the listener's number, five a failure, none that it has become the program.
enum Said {
    Listener(RawFd),
    Failure(Failure),
    Nothing,
}

fn hear(conversation: &mut File) -> Result<Said, Failure> {
    let mut said = [0; 8];
    let len = conversation.read(&mut said).at(Stage::Fork)?;
    Ok(match said[..len] {
        [a, b, c, d] => Said::Listener(RawFd::from_le_bytes([a, b, c, d])),
        [stage, a, b, c, d] => Failure::from_bytes([stage, a, b, c, d]).map_or(Said::Nothing, Said::Failure),
        _ => Said::Nothing,
    })
}

fn supervise(order: &Order, pid: Pid, conversation: &mut File) -> Result<Option<OwnedFd>, Failure> {
    let handle = pidfd::open_process(pid).at(Stage::Listener)?;
    let mut listener = None;
    loop {
        match hear(conversation)? {
            Said::Listener(number) => {
                listener = Some(pidfd::copy_descriptor(handle.as_fd(), number).at(Stage::Listener)?);
                conversation.write_all(&[1]).at(Stage::Fork)?;
            }
            Said::Failure(failure) => return Err(failure),
            Said::Nothing => break,
        }
    }
    if order.filter.is_some() {
        may_be_inspected(&handle)?;
    }
    Ok(listener)
}

/// Whatever is said of descriptor 0, EPERM alone means that the program forbids it: a file without permission to read, or a setting of
/// the machine.
fn may_be_inspected(handle: &OwnedFd) -> Result<(), Failure> {
    match pidfd::copy_descriptor(handle.as_fd(), 0) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Err(Failure { stage: Stage::Inspect, errno: libc::EPERM }),
        _ => Ok(()),
    }
}

/// The child's part.
fn run(order: &Order, streams: [RawFd; 3], keeper: Pid, conversation: &File) -> Result<std::convert::Infallible, Failure> {
    for (number, stream) in (0..).zip(streams) {
        descriptor::rename(stream, number).at(Stage::Streams)?;
    }
    if order.seat == Seat::Apart {
        process::new_session().at(Stage::Session)?;
    }
    process::no_new_privileges().at(Stage::Filter)?;
    if let Some(program) = &order.filter {
        hand_over_listener(program, conversation)?;
    }
    if let Some(identity) = &order.identity {
        process::become_user(identity.uid, identity.gid, &identity.groups).at(Stage::Identity)?;
    }
    // After the change of identity, which undoes it.
    process::die_with_parent().at(Stage::Session)?;
    if process::parent_pid() != keeper {
        return Err(Failure { stage: Stage::Session, errno: libc::ESRCH });
    }
    if let Some(directory) = &order.directory {
        process::change_directory(directory).at(Stage::Directory)?;
    }
    // As the standard library does; what else is ignored stays so, for `nohup`.
    signal::set_default(libc::SIGPIPE).at(Stage::Execute)?;
    signal::set_mask(signal::Set::of(&[])).at(Stage::Execute)?;
    Err(Failure { stage: Stage::Execute, errno: execute(order) })
}

fn hand_over_listener(program: &[filter::Instruction], conversation: &File) -> Result<(), Failure> {
    let listener = filter::install(program).at(Stage::Filter)?;
    // Both are a few bytes on a socket: they pass whole or not at all.
    descriptor::write_untrapped(conversation.as_fd(), &listener.to_le_bytes()).at(Stage::Listener)?;
    let heard = descriptor::read_untrapped(conversation.as_fd(), &mut [0]);
    heard.and_then(|len| if len == 1 { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }).at(Stage::Listener)?;
    descriptor::close(listener);
    Ok(())
}

fn execute(order: &Order) -> i32 {
    let mut verdict = Verdict::default();
    for candidate in &order.candidates {
        let errno = process::execve(candidate, &order.arguments, &order.environment).raw_os_error().unwrap_or(libc::EIO);
        if verdict.ends_with(errno) {
            return errno;
        }
    }
    verdict.errno()
}

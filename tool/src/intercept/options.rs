//! `setsockopt`, `getsockopt`: the stack's, and natively what native reads and writes depend on.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use loggia_lab::world::World;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{DONE, Fault, Outcome};
use super::table::{Entry, Phase};
use super::{meeting, stream};
use crate::sys::socket;

/// The smallest native buffer.
const LEAST: usize = 4 << 10;
/// Numbers that only the program's end needs to know.
const NATIVE: [i32; 3] = [libc::SO_RCVLOWAT, libc::SO_PEEK_OFF, libc::SO_OOBINLINE];
/// Longest value that is looked at.
const MOST: usize = 16 << 10;

impl Supervisor {
    pub(super) fn set_option(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let (level, name) = (call.int(1), call.int(2));
        let len = usize::try_from(call.int(4)).map_err(|_| Fault(libc::EINVAL))?;
        let mut value = vec![0; len.min(MOST)];
        call.read(call.word(3), &mut value)?;
        let (host, id) = self.socket_of(subject)?;
        self.touched(host);
        // Where data flows natively it is the program's end that tells urgent bytes apart.
        let native = (level, name) == (libc::SOL_SOCKET, libc::SO_OOBINLINE) && !self.options.precise;
        if !native || value.len() < 4 {
            world.stack(host).setsockopt(id, level, name, &value)?;
        }
        if level == libc::SOL_SOCKET {
            self.mirror(subject, name, &value);
        }
        DONE
    }

    /// What native calls on the program's end depend on.
    fn mirror(&mut self, subject: &Subject, name: i32, value: &[u8]) {
        let Some(entry) = self.table.get_mut(subject.key) else { return };
        match name {
            libc::SO_RCVTIMEO => entry.receive_timeout = duration(value),
            libc::SO_SNDBUF => entry.send_room = room(value),
            libc::SO_RCVBUF => entry.receive_room = room(value),
            libc::SO_SNDTIMEO => entry.send_timeout = duration(value),
            name if NATIVE.contains(&name) => {}
            _ => return,
        }
        match name {
            libc::SO_SNDBUF | libc::SO_RCVBUF => return size(subject, entry),
            libc::SO_RCVTIMEO if entry.phase == Phase::Listening => return,
            _ => {}
        }
        // Before it is connected the program's end needs its own: connecting it to ours must not take for ever.
        if name != libc::SO_SNDTIMEO || entry.end.is_some() {
            // What AF_UNIX does not take has no native effect.
            let _ = socket::set_option(subject.program.as_fd(), libc::SOL_SOCKET, name, value);
        }
    }

    pub(super) fn get_option(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let (level, name) = (call.int(1), call.int(2));
        let room = usize::try_from(call.read_int(call.word(4))?).map_err(|_| Fault(libc::EINVAL))?;
        let mut value = vec![0; room.min(MOST)];
        let (host, id) = self.socket_of(subject)?;
        let len = match (level, name) {
            (libc::SOL_SOCKET, libc::SO_ERROR) => put(&mut value, &self.take_error(world, subject)?.to_ne_bytes()),
            (libc::SOL_SOCKET, libc::SO_OOBINLINE) if !self.options.precise => {
                let on = socket::option(subject.program.as_fd(), level, name)? as i32;
                put(&mut value, &on.to_ne_bytes())
            }
            _ => world.stack(host).getsockopt(id, level, name, &mut value)?,
        };
        self.touched(host);
        call.write(call.word(3), &value[..len])?;
        call.write(call.word(4), &(len as i32).to_ne_bytes())?;
        DONE
    }

    /// `SO_ERROR`: the stack's own, or the one that was carried to the program's end, if that still has it.
    pub(super) fn take_error(&mut self, world: &mut World, subject: &Subject) -> Result<i32, Fault> {
        let entry = self.table.get(subject.key).ok_or(Fault(libc::EBADF))?;
        let (host, id) = (entry.host, entry.id);
        if entry.error.is_some() || entry.untold.is_some() {
            return Ok(self.take_pending(subject).unwrap_or(0));
        }
        let _ = socket::option(subject.program.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR);
        let mut value = [0; 4];
        world.stack(host).getsockopt(id, libc::SOL_SOCKET, libc::SO_ERROR, &mut value)?;
        Ok(i32::from_ne_bytes(value))
    }

    /// The error that was carried to the program and that it has not heard of yet.
    pub(super) fn take_pending(&mut self, subject: &Subject) -> Option<i32> {
        let entry = self.table.get_mut(subject.key)?;
        let (told, untold) = (entry.error.take(), entry.untold.take());
        // It may have heard of it by a native call.
        let is_left = || socket::option(subject.program.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR).is_ok_and(|left| left != 0);
        untold.or_else(|| told.filter(|_| is_left()))
    }
}

fn put(into: &mut [u8], value: &[u8]) -> usize {
    let len = value.len().min(into.len());
    into[..len].copy_from_slice(&value[..len]);
    len
}

/// How much of ours stands before a buffer of the stack that was set to so many bytes: not more than the buffer itself.
fn room(value: &[u8]) -> usize {
    let asked = value.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    usize::try_from(asked).unwrap_or(0).clamp(LEAST, stream::CHUNK)
}

/// The native buffers in front of those of the stack.
fn size(subject: &Subject, entry: &Entry) {
    if entry.phase != Phase::Connected {
        return;
    }
    if let Some(end) = &entry.end {
        meeting::set_buffers(subject.program.as_fd(), end.as_fd(), entry);
    }
}

/// `struct timeval`; zero means for ever.
fn duration(value: &[u8]) -> Option<Duration> {
    let eight = |offset: usize| value.get(offset..).and_then(|rest| rest.first_chunk()).map(|bytes| i64::from_ne_bytes(*bytes));
    let (seconds, micros) = (u64::try_from(eight(0)?).ok()?, u64::try_from(eight(8)?).ok()?);
    let timeout = Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros));
    (!timeout.is_zero()).then_some(timeout)
}

/// A connection takes its timeouts from its listener.
pub(super) fn set_native_timeouts(program: &OwnedFd, entry: &Entry) {
    set_native_timeout(program, libc::SO_RCVTIMEO, entry.receive_timeout);
    set_native_timeout(program, libc::SO_SNDTIMEO, entry.send_timeout);
}

fn set_native_timeout(program: &OwnedFd, name: i32, timeout: Option<Duration>) {
    if let Some(timeout) = timeout {
        let value = [(timeout.as_secs() as i64).to_ne_bytes(), i64::from(timeout.subsec_micros()).to_ne_bytes()].concat();
        let _ = socket::set_option(program.as_fd(), libc::SOL_SOCKET, name, &value);
    }
}

/// What was set on a program's end is so on the one that takes its place, which is not connected yet: its `SO_SNDTIMEO` is still ours.
pub(super) fn keep_native(old: &OwnedFd, new: &OwnedFd, entry: &Entry) {
    set_native_timeout(new, libc::SO_RCVTIMEO, entry.receive_timeout);
    for name in NATIVE {
        // What AF_UNIX does not have has no native effect.
        if let Ok(value) = socket::option(old.as_fd(), libc::SOL_SOCKET, name) {
            let _ = socket::set_option(new.as_fd(), libc::SOL_SOCKET, name, &(value as i32).to_ne_bytes());
        }
    }
}

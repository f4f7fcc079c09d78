//! A fresh native socket in the place of one whose connection failed.
//!
//! An `AF_UNIX` stream connects once in its life, a TCP socket may try again after a failed `connect`. So the program's end is replaced,
//! under every number its process has for it, and what was registered with the epoll sets of the process is registered anew. Copies that
//! other processes have are left behind.

use std::os::fd::{AsFd, RawFd};

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::Fault;
use super::options;
use super::spare::ProgramEnd;
use super::table::{Entry, Phase};
use crate::sys::epoll_of_other::{self, Registration};
use crate::sys::notify;

impl Supervisor {
    /// Replaces the program's end by a fresh one.
    pub(super) fn renew(&mut self, call: &Call, subject: &Subject) -> Result<(), Fault> {
        let old = self.table.get(subject.key).map(|entry| entry.inode).ok_or(Fault(libc::EBADF))?;
        let holder = Holder::of(call.thread(), call.descriptor(), old);
        let flags = if subject.is_nonblocking() { libc::SOCK_NONBLOCK } else { 0 };
        let ProgramEnd { fd: program, cookie, inode } = self.spares.unconnected(flags)?;
        for number in &holder.numbers {
            let close_on_exec = closes_on_exec(call.thread(), *number);
            call.install(program.as_fd(), notify::Install { replace: Some(*number), close_on_exec, answer: false })?;
        }
        if !holder.registrations.is_empty() {
            // Without descriptors or threads they are lost; the program's next `epoll_ctl` says so.
            let _ = epoll_of_other::register(call.thread(), &holder.registrations);
        }
        self.table.replaced(subject.key, cookie, inode);
        if let Some(entry) = self.table.get_mut(subject.key) {
            entry.take_peeked(&mut self.scratch);
            let old = std::mem::replace(entry, Entry::new(entry.host, entry.id, cookie, inode, entry.family, Phase::Fresh));
            (entry.user, entry.waits) = (old.user, old.waits);
            (entry.receive_timeout, entry.send_timeout) = (old.receive_timeout, old.send_timeout);
            (entry.receive_room, entry.send_room) = (old.receive_room, old.send_room);
            options::keep_native(&subject.program, &program, entry);
        }
        Ok(())
    }
}

/// Most descriptors of a process that are looked at: its calls wait for this, and so do everybody else's.
const MOST: usize = 4096;
/// Most numbers that are served anew, and most epoll sets that are looked into.
const MOST_FOUND: usize = 64;

/// Where a process holds a socket.
struct Holder {
    numbers: Vec<RawFd>,
    registrations: Vec<Registration>,
}

impl Holder {
    /// At least under `number`.
    fn of(thread: i32, number: RawFd, inode: u64) -> Self {
        let mut holder = Self { numbers: vec![number], registrations: Vec::new() };
        let (wanted, mut sets) = (format!("socket:[{inode}]"), Vec::new());
        for (found, target) in links(thread) {
            if target == wanted && found != number && holder.numbers.len() < MOST_FOUND {
                holder.numbers.push(found);
            } else if target == "anon_inode:[eventpoll]" && sets.len() < MOST_FOUND {
                sets.push(found);
            }
        }
        for set in sets {
            let info = std::fs::read_to_string(format!("/proc/{thread}/fdinfo/{set}")).unwrap_or_default();
            let registrations = info.lines().filter_map(|line| registration(line, set, inode));
            holder.registrations.extend(registrations.filter(|found| holder.numbers.contains(&found.number)));
        }
        holder
    }
}

/// The descriptors of a thread, and what they lead to.
fn links(thread: i32) -> Vec<(RawFd, String)> {
    let Ok(folder) = std::fs::read_dir(format!("/proc/{thread}/fd")) else { return Vec::new() };
    let link = |entry: std::fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, std::fs::read_link(entry.path()).ok()?.to_str()?.into()))
    };
    folder.take(MOST).filter_map(|entry| link(entry.ok()?)).collect()
}

/// `tfd:        5 events:       1d data:                5  pos:0 ino:740b4 sdev:9`, if it is about this file.
fn registration(line: &str, set: RawFd, inode: u64) -> Option<Registration> {
    let spaced = line.replace(':', " ");
    let words: Vec<&str> = spaced.split_ascii_whitespace().collect();
    let value = |name: &str| words.iter().position(|word| *word == name).and_then(|place| words.get(place + 1)).copied();
    let hex = |name: &str| u64::from_str_radix(value(name)?, 16).ok();
    let found = Registration { set, number: value("tfd")?.parse().ok()?, mask: hex("events")? as u32, data: hex("data")? };
    (hex("ino")? == inode).then_some(found)
}

/// `FD_CLOEXEC` of another thread's descriptor.
fn closes_on_exec(thread: i32, number: i32) -> bool {
    let info = std::fs::read_to_string(format!("/proc/{thread}/fdinfo/{number}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & libc::O_CLOEXEC != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_are_read_as_the_kernel_shows_them() {
        let line = "tfd:        5 events: 8000001d data: 7f00deadbeef0001  pos:0 ino:740b4 sdev:9";
        let found = Registration { set: 3, number: 5, mask: 0x8000_001d, data: 0x7f00_dead_beef_0001 };
        assert_eq!(registration(line, 3, 0x740b4), Some(found));
        assert_eq!(registration(line, 3, 0x740b5), None);
        assert_eq!(registration("flags:\t02000002", 3, 0x740b4), None);
    }
}

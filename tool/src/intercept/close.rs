//! Sockets that no program holds any more.
//!
//! The last close of a connected stream is seen at our end. Of the others the kernel tells nothing, but its list of `AF_UNIX` sockets
//! no longer has the program's end: it has all that are open anywhere, also those on their way in a message.

use std::collections::HashSet;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use loggia_lab::world::World;
use loggia_stack::base::Key;

use super::Supervisor;
use super::table::Held;
use crate::sys::{pidfd, socket};

/// How often closed sockets are looked for while there are some whose close would not be seen.
const EVERY: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Makes sure that closed sockets are looked for.
    pub(super) fn look_later(&mut self, world: &World) {
        self.look_at = self.look_at.min(world.now() + EVERY);
    }

    /// Closes the sockets nobody holds any more; says whether there were any.
    pub(super) fn look(&mut self, world: &mut World) -> bool {
        self.look_at = loggia_stack::Instant::NEVER;
        let unseen: Vec<(Key, u64)> =
            self.table.iter().filter(|(_, entry)| entry.closes_unseen()).map(|(key, entry)| (key, entry.inode)).collect();
        if unseen.is_empty() {
            return false;
        }
        let Some(open) = open_sockets() else {
            self.look_later(world);
            return false;
        };
        let mut any = false;
        let mut left = false;
        for (key, inode) in unseen {
            if open.contains(&inode) {
                left = true;
            } else {
                any = true;
                self.forget(world, key);
            }
        }
        if left {
            self.look_later(world);
        }
        any
    }

    /// The program has closed a socket: the stack's goes too.
    pub(super) fn forget(&mut self, world: &mut World, key: Key) {
        self.flush_datagrams(world, key);
        let Some(entry) = self.table.remove(key) else { return };
        // It can only fail for a socket that is gone.
        let _ = world.stack(entry.host).close(entry.id);
        self.touched(entry.host);
        for Held { key, .. } in entry.held {
            self.forget(world, key);
        }
    }
}

/// A copy of the program's end, wherever it is held now.
pub(super) fn search(inode: u64, cookie: u64) -> Option<OwnedFd> {
    let wanted = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|process| *process != std::process::id() as i32).find_map(|process| {
        let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
        let found = descriptors
            .filter_map(Result::ok)
            .find(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()))?;
        let number = found.file_name().to_str()?.parse().ok()?;
        let handle = pidfd::open_process(process).ok()?;
        let copy = pidfd::copy_descriptor(handle.as_fd(), number).ok()?;
        // The number may lead elsewhere by now.
        let same = socket::cookie(copy.as_fd()).ok()? == cookie;
        same.then_some(copy)
    })
}

/// The numbers of all `AF_UNIX` sockets that are open anywhere.
pub(super) fn open_sockets() -> Option<HashSet<u64>> {
    // Names of sockets are bytes, not text.
    let list = std::fs::read("/proc/net/unix").ok()?;
    let lines = list.split(|byte| *byte == b'\n').skip(1);
    let numbers = lines.filter_map(|line| {
        let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        std::str::from_utf8(fields.nth(6)?).ok()?.parse().ok()
    });
    Some(numbers.collect())
}

//! Connections that are gone by an error.
//!
//! A program reads what came before the error, and is told of the error then. If it does not read, it is told of it when it writes.

use std::os::fd::AsFd;

use bytes::Bytes;
use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::Key;

use super::table::Phase;
use super::{Supervisor, meeting};
use crate::sys::socket;

impl Supervisor {
    /// An error that reading does not tell of: it comes behind the end of the stream, or behind what the program does not read.
    pub(super) fn error_behind(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get(key).filter(|entry| entry.phase == Phase::Connected) else { return };
        if !entry.told_end && entry.incoming.is_empty() {
            return;
        }
        let mut value = [0; 4];
        let got = world.stack(entry.host).getsockopt(entry.id, libc::SOL_SOCKET, libc::SO_ERROR, &mut value);
        if got.is_ok() && value != [0; 4] {
            self.fail(world, key, i32::from_ne_bytes(value));
        }
    }

    /// The stack has refused what the program wrote.
    pub(super) fn break_stream(&mut self, world: &mut World, key: Key, error: Errno) {
        self.fail(world, key, error.number());
    }

    fn fail(&mut self, world: &mut World, key: Key, error: i32) {
        match self.table.get(key) {
            Some(entry) if !entry.incoming.is_empty() && !entry.deaf => self.fail_behind(key, error),
            Some(_) => self.break_with(world, key, error),
            None => {}
        }
    }

    /// The connection is gone, and the program is yet to be given what came before.
    pub(super) fn fail_behind(&mut self, key: Key, error: i32) {
        let Some(entry) = self.table.get_mut(key).filter(|entry| entry.failing.is_none()) else { return };
        (entry.failing, entry.untold) = (Some(error), Some(error));
        self.refuse_writes(key);
    }

    /// The program cannot be told by the close of our end, behind which it could read no more: its writes fail, and those that wait go on.
    fn refuse_writes(&mut self, key: Key) {
        self.drain(key, 0);
        self.leave_unread(key);
        if let Some(end) = self.table.get(key).and_then(|entry| entry.end.as_ref()) {
            let _ = socket::shutdown(end.as_fd(), libc::SHUT_RD);
        }
        // What it wrote meanwhile, but for the byte that tells of the reset: the kernel keeps all of the message that it is of.
        self.drain(key, 1);
        if let Some(program) = self.program_end(key) {
            meeting::let_be_written(program.as_fd());
        }
    }

    /// Something happened at our end of a connection that is gone: the program has closed it, or written before it could know.
    pub(super) fn written_in_vain(&mut self, world: &mut World, key: Key) {
        if self.table.get(key).is_some_and(|entry| entry.hung_up) {
            self.forget(world, key);
        } else {
            self.drain(key, 1);
        }
    }

    /// Takes what the program wrote, for nobody, and leaves so many bytes.
    fn drain(&mut self, key: Key, left: usize) {
        let Self { table, scratch, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        let unread = entry.end.as_ref().map_or(0, |end| socket::unread(end.as_fd()).unwrap_or(0));
        entry.discard(unread.saturating_sub(left), scratch);
        entry.peeked = 0;
        entry.outgoing = Bytes::new();
    }

    /// Makes sure that our end has something unread when it is closed: so the kernel tells the program of a reset.
    fn leave_unread(&mut self, key: Key) {
        if let Some(program) = self.program_end(key) {
            let _ = socket::send(program.as_fd(), &[0], 0);
        }
    }

    /// The connection is gone by an error. The kernel tells the program of a reset if our end is closed with something unread, and lets
    /// it read what came before.
    pub(super) fn break_with(&mut self, world: &mut World, key: Key, error: i32) {
        self.leave_unread(key);
        let Some(entry) = self.table.get_mut(key) else { return };
        (entry.error, entry.untold) = (Some(error), None);
        entry.phase = Phase::Broken;
        entry.end = None;
        self.look_later(world);
        self.wake(world, key);
    }
}

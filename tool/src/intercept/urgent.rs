//! Urgent bytes of streams, each in its place: a program that reads stops before one, as with TCP.

use std::os::fd::AsFd;

use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Key, MsgFlags, Ready, SocketId};
use loggia_stack::socket::numbers::SIOCATMARK;

use super::Supervisor;
use super::stream::Step;
use crate::sys::socket;

/// True if the next byte of the stream is an urgent one, which the program was not given yet.
pub(super) fn is_next(world: &mut World, host: HostId, id: SocketId) -> bool {
    let stack = world.stack(host);
    stack.readiness(id).is_ok_and(|ready| ready.contains(Ready::PRI)) && stack.query(id, SIOCATMARK) == Ok(1)
}

impl Supervisor {
    /// Carries the urgent byte that has come to our end. It leaves the stack only if there is room for it.
    pub(super) fn urgent_in(&mut self, world: &mut World, key: Key) -> Step {
        let Some(entry) = self.table.get_mut(key) else { return Step::Done };
        let (host, id) = (entry.host, entry.id);
        let Some(end) = &entry.end else { return Step::Done };
        let mut byte = [0];
        if world.stack(host).recv(id, &mut byte, MsgFlags::OOB | MsgFlags::PEEK) != Ok(1) {
            return Step::Done;
        }
        match socket::send(end.as_fd(), &byte, libc::MSG_OOB) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                self.wait_for_room(key);
                return Step::Done;
            }
            // The program reads no more: its close comes separately.
            Err(_) => entry.deaf = true,
            Ok(_) => {}
        }
        let _ = world.stack(host).recv(id, &mut byte, MsgFlags::OOB);
        Step::Again
    }
}

//! `shutdown`.

use std::os::fd::AsFd;

use loggia_lab::world::World;
use loggia_stack::base::TcpState;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{DONE, Fault, Outcome};
use super::table::Phase;
use crate::sys::socket;

impl Supervisor {
    pub(super) fn shutdown(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let how = call.int(1);
        let (host, id) = self.socket_of(subject)?;
        self.touched(host);
        if !(libc::SHUT_RD..=libc::SHUT_RDWR).contains(&how) {
            return Err(Fault(libc::EINVAL));
        }
        let stands = world.stack(host).tcp_state(id).is_some_and(|state| state != TcpState::Closed);
        if self.phase(subject.key)? == Phase::Connected && stands {
            return self.shutdown_stream(world, subject, how);
        }
        self.flush_datagrams(world, subject.key);
        let result = world.stack(host).shutdown(id, how);
        // Natively too, so that whoever waits there goes on.
        let _ = socket::shutdown(subject.program.as_fd(), how);
        if let Some(entry) = self.table.get_mut(subject.key) {
            if entry.phase == Phase::Datagram {
                entry.deaf |= how != libc::SHUT_WR;
            } else {
                entry.shut_both = true;
            }
        }
        self.look_later(world);
        self.wake(world, subject.key);
        result?;
        DONE
    }

    /// What was written before goes first: the stack is told of the end when it is read at our end.
    fn shutdown_stream(&mut self, world: &mut World, subject: &Subject, how: i32) -> Outcome {
        let (host, id) = self.socket_of(subject)?;
        let (read, write) = (how != libc::SHUT_WR, how != libc::SHUT_RD);
        socket::shutdown(subject.program.as_fd(), how)?;
        if read {
            world.stack(host).shutdown(id, libc::SHUT_RD)?;
        }
        let entry = self.table.get_mut(subject.key).ok_or(Fault(libc::EBADF))?;
        entry.deaf |= read;
        entry.shut_write |= write;
        entry.shut_both |= entry.deaf && entry.shut_write;
        if write {
            (entry.readable, entry.ending) = (true, true);
            self.stream_out(world, subject.key);
        }
        self.look_later(world);
        DONE
    }
}

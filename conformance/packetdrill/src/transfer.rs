//! `splice` and `sendfile`: between a socket of ours and a descriptor of the kernel.

use loggia_stack::Errno;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SIOCATMARK;

use crate::machine::{Machine, Outcome};
use crate::stream::Outgoing;
use crate::sys;

/// The most that one call moves: what a pipe holds.
const AT_ONCE: usize = 1 << 16;

impl Machine {
    /// `splice` from a socket into a pipe, or from a pipe into a socket. `EINVAL` if neither end is a socket of ours.
    pub fn splice(&self, from: i32, to: i32, len: usize, flags: u32) -> Outcome<usize> {
        let (ours_in, ours_out) = {
            let world = self.lock();
            (world.descriptors.is_ours(from), world.descriptors.is_ours(to))
        };
        let wait = if flags & libc::SPLICE_F_NONBLOCK != 0 { MsgFlags::DONTWAIT } else { MsgFlags::NONE };
        match (ours_in, ours_out) {
            (true, false) => self.drain_into(from, to, len.min(AT_ONCE), wait),
            (false, true) => self.fill_from(from, to, len.min(AT_ONCE), wait),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn drain_into(&self, socket: i32, pipe: i32, len: usize, wait: MsgFlags) -> Outcome<usize> {
        let mut bytes = vec![0; len];
        let received = match self.receive_message(socket, &mut [&mut bytes], 0, wait) {
            // Linux does not wait at an urgent byte, which no splice can take.
            Err(failed) if failed == Errno::EAGAIN.into() && self.is_at_mark(socket) => return Ok(0),
            result => result?,
        };
        sys::kernel::write_all(pipe, &bytes[..received.len])?;
        Ok(received.len)
    }

    fn is_at_mark(&self, socket: i32) -> bool {
        self.at_once(socket, |world, id| world.host.stack.query(id, SIOCATMARK)).is_ok_and(|at| at == 1)
    }

    fn fill_from(&self, pipe: i32, socket: i32, len: usize, wait: MsgFlags) -> Outcome<usize> {
        let bytes = sys::kernel::read(pipe, len)?;
        self.send_message(socket, &Outgoing { data: &[&bytes], to: None, control: &[], flags: wait })
    }

    /// `sendfile` of what a file holds from `offset` on: how much was sent.
    pub fn send_file(&self, socket: i32, file: i32, offset: i64, len: usize) -> Outcome<usize> {
        let bytes = sys::kernel::read_at(file, offset, len)?;
        self.send_message(socket, &Outgoing { data: &[&bytes], to: None, control: &[], flags: MsgFlags::NONE })
    }
}

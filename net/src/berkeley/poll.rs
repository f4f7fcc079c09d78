//! `poll`.

use std::io;
use std::time::{Duration, Instant};

use loggia_stack::base::Ready;

use super::numbers::POLLNVAL;
use super::{Berkeley, Fd};
use crate::blocking::{Blocking, moment_in, park, waker};
use crate::driver::Slot;

/// What is waited for at a descriptor, and what came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollFd {
    /// The descriptor; a negative one is passed over.
    pub fd: Fd,
    /// `POLLIN`, `POLLOUT`, …
    pub events: i16,
    /// What is there: of `events`, and always `POLLERR`, `POLLHUP`, `POLLNVAL`.
    pub revents: i16,
}

impl Berkeley {
    /// Waits until something is there at one of the descriptors, or `timeout` is over; says at how many. They are sockets.
    pub fn poll(&self, fds: &mut [PollFd], timeout: Option<Duration>) -> io::Result<usize> {
        let deadline = timeout.map(moment_in);
        let sockets: Vec<Option<Blocking>> = fds.iter().map(|poll| self.get(poll.fd).ok()).collect();
        let mut slot = None;
        loop {
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let found = self.host.with(|stack, waiters| {
                let mut found = 0;
                for (poll, socket) in fds.iter_mut().zip(&sockets) {
                    poll.revents = match socket {
                        None if poll.fd < 0 => 0,
                        None => POLLNVAL,
                        Some(socket) => {
                            let ready = stack.readiness(socket.socket().id).unwrap_or(Ready::ERR);
                            ready.0 as i16 & (poll.events | Ready::ERR.0 as i16 | Ready::HUP.0 as i16)
                        }
                    };
                    found += usize::from(poll.revents != 0);
                }
                let done = found > 0 || late;
                if done && slot.is_none() {
                    return Some(found);
                }
                let slot: Slot = *slot.get_or_insert_with(|| waiters.slot());
                for (poll, socket) in fds.iter().zip(&sockets) {
                    let Some(socket) = socket else { continue };
                    if done {
                        waiters.leave(socket.socket().id, slot);
                    } else {
                        waiters.wait(socket.socket().id, slot, Ready(poll.events as u16), &waker());
                    }
                }
                (done || waiters.is_closed()).then_some(found)
            });
            if let Some(found) = found {
                return Ok(found);
            }
            park(deadline);
        }
    }
}

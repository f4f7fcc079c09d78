//! Waiting at several sockets, each of another shard. No two locks are held at a time.

use std::io;

use loggia_stack::base::{Errno, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::blocking::{park, waker};
use crate::driver::{Slot, Waiters};
use crate::socket::{Socket, error};

/// One of the sockets at which a thread waits.
struct Waiting<'a> {
    socket: &'a Socket,
    slot: Option<Slot>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            drop(self.socket.host.with(|_, waiters| waiters.leave(self.socket.id, slot)));
        }
    }
}

/// Repeats `work` at each of the sockets, from the `first` on, until it need not wait at one. Says at which.
pub(super) fn when_any<T>(
    sockets: &[&Socket],
    first: usize,
    interest: Ready,
    mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
) -> io::Result<(usize, T)> {
    let mut waiting: Vec<_> = sockets.iter().map(|socket| Waiting { socket, slot: None }).collect();
    let count = waiting.len();
    loop {
        for place in (0..count).map(|step| (first + step) % count) {
            let Waiting { socket, slot } = &mut waiting[place];
            let mut left = None;
            let tried = socket.host.with(|stack, waiters| match work(stack, waiters, socket.id) {
                Err(Errno::EAGAIN) if waiters.is_closed() => Err(Errno::ENETDOWN),
                Err(Errno::EAGAIN) => {
                    let slot = *slot.get_or_insert_with(|| waiters.slot());
                    left = Some(waiters.wait(socket.id, slot, interest, &waker()));
                    Err(Errno::EAGAIN)
                }
                done => done,
            });
            drop(left);
            match tried {
                Ok(done) => return Ok((place, done)),
                Err(Errno::EAGAIN) => {}
                Err(errno) => return Err(error(errno)),
            }
        }
        park(None);
    }
}

//! Waiting at several sockets, each of another shard. No two locks are held at a time.

use std::io;
use std::task::{Context, Poll};

use loggia_stack::base::{Errno, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::blocking::{Blocking, Patience, park, waker};
use crate::driver::Waiters;
use crate::socket::error;
use crate::waiting::Registration;

/// Repeats `work` at each of the sockets, from the `first` on, until it need not wait at one. Says at which. Whether it waits and for how long
/// (`SO_RCVTIMEO`) the socket on the first shard says: `EAGAIN`
pub(super) fn when_any<T>(
    sockets: &[&Blocking],
    first: usize,
    interest: Ready,
    mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
) -> io::Result<(usize, T)> {
    let (count, head) = (sockets.len(), sockets[0]);
    let (waker, mut patience) = (waker(), Patience::reading());
    let cx = Context::from_waker(&waker);
    let mut waiting: Vec<_> = sockets.iter().map(|socket| Registration::new(socket.socket())).collect();
    loop {
        // Asked before the sockets are: what came in time is found.
        let over = head.is_nonblocking() || patience.is_over();
        for place in (0..count).map(|step| (first + step) % count) {
            if let Poll::Ready(done) = waiting[place].attempt(&cx, interest, &mut work) {
                return done.map(|done| (place, done));
            }
        }
        if over {
            return Err(error(Errno::EAGAIN));
        }
        let socket = head.socket();
        park(socket.host.with(|stack, _| patience.deadline(stack, socket.id)));
    }
}

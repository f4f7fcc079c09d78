//! Waiting at several sockets, each of another shard. No two locks are held at a time.

use std::io;
use std::task::{Context, Poll};

use loggia_stack::base::{Errno, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::blocking::{Blocking, Patience, park, waker};
use crate::driver::Waiters;
use crate::socket::{Socket, error};
use crate::waiting::Registration;

/// One who waits at several sockets, until it is dropped.
pub(crate) struct Several<'a> {
    waiting: Vec<Registration<'a>>,
    /// Where it begins.
    first: usize,
}

impl<'a> Several<'a> {
    pub(crate) fn new(sockets: impl Iterator<Item = &'a Socket>, first: usize) -> Self {
        Self { waiting: sockets.map(Registration::new).collect(), first }
    }

    /// Tries `work` at each of the sockets until it need not wait at one; says at which. Otherwise leaves a waker behind at all of them.
    pub(crate) fn attempt<T>(
        &mut self,
        cx: &Context<'_>,
        interest: Ready,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> Poll<io::Result<(usize, T)>> {
        let count = self.waiting.len();
        for place in (0..count).map(|step| (self.first + step) % count) {
            if let Poll::Ready(done) = self.waiting[place].attempt(cx, interest, &mut work) {
                return Poll::Ready(done.map(|done| (place, done)));
            }
        }
        Poll::Pending
    }
}

/// Repeats `work` at each of the sockets, from the `first` on, until it need not wait at one. Says at which. Whether it waits and for how long
/// (`SO_RCVTIMEO`) the socket on the first shard says: `EAGAIN`
pub(super) fn when_any<T>(
    sockets: &[&Blocking],
    first: usize,
    interest: Ready,
    mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
) -> io::Result<(usize, T)> {
    let head = sockets[0];
    let (waker, mut patience) = (waker(), Patience::reading());
    let mut waiting = Several::new(sockets.iter().map(|socket| socket.socket()), first);
    loop {
        // Asked before the sockets are: what came in time is found.
        let over = head.is_nonblocking() || patience.is_over();
        if let Poll::Ready(done) = waiting.attempt(&Context::from_waker(&waker), interest, &mut work) {
            return done;
        }
        if over {
            return Err(error(Errno::EAGAIN));
        }
        let socket = head.socket();
        park(socket.host.with(|stack, _| patience.deadline(stack, socket.id)));
    }
}

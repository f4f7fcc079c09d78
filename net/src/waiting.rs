//! How a future waits for a socket, whoever runs it, and how a thread waits for a future.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use loggia_stack::base::{Errno, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::blocking::{park, waker};
use crate::driver::{Left, Slot, Waiters};
use crate::socket::{Socket, error};

/// Tries `work`; if it has to wait, leaves a waker behind.
pub(crate) fn attempt<T>(
    socket: &Socket,
    cx: &Context<'_>,
    slot: &mut Option<Slot>,
    interest: Ready,
    work: impl FnOnce(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
) -> Poll<io::Result<T>> {
    let id = socket.id;
    let (result, left) = socket.host.with(|stack, waiters| match work(stack, waiters, id) {
        Err(Errno::EAGAIN) if waiters.is_closed() => (Poll::Ready(Err(error(Errno::ENETDOWN))), Left::default()),
        Err(Errno::EAGAIN) => {
            let slot = *slot.get_or_insert_with(|| waiters.slot());
            (Poll::Pending, waiters.wait(id, slot, interest, cx.waker()))
        }
        done => {
            let left = slot.take().map(|slot| waiters.leave(id, slot)).unwrap_or_default();
            (Poll::Ready(done.map_err(error)), left)
        }
    });
    drop(left);
    result
}

/// One who waits at a socket, until it is dropped.
pub(crate) struct Registration<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) slot: Option<Slot>,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            drop(self.socket.host.with(|_, waiters| waiters.leave(self.socket.id, slot)));
        }
    }
}

impl Socket {
    /// Repeats `work` until it need not wait. Any number of futures may, on any executor.
    pub(crate) async fn until<T>(
        &self,
        interest: Ready,
        mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let mut waiting = Registration { socket: self, slot: None };
        poll_fn(move |cx| attempt(self, cx, &mut waiting.slot, interest, |stack, _, id| work(stack, id))).await
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = waker();
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        park(None);
    }
}

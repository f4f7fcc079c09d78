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

/// Tries `work`; if it has to wait, leaves a waker behind under `slot`.
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
    socket: &'a Socket,
    slot: Option<Slot>,
}

impl<'a> Registration<'a> {
    pub(crate) fn new(socket: &'a Socket) -> Self {
        Self { socket, slot: None }
    }

    /// See [`attempt`]. A method, because a closure that names the field alone would have a copy of it, of which `drop` knows nothing.
    pub(crate) fn attempt<T>(
        &mut self,
        cx: &Context<'_>,
        interest: Ready,
        work: impl FnOnce(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> Poll<io::Result<T>> {
        attempt(self.socket, cx, &mut self.slot, interest, work)
    }

    /// Is woken by whatever comes from now on, whether or not the socket is ready already; says whether it is.
    #[cfg(feature = "tokio")]
    pub(crate) fn watch(&mut self, cx: &Context<'_>, interest: Ready, is_due: impl FnOnce(Ready) -> bool) -> io::Result<bool> {
        let Socket { host, id } = self.socket;
        let (due, left) = host.with(|stack, waiters| {
            let due = stack.readiness(*id).map(is_due);
            if due == Ok(false) && waiters.is_closed() {
                return (Err(Errno::ENETDOWN), Left::default());
            }
            let slot = *self.slot.get_or_insert_with(|| waiters.slot());
            (due, waiters.wait(*id, slot, interest, cx.waker()))
        });
        drop(left);
        due.map_err(error)
    }
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
        let mut waiting = Registration::new(self);
        poll_fn(move |cx| waiting.attempt(cx, interest, |stack, _, id| work(stack, id))).await
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

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    use super::*;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    /// A waker that wakes nobody, and how often it is there.
    pub(crate) fn waker() -> (Waker, impl Fn() -> usize) {
        let one = Arc::new(Nobody);
        (Waker::from(one.clone()), move || Arc::strong_count(&one) - 1)
    }

    /// Waits and gives up, a few times: meanwhile a waker is kept, and afterwards none.
    pub(crate) fn leaves_nothing_behind<F: Future>(mut wait: impl FnMut() -> F) {
        let (waker, count) = waker();
        for _ in 0..3 {
            let mut waiting = pin!(wait());
            for _ in 0..2 {
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                assert_eq!(count(), 2, "it is woken");
            }
        }
        assert_eq!(count(), 1, "and no longer");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use loggia_stack::base::MsgFlags;
    use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM};

    use super::testing::leaves_nothing_behind;
    use super::*;
    use crate::host::Host;
    use crate::socket::READ;

    #[test]
    fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let host = Host::builder().start().expect("a host");
        let socket = &Socket::new(&host, AF_INET, SOCK_DGRAM).expect("a socket");
        leaves_nothing_behind(|| async { socket.until(READ, |stack, id| stack.recv(id, &mut [0], MsgFlags::NONE)).await });
    }
}

//! How a task waits for a socket.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use ::tokio::io::Interest;
use ::tokio::task::coop::poll_proceed;
use loggia_stack::base::{Errno, Ready, SocketId};
use loggia_stack::engine::Stack;

use crate::driver::{Slot, Waiters};
use crate::socket::{READ, Socket, WRITE, error};
use crate::waiting::{Registration, attempt};

impl Socket {
    /// Tries `work`, and is woken in this direction if it has to wait. As with tokio only the last who polls a direction is woken.
    pub(crate) fn poll_call<T>(
        &self,
        cx: &mut Context<'_>,
        slot: Slot,
        work: impl FnOnce(&mut Stack, SocketId) -> Result<T, Errno>,
    ) -> Poll<io::Result<T>> {
        let interest = if slot == Slot::Reader { READ } else { WRITE };
        self.poll_call_waiting(cx, slot, interest, |stack, _, id| work(stack, id))
    }

    /// As [`Socket::poll_call`], for work that knows who waits.
    pub(crate) fn poll_call_waiting<T>(
        &self,
        cx: &mut Context<'_>,
        slot: Slot,
        interest: Ready,
        work: impl FnOnce(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> Poll<io::Result<T>> {
        let budget = ready!(poll_proceed(cx));
        let result = attempt(self, cx, &mut Some(slot), interest, work);
        if result.is_ready() {
            budget.made_progress();
        }
        result
    }

    /// Repeats `work` until it need not wait. Any number of tasks may.
    pub(crate) async fn when<T>(
        &self,
        interest: Ready,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let mut waiting = Registration::new(self);
        poll_fn(move |cx| {
            let budget = ready!(poll_proceed(cx));
            let result = waiting.attempt(cx, interest, &mut work);
            if result.is_ready() {
                budget.made_progress();
            }
            result
        })
        .await
    }

    /// Repeats a read until it need not wait.
    pub(crate) async fn reading<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(READ, |stack, _, id| work(stack, id)).await
    }

    /// Repeats a write until it need not wait.
    pub(crate) async fn writing<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(WRITE, |stack, _, id| work(stack, id)).await
    }

    /// Waits until anything of `interest` is ready.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<::tokio::io::Ready> {
        let bits = bits(interest);
        self.when(bits, move |stack, _, id| due(stack.readiness(id)?, bits)).await.map(|ready| told(ready, interest))
    }

    /// Is woken once anything of the slot's direction is ready.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>, slot: Slot) -> Poll<io::Result<()>> {
        let bits = if slot == Slot::Reader { READ } else { WRITE };
        self.poll_call(cx, slot, |stack, id| due(stack.readiness(id)?, bits)).map_ok(|_| ())
    }

    /// Runs `work` if the socket is ready for it; `WouldBlock` otherwise.
    pub(crate) fn try_io<R>(&self, interest: Interest, work: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        due(self.readiness()?, bits(interest)).map_err(error)?;
        work()
    }

    /// Waits for readiness and runs `work`, again each time something comes while that says `WouldBlock`: as with tokio that may be for reasons
    /// of its own, though the socket is ready.
    pub(crate) async fn async_io<R>(&self, interest: Interest, mut work: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        let bits = bits(interest);
        let mut waiting = Registration::new(self);
        poll_fn(move |cx| {
            let budget = ready!(poll_proceed(cx));
            if !waiting.watch(cx, bits, |ready| due(ready, bits).is_ok())? {
                return Poll::Pending;
            }
            match work() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                done => {
                    budget.made_progress();
                    Poll::Ready(done)
                }
            }
        })
        .await
    }
}

fn due(ready: Ready, bits: Ready) -> Result<Ready, Errno> {
    if ready.intersects(bits | Ready::ERR | Ready::HUP) { Ok(ready) } else { Err(Errno::EAGAIN) }
}

/// The bits that `poll` has for tokio's interest.
fn bits(interest: Interest) -> Ready {
    let pairs = [
        (interest.is_readable(), READ),
        (interest.is_writable(), WRITE),
        (interest.is_priority(), Ready::PRI),
        (interest.is_error(), Ready::ERR),
    ];
    pairs.into_iter().filter(|(wanted, _)| *wanted).fold(Ready::NONE, |bits, (_, more)| bits | more)
}

/// What tokio makes of the bits that `epoll` reports (mio's reading of them), as far as it was asked for.
fn told(ready: Ready, interest: Interest) -> ::tokio::io::Ready {
    use ::tokio::io::Ready as Told;
    let (hup, err) = (ready.contains(Ready::HUP), ready.contains(Ready::ERR));
    let pairs = [
        (interest.is_readable() && ready.contains(Ready::IN), Told::READABLE),
        (interest.is_readable() && (hup || ready.contains(Ready::RDHUP)), Told::READ_CLOSED),
        (interest.is_writable() && ready.contains(Ready::OUT), Told::WRITABLE),
        (interest.is_writable() && (hup || err), Told::WRITE_CLOSED),
        (interest.is_priority() && ready.contains(Ready::PRI), Told::PRIORITY),
        (interest.is_error() && err, Told::ERROR),
    ];
    pairs.into_iter().filter(|(is, _)| *is).fold(Told::EMPTY, |told, (_, more)| told | more)
}

//! A future that ends at the latest at a moment.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use loggia_stack::base::Instant;

use super::sleep::{Sleep, sleep, sleep_until};
use crate::host::Host;

/// What `future` gives, or [`Elapsed`] if that takes longer than `duration`.
pub fn timeout<F: Future>(host: &Host, duration: Duration, future: F) -> Timeout<F> {
    Timeout { future: Box::pin(future), sleep: sleep(host, duration) }
}

/// What `future` gives, or [`Elapsed`] if it is not ready at `deadline`.
pub fn timeout_at<F: Future>(host: &Host, deadline: Instant, future: F) -> Timeout<F> {
    Timeout { future: Box::pin(future), sleep: sleep_until(host, deadline) }
}

/// See [`timeout`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(result) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(result));
        }
        pin!(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

/// It took too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> Self {
        io::ErrorKind::TimedOut.into()
    }
}

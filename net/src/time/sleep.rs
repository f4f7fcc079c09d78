//! A future that is ready at a moment.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use loggia_stack::base::Instant;

use crate::host::Host;

/// Ready when `duration` has passed on this host.
pub fn sleep(host: &Host, duration: Duration) -> Sleep {
    sleep_until(host, host.now() + duration)
}

/// Ready at a moment of this host's time.
pub fn sleep_until(host: &Host, deadline: Instant) -> Sleep {
    Sleep { host: host.clone(), deadline, name: None }
}

/// See [`sleep`]. It is ready too when the host has ended, which keeps no time any more.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sleep {
    host: Host,
    deadline: Instant,
    name: Option<(Instant, u64)>,
}

impl Sleep {
    /// When it is ready.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// True if it is.
    pub fn is_elapsed(&self) -> bool {
        self.host.now() >= self.deadline
    }

    /// Waits for another moment instead.
    pub fn reset(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = deadline;
    }

    fn cancel(&mut self) {
        if let Some(name) = self.name.take() {
            drop(self.host.with(|_, waiters| waiters.cancel(name)));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { host, deadline, name } = &mut *self;
        let (result, left) = host.with(|stack, waiters| {
            let left = name.take().map(|name| waiters.cancel(name));
            if stack.now() >= *deadline || waiters.is_closed() {
                return (Poll::Ready(()), left);
            }
            *name = Some(waiters.wait_until(*deadline, cx.waker()));
            (Poll::Pending, left)
        });
        drop(left);
        result
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

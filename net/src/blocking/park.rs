//! How a thread sleeps and is woken.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// Wakes a thread that is parked.
struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until this thread's waker is woken, or the deadline; perhaps less.
pub(crate) fn park(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

/// What wakes this thread from [`park`].
pub(crate) fn waker() -> Waker {
    WAKER.with(Waker::clone)
}

thread_local! {
    /// This thread's waker. A wake that comes late makes a later wait look once in vain.
    static WAKER: Waker = Waker::from(Arc::new(Unparker(thread::current())));
}

//! Which thread is at something at the moment.
//!
//! A device that says it is ready from within `send` does so under the host's lock, and would wait for itself; so would a waker that waits for
//! the host's end on the thread that is to bring it about.

use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    /// Its address tells threads apart that are there at the same time.
    static HERE: u8 = const { 0 };
}

fn here() -> usize {
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// The thread that is at it; there is one at a time.
#[derive(Debug, Default)]
pub(super) struct Here(AtomicUsize);

impl Here {
    /// This thread is the one, until what this gives is dropped.
    pub(super) fn begin(&self) -> Begun<'_> {
        self.0.store(here(), Ordering::Relaxed);
        Begun(self)
    }

    /// True if this thread is the one. Others may write meanwhile, but none of them writes this thread's mark.
    pub(super) fn is_here(&self) -> bool {
        self.0.load(Ordering::Relaxed) == here()
    }
}

/// See [`Here::begin`].
pub(super) struct Begun<'a>(&'a Here);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Relaxed);
    }
}

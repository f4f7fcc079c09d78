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

/// The thread that is at it; there is one at a time, and of two that follow each other the first may go a little late.
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
        // Another may have come before this one has gone.
        let _ = self.0.0.compare_exchange(here(), 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_goes_late_does_not_take_away_whoever_has_come() {
        let at = &Here::default();
        let ((came, others_come), (go, others_go)) = (mpsc::channel(), mpsc::channel::<()>());
        thread::scope(|scope| {
            let begun = at.begin();
            assert!(at.is_here());
            scope.spawn(move || {
                let begun = at.begin();
                came.send(()).expect("somebody listens");
                // An error is a panic of the other.
                let _ = others_go.recv();
                assert!(at.is_here());
                drop(begun);
                assert!(!at.is_here());
            });
            others_come.recv().expect("it comes");
            drop(begun);
            go.send(()).expect("it waits");
        });
    }
}

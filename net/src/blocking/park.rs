//! How a thread sleeps and is woken.

use std::cell::Cell;
use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use super::spin::Spin;

/// Wakes a thread that is parked.
struct Unparker {
    thread: Thread,
    /// It was woken. Only for who stays awake a little before it parks; whether it may go on the thread's own token says.
    woken: AtomicBool,
}

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order: who sees the mark has the token, and need not sleep for it.
        self.thread.unpark();
        self.woken.store(true, Ordering::Release);
    }
}

/// Sleeps until this thread's waker is woken, or the deadline; perhaps less.
pub(crate) fn park(deadline: Option<Instant>) {
    stay_awake(deadline);
    match deadline {
        None => thread::park(),
        Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

/// Waits awake as long as it pays.
fn stay_awake(deadline: Option<Instant>) {
    let mut spin = SPIN.get();
    if let Some(limit) = spin.next() {
        let began = Instant::now();
        let end = deadline.map_or(began + limit, |deadline| deadline.min(began + limit));
        let woken = HERE.with(|here| {
            loop {
                // A clock is read in the time of some thirty looks.
                for _ in 0..32 {
                    if here.woken.load(Ordering::Acquire) {
                        return true;
                    }
                    hint::spin_loop();
                }
                if Instant::now() >= end {
                    return false;
                }
            }
        });
        spin.ended(woken);
    }
    SPIN.set(spin);
    HERE.with(|here| here.woken.store(false, Ordering::Relaxed));
}

/// What wakes this thread from [`park`].
pub(crate) fn waker() -> Waker {
    WAKER.with(Waker::clone)
}

thread_local! {
    static HERE: Arc<Unparker> = Arc::new(Unparker { thread: thread::current(), woken: AtomicBool::new(false) });
    /// This thread's waker. A wake that comes late makes a later wait look once in vain.
    static WAKER: Waker = Waker::from(HERE.with(Arc::clone));
    static SPIN: Cell<Spin> = const { Cell::new(Spin::NEW) };
}

//! The stream of events, as the listener holds it, and the end that hosts hold.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::iter::FusedIterator;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loggia_stack::base::Errno;

use super::options::Options;
use super::what::Event;
use crate::blocking::{moment_in, park, waker};
use crate::socket::error;

/// What the two ends share.
#[derive(Debug)]
struct Shared {
    options: Options,
    state: Mutex<State>,
    /// The listener is gone. Changes under the lock; a host looks at it after all that happens, and does so without.
    deaf: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Event>,
    lost: u64,
    waker: Option<Waker>,
    /// Hosts that tell.
    tellers: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens on a host: see [`Host::events`](crate::Host::events). As an iterator it waits for the next event, and ends with the host.
///
/// It does not keep the host alive. Dropping it ends the recording.
#[derive(Debug)]
pub struct Events(Arc<Shared>);

impl Events {
    /// A stream, and the end for hosts, for those who write a [`Driver`](crate::Driver).
    pub(crate) fn new(options: Options) -> (Self, Listener) {
        let shared = Arc::new(Shared { options, state: Mutex::default(), deaf: AtomicBool::new(false) });
        (Self(shared.clone()), Listener::new(shared))
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.lock().queue.pop_front()
    }

    /// Waits for the next event, for `limit` at most: [`TimedOut`](io::ErrorKind::TimedOut). `ENETDOWN` once the host is over and everything
    /// was told.
    pub fn next_timeout(&mut self, limit: Duration) -> io::Result<Event> {
        let deadline = moment_in(limit);
        loop {
            match self.poll(&waker()) {
                Poll::Ready(Some(event)) => return Ok(event),
                Poll::Ready(None) => return Err(error(Errno::ENETDOWN)),
                Poll::Pending if std::time::Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
                Poll::Pending => park(Some(deadline)),
            }
        }
    }

    /// Waits for the next event; none once the host is over. For tasks of any executor; nothing is lost if this is dropped.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`Events::recv`], to be polled.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(cx.waker())
    }

    /// How many events were lost since the beginning because they were not fetched in time.
    pub fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    fn poll(&self, waker: &Waker) -> Poll<Option<Event>> {
        let mut state = self.0.lock();
        match state.queue.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if state.tellers == 0 => Poll::Ready(None),
            None => {
                let before = state.waker.replace(waker.clone());
                drop(state);
                // With the last waker of a task the task may go, and with it whatever it owns.
                drop(before);
                Poll::Pending
            }
        }
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.poll(&waker()) {
                Poll::Ready(event) => return event,
                Poll::Pending => park(None),
            }
        }
    }
}

impl FusedIterator for Events {}

#[cfg(feature = "tokio")]
impl futures_core::Stream for Events {
    type Item = Event;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        self.0.deaf.store(true, Ordering::Release);
        // A host drops its end under its lock, so nothing of a task's may be left there.
        let left = (std::mem::take(&mut state.queue), state.waker.take());
        drop(state);
        drop(left);
    }
}

/// The end of a stream of events that a host holds; see [`Driver::listen`](crate::Driver::listen). With the last of its clones the stream
/// ends.
#[derive(Debug)]
pub struct Listener(Arc<Shared>);

impl Listener {
    fn new(shared: Arc<Shared>) -> Self {
        shared.lock().tellers += 1;
        Self(shared)
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    /// False once nobody listens any more.
    pub(super) fn is_heard(&self) -> bool {
        !self.0.deaf.load(Ordering::Acquire)
    }

    /// Appends an event, or counts it as lost. Gives who is to be woken, without the host's lock.
    pub(super) fn tell(&self, event: Event) -> Option<Waker> {
        let mut state = self.0.lock();
        if state.queue.len() >= self.0.options.capacity {
            state.lost += 1;
        } else if self.is_heard() {
            state.queue.push_back(event);
        }
        state.waker.take()
    }

    /// So many events were lost before they came here.
    pub(super) fn missed(&self, count: u64) {
        self.0.lock().lost += count;
    }
}

impl Clone for Listener {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.tellers -= 1;
        let waker = if state.tellers == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Wake;
    use std::thread;

    use loggia_stack::base::Instant;

    use super::super::what::What;
    use super::*;

    fn event(n: u64) -> Event {
        Event { at: Instant::from_nanos(n), what: What::Interface { interface: "lo".into(), up: true } }
    }

    #[test]
    fn what_is_not_fetched_in_time_is_lost_and_counted() {
        let (mut events, listener) = Events::new(Options::default().capacity(2));
        for n in 0..5 {
            listener.tell(event(n));
        }
        listener.missed(7);
        assert_eq!(events.lost(), 10);
        drop(listener);
        assert_eq!(events.by_ref().map(|event| event.at.nanos()).collect::<Vec<_>>(), [0, 1], "the oldest stay");
        assert_eq!(events.next_timeout(Duration::MAX).map_err(|e| e.raw_os_error()), Err(Some(100)), "ENETDOWN");
    }

    #[test]
    fn it_ends_with_the_last_of_those_who_tell() {
        let (mut events, one) = Events::new(Options::default());
        let other = one.clone();
        drop(one);
        let waiting = thread::spawn(move || (events.next(), events.next()));
        other.tell(event(1)).into_iter().for_each(Waker::wake);
        drop(other);
        assert_eq!(waiting.join().expect("no panic"), (Some(event(1)), None));
    }

    #[test]
    fn who_does_not_wait_gets_nothing() {
        let (mut events, listener) = Events::new(Options::default());
        assert_eq!(events.try_next(), None);
        assert_eq!(events.next_timeout(Duration::ZERO).expect_err("nothing").kind(), io::ErrorKind::TimedOut);
        drop(events);
        assert!(!listener.is_heard());
    }

    /// Sees, when it is dropped, whether the stream is locked.
    struct Probe {
        shared: Arc<Shared>,
        dropped: mpsc::Sender<bool>,
    }

    impl Wake for Probe {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Probe {
        fn drop(&mut self) {
            let free = self.shared.state.try_lock().is_ok();
            self.dropped.send(free).expect("the test looks");
        }
    }

    #[test]
    fn wakers_are_dropped_without_a_lock() {
        let (mut events, listener) = Events::new(Options::default());
        let (dropped, seen) = mpsc::channel();
        let probe = || Waker::from(Arc::new(Probe { shared: listener.0.clone(), dropped: dropped.clone() }));
        for _ in 0..2 {
            assert!(events.poll_recv(&mut Context::from_waker(&probe())).is_pending());
        }
        assert_eq!(seen.try_recv(), Ok(true), "another took its place");
        drop(events);
        assert_eq!(seen.try_recv(), Ok(true), "nothing is left for the host to drop");
    }
}

//! Keeping processors from falling asleep between the calls of programs that talk with each other.
//!
//! A processor that nobody wants stops. Where that is a virtual machine's, starting it again takes longer than most calls do: a program that opens
//! connections one after the other waits for that five times for each of them, for its own processor slept while ours worked, and the other way
//! round. So while calls, or large pieces of data, come in quick succession a thread of the lowest class (`SCHED_IDLE`) runs on each processor. It runs only
//! where nobody else wants to, and ends [`MOMENT`] after the last call.
//!
//! That is not done on machines of more than [`MOST`] processors, where nobody knows which of them a program will be woken on; where time is
//! counted against a quota, for it would be used up; and on machines that are not virtual, whose processors wake soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sys::{machine, schedule};

/// How long after a call the next one is waited for: longer than it takes a program to come from one to the next, data in between included.
const MOMENT: Duration = Duration::from_micros(200);
/// So many processors at most.
const MOST: usize = 4;

/// The processors of this machine, kept warm while there are calls.
#[derive(Debug)]
pub(super) struct Warm {
    shared: Arc<Shared>,
    /// Those that are kept warm; none if that is not done here.
    processors: Vec<usize>,
    threads: Vec<JoinHandle<()>>,
    /// Calls of programs, and large pieces of data, until the last look.
    stir: u64,
    last: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    /// Nanoseconds from then on until which the processors are to be warm.
    until: AtomicU64,
    over: AtomicBool,
}

impl Warm {
    /// Nothing runs yet.
    pub(super) fn new() -> Self {
        Self::on(if is_worth_it() { schedule::processors() } else { Vec::new() })
    }

    fn on(mut processors: Vec<usize>) -> Self {
        if !(2..=MOST).contains(&processors.len()) {
            processors.clear();
        }
        let shared = Shared { began: Instant::now(), until: AtomicU64::new(0), over: AtomicBool::new(false) };
        Self { shared: Arc::new(shared), processors, threads: Vec::new(), stir: 0, last: None }
    }

    /// Programs have made so many calls, and written so many large pieces, by now.
    pub(super) fn note(&mut self, stir: u64) {
        if stir == self.stir || self.processors.is_empty() {
            return;
        }
        self.stir = stir;
        let now = Instant::now();
        // A call alone is over before anybody is awake.
        if self.last.replace(now).is_some_and(|last| now - last < MOMENT) && self.shared.keep_until(now + MOMENT) {
            self.wake();
        }
    }

    fn wake(&mut self) {
        if self.threads.is_empty() {
            let shared = &self.shared;
            let start = |&processor: &usize| {
                let shared = shared.clone();
                std::thread::Builder::new().name("warm".into()).spawn(move || shared.run(processor)).ok()
            };
            self.threads = self.processors.iter().filter_map(start).collect();
        }
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.until.store(0, Ordering::SeqCst);
        // They end by themselves. To wait for them could take long: on a busy processor they hardly ever run.
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }
}

impl Shared {
    /// Says whether it was over before, so that the threads sleep or soon will.
    fn keep_until(&self, end: Instant) -> bool {
        let before = self.until.swap((end - self.began).as_nanos() as u64, Ordering::SeqCst);
        before <= self.now()
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn run(&self, processor: usize) {
        // Without that it would take time from others.
        if schedule::stay_on(processor).and_then(|()| schedule::be_idle()).is_err() {
            return;
        }
        while !self.over.load(Ordering::SeqCst) {
            while self.now() < self.until.load(Ordering::SeqCst) {
                // The thread that drives the world yields as well between two looks, and is to come next.
                std::thread::yield_now();
            }
            std::thread::park();
        }
    }
}

fn is_worth_it() -> bool {
    machine::is_virtual() && !machine::has_quota()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_far_apart_wake_nobody() {
        let mut warm = Warm::on(vec![0, 1]);
        for calls in 1..4 {
            warm.note(calls);
            std::thread::sleep(2 * MOMENT);
        }
        assert!(warm.threads.is_empty());
    }

    /// They begin, sleep when it is over, begin again, and end with it.
    #[test]
    fn they_sleep_when_no_calls_come() {
        let mut warm = Warm::on(schedule::processors().into_iter().cycle().take(2).collect());
        for round in 0..3 {
            (1..1000).for_each(|calls| warm.note(round * 1000 + calls));
            assert_eq!(warm.threads.len(), 2);
            let end = warm.shared.until.load(Ordering::SeqCst);
            while warm.shared.now() < end {}
            warm.note(round * 1000 + 1000);
            assert_eq!(warm.shared.until.load(Ordering::SeqCst), end, "one call alone");
        }
        let shared = Arc::downgrade(&warm.shared);
        drop(warm);
        // No thread is left, some day.
        while shared.upgrade().is_some() {
            std::thread::sleep(MOMENT);
        }
    }

    #[test]
    fn what_is_one_processor_or_many_is_left_alone() {
        for processors in [vec![0], (0..=MOST).collect()] {
            let mut warm = Warm::on(processors);
            (1..100).for_each(|calls| warm.note(calls));
            assert!(warm.threads.is_empty());
        }
    }
}

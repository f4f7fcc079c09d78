//! How things are timed, and where threads run.

use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

/// How long `work` took.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Round trips: how long all took together, and what 99 of 100 stayed below.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trips {
    pub(crate) count: usize,
    pub(crate) took: Duration,
    pub(crate) p99: Duration,
}

/// Times each of `count` round trips.
pub(crate) fn trips(count: usize, mut trip: impl FnMut()) -> Trips {
    let mut each = Vec::with_capacity(count);
    let began = Instant::now();
    let mut last = began;
    for _ in 0..count {
        trip();
        let now = Instant::now();
        each.push(now - last);
        last = now;
    }
    let took = began.elapsed();
    each.sort_unstable();
    Trips { count, took, p99: each[(count * 99 / 100).min(count - 1)] }
}

/// Keeps this thread on one core. Where that is not allowed or not wanted (`LOGGIA_BENCH_UNPINNED`) the scheduler decides, for all subjects
/// alike.
pub(crate) fn stay_on_core(core: usize) {
    if std::env::var_os("LOGGIA_BENCH_UNPINNED").is_some() {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut set = CpuSet::new();
    set.set(core % cores);
    let _ = sched_setaffinity(None, &set);
}

/// Runs both, each on a thread and a core of its own, and gives what the first gives.
pub(crate) fn on_two_cores<T: Send>(first: impl FnOnce() -> T + Send, second: impl FnOnce() + Send) -> T {
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            stay_on_core(0);
            first()
        });
        scope.spawn(|| {
            stay_on_core(1);
            second();
        });
        first.join().expect("it does not panic")
    })
}

/// Processor time that this process has used.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

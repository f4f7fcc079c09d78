//! How things are timed, and where threads run.

use std::io::{Read, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::figure::{Sample, Unit};

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

impl Trips {
    /// The mean, and beside it what 99 of 100 stayed below.
    pub(crate) fn samples(self, row: u8, what: &str, subject: &str) -> Vec<Sample> {
        let p99 = Sample::new(row, format!("{what}, p99"), subject, Unit::Micros, self.p99.as_secs_f64() * 1e6);
        vec![Sample::each(row, what, subject, self.count, self.took), p99]
    }
}

/// A byte there and back, between two threads that block.
pub(crate) fn ping_pong<S: Read + Write + Send>(mut here: S, mut there: S, count: usize) -> Trips {
    let first = move || {
        let mut byte = [0];
        trips(count, || {
            here.write_all(b"x").expect("room");
            here.read_exact(&mut byte).expect("it comes back");
        })
    };
    let second = move || {
        let mut byte = [0];
        for _ in 0..count {
            there.read_exact(&mut byte).expect("it comes");
            there.write_all(&byte).expect("room");
        }
    };
    on_two_cores(first, second)
}

/// The median of how many times as long `grown` takes as `alone`, measured `turns` times alternately after each was done once.
pub(crate) fn times<A>(turns: usize, alone: &mut A, grown: &mut A, mut work: impl FnMut(&mut A)) -> f64 {
    work(alone);
    work(grown);
    let mut ratios: Vec<f64> = (0..turns)
        .map(|_| {
            let before = timed(|| work(alone)).as_secs_f64();
            timed(|| work(grown)).as_secs_f64() / before
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[turns / 2]
}

/// Keeps this thread on one core. Where that is not allowed or not wanted (`LOGGIA_BENCH_UNPINNED`) the scheduler decides, for all subjects
/// alike.
pub(crate) fn stay_on_core(core: usize) {
    if std::env::var_os("LOGGIA_BENCH_UNPINNED").is_some() {
        return;
    }
    // Asked once, by who may still go where it likes: a thread that was kept on one core, and those it starts, count one.
    static CORES: OnceLock<usize> = OnceLock::new();
    let cores = *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
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

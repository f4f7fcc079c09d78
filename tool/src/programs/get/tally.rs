//! What became of all requests.

use std::time::Duration;

use super::request::Done;
use crate::programs::times::Times;
use crate::programs::values::{show_bytes, show_rate, show_time};
use crate::programs::{Failure, Output};

/// What became of requests.
#[derive(Debug, Default)]
pub(super) struct Tally {
    done: Vec<Each>,
    failed: u64,
}

#[derive(Debug)]
struct Each {
    bytes: u64,
    connect: Option<Duration>,
    first_byte: Duration,
    total: Duration,
}

impl Tally {
    pub(super) fn done(&mut self, done: &Done) {
        let Done { bytes, connect, first_byte, total, .. } = *done;
        self.done.push(Each { bytes, connect, first_byte, total });
    }

    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.done.extend(other.done);
        self.failed += other.failed;
    }

    pub(super) fn report(&self, took: Duration, out: &Output) {
        let bytes: u64 = self.done.iter().map(|each| each.bytes).sum();
        let (count, failed) = (self.done.len() as u64 + self.failed, self.failed);
        let (bytes, rate) = (show_bytes(bytes), show_rate(bytes, took));
        out.line(&format!("{count} requests, {failed} failed, {bytes} in {}, {rate}", show_time(took)));
        if self.done.is_empty() {
            return;
        }
        out.line(&Times::heading());
        let row = |name, time: fn(&Each) -> Option<Duration>| {
            let mut times = Times::default();
            self.done.iter().filter_map(time).for_each(|time| times.add(time));
            out.line(&times.row(name));
        };
        row("connect", |each| each.connect);
        row("answer", |each| Some(each.first_byte));
        row("total", |each| Some(each.total));
    }

    pub(super) fn verdict(&self) -> Result<(), Failure> {
        match self.failed {
            0 => Ok(()),
            failed => Err(Failure(format!("{failed} of {} requests failed", failed + self.done.len() as u64))),
        }
    }
}

//! Row 2: each stack on a thread of its own; frames go from one to the other through a queue.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant as Clock;

use loggia_bench::pair::{BUFFER, Host, Pair, Time, WRITE, Wire, pattern};
use loggia_stack::Instant;
use loggia_stack::base::{Frame, MsgFlags};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::{on_two_cores, timed};

/// Frames on their way in one direction.
#[derive(Default)]
struct Lane(Mutex<VecDeque<Frame>>);

impl Lane {
    fn put(&self, frames: impl Iterator<Item = Frame>) {
        self.0.lock().expect("no panic").extend(frames);
    }

    fn take(&self) -> VecDeque<Frame> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

/// Lets time pass, takes what has come, and gives away what wants to leave; true if anything came.
fn turn(host: &mut Host, began: Clock, from: &Lane, to: &Lane) -> bool {
    host.stack.advance(Instant::from_nanos(began.elapsed().as_nanos() as u64));
    let arrived = from.take();
    let any = !arrived.is_empty();
    host.stack.receive_many(host.link, arrived);
    if let Some(first) = host.leaving() {
        to.put(std::iter::once(first).chain(std::iter::from_fn(|| host.leaving())));
    }
    any
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(3 << 30);
    let began = Clock::now();
    let mut pair = Pair::new(Wire::Large, Time::Real(began));
    let (here, there) = pair.connect();
    let Pair { mut client, mut server, .. } = pair;
    let (up, down, done) = (Lane::default(), Lane::default(), AtomicBool::new(false));
    let reader = || {
        let mut sink = vec![0; WRITE];
        let mut received = 0;
        let mut until = |amount: usize| {
            while received < amount {
                if !turn(&mut server, began, &up, &down) {
                    std::hint::spin_loop();
                }
                while let Ok(count) = server.stack.recv(there, &mut sink, MsgFlags::NONE) {
                    received += count;
                }
            }
        };
        // Until windows and buffers have grown.
        until(8 * BUFFER);
        let took = timed(|| until(8 * BUFFER + amount));
        done.store(true, Ordering::Release);
        took
    };
    let writer = || {
        let source = pattern(Wire::Large.write());
        while !done.load(Ordering::Acquire) {
            // No room: the acknowledgements make some.
            let _ = client.stack.send(here, &source, MsgFlags::NONE);
            turn(&mut client, began, &down, &up);
        }
    };
    let took = on_two_cores(reader, writer);
    Ok(vec![Sample::rate(2, "bulk, 64 KiB segments, a thread for each stack", "loggia", amount, took)])
}

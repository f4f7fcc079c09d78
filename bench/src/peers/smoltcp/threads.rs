//! Row 2: each interface on a thread of its own, which polls without sleeping.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant as Clock;

use loggia_bench::pair::{BUFFER, LARGEST, WRITE, full_segments, pattern};
use smoltcp::time::Instant;

use super::host::{CLIENT, Host, PORT, SERVER};
use super::wire::{Frames, cable};
use crate::figure::Sample;
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::{on_two_cores, timed};

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(3 << 30);
    let [one, other] = cable::<Arc<Mutex<Frames>>>(LARGEST, false);
    let began = Clock::now();
    let now = || Instant::from_micros(began.elapsed().as_micros() as i64);
    let done = AtomicBool::new(false);
    let reader = || {
        let mut server = Host::new(SERVER, other);
        server.socket().listen(PORT).expect("listen");
        let mut sink = vec![0; WRITE];
        let mut received = 0;
        let mut until = |amount: usize| {
            while received < amount {
                server.poll(now());
                while server.socket().can_recv() {
                    received += server.socket().recv_slice(&mut sink).expect("open");
                }
            }
        };
        until(8 * BUFFER);
        let took = timed(|| until(8 * BUFFER + amount));
        done.store(true, Ordering::Release);
        took
    };
    let writer = || {
        let mut client = Host::new(CLIENT, one);
        let (first, source) = (client.first, pattern(full_segments(LARGEST - 40)));
        client.begin(first, PORT, 40_000);
        while !done.load(Ordering::Acquire) {
            if client.socket().can_send() {
                client.socket().send_slice(&source).expect("open");
            }
            client.poll(now());
        }
    };
    let took = on_two_cores(reader, writer);
    Ok(vec![Sample::rate(2, "bulk, 64 KiB segments, a thread for each stack", SMOLTCP, amount, took)])
}

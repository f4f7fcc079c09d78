//! Row 19: a long path in virtual time. Windows begin as they do by default and grow by themselves, as far as the system's largest buffers let
//! them (`tcp_rmem`, `tcp_wmem`: 64 MiB here, as on any Linux meant for such a path). Comes out the same on every machine.

use std::time::Duration;

use loggia_bench::lab::{Lab, link};
use loggia_lab::link::Limit;
use loggia_stack::Instant;
use loggia_stack::engine::Config;

use crate::figure::{Sample, Unit};
use crate::probe::Effort;

const PATHS: [(u64, &str); 3] =
    [(10_000_000, "10 Mbit/s, 100 ms"), (100_000_000, "100 Mbit/s, 100 ms"), (1_000_000_000, "1 Gbit/s, 100 ms")];

/// Payload of an Ethernet frame of 1514 bytes with TCP timestamps: what of a link's rate an application can have.
const PAYLOAD: f64 = 1448.0 / 1514.0;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let mut config = Config { memory: 1 << 30, ..Config::default() };
    config.tcp.rmem[2] = 64 << 20;
    config.tcp.wmem[2] = 64 << 20;
    // How long it is looked at after start-up.
    let seconds = if effort.quick { 3 } else { 10 };
    let share = |(bits, what): (u64, &str)| {
        // Without loss: the queue takes whatever the windows allow.
        let mut terms = link(bits, Duration::from_millis(50));
        terms.queue.limit = Limit::Infinite;
        let mut lab = Lab::new(&config, terms);
        let began = Instant::from_secs(10);
        lab.bulk(usize::MAX, began);
        let received = lab.bulk(usize::MAX, began + Duration::from_secs(seconds));
        let rate = received as f64 * 8.0 / seconds as f64;
        Sample::new(19, what, "loggia", Unit::Percent, rate / (bits as f64 * PAYLOAD) * 100.0)
    };
    Ok(PATHS.map(share).into())
}

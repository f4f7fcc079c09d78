//! Throughput in virtual time over a described link, pinned as snapshots beside this file.
//!
//! One flow: loss × round trip × buffers × reordering, over 200 Mbit/s with a queue of 256 KiB. Many flows: a shared bottleneck of
//! 200 Mbit/s with a queue of 64 KiB, each flow with a round trip of its own between 50 and 150 ms, and how fairly they share. Every byte
//! is checked. `LOGGIA_BLESS=1 cargo test -p loggia-stack --test grid` pins anew; a commit that does so says why. What flows must reach,
//! whatever is pinned, stands in `goals`.

#[path = "../sim/mod.rs"]
mod sim;
#[path = "../common/smoltcp_device.rs"]
mod smoltcp_device;

mod bbr;
mod flows;
mod goals;
mod smoltcp_flow;
mod tuned;

use std::fmt::Write as _;

use flows::{Outcome, Spec, run};
use loggia_stack::base::time::Duration;
use sim::{Conditions, pinned};

const LOSSES: [f64; 4] = [0.0, 0.001, 0.01, 0.05];
/// The last one is not set: it grows by itself.
const BUFFERS: [Option<usize>; 4] = [Some(32 << 10), Some(256 << 10), Some(4 << 20), None];
const REORDERINGS: [f64; 2] = [0.0, 0.01];

/// A cell of the grid: one flow.
fn cell(round_trip: Duration, loss: f64, buffer: Option<usize>, reorder: f64) -> Outcome {
    let conditions = Conditions {
        delay: round_trip / 2,
        loss,
        reorder,
        late: round_trip / 4,
        rate: 200_000_000,
        queue: 256 << 10,
        ..Conditions::default()
    };
    run(&Spec { seed: 1, flows: 1, buffer, bytes: 8 << 20, at_most: Duration::from_secs(30), conditions })
}

fn buffer_name(buffer: Option<usize>) -> String {
    buffer.map_or("tuned".into(), |bytes| format!("{} KiB", bytes >> 10))
}

/// The table of one round trip.
fn table(round_trip: Duration) -> String {
    let mut out = format!("goodput of one flow in kB/s, round trip {round_trip:?}\n\n{:>10}{:>12}", "buffer", "reordering");
    for loss in LOSSES {
        let _ = write!(out, "{:>12}", format!("loss {}%", loss * 100.0));
    }
    out.push('\n');
    for reorder in REORDERINGS {
        for buffer in BUFFERS {
            let _ = write!(out, "{:>10}{:>12}", buffer_name(buffer), format!("{}%", reorder * 100.0));
            for loss in LOSSES {
                let _ = write!(out, "{:>12.1}", cell(round_trip, loss, buffer, reorder).goodput() / 1e3);
            }
            out.push('\n');
        }
    }
    out
}

#[test]
fn one_flow_over_1_ms() {
    pinned("grid/one_flow_1ms.txt", &table(Duration::from_millis(1)));
}

#[test]
fn one_flow_over_10_ms() {
    pinned("grid/one_flow_10ms.txt", &table(Duration::from_millis(10)));
}

#[test]
fn one_flow_over_100_ms() {
    pinned("grid/one_flow_100ms.txt", &table(Duration::from_millis(100)));
}

#[test]
fn many_flows_share_a_bottleneck() {
    let conditions =
        Conditions { delay: Duration::from_millis(50), spread: 0.5, rate: 200_000_000, queue: 64 << 10, ..Conditions::default() };
    let mut out = String::from("flows over 200 Mbit/s, 50-150 ms, queue 64 KiB, buffers 256 KiB, kB/s\n\n");
    let _ =
        writeln!(out, "{:>6}{:>12}{:>12}{:>12}{:>10}{:>10}", "flows", "together", "slowest", "fastest", "fairness", "dropped");
    for flows in [1, 2, 4, 16, 64] {
        let spec =
            Spec { seed: 1, flows, buffer: Some(256 << 10), bytes: 2 << 20, at_most: Duration::from_secs(120), conditions };
        let outcome = run(&spec);
        let rates = outcome.rates();
        let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min) / 1e3;
        let fastest = rates.iter().copied().fold(0.0, f64::max) / 1e3;
        let _ = writeln!(
            out,
            "{flows:>6}{:>12.1}{slowest:>12.1}{fastest:>12.1}{:>10.4}{:>9.2}%",
            outcome.goodput() / 1e3,
            outcome.fairness(),
            outcome.dropped * 100.0
        );
    }
    pinned("grid/many_flows.txt", &out);
}

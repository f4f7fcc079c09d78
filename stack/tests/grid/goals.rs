//! What the flows must reach, whatever is pinned: a goal is missed when the mean over the seeds misses it.

use std::fmt::Write as _;

use loggia_stack::base::time::Duration;
use smoltcp::socket::tcp::CongestionControl;

use crate::flows::{Spec, run};
use crate::sim::{Bursts, Conditions, pinned};
use crate::smoltcp_flow;

const MS_100: Duration = Duration::from_millis(100);
const MSS: f64 = 1448.0;

/// 100 Mbit/s with a queue of one bandwidth-delay product.
fn path(round_trip: Duration) -> Conditions {
    let rate = 100_000_000;
    let queue = (rate as f64 / 8.0 * round_trip.as_secs_f64()) as u64;
    Conditions { delay: round_trip / 2, rate, queue, ..Conditions::default() }
}

/// One flow with buffers that grow by themselves, for so long.
fn spec(seed: u64, at_most: Duration, conditions: Conditions) -> Spec {
    Spec { seed, flows: 1, buffer: None, bytes: u64::MAX, at_most, conditions }
}

/// Its bytes a second, the mean over seeds.
fn mean(seeds: u64, seconds: u64, conditions: Conditions) -> f64 {
    let flow = |seed| run(&spec(seed, Duration::from_secs(seconds), conditions));
    (1..=seeds).map(|seed| flow(seed).goodput()).sum::<f64>() / seeds as f64
}

/// Bytes a second that RFC 9438 predicts where each packet is lost with the probability `loss`: the larger of §5.1 (figure 5, with
/// C = 0.4 and beta = 0.7) and the window of its Reno-friendly region (§4.3, figure 4 with its alpha: that of Reno).
fn predicted(loss: f64, round_trip: Duration) -> f64 {
    let round_trip = round_trip.as_secs_f64();
    let cubic = (0.4 * 3.7 / (4.0 * 0.3_f64)).powf(0.25) * round_trip.powf(0.75) / loss.powf(0.75);
    let reno_friendly = (9.0 / 17.0 * 1.7 / (2.0 * 0.3 * loss)).sqrt();
    cubic.max(reno_friendly) * MSS / round_trip
}

/// RFC 9438: a lone loss now and then must not cost more than its response function says.
#[test]
fn with_a_loss_in_a_hundred_it_moves_what_the_response_function_says() {
    let (loss, mean) = (0.01, mean(12, 60, Conditions { loss: 0.01, ..path(MS_100) }));
    assert!(mean >= predicted(loss, MS_100), "{mean} bytes/s, predicted are {}", predicted(loss, MS_100));
}

/// What `tests/netsim.rs` of smoltcp 0.14 says of its CUBIC at 100 ms with 32 KiB and 5 % loss, in bytes a second.
const SMOLTCP_AT_5_PERCENT: f64 = 13_000.0;

#[test]
fn with_a_loss_in_twenty_it_moves_five_times_what_smoltcp_does() {
    let mean = mean(12, 60, Conditions { loss: 0.05, ..path(MS_100) });
    assert!(mean >= 5.0 * SMOLTCP_AT_5_PERCENT, "{mean} bytes/s");
}

/// smoltcp over the very same wires, with the buffers of its own test. It does better here than there. Without congestion control, its
/// default, it sends whatever its buffer holds, whatever is lost.
#[test]
fn beside_smoltcp() {
    let mut out = String::from("goodput of one flow in kB/s, 100 Mbit/s, 100 ms, buffers 32 KiB, mean of 4\n\n");
    let _ = writeln!(out, "{:>8}{:>12}{:>12}{:>12}", "loss", "loggia", "smoltcp", "its CUBIC");
    for loss in [0.001, 0.01, 0.05] {
        let (conditions, minute) = (Conditions { loss, ..path(MS_100) }, Duration::from_secs(60));
        let mean = |goodput: &dyn Fn(u64) -> f64| (1..=4).map(goodput).sum::<f64>() / 4.0;
        let ours = |seed| run(&Spec { buffer: Some(32 << 10), ..spec(seed, minute, conditions) }).goodput();
        let theirs = |control| move |seed| smoltcp_flow::goodput(seed, control, 32 << 10, minute, conditions);
        let row = [mean(&ours), mean(&theirs(CongestionControl::None)), mean(&theirs(CongestionControl::Cubic))];
        let _ = writeln!(out, "{:>7}%{:>12.1}{:>12.1}{:>12.1}", loss * 100.0, row[0] / 1e3, row[1] / 1e3, row[2] / 1e3);
        assert!(row[0] > 0.95 * row[2], "{out}");
    }
    pinned("grid/beside_smoltcp.txt", &out);
}

/// Flows of the same round trip on a bottleneck with a drop-tail queue of a part of a bandwidth-delay product.
fn fairness(seed: u64, flows: usize, part: f64, rate: u64, seconds: u64) -> f64 {
    let delay = Duration::from_millis(20);
    let queue = (rate as f64 / 8.0 * 2.0 * delay.as_secs_f64() * part) as u64;
    let conditions = Conditions { delay, rate, queue, ..Conditions::default() };
    run(&Spec { flows, ..spec(seed, Duration::from_secs(seconds), conditions) }).fairness()
}

/// With at least a part of `rate` that each flow has some window of.
fn share_fairly(seeds: u64, rate: u64, seconds: u64) {
    for part in [1.0, 0.25] {
        for flows in [2, 4, 16, 64] {
            let rate = rate.max(flows as u64 * 1_000_000);
            let each: Vec<f64> = (1..=seeds).map(|seed| fairness(seed, flows, part, rate, seconds)).collect();
            let mean = each.iter().sum::<f64>() / seeds as f64;
            assert!(mean >= 0.95, "{flows} flows, a queue of {part} of the path: {each:.3?}");
        }
    }
}

#[test]
fn cubic_flows_share_fairly() {
    share_fairly(1, 10_000_000, 20);
}

#[test]
#[ignore = "half a minute; see CONTRIBUTING.md"]
fn cubic_flows_share_fairly_on_a_faster_link() {
    share_fairly(3, 100_000_000, 60);
}

/// Losses that come together are one event to congestion control: they cost less than as many by themselves. But where a burst
/// takes all of a small window with it, only the timer tells of it, which is ten round trips of 20 ms or more; and what is sent then
/// meets the rest of the burst, for here it is frames that end it. At least a quarter is left.
#[test]
fn bursts_cost_less_than_as_many_losses_by_themselves_unless_they_take_a_whole_window() {
    let mut out = String::from("goodput of one flow on 100 Mbit/s in kB/s, losses in bursts, mean of 4\n\n");
    let _ = writeln!(out, "{:>12}{:>8}{:>8}{:>12}{:>24}", "round trip", "loss", "burst", "goodput", "predicted without");
    for round_trip in [20, 100].map(Duration::from_millis) {
        for (loss, length) in [(0.01, 4.0), (0.01, 16.0), (0.05, 4.0), (0.05, 16.0)] {
            let bursts = Some(Bursts { length, density: 1.0 });
            let (mean, alone) = (mean(4, 20, Conditions { loss, bursts, ..path(round_trip) }), predicted(loss, round_trip));
            let _ = writeln!(
                out,
                "{:>12}{:>7}%{length:>8}{:>12.1}{:>24.1}",
                format!("{round_trip:?}"),
                loss * 100.0,
                mean / 1e3,
                alone / 1e3
            );
            let window = alone * round_trip.as_secs_f64() / MSS;
            let least = if length < window / 2.0 { 1.0 } else { 0.25 };
            assert!(mean >= least * alone, "{out}");
        }
    }
    pinned("grid/bursts.txt", &out);
}

/// Packets that come late were not lost. What was sent after one waits with it, so that a window takes longer by what it is late: that
/// they cost, and hardly more, up to a round trip.
#[test]
fn what_is_late_is_not_taken_for_lost() {
    const WINDOW: usize = 256 << 10;
    let mut out = String::from("goodput of one flow in kB/s, 20 Mbit/s, buffers 256 KiB\n\n");
    let _ = writeln!(out, "{:>12}{:>12}{:>12}{:>12}{:>12}{:>16}", "round trip", "late by", "0%", "1%", "10%", "window a time");
    for round_trip in [20, 100].map(Duration::from_millis) {
        for late in [0.1, 0.25, 0.5, 1.0].map(|part| round_trip.mul_f64(part)) {
            let goodput = |reorder: f64| {
                let conditions = Conditions { reorder, late, rate: 20_000_000, queue: 4 << 20, ..path(round_trip) };
                run(&Spec { buffer: Some(WINDOW), ..spec(1, Duration::from_secs(10), conditions) }).goodput()
            };
            let row @ [none, _, _] = [0.0, 0.01, 0.1].map(goodput);
            let most = (WINDOW as f64 / (round_trip + late).as_secs_f64()).min(none);
            let _ = write!(out, "{:>12}{:>12}", format!("{round_trip:?}"), format!("{late:?}"));
            let [none, one, ten] = row.map(|rate| rate / 1e3);
            let _ = writeln!(out, "{none:>12.1}{one:>12.1}{ten:>12.1}{:>16.1}", most / 1e3);
            assert!(one * 1e3 >= 0.85 * most && ten * 1e3 >= 0.85 * most, "{out}");
        }
    }
    pinned("grid/reordering.txt", &out);
}

/// With losses beside it there is a price that RFC 7323 §5.3 asks: once a retransmission has come, what left before it and comes after
/// it has too old a timestamp. A third of what the link carries is left.
#[test]
fn reordering_on_a_full_link_does_not_stop_it() {
    for (reorder, late) in [(0.01, 0.25), (0.1, 0.25), (0.1, 0.5), (0.1, 1.0)] {
        let conditions = Conditions { reorder, late: MS_100.mul_f64(late), rate: 20_000_000, queue: 250_000, ..path(MS_100) };
        let mean = mean(2, 15, conditions);
        assert!(mean >= 20e6 / 8.0 / 3.0, "{reorder} late by {late} of a round trip: {mean} bytes/s");
    }
}

/// A queue too short for a longer round trip to be seen: slow start ends all the same before it has lost what the path holds. What is dropped in all
/// is hardly more than what congestion avoidance has to.
#[test]
fn on_short_queues_slow_start_loses_little() {
    let mut out =
        String::from("one flow of 4 MB, CUBIC: goodput in kB/s and frames dropped, by the queue's part of the path\n\n");
    let _ = write!(out, "{:>12}{:>14}", "rate", "round trip");
    for part in PARTS {
        let _ = write!(out, "{part:>20}");
    }
    out.push('\n');
    for rate in [10_000_000, 100_000_000] {
        for round_trip in [10, 50, 100].map(Duration::from_millis) {
            let _ = write!(out, "{:>5} Mbit/s{:>14}", rate / 1_000_000, format!("{round_trip:?}"));
            for part in PARTS {
                let queue = ((rate as f64 / 8.0 * round_trip.as_secs_f64() * part) as u64).max(3 * 1500);
                let conditions = Conditions { delay: round_trip / 2, rate, queue, ..Conditions::default() };
                let spec = Spec { bytes: 4 << 20, ..spec(1, Duration::from_secs(30), conditions) };
                let outcome = run(&spec);
                let _ = write!(out, "{:>12.1}{:>7.2}%", outcome.goodput() / 1e3, outcome.dropped * 100.0);
            }
            out.push('\n');
        }
    }
    pinned("grid/short_queues.txt", &out);
}

const PARTS: [f64; 4] = [0.125, 0.25, 0.5, 1.0];

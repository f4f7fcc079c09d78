//! The law of each queue.

use super::*;

/// A link of 8 Mbit/s (a packet of 1000 bytes takes a millisecond) with this queue.
fn link(kind: QueueKind, limit: Limit, ecn: bool) -> Bench {
    Bench::new(terms(|terms| (terms.rate, terms.queue) = (Some(fixed(8_000_000)), Queue { kind, limit, ecn })))
}

const CODEL: QueueKind = QueueKind::CoDel { target: ms(5), interval: ms(100) };
const FQ_CODEL: QueueKind = QueueKind::FqCoDel { target: ms(5), interval: ms(100), flows: 1024, quantum: 1514 };

#[test]
fn a_full_queue_drops_what_comes() {
    let mut bench = link(QueueKind::DropTail, Limit::Packets(3), false);
    bench.puts(6, &Sample::sized(1000));
    assert_eq!(bench.dropped(Cause::QueueFull), 2, "one is being sent, three wait");
    assert_eq!(told(&bench.rest()), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    assert_eq!(bench.pipe.counts().queue_peak, 3000);
}

#[test]
fn a_queue_of_bytes_takes_what_fits() {
    let mut bench = link(QueueKind::DropTail, Limit::Bytes(2500), false);
    for size in [1000, 1000, 1000, 1000, 500, 60] {
        bench.put(&Sample::sized(size));
    }
    assert_eq!(bench.rest().iter().map(|(packet, ..)| *packet).collect::<Vec<_>>(), [1, 2, 3, 5]);
}

#[test]
fn the_smallest_queue_still_takes_one() {
    let mut bench = link(QueueKind::DropTail, Limit::Packets(0), false);
    bench.puts(3, &Sample::sized(1000));
    assert_eq!(told(&bench.rest()), [(1, 1), (2, 2)]);
}

#[test]
fn how_long_a_packet_waited_is_told_when_it_leaves() {
    let mut bench = link(QueueKind::DropTail, Limit::Infinite, false);
    bench.puts(3, &Sample::sized(1000));
    assert_eq!(bench.fates().len(), 1, "of those in the queue nothing is decided");
    bench.rest();
    let waited = |fate: &Fate| match fate.verdict {
        Verdict::Delivered { arrives, queued, .. } => (fate.at.millis(), queued.as_millis(), arrives.millis()),
        Verdict::Dropped(_) => panic!("nothing is dropped"),
    };
    assert_eq!(bench.fates().iter().map(waited).collect::<Vec<_>>(), [(1, 1, 2), (2, 2, 3)]);
}

/// Twice the rate for two seconds, then half of it.
fn overload(bench: &mut Bench, sample: &Sample) {
    for _ in 0..4000 {
        bench.put(sample);
        bench.until(bench.now + Duration::from_micros(500));
    }
}

#[test]
fn codel_begins_an_interval_after_the_queue_was_too_long() {
    let mut bench = link(CODEL, Limit::Infinite, false);
    overload(&mut bench, &Sample::sized(1000));
    let drops: Vec<u64> =
        bench.fates().iter().filter(|fate| cause(fate) == Some(Cause::CoDel)).map(|fate| fate.at.millis()).collect();
    // A packet put at t leaves at 2t: the one that has waited for 5 ms leaves at 10.
    assert_eq!(drops[..3], [110, 210, 280 + 1]);
    assert!(drops.len() > 100, "and it grows: {}", drops.len());
}

#[test]
fn codel_leaves_a_link_alone_that_is_not_overloaded() {
    let mut bench = link(CODEL, Limit::Infinite, false);
    bench.stream(4000, 1000, ms(1));
    assert_eq!(bench.dropped(Cause::CoDel), 0);
}

#[test]
fn with_ecn_codel_marks_those_that_are_capable() {
    let mut bench = link(CODEL, Limit::Infinite, true);
    overload(&mut bench, &Sample { ecn: 2, ..Sample::sized(1000) });
    let marked = bench.fates().iter().filter(|fate| marks(fate).ecn).count() as u64;
    assert!(marked > 50);
    assert_eq!((bench.pipe.counts().marked, bench.dropped(Cause::CoDel)), (marked, 0));
    let mut bench = link(CODEL, Limit::Infinite, true);
    overload(&mut bench, &Sample::sized(1000));
    assert_eq!(bench.pipe.counts().marked, 0);
    assert!(bench.dropped(Cause::CoDel) > 50);
}

/// How long the thin flow's packets took at most, in milliseconds, beside a flow that sends twice the rate.
fn thin_beside_fat(kind: QueueKind) -> u128 {
    let mut bench = link(kind, Limit::Packets(10_000), false);
    let (fat, thin) = (Sample::sized(1000), Sample { port: 99, ..Sample::sized(100) });
    let thin_flow = flow::Known::of(&thin.frame()).flow;
    for at in 0..4000 {
        bench.put(&fat);
        if at % 40 == 0 {
            bench.put(&thin);
        }
        bench.until(bench.now + Duration::from_micros(500));
    }
    bench.rest();
    let waited = |fate: &Fate| match fate.verdict {
        Verdict::Delivered { queued, .. } => queued.as_millis(),
        Verdict::Dropped(cause) => panic!("the thin flow loses a packet: {cause:?}"),
    };
    bench.fates().iter().filter(|fate| fate.flow == thin_flow).map(waited).max().expect("the thin flow was there")
}

#[test]
fn fq_codel_keeps_a_thin_flow_apart_from_a_fat_one() {
    let apart = thin_beside_fat(FQ_CODEL);
    assert!(apart <= 3, "{apart} ms: the packet that is being sent, and at most a turn of 1514 bytes");
    let together = thin_beside_fat(CODEL_WITHOUT_DROPS);
    assert!(together > 500, "{together} ms in one queue");
}

const CODEL_WITHOUT_DROPS: QueueKind = QueueKind::CoDel { target: ms(1_000_000), interval: ms(1_000_000) };

#[test]
fn fq_codel_shares_the_rate_between_fat_flows_by_bytes() {
    let mut bench = link(FQ_CODEL, Limit::Packets(10_000), false);
    let flows = [Sample { port: 1, ..Sample::sized(1500) }, Sample { port: 2, ..Sample::sized(300) }];
    let mut bytes = [0usize; 2];
    for at in 0..12_000 {
        if at % 5 == 0 {
            bench.put(&flows[0]);
        }
        bench.put(&flows[1]);
        for (_, _, frame) in bench.until(bench.now + Duration::from_micros(300)) {
            bytes[usize::from(frame.len() == 300)] += frame.len();
        }
    }
    let share = bytes[0] as f64 / (bytes[0] + bytes[1]) as f64;
    assert!((0.48..0.52).contains(&share), "{bytes:?}");
}

#[test]
fn a_full_fq_codel_drops_from_the_longest_queue() {
    let mut bench = link(FQ_CODEL, Limit::Packets(10), false);
    bench.puts(20, &Sample::sized(1000));
    let thin = Sample { port: 99, ..Sample::sized(100) };
    bench.puts(3, &thin);
    let rest = bench.rest();
    assert_eq!(rest.iter().filter(|(_, _, frame)| frame.len() == 100).count(), 3);
    assert_eq!((rest.len(), bench.dropped(Cause::QueueFull)), (11, 12));
}

/// A queue that stands at `depth` packets of 1000 bytes: one comes, one leaves, and what is dropped is replaced.
fn red_at(depth: u64, ecn: bool) -> (f64, u64) {
    let red = QueueKind::Red { min: 10_000, max: 30_000, probability: 0.1, weight: 0.2 };
    let mut bench = link(QueueKind::DropTail, Limit::Infinite, false);
    let sample = Sample { ecn: u8::from(ecn), ..Sample::sized(1000) };
    bench.puts(depth + 1, &sample);
    bench.set(|terms| terms.queue = Queue { kind: red, limit: Limit::Infinite, ecn });
    bench.until(Instant::from_micros(500));
    let mut offered = 0u64;
    for _ in 0..5000 {
        bench.until(bench.now + ms(1));
        loop {
            let before = bench.dropped(Cause::Red);
            bench.put(&sample);
            offered += 1;
            if bench.dropped(Cause::Red) == before || offered > 100_000 {
                break;
            }
        }
    }
    (bench.dropped(Cause::Red) as f64 / offered as f64, bench.pipe.counts().marked)
}

#[test]
fn red_drops_between_its_thresholds_more_the_longer_the_queue() {
    assert_eq!(red_at(8, false), (0.0, 0));
    let (low, high) = (red_at(15, false).0, red_at(25, false).0);
    // A base probability p, spread evenly, drops one of about every (1/p + 1) / 2.
    assert!((0.03..0.07).contains(&low), "p = 2.5 %: {low}");
    assert!((0.09..0.18).contains(&high), "p = 7.5 %: {high}");
    assert!(red_at(45, false).0 > 0.5, "gentle: p = 55 %");
    assert!(red_at(70, false).0 > 0.9, "beyond twice the maximum all");
}

#[test]
fn red_marks_the_capable_up_to_twice_the_maximum() {
    let (dropped, marked) = red_at(25, true);
    assert!(dropped < 1e-9);
    assert!((450..900).contains(&marked), "{marked}");
    assert!(red_at(70, true).0 > 0.9);
}

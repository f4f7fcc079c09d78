//! The n-th packet of a flow has the same fate, whatever else happens.

use proptest::prelude::*;

use super::*;

/// Everything random at once; nothing that depends on what others do.
fn all_random() -> Terms {
    terms(|terms| {
        terms.delay = ms(50);
        terms.jitter = Some(Jitter { spread: ms(5), distribution: Distribution::Pareto, correlation: 0.2, overtake: true });
        terms.loss = Some(Loss::GilbertElliott { enter: 0.1, leave: 0.3, bad: 0.8, good: 0.05 });
        terms.duplicate = Chance { probability: 0.1, correlation: 0.3 };
        terms.corrupt = Chance { probability: 0.1, correlation: 0.0 };
        terms.reorder = Some(Reorder { chance: Chance { probability: 0.1, correlation: 0.5 }, by: Some(ms(10)) });
    })
}

/// What became of each packet of the flow of `port`: its number, the cause or the delay it had, copies, damage.
fn story(terms: &Terms, seed: u8, order: &[(u16, u64)], port: u16) -> Vec<(u64, Option<Cause>, u64, Marks)> {
    let mut bench = Bench::seeded(terms.clone(), seed);
    for (port, pause) in order {
        bench.put(&Sample { port: *port, ..Sample::default() });
        bench.until(bench.now + Duration::from_micros(*pause));
    }
    bench.rest();
    let flow = flow::Known::of(&Sample { port, ..Sample::default() }.frame()).flow;
    let line = |fate: &Fate| {
        let delay = match fate.verdict {
            Verdict::Delivered { arrives, queued, .. } => (arrives - fate.at + queued).as_nanos() as u64,
            Verdict::Dropped(_) => 0,
        };
        // Whom it overtakes depends on when they were sent.
        (fate.number, cause(fate), delay, Marks { reordered: false, ..marks(fate) })
    };
    bench.fates().iter().filter(|fate| fate.flow == flow).map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_other_flow_and_no_timing_changes_a_fate(
        seed: u8,
        count in 1usize..200,
        others in prop::collection::vec((0usize..200, 1u16..4, 0u64..3000), 0..300),
    ) {
        let alone = vec![(7, 100); count];
        let mut among = alone.clone();
        for (at, port, pause) in others {
            among.insert(at.min(among.len()), (port, pause));
        }
        let terms = all_random();
        prop_assert_eq!(story(&terms, seed, &alone, 7), story(&terms, seed, &among, 7));
    }

    #[test]
    fn a_queue_that_others_fill_does_not_change_what_the_wire_does(
        others in prop::collection::vec((0usize..200, 1u16..4), 0..300),
    ) {
        let terms = Terms { rate: Some(fixed(1_000_000)), jitter: None, reorder: None, ..all_random() };
        let terms = Terms { queue: Queue { limit: Limit::Packets(5), ..Queue::default() }, ..terms };
        let alone = vec![(7, 5000); 200];
        let mut among = alone.clone();
        for (at, port) in others {
            among.insert(at.min(among.len()), (port, 0));
        }
        let (alone, among) = (story(&terms, 3, &alone, 7), story(&terms, 3, &among, 7));
        let wire = |story: &[(u64, Option<Cause>, u64, Marks)]| -> Vec<(u64, Option<Cause>, Marks)> {
            story.iter().map(|(number, cause, _, marks)| (*number, *cause, *marks)).collect()
        };
        let full: Vec<u64> = among.iter().filter(|line| line.1 == Some(Cause::QueueFull)).map(|line| line.0).collect();
        let kept = |story| wire(story).into_iter().filter(|line| !full.contains(&line.0)).collect::<Vec<_>>();
        let sorted = |mut lines: Vec<(u64, Option<Cause>, Marks)>| { lines.sort_by_key(|line| line.0); lines };
        prop_assert_eq!(sorted(kept(&alone)), sorted(kept(&among)));
    }
}

#[test]
fn another_seed_another_story() {
    let order = vec![(7, 100); 200];
    assert_ne!(story(&all_random(), 1, &order, 7), story(&all_random(), 2, &order, 7));
    assert_ne!(story(&all_random(), 1, &order, 7), story(&all_random(), 1, &vec![(8, 100); 200], 8));
}

#[test]
fn every_packet_has_exactly_one_fate_and_every_fate_is_counted() {
    for kind in [
        QueueKind::DropTail,
        QueueKind::CoDel { target: ms(1), interval: ms(20) },
        QueueKind::FqCoDel { target: ms(1), interval: ms(20), flows: 4, quantum: 300 },
        QueueKind::Red { min: 1000, max: 3000, probability: 0.1, weight: 0.1 },
    ] {
        let queue = Queue { kind, limit: Limit::Packets(30), ecn: true };
        let mut bench = Bench::new(Terms { rate: Some(fixed(1_000_000)), mtu: Some(900), queue, ..all_random() });
        for at in 0..5000u64 {
            let sample = Sample { port: (at % 7) as u16, ecn: (at % 2) as u8, ..Sample::sized(100 + (at * 37 % 900) as usize) };
            bench.put(&sample);
            bench.until(bench.now + Duration::from_micros(at % 5000));
        }
        let arrived = bench.rest().len();
        let fates = bench.fates();
        let mut named: Vec<u64> = fates.iter().filter(|fate| !marks(fate).duplicate).map(|fate| fate.packet.0).collect();
        named.sort_unstable();
        assert_eq!(named, (1..=5000).collect::<Vec<_>>(), "{kind:?}");
        let counts = bench.pipe.counts();
        assert_eq!(counts.sent + counts.duplicated, counts.delivered + counts.dropped.iter().sum::<u64>());
        assert!(arrived > 0 && counts.dropped[Cause::Loss as usize] > 0 && counts.dropped[Cause::TooBig as usize] > 0);
        assert_eq!(bench.pipe.next(), Instant::NEVER);
    }
}

//! Whatever is asked, whenever it changes: what must always hold.

use proptest::prelude::*;

use super::*;

fn any_chance() -> impl Strategy<Value = Chance> {
    (prop_oneof![Just(0.0), 0.0..1.0, Just(1.0)], 0.0..1.0)
        .prop_map(|(probability, correlation)| Chance { probability, correlation })
}

fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        any_chance().prop_map(Loss::Independent),
        (0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0).prop_map(|(enter, leave, bad, good)| Loss::GilbertElliott {
            enter,
            leave,
            bad,
            good
        }),
        (0.0..0.5, 0.0..0.5, 0.0..0.5, 0.0..1.0, 0.0..0.5).prop_map(|(p13, p31, p32, p23, p14)| Loss::FourState {
            p13,
            p31,
            p32,
            p23,
            p14
        }),
        (0u64..5, 0u64..5).prop_map(|(every, first)| Loss::Periodic { every, first }),
        Just(Loss::List([2, 3, 5, 8].into())),
    ]
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    let distribution = prop_oneof![
        Just(Distribution::Uniform),
        Just(Distribution::Normal),
        Just(Distribution::Pareto),
        Just(Distribution::ParetoNormal),
        Just(Distribution::Trace([0, 5_000_000].into())),
        Just(Distribution::Trace([].into())),
    ];
    (0u64..30, distribution, 0.0..1.0, any::<bool>()).prop_map(|(spread, distribution, correlation, overtake)| Jitter {
        spread: ms(spread),
        distribution,
        correlation,
        overtake,
    })
}

fn any_rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (100_000u64..100_000_000, 0u64..5000, -100i32..100).prop_map(|(bits, burst, overhead)| Rate::Fixed {
            bits,
            burst,
            overhead
        }),
        prop::collection::vec(0u64..50, 1..10).prop_map(|mut moments| {
            moments.sort_unstable();
            Rate::Trace(Trace(moments.into()))
        }),
    ]
}

fn any_queue() -> impl Strategy<Value = Queue> {
    let kind = prop_oneof![
        Just(QueueKind::DropTail),
        Just(QueueKind::CoDel { target: ms(1), interval: ms(10) }),
        (1u32..9, 1u32..3000).prop_map(|(flows, quantum)| QueueKind::FqCoDel { target: ms(1), interval: ms(10), flows, quantum }),
        Just(QueueKind::Red { min: 1000, max: 5000, probability: 0.2, weight: 0.3 }),
    ];
    let limit = prop_oneof![(0u64..50).prop_map(Limit::Packets), (0u64..20_000).prop_map(Limit::Bytes), Just(Limit::Infinite)];
    (kind, limit, any::<bool>()).prop_map(|(kind, limit, ecn)| Queue { kind, limit, ecn })
}

prop_compose! {
    fn any_terms()(
        delay in 0u64..50,
        jitter in prop::option::of(any_jitter()),
        loss in prop::option::of(any_loss()),
        duplicate in any_chance(),
        corrupt in any_chance(),
        reorder in prop::option::of((any_chance(), prop::option::of((0u64..60).prop_map(ms)))),
        rate in prop::option::of(any_rate()),
        queue in any_queue(),
        mtu in prop::option::of(68u32..1500),
        down in prop::bool::weighted(0.1),
    ) -> Terms {
        let reorder = reorder.map(|(chance, by)| Reorder { chance, by });
        Terms { delay: ms(delay), jitter, loss, duplicate, corrupt, reorder, rate, queue, mtu, down }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Sample),
    Wait(u64),
    Set(Box<Terms>),
}

fn any_step() -> impl Strategy<Value = Step> {
    let sample = (any::<bool>(), 0u16..4, 0usize..1400, 0u8..4, any::<bool>())
        .prop_map(|(v6, port, payload, ecn, partial)| Sample { v6, port, payload, ecn, partial, ..Sample::default() });
    prop_oneof![
        20 => sample.prop_map(Step::Put),
        10 => (0u64..20_000).prop_map(Step::Wait),
        1 => any_terms().prop_map(|terms| Step::Set(Box::new(terms))),
        1 => Just(Step::Set(Box::default())),
    ]
}

/// When a packet was put, by its name.
type Puts = Vec<Instant>;

fn play(terms: Terms, steps: &[Step]) -> (Bench, Puts, Arrived) {
    let (mut bench, mut puts, mut arrived) = (Bench::new(terms), Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Put(sample) => {
                puts.push(bench.now);
                assert_eq!(bench.put(sample), puts.len() as u64);
            }
            Step::Wait(micros) => arrived.extend(bench.until(bench.now + Duration::from_micros(*micros))),
            Step::Set(terms) => bench.pipe.set(bench.now, Terms::clone(terms)),
        }
    }
    arrived.extend(bench.rest());
    (bench, puts, arrived)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_packet_has_one_fate_and_arrives_when_that_says(
        terms in any_terms(),
        steps in prop::collection::vec(any_step(), 0..300),
    ) {
        let (mut bench, puts, arrived) = play(terms, &steps);
        let fates = bench.fates();
        let mut told: Vec<(u64, Instant)> = Vec::new();
        let mut seen = vec![0; puts.len() + 1];
        for fate in &fates {
            seen[fate.packet.0 as usize] += u32::from(!marks(fate).duplicate);
            let put = puts[fate.packet.0 as usize - 1];
            prop_assert!(fate.at >= put);
            if let Verdict::Delivered { arrives, queued, .. } = fate.verdict {
                prop_assert!(arrives >= fate.at && fate.at - put == queued);
                told.push((fate.packet.0, arrives));
            }
        }
        prop_assert!(seen[1..].iter().all(|count| *count == 1), "{seen:?}");
        let mut came: Vec<(u64, Instant)> = arrived.iter().map(|(packet, at, _)| (*packet, *at)).collect();
        told.sort_unstable();
        came.sort_unstable();
        prop_assert_eq!(told, came);
        let counts = bench.pipe.counts();
        prop_assert_eq!(counts.sent + counts.duplicated, counts.delivered + counts.dropped.iter().sum::<u64>());
        prop_assert_eq!((bench.pipe.held, bench.pipe.next()), (0, Instant::NEVER));
    }

    #[test]
    fn it_does_not_matter_how_often_the_link_is_looked_at(
        terms in any_terms(),
        steps in prop::collection::vec(any_step(), 0..100),
    ) {
        let (mut bench, _, arrived) = play(terms.clone(), &steps);
        // Here it is looked at only when something is put or changed, and in the end.
        let mut late = Bench::new(terms);
        for step in &steps {
            match step {
                Step::Put(sample) => drop(late.put(sample).to_string()),
                Step::Wait(micros) => late.now += Duration::from_micros(*micros),
                Step::Set(terms) => late.pipe.set(late.now, Terms::clone(terms)),
            }
        }
        let of = |arrived: Arrived| arrived.into_iter().map(|(packet, at, frame)| (at, packet, frame.to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(of(arrived), of(late.rest()));
        prop_assert_eq!(bench.fates(), late.fates());
    }
}

/// Neither what is no packet nor half a packet may do harm.
#[test]
fn garbage_crosses_too() {
    let all = Chance { probability: 1.0, correlation: 0.0 };
    let kinds = [
        QueueKind::DropTail,
        QueueKind::CoDel { target: ms(0), interval: ms(0) },
        QueueKind::FqCoDel { target: ms(0), interval: ms(0), flows: 0, quantum: 0 },
        QueueKind::Red { min: 0, max: 0, probability: 1.0, weight: 1.0 },
    ];
    for kind in kinds {
        let queue = Queue { kind, limit: Limit::Bytes(500), ecn: true };
        let terms = Terms { duplicate: all, corrupt: all, rate: Some(fixed(1_000_000)), queue, ..Terms::default() };
        let mut bench = Bench::new(terms);
        let mut puts = 0;
        for len in 0..80 {
            for kind in [[8, 0], [0x86, 0xdd], [0x81, 0], [8, 6]] {
                for first in [0x45, 0x4f, 0x60, 0xff] {
                    let mut bytes = vec![first; len];
                    bytes.iter_mut().skip(12).zip(kind).for_each(|(byte, kind)| *byte = kind);
                    bench.pipe.put(bench.now, Frame::from(&bytes[..]));
                    bench.now += Duration::from_micros(200);
                    puts += 1;
                }
            }
        }
        bench.rest();
        let originals = bench.fates().iter().filter(|fate| !marks(fate).duplicate).count();
        assert_eq!((originals, bench.pipe.held), (puts, 0));
    }
}

//! Super-segments whose packets travel together, and packets that no queue looks at, beside the same packets put one by one.

use loggia_stack::link::{complete_checksum, cut};

use super::*;

/// A super-segment of datagrams of 500 bytes and less.
fn train(payload: usize, port: u16) -> Frame {
    let mut frame = Sample { payload, port, partial: true, ..Sample::default() }.frame();
    frame.segment_size = 500;
    frame
}

/// What came of a story: fates, counts, and what arrived as a wire carries it: name, moment, bytes.
type Outcome = (Vec<Fate>, Counts, Vec<(u64, Instant, Vec<u8>)>);

fn outcome(bench: &mut Bench) -> Outcome {
    let mut arrived = Vec::new();
    while bench.pipe.next().is_set() {
        bench.now = bench.now.max(bench.pipe.next());
        while let Some(Arrival { packet, names, at, frame }) = bench.pipe.take(bench.now) {
            let packets: Vec<Frame> = cut(frame).collect();
            assert_eq!(packets.len() as u64, names);
            for (n, mut frame) in (0..).zip(packets) {
                complete_checksum(&mut frame);
                arrived.push((packet.0 + n, at, frame.to_vec()));
            }
        }
    }
    (bench.fates(), *bench.pipe.counts(), arrived)
}

fn story(terms: &Terms, put: impl Fn(&mut Bench, Frame)) -> (Outcome, [Option<Exposure>; 4]) {
    let mut bench = Bench::new(terms.clone());
    for n in 0..40 {
        put(&mut bench, train(200 + n * 333, 4000 + n as u16 % 3));
        put(&mut bench, Sample::default().frame());
        bench.now += ms(1);
    }
    let told = outcome(&mut bench);
    (told, Impairment::ALL.map(|impairment| bench.pipe.exposure(impairment)))
}

#[test]
fn packets_that_travel_together_have_the_fates_of_packets_put_one_by_one() {
    let all = [
        terms(|terms| terms.loss = Some(Loss::Independent(chance(0.1)))),
        terms(|terms| terms.loss = Some(Loss::GilbertElliott { enter: 0.05, leave: 0.3, bad: 0.9, good: 0.01 })),
        terms(|terms| terms.loss = Some(Loss::Periodic { every: 7, first: 3 })),
        terms(|terms| terms.duplicate = chance(0.1)),
        terms(|terms| terms.corrupt = chance(0.1)),
        // The last packets of trains are shorter.
        terms(|terms| terms.mtu = Some(500)),
        terms(|terms| {
            terms.delay = ms(20);
            (terms.duplicate, terms.corrupt) = (chance(0.1), chance(0.1));
            terms.loss = Some(Loss::Independent(Chance { probability: 0.2, correlation: 0.4 }));
        }),
    ];
    for terms in all {
        assert!(terms.keeps_together());
        let together = story(&terms, |bench, frame| {
            bench.pipe.put(bench.now, frame);
        });
        // By way of queue and rate.
        let by_themselves = story(&terms, |bench, frame| cut(frame).for_each(|packet| bench.pipe.admit(bench.now, packet)));
        assert_eq!(together, by_themselves, "{terms:?}");
        let untouched = together.0.1.sent == together.0.1.delivered;
        assert!(!untouched || terms.corrupt.probability > 0.0, "{terms:?}");
    }
}

#[test]
fn what_nothing_happens_to_arrives_as_it_came() {
    let mut bench = Bench::new(terms(|terms| terms.loss = Some(Loss::List([3].into()))));
    bench.pipe.put(bench.now, train(5000, 1));
    let arrived = bench.rest();
    assert_eq!(arrived.iter().map(|(packet, _, frame)| (*packet, frame.len())).collect::<Vec<_>>(), [(1, 1042), (4, 3542)]);
}

#[test]
fn names_of_a_train_are_those_of_its_packets_also_where_nobody_looks_at_them() {
    let mut bench = Bench::new(Terms::default());
    bench.pipe.put(bench.now, train(5000, 1));
    assert_eq!((bench.pipe.named(), bench.fates().len()), (PacketId(1), 1));
    bench.put_train(&train(5000, 1));
    assert_eq!((bench.pipe.named(), bench.fates().len()), (PacketId(11), 10));
    assert_eq!(bench.pipe.counts().sent, 20);
}

#[test]
fn terms_that_move_packets_apart_cut_a_train() {
    for terms in [terms(|terms| terms.rate = Some(fixed(1_000_000))), terms(|terms| terms.down = true)] {
        let mut bench = Bench::new(terms);
        bench.put_train(&train(5000, 1));
        bench.rest();
        assert_eq!((bench.pipe.named(), bench.fates().len()), (PacketId(10), 10));
    }
}

#[test]
fn a_queue_that_judges_looks_at_each_packet() {
    let codel = QueueKind::CoDel { target: ms(5), interval: ms(100) };
    for (kind, passed) in [(QueueKind::DropTail, true), (codel, false)] {
        let mut bench = Bench::new(terms(|terms| {
            terms.loss = Some(Loss::List([2].into()));
            terms.queue.kind = kind;
        }));
        let frame = Sample::default().frame();
        assert_eq!(bench.pipe.is_passed(bench.now, &frame), passed);
        bench.pipe.put(bench.now, frame);
        assert_eq!((bench.rest().len(), bench.fates().len()), (1, 1));
    }
}

//! Terms that change while packets are under way.

use super::*;

#[test]
fn what_is_under_way_keeps_its_arrival() {
    let mut bench = Bench::new(terms(|terms| terms.delay = ms(100)));
    bench.put(&Sample::default());
    bench.until(Instant::from_millis(10));
    bench.set(|terms| terms.delay = ms(20));
    bench.put(&Sample::default());
    bench.set(|terms| terms.loss = Some(Loss::Independent(chance(1.0))));
    bench.put(&Sample::default());
    assert_eq!(told(&bench.rest()), [(2, 30), (1, 100)]);
}

#[test]
fn the_queue_goes_on_at_the_new_rate_when_the_packet_is_out() {
    let mut bench = Bench::new(terms(|terms| terms.rate = Some(fixed(800_000))));
    bench.puts(4, &Sample::sized(1000));
    bench.until(Instant::from_millis(5));
    bench.set(|terms| terms.rate = Some(fixed(8_000_000)));
    assert_eq!(told(&bench.rest()), [(1, 10), (2, 11), (3, 12), (4, 13)]);
}

#[test]
fn without_the_rate_the_queue_empties_and_nothing_overtakes_it() {
    let mut bench = Bench::new(terms(|terms| terms.rate = Some(fixed(800_000))));
    bench.puts(3, &Sample::sized(1000));
    bench.set(|terms| terms.rate = None);
    bench.put(&Sample::sized(1000));
    assert_eq!(told(&bench.rest()), [(1, 10), (2, 10), (3, 10), (4, 10)]);
    bench.now = Instant::from_millis(20);
    bench.put(&Sample::sized(1000));
    assert_eq!(told(&bench.until(Instant::from_millis(20))), [(5, 20)]);
}

#[test]
fn a_queue_keeps_its_packets_when_its_kind_or_limit_changes() {
    let mut bench = Bench::new(terms(|terms| terms.rate = Some(fixed(8_000_000))));
    bench.puts(10, &Sample::sized(1000));
    let kinds = [
        QueueKind::FqCoDel { target: ms(5), interval: ms(100), flows: 16, quantum: 1514 },
        QueueKind::Red { min: 100, max: 200, probability: 1.0, weight: 1.0 },
        QueueKind::CoDel { target: ms(5), interval: ms(100) },
        QueueKind::DropTail,
    ];
    for kind in kinds {
        bench.set(|terms| terms.queue = Queue { kind, limit: Limit::Packets(3), ecn: false });
    }
    bench.put(&Sample::sized(1000));
    assert_eq!(bench.dropped(Cause::QueueFull), 1, "the new limit is for those that come");
    assert_eq!(bench.rest().iter().map(|(packet, ..)| *packet).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

/// A ramp of rates must not make CoDel forget how long the queue has been too long.
#[test]
fn another_rate_or_limit_leaves_the_state_of_the_queue() {
    let kind = QueueKind::CoDel { target: ms(5), interval: ms(100) };
    let first_drop = |ramp: bool| {
        let mut bench = Bench::new(terms(|terms| {
            (terms.rate, terms.queue) = (Some(fixed(8_000_000)), Queue { kind, limit: Limit::Infinite, ecn: false });
        }));
        for at in 0..1000 {
            bench.put(&Sample::sized(1000));
            bench.until(bench.now + Duration::from_micros(500));
            if ramp && at % 20 == 0 {
                bench.set(|terms| (terms.rate, terms.queue.limit) = (Some(fixed(8_000_000 + at)), Limit::Packets(5000 + at)));
            }
        }
        bench.fates().iter().find(|fate| cause(fate) == Some(Cause::CoDel)).map(|fate| fate.at.millis())
    };
    assert_eq!((first_drop(false), first_drop(true)), (Some(110), Some(110)));
}

#[test]
fn a_link_that_goes_down_loses_its_queue_and_not_what_is_on_the_wire() {
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.rate) = (ms(50), Some(fixed(8_000_000)))));
    bench.puts(5, &Sample::sized(1000));
    assert_eq!(bench.until(Instant::from_micros(1500)).len(), 0);
    bench.set(|terms| terms.down = true);
    bench.put(&Sample::sized(1000));
    assert_eq!(bench.dropped(Cause::Down), 4, "three in the queue and one that came");
    assert_eq!(told(&bench.until(Instant::from_millis(60))), [(1, 51), (2, 52)]);
    bench.set(|terms| terms.down = false);
    bench.put(&Sample::sized(1000));
    assert_eq!(told(&bench.rest()), [(7, 111)]);
    let told = bench.fates();
    assert_eq!(told.len(), 7, "every packet has its fate");
}

#[test]
fn a_super_segment_is_cut_where_single_packets_count() {
    let mut bench = Bench::new(Terms::default());
    let whole = super_segment(10, 1448);
    let len = whole.len();
    assert_eq!(bench.pipe.put(bench.now, whole.clone()).0, 1);
    let counts = *bench.pipe.counts();
    assert_eq!((counts.sent, counts.sent_bytes), (10, len as u64 + 9 * 66));
    let arrived = bench.until(Instant::EPOCH);
    assert_eq!((arrived.len(), bench.pipe.counts().delivered), (1, 10));

    bench.set(|terms| terms.loss = Some(Loss::List([1, 10].into())));
    assert_eq!(bench.pipe.put(bench.now, whole.clone()).0, 2);
    let arrived = bench.rest();
    let [(3, _, frame)] = &arrived[..] else { panic!("the eight between travel together: {arrived:?}") };
    assert_eq!(frame.len(), 66 + 8 * 1448);

    bench.now = Instant::from_secs(1);
    bench.set(|terms| (terms.loss, terms.rate) = (None, Some(fixed(1_000_000_000))));
    assert_eq!(bench.pipe.put(bench.now, whole.clone()).0, 12);
    let arrived = bench.rest();
    assert_eq!(arrived.iter().map(|(packet, ..)| *packet).collect::<Vec<_>>(), (12..=21).collect::<Vec<_>>());
    assert!(arrived.iter().all(|(_, _, frame)| frame.segment_size == 0 && frame.len() == 1514));

    bench.now = Instant::from_secs(2);
    bench.set(|terms| (terms.rate, terms.down) = (None, true));
    bench.pipe.put(bench.now, whole);
    assert_eq!((bench.dropped(Cause::Down), bench.pipe.counts().sent), (10, 40));
}

/// A TCP segment of `count` times `size` bytes, as a stack makes it for a device that cuts.
fn super_segment(count: usize, size: u16) -> Frame {
    let mut frame = Frame::from(&vec![7; count * usize::from(size)][..]);
    let tcp = frame.push(32);
    tcp[12] = 8 << 4;
    let total = (52 + count * usize::from(size)) as u16;
    let ip = frame.push(20);
    (ip[0], ip[8], ip[9]) = (0x45, 64, 6);
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    frame.prepend(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    (frame.l2_len, frame.l3_len, frame.l4_len, frame.segment_size) = (14, 20, 32, size);
    frame.checksum = loggia_stack::base::Checksum::Partial { offset: 16 };
    frame
}

//! Delay, size, rate, copies, damage, order.

use std::sync::Arc;

use loggia_stack::base::{Checksum, Sum};

use super::*;
use crate::link::samples;

#[test]
fn nothing_asked_nothing_done() {
    let mut bench = Bench::new(Terms::default());
    bench.put(&Sample::default());
    assert_eq!(bench.pipe.next(), Instant::EPOCH);
    let arrived = bench.until(Instant::EPOCH);
    assert_eq!(arrived[0].2.to_vec(), Sample::default().frame().to_vec());
    assert_eq!(bench.pipe.next(), Instant::NEVER);
    let counts = *bench.pipe.counts();
    assert_eq!((counts.sent, counts.delivered, counts.sent_bytes, counts.delivered_bytes), (1, 1, 142, 142));
}

#[test]
fn a_delay_is_exact_and_lowers_no_rate() {
    let mut bench = Bench::new(terms(|terms| terms.delay = ms(100)));
    let start = bench.now;
    let mut arrived = bench.stream(100_000, 1514, Duration::from_nanos(100));
    arrived.extend(bench.rest());
    let at = |number: u64| start + ms(100) + Duration::from_nanos(100 * (number - 1));
    assert_eq!(arrived.len(), 100_000);
    assert!(arrived.iter().all(|(packet, arrives, _)| *arrives == at(*packet)));
}

#[test]
fn with_a_rate_the_delay_begins_when_the_last_bit_is_out() {
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.rate) = (ms(100), Some(fixed(8_000_000)))));
    bench.puts(3, &Sample::sized(1000));
    let rest = bench.rest();
    assert_eq!(told(&rest), [(1, 101), (2, 102), (3, 103)]);
}

#[test]
fn a_large_delay_on_a_slow_link_holds_as_many_packets_as_it_must() {
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.rate) = (ms(10_000), Some(fixed(8_000_000)))));
    let mut arrived = bench.stream(20_000, 1000, ms(1));
    arrived.extend(bench.rest());
    assert_eq!(arrived.len(), 20_000);
    assert_eq!(arrived.last().map(|(_, at, _)| at.millis()), Some(30_000));
}

#[test]
fn rates_are_kept_to_the_nanosecond() {
    for bits in [9_600, 1_000_000, 20_000_000, 999_999_937] {
        let mut bench = Bench::new(terms(|terms| {
            (terms.rate, terms.queue.limit) = (Some(fixed(bits)), Limit::Infinite);
        }));
        for _ in 0..1000 {
            bench.put(&Sample::sized(1514));
        }
        let last = bench.rest().last().map(|(_, at, _)| at.nanos());
        let exact = (1_514_000u128 * 8 * 1_000_000_000).div_ceil(u128::from(bits));
        assert_eq!(last.map(u128::from), Some(exact), "{bits} bit/s");
    }
}

#[test]
fn a_trace_lets_go_when_it_says() {
    let rate = Some(Rate::Trace(Trace(Arc::new([5, 10, 10]))));
    let mut bench = Bench::new(terms(|terms| terms.rate = rate));
    bench.puts(5, &Sample::sized(1514));
    assert_eq!(told(&bench.rest()), [(1, 5), (2, 10), (3, 10), (4, 15), (5, 20)]);
}

#[test]
fn what_is_larger_than_the_link_is_lost_without_a_word() {
    let mut bench = Bench::new(terms(|terms| terms.mtu = Some(1400)));
    bench.put(&Sample::sized(1414));
    bench.put(&Sample::sized(1415));
    assert_eq!(told(&bench.rest()), [(1, 0)]);
    assert_eq!(bench.fates().iter().map(cause).collect::<Vec<_>>(), [None, Some(Cause::TooBig)]);
}

#[test]
fn a_copy_has_the_name_of_its_packet_and_takes_no_rate() {
    let mut bench = Bench::new(terms(|terms| (terms.duplicate, terms.rate) = (chance(1.0), Some(fixed(8_000_000)))));
    bench.put(&Sample::sized(1000));
    bench.put(&Sample::sized(1000));
    assert_eq!(told(&bench.rest()), [(1, 1), (1, 1), (2, 2), (2, 2)]);
    let fates = bench.fates();
    assert_eq!(fates.iter().map(|fate| fate.packet.0).collect::<Vec<_>>(), [1, 1, 2, 2]);
    assert_eq!(
        fates.iter().map(|fate| (marks(fate).duplicated, marks(fate).duplicate)).collect::<Vec<_>>()[..2],
        [(true, false), (false, true)]
    );
    assert_eq!((bench.pipe.counts().duplicated, bench.pipe.counts().delivered), (2, 4));
}

#[test]
fn what_is_lost_is_not_copied_but_took_its_time() {
    let loss = Some(Loss::List(Arc::new([1, 3])));
    let mut bench = Bench::new(terms(|terms| {
        (terms.loss, terms.duplicate, terms.rate) = (loss, chance(1.0), Some(fixed(8_000_000)));
    }));
    bench.puts(4, &Sample::sized(1000));
    assert_eq!(told(&bench.rest()), [(2, 2), (2, 2), (4, 4), (4, 4)]);
    assert_eq!(bench.dropped(Cause::Loss), 2);
}

/// The receiver's view: the UDP checksum no longer holds (or the IP header is broken).
#[test]
fn damage_shows_in_a_checksum_even_if_that_was_left_to_the_device() {
    let mut bench = Bench::new(terms(|terms| terms.corrupt = chance(1.0)));
    let sample = Sample { v6: true, partial: true, ..Sample::default() };
    let right = Sample { partial: false, ..sample.clone() }.frame().to_vec();
    bench.puts(200, &sample);
    let arrived = bench.rest();
    let fates = bench.fates();
    for ((_, _, frame), fate) in arrived.iter().zip(&fates) {
        assert_eq!(frame.checksum, Checksum::Unknown);
        let (wrong, bit) = (frame.to_vec(), marks(fate).corrupted.expect("damaged") as usize);
        assert_eq!(wrong[14 + bit / 8] ^ right[14 + bit / 8], 0x80 >> (bit % 8));
        let mut sum = Sum::pseudo("fd00::1".parse().expect("an address"), "fd00::2".parse().expect("an address"), 17, 108);
        sum.add(&wrong[54..]);
        assert_eq!(sum.finish() == 0, bit / 8 < 40, "bit {bit}");
    }
    assert_eq!(bench.pipe.counts().corrupted, 200);
}

#[test]
fn what_is_not_ip_is_not_damaged() {
    let mut bench = Bench::new(terms(|terms| terms.corrupt = chance(1.0)));
    bench.pipe.put(bench.now, samples::arp(1, 2));
    assert_eq!(bench.rest()[0].2.to_vec(), samples::arp(1, 2).to_vec());
    assert_eq!(bench.pipe.counts().corrupted, 0);
}

#[test]
fn the_chosen_overtake_by_the_whole_delay_or_by_what_was_said() {
    for (by, expected) in [(None, 20), (Some(ms(30)), 90), (Some(ms(500)), 20)] {
        let mut bench = Bench::new(terms(|terms| terms.delay = ms(100)));
        bench.put(&Sample::default());
        bench.until(Instant::from_millis(20));
        bench.set(|terms| terms.reorder = Some(Reorder { chance: chance(1.0), by }));
        bench.put(&Sample::default());
        let arrived = bench.rest();
        assert_eq!(told(&arrived), [(2, expected), (1, 100)]);
    }
}

#[test]
fn overtaking_is_told_when_it_happens() {
    let mut bench = Bench::new(terms(|terms| {
        (terms.delay, terms.reorder) = (ms(10), Some(Reorder { chance: chance(0.3), by: None }));
    }));
    let mut arrived = bench.stream(1000, 200, ms(1));
    arrived.extend(bench.rest());
    let overtakes = (1..arrived.len()).filter(|at| arrived[at - 1].0 < arrived[*at].0).count();
    assert!(overtakes < arrived.len());
    let told = bench.fates().iter().filter(|fate| marks(fate).reordered).count() as u64;
    let mut after = 0;
    let seen = arrived.iter().enumerate().filter(|(at, (packet, ..))| {
        // It came before one that was sent before it.
        arrived[at + 1..].iter().any(|(later, ..)| later < packet)
    });
    after += seen.count() as u64;
    assert_eq!((told, bench.pipe.counts().reordered), (after, after));
    assert!((200..400).contains(&after), "{after}");
}

fn jittered(overtake: bool) -> (Bench, Arrived) {
    let jitter = Jitter { spread: ms(20), distribution: Distribution::Normal, correlation: 0.0, overtake };
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.jitter) = (ms(100), Some(jitter))));
    let mut arrived = bench.stream(2000, 200, ms(1));
    arrived.extend(bench.rest());
    (bench, arrived)
}

#[test]
fn jitter_keeps_the_order_of_a_flow_unless_told_otherwise() {
    let (bench, arrived) = jittered(false);
    assert!(arrived.is_sorted_by_key(|(packet, ..)| *packet));
    assert_eq!((arrived.len(), bench.pipe.counts().reordered), (2000, 0));
    let (bench, arrived) = jittered(true);
    assert!(!arrived.is_sorted_by_key(|(packet, ..)| *packet));
    assert!(bench.pipe.counts().reordered > 500);
}

#[test]
fn one_flow_does_not_wait_for_another() {
    let jitter =
        Jitter { spread: ms(0), distribution: Distribution::Trace(Arc::new([50_000_000, 0])), correlation: 0.0, overtake: false };
    let mut bench = Bench::new(terms(|terms| terms.jitter = Some(jitter)));
    let other = Sample { port: 1, ..Sample::default() };
    for sample in [&other, &Sample::default(), &other] {
        bench.put(sample);
    }
    assert_eq!(told(&bench.rest()), [(1, 50), (2, 50), (3, 50)], "the first of both, and what waits for its flow");
    bench.until(Instant::EPOCH);
}

#[test]
fn a_deviation_is_never_more_than_the_delay_that_is_there() {
    let jitter = Jitter { spread: ms(50), distribution: Distribution::Uniform, correlation: 0.0, overtake: true };
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.jitter) = (ms(10), Some(jitter))));
    bench.puts(1000, &Sample::default());
    let arrived = bench.rest();
    assert_eq!(arrived.len(), 1000);
    assert!(arrived.iter().filter(|(_, at, _)| *at == Instant::EPOCH).count() > 300);
    assert!(arrived.iter().all(|(_, at, _)| *at <= Instant::from_millis(60)));
}

#[test]
fn what_no_memory_can_hold_is_dropped_and_told() {
    let mut bench = Bench::new(terms(|terms| terms.delay = Duration::from_secs(3600)));
    let frame = Frame::from(&vec![0; 60_000][..]);
    let fit = MEMORY / frame.memory();
    for _ in 0..fit + 3 {
        bench.pipe.put(bench.now, frame.clone());
    }
    assert_eq!(bench.dropped(Cause::QueueFull), 3);
    assert_eq!(bench.rest().len(), fit);
    bench.pipe.put(Instant::from_secs(7200), frame);
    assert_eq!(bench.dropped(Cause::QueueFull), 3);
}

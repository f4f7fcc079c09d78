use super::model::{CAREFUL, MSS, Path};
use super::*;
use crate::base::Entropy;
use alloc::vec::Vec;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn it_is_small() {
    assert!(size_of::<Congestion>() <= 48, "{}", size_of::<Congestion>());
}

/// RFC 6928 §2: min(10 MSS, max(2 MSS, 14600)).
#[test]
fn the_initial_window_is_ten_segments_but_not_of_large_ones() {
    for (mss, cwnd) in [(536, 5360), (1448, 14480), (1460, 14600), (8948, 17896), (4000, 14600)] {
        let mut control = Congestion::new(Algorithm::Cubic, 536);
        control.set_mss(mss);
        assert_eq!((control.cwnd(), control.ssthresh()), (cwnd, u32::MAX), "{mss}");
    }
}

/// RFC 5681 §3.1: below ssthresh the window grows by what is acknowledged, above by a segment each round trip.
#[test]
fn new_reno_doubles_and_then_adds_a_segment() {
    let mut path = Path::new(Algorithm::NewReno, 100, u64::MAX);
    path.round();
    assert_eq!(path.control.cwnd(), 20 * MSS);
    path.control.loss();
    // RFC 5681 §3.1 equation 4, §3.2 step 2.
    assert_eq!((path.control.cwnd(), path.control.ssthresh()), (10 * MSS, 10 * MSS));
    path.control.recovered();
    for segments in 10..30 {
        assert_eq!(path.control.cwnd() / MSS, segments);
        path.round();
        path.control.acked(
            &Ack {
                now: path.now,
                acked: MSS,
                in_flight: path.control.cwnd(),
                srtt: None,
                rtt: None,
                lowest: None,
                limited: true,
            },
            CAREFUL,
        );
    }
}

/// RFC 5681 §3.1: a timeout leaves one segment; half the window is the threshold, and a repeated one leaves that.
#[test]
fn a_timeout_begins_anew_with_one_segment() {
    for (algorithm, threshold) in [(Algorithm::NewReno, 5 * MSS), (Algorithm::Cubic, 7 * MSS)] {
        let mut control = Congestion::new(algorithm, MSS);
        control.timeout(true);
        assert_eq!((control.cwnd(), control.ssthresh()), (MSS, threshold));
        control.timeout(false);
        assert_eq!((control.cwnd(), control.ssthresh()), (MSS, threshold));
        control.timeout(true);
        assert_eq!(control.ssthresh(), 2 * MSS, "at least two segments");
    }
}

/// RFC 5681 §3.1: slow start ends at the threshold exactly, and what is left of the acknowledgement counts for what follows.
#[test]
fn slow_start_stops_at_the_threshold() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = Path::new(algorithm, 100, u64::MAX);
        path.control.timeout(true);
        path.ack(100 * MSS, true);
        let (cwnd, ssthresh) = (path.control.cwnd(), path.control.ssthresh());
        assert!(cwnd >= ssthresh && cwnd < ssthresh * 10, "{algorithm:?}: {cwnd} {ssthresh}");
        assert!(!path.control.in_slow_start());
    }
}

/// RFC 7661 §4.3, RFC 9438 §5.8: a window that is not used does not grow.
#[test]
fn what_is_not_used_does_not_grow() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = Path::new(algorithm, 100, u64::MAX);
        for _ in 0..50 {
            path.now += ms(100);
            path.ack(MSS, false);
        }
        assert_eq!(path.control.cwnd(), 10 * MSS);
        path.control.loss();
        path.control.recovered();
        let cwnd = path.control.cwnd();
        for _ in 0..50 {
            path.now += ms(100);
            path.ack(MSS, false);
        }
        assert_eq!(path.control.cwnd(), cwnd);
    }
}

/// RFC 5681 §4.1, as Linux does it: half for each timeout, not below the initial window.
#[test]
fn idle_time_halves_the_window_down_to_the_initial_one() {
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic] {
        let mut path = Path::new(algorithm, 100, u64::MAX);
        for _ in 0..3 {
            path.round();
        }
        assert_eq!(path.control.cwnd(), 80 * MSS);
        path.control.loss();
        let cwnd = path.control.cwnd();
        path.control.idle(ms(450), ms(300));
        assert_eq!((path.control.cwnd(), path.control.ssthresh()), (cwnd / 2, cwnd));
        path.control.idle(Duration::from_hours(1), ms(300));
        assert_eq!((path.control.cwnd(), path.control.ssthresh()), (10 * MSS, cwnd));
        path.control.idle(Duration::MAX, Duration::ZERO);
        assert_eq!(path.control.cwnd(), 10 * MSS);
    }
}

/// RFC 8511 §3: a mark costs CUBIC 0.15 of the window where a loss costs 0.3; NewReno does not tell them apart, as in Linux.
#[test]
fn a_mark_costs_less_than_a_loss() {
    for (algorithm, after) in [(Algorithm::Cubic, 17_000), (Algorithm::NewReno, 10_000)] {
        let mut path = Path::new(algorithm, 100, u64::MAX);
        path.round();
        assert_eq!(path.control.cwnd(), 20 * MSS);
        path.control.marked();
        assert_eq!((path.control.cwnd(), path.control.ssthresh()), (after / 1000 * MSS, after / 1000 * MSS), "{algorithm:?}");
    }
}

/// RFC 9438 §4.6 (beta 0.7) and §4.7 (fast convergence).
#[test]
fn cubic_keeps_seven_tenths_and_gives_way_to_newcomers() {
    let mut path = Path::new(Algorithm::Cubic, 100, u64::MAX);
    for _ in 0..4 {
        path.round();
    }
    let cwnd = path.control.cwnd();
    path.control.loss();
    assert_eq!((path.control.cwnd(), path.control.ssthresh()), (cwnd / 10 * 7, cwnd / 10 * 7));
    path.control.recovered();
    let first = cubic_w_max(&path.control);
    assert_eq!(first, cwnd);
    // A second loss below the first maximum: somebody else wants the room.
    let cwnd = path.control.cwnd();
    path.control.loss();
    assert_eq!(cubic_w_max(&path.control), cwnd / 20 * 17);
}

fn cubic_w_max(control: &Congestion) -> u32 {
    match &control.kind {
        Kind::Cubic(cubic) => cubic.w_max(),
        _ => 0,
    }
}

/// RFC 9438 §4.2: from 0.7 W_max the window is back at W_max after K = cbrt(0.3 W_max / C), concave before, convex after.
#[test]
fn cubic_is_back_at_the_old_window_after_k() {
    let mut path = Path::new(Algorithm::Cubic, 100, u64::MAX);
    path.control.set_cwnd(1000 * MSS);
    path.control.loss();
    path.control.recovered();
    let mut trace = Vec::new();
    for _ in 0..20 {
        (0..10).for_each(|_| _ = path.round());
        trace.push(path.control.cwnd() / MSS);
    }
    // One figure each second; K is 9.09 s.
    assert_eq!(trace, TRACE);
    let at_k = f64::from(trace[8] + trace[9]) / 2.0;
    assert!((at_k - 1000.0).abs() < 5.0, "{at_k}");
}

const TRACE: [u32; 20] =
    [788, 857, 909, 947, 972, 988, 996, 999, 999, 1000, 1002, 1009, 1024, 1047, 1082, 1132, 1198, 1283, 1389, 1520];

/// RFC 9438 §5.8: t does not go on while nothing is sent.
#[test]
fn idle_time_does_not_let_cubic_leap() {
    let mut path = Path::new(Algorithm::Cubic, 100, u64::MAX);
    path.control.set_cwnd(1000 * MSS);
    path.control.loss();
    path.control.recovered();
    (0..20).for_each(|_| _ = path.round());
    let mut rested = path.clone();
    rested.now = path.now + Duration::from_secs(100);
    rested.ack(MSS, false);
    rested.now += ms(100);
    let ahead = |path: &mut Path| {
        path.round();
        path.control.cwnd()
    };
    let (rested, busy) = (ahead(&mut rested), ahead(&mut path));
    assert!(rested.abs_diff(busy) <= 10 * MSS, "{rested} after a rest, {busy} without");
}

/// RFC 9438 §4.10: slow start that ended without a loss leads to a cubic with K of 0.
#[test]
fn a_growing_round_trip_ends_slow_start_without_loss() {
    let mut path = Path::new(Algorithm::Cubic, 50, u64::MAX);
    (0..4).for_each(|_| _ = path.round());
    path.set_rtt(ms(60));
    (0..8).for_each(|_| _ = path.round());
    assert!(!path.control.in_slow_start() && path.control.ssthresh() < u32::MAX);
    let before = path.control.cwnd();
    (0..20).for_each(|_| _ = path.round());
    assert!((before..before * 2).contains(&path.control.cwnd()));
}

/// RFC 9438 §5.1 tables 1 and 2, RFC 5681: the mean window for a loss rate, to within 15 %.
#[test]
fn the_response_function_is_that_of_the_rfc() {
    for (algorithm, rtt_ms, lose, segments) in [
        (Algorithm::NewReno, 100, 1_000, 38.0),
        (Algorithm::NewReno, 100, 10_000, 120.0),
        // Where CUBIC is as friendly as Reno:
        (Algorithm::Cubic, 100, 100, 12.0),
        (Algorithm::Cubic, 100, 1_000, 38.0),
        (Algorithm::Cubic, 10, 10_000, 120.0),
        (Algorithm::Cubic, 10, 100_000, 379.0),
        // Where it is a cubic:
        (Algorithm::Cubic, 100, 10_000, 187.0),
        (Algorithm::Cubic, 100, 100_000, 1054.0),
    ] {
        let mean = Path::new(algorithm, rtt_ms, lose).average(segments as u32);
        assert!((mean / segments - 1.0).abs() < 0.15, "{algorithm:?} {rtt_ms} ms 1/{lose}: {mean} and not {segments}");
    }
}

#[test]
fn no_sequence_of_events_leaves_the_bounds() {
    for seed in 0..200 {
        let mut entropy = Entropy::new(seed.into());
        let algorithm = if seed % 2 == 0 { Algorithm::Cubic } else { Algorithm::NewReno };
        let mut control = Congestion::new(algorithm, entropy.below(70_000));
        let mut now = Instant::EPOCH;
        for _ in 0..300 {
            let number = |entropy: &mut Entropy| entropy.next_u32() >> entropy.below(32);
            let time = Duration::from_nanos(entropy.next_u64() >> entropy.below(64));
            match entropy.below(10) {
                0 => control.loss(),
                1 => control.timeout(entropy.below(2) == 0),
                2 => control.recovered(),
                3 => control.idle(time, Duration::from_nanos(number(&mut entropy).into())),
                4 => control.set_mss(number(&mut entropy)),
                5 => control.set_cwnd(number(&mut entropy)),
                6 => now += time,
                _ => control.acked(
                    &Ack {
                        now,
                        acked: number(&mut entropy),
                        in_flight: number(&mut entropy),
                        srtt: Some(time),
                        rtt: Some(time),
                        lowest: Some(time / 2),
                        limited: entropy.below(4) > 0,
                    },
                    CAREFUL,
                ),
            }
            assert!((1..=1 << 30).contains(&control.cwnd()), "seed {seed}: {}", control.cwnd());
        }
    }
}

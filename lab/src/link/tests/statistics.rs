//! Frequencies and moments over many packets, against what was asked.

use super::*;

const MANY: usize = 100_000;

/// Which of [`MANY`] packets of one flow are lost.
fn losses(loss: Loss) -> Vec<bool> {
    let mut bench = Bench::new(terms(|terms| terms.loss = Some(loss)));
    bench.stream(MANY, 100, Duration::ZERO);
    bench.fates().iter().map(|fate| cause(fate) == Some(Cause::Loss)).collect()
}

fn share(hits: &[bool]) -> f64 {
    hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64
}

/// True if `share` lies within four standard deviations of `expected` of a binomial distribution whose draws are correlated by `rho`.
fn plausible(share: f64, expected: f64, rho: f64) -> bool {
    let deviation = (expected * (1.0 - expected) / MANY as f64 * (1.0 + rho) / (1.0 - rho)).sqrt();
    (share - expected).abs() < 4.0 * deviation
}

/// The correlation of neighbours.
fn correlation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>() / variance
}

fn numbers(hits: &[bool]) -> Vec<f64> {
    hits.iter().map(|hit| f64::from(u8::from(*hit))).collect()
}

#[test]
fn independent_loss_is_as_often_as_asked_and_independent() {
    for probability in [0.001, 0.01, 0.2, 0.5, 0.99] {
        let lost = losses(Loss::Independent(chance(probability)));
        assert!(plausible(share(&lost), probability, 0.0), "{probability}: {}", share(&lost));
        let rho = correlation(&numbers(&lost));
        assert!(rho.abs() < 0.015, "{probability}: correlated by {rho}");
    }
}

#[test]
fn correlated_loss_is_as_often_as_asked_and_correlated() {
    for correlation_asked in [0.25, 0.5, 0.9] {
        let lost = losses(Loss::Independent(Chance { probability: 0.05, correlation: correlation_asked }));
        assert!(plausible(share(&lost), 0.05, correlation_asked), "{correlation_asked}: {}", share(&lost));
        let rho = correlation(&numbers(&lost));
        assert!((rho - correlation_asked).abs() < 0.04, "{correlation_asked}: {rho}");
    }
}

/// Lengths of runs of losses.
fn bursts(lost: &[bool]) -> Vec<usize> {
    lost.split(|lost| !lost).map(<[bool]>::len).filter(|len| *len > 0).collect()
}

#[test]
fn gilbert_elliott_loses_in_bursts_of_the_right_length() {
    let lost = losses(Loss::GilbertElliott { enter: 0.01, leave: 0.25, bad: 1.0, good: 0.0 });
    let expected = 0.01 / 0.26;
    assert!(plausible(share(&lost), expected, 0.74), "{}", share(&lost));
    let bursts = bursts(&lost);
    let mean = bursts.iter().sum::<usize>() as f64 / bursts.len() as f64;
    assert!((mean - 4.0).abs() < 0.4, "a burst ends with a quarter: {mean}");
    let ones = bursts.iter().filter(|len| **len == 1).count() as f64 / bursts.len() as f64;
    assert!((ones - 0.25).abs() < 0.06, "{ones}");
}

#[test]
fn gilbert_elliott_has_a_loss_in_each_state() {
    let lost = losses(Loss::GilbertElliott { enter: 0.02, leave: 0.08, bad: 0.6, good: 0.01 });
    assert!(plausible(share(&lost), 0.2 * 0.6 + 0.8 * 0.01, 0.8), "{}", share(&lost));
}

/// Where a chain is in the long run is where each flow begins.
#[test]
fn short_flows_lose_as_much_as_long_ones() {
    let models = [
        Loss::GilbertElliott { enter: 0.01, leave: 0.04, bad: 1.0, good: 0.0 },
        Loss::FourState { p13: 0.01, p31: 0.04, p32: 0.0, p23: 1.0, p14: 0.0 },
    ];
    for loss in models {
        let mut bench = Bench::new(terms(|terms| terms.loss = Some(loss)));
        for port in 0..20_000 {
            bench.put(&Sample { port, ..Sample::default() });
        }
        let lost = bench.dropped(Cause::Loss) as f64 / 20_000.0;
        assert!((lost - 0.2).abs() < 0.012, "{lost}");
    }
}

#[test]
fn four_states_are_left_as_often_as_asked() {
    let (p13, p31, p32, p23, p14) = (0.02, 0.2, 0.3, 0.4, 0.01);
    let lost = losses(Loss::FourState { p13, p31, p32, p23, p14 });
    // In the long run, in units of the time in state 1.
    let (burst, pause, alone) = (p13 / p31, p13 / p31 * p32 / p23, p14);
    let expected = (burst + alone) / (1.0 + burst + pause + alone);
    assert!(plausible(share(&lost), expected, 0.6), "{} for {expected}", share(&lost));
}

#[test]
fn periodic_and_listed_losses_are_exact() {
    let lost = losses(Loss::Periodic { every: 10, first: 3 });
    assert!(lost.iter().enumerate().all(|(at, lost)| *lost == (at % 10 == 2)));
    let lost = losses(Loss::List([1, 5, 99_999].into()));
    let at: Vec<usize> = (0..MANY).filter(|at| lost[*at]).map(|at| at + 1).collect();
    assert_eq!(at, [1, 5, 99_999]);
}

#[test]
fn everything_else_is_as_often_as_asked_too() {
    let mut bench = Bench::new(terms(|terms| {
        terms.delay = ms(10);
        (terms.duplicate, terms.corrupt) = (chance(0.02), chance(0.03));
    }));
    bench.stream(MANY, 100, Duration::ZERO);
    let fates = bench.fates();
    let share = |hit: fn(&Marks) -> bool| {
        let originals = fates.iter().map(marks).filter(|marks| !marks.duplicate);
        originals.filter(hit).count() as f64 / MANY as f64
    };
    assert!(plausible(share(|marks| marks.duplicated), 0.02, 0.0));
    assert!(plausible(share(|marks| marks.corrupted.is_some()), 0.03, 0.0));
}

/// Deviations from the delay in units of the spread.
fn deviations(distribution: Distribution, correlation: f64) -> Vec<f64> {
    let jitter = Jitter { spread: ms(10), distribution, correlation, overtake: true };
    let mut bench = Bench::new(terms(|terms| (terms.delay, terms.jitter) = (ms(1000), Some(jitter))));
    bench.stream(MANY, 100, Duration::ZERO);
    let deviation = |fate: &Fate| match fate.verdict {
        Verdict::Delivered { arrives, .. } => (arrives.nanos() as f64 - 1e9) / 1e7,
        Verdict::Dropped(_) => panic!("nothing is dropped"),
    };
    bench.fates().iter().map(deviation).collect()
}

/// Mean, standard deviation, skewness.
fn moments(values: &[f64]) -> (f64, f64, f64) {
    let len = values.len() as f64;
    let mean = values.iter().sum::<f64>() / len;
    let moment = |power| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / len;
    let deviation = moment(2).sqrt();
    (mean, deviation, moment(3) / deviation.powi(3))
}

#[test]
fn distributions_have_the_moments_they_should() {
    let third = (1.0_f64 / 3.0).sqrt();
    let cases = [
        (Distribution::Uniform, third, -0.05..0.05),
        (Distribution::Normal, 1.0, -0.05..0.05),
        (Distribution::Pareto, 1.0, 2.0..3.0),
        (Distribution::ParetoNormal, 1.0, 1.5..2.5),
    ];
    for (distribution, expected, skewness) in cases {
        let (mean, deviation, skew) = moments(&deviations(distribution.clone(), 0.0));
        assert!(mean.abs() < 4.0 * expected / (MANY as f64).sqrt(), "{distribution:?}: mean {mean}");
        assert!((deviation - expected).abs() < 0.015, "{distribution:?}: {deviation}");
        assert!(skewness.contains(&skew), "{distribution:?}: skewness {skew}");
    }
}

#[test]
fn correlated_deviations_keep_their_distribution() {
    let values = deviations(Distribution::Normal, 0.5);
    let (mean, deviation, _) = moments(&values);
    assert!(mean.abs() < 0.03 && (deviation - 1.0).abs() < 0.03, "{mean} {deviation}");
    assert!((correlation(&values) - 0.5).abs() < 0.03);
}

#[test]
fn a_trace_of_deviations_goes_round() {
    let values = deviations(Distribution::Trace([0, 10_000_000, 5_000_000].into()), 0.0);
    assert!(values.chunks_exact(3).all(|round| round == [0.0, 1.0, 0.5]));
}

#[test]
fn the_rate_is_what_was_asked_within_a_thousandth() {
    let mut bench = Bench::new(terms(|terms| {
        (terms.delay, terms.rate) = (ms(7), Some(Rate::Fixed { bits: 20_000_000, burst: 3000, overhead: 24 }));
    }));
    let arrived = bench.stream(MANY / 4, 1000, Duration::from_micros(300));
    let (first, last) = (arrived.first().expect("some").1, arrived.last().expect("some").1);
    let bits = (arrived.len() - 1) as f64 * 1024.0 * 8.0 / (last - first).as_secs_f64();
    assert!((bits / 20e6 - 1.0).abs() < 0.001, "{bits} bit/s");
}

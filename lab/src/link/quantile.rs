//! Deviations of the delay, by table: a random number goes in, so many standard deviations come out.
//!
//! The tables are computed once, from addition, multiplication, division and square root alone: these give the same bits on every
//! machine, which no library's `exp` or `pow` promises. They hold the quantile function at 4096 steps; between them it is straight.

use std::sync::OnceLock;

use loggia_stack::base::time::Duration;

use super::terms::Distribution;

const STEPS: usize = 4096;
/// Fixed point: 1 standard deviation.
const ONE: f64 = 4_294_967_296.0;
/// Where the normal distribution is cut, in standard deviations, and how far above its mean the Pareto distribution is.
const CUT: f64 = 4.0;

/// The quantile function of a distribution with mean 0 and standard deviation 1.
#[derive(Debug)]
pub(super) struct Table(Vec<i64>);

impl Table {
    /// What belongs to 64 random bits, in units of 2^-32 standard deviations.
    pub(super) fn at(&self, draw: u64) -> i64 {
        let step = (draw >> 52) as usize;
        let between = (draw >> 20) as u32;
        let (low, high) = (self.0[step], self.0[step + 1]);
        low + ((i128::from(high - low) * i128::from(between)) >> 32) as i64
    }

    /// The table of a quantile function, moved to mean 0 and stretched to standard deviation 1.
    fn of(quantiles: &[f64]) -> Self {
        let pairs = || quantiles.iter().zip(&quantiles[1..]);
        let mean = pairs().map(|(a, b)| (a + b) / 2.0).sum::<f64>() / STEPS as f64;
        // The mean square of a straight line from a to b is (a² + ab + b²) / 3.
        let square = |(a, b): (&f64, &f64)| {
            let (a, b) = (a - mean, b - mean);
            (a * a + a * b + b * b) / 3.0
        };
        let deviation = (pairs().map(square).sum::<f64>() / STEPS as f64).sqrt();
        Self(quantiles.iter().map(|quantile| ((quantile - mean) / deviation * ONE) as i64).collect())
    }
}

/// The deviation that belongs to 64 random bits, in nanoseconds. A trace has none: what it says depends on the packet's number.
pub(super) fn deviation(distribution: &Distribution, spread: Duration, draw: u64) -> i64 {
    let spread = i128::from(u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX));
    let scaled = |table: &Table| (spread * i128::from(table.at(draw))) >> 32;
    let nanos = match distribution {
        Distribution::Uniform => (spread * (i128::from(draw) - (1 << 63))) >> 63,
        Distribution::Normal => scaled(normal()),
        Distribution::Pareto => scaled(pareto()),
        Distribution::ParetoNormal => scaled(pareto_normal()),
        Distribution::Trace(_) => 0,
    };
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn normal() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::of(&normal_quantiles()))
}

fn pareto() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::of(&pareto_quantiles()))
}

/// As netem's: a quarter of the one and three quarters of the other, at the same quantile.
fn pareto_normal() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mix = |(normal, pareto): (&i64, &i64)| (0.25 * *normal as f64 + 0.75 * *pareto as f64) / ONE;
        Table::of(&normal().0.iter().zip(&pareto().0).map(mix).collect::<Vec<f64>>())
    })
}

/// The normal distribution between ±[`CUT`]: its density summed up in small steps, and read the other way round.
fn normal_quantiles() -> Vec<f64> {
    const FINE: usize = 1 << 16;
    let x = |at: usize| CUT * (2.0 * at as f64 / FINE as f64 - 1.0);
    let density = |at: usize| exp(-x(at) * x(at) / 2.0);
    let mut sums = vec![0.0; FINE + 1];
    for at in 1..=FINE {
        sums[at] = sums[at - 1] + 0.5 * (density(at - 1) + density(at));
    }
    let whole = sums[FINE];
    let mut at = 0;
    let quantile = |step: usize| {
        let wanted = whole * step as f64 / STEPS as f64;
        while at + 1 < FINE && sums[at + 1] < wanted {
            at += 1;
        }
        x(at) + (x(at + 1) - x(at)) * ((wanted - sums[at]) / (sums[at + 1] - sums[at]))
    };
    (0..=STEPS).map(quantile).collect()
}

/// Pareto with shape 3 (mean 3/2, variance 3/4) and scale 1, without its tail beyond [`CUT`] standard deviations.
fn pareto_quantiles() -> Vec<f64> {
    let end = 1.5 + CUT * 0.75_f64.sqrt();
    let tail = 1.0 / (end * end * end);
    (0..=STEPS).map(|step| 1.0 / cube_root(1.0 - (1.0 - tail) * step as f64 / STEPS as f64)).collect()
}

/// e^x by its series, for x near 0, and squared as often as it was halved.
fn exp(x: f64) -> f64 {
    const HALVINGS: i32 = 8;
    let small = x / f64::from(1 << HALVINGS);
    let series = (1..=16).rev().fold(1.0, |sum, term| 1.0 + sum * small / f64::from(term));
    (0..HALVINGS).fold(series, |power, _| power * power)
}

/// Newton's method; from 1 it falls to the root of anything between 0 and 1, fast enough for what is above 1/1000.
fn cube_root(number: f64) -> f64 {
    (0..40).fold(1.0, |root, _| (2.0 * root + number / (root * root)) / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_functions_are_right() {
        for number in [-8.0_f64, -3.5, -1.0, -0.001, 0.0] {
            assert!((exp(number) - number.exp()).abs() < 1e-12, "exp {number}");
        }
        for number in [0.008_f64, 0.1, 0.5, 1.0] {
            assert!((cube_root(number) - number.cbrt()).abs() < 1e-12, "root {number}");
        }
    }

    /// Known quantiles of the normal distribution, which the cut moves by less than a thousandth.
    #[test]
    fn the_normal_table_is_the_normal_distribution() {
        let at = |probability: f64| normal().at(super::super::draw::fraction(probability)) as f64 / ONE;
        for (probability, quantile) in
            [(0.5, 0.0), (0.841_344_7, 1.0), (0.977_249_9, 2.0), (0.025, -1.959_964), (0.99, 2.326_348)]
        {
            assert!((at(probability) - quantile).abs() < 0.005, "{probability}: {}", at(probability));
        }
        assert!((at(0.0) + CUT).abs() < 0.01 && (at(0.999_999_999) - CUT).abs() < 0.01);
    }

    #[test]
    fn the_pareto_table_is_steep_below_its_mean_and_long_above() {
        let at = |probability: f64| pareto().at(super::super::draw::fraction(probability)) as f64 / ONE;
        // The density is highest at the smallest value, 1: less than one deviation below the mean.
        assert!((-0.9..-0.7).contains(&at(0.0)), "{}", at(0.0));
        assert!(at(0.5) < 0.0);
        assert!((6.0..6.5).contains(&at(0.999_999_999)), "{}", at(0.999_999_999));
    }

    /// A change of these would change the delays of every lab in the world.
    #[test]
    fn the_tables_are_the_same_on_every_machine() {
        let hash = |table: &Table| table.0.iter().fold(0u64, |hash, entry| hash.wrapping_mul(31).wrapping_add(*entry as u64));
        assert_eq!(
            [normal(), pareto(), pareto_normal()].map(hash),
            [11_542_927_021_198_512_128, 1_935_732_988_862_548_083, 7_795_612_646_467_350_918]
        );
    }
}

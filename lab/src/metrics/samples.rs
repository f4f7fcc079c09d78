//! Values of a metric: exact while they are few, in a histogram when they are many.

use hdrhistogram::Histogram;

/// So many values are kept as they are.
const EXACT: usize = 10_000;
/// Histograms hold whole numbers: values are counted in units of so much of a second, a bit, a byte or a share.
const GRAIN: f64 = 1e-9;

/// Values of a metric.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    exact: Vec<f64>,
    many: Option<Box<Histogram<u64>>>,
    /// The value that came last, and how often one after the other.
    latest: (f64, u64),
    /// So many of these the histogram does not have yet.
    owed: u64,
    count: u64,
    /// Those before the latest. Equal ones in a row are added as their product, however they come: one by one or at once.
    sum: f64,
    min: f64,
    max: f64,
}

impl Samples {
    /// None.
    pub const EMPTY: Self =
        Self { exact: Vec::new(), many: None, latest: (0.0, 0), owed: 0, count: 0, sum: 0.0, min: 0.0, max: 0.0 };

    /// Adds a value; not negative.
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// Adds a value so many times.
    pub fn add_many(&mut self, value: f64, times: u64) {
        if times == 0 {
            return;
        }
        if self.count == 0 || self.latest.0.to_bits() != value.to_bits() {
            self.begin(value);
        }
        self.count += times;
        self.latest.1 += times;
        let exact = if self.many.is_none() { times.min((EXACT - self.exact.len()) as u64) } else { 0 };
        self.exact.extend(std::iter::repeat_n(value, exact as usize));
        self.owed += times - exact;
    }

    /// Another value than the latest comes.
    fn begin(&mut self, value: f64) {
        if self.owed > 0 {
            self.pour();
        }
        (self.min, self.max) = if self.count == 0 { (value, value) } else { (self.min.min(value), self.max.max(value)) };
        self.sum += self.of_latest();
        self.latest = (value, 0);
    }

    fn of_latest(&self) -> f64 {
        self.latest.0 * self.latest.1 as f64
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = if self.count == 0 { other.max } else { self.max.max(other.max) };
        self.count += other.count;
        self.sum += other.sum();
        if self.many.is_none() && other.many.is_none() && self.exact.len() + other.exact.len() <= EXACT {
            self.exact.extend_from_slice(&other.exact);
            return;
        }
        self.pour();
        let Some(histogram) = &mut self.many else { return };
        other.exact.iter().for_each(|value| record(histogram, *value, 1));
        record(histogram, other.latest.0, other.owed);
        if let Some(theirs) = &other.many {
            // Both grow by themselves.
            let _ = histogram.add(&**theirs);
        }
    }

    /// Exact values, and what is owed, go to a histogram.
    fn pour(&mut self) {
        let histogram = self.many.get_or_insert_with(|| {
            let mut histogram = Histogram::new(3).expect("three digits are allowed");
            histogram.auto(true);
            Box::new(histogram)
        });
        self.exact.drain(..).for_each(|value| record(histogram, value, 1));
        record(histogram, self.latest.0, std::mem::take(&mut self.owed));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All together.
    pub fn sum(&self) -> f64 {
        self.sum + self.of_latest()
    }

    /// The smallest; none if there are none.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest; none if there are none.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// The arithmetic mean; none if there are none.
    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum() / self.count as f64)
    }

    /// The smallest value that `percent` of the samples do not exceed (nearest rank); none if there are none.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        if self.owed > 0 {
            let mut whole = self.clone();
            whole.pour();
            return whole.percentile(percent);
        }
        if let Some(histogram) = &self.many {
            let value = histogram.value_at_percentile(percent) as f64 * GRAIN;
            return Some(value.clamp(self.min, self.max));
        }
        let mut sorted = self.exact.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
        sorted.get(rank - 1).or(sorted.last()).copied()
    }
}

fn record(histogram: &mut Histogram<u64>, value: f64, count: u64) {
    if count > 0 {
        // It grows as wide as the value asks.
        let _ = histogram.record_n((value / GRAIN).round() as u64, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Samples {
        let mut samples = Samples::default();
        values.into_iter().for_each(|value| samples.add(value));
        samples
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let samples = of((1..=10).map(f64::from));
        for (percent, value) in [(0.0, 1.0), (10.0, 1.0), (50.0, 5.0), (51.0, 6.0), (99.0, 10.0), (100.0, 10.0)] {
            assert_eq!(samples.percentile(percent), Some(value), "p({percent})");
        }
        assert_eq!((samples.avg(), samples.min(), samples.max()), (Some(5.5), Some(1.0), Some(10.0)));
        assert_eq!(of([]).percentile(50.0), None);
    }

    #[test]
    fn many_values_keep_three_digits() {
        let samples = of((1..=100_000).map(|n| f64::from(n) / 1e6));
        let median = samples.percentile(50.0).expect("a median");
        assert!((median - 0.05).abs() < 0.05 * 1e-3, "{median}");
        assert_eq!(samples.max(), Some(0.1));
    }

    #[test]
    fn a_value_that_comes_again_and_again_counts_each_time() {
        let samples = of((0..30_000).map(|n| if n < 20_000 { f64::from(n / 5_000) } else { 9.0 }));
        let at = [10.0, 20.0, 40.0, 60.0, 70.0, 100.0].map(|percent| samples.percentile(percent).expect("values").round());
        assert_eq!((at, samples.count()), ([0.0, 1.0, 2.0, 3.0, 9.0, 9.0], 30_000));
        let mut merged = of([5.0]);
        merged.merge(&samples);
        assert_eq!((merged.percentile(99.0), merged.count()), (Some(9.0), 30_001));
    }

    #[test]
    fn many_at_once_are_the_same_as_one_after_the_other() {
        let (mut at_once, mut one_by_one) = (Samples::default(), Samples::default());
        for n in 0..900 {
            let (value, times) = (f64::from(n % 70) * 0.1, n as u64 % 40);
            at_once.add_many(value, times);
            (0..times).for_each(|_| one_by_one.add(value));
            assert_eq!((at_once.sum(), at_once.count(), at_once.min()), (one_by_one.sum(), one_by_one.count(), one_by_one.min()));
        }
        let percentiles = |samples: &Samples| [1.0, 50.0, 77.0, 99.0].map(|percent| samples.percentile(percent));
        assert_eq!(percentiles(&at_once), percentiles(&one_by_one));
    }

    #[test]
    fn it_does_not_matter_in_which_parts_values_come() {
        for (a, b) in [(10, 20), (9_000, 9_000), (20_000, 5), (5, 20_000), (20_000, 20_000)] {
            let mut parts = of((0..a).map(f64::from));
            parts.merge(&of((0..b).map(|n| f64::from(n) + 0.5)));
            let whole = of((0..a).map(f64::from).chain((0..b).map(|n| f64::from(n) + 0.5)));
            assert_eq!((parts.count(), parts.min(), parts.max()), (whole.count(), whole.min(), whole.max()));
            assert_eq!(parts.percentile(75.0), whole.percentile(75.0));
        }
    }
}

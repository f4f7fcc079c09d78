//! How long things took: percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::values::show_time;

/// Times of one kind. Kept to a thousandth; the shortest and the longest exactly.
#[derive(Debug)]
pub struct Times {
    histogram: Histogram<u64>,
    min: u64,
    max: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { histogram: Histogram::new(3).expect("three digits are possible"), min: u64::MAX, max: 0 }
    }
}

/// Which percentiles are shown.
const SHOWN: [(&str, f64); 5] = [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        let nanos = time.as_nanos() as u64;
        // It grows with what comes; what it cannot hold takes centuries.
        let _ = self.histogram.record(nanos);
        (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// At most this long took a share `quantile` (0 to 1) of them.
    pub fn at(&self, quantile: f64) -> Duration {
        if self.is_empty() {
            return Duration::ZERO;
        }
        let nanos = match quantile {
            0.0 => self.min,
            1.0 => self.max,
            _ => self.histogram.value_at_quantile(quantile).clamp(self.min, self.max),
        };
        Duration::from_nanos(nanos)
    }

    /// The names of the percentiles over their columns.
    pub fn heading() -> String {
        SHOWN.iter().fold(format!("{:<10}", ""), |line, (name, _)| format!("{line} {name:>10}"))
    }

    /// A row of percentiles.
    pub fn row(&self, name: &str) -> String {
        SHOWN.iter().fold(format!("{name:<10}"), |line, (_, quantile)| format!("{line} {:>10}", show_time(self.at(*quantile))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_times() {
        let mut times = Times::default();
        (1..=100).for_each(|ms| times.add(Duration::from_millis(ms)));
        let near = |quantile: f64, ms: f64| (times.at(quantile).as_secs_f64() * 1000.0 - ms).abs() < ms / 500.0;
        assert!(near(0.5, 50.0) && near(0.9, 90.0) && near(0.99, 99.0), "{}", times.row("times"));
    }

    #[test]
    fn equal_times_are_shown_exactly() {
        let mut times = Times::default();
        (0..100).for_each(|_| times.add(Duration::from_nanos(40_123_456)));
        assert!(SHOWN.iter().all(|(_, quantile)| times.at(*quantile) == Duration::from_nanos(40_123_456)));
        times.add(Duration::from_secs(1));
        assert_eq!(times.at(1.0), Duration::from_secs(1));
        assert!(times.row("total").contains("1s"), "{}", times.row("total"));
    }
}

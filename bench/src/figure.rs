//! What is measured: one number of one subject at one thing.

use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// 10^9 bits a second.
    Gbits,
    /// Microseconds; less is better.
    Micros,
    /// So many a second.
    PerSecond,
    /// Bytes; less is better.
    Bytes,
    /// So many times as much as with the smallest crowd, or as on one core.
    Times,
    /// Hundredths.
    Percent,
    /// Just so many.
    Count,
}

impl Unit {
    /// As it is printed.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Gbits => "Gbit/s",
            Self::Micros => "µs",
            Self::PerSecond => "/s",
            Self::Bytes => "B",
            Self::Times => "×",
            Self::Percent => "%",
            Self::Count => "",
        }
    }
}

/// One number.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The row of the table of goals it belongs to; 0: the floors.
    pub(crate) row: u8,
    /// What was done.
    pub(crate) what: String,
    /// By whom.
    pub(crate) subject: String,
    /// In which unit.
    pub(crate) unit: Unit,
    /// How much.
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn new(row: u8, what: impl Into<String>, subject: &str, unit: Unit, value: f64) -> Self {
        Self { row, what: what.into(), subject: subject.into(), unit, value }
    }

    /// Bits a second of so many bytes.
    pub(crate) fn rate(row: u8, what: impl Into<String>, subject: &str, bytes: usize, took: std::time::Duration) -> Self {
        Self::new(row, what, subject, Unit::Gbits, bytes as f64 * 8.0 / 1e9 / took.as_secs_f64())
    }

    /// How long one of `count` took.
    pub(crate) fn each(row: u8, what: impl Into<String>, subject: &str, count: usize, took: std::time::Duration) -> Self {
        Self::new(row, what, subject, Unit::Micros, took.as_secs_f64() * 1e6 / count as f64)
    }

    /// How many a second.
    pub(crate) fn per_second(row: u8, what: impl Into<String>, subject: &str, count: usize, took: std::time::Duration) -> Self {
        Self::new(row, what, subject, Unit::PerSecond, count as f64 / took.as_secs_f64())
    }
}

/// All numbers of one subject at one thing, one a round.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) row: u8,
    pub(crate) what: String,
    pub(crate) subject: String,
    pub(crate) unit: Unit,
    /// In the order of the rounds.
    pub(crate) values: Vec<f64>,
}

impl Figure {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The one in the middle, of an even number the lower one.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted[(sorted.len() - 1) / 2]
    }

    pub(crate) fn min(&self) -> f64 {
        self.sorted()[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted()[self.values.len() - 1]
    }
}

/// All figures, in the order in which they first came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(pub(crate) Vec<Figure>);

impl Figures {
    pub(crate) fn add(&mut self, sample: Sample) {
        let Sample { row, what, subject, unit, value } = sample;
        match self.0.iter_mut().find(|figure| figure.row == row && figure.what == what && figure.subject == subject) {
            Some(figure) => figure.values.push(value),
            None => self.0.push(Figure { row, what, subject, unit, values: vec![value] }),
        }
    }

    /// The figure of a subject at something.
    pub(crate) fn find(&self, row: u8, what: &str, subject: &str) -> Option<&Figure> {
        self.0.iter().find(|figure| figure.row == row && figure.what == what && figure.subject == subject)
    }

    /// All of a row.
    pub(crate) fn of_row(&self, row: u8) -> impl Iterator<Item = &Figure> {
        self.0.iter().filter(move |figure| figure.row == row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_gather_the_rounds_of_one_subject() {
        let mut figures = Figures::default();
        for value in [3.0, 1.0, 2.0] {
            figures.add(Sample::new(1, "bulk", "loggia", Unit::Gbits, value));
            figures.add(Sample::new(1, "bulk", "smoltcp", Unit::Gbits, value * 10.0));
        }
        let figure = figures.find(1, "bulk", "loggia").expect("it was added");
        assert_eq!((figure.min(), figure.median(), figure.max()), (1.0, 2.0, 3.0));
        assert_eq!(figures.of_row(1).count(), 2);
    }
}

//! Series of values by name and labels.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::definitions::{Kind, definition};
use super::samples::Samples;
use crate::file::Unit;

/// Labels of a series, by name of the label.
pub type Labels = BTreeMap<&'static str, String>;

/// The values of a metric with certain labels.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is.
    pub kind: Kind,
    /// Samples, or the one value of a level.
    pub samples: Samples,
    /// A counter's value, or the part of a share.
    pub part: f64,
    /// The whole of a share.
    pub whole: f64,
}

impl Series {
    const fn new(kind: Kind) -> Self {
        Self { kind, samples: Samples::EMPTY, part: 0.0, whole: 0.0 }
    }

    /// What a counter or a level stands at, or a share is; none for samples, or if there is nothing.
    pub fn value(&self) -> Option<f64> {
        match self.kind {
            Kind::Samples => None,
            Kind::Counter => Some(self.part),
            Kind::Share => (self.whole > 0.0).then(|| self.part / self.whole),
            Kind::Level => self.samples.max(),
        }
    }

    /// Counts `part` more, of `whole` more.
    pub fn count(&mut self, part: u64, whole: u64) {
        self.part += part as f64;
        self.whole += whole as f64;
    }

    /// Series of one metric taken together; none if there are none.
    pub fn merged<'a>(mut all: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut merged = all.next()?.clone();
        all.for_each(|series| merged.merge(series));
        Some(merged)
    }

    fn merge(&mut self, other: &Self) {
        self.samples.merge(&other.samples);
        self.part += other.part;
        self.whole += other.whole;
    }
}

/// All series of a run.
#[derive(Clone, Debug, Default)]
pub struct Table {
    places: BTreeMap<(String, Labels), usize>,
    all: Vec<Series>,
    /// How long the run was, in seconds of lab time.
    pub seconds: f64,
}

/// Where a series is in its table: for those who add to it often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(usize);

impl Table {
    /// Where the series of a metric with these labels is; it is made if it is not there.
    pub fn place(&mut self, name: &str, labels: &Labels) -> Place {
        let next = self.all.len();
        let place = *self.places.entry((name.to_owned(), labels.clone())).or_insert(next);
        if place == next {
            self.all.push(Series::new(definition(name).map_or(Kind::Samples, |definition| definition.kind)));
        }
        Place(place)
    }

    /// The series at a place.
    pub fn at(&mut self, Place(place): Place) -> &mut Series {
        &mut self.all[place]
    }

    /// The series of a metric with these labels.
    pub fn series(&mut self, name: &str, labels: &Labels) -> &mut Series {
        let place = self.place(name, labels);
        self.at(place)
    }

    /// Adds a value.
    pub fn sample(&mut self, name: &str, labels: &Labels, value: f64) {
        self.series(name, labels).samples.add(value);
    }

    /// Counts `part` more, of `whole` more.
    pub fn count(&mut self, name: &str, labels: &Labels, part: u64, whole: u64) {
        self.series(name, labels).count(part, whole);
    }

    /// All series, by name and labels.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Labels, &Series)> {
        self.places.iter().map(|((name, labels), place)| (name.as_str(), labels, &self.all[*place]))
    }

    /// The series of a metric whose labels match all of `filter`: label and pattern.
    pub fn matching<'a>(
        &'a self,
        name: &'a str,
        filter: &'a [(String, String)],
    ) -> impl Iterator<Item = (&'a Labels, &'a Series)> {
        let fits = |labels: &Labels| {
            filter.iter().all(|(label, pattern)| labels.get(label.as_str()).is_some_and(|text| glob(pattern, text)))
        };
        self.iter().filter(move |(of, labels, _)| *of == name && fits(labels)).map(|(_, labels, series)| (labels, series))
    }

    /// The series of a metric that match, taken together; none if there are none.
    pub fn merged(&self, name: &str, filter: &[(String, String)]) -> Option<Series> {
        Series::merged(self.matching(name, filter).map(|(_, series)| series))
    }

    /// The text of `metrics.json`.
    pub fn to_json(&self) -> Value {
        let series: Vec<Value> = self.iter().map(|(name, labels, series)| row(name, labels, series)).collect();
        json!({ "schema": 1, "seconds": self.seconds, "series": series })
    }
}

fn row(name: &str, labels: &Labels, series: &Series) -> Value {
    let unit = match definition(name).map_or(Unit::Count, |definition| definition.unit) {
        Unit::Time => "s",
        Unit::Ratio => "ratio",
        Unit::Rate => "bit/s",
        Unit::Bytes => "B",
        Unit::Count => "1",
    };
    let mut row = json!({ "name": name, "labels": labels, "unit": unit, "kind": series.kind.name() });
    let samples = &series.samples;
    let statistics = match series.kind {
        Kind::Samples => json!({
            "count": samples.count(), "min": samples.min(), "avg": samples.avg(), "med": samples.percentile(50.0),
            "p90": samples.percentile(90.0), "p95": samples.percentile(95.0), "p99": samples.percentile(99.0),
            "max": samples.max(), "sum": samples.sum(),
        }),
        Kind::Share => json!({ "value": series.value(), "part": series.part, "of": series.whole }),
        Kind::Counter | Kind::Level => json!({ "value": series.value() }),
    };
    if let (Value::Object(row), Value::Object(statistics)) = (&mut row, statistics) {
        row.extend(statistics);
    }
    row
}

/// True if `text` is of the form of `pattern`, in which `*` stands for any text and `?` for one character.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it stands for.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[t] => (p, t) = (p + 1, t + 1),
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, t) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_as_in_file_names() {
        let cases = [
            ("client*", "client-3", true),
            ("client*", "client", true),
            ("client?", "client", false),
            ("*-3", "client-3", true),
            ("c*t-?", "client-3", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b", "aXbX", false),
            ("*", "", true),
            ("", "x", false),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(glob(pattern, text), fits, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn what_matches_is_taken_together() {
        let mut table = Table::default();
        for (host, value) in [("client-1", 0.1), ("client-2", 0.3), ("server", 9.0)] {
            let labels = Labels::from([("host", host.to_owned())]);
            table.sample("tcp.request", &labels, value);
            table.count("tcp.retransmit_ratio", &labels, 1, 10);
        }
        let filter = [("host".to_owned(), "client*".to_owned())];
        let merged = table.merged("tcp.request", &filter).expect("two series");
        assert_eq!((merged.samples.count(), merged.samples.max()), (2, Some(0.3)));
        assert_eq!(table.merged("tcp.retransmit_ratio", &[]).and_then(|series| series.value()), Some(0.1));
        assert!(table.merged("tcp.request", &[("peer".into(), "*".into())]).is_none(), "no series has this label");
    }
}

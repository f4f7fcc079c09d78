//! Thresholds of a check on the metrics of a run.

use super::chosen::Groups;
use super::{Finding, Verdict};
use crate::file::{Check, Op, Stat, Threshold, Unit, show};
use crate::metrics::{Kind, Series, Table, definition};

/// What became of each threshold of a check.
pub fn evaluate(check: &Check, groups: &Groups, table: &Table) -> Vec<Finding> {
    let chosen: Vec<_> = groups.chosen(check, table).collect();
    let is_there = !chosen.is_empty() || groups.is_anything_there(check, table);
    check.expect.iter().map(|threshold| one(check, threshold, (&chosen, is_there), table.seconds)).collect()
}

fn one(check: &Check, threshold: &Threshold, (chosen, is_there): (&[&Series], bool), seconds: f64) -> Finding {
    let name = check.metric.value.as_str();
    let places: Vec<_> = check.filter.iter().map(|(label, pattern)| format!("{}={}", label.value, pattern.value)).collect();
    let places = if places.is_empty() { String::new() } else { format!(" where {}", places.join(" ")) };
    let expected = format!("{name}{places}: {threshold}");
    let unit = definition(name).map_or(Unit::Count, |definition| definition.unit);
    let wanted = check.min_samples.unwrap_or_else(|| threshold.min_samples());
    let (verdict, found) = match Series::merged(chosen.iter().copied()) {
        None => match nothing(name, threshold) {
            // What never was cannot have gone wrong; nor is it known to have gone right.
            (Verdict::Held, _) if !is_there => {
                let remedy = "metrics.json has the labels there are";
                (Verdict::Inconclusive, format!("nothing was measured{places}; {remedy}"))
            }
            other => other,
        },
        Some(series) if series.kind == Kind::Samples && series.samples.count() < wanted => {
            (Verdict::Inconclusive, format!("{}, {wanted} are needed", many(series.samples.count())))
        }
        Some(series) => judge(threshold, unit, &series, worst(threshold, chosen), seconds),
    };
    Finding { expected, verdict, found }
}

/// No series matches. A count of what never happened is 0; anything else says nothing.
fn nothing(name: &str, threshold: &Threshold) -> (Verdict, String) {
    let counter = definition(name).is_some_and(|definition| definition.kind == Kind::Counter);
    if counter || threshold.stat == Stat::Count {
        let holds = threshold.op.holds(0.0, threshold.bound.value);
        return (if holds { Verdict::Held } else { Verdict::Failed }, "0".into());
    }
    (Verdict::Inconclusive, "nothing was measured".into())
}

/// The value of a level that is nearest to failing.
fn worst(threshold: &Threshold, chosen: &[&Series]) -> Option<f64> {
    let values = || chosen.iter().filter_map(|series| series.value());
    let failing = values().find(|value| !threshold.op.holds(*value, threshold.bound.value));
    let extreme = match threshold.op {
        Op::Less | Op::LessOrEqual => values().max_by(f64::total_cmp),
        _ => values().min_by(f64::total_cmp),
    };
    match threshold.op {
        Op::Equal | Op::NotEqual => failing.or(extreme),
        _ => extreme,
    }
}

fn judge(threshold: &Threshold, unit: Unit, series: &Series, worst: Option<f64>, seconds: f64) -> (Verdict, String) {
    let samples = &series.samples;
    let rate = |count: f64| (seconds > 0.0).then(|| count / seconds);
    let value = match (threshold.stat, series.kind) {
        (Stat::Value, Kind::Level) => worst,
        (Stat::Value | Stat::Rate, Kind::Share) | (Stat::Value | Stat::Count, Kind::Counter) => series.value(),
        (Stat::Rate, Kind::Counter) => rate(series.part),
        (Stat::Rate, _) => rate(samples.count() as f64),
        (Stat::Count, Kind::Share) => Some(series.whole),
        (Stat::Count, _) => Some(samples.count() as f64),
        (_, Kind::Share | Kind::Counter) => worst,
        (Stat::Percentile(percent), _) => samples.percentile(percent),
        (Stat::Med, _) => samples.percentile(50.0),
        (Stat::Min, _) => samples.min(),
        (Stat::Max, _) => samples.max(),
        (Stat::Avg | Stat::Value, _) => samples.avg(),
    };
    let Some(value) = value else { return (Verdict::Inconclusive, "nothing was measured".into()) };
    let verdict = if threshold.op.holds(value, threshold.bound.value) { Verdict::Held } else { Verdict::Failed };
    let unit = match threshold.stat {
        Stat::Count | Stat::Rate if threshold.bound.unit != Unit::Ratio => Unit::Count,
        _ => unit,
    };
    let of = match series.kind {
        Kind::Samples => format!(", {}", many(samples.count())),
        Kind::Share => format!(", {} of {}", show(series.part, Unit::Count), show(series.whole, Unit::Count)),
        Kind::Counter | Kind::Level => String::new(),
    };
    (verdict, format!("{}{of}", show(value, unit)))
}

fn many(count: u64) -> String {
    if count == 1 { "1 sample".into() } else { format!("{count} samples") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Span, Spanned};
    use crate::metrics::Labels;

    fn check(metric: &str, host: &str, expect: &[&str], min_samples: Option<u64>) -> Check {
        let spanned = |text: &str| Spanned::new(text.to_owned(), Span::default());
        let threshold = |text: &&str| Spanned::new(Threshold::parse(text).expect("a threshold"), Span::default());
        Check {
            metric: spanned(metric),
            filter: vec![(spanned("host"), spanned(host))],
            expect: expect.iter().map(threshold).collect(),
            min_samples,
        }
    }

    /// A thousand requests of 1 to 1000 ms; of a hundred segments three were sent again; two links of different use.
    fn table() -> Table {
        let mut table = Table::default();
        table.seconds = 10.0;
        let client = Labels::from([("host", "client-1".to_owned())]);
        (1..=1000).for_each(|n| table.sample("tcp.request", &client, f64::from(n) / 1000.0));
        table.count("tcp.retransmit_ratio", &client, 3, 100);
        table.count("link.wan.sent", &client, 500, 0);
        table.sample("link.wan.utilisation", &client, 0.25);
        table.sample("link.wan.utilisation", &Labels::from([("host", "server".to_owned())]), 0.75);
        table
    }

    fn found(metric: &str, host: &str, expect: &str, min_samples: Option<u64>) -> (Verdict, String) {
        let findings = evaluate(&check(metric, host, &[expect], min_samples), &Groups::default(), &table());
        (findings[0].verdict, findings[0].found.clone())
    }

    #[test]
    fn statistics_are_of_all_that_matches() {
        use Verdict::*;
        let cases = [
            ("tcp.request", "client*", "p(99) < 1s", Held, "990ms, 1000 samples"),
            ("tcp.request", "client*", "p(99) < 450ms", Failed, "990ms, 1000 samples"),
            ("tcp.request", "*", "med <= 500ms", Held, "500ms, 1000 samples"),
            ("tcp.request", "*", "avg < 501ms", Held, "500.5ms, 1000 samples"),
            ("tcp.request", "*", "count == 1000", Held, "1000, 1000 samples"),
            ("tcp.request", "*", "rate >= 100", Held, "100, 1000 samples"),
            ("tcp.retransmit_ratio", "*", "value < 5%", Held, "3%, 3 of 100"),
            ("tcp.retransmit_ratio", "*", "rate < 2%", Failed, "3%, 3 of 100"),
            ("link.wan.sent", "*", "count > 400", Held, "500"),
            ("link.wan.sent", "*", "rate < 49", Failed, "50"),
            ("link.wan.utilisation", "*", "value < 70%", Failed, "75%"),
            ("link.wan.utilisation", "client*", "value < 70%", Held, "25%"),
            ("link.wan.utilisation", "*", "value > 20%", Held, "25%"),
        ];
        for (metric, host, expect, verdict, text) in cases {
            assert_eq!(found(metric, host, expect, None), (verdict, text.to_owned()), "{metric} of {host}: {expect}");
        }
    }

    #[test]
    fn too_few_samples_say_nothing() {
        let (verdict, text) = found("tcp.request", "*", "p(99.9) < 2s", None);
        assert_eq!((verdict, text.as_str()), (Verdict::Inconclusive, "1000 samples, 3000 are needed"));
        assert_eq!(found("tcp.request", "*", "max < 2s", Some(1001)).0, Verdict::Inconclusive);
        assert_eq!(found("tcp.request", "*", "max < 2s", None).0, Verdict::Held);
    }

    #[test]
    fn what_was_never_measured_is_not_taken_for_good() {
        assert_eq!(found("tcp.connect", "*", "max < 2s", None), (Verdict::Inconclusive, "nothing was measured".into()));
        assert_eq!(found("tcp.request", "nobody", "max < 2s", None).0, Verdict::Inconclusive);
        assert_eq!(found("tcp.reset", "*", "count == 0", None), (Verdict::Held, "0".into()));
        assert_eq!(found("tcp.request", "nobody", "count > 3", None).0, Verdict::Failed);
    }

    #[test]
    fn a_finding_says_what_was_expected() {
        let findings = evaluate(&check("tcp.request", "client*", &["p(99) < 450ms"], None), &Groups::default(), &table());
        assert_eq!(findings[0].expected, "tcp.request where host=client*: p(99) < 450ms");
    }
}

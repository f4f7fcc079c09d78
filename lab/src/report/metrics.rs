//! What was measured, as a table.

use super::look::{Look, columns, number};
use crate::file::{Unit, show};
use crate::metrics::{Kind, Series, Table, definition};

/// The table of all series; of metrics whose name begins with one of `only`, if there is any.
pub fn metrics(table: &Table, only: &[&str], look: &Look) -> String {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|begin| name.starts_with(begin));
    // A queue without a rate, a loss that was not asked for: nothing to say.
    let said =
        |series: &Series| series.samples.max().is_some_and(|max| max > 0.0) || series.value().is_some_and(|value| value != 0.0);
    let rows: Vec<_> = table
        .iter()
        .filter(|(name, _, series)| wanted(name) && said(series))
        .map(|(name, labels, series)| {
            let labels: Vec<_> =
                labels.iter().filter(|(label, _)| **label != "link").map(|(label, text)| format!("{label}={text}")).collect();
            let unit = definition(name).map_or(Unit::Count, |definition| definition.unit);
            let mut row = vec![name.to_owned(), labels.join(" ")];
            row.extend(figures(series, unit));
            row
        })
        .collect();
    if rows.is_empty() {
        return "nothing was measured\n".into();
    }
    columns(look, &["Metric", "Of", ">Count", ">Value", ">Min", ">Avg", ">Median", ">p(99)", ">Max"], &rows)
}

fn figures(series: &Series, unit: Unit) -> [String; 7] {
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| show(three_digits(value), unit));
    let none = || String::from("-");
    let samples = &series.samples;
    match series.kind {
        Kind::Samples => [
            number(samples.count()),
            none(),
            text(samples.min()),
            text(samples.avg()),
            text(samples.percentile(50.0)),
            text(samples.percentile(99.0)),
            text(samples.max()),
        ],
        Kind::Share => [number(series.whole as u64), text(series.value()), none(), none(), none(), none(), none()],
        Kind::Counter | Kind::Level => {
            let value = match (unit, series.value()) {
                (Unit::Count, Some(value)) => number(value as u64),
                (_, value) => text(value),
            };
            [none(), value, none(), none(), none(), none(), none()]
        }
    }
}

/// Four significant digits: a table is for looking.
fn three_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

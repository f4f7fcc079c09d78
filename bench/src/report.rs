//! The table and the JSON file.

use std::fmt::Write as _;

use crate::runner::Outcome;

/// The subject others are compared with.
const REFERENCE: &str = "smoltcp 0.14";

/// How many times as good as the reference's median an outcome's is.
fn ratio(outcome: &Outcome, all: &[Outcome]) -> Option<f64> {
    let reference = all.iter().find(|other| other.workload.name == outcome.workload.name && other.subject == REFERENCE)?;
    let (own, other) = (outcome.spread()[1], reference.spread()[1]);
    Some(if outcome.workload.more_is_better { own / other } else { other / own })
}

/// The figures as text.
pub(crate) fn table(outcomes: &[Outcome], rounds: usize) -> String {
    let mut out = format!("medians of {rounds} interleaved rounds, one thread; ratio: how many times as good as {REFERENCE}\n\n");
    let _ =
        writeln!(out, "{:36}{:16}{:>12}{:>12}{:>12}  {:8}{:>7}", "workload", "subject", "median", "min", "max", "unit", "ratio");
    let mut last = "";
    for outcome in outcomes {
        let name = outcome.workload.name;
        let [min, median, max] = outcome.spread().map(figure);
        let shown = if name == last { "" } else { name };
        let ratio = ratio(outcome, outcomes).map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let unit = outcome.workload.unit;
        let _ = writeln!(out, "{shown:36}{:16}{median:>12}{min:>12}{max:>12}  {unit:8}{ratio:>7}", outcome.subject);
        last = name;
    }
    out
}

/// Three or four significant digits.
fn figure(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

/// The figures as JSON: a list of objects with `workload`, `subject`, `unit` and `rounds`.
pub(crate) fn json(outcomes: &[Outcome]) -> String {
    let rows: Vec<String> = outcomes
        .iter()
        .map(|outcome| {
            let rounds: Vec<String> = outcome.figures.iter().map(|figure| format!("{figure:.6}")).collect();
            format!(
                "  {{\"workload\": \"{}\", \"subject\": \"{}\", \"unit\": \"{}\", \"rounds\": [{}]}}",
                outcome.workload.name,
                outcome.subject,
                outcome.workload.unit,
                rounds.join(", ")
            )
        })
        .collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

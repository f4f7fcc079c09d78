//! Everything as JSON.

use serde_json::{Value, json};

use crate::goals::{GOALS, Sense};
use crate::runner::Outcome;

/// The machine, all figures with the value of each round, and the verdicts.
pub(crate) fn json(outcome: &Outcome, head: &[(&str, String)]) -> String {
    let machine: serde_json::Map<String, Value> = head.iter().map(|(name, value)| ((*name).into(), json!(value))).collect();
    let verdicts: Vec<Value> = GOALS
        .iter()
        .filter_map(|goal| {
            let verdict = goal.verdict(&outcome.figures)?;
            Some(json!({
                "row": goal.row,
                "what": goal.what,
                "measured_by": goal.measure(),
                "sense": if goal.sense == Sense::AtLeast { "at least" } else { "at most" },
                "must": goal.must,
                "stretch": goal.stretch,
                "reached": verdict.reached,
                "must_met": verdict.must,
                "stretch_met": verdict.stretch,
            }))
        })
        .collect();
    let whole = json!({
        "machine": machine,
        "figures": outcome.figures.0,
        "goals": verdicts,
        "skipped": outcome.skipped,
        "seconds": outcome.took.iter().map(|(name, seconds)| json!({"probe": name, "seconds": seconds})).collect::<Vec<_>>(),
    });
    format!("{whole:#}\n")
}

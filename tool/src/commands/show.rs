//! What is said of a run at its end.

use std::io::IsTerminal as _;
use std::path::Path;

use loggia_lab::check::{Finding, Verdict};
use serde_json::json;

use super::load::Lab;
use crate::cli::{Color, Global};
use crate::run::conductor::Over;
use crate::run::perform::Outcome;

/// Whether to use colours on stdout.
pub(super) fn colours(global: &Global) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// How a line on stderr begins: of one run among others with its name.
fn lead(run: Option<&str>) -> String {
    run.map_or_else(|| "loggia: ".into(), |run| format!("loggia: {run}: "))
}

/// What must be said however quiet it is: on stderr.
pub(super) fn warnings(outcome: &Outcome, run: Option<&str>) {
    let lead = lead(run);
    for refusal in &outcome.refused {
        eprintln!("{lead}{}; {}", refusal.what, refusal.remedy);
    }
    if let Some(short) = &outcome.short {
        eprintln!("{lead}{short}");
    }
    for failure in &outcome.failures {
        eprintln!("{lead}the record is not whole: {failure}");
    }
}

/// That nothing of a run counts because the machine was too slow, where findings are not told.
pub(super) fn slow(outcome: &Outcome) {
    if let Some(slow) = &outcome.slow {
        eprintln!("loggia: {}: {}", slow.expected, slow.found);
    }
}

/// The findings and the verdict.
pub(super) fn outcome(lab: &Lab, outcome: &Outcome, folder: Option<&Path>, global: &Global) {
    if global.json {
        println!("{}", as_json(lab, outcome, folder));
        return;
    }
    let exit = outcome.exit();
    if global.quiet {
        unheld(outcome, None);
        return;
    }
    let paint = colours(global);
    for finding in outcome.findings() {
        println!("{} {}: {}", mark(finding.verdict, paint), finding.expected, finding.found);
    }
    let over = match outcome.over {
        Over::Deadline => ", ended by its deadline",
        Over::Done | Over::Interrupted => "",
    };
    let lag = outcome.lag.map(|lag| format!(", lag {:.1} ms (p99)", lag.p99_us as f64 / 1e3)).unwrap_or_default();
    println!("{}: {exit} after {:.3} s{over}{lag}", lab.name, outcome.lasted.as_secs_f64());
    if let Some(folder) = folder {
        println!("run folder: {}", folder.display());
    }
}

/// What did not hold, on stderr.
pub(super) fn unheld(outcome: &Outcome, run: Option<&str>) {
    let lead = lead(run);
    for finding in outcome.findings().iter().filter(|finding| finding.verdict != Verdict::Held) {
        eprintln!("{lead}{}: {}: {}", finding.verdict.name(), finding.expected, finding.found);
    }
}

fn mark(verdict: Verdict, paint: bool) -> String {
    let (sign, colour) = match verdict {
        Verdict::Held => ("✓", 32),
        Verdict::Inconclusive => ("?", 33),
        Verdict::Failed => ("✗", 31),
    };
    if paint { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.into() }
}

/// All findings, for machines.
pub(super) fn findings(outcome: &Outcome) -> Vec<serde_json::Value> {
    let told =
        |finding: &Finding| json!({ "expected": finding.expected, "verdict": finding.verdict.name(), "found": finding.found });
    outcome.findings().iter().map(told).collect()
}

fn as_json(lab: &Lab, outcome: &Outcome, folder: Option<&Path>) -> serde_json::Value {
    json!({
        "lab": lab.name,
        "exit": outcome.exit().code(),
        "lasted": outcome.lasted.as_secs_f64(),
        "findings": findings(outcome),
        "metrics": outcome.metrics.to_json(),
        "lag": outcome.lag,
        "folder": folder,
    })
}

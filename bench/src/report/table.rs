//! The table: row by row, with ratios and verdicts.

use std::fmt::Write as _;

use super::{ROWS, number, title};
use crate::figure::{Figure, Figures};
use crate::goals::{GOALS, Goal, Sense};
use crate::runner::Outcome;

/// Everything as text; of the goals of rows that were wanted also those that could not be judged.
pub(crate) fn table(outcome: &Outcome, head: &[(&str, String)], wants: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for (name, value) in head {
        let _ = writeln!(out, "{name:10}{value}");
    }
    for (row, _) in ROWS {
        write_row(&mut out, row, &outcome.figures);
    }
    write_summary(&mut out, outcome, wants);
    out
}

fn write_row(out: &mut String, row: u8, figures: &Figures) {
    if figures.of_row(row).next().is_none() {
        return;
    }
    let number_of_row = if row == 0 { String::new() } else { format!("{row}. ") };
    let _ = writeln!(out, "\n{number_of_row}{}", title(row));
    let mut last = "";
    let mut things: Vec<&str> = Vec::new();
    for figure in figures.of_row(row) {
        if !things.contains(&figure.what.as_str()) {
            things.push(&figure.what);
        }
    }
    for figure in things.into_iter().flat_map(|what| figures.of_row(row).filter(move |figure| figure.what == what)) {
        let Figure { what, subject, unit, .. } = figure;
        let shown = if what == last { "" } else { what };
        last = what;
        let [median, min, max] = [figure.median(), figure.min(), figure.max()].map(number);
        let _ = write!(out, "  {shown:54} {subject:18}{median:>12} {:7}[{min} .. {max}]", unit.text());
        // A figure is measured as our own of the same name is.
        if let Some(goal) = GOALS.iter().find(|goal| goal.row == row && goal.what == what) {
            write_ratio(out, goal, figure, figures);
        }
        out.push('\n');
    }
}

fn write_ratio(out: &mut String, goal: &Goal, figure: &Figure, figures: &Figures) {
    let Some(ratio) = goal.ratio(figure, figures) else { return };
    if !goal.measure().is_empty() {
        let _ = write!(out, "  {} {}", number(ratio), goal.measure());
    }
    if figure.subject == goal.subject
        && let Some(verdict) = goal.verdict(figures)
    {
        let _ = write!(out, "  {}", verdict_text(goal, verdict.must, verdict.stretch));
    }
}

fn verdict_text(goal: &Goal, must: bool, stretch: Option<bool>) -> String {
    let sign = if goal.sense == Sense::AtLeast { "≥" } else { "≤" };
    let told = |holds: bool| if holds { "met" } else { "MISSED" };
    let mut text = format!("M {sign} {} {}", number(goal.must), told(must));
    if let (Some(holds), Some(limit), true) = (stretch, goal.stretch, must) {
        let _ = write!(text, ", S {sign} {} {}", number(limit), told(holds));
    }
    text
}

fn write_summary(out: &mut String, outcome: &Outcome, wants: impl Fn(u8) -> bool) {
    let judged: Vec<_> = GOALS.iter().filter_map(|goal| Some((goal, goal.verdict(&outcome.figures)?))).collect();
    let missed: Vec<_> = judged.iter().filter(|(_, verdict)| !verdict.must).collect();
    let _ = writeln!(out, "\n{} of {} goals that were measured are met", judged.len() - missed.len(), judged.len());
    for (goal, verdict) in missed {
        let sign = if goal.sense == Sense::AtLeast { "≥" } else { "≤" };
        let measure = goal.measure();
        let _ = writeln!(
            out,
            "  MISSED  row {}, {}: {} {measure} instead of {sign} {}",
            goal.row,
            goal.what,
            number(verdict.reached),
            number(goal.must)
        );
    }
    for goal in GOALS.iter().filter(|goal| wants(goal.row) && goal.verdict(&outcome.figures).is_none()) {
        let _ = writeln!(out, "  NOT MEASURED  row {}, {}", goal.row, goal.what);
    }
    for why in &outcome.skipped {
        let _ = writeln!(out, "  SKIPPED {why}");
    }
}

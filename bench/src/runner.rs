//! Interleaved rounds.

use std::time::Duration;

use crate::workload::{Pace, Workload};

/// A workload done by a subject.
pub(crate) struct Case {
    /// What is done.
    pub(crate) workload: &'static Workload,
    /// By whom.
    pub(crate) subject: &'static str,
    /// Does it `amount` times (or bytes) and says how long that took, set-up not counted.
    pub(crate) run: fn(Pace, usize) -> Duration,
}

/// The figures of a case.
pub(crate) struct Outcome {
    /// What was done.
    pub(crate) workload: &'static Workload,
    /// By whom.
    pub(crate) subject: &'static str,
    /// One figure a round, in the workload's unit.
    pub(crate) figures: Vec<f64>,
}

impl Outcome {
    /// The smallest, the median, the largest.
    pub(crate) fn spread(&self) -> [f64; 3] {
        let mut sorted = self.figures.clone();
        sorted.sort_by(f64::total_cmp);
        [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
    }
}

/// Runs all cases `rounds` times, one after the other in each round, after a short warm-up.
pub(crate) fn run(cases: &[Case], rounds: usize, scale: f64) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> =
        cases.iter().map(|case| Outcome { workload: case.workload, subject: case.subject, figures: Vec::new() }).collect();
    for case in cases {
        (case.run)(case.workload.pace, case.workload.amount(scale / 20.0));
    }
    for round in 0..rounds {
        eprint!("\rround {} of {rounds}", round + 1);
        for (case, outcome) in cases.iter().zip(&mut outcomes) {
            let amount = case.workload.amount(scale);
            let took = (case.run)(case.workload.pace, amount);
            outcome.figures.push(case.workload.figure(amount, took.as_secs_f64()));
        }
    }
    eprintln!();
    outcomes
}

//! Loggia's speed beside smoltcp's, in one run: two stacks of each kind joined in memory, in one thread.
//!
//! `cargo run --release -p loggia-bench [-- --rounds N --scale X --only TEXT --json FILE]`. The rounds of all subjects are interleaved, so
//! that what else the machine does falls on all alike; look at the ratios. Floor F1 is what the memory allows: every byte copied twice
//! through a ring of 1 MiB.

mod floor;
mod loggia_side;
mod report;
mod runner;
mod smoltcp_side;
mod workload;

use std::process::ExitCode;

use runner::{Case, run};
use workload::{Pace, WORKLOADS};

/// What the command line says.
struct Arguments {
    rounds: usize,
    scale: f64,
    only: String,
    json: Option<String>,
}

const USAGE: &str = "usage: loggia-bench [--rounds N] [--scale X] [--only TEXT] [--json FILE]

  --rounds N   interleaved rounds (at least 5; default 7)
  --scale X    amount of work of each measurement (default 1)
  --only TEXT  only workloads whose name contains TEXT
  --json FILE  also write all figures there";

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { rounds: 7, scale: 1.0, only: String::new(), json: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        let number = |text: String| text.parse::<f64>().map_err(|_| format!("{text} is not a number"));
        match word.as_str() {
            "--rounds" => arguments.rounds = (number(value()?)? as usize).max(5),
            "--scale" => arguments.scale = number(value()?)?,
            "--only" => arguments.only = value()?,
            "--json" => arguments.json = Some(value()?),
            _ => return Err(format!("unknown: {word}")),
        }
    }
    Ok(arguments)
}

/// Every workload with every subject that can do it.
fn cases(only: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| workload.name.contains(only)) {
        if matches!(workload.pace, Pace::Bulk { .. }) {
            cases.push(Case { workload, subject: "floor F1", run: floor::run });
        }
        cases.push(Case { workload, subject: "loggia", run: loggia_side::run });
        cases.push(Case { workload, subject: "smoltcp 0.14", run: smoltcp_side::run });
    }
    cases
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let cases = cases(&arguments.only);
    if cases.is_empty() {
        eprintln!("no workload is called like that\n{USAGE}");
        return ExitCode::from(2);
    }
    if cfg!(debug_assertions) {
        eprintln!("note: this is not a release build; the figures mean nothing");
    }
    let results = run(&cases, arguments.rounds, arguments.scale);
    print!("{}", report::table(&results, arguments.rounds));
    if let Some(path) = arguments.json
        && let Err(error) = std::fs::write(&path, report::json(&results))
    {
        eprintln!("{path}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

//! Speed, memory and scale of Loggia, its peers and the physical floors, measured alternately in one run.
//!
//! `cargo run --release -p loggia-bench [-- --quick]`. The rounds of all subjects are interleaved, so that what else the machine does falls on all
//! alike; look at the ratios.
//!
//! | module | what |
//! |---|---|
//! | `floors` | what nobody can be faster than, and the kernel |
//! | `rows` | the rows of the table of goals, on Loggia |
//! | `peers` | the same on others |
//! | `probe`, `runner`, `child` | how it is run |
//! | `figure`, `goals`, `report` | what came of it |

// All probes have one signature, whether or not there is something that can go wrong.
#![allow(clippy::unnecessary_wraps)]

mod arguments;
mod child;
mod figure;
mod floors;
mod goals;
mod peers;
mod probe;
mod report;
mod rows;
mod runner;
mod timing;

use std::process::ExitCode;
use std::time::Instant;

use arguments::{Arguments, USAGE};
use probe::{Effort, Probe};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "child") {
        return child::main(rows::ERRANDS, &words[1..]);
    }
    let arguments = match Arguments::parse(&words) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("note: this is not a release build; the figures mean nothing");
    }
    measure(&arguments)
}

fn measure(arguments: &Arguments) -> ExitCode {
    let wanted = |probe: &&Probe| probe.rows.iter().any(|row| arguments.wants(*row));
    let probes: Vec<Probe> = rows::PROBES.iter().filter(wanted).copied().collect();
    let began = Instant::now();
    let effort = Effort { scale: arguments.scale, quick: arguments.quick };
    let outcome = runner::run(&probes, arguments.rounds, effort);
    let mut head = report::machine::describe();
    let form = if arguments.quick { "quick" } else { "full" };
    let (rounds, scale) = (arguments.rounds, arguments.scale);
    let seconds = began.elapsed().as_secs();
    head.push((
        "run",
        format!("{form}, {rounds} interleaved rounds, scale {scale}, {seconds} s; medians [least .. most], ratios of medians"),
    ));
    print!("{}", report::table::table(&outcome, &head, |row| arguments.wants(row)));
    let curves = report::curve::curves(&outcome.figures);
    if !curves.is_empty() {
        println!("\ngrowth: times as long as alone");
        print!("{}", report::curve::text(&curves));
    }
    let files = [(&arguments.json, report::json::json(&outcome, &head)), (&arguments.svg, report::curve::svg(&curves))];
    for (path, text) in files {
        if let Some(path) = path
            && let Err(error) = std::fs::write(path, text)
        {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

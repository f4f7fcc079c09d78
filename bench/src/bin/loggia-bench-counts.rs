//! Runs one scenario of the gate of counts and prints the allocations of its measured part. `loggia-bench-counts SCENARIO`.

use std::process::ExitCode;

use loggia_bench::counts::{SCENARIOS, scenarios};

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(scenario) = scenarios::named(&name) else {
        eprintln!("usage: loggia-bench-counts SCENARIO");
        SCENARIOS.iter().for_each(|scenario| eprintln!("  {}", scenario.name));
        return ExitCode::from(2);
    };
    println!("{} allocations", scenario.allocations());
    ExitCode::SUCCESS
}

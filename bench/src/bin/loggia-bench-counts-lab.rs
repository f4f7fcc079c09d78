//! As `loggia-bench-counts`, a scenario of the lab.

use std::process::ExitCode;

use loggia_bench::counts;

fn main() -> ExitCode {
    counts::run_one_of(counts::WORLDS)
}

//! Runs one scenario of the core for the gate of counts, and prints the allocations of its measured part. `loggia-bench-counts SCENARIO`.

use std::process::ExitCode;

use loggia_bench::counts;

fn main() -> ExitCode {
    counts::run_one_of(counts::SCENARIOS)
}

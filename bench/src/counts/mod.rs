//! The gate of counts: how many instructions and allocations fixed scenarios take. Both are the same on a busy machine, so a change of a few
//! per cent is a change of the program.
//!
//! - [`scenarios`]: what is counted of the core, and [`worlds`]: of the lab
//! - [`baseline`]: what `counts.toml` says, and how a change of it is written
//! - [`callgrind`]: how instructions are counted, and which
//!
//! `bench/tests/counts.rs` compares; `LOGGIA_BLESS=1` writes the baseline anew.

pub mod baseline;
pub mod callgrind;
pub mod scenarios;
pub mod worlds;

pub use scenarios::{SCENARIOS, Scenario};
pub use worlds::WORLDS;

use std::process::ExitCode;

use crate::heap::Heap;
use crate::sys;

impl Scenario {
    /// Runs it once; gives how many allocations its measured part made. Under callgrind started with `--instr-atstart=no` the instructions
    /// of that part are counted, and no others.
    pub fn allocations(&self) -> u64 {
        let mut count = None;
        (self.run)(&mut |work: &mut dyn FnMut()| {
            let before = Heap::now();
            sys::start_instrumentation();
            work();
            sys::stop_instrumentation();
            count = Some(Heap::since(before).allocations);
        });
        count.expect("every scenario measures something")
    }
}

/// What a program does that counts these: runs the one that its first argument names, and prints its allocations.
pub fn run_one_of(scenarios: &[Scenario]) -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(scenario) = scenarios.iter().find(|scenario| scenario.name == name) else {
        eprintln!("give the name of a scenario:");
        scenarios.iter().for_each(|scenario| eprintln!("  {}", scenario.name));
        return ExitCode::from(2);
    };
    println!("{} allocations", scenario.allocations());
    ExitCode::SUCCESS
}

//! The gate of counts: a scenario that takes 3 % more allocations or instructions than `counts.toml` says fails, until the baseline is changed
//! in the same commit, with a reason. `LOGGIA_BLESS=1` writes what is found.

use std::path::Path;
use std::process::Command;

use loggia_bench::counts::baseline::{Baseline, Counts, grown};
use loggia_bench::counts::{SCENARIOS, Scenario, WORLDS, callgrind};

const REMEDY: &str = "if that is meant: LOGGIA_BLESS=1 ./check counts, and say why in the commit";

fn is_to_be_blessed() -> bool {
    std::env::var_os("LOGGIA_BLESS").is_some()
}

/// All scenarios, with the program that runs each.
fn scenarios() -> impl Iterator<Item = (&'static Path, &'static Scenario)> {
    let programs =
        [(env!("CARGO_BIN_EXE_loggia-bench-counts"), SCENARIOS), (env!("CARGO_BIN_EXE_loggia-bench-counts-lab"), WORLDS)];
    programs.into_iter().flat_map(|(program, scenarios)| scenarios.iter().map(move |scenario| (Path::new(program), scenario)))
}

/// Says what shrank, so that the gate can be drawn closer.
fn tell(now: &Counts, baseline: &Counts) {
    for (name, count) in now {
        let agreed = baseline.get(name).copied().unwrap_or_default();
        let note = if count * 103 < agreed * 100 { "  (the baseline can be lowered)" } else { "" };
        println!("{name:26}{count:>14}{agreed:>14}{note}");
    }
}

/// What is slow without optimisation.
fn is_large(scenario: &Scenario) -> bool {
    scenario.name.ends_with("100k")
}

#[test]
fn allocations_do_not_grow() {
    let all = scenarios().map(|(_, scenario)| scenario);
    let wanted = all.filter(|scenario| !cfg!(debug_assertions) || !is_large(scenario));
    let now: Counts = wanted.map(|scenario| (scenario.name.to_owned(), scenario.allocations())).collect();
    let mut baseline = Baseline::read();
    tell(&now, &baseline.allocations);
    if is_to_be_blessed() {
        baseline.allocations.extend(now);
        return baseline.write().expect("the baseline can be written");
    }
    let grown = grown(&baseline.allocations, &now);
    assert!(grown.is_empty(), "more allocations:\n{}\n{REMEDY}", grown.join("\n"));
}

fn rustc() -> String {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// Of our own code, in the release profile.
#[test]
#[ignore = "needs valgrind and a release build: ./check counts"]
fn instructions_do_not_grow() {
    if cfg!(debug_assertions) {
        println!("SKIPPED: instructions are counted in the release profile: ./check counts");
        return;
    }
    if !callgrind::is_there() {
        println!("SKIPPED: valgrind is not installed, instructions are not counted");
        return;
    }
    let count = |(program, scenario): (&Path, &Scenario)| {
        (scenario.name.to_owned(), callgrind::instructions(program, scenario.name).expect("counts"))
    };
    let now: Counts = scenarios().map(count).collect();
    let mut baseline = Baseline::read();
    tell(&now, &baseline.instructions);
    if is_to_be_blessed() {
        baseline.rustc = rustc();
        baseline.instructions = now;
        return baseline.write().expect("the baseline can be written");
    }
    if baseline.rustc != rustc() {
        println!("SKIPPED: instructions were counted with rustc {}, this is {}", baseline.rustc, rustc());
        return;
    }
    let grown = grown(&baseline.instructions, &now);
    assert!(grown.is_empty(), "more instructions:\n{}\n{REMEDY}", grown.join("\n"));
}

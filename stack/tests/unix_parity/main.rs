//! AF_UNIX beside the kernel's: the same calls, the same observations.
//!
//! `scenarios.txt` holds calls with what Linux 6.18 answers. Ours must answer the same everywhere; on Linux 6.18 and later the
//! kernel is asked again, and random calls are compared too. `LOGGIA_BLESS=1` writes down what the kernel says,
//! `LOGGIA_SEEDS=5000` compares more random calls.
#![allow(missing_docs, unreachable_pub)]

#[cfg(target_os = "linux")]
mod kernel;
mod ours;
mod random;
mod script;
#[cfg(target_os = "linux")]
mod sys;
mod world;

use ours::Ours;
use script::Script;
use world::World;

const SCENARIOS: &str = include_str!("scenarios.txt");

/// The text of the scenarios with the answers of a world.
fn answered(mut world: impl FnMut() -> Box<dyn World>) -> String {
    let mut answers = Vec::new();
    for scenario in SCENARIOS.split_inclusive("\n\n") {
        let mut world = world();
        let mut script = Script::new(&mut *world);
        for line in scenario.lines() {
            let call = line.split("->").next().unwrap_or_default().trim_end();
            if call.is_empty() || call.starts_with('#') {
                answers.push(line.to_string());
            } else {
                answers.push(answer(call, &script.run(call)));
            }
        }
        script.end();
    }
    answers.push(String::new());
    answers.join("\n")
}

fn answer(call: &str, gives: &str) -> String {
    format!("{call:<34} -> {gives}")
}

fn compare(expected: &str, found: &str) {
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of scenarios.txt", number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn ours_answers_as_linux_did() {
    compare(SCENARIOS, &answered(|| Box::new(Ours::new())));
}

#[cfg(target_os = "linux")]
#[test]
fn linux_still_answers_so() {
    let found = answered(|| Box::new(kernel::Kernel::new()));
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/unix_parity/scenarios.txt");
        std::fs::write(path, found).expect("the file of scenarios");
    } else if is_the_reference() {
        compare(SCENARIOS, &found);
    }
}

/// True if this kernel is what the scenarios were written down from, or newer. What older ones answer differs here and there
/// (urgent data, the order of errors), and on other machines memory is counted otherwise.
#[cfg(target_os = "linux")]
fn is_the_reference() -> bool {
    let mut kernel = kernel::Kernel::new();
    let mut script = Script::new(&mut kernel);
    script.run("pair stream a b");
    script.run("send a x");
    let charge = script.run("outq a");
    script.end();
    sys::kernel_version() >= (6, 18) && charge == "768"
}

#[cfg(target_os = "linux")]
#[test]
fn random_calls_are_answered_alike() {
    if !is_the_reference() {
        println!("not Linux 6.18: only the scenarios were compared");
        return;
    }
    let seeds = std::env::var("LOGGIA_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    for seed in 0..seeds {
        let calls = random::calls(seed, 120);
        let (mut kernel, mut ours) = (kernel::Kernel::new(), Ours::new());
        let (mut theirs, mut mine) = (Script::new(&mut kernel), Script::new(&mut ours));
        let mut story = Vec::new();
        for call in &calls {
            let (expected, found) = (theirs.run(call), mine.run(call));
            story.push(answer(call, &expected));
            assert_eq!(found, expected, "seed {seed}; what the kernel said:\n{}", story.join("\n"));
        }
        theirs.end();
        mine.end();
    }
}

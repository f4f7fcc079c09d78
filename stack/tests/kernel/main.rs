//! The same calls on the kernel of this machine and on this stack, each over its own loopback.
//!
//! `rows.txt` is one list of calls with what each must give. Ours must agree with it anywhere; on Linux the kernel is asked too, so
//! that what the list says is known to be true. `LOGGIA_RECORD=1` prints the list anew with what the kernel gives.

mod linux;
mod ours;
mod script;

use script::{Line, World, lines};

const ROWS: &str = include_str!("rows.txt");

/// Runs the list in a world; gives each line with what it gave there. A blank line ends a story: everything is closed.
fn run(world: &mut dyn World) -> Vec<(Line, String)> {
    let mut script = script::Script::new(world);
    lines(ROWS)
        .into_iter()
        .map(|line| {
            let outcome = if line.call.is_empty() || line.call.starts_with('#') { script.end() } else { script.run(&line.call) };
            (line, outcome)
        })
        .collect()
}

/// The lines whose outcome is not the expected one.
fn differences(results: &[(Line, String)]) -> Vec<String> {
    let differs = |(line, outcome): &&(Line, String)| line.expected.as_deref().is_some_and(|expected| expected != outcome);
    results
        .iter()
        .filter(differs)
        .map(|(line, outcome)| {
            format!("rows.txt:{}: {} => {outcome}, not {}", line.number, line.call, line.expected.as_deref().unwrap_or(""))
        })
        .collect()
}

#[test]
fn this_stack_answers_as_the_list_says() {
    let wrong = differences(&run(&mut ours::Ours::new()));
    assert!(wrong.is_empty(), "{} lines differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_kernel_answers_as_the_list_says() {
    let Some(mut kernel) = linux::kernel() else {
        println!("skipped: this machine's kernel is not Linux, or it lets us open no sockets");
        return;
    };
    let results = run(&mut *kernel);
    if std::env::var_os("LOGGIA_RECORD").is_some() {
        for (line, outcome) in &results {
            if outcome.is_empty() { println!("{}", line.call) } else { println!("{} => {outcome}", line.call) }
        }
        return;
    }
    let wrong = differences(&results);
    assert!(wrong.is_empty(), "{} lines differ (a kernel of another age?):\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_list_is_long_enough() {
    let calls = lines(ROWS).iter().filter(|line| line.expected.is_some()).count();
    assert!(calls >= 150, "{calls}");
}

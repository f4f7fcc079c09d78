//! Any text as a lab file, and any text as the options of a command line: a plan whose world can be made, or errors that can be shown.
#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use loggia_lab::file::{Options, Surroundings, describe, options, parse};
use loggia_lab::metrics;
use loggia_lab::plan::plan;
use loggia_stack::Seed;

/// Every file is a trace of both kinds.
fn files(path: &Path) -> io::Result<Vec<u8>> {
    let delays = path.extension().is_some_and(|ending| ending == "delays");
    Ok(if delays { b"1ms\n2ms\n".to_vec() } else { b"1\n2\n".to_vec() })
}

/// One option a line.
fn of_lines(text: &str) -> Options {
    let known = options();
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        known.contains(&name.to_owned()).then(|| (name.to_owned(), value.to_owned()))
    };
    Options { given: text.lines().filter_map(pair).collect(), command: Vec::new() }
}

fuzz_target!(|text: &str| {
    let around = Surroundings {
        programs: &["web", "get"],
        servers: &["web"],
        metrics: metrics::NAMES,
        labels: metrics::LABELS,
        files: &files,
    };
    for description in [parse(text, "lab.toml", &around), describe(&of_lines(text), &around)] {
        match description.and_then(|description| plan(&description)) {
            // Thousands of hosts take time and find nothing that a few do not.
            Ok(plan) if plan.hosts.len() < 50 => drop(plan.build(Seed::from(1))),
            Ok(_) => {}
            Err(errors) => drop(errors.to_string()),
        }
    }
});

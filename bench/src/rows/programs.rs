//! Row 16: unmodified programs, by `loggia-bench-programs`, which lies beside this program as `loggia` has to.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::figure::{Sample, Unit};
use crate::probe::Effort;

/// Connections that one lab is to hold open.
const IDLE: usize = 10_000;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let [program, loggia] = ["loggia-bench-programs", "loggia"].map(|name| own.with_file_name(name));
    for (path, package) in [(&program, "loggia-bench"), (&loggia, "loggia-cli")] {
        if !path.exists() {
            return Err(format!("{} is not there: cargo build --release -p {package}", path.display()));
        }
    }
    let json = std::env::temp_dir().join(format!("loggia-bench-{}.json", std::process::id()));
    let rounds = if effort.quick { "1" } else { "5" };
    let result = run(&program, &json, rounds);
    // It may not have been made.
    let _ = std::fs::remove_file(&json);
    result
}

fn run(program: &Path, json: &Path, rounds: &str) -> Result<Vec<Sample>, String> {
    let output = Command::new(program)
        .args(["--rounds", rounds, "--idle", &IDLE.to_string(), "--json"])
        .arg(json)
        .output()
        .map_err(|error| error.to_string())?;
    // What was left out, and why.
    let words = String::from_utf8_lossy(&output.stdout);
    words.lines().filter(|line| line.starts_with("SKIPPED")).for_each(|line| eprintln!("{line}"));
    // What failed in one of its rounds, and why.
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = std::fs::read_to_string(json).map_err(|error| error.to_string())?;
    let entries: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(entries.iter().flat_map(samples).collect())
}

fn samples(entry: &Value) -> Vec<Sample> {
    let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let (what, unit) = match word("work").as_str() {
        "bulk" => ("bulk", Unit::Gbits),
        "round-trip" => ("round trip", Unit::Micros),
        "connections" => ("connections", Unit::PerSecond),
        "datagrams" => ("datagrams, 32 a call, there and back", Unit::PerSecond),
        "idle" => ("idle connections in one lab", Unit::Count),
        "idle-open" => ("opening an idle connection, a byte there and back", Unit::Micros),
        "idle-bytes" => ("memory of an idle connection, both ends", Unit::Bytes),
        _ => return Vec::new(),
    };
    let subject = match word("under").as_str() {
        "loggia run" => "loggia".to_owned(),
        other => other.to_owned(),
    };
    let values = entry["values"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    values.map(|value| Sample::new(16, what, &subject, unit, value)).collect()
}

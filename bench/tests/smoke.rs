//! The benchmark runs, and says what it measured: a thousandth of the work of those rows that need no other process.

use std::process::Command;

#[test]
fn rows_are_measured_judged_and_written() {
    let json = std::env::temp_dir().join(format!("loggia-bench-smoke-{}.json", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_loggia-bench"))
        .args("--rounds 2 --scale 0.001 --only 1 3 4 5 8 9 11 --json".split(' '))
        .arg(&json)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for row in ["\n1. ", "\n3. ", "\n4. ", "\n5. ", "\n8. ", "\n9. ", "\n11. "] {
        assert!(told.contains(row), "{row} is missing in {told}");
    }
    let written = std::fs::read_to_string(&json).expect("the file was written");
    std::fs::remove_file(&json).expect("it is there");
    let whole: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    let figures = whole["figures"].as_array().expect("figures");
    for subject in ["loggia", "smoltcp 0.14", "floor F1", "kernel loopback"] {
        let of_subject = figures.iter().find(|figure| figure["subject"] == subject).expect("measured");
        assert_eq!(of_subject["values"].as_array().map(Vec::len), Some(2), "a value a round of {subject}");
    }
    assert!(whole["goals"].as_array().is_some_and(|goals| goals.len() >= 6));
}

#[test]
fn what_is_not_understood_is_refused_with_the_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_loggia-bench")).args(["--only", "21"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: loggia-bench"));
}

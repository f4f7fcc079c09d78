//! Unmodified programs on the sockets of a lab.

mod common;

use std::process::Command;

use common::{A, B, Stage};
use loggia_cli::process::Status;

/// Whether a program is there; if not the test says so and is over.
fn has(program: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    there
}

#[test]
fn curl_fetches_from_a_python_server_over_a_slow_link() {
    if !(has("python3") && has("curl")) {
        return;
    }
    let mut stage = Stage::new("http", 20);
    let blob: Vec<u8> = (0..300_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(stage.folder().join("blob"), &blob).expect("a file");
    stage.sh(A, "exec python3 -u -m http.server 8000");
    stage.until_listens(A, 8000);
    let client = stage.sh(B, "curl -sS -o got -w '%{http_code}' http://10.0.0.1:8000/blob");
    let outcome = stage.finish(client);
    assert_eq!((outcome.status, outcome.output.as_str()), (Status::Exit(0), "200"));
    assert_eq!(std::fs::read(stage.folder().join("got")).expect("a file"), blob);
    assert!(stage.supervisor.refused().is_empty());
}

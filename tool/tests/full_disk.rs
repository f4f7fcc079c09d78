//! A disk that fills: what was written stays readable, and the run says why there is no more. The disk is a small tmpfs in a mount
//! namespace of the test's own; where that is not permitted the tests are skipped aloud.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Own fault: the record is not whole.
const FAULT: i32 = 125;

/// A folder that the test removes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("loggia-full-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("disk")).expect("a folder");
        std::fs::create_dir_all(folder.join("copy")).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a shell script in a mount namespace, in a folder whose `disk` has three megabytes.
fn on_a_small_disk(folder: &Path, script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-r", "-m", "sh", "-c", script]).current_dir(folder).env("LOGGIA", env!("CARGO_BIN_EXE_loggia"));
        command.output().ok()
    };
    let mount = "mount -t tmpfs -o size=3m none disk";
    if !unshare(mount).is_some_and(|done| done.status.success()) {
        eprintln!("SKIPPED: no mount namespace, or no tmpfs in it, is permitted here");
        return None;
    }
    unshare(&format!("{mount} && {script}; code=$?; cp -r disk/run/. copy; exit $code"))
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All that a run folder must hold, however early the disk was full.
fn readable(run: &Path, done: &Output) {
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(FAULT), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    let manifest = json(&run.join("manifest.json"));
    let reasons = manifest["record"].as_array().expect("why the record ends early");
    assert!(reasons.iter().any(|why| why.as_str().is_some_and(|why| why.contains("No space left on device"))), "{manifest}");
    assert!(json(&run.join("metrics.json")).is_object() || json(&run.join("metrics.json")).is_array());
    json(&run.join("sockets.json"));
    assert!(std::fs::read_to_string(run.join("replay.sh")).expect("a script").contains("loggia replay"));
    let events = std::fs::read_to_string(run.join("events.jsonl")).expect("events");
    assert!(events.lines().count() > 10 && events.ends_with('\n'), "events are there");
    assert!(events.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "and whole");
    for host in ["client", "server"] {
        let bytes = std::fs::read(run.join(format!("hosts/{host}/eth0.pcapng"))).expect("a capture");
        assert!(blocks(&bytes) > 10, "the capture of {host} holds packets");
    }
}

/// How many blocks a pcapng file has; it must end with a whole one.
fn blocks(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        let len = bytes.get(4..8).map_or(0, |len| u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize);
        assert!(len >= 12 && len <= bytes.len(), "block {count} is not whole");
        bytes = &bytes[len..];
        count += 1;
    }
    count
}

const LINK: &str = "schema = 1\n[link.wan]\nends = [\"server\", \"client\"]\nrtt = \"10ms\"\n[host.server]\nprogram = \"sink\"\n";

fn a_disk_is_filled(name: &str, clients: &str) {
    let folder = Folder::new(name);
    std::fs::write(folder.0.join("lab.toml"), format!("{LINK}{clients}")).expect("a lab");
    let run = "\"$LOGGIA\" run -q --lag-limit 20s --out disk/run lab.toml";
    if let Some(done) = on_a_small_disk(&folder.0, run) {
        readable(&folder.0.join("copy"), &done);
    }
}

#[test]
fn a_record_that_fills_the_disk_stays_readable_and_says_why_it_ends() {
    a_disk_is_filled("record", "[host.client]\nprogram = \"bulk --bytes 8MB server:5001\"\nafter = \"server\"\n");
}

#[test]
fn a_program_that_fills_the_disk_leaves_room_for_the_record() {
    let fills = "[host.client.programs.fill]\nrun = [\"sh\", \"-c\", \"cat /dev/zero > disk/zeros; true\"]\n";
    let talks = "[host.client.programs.bulk]\nprogram = \"bulk --bytes 20kB server:5001\"\nafter = \"client.fill\"\n";
    a_disk_is_filled("program", &format!("{fills}{talks}"));
}

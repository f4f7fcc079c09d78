//! The labs that ship hold, and say what they are to say; the commands that read a run read it.

use std::path::PathBuf;
use std::process::{Command, Output};

fn loggia(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loggia"))
        .args(words)
        .env("NO_COLOR", "1")
        .env_remove("LOGGIA_SEED")
        .output()
        .expect("loggia runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn labs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../labs")
}

/// A folder of this test's own that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loggia-labs-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_lab_that_ships_holds_with_three_seeds() {
    let out = Folder::new("test");
    let done = loggia(&["test", labs().to_str().expect("a plain path"), "--repeat", "3", "--out", out.text()]);
    assert!(done.status.success(), "{}{}", printed(&done), String::from_utf8_lossy(&done.stderr));
    assert!(printed(&done).ends_with(" passed, 0 failed\n"), "{}", printed(&done));
}

#[test]
fn every_lab_that_ships_is_a_demo() {
    let list = printed(&loggia(&["demo", "list"]));
    let listed: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut files: Vec<String> = std::fs::read_dir(labs())
        .expect("labs")
        .flatten()
        .map(|entry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, files);
    assert_eq!(listed.first(), Some(&"web"), "the first is the one without a name");
}

#[test]
fn the_demo_tells_packets_borders_times_figures_and_a_verdict() {
    let done = loggia(&["demo"]);
    let text = printed(&done);
    assert!(done.status.success(), "{text}");
    for part in ["SYN-SENT", "lost on wan-", "send call", "in all", "tcp.request", "HELD"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn a_run_in_virtual_time_is_the_same_twice_and_can_be_read_and_replayed() {
    let (one, other, again) = (Folder::new("one"), Folder::new("other"), Folder::new("again"));
    let lab = labs().join("web.toml");
    let lab = lab.to_str().expect("a plain path");
    for folder in [&one, &other] {
        assert!(loggia(&["run", "--quiet", "--out", folder.text(), lab]).status.success());
    }
    let events = |folder: &Folder| std::fs::read(folder.0.join("events.jsonl")).expect("events");
    assert_eq!(events(&one), events(&other));
    assert!(loggia(&["diff", one.text(), other.text()]).status.success());
    let replayed = loggia(&["replay", one.text(), "--out", again.text()]);
    assert!(printed(&replayed).contains("verified: every event was the same"), "{}", printed(&replayed));
    for (command, expected) in [("ladder", "ESTABLISHED"), ("boundaries", "receive call"), ("why", "in all")] {
        let view = loggia(&[command, one.text(), "client-2"]);
        assert!(view.status.success() && printed(&view).contains(expected), "{command}: {}", printed(&view));
    }
    assert!(printed(&loggia(&["sockets", one.text()])).contains("LISTEN"));
    assert!(printed(&loggia(&["report", one.text()])).contains("HELD"));
    let seeded = loggia(&["run", "--quiet", "--seed", "7", "--no-record", lab]);
    assert!(seeded.status.success());
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_nothing_is_started() {
    let folder = Folder::new("wrong");
    std::fs::create_dir_all(&folder.0).expect("a folder");
    let lab = folder.0.join("lab.toml");
    let ran = folder.0.join("ran");
    let text = format!(
        "schema = 1\n[link.wan]\nends = [\"a\", \"b\"]\n[host.a]\nrun = \"touch {}\"\n[host.b]\nrun = \"no-such-program\"\nafer = \"a\"\n",
        ran.display()
    );
    std::fs::write(&lab, &text).expect("a file");
    let wrong = |expected: &str| {
        let done = loggia(&["run", lab.to_str().expect("a plain path")]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!ran.exists(), "a program was started");
    };
    wrong("lab.toml:8");
    std::fs::write(&lab, text.replace("afer = \"a\"\n", "")).expect("a file");
    wrong("no-such-program");
}

#[test]
fn completions_and_the_manual_page_are_there() {
    assert!(printed(&loggia(&["completions", "bash"])).contains("_loggia"));
    assert!(printed(&loggia(&["man"])).contains(".TH"));
    assert!(printed(&loggia(&["man", "run"])).contains("loggia\\-run"));
    assert_eq!(loggia(&["man", "rnu"]).status.code(), Some(2));
    let refused = loggia(&["run"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(loggia(&["demo", "wbe"]).status.code(), Some(2));
}

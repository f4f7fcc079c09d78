//! Captures, read by tshark.

use std::path::PathBuf;
use std::process::Command;

use super::story::{Stage, Story, Told};

/// Runs tshark on a capture; none if it is not installed.
fn tshark(capture: &[u8], name: &str, arguments: &[&str]) -> Option<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pcapng", std::process::id()));
    std::fs::write(&path, capture).expect("a file");
    let checks = ["tcp", "ip", "udp"].map(|protocol| format!("{protocol}.check_checksum:TRUE"));
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(&path).args(checks.iter().flat_map(|check| ["-o", check])).args(arguments);
    let output = command.output();
    let _ = std::fs::remove_file(&path);
    let Ok(output) = output else {
        eprintln!("SKIPPED: tshark is not installed");
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<_> = errors.lines().filter(|line| !line.contains("Running as user")).collect();
    assert!(output.status.success() && complaints.is_empty(), "{name}: {errors}");
    Some(String::from_utf8_lossy(&output.stdout).lines().map(Into::into).collect())
}

const BAD: &str =
    "_ws.malformed || tcp.checksum.status==0 || ip.checksum.status==0 || udp.checksum.status==0 || icmpv6.checksum.status==0";

/// No packet is malformed or has a wrong checksum but those that a link damaged.
fn sound(told: &Told, name: &str) {
    for host in ["client", "server"] {
        let capture = told.folder.file(&format!("hosts/{host}/eth0.pcapng")).expect("a capture");
        let name = format!("{name}-{host}");
        let filter = format!("({BAD}) && !(frame.comment contains \"corrupted\")");
        let Some(bad) = tshark(&capture, &name, &["-Y", &filter]) else { return };
        assert!(bad.is_empty(), "{name}: {bad:#?}");
    }
}

fn lines(told: &Told, host: &str, filter: &str, field: &str) -> Option<Vec<String>> {
    let capture = told.folder.file(&format!("hosts/{host}/eth0.pcapng")).expect("a capture");
    tshark(&capture, &format!("lines-{host}"), &["-Y", filter, "-T", "fields", "-e", field])
}

#[test]
fn an_independent_reader_finds_nothing_wrong() {
    for (v6, large_frames) in [(false, false), (false, true), (true, false), (true, true)] {
        let story = Story { v6, large_frames, answer: 300_000, ..Story::default() };
        sound(&story.play(), &format!("plain-{v6}-{large_frames}"));
    }
}

#[test]
fn datagrams_are_complete_too_in_one_piece_or_in_fragments() {
    for v6 in [false, true] {
        let story = Story { v6, ..Story::default() };
        let mut stage = Stage::new(&story);
        stage.datagrams(3, 500);
        stage.datagrams(3, 4000);
        sound(&stage.end(&story), &format!("datagrams-{v6}"));
    }
}

#[test]
fn the_capture_is_of_the_moment_and_of_the_interface() {
    let told = Story::default().play();
    let Some(times) = lines(&told, "client", "tcp.flags.syn==1", "frame.time_epoch") else { return };
    // Resolution takes a round trip of 40 ms, and that happened after the five seconds of duplicate address detection.
    assert_eq!(times, ["1700000005.040000000", "1700000005.080000000"]);
    let names = lines(&told, "client", "tcp.flags.syn==1", "frame.interface_name").expect("tshark");
    assert_eq!(names, ["eth0", "eth0"]);
}

#[test]
fn super_segments_are_written_as_a_wire_would_carry_them() {
    let story = Story { large_frames: true, answer: 100_000, rounds: 1, ..Story::default() };
    let told = story.play();
    let Some(lens) = lines(&told, "server", "tcp.srcport==80 && tcp.len>0", "tcp.len") else { return };
    let lens: Vec<usize> = lens.iter().map(|len| len.parse().expect("a number")).collect();
    assert_eq!(lens.iter().sum::<usize>(), 100_000);
    assert!(lens.iter().all(|len| *len <= 1448), "{lens:?}");
}

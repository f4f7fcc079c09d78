//! The truth of the network in real time: what programs see of it, and what captures show, is what the lab describes. Delays and rates
//! are judged on a machine that was in time: a run that says of itself that it was late is done again, then given up aloud.

use std::collections::HashMap;
use std::process::Command;

use super::scene::{Done, Scene};
use super::story::User;

/// How late one of a hundred moments may be where times are judged.
const IN_TIME: [&str; 2] = ["--lag-limit", "2ms"];
/// Tries to find the machine in time.
const TRIES: u32 = 2;
/// Of a run that was not.
const INCONCLUSIVE: i32 = 3;

/// Runs a lab and judges it, if the machine was in time; if it never is, that is said. The world's lateness is known, that of the programs
/// is not: what one run finds wrong a second one must find as well.
fn holds_in_time(scene: &Scene, lab: &str, judge: impl Fn(&Done) -> Result<(), String>) {
    let mut wrong = None;
    for _ in 0..TRIES {
        let done = scene.run(lab, &IN_TIME);
        match done.status.code() {
            Some(0) => match judge(&done) {
                Ok(()) => return,
                Err(found) => wrong = Some(found),
            },
            Some(INCONCLUSIVE) if done.said.contains("too slow") => {}
            _ => panic!("{lab}\n{}\n{}", done.status, done.said),
        }
    }
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
    eprintln!(
        "INCONCLUSIVE: this machine has too much else to do: one of a hundred moments was later than {}, {TRIES} times",
        IN_TIME[1]
    );
}

fn within(range: std::ops::Range<f64>, value: f64, what: &str) -> Result<(), String> {
    if range.contains(&value) { Ok(()) } else { Err(format!("{what}: {value} is not in {range:?}")) }
}

fn lab(seed: u32, link: &str, server: &str, client: &str) -> String {
    format!(
        "schema = 1\nseed = {seed}\ndeadline = \"120s\"\n[link.wan]\nends = [\"server\", \"client\"]\n{link}\n\
         [host.server]\nrun = \"python3 {server}\n[host.client]\nrun = \"python3 {client}\"\nafter = \"server\"\n"
    )
}

/// What a host's program printed.
fn printed(done: &Done, host: &str) -> String {
    std::fs::read_to_string(done.folder.join(format!("hosts/{host}/stdout.log"))).expect("what it printed")
}

/// Lines of words that `tshark` shows of the packets of a host's capture; none if it is not installed.
fn shown(done: &Done, host: &str, filter: &str, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(done.folder.join(format!("hosts/{host}/eth0.pcapng"))).args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let Ok(found) = tshark.output() else {
        eprintln!("SKIPPED: tshark is not installed, captures are not judged");
        return None;
    };
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    Some(text.lines().map(|line| line.split('\t').map(String::from).collect()).collect())
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// When each datagram to or from the server passed a host, by what is in it.
fn passed(done: &Done, host: &str, port: &str) -> Option<HashMap<String, f64>> {
    let lines = shown(done, host, &format!("udp.{port} == 4100"), &["frame.time_epoch", "udp.payload"])?;
    Some(lines.into_iter().map(|line| (line[1].clone(), number(&line[0]))).collect())
}

const TIMES: usize = 100;

fn delay_is_as_asked(address: &str) {
    const ANSWERS: &str = "ping.py answer\"\nready = { listen = \"tcp/4100\" }\nexpect = \"running\"";
    let Some(scene) = Scene::new(&["python3"], User::Own) else { return };
    scene.file("ping.py", include_bytes!("programs/ping.py"));
    let lab = lab(0, "delay = \"5ms\"", ANSWERS, &format!("ping.py ask {address} {TIMES}"));
    holds_in_time(&scene, &lab, |done| {
        let seen = printed(done, "client");
        let trips: Vec<_> = seen.lines().filter_map(|line| line.split_once(' ')).collect();
        assert_eq!(trips.len(), 2, "{seen}");
        for (name, trip) in trips {
            within(9.999..11.0, number(trip), &format!("milliseconds of a round trip of {name}"))?;
        }
        for (port, from, to) in [("dstport", "client", "server"), ("srcport", "server", "client")] {
            let (Some(left), Some(arrived)) = (passed(done, from, port), passed(done, to, port)) else { return Ok(()) };
            let delays: Vec<f64> = left.iter().filter_map(|(what, at)| Some((arrived.get(what)? - at) * 1000.0)).collect();
            assert_eq!(delays.len(), TIMES, "all of them arrive");
            within(4.999..6.0, median(delays), &format!("milliseconds from {from} to {to} in the captures"))?;
        }
        Ok(())
    });
}

#[test]
fn delay_is_as_asked_over_ipv4() {
    delay_is_as_asked("10.0.0.1");
}

#[test]
fn delay_is_as_asked_over_ipv6() {
    delay_is_as_asked("fd00::1");
}

const TAKES: &str = "bulk.py take\"\nready = { listen = \"tcp/4200\" }\nexpect = { exit = 0 }";

/// Bytes a second that the receiving program counted.
fn goodput(done: &Done) -> f64 {
    let seen = printed(done, "server");
    let (count, seconds) = seen.trim().split_once(' ').unwrap_or_else(|| panic!("{seen:?}: bytes and seconds"));
    number(count) / number(seconds)
}

#[test]
fn rate_is_as_asked() {
    const RATE: f64 = 20e6 / 8.0;
    /// Of a full frame: what the rate counts, and what the program gets.
    const FRAME: (f64, f64) = (1514.0, 1448.0);
    let Some(scene) = Scene::new(&["python3"], User::Own) else { return };
    scene.file("bulk.py", include_bytes!("programs/bulk.py"));
    let link = "rate = \"20mbit\"\nqueue = \"infinite\"\ndelay = \"2ms\"";
    holds_in_time(&scene, &lab(0, link, TAKES, "bulk.py give 10.0.0.1 3"), |done| {
        within(0.99..1.01, goodput(done) * FRAME.0 / FRAME.1 / RATE, "share of the rate that the program gets")?;
        let Some(frames) = shown(done, "server", "tcp.dstport == 4200", &["frame.time_epoch", "frame.len"]) else {
            return Ok(());
        };
        let frames: Vec<(f64, f64)> = frames.iter().map(|line| (number(&line[0]), number(&line[1]))).collect();
        let (end, _) = frames[frames.len() - 1];
        let late: Vec<(f64, f64)> = frames.into_iter().filter(|(time, _)| end - time < 2.0).collect();
        let captured = late[1..].iter().map(|(_, len)| len).sum::<f64>() / (end - late[0].0);
        within(0.99..1.01, captured / RATE, "share of the rate in the capture")
    });
}

#[test]
fn a_long_way_without_a_rate_carries_what_the_windows_allow() {
    let Some(scene) = Scene::new(&["python3"], User::Own) else { return };
    scene.file("bulk.py", include_bytes!("programs/bulk.py"));
    holds_in_time(&scene, &lab(0, "rtt = \"100ms\"", TAKES, "bulk.py give 10.0.0.1 4"), |done| {
        let events = std::fs::read_to_string(done.folder.join("events.jsonl")).expect("events");
        let entries = events.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let windows = entries.filter(|entry| entry["kind"] == "packet" && entry["host"] == "server" && entry["dir"] == "out");
        let window = windows.filter_map(|entry| entry["win"].as_u64()).max().expect("the server told a window") as f64;
        // Not all of it: the default send buffer (`tcp_wmem`, 4 MB) counts what frames cost and holds less than the window.
        within(0.7..1.02, goodput(done) * 0.1 / window, &format!("share of the window of {window} bytes in each round trip"))
    });
}

/// Of each flow's datagrams those that did not come.
fn lost(done: &Done) -> Vec<Vec<u32>> {
    let flow = |line: &str| line.split(' ').skip(1).map(|number| number.parse().expect("a number")).collect();
    printed(done, "server").lines().map(flow).collect()
}

#[test]
fn loss_is_as_asked_and_the_seed_decides_which() {
    const PER_FLOW: u32 = 50_000;
    const LOSS: f64 = 0.02;
    let Some(scene) = Scene::new(&["python3"], User::Own) else { return };
    scene.file("datagrams.py", include_bytes!("programs/datagrams.py"));
    let run = |seed| {
        let (server, client) = (
            format!("datagrams.py take {PER_FLOW}\"\nready = {{ listen = \"udp/4300\" }}\nexpect = {{ exit = 0 }}"),
            format!("datagrams.py give 10.0.0.1 {PER_FLOW}"),
        );
        // Fates do not depend on when things happen.
        let done = scene.run(&lab(seed, "loss = \"2%\"", &server, &client), &["--lag-limit", "20s"]);
        assert!(done.status.success(), "{}\n{}", done.status, done.said);
        let lost = lost(&done);
        assert_eq!(lost.len(), 2, "two flows");
        lost
    };
    let [first, again, other] = [7, 7, 8].map(run);
    let sent = f64::from(2 * PER_FLOW);
    let count = first.iter().map(Vec::len).sum::<usize>() as f64;
    // 99.9 of a hundred binomial draws lie within 3.29 standard deviations.
    let most = 3.29 * (sent * LOSS * (1.0 - LOSS)).sqrt();
    assert!(
        (count - sent * LOSS).abs() < most,
        "{count} of {sent} were lost; {} are expected, give or take {most:.0}",
        sent * LOSS
    );
    assert!(first == again, "the same seed, and the n-th datagram of a flow has another fate");
    assert!(first != other && first[0] != first[1], "seeds and flows differ");
}

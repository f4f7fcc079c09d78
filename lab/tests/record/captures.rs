//! Captures, read by tshark.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loggia_lab::link::{Cause, Chance, Limit, Loss, Queue, Rate, Reorder, Terms};
use loggia_lab::record::{Memory, Snap};
use loggia_lab::world::Frames;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SOCK_DGRAM;

use super::story::{CLIENT, Stage, Story, Told};

/// Runs tshark on a capture; none if it is not installed.
fn tshark(capture: &[u8], name: &str, arguments: &[&str]) -> Option<Vec<String>> {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let unique = format!("{name}-{}-{}.pcapng", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique);
    std::fs::write(&path, capture).expect("a file");
    let checks = ["tcp", "ip", "udp"].map(|protocol| format!("{protocol}.check_checksum:TRUE"));
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(&path).args(checks.iter().flat_map(|check| ["-o", check])).args(arguments);
    // The payload is no HTTP; putting it together anyway, tshark calls retransmissions malformed.
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
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
    for (v6, frames) in [(false, Frames::Packets), (false, Frames::Whole), (true, Frames::Packets), (true, Frames::Whole)] {
        let story = Story { v6, frames, answer: 100_000, ..Story::default() };
        sound(&story.play(), &format!("plain-{v6}-{frames:?}"));
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
    let story = Story { frames: Frames::Whole, answer: 100_000, rounds: 1, ..Story::default() };
    let told = story.play();
    let Some(lens) = lines(&told, "server", "tcp.srcport==80 && tcp.len>0", "tcp.len") else { return };
    let lens: Vec<usize> = lens.iter().map(|len| len.parse().expect("a number")).collect();
    assert_eq!(lens.iter().sum::<usize>(), 100_000);
    assert!(lens.iter().all(|len| *len <= 1448), "{lens:?}");
}

#[test]
fn packets_that_travel_together_are_written_one_by_one() {
    for v6 in [false, true] {
        let loss = Some(Loss::Independent(chance(0.03)));
        let terms = Terms { loss, duplicate: chance(0.02), corrupt: chance(0.02), ..Story::default().terms };
        let told = Story { v6, frames: Frames::Trains, terms, answer: 200_000, ..Story::default() }.play();
        sound(&told, &format!("together-{v6}"));
        let counts = *told.world.wires()[0].pipe(1).counts();
        let Some(left) = lines(&told, "server", "frame.packet_flags_direction==2", "frame.len") else { return };
        let lost = commented(&told, "server", "lost on wan: loss model").expect("tshark");
        let arrived = lines(&told, "client", "frame.packet_flags_direction==1", "frame.len").expect("tshark");
        assert_eq!((left.len() as u64, arrived.len() as u64), (counts.sent, counts.delivered));
        assert_eq!(lost as u64, counts.dropped[Cause::Loss as usize]);
        assert!(left.iter().all(|len| len.parse::<usize>().expect("a number") <= 1514));
    }
}

fn chance(probability: f64) -> Chance {
    Chance { probability, correlation: 0.0 }
}

fn impaired() -> Terms {
    Terms {
        delay: Duration::from_millis(20),
        loss: Some(Loss::Independent(chance(0.03))),
        duplicate: chance(0.02),
        corrupt: chance(0.02),
        reorder: Some(Reorder { chance: chance(0.02), by: None }),
        ..Terms::default()
    }
}

/// How many packets of a capture have a comment that contains `text`.
fn commented(told: &Told, host: &str, text: &str) -> Option<usize> {
    lines(told, host, &format!("frame.comment contains \"{text}\""), "frame.number").map(|lines| lines.len())
}

#[test]
fn each_packet_that_something_happened_to_says_what() {
    for (v6, frames) in [(false, Frames::Packets), (false, Frames::Trains), (true, Frames::Whole)] {
        let story = Story { v6, frames, terms: impaired(), answer: 200_000, ..Story::default() };
        let told = story.play();
        sound(&told, &format!("impaired-{v6}-{frames:?}"));
        for (end, host, other) in [(0, "client", "server"), (1, "server", "client")] {
            let counts = *told.world.wires()[0].pipe(end).counts();
            let Some(lost) = commented(&told, host, "lost on wan: loss model") else { return };
            assert_eq!(lost as u64, counts.dropped[Cause::Loss as usize], "{host}");
            let on_the_way = |host, direction, text| {
                let filter = format!("frame.packet_flags_direction=={direction} && frame.comment contains \"{text}\"");
                lines(&told, host, &filter, "frame.number").map(|lines| lines.len() as u64)
            };
            let (left, arrived) = (|text| on_the_way(host, 2, text), |text| on_the_way(other, 1, text));
            assert_eq!(left("duplicated by wan"), Some(counts.duplicated));
            assert_eq!(arrived("copy made by wan"), Some(counts.duplicated));
            assert_eq!(arrived("corrupted on wan"), Some(counts.corrupted));
            assert_eq!(arrived("reordered on wan"), Some(counts.reordered));
        }
        let again = told.recorder.metrics().merged("tcp.retransmits", &[("host".into(), "server".into())]).expect("a series");
        assert_eq!(commented(&told, "server", "sent again").map(|n| n as u64), Some(again.part as u64));
        assert_eq!(commented(&told, "server", "sent again: ").map(|n| n as u64), Some(again.part as u64), "and why");
        assert!(again.part >= 10.0, "{again:?}");
    }
}

#[test]
fn a_full_queue_says_how_many_packets_waited() {
    let rate = Some(Rate::Fixed { bits: 5_000_000, burst: 1514, overhead: 0 });
    let queue = Queue { limit: Limit::Packets(20), ..Queue::default() };
    let terms = Terms { delay: Duration::from_millis(20), rate, queue, ..Terms::default() };
    let told = Story { terms, answer: 500_000, ..Story::default() }.play();
    sound(&told, "queue");
    let counts = *told.world.wires()[0].pipe(1).counts();
    let Some(dropped) = commented(&told, "server", "lost on wan: queue full, 20 packets waiting") else { return };
    assert_eq!(dropped as u64, counts.dropped[Cause::QueueFull as usize]);
    assert!(dropped > 10);
}

#[test]
fn a_disk_that_fills_leaves_a_capture_that_can_be_read() {
    let story = Story { folder: Memory::with_limit(100_001), answer: 500_000, ..Story::default() };
    let told = story.play();
    sound(&told, "full");
    let capture = told.folder.file("hosts/server/eth0.pcapng").expect("a capture");
    assert!((98_000..=100_001).contains(&capture.len()), "{}", capture.len());
    let failures = told.recorder.failures();
    assert!(failures.iter().any(|failure| failure.starts_with("hosts/server/eth0.pcapng: ")), "{failures:?}");
    let text = told.folder.file("events.jsonl").expect("events");
    let (entries, unreadable) = loggia_lab::record::entries(std::str::from_utf8(&text).expect("text"));
    assert!(!entries.is_empty() && unreadable.is_empty(), "{unreadable:?}");
}

#[test]
fn headers_alone_can_be_kept() {
    let mut story = Story { answer: 100_000, rounds: 1, ..Story::default() };
    for (snap, kept) in [(Snap::First(96), "96"), (Snap::Headers, "66")] {
        story.options.snap = snap;
        let told = Story { folder: Memory::default(), ..story.clone() }.play();
        let with_data = "tcp.srcport==80 && tcp.len>0";
        let Some(lens) = lines(&told, "server", with_data, "frame.len") else { return };
        assert!(lens.iter().any(|len| len == "1514"), "{lens:?}");
        let caps = lines(&told, "server", with_data, "frame.cap_len").expect("tshark");
        assert!(caps.iter().all(|len| len == kept), "{caps:?}");
        // The headers are those of a whole capture.
        let mut whole = Story { folder: Memory::default(), ..story.clone() };
        whole.options.snap = Snap::All;
        let whole = whole.play();
        for field in
            ["tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.options.timestamp.tsval", "ip.checksum", "frame.len"]
        {
            assert_eq!(lines(&told, "server", "tcp", field), lines(&whole, "server", "tcp", field), "{field}, {snap:?}");
        }
        assert!(told.folder.file("hosts/server/eth0.pcapng").expect("a capture").len() < 40_000);
    }
}

/// What a host discarded was not on the wire. That TCP sends it again is said of what is the first on the wire, and not of the next.
#[test]
fn what_was_discarded_before_it_left_is_sent_again_all_the_same() {
    let third_is_lost = Terms { delay: Duration::from_millis(20), loss: Some(Loss::List([3].into())), ..Terms::default() };
    let mut story = Story { terms: third_is_lost, ..Story::default() };
    (story.options.events, story.options.keep, story.options.snap) = (false, 0, Snap::Headers);
    let mut stage = Stage::new(&story);
    let (_listener, client) = (stage.listener(), stage.call());
    stage.wait(Duration::from_millis(300));
    let link = stage.world.hosts()[CLIENT.0].link(0);
    stage.world.stack(CLIENT).set_up(link, false).expect("a link");
    stage.world.stack(CLIENT).send(client, &[b'x'; 500], MsgFlags::NONE).expect("room");
    stage.world.settle(CLIENT);
    stage.world.stack(CLIENT).set_up(link, true).expect("a link");
    stage.world.settle(CLIENT);
    // The neighbour is known again before TCP tries.
    let (other, address) = (stage.socket(CLIENT, SOCK_DGRAM), stage.address(9));
    stage.world.stack(CLIENT).connect(other, &address).expect("a way");
    stage.world.stack(CLIENT).send(other, b"hello", MsgFlags::NONE).expect("room");
    stage.world.settle(CLIENT);
    stage.wait(Duration::from_millis(5_000));
    let told = stage.end(&story);
    let Some(comments) = lines(&told, "client", "tcp && frame.comment", "frame.comment") else { return };
    assert_eq!(comments, ["lost on wan: loss model,sent again: tail loss probe", "sent again: timeout"]);
}

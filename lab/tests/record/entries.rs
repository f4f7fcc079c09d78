//! What the record says, and that it can be read back.

use std::collections::BTreeMap;
use std::time::Duration;

use loggia_lab::link::{Cause, Chance, Loss, Terms};
use loggia_lab::record::{self, Dir, Entry, Fact, Memory, Snap, Which};
use loggia_lab::world::Frames;
use loggia_stack::base::{Instant, MsgFlags};

use super::story::{Between, CLIENT, SERVER, Stage, Story, Told};

fn read_back(told: &Told) -> Vec<Entry> {
    let text = told.folder.file("events.jsonl").expect("events");
    let (entries, unreadable) = record::entries(std::str::from_utf8(&text).expect("text"));
    assert!(unreadable.is_empty(), "{unreadable:?}");
    entries
}

#[test]
fn what_is_read_back_is_what_was_told() {
    for v6 in [false, true] {
        let told = Story { v6, ..Story::default() }.play();
        let entries = read_back(&told);
        assert_eq!(entries, told.recorder.entries());
        assert!(told.world.now() > Instant::from_secs(5));
        assert!(entries.is_sorted_by_key(|entry| entry.t), "in the order in which things happened");
    }
}

#[test]
fn both_ends_of_a_connection_are_joined() {
    let told = Story::default().play();
    let connections = told.recorder.connections();
    let [connection] = connections.all() else { panic!("one connection: {connections:?}") };
    let (client, server) = (connection.side(Which::Client), connection.side(Which::Server));
    assert_eq!((client.host.as_deref(), server.host.as_deref()), (Some("client"), Some("server")));
    assert!(client.socket.is_some() && server.socket.is_some() && client.iss.is_some() && server.iss.is_some());
    assert_eq!(server.end.to_string(), "10.0.0.2:80");
    let again = record::Connections::of(&read_back(&told));
    assert_eq!(again.all(), connections.all());
}

#[test]
fn a_packet_has_one_number_on_its_way() {
    let told = Story::default().play();
    let entries = told.recorder.entries();
    let packets = |dir| {
        let of = move |entry: &Entry| match &entry.fact {
            Fact::Packet(packet) if packet.dir == dir && packet.proto == "tcp" => Some((packet.pkt, packet.seq, packet.ack)),
            _ => None,
        };
        entries.iter().filter_map(of).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(packets(Dir::Out), packets(Dir::In));
    assert!(packets(Dir::Out).len() > 20);
}

/// Where packets travel together, as many are told of as when each goes by itself, each with its fate after it.
#[test]
fn packets_that_travel_together_are_told_one_by_one() {
    let loss = Loss::Independent(Chance { probability: 0.05, correlation: 0.0 });
    let terms = Terms {
        delay: Duration::from_millis(20),
        loss: Some(loss),
        duplicate: Chance { probability: 0.02, correlation: 0.0 },
        ..Terms::default()
    };
    for between in [Between::Link, Between::Switch] {
        let story = Story { between, frames: Frames::Trains, terms: terms.clone(), answer: 300_000, ..Story::default() };
        let told = story.play();
        let entries = read_back(&told);
        assert_eq!(entries, told.recorder.entries());
        let (mut left, mut lost, mut arrived) = (BTreeMap::new(), 0, 0);
        for entry in &entries {
            match &entry.fact {
                Fact::Packet(packet) if packet.dir == Dir::Out => {
                    assert!(packet.size <= 1514 && packet.segments == 1);
                    assert!(left.insert(packet.pkt, (packet.seq, packet.len)).is_none(), "a number for each");
                }
                Fact::Packet(packet) => {
                    assert_eq!(left.get(&packet.pkt), Some(&(packet.seq, packet.len)));
                    arrived += 1;
                }
                Fact::Fate(fate) => {
                    assert!(left.contains_key(&fate.pkt), "it left before: {fate:?}");
                    lost += u64::from(fate.is_dropped());
                }
                _ => {}
            }
        }
        let last = told.world.wires().last().expect("a link");
        let counts = [0, 1].map(|end| *last.pipe(end).counts());
        assert_eq!(arrived, counts.iter().map(|counts| counts.delivered).sum::<u64>());
        assert_eq!(lost, counts.iter().map(|counts| counts.dropped[Cause::Loss as usize]).sum::<u64>());
        assert!(lost > 5 && arrived > 200, "{lost} of {arrived}");
    }
}

/// Captures and metrics of a story where somebody wants entries, or nobody.
fn measured(story: &Story, entries: bool) -> (Vec<Option<Vec<u8>>>, String) {
    let mut story = Story { folder: Memory::default(), ..story.clone() };
    story.options.events = entries;
    story.options.keep = if entries { usize::MAX } else { 0 };
    let told = story.play();
    let captures = ["client", "server", "router"].map(|host| told.folder.file(&format!("hosts/{host}/eth0.pcapng")));
    (captures.into(), told.recorder.metrics().to_json().to_string())
}

/// Whoever wants no entries gets the same captures and metrics, although packets are not told of one by one.
#[test]
fn without_entries_the_same_is_measured_and_captured() {
    let loss = Loss::Independent(Chance { probability: 0.01, correlation: 0.0 });
    for (v6, duplicate) in [(false, 0.0), (true, 0.0), (false, 0.01)] {
        let duplicate = Chance { probability: duplicate, correlation: 0.0 };
        let terms = Terms { delay: Duration::from_millis(20), loss: Some(loss.clone()), duplicate, ..Terms::default() };
        let mut story = Story { v6, frames: Frames::Trains, terms, answer: 3_000_000, ..Story::default() };
        story.options.snap = if duplicate == Chance::default() { Snap::First(96) } else { Snap::Headers };
        let (captures, metrics) = measured(&story, false);
        let (captures_too, metrics_too) = measured(&story, true);
        assert!(captures == captures_too, "captures differ");
        assert_eq!(metrics, metrics_too);
        assert!(captures[1].as_ref().is_some_and(|server| server.len() > 200_000));
    }
}

/// The same whatever the link does that keeps packets together, and whatever lies between.
#[test]
fn without_entries_nothing_is_different_behind_any_link() {
    let chance = |probability| Chance { probability, correlation: 0.0 };
    let all = [
        Terms::default(),
        Terms { corrupt: chance(0.005), ..Terms::default() },
        Terms { loss: Some(Loss::GilbertElliott { enter: 0.01, leave: 0.3, bad: 0.5, good: 0.0 }), ..Terms::default() },
        Terms { loss: Some(Loss::Independent(chance(0.01))), duplicate: chance(0.01), corrupt: chance(0.01), ..Terms::default() },
        // Full packets with timestamps do not fit, and are found to be too large.
        Terms { mtu: Some(1400), duplicate: chance(0.005), ..Terms::default() },
    ];
    for (n, terms) in (0..).zip(&all) {
        let ways = [Between::Link, Between::Switch, Between::Router].map(|between| (between, Frames::Trains));
        for (between, frames) in ways.into_iter().chain([(Between::Link, Frames::Packets)]) {
            let terms = Terms { delay: Duration::from_millis(10), ..terms.clone() };
            let mut story = Story { between, terms, frames, request: 150_000, answer: 300_000, ..Story::default() };
            let snaps = [Snap::First(96), Snap::First(54), Snap::First(200), Snap::All, Snap::Headers];
            (story.rounds, story.seed, story.options.snap) = (2, 7 + n, snaps[n as usize]);
            let (with, without) = (measured(&story, true), measured(&story, false));
            assert!(with.0 == without.0, "captures differ: {n} {between:?} {frames:?}");
            assert_eq!(with.1, without.1, "{n} {between:?}");
        }
    }
}

/// Behind a switch, with calls that fail while packets are under way: nobody measures those calls, but entries tell of them.
#[test]
fn calls_that_only_entries_tell_of_move_no_packet() {
    let story = Story { between: Between::Switch, ..Story::default() };
    let delays = |entries: bool| {
        let mut story = Story { folder: Memory::default(), ..story.clone() };
        story.options.events = entries;
        story.options.keep = if entries { usize::MAX } else { 0 };
        let mut stage = Stage::new(&story);
        let (listener, client) = (stage.listener(), stage.call());
        stage.wait(Duration::from_millis(300));
        let server = stage.world.stack(SERVER).accept(listener).expect("a connection").0;
        for _ in 0..3 {
            stage.world.stack(SERVER).send(server, &[b'x'; 500], MsgFlags::NONE).expect("room");
            stage.world.settle(SERVER);
            stage.wait(Duration::from_millis(10));
            let address = stage.address(1);
            stage.world.stack(CLIENT).bind(client, &address).expect_err("it is connected");
            stage.world.settle(CLIENT);
            stage.wait(Duration::from_millis(300));
        }
        let told = stage.end(&story);
        let metrics = told.recorder.metrics();
        let delay = |link: &str| metrics.merged(&format!("link.{link}.delay"), &[]).and_then(|delay| delay.samples.max());
        ([delay("left"), delay("right")], metrics.to_json().to_string())
    };
    let ([left, right], metrics) = delays(false);
    assert_eq!(metrics, delays(true).1);
    // One link has no delay, and the other all.
    assert_eq!((left, right), (Some(0.0), Some(0.02)));
}

#[test]
fn a_record_that_may_hold_no_more_says_so_and_is_no_failure() {
    let mut story = Story { answer: 100_000, ..Story::default() };
    (story.options.events_limit, story.options.capture_limit) = (20_000, 20_000);
    let told = story.play();
    assert_eq!(told.recorder.failures(), Vec::<String>::new());
    assert_eq!(told.recorder.shortened().len(), 3, "{:?}", told.recorder.shortened());
    let entries = read_back(&told);
    let last = &entries.last().expect("entries").fact;
    assert!(matches!(last, Fact::Note { text, .. } if text.contains("holds the 20000 bytes it may")), "{last:?}");
    assert!(told.recorder.metrics().merged("tcp.request", &[]).is_some(), "measuring goes on");
}

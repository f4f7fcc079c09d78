//! Packets that cross more than one link.

use std::time::Duration;

use loggia_lab::link::{Chance, Loss, Terms};
use loggia_lab::record::{Dir, Entry, Fact, Packet};
use loggia_lab::report::{self, Look};
use loggia_lab::world::Frames;

use super::story::{Between, Story, Told};

fn played(between: Between) -> Told {
    let terms = Terms { delay: Duration::from_millis(20), loss: Some(Loss::List([5, 9].into())), ..Terms::default() };
    Story { between, terms, rounds: 1, ..Story::default() }.play()
}

fn packets(entries: &[Entry]) -> impl Iterator<Item = (&str, &Packet)> {
    entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Packet(packet) if packet.proto == "tcp" => Some((entry.host(), &**packet)),
        _ => None,
    })
}

fn ladder(told: &Told) -> String {
    let connections = told.recorder.connections();
    let connection = report::pick(&connections, None).expect("one connection").connection;
    assert_eq!(connection.title(), "#1 client 10.0.0.1:58636 → server 10.0.0.2:80");
    report::ladder::ladder(&told.recorder.entries(), connection, 0, &Look::default())
}

/// What was lost on the second link is told in the capture of the sender, and in the ladder.
#[test]
fn a_switch_hides_nothing() {
    let told = played(Between::Switch);
    let text = ladder(&told);
    assert_eq!(text.matches("lost on right: loss model").count(), 4, "{text}");
    let capture = told.folder.file("hosts/server/eth0.pcapng").expect("a capture");
    let comment = b"lost on right: loss model";
    assert_eq!(capture.windows(comment.len()).filter(|window| window == comment).count(), 2);
    let capture = told.folder.file("hosts/client/eth0.pcapng").expect("a capture");
    assert_eq!(capture.windows(comment.len()).filter(|window| window == comment).count(), 2, "it left by the other link");
}

#[test]
fn a_router_forwards_packets_under_their_numbers() {
    let told = played(Between::Router);
    let entries = told.recorder.entries();
    let at = |host: &str, dir: Dir| {
        packets(&entries)
            .filter(|(of, packet)| *of == host && packet.dir == dir)
            .map(|(_, packet)| packet.pkt)
            .collect::<Vec<_>>()
    };
    let mut through = [at("client", Dir::Out), at("server", Dir::Out)].concat();
    let mut out = at("router", Dir::Out);
    through.sort_unstable();
    out.sort_unstable();
    through.retain(|pkt| out.contains(pkt));
    assert_eq!(through, out, "every packet of the router is one of a host");
    assert!(out.len() > 15);
    assert!(packets(&entries).all(|(host, packet)| packet.forwarded == (host == "router")));
    let text = ladder(&told);
    assert_eq!(text.matches("lost on right: loss model").count(), 4, "{text}");
    let metrics = told.recorder.metrics();
    let again = metrics.merged("tcp.retransmits", &[("host".into(), "router".into())]);
    assert!(again.is_none(), "a router sends nothing of its own");
}

/// What a link has lost a packet of comes to a router in pieces at one moment, and goes on as it came: no piece becomes part of another.
#[test]
fn a_router_forwards_packets_that_travel_together_as_they_came() {
    let terms = Terms {
        delay: Duration::from_millis(20),
        loss: Some(Loss::Independent(Chance { probability: 0.03, correlation: 0.0 })),
        ..Terms::default()
    };
    for seed in 1..=6 {
        let between = Between::Router;
        let story = Story { between, seed, frames: Frames::Trains, terms: terms.clone(), answer: 300_000, ..Story::default() };
        let told = story.play();
        let entries = told.recorder.entries();
        let strangers: Vec<_> = packets(&entries).filter(|(host, packet)| *host == "router" && !packet.forwarded).collect();
        assert!(strangers.is_empty(), "seed {seed}: {} of {}: {:?}", strangers.len(), entries.len(), strangers.first());
    }
}

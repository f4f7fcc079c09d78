//! What the record says, and that it can be read back.

use loggia_lab::record::{self, Dir, Entry, Fact, Which};
use loggia_stack::base::Instant;

use super::story::{Story, Told};

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

//! Metrics of stories whose figures can be worked out by hand: 20 ms each way, no loss, no rate.

use loggia_lab::metrics::Series;

use super::story::{CLIENT, Stage, Story, Told};

fn of(told: &Told, name: &str, host: &str) -> Series {
    let filter = [("host".to_owned(), host.to_owned())];
    told.recorder.metrics().merged(name, &filter).unwrap_or_else(|| panic!("{name} of {host}"))
}

fn millis(series: &Series) -> (u64, f64, f64) {
    let samples = &series.samples;
    let milli = |value: Option<f64>| (value.unwrap_or(0.0) * 1e6).round() / 1e3;
    (samples.count(), milli(samples.min()), milli(samples.max()))
}

#[test]
fn times_of_a_connection_are_round_trips() {
    let story = Story { answer: 1000, ..Story::default() };
    let told = story.play();
    // The first packet waits for the neighbour's address, a round trip more.
    assert_eq!(millis(&of(&told, "tcp.connect", "client")), (1, 80.0, 80.0));
    assert_eq!(millis(&of(&told, "tcp.request", "client")), (3, 40.0, 40.0));
    assert_eq!(millis(&of(&told, "tcp.ttfb", "client")), (1, 120.0, 120.0));
    assert_eq!(millis(&of(&told, "tcp.close", "*")), (2, 40.0, 40.0));
    assert_eq!(of(&told, "tcp.retransmit_ratio", "*").value(), Some(0.0));
    assert_eq!(of(&told, "tcp.retransmit_ratio", "client").whole as u64, 3, "three requests");
    assert_eq!(of(&told, "sock.sendbuf", "client").samples.max(), Some(100.0));
    assert!(told.recorder.metrics().merged("tcp.request", &[("host".into(), "server".into())]).is_none());
    // Three answers of 1000 bytes; the last is read 2 * 40 + 20 ms after the first left.
    let goodput = of(&told, "tcp.goodput", "client").samples.max().expect("a sample");
    assert!((goodput - 3000.0 * 8.0 / 0.1).abs() < 1.0, "{goodput}");
}

#[test]
fn datagrams_are_counted_and_timed() {
    let story = Story::default();
    let mut stage = Stage::new(&story);
    stage.datagrams(10, 500);
    stage.datagrams(10, 3000);
    let told = stage.end(&story);
    assert_eq!(of(&told, "udp.sent", "client").value(), Some(20.0));
    assert_eq!(of(&told, "udp.received", "server").value(), Some(20.0));
    assert_eq!(of(&told, "udp.loss", "client").value(), Some(0.0));
    assert_eq!(millis(&of(&told, "udp.delay", "client")), (20, 20.0, 20.0));
}

#[test]
fn links_tell_what_they_did_and_files_say_the_same() {
    let told = Story::default().play();
    let (there, back) = (of(&told, "link.wan.sent", "client"), of(&told, "link.wan.sent", "server"));
    let counts = told.world.wires()[0].pipe(0).counts();
    assert_eq!(there.value(), Some(counts.sent as f64));
    assert!(back.value() > Some(10.0));
    let (_, shortest, longest) = millis(&of(&told, "link.wan.delay", "*"));
    assert_eq!((shortest, longest), (20.0, 20.0));
    assert_eq!(of(&told, "link.wan.loss", "*").value(), Some(0.0));
    told.recorder.write_metrics();
    let text = told.folder.file("metrics.json").expect("metrics");
    let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let named = |name: &str| value["series"].as_array().into_iter().flatten().any(|series| series["name"] == name);
    assert!(named("tcp.request") && named("link.wan.lost.loss"), "{value:#}");
}

#[test]
fn what_the_caller_knows_of_programs_is_measured_too() {
    let story = Story::default();
    let stage = Stage::new(&story);
    let process = loggia_lab::metrics::Process { exit: Some(7), rss: 5 << 20, ..Default::default() };
    stage.recorder.process(CLIENT, "curl", &process);
    let told = stage.end(&story);
    assert_eq!(of(&told, "proc.exit", "client").value(), Some(7.0));
    assert_eq!(of(&told, "proc.rss", "client").samples.max(), Some(5_242_880.0));
}

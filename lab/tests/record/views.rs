//! Views as a user sees them. `LOGGIA_BLESS=1` writes what they look like anew.

use std::path::PathBuf;
use std::time::Duration;

use loggia_lab::link::{Limit, Loss, Queue, Rate, Terms};
use loggia_lab::record::{Entry, Fact};
use loggia_lab::report::diff::{self, Promise};
use loggia_lab::report::{self, Look};
use loggia_lab::world::Frames;

use super::story::{Stage, Story, Told};

fn looks_like(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/record/views").join(format!("{name}.txt"));
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        std::fs::write(&path, text).expect("the view is written");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == text, "{name} looks otherwise (LOGGIA_BLESS=1 if that is right):\n{text}");
}

fn losing(numbers: &[u64]) -> Terms {
    Terms { delay: Duration::from_millis(20), loss: Some(Loss::List(numbers.into())), ..Terms::default() }
}

fn ladder(told: &Told, lines: usize, look: &Look) -> String {
    let connections = told.recorder.connections();
    let connection = report::pick(&connections, None).expect("one connection").connection;
    report::ladder::ladder(&told.recorder.entries(), connection, lines, look)
}

#[test]
fn a_ladder_of_an_undisturbed_connection() {
    let told = Story { rounds: 1, answer: 4000, ..Story::default() }.play();
    looks_like("ladder", &ladder(&told, 0, &Look::default()));
    looks_like("ladder-ascii", &ladder(&told, 0, &Look { ascii: true, width: 80, ..Look::default() }));
}

#[test]
fn a_ladder_with_losses() {
    let told = Story { rounds: 1, answer: 30_000, terms: losing(&[1, 4, 9]), ..Story::default() }.play();
    looks_like("ladder-losses", &ladder(&told, 0, &Look::default()));
    looks_like("ladder-short", &ladder(&told, 20, &Look::default()));
}

#[test]
fn boundaries_of_a_stream_and_of_datagrams() {
    let story = Story { rounds: 2, answer: 9000, ..Story::default() };
    let told = story.play();
    let (entries, connections) = (told.recorder.entries(), told.recorder.connections());
    let large = Story { frames: Frames::Whole, ..story.clone() }.play();
    let (whole, known) = (large.recorder.entries(), large.recorder.connections());
    let of_large = report::boundaries::boundaries(&whole, &known, 0, &Look::default());
    assert!(whole.iter().any(|entry| matches!(&entry.fact, Fact::Packet(packet) if packet.segments > 1)));
    assert!(of_large.contains("1,448 ┬  1,448 B"), "what is one frame to the host is segments on the wire:\n{of_large}");
    looks_like("boundaries-large", &of_large);
    looks_like("boundaries", &report::boundaries::boundaries(&entries, &connections, 0, &Look::default()));
    let story = Story { terms: losing(&[3]), ..Story::default() };
    let mut stage = Stage::new(&story);
    stage.datagrams(5, 500);
    stage.datagrams(2, 4000);
    let told = stage.end(&story);
    let (entries, connections) = (told.recorder.entries(), told.recorder.connections());
    looks_like("boundaries-udp", &report::boundaries::boundaries(&entries, &connections, 0, &Look::default()));
}

#[test]
fn metrics_and_sockets_as_tables() {
    let told = Story { terms: losing(&[7]), ..Story::default() }.play();
    let table = told.recorder.metrics();
    looks_like("metrics", &report::metrics::metrics(&table, &["tcp.", "link."], &Look::default()));
    let text = told.folder.file("sockets.json").expect("sockets");
    let value = serde_json::from_slice(&text).expect("JSON");
    looks_like("sockets", &report::sockets::sockets(&value, &Look::default()));
}

#[test]
fn two_runs_of_a_seed_are_the_same_and_of_two_seeds_are_not() {
    let rate = Some(Rate::Fixed { bits: 5_000_000, burst: 1514, overhead: 0 });
    let queue = Queue { limit: Limit::Packets(10), ..Queue::default() };
    let story = Story { terms: Terms { rate, queue, ..losing(&[5]) }, ..Story::default() };
    let (one, two) = (story.play().recorder.entries(), story.play().recorder.entries());
    let look = Look::default();
    assert!(diff::difference(&one, &two, Promise::All).is_none(), "{}", diff::diff(&one, &two, Promise::All, &look));
    let other = Story { terms: Terms { loss: Some(Loss::List([6].into())), ..story.terms.clone() }, ..story }.play();
    looks_like("diff", &diff::diff(&one, &other.recorder.entries(), Promise::All, &look));
}

/// The same lab in real time: programs start a little later, an outage and the queue meet other packets, and the losses are the same.
#[test]
fn of_runs_in_real_time_only_what_the_seed_draws_is_compared() {
    let story = Story { terms: losing(&[5]), ..Story::default() };
    let one = story.play().recorder.entries();
    let change = |change: &dyn Fn(&mut Entry)| {
        let mut other = one.clone();
        other.iter_mut().for_each(change);
        let note = Fact::Note { topic: "program".into(), text: "client: start".into() };
        other.insert(0, Entry { t: 0, host: None, fact: note });
        other
    };
    let fate = |entry: &mut Entry, number: u64, word: &'static str| match &mut entry.fact {
        Fact::Fate(fate) if fate.number == number && fate.end == 0 => fate.fate = word.into(),
        _ => {}
    };
    let later = change(&|entry| {
        entry.t += 7;
        if let Fact::Fate(fate) = &mut entry.fact {
            fate.put = fate.put.map(|put| put + 7);
        }
    });
    assert!(!diff::difference(&one, &later, Promise::All).is_none());
    assert!(diff::difference(&one, &later, Promise::Order).is_none());
    for cause in ["down", "queue-full", "too-big"] {
        let found = diff::difference(&one, &change(&|entry| fate(entry, 2, cause)), Promise::Order);
        assert_eq!((found.fates[1], found.timed > 0, found.fate), (0, true, None), "{cause}");
    }
    let lost = change(&|entry| fate(entry, 2, "loss"));
    let found = diff::difference(&one, &lost, Promise::Order);
    assert_eq!((found.fates[1] > 0, found.timed), (true, 0), "{found:?}");
    let text = diff::diff(&one, &lost, Promise::Order, &Look::default());
    assert!(text.contains("delivered in the first run, loss in the second"), "{text}");
}

fn why(told: &Told) -> String {
    let connections = told.recorder.connections();
    let connection = report::pick(&connections, Some("#1")).expect("the first connection").connection;
    report::why::why(&told.recorder.entries(), connection, &Look::default())
}

#[test]
fn why_a_connection_took_so_long() {
    looks_like("why", &why(&Story { answer: 4000, ..Story::default() }.play()));
    looks_like("why-losses", &why(&Story { rounds: 1, answer: 30_000, terms: losing(&[1, 4, 9]), ..Story::default() }.play()));
    let rate = Some(Rate::Fixed { bits: 5_000_000, burst: 1514, overhead: 0 });
    let terms = Terms { delay: Duration::from_millis(20), rate, ..Terms::default() };
    // How long exactly is a matter of congestion control.
    let text = why(&Story { rounds: 1, answer: 500_000, terms, ..Story::default() }.play());
    let first = text.lines().nth(3).expect("the longest part");
    assert!(first.ends_with("waiting in a queue for the rate of a link"), "{text}");
}

#[test]
fn the_parts_of_a_connection_add_up_to_the_whole() {
    for seed in 1..20 {
        let chance = |probability| loggia_lab::link::Chance { probability, correlation: 0.0 };
        let terms =
            Terms { loss: Some(Loss::Independent(chance(0.05))), duplicate: chance(0.02), corrupt: chance(0.02), ..losing(&[]) };
        let told = Story { seed, terms, answer: 50_000, ..Story::default() }.play();
        let (entries, connections) = (told.recorder.entries(), told.recorder.connections());
        let connection = &connections.all()[0];
        let parts = report::why::parts(&entries, connection);
        let states = entries.iter().filter(|entry| matches!(entry.fact, Fact::State { .. }));
        let times: Vec<u64> = states.filter(|entry| entry.t >= connection.opened).map(|entry| entry.t).collect();
        let sum: u64 = parts.iter().map(|(_, nanos)| nanos).sum();
        let (first, last) = (times[0], times[times.len() - 1]);
        assert!(sum >= last - first && sum <= last - first + 50_000_000, "seed {seed}: {sum} of {}", last - first);
    }
}

/// Another story than requests and answers.
fn told(act: impl FnOnce(&mut Stage)) -> Told {
    let story = Story::default();
    let mut stage = Stage::new(&story);
    act(&mut stage);
    stage.end(&story)
}

#[test]
fn connections_that_end_badly() {
    looks_like("ladder-refused", &ladder(&told(Stage::refused), 0, &Look::default()));
    looks_like("ladder-reset", &ladder(&told(Stage::reset), 0, &Look::default()));
    looks_like("why-refused", &why(&told(Stage::refused)));
    looks_like("why-reset", &why(&told(Stage::reset)));
    let list = |told: &Told| report::list(&told.recorder.connections(), &Look::default());
    assert!(list(&told(Stage::refused)).ends_with(":80  (refused, no data)\n"));
    assert!(list(&told(Stage::reset)).ends_with(":80  (reset)\n"));
}

#[test]
fn a_call_that_nobody_answers_timed_out() {
    let lost = Terms { loss: Some(Loss::List((1..100).collect())), ..Terms::default() };
    let story = Story { terms: lost, ..Story::default() };
    let mut stage = Stage::new(&story);
    stage.unanswered();
    let told = stage.end(&story);
    let text = why(&told);
    assert!(text.contains("It timed out: client had no answer, and gave up."), "{text}");
}

#[test]
fn what_is_under_way_at_the_end_is_not_shown_as_lost() {
    let text = ladder(&told(Stage::cut_short), 0, &Look::default());
    assert!(text.contains("┄ still under way") && !text.contains('╳'), "{text}");
}

#[test]
fn a_reader_who_takes_his_time() {
    let told = told(|stage| stage.stall(400_000));
    // When exactly is a matter of windows and timers.
    let steps = ladder(&told, 30, &Look::default());
    assert!(steps.contains(" window 0") && steps.contains("segments with"), "{steps}");
    let text = why(&told);
    let first = text.lines().nth(3).expect("the longest part");
    assert!(first.ends_with("waiting for the receiver's window to open"), "{text}");
    assert!(text.contains("that its window is closed: its program did not read."), "{text}");
}

#[test]
fn boundaries_within_a_host() {
    let told = told(Stage::local);
    let (entries, connections) = (told.recorder.entries(), told.recorder.connections());
    looks_like("boundaries-unix", &report::boundaries::boundaries(&entries, &connections, 0, &Look::default()));
}

//! The lab file, from outside: what is written is understood, in a file and in one line, and nothing that is written makes it fall over.

use std::io;
use std::path::Path;

use loggia_lab::file::{Command, Description, Expect, Options, Ready, Surroundings, Unit, describe, options, parse};
use loggia_lab::link::{Distribution, Limit, Loss, QueueKind, Rate};
use loggia_lab::plan::plan;
use proptest::prelude::*;

fn files(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("lte.trace") => Ok(b"# two packets, then a pause\n1\n1\n20\n".to_vec()),
        Some("./wifi.delays") => Ok(b"1ms\n2.5ms\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

const METRICS: [(&str, Unit); 2] = [("tcp.request", Unit::Time), ("link.*.sent", Unit::Count)];

fn around() -> Surroundings<'static> {
    Surroundings { programs: &["web", "get"], servers: &["web"], metrics: &METRICS, labels: &["host"], files: &files }
}

fn read(text: &str) -> Description {
    parse(text, "lab.toml", &around()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn one_line(given: &[(&str, &str)], command: &[&str]) -> Description {
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    describe(&Options { given, command }, &around()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A lab of two hosts with these lines in its link.
fn with_link(lines: &str) -> Description {
    read(&format!("schema = 1\n[link.wan]\nends = [\"a\", \"b\"]\n{lines}\n[host.a]\nrun = \"x\"\n[host.b]\n"))
}

#[test]
fn every_word_of_a_link_is_understood() {
    let lab = with_link(
        "delay = \"20ms\"\njitter = \"5ms\"\ndistribution = \"./wifi.delays\"\njitter_correlation = \"25%\"\novertake = true\n\
         loss = { model = \"gilbert-elliott\", enter = \"0.4%\", leave = \"25%\", bad = \"60%\" }\nduplicate = \"0.1%\"\n\
         rate = { up = \"5mbit\", down = { trace = \"lte.trace\" } }\nburst = \"15kB\"\noverhead = -4\n\
         queue = { kind = \"fq_codel\", limit = \"100packets\", ecn = true }\nmtu = 1400\narp = true\nback = { delay = \"80ms\" }",
    );
    let [there, back] = lab.links[0].terms();
    assert_eq!((there.delay.as_millis(), back.delay.as_millis()), (20, 80));
    let jitter = there.jitter.expect("jitter");
    assert_eq!(jitter.distribution, Distribution::Trace([1_000_000, 2_500_000].into()));
    assert!(jitter.overtake);
    assert_eq!(there.loss, Some(Loss::GilbertElliott { enter: 0.004, leave: 0.25, bad: 0.6, good: 0.0 }));
    assert!(matches!(there.rate, Some(Rate::Trace(trace)) if *trace.0 == [1, 1, 20]));
    assert_eq!(back.rate, Some(Rate::Fixed { bits: 5_000_000, burst: 15_000, overhead: -4 }));
    assert!(matches!(there.queue.kind, QueueKind::FqCoDel { flows: 1024, .. }));
    assert_eq!((there.queue.limit, there.queue.ecn), (Limit::Packets(100), true));
    assert_eq!((*lab.links[0].mtu, lab.links[0].arp), (1400, true));
}

#[test]
fn a_queue_is_a_kind_or_a_limit() {
    let queue = |text: &str| with_link(&format!("rate = \"1mbit\"\nqueue = {text}")).links[0].terms()[0].queue;
    assert_eq!((queue("\"200kB\"").kind, queue("\"200kB\"").limit), (QueueKind::DropTail, Limit::Bytes(200_000)));
    assert_eq!(queue("\"5packets\"").limit, Limit::Packets(5));
    assert_eq!(queue("\"infinite\"").limit, Limit::Infinite);
    assert!(matches!(queue("\"red\"").kind, QueueKind::Red { min: 83_333, max: 250_000, .. }));
}

#[test]
fn models_of_loss_have_netem_s_defaults() {
    let loss = |text: &str| with_link(&format!("loss = {text}")).links[0].terms()[0].loss.clone();
    assert_eq!(loss("\"0%\""), None);
    let four_state = Loss::FourState { p13: 0.1, p31: 0.9, p32: 0.0, p23: 1.0, p14: 0.0 };
    assert_eq!(loss("{ model = \"four-state\", p13 = \"10%\" }"), Some(four_state));
    assert_eq!(loss("{ model = \"periodic\", every = 10 }"), Some(Loss::Periodic { every: 10, first: 10 }));
    assert_eq!(loss("{ model = \"list\", packets = [8, 3, 3] }"), Some(Loss::List([3, 8].into())));
}

#[test]
fn programs_say_what_they_are_and_wait_for() {
    let lab = read(
        r#"
        schema = 1
        [link.wan]
        ends = ["server", "client"]
        [host.server]
        program = "web --port 80"
        [host.server.programs.db]
        run = ["./db", "a b"]
        ready = { listen = ["tcp/5432", "udp/53"] }
        stop = { signal = "SIGINT", at = "10s", grace = "1s" }
        restart = { when = "on-failure", delay = "1s", most = 3 }
        [host.client]
        run = "./cli 'http://server/?q=a b'"
        after = ["server", "server.db"]
        expect = { signal = "KILL" }
        env = { LANG = "C", N = 3 }
        "#,
    );
    let [web, db] = lab.hosts[0].programs.as_slice() else { panic!("two programs") };
    assert_eq!(web.command.value, Command::BuiltIn { name: "web".into(), args: vec!["--port".into(), "80".into()] });
    assert_eq!(
        web.ready.as_ref().map(|ready| &ready.value),
        Some(&Ready::Listen(vec![])),
        "a built-in server is ready when it listens"
    );
    assert_eq!((db.stop.signal, db.stop.at.map(|at| at.as_secs())), (2, Some(10)));
    let client = &lab.hosts[1].programs[0];
    assert_eq!(client.command.words(), ["./cli", "http://server/?q=a b"]);
    assert_eq!(client.expect, Some(Expect::Signal(9)));
    assert_eq!(client.env, [("LANG".into(), "C".into()), ("N".into(), "3".into())]);
    let plan = plan(&lab).expect("a plan");
    assert_eq!(plan.programs[2].after, [0, 1]);
    assert_eq!(plan.programs[0].expect, Expect::Running, "who listens is expected to go on");
}

#[test]
fn one_line_says_the_same_as_a_file() {
    let line = one_line(
        &[
            ("rtt", "100ms"),
            ("loss", "1%"),
            ("rate", "up=5mbit,down=20mbit"),
            ("queue", "codel,limit=200kB"),
            ("host", "server=./srv -p 8080"),
            ("host", "client*3=./cli http://server:8080/"),
            ("check", "tcp.request p(99)<450ms, max < 3s"),
            ("at", "10s down=2s"),
            ("deadline", "20s"),
        ],
        &[],
    );
    let file = read(
        r#"
        schema = 1
        deadline = "20s"
        [link.wan]
        ends = ["server", "client"]
        rtt = "100ms"
        loss = "1%"
        rate = { up = "5mbit", down = "20mbit" }
        queue = { kind = "codel", limit = "200kB" }
        [host.server]
        run = "./srv -p 8080"
        ready = "listen"
        [host.client]
        count = 3
        run = "./cli http://server:8080/"
        after = ["server"]
        [[at]]
        t = "10s"
        link = "wan"
        down = "2s"
        [[check]]
        metric = "tcp.request"
        expect = ["p(99) < 450ms", "max < 3s"]
        "#,
    );
    assert_eq!(plan(&line), plan(&file));
}

#[test]
fn one_line_links_the_first_host_with_each_other() {
    let lab = one_line(&[("host", "db=./db"), ("host", "app=./app --db db"), ("host", "cli=./cli app db")], &[]);
    let links: Vec<_> = lab.links.iter().map(|link| (link.name.as_str(), link.ends[0].as_str(), link.ends[1].as_str())).collect();
    assert_eq!(links, [("wan-app", "db", "app"), ("wan-cli", "db", "cli")]);
    let after = |host: usize| lab.hosts[host].programs[0].after.iter().map(|name| name.as_str()).collect::<Vec<_>>();
    assert_eq!((after(0), after(1), after(2)), (vec![], vec!["db"], vec!["db", "app"]));
}

#[test]
fn one_program_has_the_machine_at_the_other_end() {
    let lab = one_line(&[("rtt", "30ms"), ("publish", "8080:80"), ("uplink", "true")], &["./srv", "a b"]);
    let plan = plan(&lab).expect("a plan");
    assert_eq!(plan.programs[0].command, Command::Run(vec!["./srv".into(), "a b".into()]));
    let published = &plan.publish[0];
    assert_eq!(
        (published.machine_port, published.port, published.from, published.to),
        (8080, 80, plan.hosts_named("machine")[0], plan.hosts_named("program")[0])
    );
    assert_eq!(plan.uplink, Some(plan.hosts_named("machine")[0]));
}

#[test]
fn every_option_is_understood() {
    let values = [
        ("check", "tcp.request max<1s"),
        ("at", "1s loss=2%"),
        ("host", "b=./x a"),
        ("seed", "7"),
        ("mtu", "1400"),
        ("arp", "true"),
    ];
    for name in options() {
        let value =
            values.iter().find(|(known, _)| *known == name).map_or_else(|| example(&name), |(_, value)| (*value).to_owned());
        let base = [("host", "a=./x"), ("host", "c=./x a"), ("rate", "1mbit"), ("jitter", "1ms"), ("delay", "1ms")];
        let needs_none = |known: &str| known != name && !(name == "rtt" && known == "delay");
        let mut given: Vec<(&str, &str)> = base.into_iter().filter(|(known, _)| *known == "host" || needs_none(known)).collect();
        let correlated = name.strip_suffix("-correlation").filter(|of| *of != "jitter").map(|of| (of, "1%"));
        given.extend(correlated);
        given.push((&name, &value));
        if matches!(name.as_str(), "publish" | "uplink") {
            given.retain(|(name, _)| *name != "host");
            one_line(&given, &["./x"]);
        } else {
            one_line(&given, &[]);
        }
    }
}

fn example(option: &str) -> String {
    let value = match option {
        "deadline" | "rtt" | "delay" | "jitter" | "reorder-by" => "10ms",
        "distribution" => "normal",
        "overtake" | "uplink" | "must-fire" => "true",
        "rate" => "1mbit",
        "burst" => "15kB",
        "overhead" => "24",
        "queue" => "codel",
        "blackhole-mtu" => "1400",
        "publish" => "8080:80",
        _ => "1%",
    };
    value.into()
}

/// Pieces that lab files are made of, so that arbitrary texts get past the syntax.
fn pieces() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "schema",
        "seed",
        "ends",
        "rtt",
        "loss",
        "rate",
        "queue",
        "count",
        "run",
        "after",
        "address",
        "t",
        "link",
        "partition",
        "metric",
        "expect",
        "where",
        "down",
        "ready",
        "publish",
        "stop",
        "mtu",
        "jitter",
        "distribution",
        "there",
        "for",
        "uplink",
        "programs",
    ]);
    let value = prop::sample::select(vec![
        "1",
        "\"100ms\"",
        "\"1%\"",
        "[\"a\", \"b\"]",
        "\"a\"",
        "[[\"a\"], [\"b\"]]",
        "{ model = \"list\", packets = [1] }",
        "true",
        "-5",
        "1e300",
        "\"20mbit\"",
        "[\"10.0.0.1/24\"]",
        "{ wan = \"10.0.0.1/31\" }",
        "\"tcp.request\"",
        "\"p(99) < 1s\"",
        "{ listen = \"tcp/80\" }",
        "9223372036854775807",
        "\"8080:b:80\"",
        "{ x = { run = \"y\" } }",
        "\"\u{e4}\u{1f980}\"",
        "[]",
        "{}",
        "\"99999999999999999999h\"",
    ]);
    let header = prop::sample::select(vec![
        "[link.wan]",
        "[link.b]",
        "[host.a]",
        "[host.b]",
        "[switch.s]",
        "[[at]]",
        "[[check]]",
        "[host.a.programs.p]",
        "[link.wan.back]",
        "\t# \u{20ac}",
    ]);
    let line = prop_oneof![3 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")), 2 => header.prop_map(str::to_owned), 1 => "\\PC{0,12}"];
    prop::collection::vec(line, 0..30).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_plan_or_errors(text in prop_oneof![pieces(), pieces().prop_map(|text| format!("schema = 1\n{text}")), any::<String>()]) {
        match parse(&text, "lab.toml", &around()).and_then(|description| plan(&description)) {
            Ok(plan) => drop(plan.build(loggia_stack::Seed::from(1))),
            Err(errors) => prop_assert!(errors.to_string().starts_with("lab.toml:")),
        }
    }

    #[test]
    fn any_options_are_a_plan_or_errors(
        given in prop::collection::vec((prop::sample::select(options()), prop_oneof!["\\PC{0,20}", "[a-c]=x [a-c]", "[a-c][*]3=x", "[0-9]{1,4}(ms|%|mbit|kB)", "codel,(limit|ecn)=[a-z0-9]{1,4}"]), 0..8),
        command in prop::collection::vec("\\PC{0,8}", 0..3),
    ) {
        if let Err(errors) = describe(&Options { given, command }, &around()).and_then(|description| plan(&description)) {
            prop_assert!(!errors.to_string().is_empty());
        }
    }
}

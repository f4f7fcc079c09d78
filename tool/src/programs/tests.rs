//! Stories of the built-in programs, in virtual time.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use loggia_lab::file::{Command, Surroundings, parse};
use loggia_lab::plan::{Plan, plan};
use loggia_stack::base::{Instant, Seed};
use tokio::task::JoinSet;

use super::{ALL, NAMES, Output, SERVERS, Setting, Stop, by_name};
use crate::engine::paused::{Outcome, run};
use crate::engine::shared::{Clock, Shared};
use crate::engine::tests::Digest;

/// What a program wrote.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Text {
    fn read(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics")).into_owned()
    }
}

/// What a program did; `code` is none if it still runs.
#[derive(Default)]
struct Did {
    code: Option<u8>,
    out: Text,
    error: Text,
}

/// What became of a lab.
struct Played {
    programs: Vec<Did>,
    digest: u64,
    lasted: Instant,
    directory: PathBuf,
}

fn planned(text: &str) -> Plan {
    let files = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let around = Surroundings { programs: NAMES, servers: SERVERS, metrics: &[], labels: &[], files: &files };
    let description = parse(&format!("schema = 1\n{text}"), "story.toml", &around).unwrap_or_else(|errors| panic!("{errors}"));
    plan(&description).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Starts all programs of a lab at once, in the order of the file, until those have ended that do not serve.
fn play(seed: u64, text: &str) -> Played {
    let plan = planned(text);
    let mut world = plan.build(Seed::from(seed));
    let digest = Arc::new(Mutex::new(0));
    world.observe(Box::new(Digest::new(digest.clone())));
    let names = plan.clone();
    let lookup = Box::new(move |host, name: &str| names.resolve(host, name).unwrap_or_default());
    let shared = Shared::new(world, Clock::Virtual, lookup);
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/programs"));
    let mut programs: Vec<Did> = plan.programs.iter().map(|_| Did::default()).collect();
    let outcome = run(&shared, Instant::from_secs(3600), || (), perform(&plan, &shared, &directory, &mut programs));
    assert_eq!(
        outcome.expect("a runtime"),
        Outcome::Done(()),
        "{}",
        programs.iter().map(|did| did.error.read()).collect::<String>()
    );
    let (digest, lasted) = (*digest.lock().expect("nobody panics"), shared.lock().world.now());
    Played { programs, digest, lasted, directory }
}

async fn perform(plan: &Plan, shared: &Arc<Shared>, directory: &std::path::Path, programs: &mut [Did]) {
    let mut tasks = JoinSet::new();
    let mut awaited = 0;
    for (number, (program, did)) in plan.programs.iter().zip(programs.iter_mut()).enumerate() {
        let Command::BuiltIn { name, args } = &program.command else { panic!("{program:?}") };
        let built_in = by_name(name).expect("a built-in program");
        let out = Output::new(Box::new(did.out.clone()), Box::new(did.error.clone()));
        let setting = Setting {
            host: shared.host(program.host),
            out,
            directory: directory.into(),
            epoch: shared.epoch(),
            stop: Stop::new().1,
        };
        let running = (built_in.run)(args.clone(), setting);
        tasks.spawn(async move { (number, running.await) });
        awaited += usize::from(!built_in.serves);
    }
    while awaited > 0 {
        let (number, code) = tasks.join_next().await.expect("somebody runs").expect("nobody panics");
        programs[number].code = Some(code);
        let Command::BuiltIn { name, .. } = &plan.programs[number].command else { continue };
        awaited -= usize::from(!SERVERS.contains(&name.as_str()));
    }
}

impl Played {
    /// What the program of this number printed; it ended well.
    fn out(&self, number: usize) -> String {
        let Did { code, out, error } = &self.programs[number];
        assert!(matches!(code, None | Some(0)), "program {number} gave {code:?}: {}{}", out.read(), error.read());
        out.read()
    }

    /// Why the program of this number failed.
    fn failed(&self, number: usize) -> String {
        let Did { code, error, .. } = &self.programs[number];
        assert_eq!(*code, Some(1), "{}", error.read());
        error.read()
    }
}

/// A server with these programs, and clients, on a link.
fn lab(link: &str, server: &[&str], clients: &[&str]) -> String {
    let mut text = format!("[link.wan]\nends = [\"server\", \"client\"]\n{link}\n");
    for (host, programs) in [("server", server), ("client", clients)] {
        for (number, program) in programs.iter().enumerate() {
            let _ = writeln!(text, "[host.{host}.programs.p{number}]\nprogram = \"{program}\"");
        }
    }
    text
}

#[test]
fn three_clients_get_every_byte_over_a_bad_line() {
    let text = "[link.wan]\nends = [\"server\", \"client\"]\nrtt = \"40ms\"\nloss = \"1%\"\nrate = \"20mbit\"\n\
                [host.server]\nprogram = \"web\"\n[host.client]\ncount = 3\n\
                program = \"get -n 10 --check-pattern http://server/bytes/200kB\"\n";
    let played = play(3, text);
    for client in 1..4 {
        let out = played.out(client);
        assert!(out.contains("10 requests, 0 failed, 2MB in"), "{out}");
    }
    assert_eq!(played.out(0).lines().filter(|line| line.ends_with("GET /bytes/200kB 200")).count(), 30);
    assert_eq!(played.digest, play(3, text).digest, "the same seed gives the same frames");
    assert_ne!(played.digest, play(4, text).digest);
}

#[test]
fn files_are_served_as_they_are() {
    use sha2::{Digest, Sha256};
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/programs/web");
    let page = std::fs::read(format!("{directory}/page.html")).expect("the page");
    let hash = Sha256::digest(&page).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let (first, size) = (String::from_utf8_lossy(&page[..15]).into_owned(), page.len());
    let check = format!("get --check-sha256 {hash} http://server/page.html");
    let wrong = format!("get --check-sha256 {} http://server/page.html", hash.replace('a', "b"));
    let played = play(
        1,
        &lab(
            "rtt = \"10ms\"",
            &["web web"],
            &[
                &check,
                &wrong,
                "get --expect 206 --body --header Range:bytes=0-14 http://server/page.html",
                "get --expect 304 --header 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT' http://server/page.html",
                "get --head http://server/page.html",
                "get --body http://server/",
                "get http://server/none",
                "get http://server/%2e%2e/mod.rs",
                "get --no-keep-alive -n 2 http://server/page.html",
            ],
        ),
    );
    assert!(played.directory.join("web").is_dir());
    played.out(1);
    assert!(played.failed(2).contains("the body hashes to"));
    assert!(played.out(3).starts_with(&format!("{first}206, 15B in")), "{}", played.out(3));
    assert!(played.out(4).starts_with("304, 0B in"));
    assert!(played.out(5).starts_with("200, 0B in"), "{}", played.out(5));
    assert!(played.out(6).contains("<a href=\"page.html\">page.html</a>"), "{}", played.out(6));
    assert!(played.failed(7).contains("status 404"));
    assert!(played.failed(8).contains("status 404"));
    assert_eq!(played.out(9).matches("connected in").count(), 2, "{size} bytes: {}", played.out(9));
}

#[test]
fn the_page_of_its_own_shows_the_network() {
    let played = play(
        1,
        &lab(
            "rtt = \"20ms\"",
            &["web"],
            &[
                "get --body http://server/",
                "get --body http://server/delay/500",
                "get --body http://server/chunked",
                "get --body --data hello http://server/echo",
                "get http://server/bytes/many",
            ],
        ),
    );
    assert!(played.out(1).contains("<title>Loggia</title>"));
    assert!(played.out(2).contains("this took 500ms") && played.out(2).contains("answered in 520ms"), "{}", played.out(2));
    assert!(played.out(3).contains("line 10 of 10"));
    let echo = played.out(4);
    assert!(echo.starts_with("POST /echo HTTP/1.1\n") && echo.contains("host: server\n") && echo.contains("\n\nhello"), "{echo}");
    assert!(played.failed(5).contains("status 400"));
}

#[test]
fn percentiles_of_requests_are_the_round_trip() {
    let played = play(
        1,
        &lab("rtt = \"40ms\"", &["echo"], &["rr -n 50 server:7", "rr -n 50 --udp server:7", "rr -n 5 --connect-each server:7"]),
    );
    for (client, rtt) in [(1, "40ms"), (2, "40ms"), (3, "80ms")] {
        let out = played.out(client);
        let row: Vec<&str> = out.lines().last().unwrap_or_default().split_whitespace().collect();
        // The link is resolved once, before the first connection or with the first datagram.
        assert_eq!(row[1..4], [rtt; 3], "{out}");
    }
}

#[test]
fn bulk_arrives_whole_and_as_fast_as_the_line() {
    let played = play(1, &lab("rtt = \"20ms\"\nrate = \"10mbit\"", &["sink"], &["bulk --bytes 5MB server:5001"]));
    let (server, client) = (played.out(0), played.out(1));
    assert!(server.contains("5MB in") && client.starts_with("sent 5MB in"), "{server}{client}");
    let seconds = played.lasted.nanos() as f64 / 1e9;
    // 5 MB with headers of 66 bytes to 1448, at 10 Mbit/s.
    assert!((4.0..4.6).contains(&seconds), "{seconds} s: {client}");
}

#[test]
fn datagrams_are_counted_and_timed() {
    let text = lab(
        "rtt = \"30ms\"\n[link.wan.back]\nloss = { model = \"list\", packets = [3, 7] }",
        &["udp-sink"],
        &["udp-send -n 20 --interval 5ms server:5002"],
    );
    let played = play(1, &text);
    assert!(
        played.out(0).contains("received 18 of 20 datagrams, 2 lost, 0 repeated, 0 reordered, 0 damaged"),
        "{}",
        played.out(0)
    );
    assert!(played.out(0).contains("15ms"), "{}", played.out(0));
}

#[test]
fn small_services_answer_as_their_rfcs_say() {
    let played = play(
        1,
        &lab(
            "rtt = \"2ms\"",
            &["echo", "discard", "chargen"],
            &[
                "say --half-close server:7 hello",
                "say --half-close server:9 hello",
                "get --timeout 1s http://server:19/",
                "bulk --bytes 1MB server:9",
                "rr --udp -n 1 --timeout 1s server:9",
            ],
        ),
    );
    assert!(played.out(3).contains("received 5 bytes: \"hello\"\nthe end"), "{}", played.out(3));
    assert!(played.out(4).ends_with("sent 5 bytes\nthe end\n"), "{}", played.out(4));
    assert!(played.failed(5).contains("get:"));
    played.out(6);
    assert!(played.failed(7).contains("no answer at all"));
}

#[test]
fn within_a_host_the_same_programs_speak_by_a_path() {
    let text = "[host.box.programs.echo]\nprogram = \"echo --unix /run/echo\"\n\
                [host.box.programs.web]\nprogram = \"web --unix @web\"\n\
                [host.box.programs.sink]\nprogram = \"sink --unix /run/sink\"\n\
                [host.box.programs.rr]\nprogram = \"rr -n 10 --unix /run/echo\"\n\
                [host.box.programs.get]\nprogram = \"get --check-pattern --unix @web http://box/bytes/1MB\"\n\
                [host.box.programs.bulk]\nprogram = \"bulk --bytes 3MB --unix /run/sink\"\n";
    let played = play(1, text);
    assert!(played.out(3).starts_with("10 answers, 0 lost"));
    assert!(played.out(4).starts_with("200, 1MB in"));
    assert!(played.out(5).starts_with("sent 3MB in"));
}

#[test]
fn messages_stick_together_unless_they_are_framed() {
    let played = play(
        1,
        &lab(
            "rtt = \"2ms\"",
            &["hear --pause 50ms", "hear --port 7002 --pause 50ms --framed"],
            &["say server:7001 one two three", "say --framed server:7002 one two three"],
        ),
    );
    assert!(played.out(0).contains("11 bytes: \"onetwothree\""), "{}", played.out(0));
    let framed = played.out(1);
    assert!(["one", "two", "three"].iter().all(|word| framed.contains(&format!(": \"{word}\""))), "{framed}");
}

#[test]
fn what_goes_wrong_is_said() {
    let played = play(
        1,
        &lab(
            "rtt = \"2ms\"",
            &["echo", "echo"],
            &["rr server:81", "get http://nobody/", "say server:81 hello", "bulk server:81", "print --fail told"],
        ),
    );
    assert!(played.failed(1).contains("echo: listen on TCP port 7: Address already in use"), "{}", played.failed(1));
    for client in [2, 4, 5] {
        assert!(played.failed(client).contains("connect to server:81: Connection refused"), "{}", played.failed(client));
    }
    assert!(played.failed(3).contains("no address is known for the name \"nobody\""), "{}", played.failed(3));
    assert_eq!(played.programs[6].out.read(), "told\n");
}

#[test]
fn arguments_that_are_not_understood_end_with_2() {
    for (name, args) in
        [("get", "https://server/"), ("rr", ""), ("bulk", "--bytes 5x server:1"), ("sleep", "10"), ("web", "--none")]
    {
        let did = Did::default();
        let (shared, setting) = nowhere(&did);
        let running = (by_name(name).expect(name).run)(args.split_whitespace().map(Into::into).collect(), setting);
        assert_eq!(run(&shared, Instant::from_secs(1), || (), running).expect("a runtime"), Outcome::Done(2), "{name} {args}");
        assert!(did.error.read().contains("error:"), "{}", did.error.read());
    }
    let did = Did::default();
    let (shared, setting) = nowhere(&did);
    let running = (by_name("web").expect("web").run)(vec!["--help".into()], setting);
    assert_eq!(run(&shared, Instant::from_secs(1), || (), running).expect("a runtime"), Outcome::Done(0));
    assert!(did.out.read().contains("Usage: web"), "{}", did.out.read());
}

/// A host without any link.
fn nowhere(did: &Did) -> (Arc<Shared>, Setting) {
    let mut world = loggia_lab::world::World::new(Seed::from(1));
    let host = world.add_host("alone", loggia_stack::engine::Config::default());
    let shared = Shared::new(world, Clock::Virtual, Box::new(|_, _| Vec::new()));
    let out = Output::new(Box::new(did.out.clone()), Box::new(did.error.clone()));
    let setting = Setting { host: shared.host(host), out, directory: ".".into(), epoch: shared.epoch(), stop: Stop::new().1 };
    (shared, setting)
}

#[test]
fn the_manual_lists_every_program() {
    let mut text = String::from(
        "# Built-in programs\n\nServers and clients that ship inside `loggia`, for labs that need nothing installed: \
         `program = \"web --port 8080\"` in a lab file.\nThey run in real time beside any other program, and in virtual time, where a \
         run of minutes takes milliseconds and is the same to the byte\neach time. Within a host most of them also talk by a Unix socket \
         (`--unix PATH`).\n\nExit codes: 0, 1 if it failed (its standard error says why), 2 for arguments it does not understand.\n\n\
         A program that is stopped, by whichever signal but KILL, finishes what it is at within its grace: a server takes no further\n\
         connection and serves those it has, a client ends after the request under way. `stdin`, `env` and `user` are for programs of the\n\
         machine.\n\n\
         This page is made from the programs' own help: `LOGGIA_BLESS=1 cargo test -p loggia-cli manual` writes it.\n",
    );
    for program in ALL {
        let serves = if program.serves { " It serves until it is stopped." } else { "" };
        let help = (program.command)().term_width(100).disable_help_flag(true).render_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let rest = help.join("\n");
        let rest = rest.split_once("\nUsage:").map_or(rest.as_str(), |(_, rest)| rest);
        let _ = write!(
            text,
            "\n## {}\n\n{}.{serves}\n\n```text\nUsage:{}\n```\n",
            program.name,
            program.about().trim_end_matches('.'),
            rest.trim_end()
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual/programs.md");
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        std::fs::write(path, &text).expect("the manual can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "docs/manual/programs.md is out of date: LOGGIA_BLESS=1 writes it");
}

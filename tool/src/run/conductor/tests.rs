//! A server, a client that waits for it, and what may happen to them.

use loggia_lab::file::{Command, Restart, Stop};
use loggia_stack::base::time::Duration;

use super::*;

fn program(name: &str, host: usize, expect: Expect, after: Vec<usize>) -> Program {
    Program {
        name: name.into(),
        host: HostId(host),
        command: Command::Run(vec!["true".into()]),
        ready: if expect == Expect::Running { Ready::Listen(vec![(Protocol::Tcp, 80)]) } else { Ready::Started },
        after,
        start: Duration::ZERO,
        stop: Stop::default(),
        restart: Restart::default(),
        expect,
        env: vec![],
        cwd: None,
        user: None,
        stdin: None,
        stdout: None,
        stderr: None,
    }
}

fn conductor(programs: Vec<Program>) -> Conductor {
    let part = |program| Part {
        program,
        phase: Phase::Waiting,
        ready: false,
        stopped: false,
        restarts: 0,
        lingers: false,
        at_deadline: None,
    };
    Conductor { parts: programs.into_iter().map(part).collect(), deadline: Instant::from_secs(60), over: None, settling: None }
}

fn server_and_client() -> Conductor {
    conductor(vec![program("server", 0, Expect::Running, vec![]), program("client", 1, Expect::Exit(0), vec![0])])
}

/// Who listens, and whether closed connections are still under way.
struct Seen {
    listening: bool,
    closing: bool,
    under_way: bool,
}

impl Sight for Seen {
    fn listens(&self, host: HostId, port: Option<(Protocol, u16)>) -> bool {
        self.listening && host.0 == 0 && port == Some((Protocol::Tcp, 80))
    }

    fn listening(&self, host: HostId) -> Vec<(Protocol, u16)> {
        if self.listening && host.0 == 0 { vec![(Protocol::Tcp, 80)] } else { vec![] }
    }

    fn is_closing(&self, host: HostId) -> bool {
        self.closing && host.0 == 1
    }

    fn is_under_way(&self, host: HostId) -> bool {
        self.under_way && host.0 == 1
    }
}

const DEAF: &Seen = &Seen { listening: false, closing: false, under_way: false };
const LISTENING: &Seen = &Seen { listening: true, closing: false, under_way: false };
const CLOSING: &Seen = &Seen { listening: true, closing: true, under_way: false };
const UNDER_WAY: &Seen = &Seen { listening: true, closing: false, under_way: true };

/// Both run.
fn served() -> Conductor {
    let mut run = server_and_client();
    let now = Instant::from_secs(1);
    run.next(now, DEAF);
    run.started(0);
    run.next(now, LISTENING);
    run.started(1);
    run
}

#[test]
fn a_server_hears_the_last_words_of_its_clients_before_it_is_stopped() {
    let mut run = served();
    let now = Instant::from_secs(1);
    run.ended(1, now, Ended::Exit(0));
    assert_eq!((run.next(now, CLOSING), run.over(), run.is_settling()), (None, Some(Over::Done), true));
    assert_eq!(run.next_deadline(), Instant::from_secs(3), "not for longer than its grace");
    assert_eq!(run.next(Instant::from_secs(2), LISTENING), Some(Act::Signal(0, 15)));
    let mut deaf = served();
    deaf.ended(1, now, Ended::Exit(0));
    assert_eq!(deaf.next(now, CLOSING), None);
    assert_eq!(deaf.next(Instant::from_secs(3), CLOSING), Some(Act::Signal(0, 15)));
}

#[test]
fn what_was_sent_arrives_before_the_run_ends() {
    let mut run = served();
    let now = Instant::from_secs(1);
    run.ended(1, now, Ended::Exit(0));
    assert_eq!((run.next(now, UNDER_WAY), run.over(), run.finished()), (None, Some(Over::Done), false));
    assert_eq!(run.next(Instant::from_secs(2), LISTENING), Some(Act::Signal(0, 15)));
    // Also if nobody is left to hear it, and not for longer than a grace.
    let both_gone = || {
        let mut run = served();
        run.ended(1, now, Ended::Exit(0));
        run.ended(0, now, Ended::Exit(0));
        assert_eq!((run.next(now, UNDER_WAY), run.finished(), run.next_deadline()), (None, false, Instant::from_secs(3)));
        run
    };
    assert_eq!((both_gone().next(now, CLOSING), both_gone().next(Instant::from_secs(3), UNDER_WAY)), (None, None));
    let mut gone = both_gone();
    gone.next(now, CLOSING);
    assert!(gone.finished(), "there is nobody who could answer");
}

#[test]
fn how_a_server_answers_being_stopped_is_judged() {
    let answered = |stop: Option<i32>, how: Ended| {
        let mut run = served();
        run.parts[0].program.stop.exit = stop;
        let now = Instant::from_secs(1);
        run.ended(1, now, Ended::Exit(0));
        run.next(now, LISTENING);
        run.ended(0, now, how);
        run.verdict(0)
    };
    for how in [Ended::Exit(0), Ended::Signal(15), Ended::Exit(143), Ended::Signal(9)] {
        assert_eq!(answered(None, how), Ok(()), "{how}");
    }
    assert_eq!(answered(None, Ended::Signal(11)), Err("SIGSEGV when it was stopped".into()));
    let error = answered(None, Ended::Exit(1)).expect_err("an error");
    assert!(error.starts_with("exit status 1 when it was stopped") && error.contains("exit = 1"), "{error}");
    assert_eq!(answered(Some(1), Ended::Exit(1)), Ok(()));
}

#[test]
fn a_client_starts_when_its_server_listens_and_the_server_is_stopped_when_the_client_is_done() {
    let mut run = server_and_client();
    let now = Instant::from_secs(1);
    assert_eq!(run.next(now, DEAF), Some(Act::Start(0)));
    run.started(0);
    assert_eq!(run.next(now, DEAF), None, "it does not listen yet");
    assert!(run.watches_listeners());
    assert_eq!(run.next(now, LISTENING), Some(Act::Start(1)));
    run.started(1);
    run.ended(1, now, Ended::Exit(0));
    assert_eq!(run.next(now, LISTENING), Some(Act::Signal(0, 15)));
    assert_eq!(run.over(), Some(Over::Done));
    assert!(!run.finished());
    run.ended(0, now, Ended::Signal(15));
    assert!(run.finished());
    assert_eq!((run.verdict(0), run.verdict(1)), (Ok(()), Ok(())));
}

#[test]
fn who_does_not_obey_is_killed() {
    let mut run = server_and_client();
    let now = Instant::from_secs(1);
    run.next(now, DEAF);
    run.started(0);
    run.interrupt();
    assert_eq!(run.next(now, DEAF), Some(Act::Signal(0, 15)));
    assert_eq!(run.next(now, DEAF), None);
    assert_eq!(run.next_deadline(), Instant::from_secs(3));
    assert_eq!(run.next(Instant::from_secs(3), DEAF), Some(Act::Kill(0)));
    run.ended(0, Instant::from_secs(3), Ended::Signal(9));
    assert!(run.finished());
    assert_eq!(run.verdict(1), Err("never started".into()));
}

#[test]
fn who_waits_for_the_dead_waits_in_vain() {
    let mut run = server_and_client();
    let now = Instant::from_secs(1);
    run.next(now, DEAF);
    run.started(0);
    run.ended(0, now, Ended::Exit(1));
    assert_eq!(run.next(now, DEAF), None);
    assert_eq!(run.over(), Some(Over::Done));
    assert!(run.finished());
    assert_eq!(run.verdict(0), Err("exit status 1".into()));
    assert_eq!(run.verdict(1), Err("never started: what it waits for was never ready (server)".into()));
}

#[test]
fn the_deadline_ends_what_does_not_end_by_itself() {
    let mut run = server_and_client();
    run.next(Instant::EPOCH, DEAF);
    run.started(0);
    assert_eq!(run.next_deadline(), Instant::from_secs(60));
    assert_eq!(run.next(Instant::from_secs(60), DEAF), Some(Act::Signal(0, 15)));
    assert_eq!(run.over(), Some(Over::Deadline));
}

#[test]
fn who_waited_at_the_deadline_is_told_what_for() {
    let mut run = server_and_client();
    run.parts[0].program.ready = Ready::Listen(vec![(Protocol::Tcp, 81)]);
    run.next(Instant::EPOCH, LISTENING);
    run.started(0);
    let now = Instant::from_secs(60);
    run.next(now, LISTENING);
    run.ended(0, now, Ended::Signal(15));
    run.next(now, DEAF);
    assert_eq!(run.phase(1), Phase::Waiting, "it is for the deadline that it did not start");
    assert_eq!(run.at_deadline(1), Some("never started: waits for server: tcp/81; server listens on tcp/80"));
}

#[test]
fn a_server_of_which_nobody_said_so_is_told_how() {
    let mut run = conductor(vec![program("server", 0, Expect::Exit(0), vec![])]);
    run.next(Instant::EPOCH, DEAF);
    run.started(0);
    run.next(Instant::from_secs(60), LISTENING);
    let text = run.at_deadline(0).expect("it runs");
    assert!(text.contains("ready = { listen = \"tcp/80\" } and expect = \"running\""), "{text}");
}

#[test]
fn a_daemon_becomes_ready_after_the_program_has_ended() {
    let daemon = || {
        let mut run = server_and_client();
        run.parts[0].program.expect = Expect::Any;
        run.next(Instant::EPOCH, DEAF);
        run.started(0);
        run.ended(0, Instant::EPOCH, Ended::Exit(0));
        run.lingers(0, true);
        run
    };
    let mut run = daemon();
    assert_eq!((run.next(Instant::EPOCH, DEAF), run.over(), run.watches_listeners()), (None, None, true));
    assert_eq!(run.next(Instant::EPOCH, LISTENING), Some(Act::Start(1)));
    let mut gone = daemon();
    gone.lingers(0, false);
    assert_eq!((gone.next(Instant::EPOCH, DEAF), gone.over()), (None, Some(Over::Done)));
}

#[test]
fn a_program_that_fails_is_started_again_as_often_as_the_file_says() {
    let mut server = program("server", 0, Expect::Running, vec![]);
    server.restart = Restart { when: RestartWhen::OnFailure, delay: Duration::from_secs(1), most: Some(1) };
    let mut run = conductor(vec![server]);
    let now = Instant::from_secs(1);
    run.next(now, DEAF);
    run.started(0);
    run.ended(0, now, Ended::Signal(11));
    assert_eq!((run.next(now, DEAF), run.next_deadline()), (None, Instant::from_secs(2)));
    assert_eq!(run.next(Instant::from_secs(2), DEAF), Some(Act::Start(0)));
    run.started(0);
    run.ended(0, Instant::from_secs(2), Ended::Signal(11));
    assert_eq!(run.phase(0), Phase::Ended(Ended::Signal(11)));
    assert_eq!(run.restarts(0), 1);
}

#[test]
fn a_program_that_is_stopped_at_a_moment_is_judged_by_how_it_ends() {
    let mut client = program("client", 0, Expect::Exit(0), vec![]);
    client.stop.at = Some(Duration::from_secs(5));
    let mut run = conductor(vec![client]);
    run.next(Instant::EPOCH, DEAF);
    run.started(0);
    assert_eq!(run.next_deadline(), Instant::from_secs(5));
    assert_eq!(run.next(Instant::from_secs(5), DEAF), Some(Act::Signal(0, 15)));
    run.ended(0, Instant::from_secs(5), Ended::Exit(0));
    assert_eq!(run.next(Instant::from_secs(5), DEAF), None);
    assert_eq!((run.over(), run.verdict(0)), (Some(Over::Done), Ok(())));
}

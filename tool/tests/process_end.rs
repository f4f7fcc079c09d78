//! Whatever happens to loggia, its programs end; what is sent to loggia, its program gets once.
//!
//! Run without arguments (or with a part of a story's name) this program tells the stories; with `act NAME` it is loggia in one of them, or
//! one of its programs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, ExitCode, Stdio};
use std::time::Duration;

use loggia_cli::process::{Command, Event, Output, Seat, Signals, SpawnError, Spawned, Spawner, Status};
use loggia_cli::sys::descriptor::{Watched, poll};
use loggia_cli::sys::filter::Instruction;
use loggia_cli::sys::process::fork;
use loggia_cli::sys::signal;

/// Far longer than anything takes: only a failing test waits so long.
const LONG: Duration = Duration::from_secs(60);

/// Allows everything.
const ALLOW: [Instruction; 1] = [Instruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }];

const STORIES: [(&str, fn()); 10] = [
    ("when_loggia_is_killed_its_programs_end", when_loggia_is_killed_its_programs_end),
    ("when_the_keeper_is_killed_too_its_programs_end", when_the_keeper_is_killed_too_its_programs_end),
    ("processes_that_run_from_fork_to_fork_are_caught", processes_that_run_from_fork_to_fork_are_caught),
    ("a_storm_of_forks_ends", a_storm_of_forks_ends),
    ("a_signal_to_loggia_alone_is_passed_on", a_signal_to_loggia_alone_is_passed_on),
    ("a_signal_to_the_group_comes_once", a_signal_to_the_group_comes_once),
    ("loggia_inside_loggia_says_so", loggia_inside_loggia_says_so),
    ("loggia_without_standard_streams_runs_programs", loggia_without_standard_streams_runs_programs),
    ("nothing_is_left_over", nothing_is_left_over),
    ("all_of_it_works_for_an_ordinary_user", all_of_it_works_for_an_ordinary_user),
];

/// What a process of a story does; its exit code.
type Act = fn() -> u8;

const ACTS: [(&str, Act); 7] = [
    ("daemons", daemons),
    ("keeperless", keeperless),
    ("runner", runner),
    ("storm", storm),
    ("passer", passer),
    ("nested", nested),
    ("silent", silent),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let [act, name] = &arguments[..]
        && act == "act"
    {
        let (_, act) = ACTS.iter().find(|(other, _)| other == name).expect("an act of that name");
        return ExitCode::from(act());
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|part| name.contains(part.as_str()));
    for (name, story) in STORIES.into_iter().filter(|(name, _)| wanted(name)) {
        story();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

fn own_path() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Another copy of this program, in a process group of its own, whose output and that of all its descendants is heard.
struct Actor {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Actor {
    fn start(act: &str) -> Self {
        let mut command = std::process::Command::new(own_path());
        let mut process =
            command.args(["act", act]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    fn hear(&mut self) -> String {
        self.patience();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn patience(&self) {
        if self.output.buffer().is_empty() {
            let mut watched = [Watched::input(self.output.get_ref().as_raw_fd())];
            poll(&mut watched, LONG.as_millis() as i32).unwrap();
            assert!(watched[0].came(), "nothing is heard");
        }
    }

    /// What is said until every process that holds the output is gone.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            self.patience();
            match self.output.read(&mut chunk).unwrap() {
                0 => return String::from_utf8(words).unwrap(),
                len => words.extend(&chunk[..len]),
            }
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn code(mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

fn own(act: &str) -> Command {
    Command::new(own_path()).args(["act", act])
}

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

fn spawn(spawner: &Spawner, command: &Command) -> Spawned {
    spawner.spawn(command, Some(&ALLOW)).unwrap()
}

/// A program that starts a daemon by the book, a job in the background and a group of its own.
const DAEMONS: &str = "setsid sh -c '(trap \"\" TERM HUP; echo daemon; sleep 1000; :) &'; sleep 1000 & echo job; sleep 1000";

fn daemons() -> u8 {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &sh(DAEMONS));
    spawned.program.wait(LONG);
    0
}

fn when_loggia_is_killed_its_programs_end() {
    let mut loggia = Actor::start("daemons");
    let mut heard = [loggia.hear(), loggia.hear()];
    heard.sort();
    assert_eq!(heard, ["daemon", "job"]);
    loggia.kill();
    assert_eq!(loggia.last_words(), "");
}

/// Kills the keeper as a hostile program would, then waits for its own end.
fn keeperless() -> u8 {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &sh(&format!("{{ {DAEMONS}; }} & sleep 0.2; kill -KILL $PPID; sleep 1000")));
    let events = spawned.program.wait(LONG);
    println!("{events:?}");
    u8::from(!spawner.close(LONG).unwrap())
}

fn when_the_keeper_is_killed_too_its_programs_end() {
    let mut loggia = Actor::start("keeperless");
    let words = loggia.last_words();
    assert!(words.ends_with("[Lost]\n"), "{words}");
    assert_eq!(loggia.code(), Some(0), "nobody is left and the warden has gone");
}

/// Never more than a few processes, never the same for long, each in a session of its own.
fn run_on() -> i32 {
    let _ = loggia_cli::sys::process::new_session();
    let _ = fork(run_on);
    0
}

fn runner() -> u8 {
    for _ in 0..4 {
        fork(run_on).unwrap();
    }
    println!("running");
    0
}

fn processes_that_run_from_fork_to_fork_are_caught() {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &own("runner").stdout(Output::Null));
    let events = spawned.program.wait(LONG);
    assert!(matches!(events[..], [Event::Ended { status: Status::Exit(0), .. }, ..]), "{events:?}");
    spawned.program.kill();
    end(&mut spawned);
    assert!(spawner.close(LONG).unwrap());
}

/// Doubles until there are some hundreds, which then start what ends at once, again and again.
fn double(generations: u32) -> i32 {
    for left in (0..generations).rev() {
        let _ = fork(|| double(left));
    }
    loop {
        if let Ok(child) = fork(|| 0) {
            let _ = loggia_cli::sys::process::wait(loggia_cli::sys::process::Wait::End(child));
        }
    }
}

fn storm() -> u8 {
    fork(|| double(8)).unwrap();
    0
}

fn a_storm_of_forks_ends() {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &own("storm").stdout(Output::Null));
    assert!(!spawned.program.wait(LONG).is_empty());
    std::thread::sleep(Duration::from_millis(300));
    spawned.program.kill();
    end(&mut spawned);
    assert!(spawner.close(LONG).unwrap());
}

fn end(spawned: &mut Spawned) {
    while !spawned.program.is_over() {
        let events = spawned.program.wait(LONG);
        assert!(!events.is_empty(), "the tree does not end");
        assert!(!events.iter().any(|event| matches!(event, Event::Surviving(_))), "{events:?}");
    }
}

/// What `loggia run -- COMMAND` does about signals.
fn passer() -> u8 {
    let spawner = Spawner::start().unwrap();
    let mut signals = Signals::catch().unwrap();
    let script =
        "trap 'echo TERM' TERM; trap 'echo INT' INT; trap 'echo bye; exit 3' USR1; echo ready; while :; do sleep 0.01; done";
    let mut spawned = spawn(&spawner, &sh(script).seat(Seat::Terminal));
    loop {
        poll(&mut [Watched::input(signals.as_raw_fd()), Watched::input(spawned.program.as_raw_fd())], -1).unwrap();
        signals.turn().into_iter().for_each(|arrived| spawned.program.pass_on(arrived.signal));
        for event in spawned.program.turn() {
            if let Event::Ended { status, .. } = event {
                return status.code();
            }
        }
    }
}

fn a_signal_to_loggia_alone_is_passed_on() {
    let mut loggia = Actor::start("passer");
    assert_eq!(loggia.hear(), "ready");
    signal::send(loggia.pid(), libc::SIGTERM).unwrap();
    assert_eq!(loggia.hear(), "TERM");
    signal::send(loggia.pid(), libc::SIGUSR1).unwrap();
    assert_eq!(loggia.last_words(), "bye\n");
    assert_eq!(loggia.code(), Some(3));
}

fn a_signal_to_the_group_comes_once() {
    let mut loggia = Actor::start("passer");
    assert_eq!(loggia.hear(), "ready");
    signal::send(-loggia.pid(), libc::SIGINT).unwrap();
    assert_eq!(loggia.hear(), "INT");
    signal::send(loggia.pid(), libc::SIGTERM).unwrap();
    assert_eq!(loggia.hear(), "TERM", "INT did not come again");
    signal::send(loggia.pid(), libc::SIGUSR1).unwrap();
    assert_eq!(loggia.last_words(), "bye\n");
    assert_eq!(loggia.code(), Some(3));
}

/// An inner loggia: one exit code for the error wanted, another for anything else.
fn nested() -> u8 {
    let spawner = Spawner::start().unwrap();
    match spawner.spawn(&Command::new("true"), Some(&ALLOW)) {
        Err(error @ SpawnError::Nested) => error.exit().code(),
        other => {
            println!("{other:?}");
            1
        }
    }
}

fn loggia_inside_loggia_says_so() {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &own("nested"));
    let events = spawned.program.wait(LONG);
    assert!(matches!(events[..], [Event::Ended { status: Status::Exit(4), .. }, ..]), "{events:?}");
    end(&mut spawned);
    assert!(spawner.close(LONG).unwrap());
}

fn silent() -> u8 {
    let spawner = Spawner::start().unwrap();
    let mut spawned = spawn(&spawner, &sh("test -e /proc/self/fd/0 && test -e /proc/self/fd/1 && test -e /proc/self/fd/2"));
    let ok = matches!(spawned.program.wait(LONG)[..], [Event::Ended { status: Status::Exit(0), .. }, ..]);
    end(&mut spawned);
    u8::from(!ok || !spawner.close(LONG).unwrap())
}

fn loggia_without_standard_streams_runs_programs() {
    let script = "exec \"$1\" act silent 0<&- 1>&- 2>&-";
    let status = std::process::Command::new("sh").args(["-c", script, "sh"]).arg(own_path()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

/// Neither descriptors nor processes.
fn nothing_is_left_over() {
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let spawner = Spawner::start().unwrap();
    for _ in 0..50 {
        let mut spawned = spawn(&spawner, &sh("sleep 0 & setsid true & exit 1").stdout(Output::Null));
        end(&mut spawned);
        assert!(spawner.spawn(&Command::new("loggia-no-such-program"), Some(&ALLOW)).is_err());
    }
    assert!(spawner.close(LONG).unwrap());
    assert_eq!(descriptors(), before);
    let children = fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id())).unwrap_or_default();
    assert_eq!(children, "");
}

/// Tells the other stories again as nobody, and those of `process.rs` with them.
fn all_of_it_works_for_an_ordinary_user() {
    const NOBODY: u32 = 65534;
    if loggia_cli::sys::process::effective_uid() != 0 {
        eprintln!("SKIPPED: already an ordinary user");
        return;
    }
    let folder = std::env::temp_dir().join(format!("loggia-process-end-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("stories");
    fs::copy(own_path(), &copy).unwrap();
    let names = STORIES.map(|(name, _)| name).into_iter().filter(|name| !name.contains("ordinary"));
    let output = std::process::Command::new(&copy).args(names).uid(NOBODY).gid(NOBODY).current_dir("/").output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    std::io::stdout().write_all(&output.stdout).unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    assert!(output.status.success(), "as nobody: {}", output.status);
}

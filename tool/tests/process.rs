//! Programs: started, watched, stopped, and ended with everything they have started.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loggia_cli::exit::Exit;
use loggia_cli::process::{Command, Event, Input, Log, Output, SpawnError, Spawned, Spawner, Status, TreeEnd, Usage};
use loggia_cli::sys::filter::Instruction;

/// Far longer than anything takes: only a failing test waits so long.
const LONG: Duration = Duration::from_secs(60);

/// Allows everything.
const ALLOW: [Instruction; 1] = [Instruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }];

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loggia-process-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A spawner that must leave nothing behind.
struct Stage(Option<Spawner>);

impl Stage {
    fn new() -> Self {
        Self(Some(Spawner::start().unwrap()))
    }

    fn spawn(&self, command: &Command) -> Spawned {
        self.try_spawn(command).unwrap()
    }

    fn try_spawn(&self, command: &Command) -> Result<Spawned, SpawnError> {
        self.0.as_ref().unwrap().spawn(command, Some(&ALLOW))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.take().unwrap().close(LONG).unwrap(), "the warden ends when its programs have");
        }
    }
}

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

fn log(path: &Path, limit: u64) -> Output {
    Output::Log(Log { file: File::options().create(true).append(true).open(path).unwrap(), limit })
}

/// All events to the last.
fn watch(spawned: &mut Spawned) -> Vec<Event> {
    let mut events = Vec::new();
    while !spawned.program.is_over() {
        let news = spawned.program.wait(LONG);
        assert!(!news.is_empty(), "nothing happens after {events:?}");
        events.extend(news);
    }
    events
}

fn ended(events: &[Event]) -> (Status, Usage) {
    let ends = events.iter().filter_map(|event| match event {
        Event::Ended { status, usage } => Some((*status, *usage)),
        _ => None,
    });
    let [end] = ends.collect::<Vec<_>>()[..] else { panic!("not one end: {events:?}") };
    end
}

fn tree_end(events: &[Event]) -> TreeEnd {
    let Some(Event::TreeEnded(end)) = events.last() else { panic!("no end of the tree: {events:?}") };
    *end
}

fn run(command: &Command) -> Status {
    let stage = Stage::new();
    let mut spawned = stage.spawn(command);
    let events = watch(&mut spawned);
    assert_eq!(tree_end(&events).left_out, [0, 0]);
    ended(&events).0
}

#[test]
fn exit_codes_and_signals_come_back() {
    assert_eq!(run(&Command::new("true")), Status::Exit(0));
    assert_eq!(run(&sh("exit 7")), Status::Exit(7));
    let Status::Signal { signal, .. } = run(&sh("kill -TERM $$")) else { panic!("not by a signal") };
    assert_eq!(signal, libc::SIGTERM);
    assert_eq!(run(&sh("kill -KILL $$")).code(), 137);
}

#[test]
fn the_listener_of_the_filter_comes_along_and_the_program_does_not_have_it() {
    let folder = Folder::new("listener");
    let stage = Stage::new();
    let mut spawned = stage.spawn(&sh("ls -l /proc/$$/fd").stdout(log(&folder.path("out"), 10_000)));
    let listener = spawned.listener.take().unwrap();
    let target = fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
    assert_eq!(target.to_str(), Some("anon_inode:seccomp notify"));
    watch(&mut spawned);
    let descriptors = fs::read_to_string(folder.path("out")).unwrap();
    assert_eq!(descriptors.matches(" -> ").count(), 3, "more than the standard streams: {descriptors}");
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = Folder::new("why");
    let stage = Stage::new();
    let error = |command: &Command| stage.try_spawn(command).unwrap_err();

    let missing = error(&Command::new("loggia-no-such-program"));
    assert_eq!(missing.exit(), Exit::NotFound);
    assert_eq!(missing.to_string(), "loggia-no-such-program: there is no such program in PATH");

    fs::write(folder.path("plain"), "text\n").unwrap();
    let plain = error(&Command::new(folder.path("plain")));
    assert_eq!(plain.exit(), Exit::CannotExecute);
    assert!(plain.to_string().contains("Permission denied"), "{plain}");

    let executable = |name: &str, text: &str| {
        fs::write(folder.path(name), text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(name), mode).unwrap();
    };
    executable("text", "echo hello\n");
    let text = error(&Command::new("./text").current_dir(&folder.0));
    assert_eq!(text.exit(), Exit::CannotExecute);
    assert!(text.to_string().contains("#!/bin/sh"), "{text}");

    executable("script", "#!/no/such/interpreter\n");
    let script = error(&Command::new("script").env("PATH", &folder.0));
    assert_eq!(script.exit(), Exit::CannotExecute);
    assert!(script.to_string().contains("interpreter"), "{script}");

    let lost = error(&Command::new("true").current_dir("/no/such/directory"));
    assert_eq!(lost.exit(), Exit::Usage);
    assert!(lost.to_string().starts_with("working directory /no/such/directory: No such file"), "{lost}");

    assert_eq!(error(&Command::new("true").user("loggia-nobody-at-all")).exit(), Exit::Usage);
    assert_eq!(error(&Command::new("tr\0ue")).to_string(), "a zero byte cannot be passed to a program: tr\\0ue");
}

#[test]
fn arguments_environment_directory_and_input_arrive() {
    let folder = Folder::new("arrive");
    fs::write(folder.path("in"), "from the file").unwrap();
    let command = Command::new("sh")
        .args(["-c", "echo \"$1|$2|$A|${HOME-none}|$(pwd)|$(cat)\"", "sh", "", "b c"])
        .env("A", "1")
        .env_remove("HOME")
        .current_dir(&folder.0)
        .stdin(Input::File(File::open(folder.path("in")).unwrap()))
        .stdout(log(&folder.path("out"), 10_000));
    assert_eq!(run(&command), Status::Exit(0));
    let out = fs::read_to_string(folder.path("out")).unwrap();
    assert_eq!(out.trim_end(), format!("|b c|1|none|{}|from the file", folder.0.display()));
}

#[test]
fn a_pipe_in_the_wrong_hands_does_not_matter() {
    // Nothing of loggia's own is open in a program: a pipe's other end is not kept alive by it.
    let stage = Stage::new();
    let (mut read, write) = std::io::pipe().unwrap();
    let spawned = stage.spawn(&Command::new("sleep").args(["1000"]));
    drop(write);
    let mut rest = Vec::new();
    read.read_to_end(&mut rest).unwrap();
    drop(spawned);
}

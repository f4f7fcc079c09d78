//! Programs: started, watched, stopped, and ended with everything they have started.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
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
    assert!(plain.to_string().contains("chmod +x"), "{plain}");

    let folder_itself = error(&Command::new(&folder.0));
    assert_eq!(folder_itself.exit(), Exit::CannotExecute);
    assert!(folder_itself.to_string().ends_with("is a folder, not a program"), "{folder_itself}");
    assert_eq!(error(&Command::new(folder.path("plain/below"))).exit(), Exit::NotFound);

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
fn a_flood_of_output_neither_blocks_nor_fills_the_disk() {
    let folder = Folder::new("flood");
    let stage = Stage::new();
    let command = sh("echo first; head -c 50000000 /dev/zero; echo last; echo to error >&2");
    let mut spawned = stage.spawn(&command.stdout(log(&folder.path("out"), 1000)).stderr(log(&folder.path("err"), 1000)));
    let events = watch(&mut spawned);
    assert_eq!(ended(&events).0, Status::Exit(0));
    let kept = 1000 + 64 * 1024;
    assert_eq!(tree_end(&events).left_out, [50_000_000 + 11 - kept, 0]);
    let out = fs::read(folder.path("out")).unwrap();
    assert!(out.starts_with(b"first\n") && out.ends_with(b"last\n") && (out.len() as u64) < kept + 100);
    assert_eq!(fs::read_to_string(folder.path("err")).unwrap(), "to error\n");
}

#[test]
fn a_program_may_open_its_output_again() {
    let folder = Folder::new("again");
    assert_eq!(run(&sh("echo one; echo two >/dev/stdout; echo three").stdout(log(&folder.path("out"), 1000))), Status::Exit(0));
    assert_eq!(fs::read_to_string(folder.path("out")).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn a_log_on_a_full_disk_is_told_and_the_program_goes_on() {
    let stage = Stage::new();
    let full = Log { file: File::options().write(true).open("/dev/full").unwrap(), limit: 1000 };
    let mut spawned = stage.spawn(&sh("echo one; echo two; exit 3").stdout(Output::Log(full)));
    let events = watch(&mut spawned);
    assert!(events.contains(&Event::LogFailed { stream: 1, errno: libc::ENOSPC }), "{events:?}");
    assert_eq!(ended(&events).0, Status::Exit(3));
    assert_eq!(tree_end(&events).left_out, [8, 0]);
}

#[test]
fn a_program_that_closes_everything_is_still_watched() {
    let folder = Folder::new("closes");
    let script = "exec 0<&- 1>&- 2>&-; for n in 3 4 5 6 7 8 9; do eval \"exec $n>&-\"; done; exit 5";
    let command = sh(script).stdout(log(&folder.path("out"), 10)).stderr(log(&folder.path("err"), 10));
    assert_eq!(run(&command), Status::Exit(5));
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_after_the_grace() {
    let folder = Folder::new("ignores");
    let stage = Stage::new();
    let mut spawned =
        stage.spawn(&sh("trap '' TERM; echo ready; while :; do sleep 1; done").stdout(log(&folder.path("out"), 100)));
    wait_for_line(&folder.path("out"), "ready");
    spawned.program.stop(libc::SIGTERM, Duration::from_millis(200));
    let events = watch(&mut spawned);
    assert_eq!(ended(&events).0, Status::Signal { signal: libc::SIGKILL, core: false });
}

#[test]
fn a_program_that_obeys_sigterm_ends_in_its_own_way_and_its_children_get_it_too() {
    let folder = Folder::new("obeys");
    let stage = Stage::new();
    // The inner shell outlives the outer one by a moment and says so.
    let script = "(trap 'echo inner; exit 0' TERM; echo ready; while :; do sleep 0.02; done) & trap 'echo outer; exit 4' TERM; \
                  while :; do sleep 0.02; done";
    let mut spawned = stage.spawn(&sh(script).stdout(log(&folder.path("out"), 1000)));
    wait_for_line(&folder.path("out"), "ready");
    spawned.program.stop(libc::SIGTERM, LONG);
    let events = watch(&mut spawned);
    assert_eq!(ended(&events).0, Status::Exit(4));
    let out = fs::read_to_string(folder.path("out")).unwrap();
    assert_eq!((out.matches("inner").count(), out.matches("outer").count()), (1, 1), "{out}");
}

#[test]
fn a_stopped_program_is_reported_and_can_be_stopped_for_good() {
    let stage = Stage::new();
    let mut spawned = stage.spawn(&Command::new("sleep").args(["1000"]));
    spawned.program.signal(libc::SIGSTOP);
    assert_eq!(spawned.program.wait(LONG), [Event::Stopped { signal: libc::SIGSTOP }]);
    spawned.program.signal(libc::SIGCONT);
    assert_eq!(spawned.program.wait(LONG), [Event::Continued]);
    spawned.program.signal(libc::SIGSTOP);
    spawned.program.wait(LONG);
    spawned.program.stop(libc::SIGTERM, LONG);
    assert_eq!(ended(&watch(&mut spawned)).0, Status::Signal { signal: libc::SIGTERM, core: false });
}

#[test]
fn a_daemon_outlives_its_program_and_ends_with_the_tree() {
    let folder = Folder::new("daemon");
    let stage = Stage::new();
    let script = "setsid sh -c '(echo daemon; exec sleep 1000) &'; exit 0";
    let mut spawned = stage.spawn(&sh(script).stdout(log(&folder.path("out"), 1000)));
    let events = spawned.program.wait(LONG);
    assert_eq!(ended(&events).0, Status::Exit(0));
    wait_for_line(&folder.path("out"), "daemon");
    assert!(!spawned.program.is_over(), "the daemon is part of the program");
    spawned.program.kill();
    assert_eq!(tree_end(&watch(&mut spawned)).orphans, 1);
}

/// A keeper cannot be stopped for long.
#[test]
fn a_program_that_stops_its_keeper_can_be_ended() {
    let folder = Folder::new("keeper");
    let stage = Stage::new();
    let script = "kill -STOP $PPID; echo done; exec sleep 1000";
    let mut spawned = stage.spawn(&sh(script).stdout(Output::File(File::create(folder.path("out")).unwrap())));
    wait_for_line(&folder.path("out"), "done");
    spawned.program.stop(libc::SIGTERM, LONG);
    assert_eq!(ended(&watch(&mut spawned)).0, Status::Signal { signal: libc::SIGTERM, core: false });
}

#[test]
fn dropping_a_program_ends_it() {
    // Standard input of every process of the tree; its other end notices when the last of them is gone.
    let stage = Stage::new();
    let (read, mut write) = std::io::pipe().unwrap();
    let input = Input::File(File::from(std::os::fd::OwnedFd::from(read)));
    let command = sh("sleep 1000 & setsid sleep 1000 & exec sleep 1000").stdin(input);
    let spawned = stage.spawn(&command);
    drop((spawned, command));
    let mut tries = 0;
    while write.write_all(&[0; 1]).is_ok() {
        tries += 1;
        assert!(tries < 6000, "somebody still reads");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn use_of_the_program_and_of_its_tree_is_counted() {
    let stage = Stage::new();
    let burn = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    let start = std::time::Instant::now();
    // A child in the background that nobody waits for: part of the tree, not of the program.
    let mut spawned = stage.spawn(&sh(&format!("({burn}) & exit 0")));
    let events = watch(&mut spawned);
    let elapsed = start.elapsed().as_micros() as u64;
    let (program, tree) = (ended(&events).1, tree_end(&events).usage);
    assert!(tree.user_us > program.user_us, "{program:?} {tree:?}");
    assert!(tree.user_us + tree.system_us <= elapsed * 2, "two processes in {elapsed} us: {tree:?}");
    assert!((100_000..1_000_000_000).contains(&program.max_rss), "{program:?}");
    assert!(program.minor_faults > 0, "{program:?}");
}

#[test]
fn two_hundred_programs_at_once() {
    let stage = Stage::new();
    let mut programs: Vec<Spawned> = (0..200).map(|_| stage.spawn(&Command::new("sleep").args(["1000"]))).collect();
    programs.iter().for_each(|spawned| spawned.program.stop(libc::SIGTERM, LONG));
    let ends = programs.iter_mut().map(|spawned| ended(&watch(spawned)).0);
    assert_eq!(ends.filter(|end| *end == Status::Signal { signal: libc::SIGTERM, core: false }).count(), 200);
}

#[test]
fn as_another_user_if_that_is_allowed() {
    let folder = Folder::new("user");
    let stage = Stage::new();
    let command = sh("id -u; id -g; echo $USER; echo again >/dev/stdout").user("nobody").stdout(log(&folder.path("out"), 1000));
    match stage.try_spawn(&command) {
        Ok(mut spawned) => {
            watch(&mut spawned);
            let out = fs::read_to_string(folder.path("out")).unwrap();
            let lines: Vec<&str> = out.lines().collect();
            assert!(lines[0] != "0" && lines[1] != "0", "{out}");
            assert_eq!(lines[2..], ["nobody", "again"]);
        }
        Err(error) => assert_eq!(error.to_string(), "user nobody: only root may run programs as another user"),
    }
}

/// Tells all the other stories again.
#[test]
fn all_of_it_works_for_an_ordinary_user() {
    const NOBODY: u32 = 65534;
    if loggia_cli::sys::process::effective_uid() != 0 {
        eprintln!("SKIPPED: already an ordinary user");
        return;
    }
    let folder = Folder::new("ordinary");
    fs::copy(std::env::current_exe().unwrap(), folder.path("stories")).unwrap();
    let mut stories = std::process::Command::new(folder.path("stories"));
    let output = stories.args(["--skip", "ordinary"]).uid(NOBODY).gid(NOBODY).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_program_that_may_not_be_inspected_is_refused() {
    let folder = Folder::new("unreadable");
    let stage = Stage::new();
    let path = folder.path("secret");
    let original = ["/bin/true", "/usr/bin/true"].into_iter().find(|path| Path::new(path).exists()).unwrap();
    fs::copy(original, &path).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o111)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("SKIPPED: root may inspect everything");
        return;
    }
    let error = stage.try_spawn(&Command::new(&path)).unwrap_err();
    assert_eq!(error.exit(), Exit::CannotCarry);
    assert!(error.to_string().contains("forbids to be looked into"), "{error}");
}

fn wait_for_line(path: &Path, wanted: &str) {
    for _ in 0..6000 {
        if fs::read_to_string(path).unwrap_or_default().lines().any(|line| line == wanted) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{wanted:?} does not come");
}

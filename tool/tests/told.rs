//! What users are told, and with which exit code: of mistakes, of machines that lack something, of runs that prove nothing.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use loggia_cli::sys::signal;

/// A folder of this test's own that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loggia-told-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A command that runs in this folder.
    fn loggia(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loggia"));
        // Tests share the machine: what is judged here is not how late it was.
        command.args(["--lag-limit", "20s"]).args(words).current_dir(&self.0).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("LOGGIA_SEED");
        command
    }

    /// Runs a lab; what it says.
    fn run(&self, lab: &str, options: &[&str]) -> Said {
        self.file("lab.toml", lab);
        self.say(&[&["run", "lab.toml"], options].concat())
    }

    fn say(&self, words: &[&str]) -> Said {
        Said::of(self.loggia(words).output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }

    #[track_caller]
    fn has(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(self.out.contains(part) || self.error.contains(part), "{part:?} is not said in {self:?}");
        }
    }
}

/// True if a program is installed; says so if a story cannot be told without it.
fn has(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(program).exists());
    if !found {
        eprintln!("SKIPPED: {program} is not installed");
    }
    found
}

#[test]
fn what_is_wrong_with_file_and_machine_is_told_at_once() {
    let folder = Folder::new("at-once");
    folder.file("plain", "echo hello\n");
    let lab = "schema = 1\n[link.wan]\nends = [\"a\", \"c\"]\n[host.a]\nrun = \"./plain\"\nuser = \"loggia-nobody-at-all\"\n\
               [host.b]\nrun = \"true\"\ncwd = \"nowhere\"\nstdin = \"nothing\"\n[[check]]\nmetric = \"tcp.requst\"\nexpect = \"max < 1s\"\n\
               [host.d]\nrun = \".\"\nstdout = \"lost/out\"\n";
    let said = folder.run(lab, &[]);
    said.has(
        2,
        &["add [host.c]", "chmod +x ./plain", "loggia-nobody-at-all: there is no such user", "there is no folder ./nowhere"],
    );
    said.has(2, &["no file ./nothing", "did you mean \"tcp.request\"?", "no program \".\"", "there is no folder ./lost"]);
    // Of several files too.
    folder.file("other.toml", "schema = 1\n[host.a]\nrn = \"true\"\n");
    folder.say(&["test", "."]).has(2, &["tcp.requst", "other.toml:3:1: unknown key \"rn\""]);
}

#[test]
fn messages_are_for_people() {
    let folder = Folder::new("people");
    folder.file("lab.toml", b"schema = 1\ntitle = \"caf\xe9\"\n");
    folder.say(&["run", "lab.toml"]).has(2, &["lab.toml:2:13: this is not text: byte 0xe9 is not UTF-8"]);
    let said = folder.say(&["run", "missing.toml"]);
    assert_eq!((said.code, said.error.as_str()), (Some(2), "missing.toml: No such file or directory\n"));
    let said = folder.run("schema = 1\n[host.a]\nrun = \"true\"\n", &["--out", "/dev/null/run"]);
    said.has(2, &["the run folder /dev/null/run cannot be written: Not a directory", "--out DIR", "--no-record"]);
    for command in ["sweep", "view", "attach"] {
        folder.say(&[command, "x", "--plan"]).has(2, &["is not built yet"]);
    }
}

/// A file that may be executed and not read makes a process that nobody may look into.
#[test]
fn an_unreadable_loggia_says_so() {
    const NOBODY: u32 = 65534;
    if loggia_cli::sys::process::effective_uid() != 0 {
        eprintln!("SKIPPED: only root can be somebody else");
        return;
    }
    let folder = Folder::new("unreadable");
    let copy = folder.0.join("loggia");
    fs::copy(env!("CARGO_BIN_EXE_loggia"), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o711)).unwrap();
    let mut command = Command::new(&copy);
    command.args(["run", "--", "true"]).current_dir("/").uid(NOBODY).gid(NOBODY);
    Said::of(command.output().unwrap()).has(4, &["its own file may only be executed and not read", "chmod a+r"]);
}

#[test]
fn the_last_line_says_the_verdict_in_words() {
    let folder = Folder::new("words");
    let said = folder.run("schema = 1\n[host.a]\nrun = \"false\"\n", &[]);
    said.has(1, &["lab: failed after "]);
    folder.run("schema = 1\n[host.a]\nrun = \"true\"\n", &[]).has(0, &["lab: held after "]);
}

#[test]
fn a_change_after_the_end_proves_nothing() {
    let folder = Folder::new("change");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\n[host.s]\nprogram = \"echo\"\n[host.c]\nprogram = \"rr s:7 -n 3\"\n\
               [[at]]\nt = \"30s\"\nlink = \"wan\"\ndown = \"2s\"\n";
    folder.run(lab, &[]).has(3, &["? at 30s: wan: down", "never: the run was over after ", "lab: inconclusive"]);
    folder.run(&lab.replace("30s", "0s"), &[]).has(0, &[]);
}

#[test]
fn an_impairment_that_never_fired_says_what_it_takes() {
    let folder = Folder::new("fired");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\nrtt = \"10ms\"\nloss = \"0.01%\"\n[host.s]\nprogram = \"echo\"\n\
               [host.c]\nprogram = \"rr s:7 -n 3\"\n";
    let said = folder.run(lab, &[]);
    said.has(3, &["loss of link wan fires", "was to be expected; about 30000 are needed", "must_fire = false in [link.wan]"]);
    folder.run(&lab.replace("loss =", "must_fire = false\nloss ="), &[]).has(0, &[]);
    // What was in force for a while counts, although it is not at the end.
    let change =
        lab.replace("loss = \"0.01%\"\n", "") + "[[at]]\nt = \"1ms\"\nlink = \"wan\"\nloss = \"0.01%\"\nfor = \"15ms\"\n";
    folder.run(&change, &[]).has(3, &["loss of link wan fires"]);
}

#[test]
fn a_server_is_judged_by_how_it_answers_its_stop() {
    let folder = Folder::new("answers");
    let server = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done";
    folder.file("server.sh", server);
    let lab = "schema = 1\n[host.a]\nrun = \"sh server.sh\"\nexpect = \"running\"\n[host.a.programs.end]\nrun = \"sleep 0.5\"\n";
    folder.run(lab, &[]).has(1, &["exit status 7 when it was stopped", "stop = { exit = 7 }"]);
    folder.run(&lab.replace("expect", "stop = { exit = 7 }\nexpect"), &[]).has(0, &["ran until it was stopped"]);
}

const LISTENER: &str = "
import socket, time, sys
listener = socket.create_server(('0.0.0.0', 80))
stream, _ = listener.accept()
";

#[test]
fn a_server_of_one_line_hears_its_client_to_the_end() {
    if !has("python3") {
        return;
    }
    let folder = Folder::new("hears");
    folder.file("srv.py", format!("{LISTENER}\nwhile data := stream.recv(65536): pass\ntime.sleep(0.2)\nprint('heard all', flush=True)\nstream.close()\ntime.sleep(60)\n"));
    folder.file("cli.py", "import socket\nstream = socket.create_connection(('server', 80))\nstream.sendall(b'x' * 1000)\n");
    let hosts = ["--host", "server=python3 srv.py", "--host", "client=python3 cli.py server"];
    folder.say(&[&["run", "--rtt", "200ms"][..], &hosts].concat()).has(0, &["server | heard all"]);
}

/// A server that does not read is killed with bytes unread, which resets the connection. That is no part of what is measured.
#[test]
fn what_happens_while_programs_are_stopped_is_not_measured() {
    if !has("python3") {
        return;
    }
    let folder = Folder::new("measured");
    folder.file("srv.py", format!("{LISTENER}\ntime.sleep(60)\n"));
    folder
        .file("cli.py", "import socket, time\ns = socket.create_connection(('server', 80))\ns.sendall(b'x')\ntime.sleep(0.3)\n");
    let lab = "schema = 1\n[link.wan]\nends = [\"server\", \"client\"]\n[host.server]\nrun = \"python3 srv.py\"\nready = { listen = \"tcp/80\" }\n\
               stop = { signal = \"KILL\", grace = \"300ms\" }\n[host.client]\nrun = \"python3 cli.py\"\nafter = \"server\"\n\
               [[check]]\nmetric = \"tcp.reset\"\nexpect = \"count == 0\"\n[[check]]\nmetric = \"tcp.connect\"\nexpect = \"count == 1\"\n";
    folder.run(lab, &["--out", "run"]).has(0, &[]);
    let events = fs::read_to_string(folder.0.join("run/events.jsonl")).unwrap();
    assert!(events.contains("\"flags\":\"R"), "the story needs a reset:\n{events}");
}

#[test]
fn a_name_of_several_connections_means_the_one_with_data() {
    if !has("python3") {
        return;
    }
    let folder = Folder::new("why");
    folder.file("srv.py", format!("{LISTENER}\nstream.sendall(stream.recv(100))\nstream.close()\ntime.sleep(60)\n"));
    // By IPv6 first, where nobody listens.
    folder.file(
        "cli.py",
        "import socket\nfor family in (socket.AF_INET6, socket.AF_INET):\n  addr = socket.getaddrinfo('server', 80, family, socket.SOCK_STREAM)[0][4]\n  \
         s = socket.socket(family)\n  try: s.connect(addr)\n  except ConnectionRefusedError: continue\n  s.sendall(b'hello'); print(s.recv(100))\n",
    );
    let hosts = ["--host", "server=python3 srv.py", "--host", "client*2=python3 cli.py server", "--out", "run"];
    // The server takes one client; the other is refused, or reset when the server goes.
    folder.say(&[&["run", "--deadline", "3s"][..], &hosts].concat());
    let said = [folder.say(&["why", "run", "client-1"]), folder.say(&["why", "run", "client-2"])];
    assert!(said.iter().all(|said| said.code == Some(0)), "{said:?}");
    assert!(said.iter().all(|said| said.error.contains("which carried no data")), "{said:?}");
}

/// A switch sends the first frame to all, and who is not meant has no part in the connection.
#[test]
fn who_overhears_a_frame_is_no_end_of_its_connection() {
    let folder = Folder::new("overhears");
    let lab = r#"
schema = 1
[switch.lan]
[link.a]
ends = ["web1", "lan"]
[link.b]
ends = ["web2", "lan"]
[link.r]
ends = ["router", "lan"]
[link.wan]
ends = ["router", "client"]
rate = "8mbit"
rtt = "60ms"
[host.router]
forward = true
[host.web1]
program = "web"
[host.web2]
program = "web --port 8080"
[host.client]
program = "get http://web2:8080/bytes/200000 -n 5"
after = ["web1", "web2"]
"#;
    folder.run(lab, &["--out", "run"]).has(0, &[]);
    let why = folder.say(&["why", "run"]);
    why.has(0, &["client 10.0.1.2:", "→ web2 10.0.0.2:8080"]);
    assert!(!why.out.contains("again"), "nothing was lost: {}", why.out);
    let report = folder.say(&["report", "run", "--json"]).out;
    let sent: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(sent["metrics"].to_string().contains("web2") && !sent["metrics"].to_string().contains("\"peer\":\"web1\""));
}

#[test]
fn files_for_output_are_written_without_a_run_folder_too() {
    let folder = Folder::new("outputs");
    let lab = "schema = 1\n[host.a]\nrun = \"echo one\"\nstdout = \"a.txt\"\n[host.a.programs.b]\nprogram = \"print two\"\nstdout = \"b.txt\"\n";
    for _ in 0..2 {
        folder.run(lab, &["--no-record"]).has(0, &[]);
        let text = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
        assert_eq!((text("a.txt"), text("b.txt")), ("one\n".into(), "two\n".into()));
    }
}

#[test]
fn a_built_in_program_that_is_stopped_finishes_what_it_is_at() {
    let folder = Folder::new("finishes");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\nrtt = \"100ms\"\n[host.s]\nprogram = \"web\"\n\
               [host.c]\nprogram = \"get http://s/bytes/1000 -n 1000000\"\nstop = { at = \"2s\" }\nexpect = { exit = 0 }\n";
    folder.run(lab, &[]).has(0, &[" requests, 0 failed", "c ends with exit status 0"]);
}

/// Each of them is reported as it is, the others' results are kept, and nothing of them is left.
#[test]
fn programs_that_misbehave_are_reported_as_they_are() {
    let folder = Folder::new("misbehave");
    let lab = r#"
schema = 1
[link.wan]
ends = ["s", "c"]
rtt = "20ms"
[host.s]
program = "echo"
[host.c]
program = "rr s:7 -n 20"
[host.c.programs.dies]
run = ["sh", "-c", "echo before; kill -SEGV $$"]
[host.c.programs.hangs]
run = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
expect = "running"
stop = { grace = "200ms" }
[host.c.programs.floods]
run = ["sh", "-c", "echo first; head -c 200000000 /dev/zero; echo last"]
[host.c.programs.closes]
run = ["sh", "-c", "exec 0<&- 1>&- 2>&-; sleep 0.2; exit 5"]
[host.c.programs.storms]
run = ["sh", "-c", "i=0; while [ $i -lt 200 ]; do setsid sleep 4711.25 & i=$((i+1)); done; exit 0"]
"#;
    let said = folder.run(lab, &["--out", "run", "--quiet"]);
    let parts = ["c.dies ends with exit status 0: SIGSEGV", "c.closes ends with exit status 0: exit status 5"];
    said.has(1, &parts);
    let report = folder.say(&["report", "run"]).out;
    for line in ["✓ c ends with exit status 0", "✓ c.floods ends", "✓ c.storms ends", "did not end within 200ms and was killed"]
    {
        assert!(report.contains(line), "{line} is missing in {report}");
    }
    let log = |name: &str| folder.0.join("run/hosts/c").join(name);
    assert!(fs::metadata(log("floods.stdout.log")).unwrap().len() < 70_000_000, "a log is bounded");
    assert!(fs::read(log("floods.stdout.log")).unwrap().ends_with(b"last\n"));
    assert_eq!(fs::read_to_string(log("dies.stdout.log")).unwrap(), "before\n");
    let commands = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    assert_eq!(commands.filter(|command| command.ends_with(b"sleep\x004711.25\0")).count(), 0, "something is left");
}

#[test]
fn options_without_effect_are_refused() {
    let folder = Folder::new("options");
    folder.file("lab.toml", "schema = 1\n[host.a]\nrun = \"true\"\n");
    for (words, part) in [
        (&["run", "--loss", "1%", "--host", "a=true"][..], "--loss has no effect"),
        (&["run", "--publish", "8080:80", "--host", "a=true", "--host", "b=true a"], "--publish is for -- COMMAND"),
        (&["run", "lab.toml", "--check", "tcp.reset count<1"], "add a [[check]]"),
        (&["run", "lab.toml", "--at", "100ms down=1s"], "say it in [[at]]"),
        (&["run", "lab.toml", "--uplink"], "--uplink does not go with a lab file"),
        (&["run", "lab.toml", "--verify", "--no-record"], "cannot be used with"),
        (&["run", "--junit", "x.xml", "--", "true"], "--junit does not go with -- COMMAND"),
        (&["ladder", "run", "--json"], "--json has no effect here"),
        (&["why", "run", "--pcap", "x"], "--pcap has no effect here"),
        (&["why", "run", "--snap", "all"], "--snap has no effect here"),
        (&["run", "--snap", "headers", "--", "true"], "--snap has no effect here: no captures are written; add --pcap DIR"),
        (&["run", "--snap", "7", "--", "true"], "a number of bytes from 14 (a link header)"),
    ] {
        folder.say(words).has(2, &[part]);
    }
}

#[test]
fn help_shows_a_command_what_it_takes() {
    let folder = Folder::new("help");
    let shows = |words: &[&str], parts: &[&str], others: &[&str]| {
        let said = folder.say(words);
        said.has(0, parts);
        assert!(!others.iter().any(|other| said.out.contains(other)), "{said:?}");
    };
    for ask in ["-h", "--help"] {
        shows(&["run", ask], &["--pcap", "--snap", "--json", "--seed", "--lag-limit"], &[]);
        shows(&["sockets", ask], &["--json"], &["--pcap", "--snap", "--seed", "--lag-limit"]);
        shows(&["why", ask], &["loggia why", "--color"], &["--json", "--pcap"]);
        shows(&[ask, "why"], &["Commands:", "--pcap"], &[]);
    }
}

#[test]
fn captures_are_written_without_a_run_folder_too() {
    let folder = Folder::new("pcap");
    let lab =
        "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\n[host.s]\nprogram = \"echo\"\n[host.c]\nprogram = \"rr s:7 -n 3\"\n";
    folder.run(lab, &["--no-record", "--pcap", "caps"]).has(0, &[]);
    assert!(folder.0.join("caps/s.pcapng").exists() && folder.0.join("caps/c.pcapng").exists());
    assert!(!folder.0.join("loggia-runs").exists());
    let bytes = |file: &str| fs::metadata(folder.0.join(file)).unwrap().len();
    folder.run(lab, &["--out", "bare", "--snap", "54", "--pcap", "bare-caps"]).has(0, &[]);
    assert!(bytes("bare-caps/s.pcapng") < bytes("caps/s.pcapng"));
    assert_eq!(bytes("bare-caps/s.pcapng"), bytes("bare/hosts/s/eth0.pcapng"));
    folder.say(&["test", "lab.toml", "--repeat", "2", "--pcap", "tests"]).has(0, &["2 passed"]);
    assert!(folder.0.join("tests/lab-seed-2/c.pcapng").exists());
    let json = |words: &[&str]| serde_json::from_str::<serde_json::Value>(&folder.say(words).out).unwrap();
    folder.run(lab, &["--out", "run"]).has(0, &[]);
    assert_eq!(json(&["report", "run", "--json"])["manifest"]["exit"], 0);
    assert!(json(&["sockets", "run", "--json"])["sockets"].is_array());
    assert!(fs::read_to_string(folder.0.join("run/junit.xml")).unwrap().contains("s runs until it is stopped"));
    folder.say(&["sockets"]).has(2, &["no run below loggia-runs"]);
    folder.run(lab, &[]).has(0, &[]);
    folder.say(&["sockets"]).has(0, &["LISTEN"]);
    assert_eq!(json(&["diff", "run", "run", "--json"])["same"], true);
}

fn wait_for(path: &Path) {
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(mut child: Child) -> Said {
    let (mut out, mut error) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    Said { code: child.wait().unwrap().code(), out, error }
}

#[test]
fn sigterm_ends_a_lab_in_order() {
    let folder = Folder::new("sigterm");
    let script = "trap 'echo told >ended; exit 0' TERM; echo >ready; while :; do sleep 0.02; done";
    folder.file("server.sh", script);
    folder.file(
        "lab.toml",
        "schema = 1\n[host.a]\nrun = \"sh server.sh\"\nexpect = \"running\"\n[host.a.programs.b]\nrun = \"sleep 1000\"\n",
    );
    let mut command = folder.loggia(&["run", "lab.toml", "--out", "run"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&folder.0.join("ready"));
    signal::send(child.id() as i32, libc::SIGTERM).unwrap();
    ended(child).has(130, &["lab: interrupted after ", "? a.b ends with exit status 0: interrupted"]);
    assert!(folder.0.join("ended").exists(), "the program was asked to end");
    let manifest = fs::read_to_string(folder.0.join("run/manifest.json")).unwrap();
    assert!(manifest.contains("\"over\": \"interrupted\"") && manifest.contains("\"exit\": 130"), "{manifest}");
}

#[test]
fn ctrl_c_ends_virtual_time_and_a_test_writes_what_it_has() {
    let folder = Folder::new("virtual");
    let lab = "schema = 1\ndeadline = \"1000000s\"\n[link.wan]\nends = [\"s\", \"c\"]\n[host.s]\nprogram = \"echo\"\n\
               [host.c]\nprogram = \"rr s:7 -n 100000000 --pause 1s\"\n";
    folder.file("lab.toml", lab);
    let mut command = folder.loggia(&["test", "lab.toml", "--junit", "report.xml"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&folder.0.join("loggia-runs/lab-seed-1/hosts/c/stdout.log"));
    signal::send(child.id() as i32, libc::SIGINT).unwrap();
    ended(child).has(130, &["stop  lab.toml", "0 passed, 0 failed, 1 interrupted"]);
    assert!(fs::read_to_string(folder.0.join("report.xml")).unwrap().contains("interrupted"));
}

#[test]
fn a_file_that_is_no_lab_keeps_no_other_from_being_tested() {
    let folder = Folder::new("refused");
    folder.file("bad.toml", "schema = 1\n[host.a]\nrn = \"x\"\n");
    folder.file("good.toml", "schema = 1\n[host.a]\nprogram = \"print x\"\n");
    let said = folder.say(&["test", ".", "--junit", "report.xml"]);
    said.has(2, &["bad.toml:3:1: unknown key", "ok    ./good.toml", "1 passed, 0 failed, 1 refused"]);
    let report = fs::read_to_string(folder.0.join("report.xml")).unwrap();
    assert!(report.contains("errors=\"1\"") && report.contains("<error message=\"./bad.toml:3:1: unknown key"), "{report}");
}

#[test]
fn a_deadline_that_comes_before_the_server_listens_proves_nothing() {
    let folder = Folder::new("deadline");
    let lab = "schema = 1\ndeadline = \"1s\"\n[link.wan]\nends = [\"server\", \"client\"]\n[host.server]\n\
               program = \"echo --port 9000\"\nready = { listen = \"tcp/9001\" }\n[host.client]\nprogram = \"rr server:9000\"\nafter = \"server\"\n";
    folder.run(lab, &[]).has(3, &["never started: waits for server: tcp/9001; server listens on tcp/9000"]);
}

#[test]
fn a_command_without_its_dashes_is_told_where_it_goes() {
    let folder = Folder::new("dashes");
    for words in [&["./srv", "-p", "80"][..], &["true"], &["ls", "-l"]] {
        let said = folder.say(&[&["run"], words].concat());
        said.has(2, &[&format!("a command goes after --: loggia run -- {}", words.join(" "))]);
    }
    folder.say(&["run", "--publish", "80:99999", "--", "true"]).has(2, &["99999 is no port"]);
}

#[test]
fn a_server_that_makes_itself_a_daemon_is_waited_for() {
    if !has("python3") {
        return;
    }
    let folder = Folder::new("daemon");
    folder.file("serve.py", "import socket\ns = socket.create_server(('', 80))\nwhile True: s.accept()[0].close()\n");
    let lab = "schema = 1\ndeadline = \"20s\"\n[link.wan]\nends = [\"server\", \"client\"]\n[host.server]\n\
               run = [\"sh\", \"-c\", \"(sleep 0.3; exec python3 serve.py) & exit 0\"]\nready = { listen = \"tcp/80\" }\n\
               expect = \"any\"\n[host.client]\nrun = [\"python3\", \"-c\", \"import socket; \
               socket.create_connection(('server', 80)).recv(1)\"]\nafter = \"server\"\n";
    folder.run(lab, &[]).has(0, &["✓ client ends with exit status 0"]);
}

#[test]
fn a_test_tells_machines_what_it_found() {
    let folder = Folder::new("json");
    folder.file("good.toml", "schema = 1\n[host.a]\nprogram = \"print x\"\n");
    folder.file("worse.toml", "schema = 1\n[host.a]\nprogram = \"print x --fail\"\n");
    let said = folder.say(&["test", ".", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &told["passed"], &told["failed"]), (Some(1), &1.into(), &1.into()));
    assert_eq!((&told["runs"][1]["exit"], told["runs"].as_array().map(Vec::len)), (&1.into(), Some(2)));
    let quiet = folder.say(&["test", ".", "--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (Some(1), ""));
    assert!(quiet.error.contains("loggia replay loggia-runs/worse-seed-1"), "{}", quiet.error);
}

/// On a terminal a line says how far it is; it leaves no trace in what programs print, and a pipe has nothing of it.
#[test]
fn progress_is_shown_on_a_terminal_only() {
    if !has("script") {
        return;
    }
    let folder = Folder::new("progress");
    folder.file("lab.toml", "schema = 1\n[host.a]\nrun = [\"sh\", \"-c\", \"sleep 1; echo said\"]\n");
    let terminal = |words: &str| {
        let command = format!("'{}' {words} --lag-limit 20s", env!("CARGO_BIN_EXE_loggia"));
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(&folder.0).env("TERM", "xterm").env_remove("NO_COLOR");
        Said::of(script.stdin(Stdio::null()).output().unwrap())
    };
    let said = terminal("run lab.toml");
    said.has(0, &["s of lab time, 0 of 1 programs have ended", "a | said\r\n"]);
    let said = terminal("test lab.toml");
    said.has(0, &["0 of 1", "lab.toml seed 1"]);
    for quiet in ["run lab.toml --quiet", "run lab.toml --json", "run lab.toml 2>/dev/null"] {
        let said = terminal(quiet);
        assert!(!said.out.contains("of lab time"), "{quiet}: {said:?}");
    }
}

#[test]
fn the_seed_is_that_of_the_option_then_of_the_environment_then_of_the_file() {
    let folder = Folder::new("seed");
    folder.file("lab.toml", "schema = 1\nseed = 5\n[host.a]\nprogram = \"print x\"\n");
    let say = |words: &[&str], variable: &str| Said::of(folder.loggia(words).env("LOGGIA_SEED", variable).output().unwrap());
    let seed = |options: &[&str], variable: &str| {
        let said = say(&[&["test", "lab.toml", "--json"], options].concat(), variable);
        serde_json::from_str::<serde_json::Value>(&said.out).unwrap()["runs"][0]["seed"].clone()
    };
    assert_eq!((seed(&[], ""), seed(&[], "9"), seed(&["--seed", "3"], "9")), (5.into(), 9.into(), 3.into()));
    let recorded = |run: &str| {
        let manifest = fs::read_to_string(folder.0.join(run).join("manifest.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&manifest).unwrap()["seed"].clone()
    };
    say(&["run", "lab.toml", "--out", "one"], "9").has(0, &[]);
    // What is repeated has its seed.
    say(&["replay", "one", "--out", "two"], "7").has(0, &["verified"]);
    assert_eq!((recorded("one"), recorded("two")), (9.into(), 9.into()));
    for wrong in ["abc", "-1"] {
        for words in [&["run", "lab.toml"][..], &["test", "."], &["run", "--", "true"]] {
            say(words, wrong).has(2, &[&format!("LOGGIA_SEED={wrong}: a seed is a whole number"), "--seed N"]);
        }
    }
    say(&["report", "one"], "abc").has(0, &[]);
}

#[test]
fn what_cannot_be_written_is_told_before_anything_starts() {
    let folder = Folder::new("outlets");
    folder.file("lab.toml", "schema = 1\n[host.a]\nrun = \"touch started\"\n");
    for (words, part) in [
        (&["run", "lab.toml", "--pcap", "/dev/null/x"][..], "choose another folder with --pcap DIR"),
        (&["test", "lab.toml", "--pcap", "/dev/null/x"], "choose another folder with --pcap DIR"),
        (&["run", "--pcap", "/dev/null/x", "--", "touch", "started"], "captures cannot be written to /dev/null/x"),
        (&["run", "lab.toml", "--junit", "no/report.xml"], "mkdir -p no"),
        (&["test", "lab.toml", "--junit", "no/report.xml"], "the JUnit report no/report.xml cannot be written"),
        (&["run", "lab.toml", "--junit", "."], "name a file that can be written"),
    ] {
        folder.say(words).has(2, &[part]);
    }
    assert!(!folder.0.join("started").exists() && !folder.0.join("loggia-runs").exists());
}

#[test]
fn what_is_written_in_vain_does_not_end_well() {
    let folder = Folder::new("vain");
    let lab = "schema = 1\n[host.a]\nprogram = \"print x\"\n";
    folder.run(lab, &["--out", "run"]).has(0, &[]);
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for words in [&["run", "lab.toml", "--json"][..], &["report", "run"], &["report", "run", "--json"]] {
        let said = Said::of(folder.loggia(words).stdout(full()).output().unwrap());
        said.has(125, &["what was to be printed is not whole: No space left on device"]);
    }
    let said = folder.run(&format!("{lab}stdout = \"/dev/full\"\n"), &["--out", "copied"]);
    said.has(125, &["the record is not whole: /dev/full: No space left on device"]);
    assert!(fs::read_to_string(folder.0.join("copied/manifest.json")).unwrap().contains("/dev/full: No space"));
}

#[test]
fn a_program_that_floods_does_not_drown_the_terminal() {
    let folder = Folder::new("floods");
    let lab = "schema = 1\n[host.a]\nrun = [\"sh\", \"-c\", \"yes flood | head -c 3000000\"]\n[host.a.programs.b]\nrun = \"echo other\"\n";
    let said = folder.run(lab, &["--out", "run"]);
    said.has(0, &["a.b | other", "a | flood\n"]);
    assert_eq!(said.out.matches("the rest is in its log only").count(), 1);
    assert!((1_000_000..2_500_000).contains(&said.out.len()), "{} bytes are shown", said.out.len());
    assert_eq!(fs::metadata(folder.0.join("run/hosts/a/stdout.log")).unwrap().len(), 3_000_000);
}

#[test]
fn a_command_that_the_deadline_stops_is_told_so() {
    let folder = Folder::new("command-deadline");
    let said = folder.say(&["run", "--deadline", "300ms", "--", "sleep", "60"]);
    said.has(3, &["loggia: sleep 60 was stopped by the deadline of 300ms"]);
    folder.say(&["run", "--deadline", "60s", "--", "sh", "-c", "exit 7"]).has(7, &[]);
}

/// A run that was killed says so, and can be repeated.
#[test]
fn a_run_that_was_killed_can_be_repeated() {
    let folder = Folder::new("killed");
    folder.file(
        "lab.toml",
        "schema = 1\nseed = 8\n[host.a]\nrun = [\"sh\", \"-c\", \"test -e again || { touch again; sleep 60; }\"]\n",
    );
    let mut child = folder.loggia(&["run", "lab.toml", "--out", "run"]).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&folder.0.join("again"));
    child.kill().unwrap();
    child.wait().unwrap();
    folder.say(&["report", "run"]).has(3, &["this run was killed"]);
    folder.say(&["replay", "run", "--out", "second"]).has(0, &["a ends with exit status 0"]);
    assert!(fs::read_to_string(folder.0.join("second/manifest.json")).unwrap().contains("\"seed\": 8"));
}

#[test]
fn a_lab_whose_folder_is_gone_is_not_looked_for_line_by_line() {
    let folder = Folder::new("moved");
    fs::create_dir(folder.0.join("here")).unwrap();
    folder.file("here/lab.toml", "schema = 1\n[host.a]\nrun = \"true\"\n");
    folder.say(&["run", "here/lab.toml", "--out", "run"]).has(0, &[]);
    fs::rename(folder.0.join("here"), folder.0.join("there")).unwrap();
    let said = folder.say(&["replay", "run"]);
    said.has(2, &["/here, is not there any more", "copy run/lab.toml", "--seed 1"]);
    assert!(!said.error.contains("run = "), "{said:?}");
}

#[test]
fn arguments_of_built_in_programs_are_read_before_the_run() {
    let folder = Folder::new("arguments");
    let lab =
        "schema = 1\n[link.wan]\nends = [\"a\", \"b\"]\n[host.a]\nprogram = \"web --prt 80\"\n[host.b]\nprogram = \"get\"\n";
    let said = folder.run(lab, &[]);
    said.has(2, &["lab.toml:5:11: web: unexpected argument '--prt' found", "a similar argument exists: '--port'"]);
    said.has(2, &["get: the following required arguments were not provided: <URL>"]);
}

#[test]
fn links_that_lead_back_or_nowhere_end_no_test() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("symlinks");
    fs::create_dir(folder.0.join("labs")).unwrap();
    folder.file("labs/lab.toml", "schema = 1\n[host.a]\nprogram = \"print x\"\n");
    symlink("..", folder.0.join("labs/back")).unwrap();
    symlink("nowhere", folder.0.join("labs/lost")).unwrap();
    folder.say(&["test", "labs"]).has(0, &["1 passed, 0 failed"]);
}

#[test]
fn who_is_tried_again_and_how_it_is_to_end_is_told_in_words() {
    let folder = Folder::new("restarts");
    let lab = "schema = 1\n[host.a]\nrun = \"false\"\nrestart = { when = \"on-failure\", most = 2 }\n[host.a.programs.b]\n\
               run = [\"sh\", \"-c\", \"kill -KILL $$\"]\nexpect = { signal = \"KILL\" }\n";
    folder.run(lab, &[]).has(1, &["exit status 1, after 2 restarts", "✓ a.b ends by SIGKILL"]);
}

#[test]
fn each_line_of_a_test_names_its_lab() {
    let folder = Folder::new("lines");
    folder.file("bad.toml", "schema = 1\n[host.a]\nprogram = \"print x --fail\"\n");
    let said = folder.say(&["test", ".", "--junit", "report.xml"]);
    said.has(1, &["loggia: ./bad.toml seed 1: failed: a ends with exit status 0: "]);
    assert!(fs::read_to_string(folder.0.join("report.xml")).unwrap().contains("classname=\"./bad.toml seed 1\""));
}

/// Whoever sent it has ended when it is on the wire, in virtual time and in real time.
#[test]
fn datagrams_arrive_before_the_run_ends() {
    let folder = Folder::new("datagrams");
    let lab = "schema = 1\n[link.wan]\nends = [\"a\", \"r\"]\ndelay = \"100ms\"\n[link.lan]\nends = [\"r\", \"b\"]\ndelay = \"100ms\"\n\
               [host.r]\nforward = true\n[host.a]\nprogram = \"udp-sink\"\nready = \"listen\"\nexpect = \"running\"\n\
               [host.b]\nprogram = \"udp-send -n 3 -s 100 a:5002\"\nafter = \"a\"\n\
               [[check]]\nmetric = \"udp.received\"\nwhere = { host = \"a\" }\nexpect = \"count == 3\"\n";
    folder.run(lab, &[]).has(0, &[]);
    folder.run(&(lab.to_owned() + "[host.r.programs.real]\nrun = \"true\"\n"), &[]).has(0, &[]);
}

/// The table of sockets is that of when the last words were heard: nobody is half closed.
#[test]
fn sockets_are_those_of_the_end() {
    let folder = Folder::new("sockets");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\ndelay = \"100ms\"\n[host.s]\nprogram = \"web\"\n\
               [host.c]\nprogram = \"get http://s/bytes/1000\"\nafter = \"s\"\n";
    folder.run(lab, &["--out", "run"]).has(0, &[]);
    let said = folder.say(&["sockets", "run"]);
    said.has(0, &["LISTEN"]);
    assert!(!said.out.contains("FIN-WAIT") && !said.out.contains("ESTAB"), "{}", said.out);
}

#[test]
fn what_a_program_has_started_gets_its_grace_too() {
    let folder = Folder::new("grace");
    let slow = "trap 'sleep 0.4; echo cleaned up; exit 0' TERM; echo >$1; while :; do sleep 0.05; done";
    folder.file("slow.sh", slow);
    let wait = "while [ ! -e one ] || [ ! -e two ]; do sleep 0.05; done";
    // The child of a program that is stopped, and the daemon of one that has ended by itself.
    let lab = format!(
        "schema = 1\n[host.a]\nrun = [\"sh\", \"-c\", \"sh slow.sh one & wait\"]\nexpect = \"running\"\n\
         [host.a.programs.b]\nrun = [\"sh\", \"-c\", \"setsid sh slow.sh two & exit 0\"]\n\
         [host.a.programs.c]\nrun = [\"sh\", \"-c\", \"{wait}\"]\n"
    );
    folder.run(&lab, &["--out", "run"]).has(0, &[]);
    for log in ["stdout.log", "b.stdout.log"] {
        let text = fs::read_to_string(folder.0.join("run/hosts/a").join(log)).unwrap();
        assert_eq!(text, "cleaned up\n", "{log}");
    }
}

/// What a queue drops depends on when packets come, and an outage on when the programs began; neither is the seed's.
#[test]
fn a_run_in_real_time_is_verified_by_what_the_seed_draws() {
    let folder = Folder::new("verified");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\nrate = \"5mbit\"\nqueue = \"5packets\"\n[host.s]\nprogram = \"web\"\n\
               [host.c.programs.wait]\nrun = [\"sh\", \"-c\", \"sleep 0.$(($$ % 10))\"]\nready = { exit = 0 }\n\
               [host.c.programs.get]\nprogram = \"get http://s/bytes/300000\"\nafter = [\"s\", \"c.wait\"]\n\
               [host.c.programs.more]\nprogram = \"get http://s/bytes/300000\"\nafter = \"s\"\n\
               [[at]]\nt = \"500ms\"\nlink = \"wan\"\ndown = \"100ms\"\n";
    folder.run(lab, &["--verify", "--out", "run"]).has(0, &["every fate that the seed drew in both runs was the same"]);
}

#[test]
fn tcp_passes_the_smallest_mtu() {
    let folder = Folder::new("mtu");
    let lab = "schema = 1\n[link.wan]\nends = [\"s\", \"c\"]\nmtu = 128\n[host.s]\nprogram = \"web\"\n\
               [host.c]\nprogram = \"get http://s/bytes/10000\"\nafter = \"s\"\n";
    folder.run(lab, &[]).has(0, &[]);
}

#[test]
fn a_sink_that_others_wait_for_still_ends_by_itself() {
    let folder = Folder::new("sink");
    let lab = "schema = 1\n[link.wan]\nends = [\"a\", \"b\"]\n[host.a]\nprogram = \"udp-sink\"\nready = \"listen\"\n\
               [host.b]\nprogram = \"udp-send -n 3 -s 100 a:5002\"\nafter = \"a\"\n";
    folder.run(lab, &[]).has(0, &["a ends with exit status 0"]);
}

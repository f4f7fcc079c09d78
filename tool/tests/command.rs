//! `loggia run -- COMMAND` as its user meets it: exit codes, signals, streams, the terminal, published ports, the uplink.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;

use loggia_cli::sys::signal;

/// The program; a copy of it in the stories of another user.
fn binary() -> String {
    std::env::var("LOGGIA_COPY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_loggia").into())
}

fn loggia(options: &[&str], command: &[&str]) -> Command {
    let mut loggia = Command::new(binary());
    loggia.arg("run").args(options).arg("--").args(command).stdin(Stdio::null());
    loggia
}

fn output(options: &[&str], command: &[&str]) -> Output {
    loggia(options, command).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn sh(script: &str) -> [&str; 3] {
    ["sh", "-c", script]
}

/// Whether a program is installed; says so if a story cannot be told without it.
fn has(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status().unwrap().success();
    if !found {
        eprintln!("SKIPPED: {program} is not installed");
    }
    found
}

/// Nobody listens to the last words.
#[test]
fn a_closed_pipe_does_not_change_the_exit_code() {
    let script = format!("'{}' run -- no-such-program 2>&1 | true; echo ${{PIPESTATUS[0]}}", binary());
    let said = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(text(&said.stdout), "127\n");
}

/// The program knows only that there are no more: whose limit it is, and how it is raised, loggia says.
#[test]
fn who_gets_no_more_sockets_for_want_of_descriptors_is_named_with_the_remedy() {
    if !has("python3") {
        return;
    }
    let program = "
import errno, socket
all = []
try:
    while True: all.append(socket.socket())
except OSError as error: print(len(all), errno.errorcode[error.errno])
";
    let script = format!("ulimit -n 256 && exec '{}' run -- python3 -c \"$0\"", binary());
    let said = Command::new("sh").args(["-c", &script, program]).stdin(Stdio::null()).output().unwrap();
    assert_eq!((said.status.code(), text(&said.stdout)), (Some(0), "180 ENFILE\n".into()), "{}", text(&said.stderr));
    let words = text(&said.stderr);
    assert!(words.contains("ENFILE: each takes one of the 256 descriptors") && words.contains("ulimit -Hn"), "{words}");
}

/// A run that is spoken with.
struct Running {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next line.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: i32) {
        signal::send(self.process.id() as i32, signal).unwrap();
    }

    fn end(mut self) -> (String, ExitStatus) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (rest, self.process.wait().unwrap())
    }
}

#[test]
fn the_exit_code_is_the_commands() {
    let code = |command: &[&str]| output(&[], command).status.code();
    assert_eq!(code(&["true"]), Some(0));
    assert_eq!(code(&sh("exit 7")), Some(7));
    assert_eq!(code(&sh("kill -TERM $$")), Some(143));
    let killed = output(&[], &sh("kill -TERM $$"));
    assert_eq!(text(&killed.stderr), "loggia: sh -c kill -TERM $$ was ended by SIGTERM\n");
    assert_eq!(text(&output(&["--quiet"], &sh("kill -TERM $$")).stderr), "");
    let missing = output(&[], &["loggia-no-such-program"]);
    assert_eq!(missing.status.code(), Some(127));
    assert_eq!(text(&missing.stderr), "loggia: loggia-no-such-program: there is no such program in PATH\n");
    assert_eq!(code(&["/etc/passwd"]), Some(126));
    assert_eq!(code(&["/etc"]), Some(126), "a folder");
}

#[test]
fn streams_are_the_commands() {
    let mut command = loggia(&[], &sh("cat; echo to error >&2"));
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("one\ntwo\n".into(), "to error\n".into()));
}

#[test]
fn what_the_command_leaves_behind_ends_with_it() {
    // The output is closed only when nobody holds it.
    let left = output(&[], &sh("setsid sleep 1000 & sleep 1000 & echo done"));
    assert_eq!((text(&left.stdout), left.status.code()), ("done\n".into(), Some(0)));
}

#[test]
fn a_signal_is_passed_on_and_the_command_decides() {
    let mut running = Running::new(loggia(&[], &sh("trap 'echo heard; exit 3' TERM; echo ready; while :; do sleep 0.02; done")));
    assert_eq!(running.hear(), "ready");
    running.signal(libc::SIGTERM);
    let (rest, status) = running.end();
    assert_eq!((rest.as_str(), status.code()), ("heard\n", Some(3)));
}

#[test]
fn ctrl_c_comes_once() {
    if !has("script") {
        return;
    }
    let script = "trap 'echo heard' INT; echo ready; until read line; do :; done; echo \"line $line\"; exit 3";
    // `exec`: a shell in between would be told of the key too, and some die of it after their command ended well.
    let command = format!("exec '{}' run -- sh -c '{}'", binary(), script.replace('\'', "'\\''"));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped());
    let mut running = Running::new(terminal);
    let mut keys = running.process.stdin.take().unwrap();
    assert_eq!(running.hear(), "ready");
    keys.write_all(b"\x03").unwrap();
    let heard = running.hear();
    assert!(heard.ends_with("heard"), "{heard}");
    keys.write_all(b"hello\n").unwrap();
    let (rest, status) = running.end();
    assert!(rest.contains("line hello"), "{rest}");
    assert!(!rest.contains("heard"), "{rest}");
    assert_eq!(status.code(), Some(3), "{rest}");
}

const SERVER: &str = "
import socket
listener = socket.create_server(('0.0.0.0', 80))
print('ready', flush=True)
while True:
    stream, _ = listener.accept()
    data = b''
    while piece := stream.recv(65536):
        data += piece
    stream.sendall(data[::-1])
    stream.close()
";

#[test]
fn a_published_port_leads_to_the_command() {
    if !has("python3") {
        return;
    }
    let mut command = loggia(&["--publish", "0:80", "--rtt", "20ms", "--loss", "1%"], &["python3", "-c", SERVER]);
    command.stderr(Stdio::piped());
    let mut running = Running::new(command);
    let mut told = String::new();
    BufReader::new(running.process.stderr.take().unwrap()).read_line(&mut told).unwrap();
    let at = told.strip_prefix("loggia: ").and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    assert_eq!(running.hear(), "ready");

    let sent: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let mut stream = TcpStream::connect(&at).unwrap();
    stream.write_all(&sent).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    got.reverse();
    assert!(got == sent, "{} of {} bytes came back", got.len(), sent.len());

    running.signal(libc::SIGTERM);
    assert_eq!(running.end().1.code(), Some(143));
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = output(&["--publish", &format!("{port}:80")], &["echo", "started"]);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    assert!(text(&refused.stderr).contains("is taken by another program"), "{}", text(&refused.stderr));
}

const CLIENT: &str = "
import socket, sys
try:
    stream = socket.create_connection(('machine.internal', int(sys.argv[1])))
except ConnectionRefusedError:
    sys.exit('refused')
stream.sendall(b'question')
stream.shutdown(socket.SHUT_WR)
peer = stream.getpeername()[0]
print(stream.makefile().read(), 'from', peer)
";

#[test]
fn the_uplink_leads_to_the_machine() {
    if !has("python3") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut question = String::new();
        stream.read_to_string(&mut question).unwrap();
        stream.write_all(format!("{question} heard").as_bytes()).unwrap();
    });
    let asked = output(&["--uplink", "--rtt", "10ms"], &["python3", "-c", CLIENT, &port]);
    let said = text(&asked.stdout);
    assert!(said.starts_with("question heard from "), "{said}{}", text(&asked.stderr));
    server.join().unwrap();

    let refused = output(&["--uplink"], &["python3", "-c", CLIENT, &port]);
    assert_eq!((refused.status.code(), text(&refused.stderr)), (Some(1), "refused\n".into()), "nobody listens there any more");
    let without = output(&[], &["python3", "-c", CLIENT, &port]);
    assert!(text(&without.stderr).contains("gaierror"), "the machine has no name without an uplink: {}", text(&without.stderr));
}

/// Tells all the other stories again.
#[test]
fn all_of_it_works_for_an_ordinary_user() {
    const NOBODY: u32 = 65534;
    if loggia_cli::sys::process::effective_uid() != 0 {
        eprintln!("SKIPPED: already an ordinary user");
        return;
    }
    let folder = std::env::temp_dir().join(format!("loggia-command-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (stories, copy) = (folder.join("stories"), folder.join("loggia"));
    fs::copy(std::env::current_exe().unwrap(), &stories).unwrap();
    fs::copy(binary(), &copy).unwrap();
    let mut told = Command::new(&stories);
    told.args(["--skip", "ordinary"]).env("LOGGIA_COPY", &copy).uid(NOBODY).gid(NOBODY).current_dir("/");
    let told = told.output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(told.status.success(), "{}{}", text(&told.stdout), text(&told.stderr));
}

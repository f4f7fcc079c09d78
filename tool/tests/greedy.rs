//! Programs that ask for too much, of the supervisor's time, memory or descriptors, hurt themselves alone.

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{A, B, Handle, LONG, Stage};
use loggia_cli::intercept::Options;
use loggia_cli::process::Status;
use loggia_lab::link::Terms;
use loggia_lab::world::HostId;

/// Starts `greedy WORDS` on host A; none if there is no compiler.
fn greedy(stage: &mut Stage, words: &str) -> Option<Handle> {
    let source = format!("{}/tests/programs/greedy.c", env!("CARGO_MANIFEST_DIR"));
    let program = stage.folder().join("greedy");
    let Ok(made) = Command::new("cc").args(["-O1", "-pthread", "-o"]).arg(&program).arg(&source).status() else {
        eprintln!("SKIPPED: cc is not installed");
        return None;
    };
    assert!(made.success(), "greedy.c does not compile");
    Some(stage.sh(A, &format!("exec {} {words}", program.display())))
}

/// Processor time of this thread since then.
fn used_since(before: Duration) -> Duration {
    used().saturating_sub(before)
}

/// Processor time of this thread: unlike the clock it does not depend on what else runs.
fn used() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel counts");
    Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).expect("nanoseconds"))
}

/// Memory of this process.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("the kernel counts");
    text.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok()).expect("pages") * 4096
}

/// Lets a program run to its end; gives what it said and the longest time in which nobody else had a turn.
fn longest_turn(stage: &mut Stage, handle: Handle) -> (String, Duration) {
    let until = Instant::now() + LONG;
    let mut longest = Duration::ZERO;
    let outcome = loop {
        let before = used();
        stage.turn(Duration::from_millis(1));
        longest = longest.max(used_since(before));
        if stage.has_ended(handle) {
            break stage.finish(handle);
        }
        assert!(Instant::now() < until, "not finished: {}", stage.output(handle));
    };
    assert_eq!(outcome.status, Status::Exit(0), "{}", outcome.output);
    (outcome.output, longest)
}

#[test]
fn answers_that_nobody_reads_are_not_kept() {
    let names = Box::new(|_, query: &[u8]| Some([query, &[0; 1000]].concat()));
    let mut stage = Stage::with("questions", Terms::default(), Options { names, ..Options::default() });
    let Some(handle) = greedy(&mut stage, "questions 20000") else { return };
    let before = resident();
    assert_eq!(longest_turn(&mut stage, handle).0, "asked\n");
    let more = resident().saturating_sub(before);
    assert!(more < 5 << 20, "{more} bytes for answers that nobody reads");
}

#[test]
fn datagrams_read_unseen_leave_no_record() {
    let mut stage = Stage::new("native", 0);
    let Some(handle) = greedy(&mut stage, "native 100000") else { return };
    let before = resident();
    assert_eq!(longest_turn(&mut stage, handle).0, "read\n");
    let more = resident().saturating_sub(before);
    assert!(more < 3 << 19, "{more} bytes for datagrams that were read");
}

#[test]
fn a_flood_lets_others_have_their_turn() {
    let mut stage = Stage::new("flood", 0);
    let Some(handle) = greedy(&mut stage, "flood 3") else { return };
    let (said, longest) = longest_turn(&mut stage, handle);
    assert_eq!(said, "shouted\n");
    assert!(longest < Duration::from_millis(100), "one turn took {longest:?}");
}

#[test]
fn a_call_of_a_million_pieces_lets_others_have_their_turn() {
    let mut stage = Stage::new("pieces", 0);
    let Some(handle) = greedy(&mut stage, "pieces 1024") else { return };
    let (said, longest) = longest_turn(&mut stage, handle);
    assert_eq!(said, "1024 sent\n");
    assert!(longest < Duration::from_millis(100), "one turn took {longest:?}");
}

/// How much of a processor we use: the least of some seconds, for whoever shares the machine makes each of our steps take longer.
fn least_share(stage: &mut Stage) -> f64 {
    let second = |_| {
        let (before, time) = (used(), Duration::from_secs(1));
        stage.pass(time);
        used_since(before).as_secs_f64() / time.as_secs_f64()
    };
    (0..4).map(second).fold(f64::INFINITY, f64::min)
}

#[test]
fn thousands_who_wait_cost_little() {
    let mut stage = Stage::new("parked", 0);
    let Some(handle) = greedy(&mut stage, "parked 3000") else { return };
    stage.until_says(handle, "parked");
    let share = least_share(&mut stage);
    assert!(share < 0.5, "{share:.2} of a processor for programs that wait");
}

#[test]
fn who_was_killed_while_waiting_is_forgotten() {
    let mut stage = Stage::new("killed", 0);
    let Some(handle) = greedy(&mut stage, "killed 2000") else { return };
    stage.until_says(handle, "killed");
    stage.pass(Duration::from_secs(2));
    let share = least_share(&mut stage);
    assert!(share < 0.1, "{share:.2} of a processor for programs that are gone");
}

#[test]
fn a_name_that_is_no_text_keeps_no_signal_away() {
    let mut stage = Stage::new("nameless", 0);
    let Some(handle) = greedy(&mut stage, "nameless") else { return };
    let outcome = stage.finish_within(handle, Duration::from_secs(20));
    assert_eq!(outcome.output, "-1 EINTR\n");
}

#[test]
fn a_socket_of_the_machine_with_a_strange_name_keeps_no_port_taken() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = [b"loggia-test-\xff\n-".as_slice(), &std::process::id().to_le_bytes()].concat();
    let _strange = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).expect("a name")).expect("a socket");
    let mut stage = Stage::new("strange", 0);
    let script = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 9000)); print('bound', flush=True); s.close(); time.sleep(1000)";
    let handle = stage.sh(B, &format!("exec python3 -c \"{script}\""));
    stage.until_says(handle, "bound");
    stage.until("the socket is closed", |stage| stage.world.stack(B).socket_rows().iter().all(|row| row.socket.is_none()));
}

/// Runs a Python script on a host.
fn python(stage: &mut Stage, host: HostId, name: &str, script: &str) -> Handle {
    std::fs::write(stage.folder().join(name), script).expect("a file");
    stage.sh(host, &format!("exec python3 -u {name}"))
}

/// Connects a hundred times to itself on host B.
const OTHERS: &str = "
import socket
l = socket.create_server(('10.0.0.2', 8000))
for n in range(100):
    c = socket.create_connection(('10.0.0.2', 8000)); a, _ = l.accept()
    c.sendall(b'x'); assert a.recv(1) == b'x'
    a.close(); c.close()
print('fine')
";

#[test]
fn who_opens_too_many_sockets_is_told_and_others_go_on() {
    let mut stage = Stage::with("sockets", Terms::default(), Options { descriptors: 2000, ..Options::default() });
    loggia_cli::process::raise_open_files().expect("more descriptors");
    let Some(handle) = greedy(&mut stage, "sockets 4000") else { return };
    stage.until_says(handle, "after");
    assert_eq!(stage.output(handle), "ENFILE after 1400\n");
    let others = python(&mut stage, B, "others.py", OTHERS);
    assert_eq!(stage.finish(others).output, "fine\n");
}

#[test]
fn a_stopped_program_holds_nobody_up() {
    let mut stage = Stage::new("stopped", 0);
    let script = "
import os, signal, socket, threading
l = socket.create_server(('10.0.0.1', 8000))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('10.0.0.1', 8000))
print('ready')
a, _ = l.accept()
threading.Thread(target=l.accept).start()
threading.Thread(target=u.recvfrom, args=[10]).start()
os.kill(os.getpid(), signal.SIGSTOP)
";
    let stopped = python(&mut stage, A, "stopped.py", script);
    stage.until_says(stopped, "ready");
    let script = "
import socket
full = socket.create_connection(('10.0.0.1', 8000)); full.settimeout(1)
try:
    while True: full.send(bytes(65536))
except TimeoutError: pass
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(2000): u.sendto(bytes(1000), ('10.0.0.1', 8000))
";
    let others = python(&mut stage, B, "others.py", &format!("{script}{OTHERS}"));
    let outcome = stage.finish_within(others, Duration::from_secs(30));
    assert_eq!(outcome.output, "fine\n");
    assert!(!stage.has_ended(stopped));
}

#[test]
fn after_a_time_without_descriptors_nobody_has_anothers_connection() {
    let mut stage = Stage::new("starved", 0);
    let script = "
import socket, time
l = socket.create_server(('127.0.0.1', 8000), backlog=1000)
print('ready')
end, failures, tried = time.time() + 3, 0, []
while time.time() < end:
    try:
        s = socket.socket(); s.settimeout(1); tried.append(s)
        s.connect(('127.0.0.1', 8000))
    except OSError: failures += 1
    time.sleep(0.01)
print('failures' if failures else 'none')
def patient(call):
    # The time without descriptors may be longer than this program's.
    while time.time() < end + 30:
        try: return call()
        except OSError: time.sleep(0.05)
for n in range(20):
    c = patient(lambda: socket.create_connection(('127.0.0.1', 8000), 5))
    while True:
        a, peer = patient(l.accept)
        if peer == c.getsockname(): break
    c.sendall(b'%d' % n); a.settimeout(5)
    assert a.recv(10) == b'%d' % n
print('own')
";
    let handle = python(&mut stage, A, "starved.py", script);
    stage.until_says(handle, "ready");
    for spare in [0, 1, 2, 1, 0, 1] {
        let mut all: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        all.truncate(all.len().saturating_sub(spare));
        stage.pass(Duration::from_millis(150));
        drop(all);
        stage.pass(Duration::from_millis(150));
    }
    assert_eq!(stage.finish(handle).output, "ready\nfailures\nown\n");
}

/// Processes that were started with this in their environment, whatever became of them.
fn marked(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let of_ours = processes.filter(|process| {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    of_ours.map(|process| std::fs::read_to_string(process.path().join("comm")).unwrap_or_default()).collect()
}

#[test]
fn whenever_loggia_is_killed_nothing_is_left() {
    const SCRIPT: &str = "(setsid sleep 1000 &); sleep 1000 & while :; do sh -c 'exec sleep 0.01'; done";
    for round in 0..50u64 {
        let value = format!("{}-{round}", std::process::id());
        let mark = format!("LOGGIA_KILLED={value}");
        let mut loggia = Command::new(env!("CARGO_BIN_EXE_loggia"))
            .args(["run", "--", "sh", "-c", SCRIPT])
            .env("LOGGIA_KILLED", &value)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("loggia");
        // Moments all over the start, from before the warden to a tree that runs.
        std::thread::sleep(Duration::from_micros(round * round * 97 % 120_000));
        loggia.kill().expect("it can be killed");
        loggia.wait().expect("it was killed");
        let until = Instant::now() + LONG;
        while !marked(&mark).is_empty() {
            assert!(Instant::now() < until, "round {round}: left are {:?}", marked(&mark));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn who_does_not_read_the_output_holds_no_lab_up() {
    let folder = std::env::temp_dir().join(format!("loggia-unread-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let call = "sleep 2; : > /dev/udp/10.0.0.1/9; : > done";
    let lab = format!(
        "schema = 1\n[link.l]\nends = ['a', 'b']\ndelay = '1ms'\n[host.a]\nrun = ['yes']\nexpect = 'running'\n[host.b]\nrun = ['bash', '-c', '{call}']\ncwd = '{}'\n",
        folder.display()
    );
    std::fs::write(folder.join("lab.toml"), lab).expect("a file");
    let mut loggia = Command::new(env!("CARGO_BIN_EXE_loggia"))
        .args(["run", "--out", "run", "lab.toml"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("loggia");
    // The second program's call is answered, though nobody has read a line of the first's.
    let until = Instant::now() + LONG / 2;
    let done = || folder.join("done").exists();
    while !done() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let done = done();
    loggia.kill().expect("it can be killed");
    loggia.wait().expect("it was killed");
    let _ = std::fs::remove_dir_all(&folder);
    assert!(done, "the lab stands still");
}

//! A host with nothing to do does nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::device::{PacketFd, Properties};
use loggia::net::{TcpListener, TcpStream};

use crate::SERVER;

const CONNECTIONS: usize = 10_000;
const NAMES: [&str; 2] = ["idle-client", "idle-server"];

/// What a thread has done since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Done {
    /// How often it went to sleep.
    sleeps: u64,
    /// How long it ran, in the kernel's ticks.
    ran: u64,
}

/// Of each of the hosts' threads.
fn done() -> [Done; 2] {
    let tasks = fs::read_dir("/proc/self/task").expect("a list of threads");
    let paths: Vec<_> = tasks.filter_map(|task| Some(task.ok()?.path())).collect();
    NAMES.map(|name| {
        let own = paths.iter().find(|path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name));
        let own = own.expect("the thread is there");
        let status = fs::read_to_string(own.join("status")).expect("its status");
        let stat = fs::read_to_string(own.join("stat")).expect("its times");
        let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("a count");
        // What follows the name in parentheses begins with the third field; user and system time are the 14th and 15th.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ran = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        Done { sleeps: sleeps.trim().parse().expect("a number"), ran }
    })
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_wakes_up_for_ten_thousand_idle_connections() {
    let (one, two) = std::os::unix::net::UnixDatagram::pair().expect("a pair");
    let start = |name: &str, address: &str, end| {
        let device = PacketFd::new(end, Properties::ip(1500)).expect("a device");
        Host::builder().name(name).address(address).device(device).start().expect("a host")
    };
    let hosts = [start(NAMES[0], "10.0.0.1/24", one), start(NAMES[1], "10.0.0.2/24", two)];
    let listener = TcpListener::bind_on(&hosts[1], SERVER).expect("bind");
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| (TcpStream::connect_on(&hosts[0], SERVER).expect("connect"), listener.accept().expect("accept").0))
        .collect();
    // They come to rest however long that takes on a busy machine; hosts that never do fail here by never ending.
    while hosts.iter().any(|host| host.with(|stack, _| stack.next_deadline().is_set())) {
        thread::sleep(Duration::from_millis(20));
    }
    // Nothing is due any more. What is still under way is the end of a last turn.
    let mut before = done();
    for quiet in 0.. {
        assert!(quiet < 300, "they never rest");
        thread::sleep(Duration::from_millis(200));
        let now = done();
        if now == before {
            break;
        }
        before = now;
    }
    for host in &hosts {
        let used = host.with(|stack, _| stack.memory().0);
        println!("{} bytes of a stack's memory for an idle connection", used / CONNECTIONS);
    }
    drop(connections);
}

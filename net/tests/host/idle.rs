//! A host with nothing to do does nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::device::{PacketFd, Properties};
use loggia::net::{TcpListener, TcpStream};

use crate::SERVER;

/// How often each of the threads of these names went to sleep.
fn sleeps(names: &[&str]) -> Vec<u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("a list of threads");
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    let statuses: Vec<String> = statuses.collect();
    let field = |status: &str, name: &str| {
        status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned())).unwrap_or_default()
    };
    let of = |name: &&str| {
        let own = statuses.iter().find(|status| field(status, "Name:") == **name).expect("the thread is there");
        field(own, "voluntary_ctxt_switches:").parse().expect("a number")
    };
    names.iter().map(of).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_wakes_up_for_idle_connections() {
    let (one, two) = std::os::unix::net::UnixDatagram::pair().expect("a pair");
    let start = |name: &str, address: &str, end| {
        let device = PacketFd::new(end, Properties::ip(1500)).expect("a device");
        Host::builder().name(name).address(address).device(device).start().expect("a host")
    };
    let (client, server) = (start("idle-client", "10.0.0.1/24", one), start("idle-server", "10.0.0.2/24", two));
    let listener = TcpListener::bind_on(&server, SERVER).expect("bind");
    let connections: Vec<_> = (0..1000)
        .map(|_| (TcpStream::connect_on(&client, SERVER).expect("connect"), listener.accept().expect("accept").0))
        .collect();
    // However long it takes them to come to rest on a busy machine: a host that never does so fails here by never ending.
    let names = ["idle-client", "idle-server"];
    let mut before = sleeps(&names);
    for quiet in 0.. {
        assert!(quiet < 300, "they never rest");
        thread::sleep(Duration::from_millis(200));
        let now = sleeps(&names);
        if now == before {
            break;
        }
        before = now;
    }
    drop(connections);
}

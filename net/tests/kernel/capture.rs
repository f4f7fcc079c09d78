//! Captures of what the kernel and we say to each other, large packets and checksums left to the device included.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;

use loggia::Host;
use loggia::capture::Options;

use crate::namespace::{has, inside};
use crate::wire::{OURS, WIRES, Wire, lay, tear_down};

const LEN: usize = 300_000;

/// Carries `LEN` bytes each way.
fn exchange(host: &Host, family: usize) {
    let listener = loggia::net::TcpListener::bind_on(host, SocketAddr::new(OURS[family], 80)).expect("bind");
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut ours, _) = listener.accept().expect("accept");
            let mut all = Vec::new();
            ours.read_to_end(&mut all).expect("read");
            ours.write_all(&all).expect("write");
        });
        let mut theirs = std::net::TcpStream::connect(SocketAddr::new(OURS[family], 80)).expect("connect");
        theirs.write_all(&vec![7; LEN]).expect("write");
        theirs.shutdown(Shutdown::Write).expect("shutdown");
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).expect("read");
        assert_eq!(all.len(), LEN);
    });
}

/// The lines that tshark gives of these fields.
fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-Y", filter, "-T", "fields"]);
    command.args(["tcp.check_checksum:TRUE", "ip.check_checksum:TRUE"].iter().flat_map(|check| ["-o", check]));
    let output = command.args(fields.iter().flat_map(|field| ["-e", field])).output().expect("tshark runs");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn every_segment_is_sound(wire: Wire, family: usize) {
    println!("{wire:?}");
    let host = lay(wire);
    let path = std::env::temp_dir().join(format!("loggia-{}-{wire:?}-{family}.pcapng", std::process::id()));
    let capture = host.capture(&path, &Options::default()).expect("a capture");
    exchange(&host, family);
    let summary = capture.stop().expect("it was written");
    assert_eq!(summary.missing, 0);
    let segments = tshark(&path, "tcp.len > 0", &["tcp.checksum.status", "tcp.len", "frame.interface_name", "tcp.dstport"]);
    let mut sent = [0, 0];
    for segment in &segments {
        let fields: Vec<_> = segment.split('\t').collect();
        assert_eq!((fields[0], fields[2]), ("1", "wire0"), "{segment}");
        let len: usize = fields[1].parse().expect("a number");
        assert!(len <= 1460, "{segment}");
        sent[usize::from(fields[3] == "80")] += len;
    }
    assert!(sent.iter().all(|bytes| *bytes >= LEN), "{sent:?}");
    std::fs::remove_file(&path).expect("it is there");
    tear_down(&host);
}

#[test]
fn a_capture_shows_segments_with_right_checksums_over_every_wire() {
    if has("tshark") {
        inside("capture::a_capture_shows_segments_with_right_checksums_over_every_wire", || {
            for (number, wire) in WIRES.into_iter().enumerate() {
                every_segment_is_sound(wire, number % 2);
            }
        });
    }
}

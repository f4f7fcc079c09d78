//! Captures, read by hands other than those that wrote them.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::capture::Options;
use loggia::net::{TcpStream, UdpSocket};
use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};

use crate::{SERVER, connected, hosts, hosts_over, lossy};

/// A file in memory.
#[derive(Clone, Debug, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl File {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A packet as it was read.
#[derive(Debug)]
struct Seen {
    data: Vec<u8>,
    len: usize,
    comments: Vec<String>,
}

/// The interfaces and packets of a capture.
fn read(file: &[u8]) -> (Vec<(String, DataLink)>, Vec<Seen>) {
    let mut reader = PcapNgReader::new(file).expect("a section");
    let (mut interfaces, mut packets) = (Vec::new(), Vec::new());
    while let Some(block) = reader.next_block() {
        match block.expect("a block") {
            Block::InterfaceDescription(interface) => {
                let name = interface.options.iter().find_map(|option| match option {
                    pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption::IfName(name) => {
                        Some(name.to_string())
                    }
                    _ => None,
                });
                interfaces.push((name.unwrap_or_default(), interface.linktype));
            }
            Block::EnhancedPacket(packet) => {
                let comments = packet.options.iter().filter_map(|option| match option {
                    EnhancedPacketOption::Comment(text) => Some(text.to_string()),
                    _ => None,
                });
                let comments = comments.collect();
                packets.push(Seen { data: packet.data.to_vec(), len: packet.original_len as usize, comments });
            }
            _ => {}
        }
    }
    (interfaces, packets)
}

fn comments(packets: &[Seen]) -> Vec<&str> {
    packets.iter().flat_map(|packet| packet.comments.iter().map(String::as_str)).collect()
}

#[test]
fn everything_that_passes_is_in_the_file_as_a_wire_would_carry_it() {
    let hosts = hosts();
    let file = File::default();
    let capture = hosts[0].capture_to(file.clone(), &Options::default()).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(&[7; 5000]).expect("write");
    there.read_exact(&mut [0; 5000]).expect("read");
    let summary = capture.stop().expect("it was written");
    let (interfaces, packets) = read(&file.bytes());
    assert_eq!(interfaces, [("ip0".to_owned(), DataLink::RAW)]);
    assert_eq!((summary.packets, summary.missing, summary.bytes), (packets.len() as u64, 0, file.bytes().len() as u64));
    assert!(packets.iter().all(|packet| packet.len <= 1500), "large packets are cut");
    let payload: usize = packets.iter().map(|packet| packet.len - 20 - usize::from(packet.data[32] >> 4) * 4).sum();
    assert_eq!(payload, 5000);
}

#[test]
fn packets_are_cut_to_the_length_that_was_asked_for() {
    let hosts = hosts();
    let file = File::default();
    let capture = hosts[1].capture_to(file.clone(), &Options::default().snaplen(64)).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(&[7; 5000]).expect("write");
    there.read_exact(&mut [0; 5000]).expect("read");
    capture.stop().expect("it was written");
    let (_, packets) = read(&file.bytes());
    assert!(packets.iter().all(|packet| packet.data.len() == packet.len.min(64)));
    assert!(packets.iter().any(|packet| packet.len > 1000));
}

#[test]
fn comments_say_what_was_dropped_and_what_was_sent_again() {
    let hosts = hosts_over(lossy(1));
    let files = [File::default(), File::default()];
    let captures = [0, 1].map(|at: usize| hosts[at].capture_to(files[at].clone(), &Options::default()).expect("a capture"));
    TcpStream::connect_on(&hosts[0], "10.0.0.2:1").expect_err("nobody listens");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(&[7; 100]).expect("write");
    there.read_exact(&mut [0; 100]).expect("it comes the second time");
    for capture in captures {
        capture.stop().expect("it was written");
    }
    let [(_, client), (_, server)] = files.map(|file| read(&file.bytes()));
    assert_eq!(comments(&server)[0], "dropped: TCP port nobody listens on");
    let again = comments(&client);
    assert!(!again.is_empty() && again.iter().all(|comment| comment.starts_with("sent again: ")), "{client:?}");
}

/// A writer that takes nothing before it is let.
struct Stuck(Arc<(Mutex<bool>, Condvar)>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut let_go = self.0.0.lock().expect("no panic");
        while !*let_go {
            let_go = self.0.1.wait(let_go).expect("no panic");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_is_stuck_holds_nobody_up_and_what_is_missing_is_counted() {
    let hosts = hosts();
    let door = Arc::new((Mutex::new(false), Condvar::new()));
    let capture = hosts[0].capture_to(Stuck(door.clone()), &Options::default().queue(10_000)).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    here.set_nodelay(true).expect("an option");
    for _ in 0..100 {
        here.write_all(&[7; 1000]).expect("write");
        there.read_exact(&mut [0; 1000]).expect("read");
    }
    *door.0.lock().expect("no panic") = true;
    door.1.notify_all();
    let summary = capture.stop().expect("it was written");
    assert!(summary.packets > 3 && summary.missing > 100, "{summary:?}");
}

/// A disk that is full from the beginning.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_ends_the_capture_and_nothing_else() {
    let hosts = hosts();
    let capture = hosts[0].capture_to(Full, &Options::default()).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(b"ping").expect("write");
    there.read_exact(&mut [0; 4]).expect("read");
    while capture.is_running() {
        thread::yield_now();
    }
    assert_eq!(capture.stop().expect_err("it is full").kind(), io::ErrorKind::StorageFull);
    here.write_all(b"pong").expect("write");
    there.read_exact(&mut [0; 4]).expect("read");
}

#[test]
fn a_file_that_may_not_grow_ends_with_a_whole_packet() {
    let hosts = hosts();
    let file = File::default();
    let capture = hosts[0].capture_to(file.clone(), &Options::default().limit(1000)).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    here.write_all(&[7; 5000]).expect("write");
    there.read_exact(&mut [0; 5000]).expect("read");
    let summary = capture.stop().expect("it was written");
    let (_, packets) = read(&file.bytes());
    assert_eq!(summary.packets, packets.len() as u64);
    assert!(summary.packets >= 3 && summary.missing >= 4 && file.bytes().len() < 1200, "{summary:?}");
}

#[test]
fn a_capture_ends_with_its_host_and_by_being_dropped() {
    let host = Host::builder().start().expect("a host");
    let capture = host.capture_to(File::default(), &Options::default()).expect("a capture");
    drop(host);
    while capture.is_running() {
        thread::yield_now();
    }
    let hosts = hosts();
    let file = File::default();
    let capture = hosts[0].capture_to(file.clone(), &Options::default()).expect("a capture");
    drop(connected(&hosts));
    drop(capture);
    assert!(read(&file.bytes()).1.len() >= 3, "what was gathered is there");
}

/// What `tshark` finds in a capture; none if it is not installed.
fn tshark(capture: &[u8], arguments: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", "-", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]).args(arguments);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: tshark cannot be run: {error}");
            return None;
        }
    };
    let mut input = child.stdin.take().expect("it is piped");
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(capture).expect("it reads"));
        child.wait_with_output().expect("it ends")
    });
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "tshark: {complaint}");
    Some(said.lines().map(str::to_owned).collect())
}

#[test]
fn tshark_reads_it_and_finds_every_checksum_right() {
    let hosts = hosts_over(lossy(2));
    let file = File::default();
    let capture = hosts[0].capture_to(file.clone(), &Options::default()).expect("a capture");
    let (mut here, mut there) = connected(&hosts);
    for _ in 0..3 {
        here.write_all(&[7; 3000]).expect("write");
        there.read_exact(&mut [0; 3000]).expect("read");
    }
    assert_eq!(here.peer_addr().expect("an address").to_string(), SERVER);
    capture.stop().expect("it was written");
    let bytes = file.bytes();
    let fields = ["-T", "fields", "-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-Y", "tcp"];
    let Some(sums) = tshark(&bytes, &fields) else { return };
    assert!(sums.len() > 8 && sums.iter().all(|line| line == "1\t1"), "{sums:?}");
    let again = tshark(&bytes, &["-Y", "tcp.analysis.retransmission", "-T", "fields", "-e", "frame.comment"]).expect("it ran");
    assert!(!again.is_empty() && again.iter().all(|comment| comment.starts_with("sent again: ")), "{again:?}");
    let interface = tshark(&bytes, &["-c", "1", "-T", "fields", "-e", "frame.interface_name"]).expect("it ran");
    assert_eq!(interface, ["ip0"]);
}

/// Passes on what is written.
struct Passing(mpsc::Sender<Vec<u8>>);

impl Write for Passing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody may want it any more.
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_single_packet_is_written_at_once() {
    let [host, _other] = hosts();
    let (written, blocks) = mpsc::channel();
    let capture = host.capture_to(Passing(written), &Options::default()).expect("a capture");
    blocks.recv().expect("a section");
    // For the writer to fall asleep.
    thread::sleep(Duration::from_millis(50));
    let socket = UdpSocket::bind_on(&host, "10.0.0.1:0").expect("bind");
    socket.send_to(b"a single packet", "10.0.0.2:9").expect("send");
    let has_it = |block: &Vec<u8>| block.windows(15).any(|bytes| bytes == b"a single packet");
    assert!(std::iter::from_fn(|| blocks.recv_timeout(Duration::from_secs(60)).ok()).any(|block| has_it(&block)));
    capture.stop().expect("a summary");
}

//! What Nagle's rule held back goes with what the call writes that looks.

use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::MUCH;
use loggia::Host;
use loggia::device::{Device, Packet, PacketFd, Properties};
use loggia::net::{TcpListener, TcpStream, UdpSocket};

/// Payload of a full segment with timestamps.
const FULL: usize = 1448;
/// Headers of a packet of IPv4 and TCP with timestamps.
const HEADERS: usize = 52;
/// Those of IPv4 and UDP.
const UDP_HEADERS: usize = 28;
/// Where in a packet of IPv4.
const PROTOCOL: usize = 9;
const UDP: u8 = 17;

/// Cuts what is long for itself. Keeps what has come from being read, notes who reads and what is sent of a stream, and drops datagrams.
struct Gate {
    inner: PacketFd,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    closed: AtomicBool,
    /// Also in vain.
    readers: Mutex<Vec<ThreadId>>,
    /// Payload of each packet that had some.
    sent: Mutex<Vec<usize>>,
}

impl Seen {
    fn was_read_here(&self) -> bool {
        self.readers.lock().expect("no panic").contains(&thread::current().id())
    }

    fn forget(&self) {
        self.readers.lock().expect("no panic").clear();
        self.sent.lock().expect("no panic").clear();
    }
}

impl Device for Gate {
    fn properties(&self) -> Properties {
        Properties::ip(1500).checksum_offload(true).segmentation_offload(60_000)
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        let closed = self.seen.closed.load(Ordering::SeqCst);
        let packet = if closed { Err(io::ErrorKind::WouldBlock.into()) } else { self.inner.receive(queue) };
        if closed || packet.is_ok() {
            self.seen.readers.lock().expect("no panic").push(thread::current().id());
        }
        packet
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let packet: Packet = packet.clone().complete_checksum().to_vec().into();
        if packet.to_vec()[PROTOCOL] == UDP {
            return Ok(());
        }
        self.inner.send(&packet)?;
        if packet.len() > HEADERS {
            self.seen.sent.lock().expect("no panic").push(packet.len() - HEADERS);
        }
        Ok(())
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor(queue)
    }
}

/// A host with such a device, and one that echoes what comes to port 7 and swallows what comes to port 9.
struct World {
    host: Host,
    seen: Arc<Seen>,
    _other: Host,
}

impl World {
    fn new() -> Self {
        let (one, other) = UnixDatagram::pair().expect("a pair");
        let device = |end| PacketFd::new(end, Properties::ip(1500)).expect("a device");
        let other = Host::builder().address("10.0.0.2/24").device(device(other)).start().expect("a host");
        for port in [7, 9] {
            let listener = TcpListener::bind_on(&other, ("10.0.0.2", port)).expect("bind");
            thread::spawn(move || {
                let (mut stream, _) = listener.accept()?;
                let mut room = vec![0; 64 << 10];
                loop {
                    match stream.read(&mut room)? {
                        0 => return Ok::<(), io::Error>(()),
                        count if port == 7 => stream.write_all(&room[..count])?,
                        _ => {}
                    }
                }
            });
        }
        let seen = Arc::<Seen>::default();
        let host = Host::builder().address("10.0.0.1/24").device(Gate { inner: device(one), seen: seen.clone() });
        Self { host: host.start().expect("a host"), seen, _other: other }
    }

    fn connect(&self, port: u16) -> TcpStream {
        TcpStream::connect_on(&self.host, ("10.0.0.2", port)).expect("connect")
    }

    /// Asks until this thread has received the answer itself: then nobody is at the helm.
    fn ask(&self, echo: &mut TcpStream) {
        for _ in 0..100_000 {
            self.seen.forget();
            echo.write_all(b"?").expect("write");
            echo.read_exact(&mut [0]).expect("an answer");
            if self.seen.was_read_here() {
                return;
            }
        }
        panic!("others read for us all the time");
    }
}

/// Sends so much that the next call looks. A call that did is seen, and from there on bytes are counted.
fn has_next_look(world: &World, aside: &UdpSocket) {
    let send = || aside.send_to(&[0; FULL - UDP_HEADERS], "10.0.0.2:10").expect("send");
    for _ in 0..2 * MUCH / FULL {
        if world.seen.was_read_here() {
            break;
        }
        send();
    }
    for _ in 0..MUCH / FULL {
        send();
    }
}

/// Has a call look that writes what it does, while the last little of a write waits for the acknowledgement that the look finds. Says what was sent of
/// the stream then, and a moment later.
fn look_for(call: impl Fn(&World, &mut TcpStream)) -> [Vec<usize>; 2] {
    let world = World::new();
    let (mut echo, mut stream) = (world.connect(7), world.connect(9));
    let aside = UdpSocket::bind_on(&world.host, ("10.0.0.1", 9)).expect("bind");
    let sent = || world.seen.sent.lock().expect("no panic").clone();
    for _ in 0..200 {
        world.ask(&mut echo);
        world.seen.forget();
        world.seen.closed.store(true, Ordering::SeqCst);
        // The last little of the first goes, as nothing is in flight; that of the second waits for it.
        stream.write_all(&[0; FULL + 100]).expect("write");
        stream.write_all(&[0; FULL + 200]).expect("write");
        has_next_look(&world, &aside);
        let held = !sent().iter().any(|payload| payload % FULL == 200);
        world.seen.forget();
        world.seen.closed.store(false, Ordering::SeqCst);
        call(&world, &mut stream);
        let (looked, at_once) = (world.seen.was_read_here(), sent());
        // All of it arrives before the next attempt.
        thread::sleep(Duration::from_millis(50));
        // Else the thread was there first, after its nap.
        if held && looked {
            return [at_once, sent()];
        }
    }
    panic!("others read for us all the time");
}

/// The acknowledgement of all that was sent would set free the last little of it as a packet of its own, a moment before more is written or after.
#[test]
fn what_was_held_back_goes_with_what_the_call_writes_that_looks() {
    let [at_once, _] = look_for(|_, stream| stream.write_all(&[0; FULL]).expect("write"));
    assert_eq!(at_once, [FULL + 200], "one packet");
}

/// A call that does not come to write leaves it to itself.
#[test]
fn what_was_held_back_goes_though_the_call_panics_that_looks() {
    let [_, later] = look_for(|world, _| {
        let call = || world.host.with(|_, _| panic!("it does not write"));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("it panics");
    });
    assert_eq!(later, [200]);
}

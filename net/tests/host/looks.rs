//! Who has sent much looks what has come, with the next call.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::MUCH;
use loggia::Host;
use loggia::device::{Device, Packet, PacketFd, Properties};
use loggia::net::UdpSocket;

const PATIENCE: Duration = Duration::from_secs(20);
const LARGE: usize = 1400;

/// Where in a packet of IPv4 and UDP without options.
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
const SOURCE_PORT: usize = 20;
const DESTINATION_PORT: usize = 22;
const PAYLOAD: usize = 28;

/// What is sent to port 9 comes back at once; all else is kept.
struct Mirror {
    inner: PacketFd,
    wire: UnixDatagram,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    readers: Mutex<Vec<ThreadId>>,
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Seen {
    fn was_read_here(&self) -> bool {
        self.readers.lock().expect("no panic").contains(&thread::current().id())
    }
}

impl Device for Mirror {
    fn properties(&self) -> Properties {
        self.inner.properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        let packet = self.inner.receive(queue)?;
        self.seen.readers.lock().expect("no panic").push(thread::current().id());
        Ok(packet)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        let packet = packet.clone().complete_checksum().to_vec();
        if packet[DESTINATION_PORT..DESTINATION_PORT + 2] == 9u16.to_be_bytes() {
            self.wire.send(&mirrored(packet))?;
        } else {
            self.seen.sent.lock().expect("no panic").push(packet);
        }
        Ok(())
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor(queue)
    }
}

/// The same datagram the other way. Its sums are the same, too.
fn mirrored(mut packet: Vec<u8>) -> Vec<u8> {
    let (before, after) = packet.split_at_mut(DESTINATION);
    before[SOURCE..].swap_with_slice(&mut after[..4]);
    let (before, after) = packet.split_at_mut(DESTINATION_PORT);
    before[SOURCE_PORT..].swap_with_slice(&mut after[..2]);
    packet
}

/// A host with such a device, the other end of its wire, and a socket whose caller reads for himself.
struct World {
    host: Host,
    wire: UnixDatagram,
    seen: Arc<Seen>,
}

impl World {
    fn new() -> Self {
        let (one, wire) = UnixDatagram::pair().expect("a pair");
        let seen = Arc::<Seen>::default();
        let inner = PacketFd::new(one, Properties::ip(1500)).expect("a device");
        let device = Mirror { inner, wire: wire.try_clone().expect("a descriptor"), seen: seen.clone() };
        let host = Host::builder().address("10.0.0.1/24").device(device).start().expect("a host");
        Self { host, wire, seen }
    }

    fn bind(&self, port: u16) -> UdpSocket {
        let socket = UdpSocket::bind_on(&self.host, ("10.0.0.1", port)).expect("bind");
        socket.set_read_timeout(Some(PATIENCE)).expect("an option");
        socket
    }

    /// Asks the mirror until this thread has received the answer itself: then nobody is at the helm.
    fn ask(&self, socket: &UdpSocket) {
        self.seen.readers.lock().expect("no panic").clear();
        for _ in 0..100_000 {
            socket.send_to(b"anybody?", "10.0.0.2:9").expect("send");
            assert_eq!(socket.recv(&mut [0; 64]).expect("an answer"), 8);
            if self.seen.was_read_here() {
                self.seen.sent.lock().expect("no panic").clear();
                return;
            }
        }
        panic!("others read for us all the time");
    }

    /// Sends so much that the next call looks: a call that did is seen by what it received, and from there on bytes are counted. False if others
    /// received it.
    fn is_next_to_look(&self, socket: &UdpSocket) -> bool {
        self.ask(socket);
        self.seen.readers.lock().expect("no panic").clear();
        self.wire.send(&self.datagram(socket)).expect("room");
        let send = || socket.send_to(&[0; LARGE], "10.0.0.2:10").expect("send");
        while self.seen.readers.lock().expect("no panic").is_empty() {
            send();
        }
        socket.recv(&mut [0; 64]).expect("it was received");
        for _ in 0..MUCH / (LARGE + PAYLOAD) {
            send();
        }
        self.seen.was_read_here()
    }

    /// A datagram from the other side for this socket.
    fn datagram(&self, socket: &UdpSocket) -> Vec<u8> {
        socket.send_to(b"for you", "10.0.0.2:10").expect("send");
        mirrored(self.seen.sent.lock().expect("no panic").pop().expect("it was sent"))
    }
}

/// It begins to wait and is called in the very same call.
#[test]
fn who_waits_for_what_it_finds_is_not_left_waiting() {
    let world = World::new();
    let (socket, waits) = (world.bind(9), world.bind(10));
    let datagram = world.datagram(&waits);
    for _ in 0..100 {
        world.is_next_to_look(&socket);
        world.wire.send(&datagram).expect("room");
        assert_eq!(waits.recv(&mut [0; 64]).expect("it is there"), 7);
    }
}

/// It waits on, at the helm, for what comes only later.
#[test]
fn who_looks_in_vain_reads_for_himself() {
    let world = World::new();
    let (socket, waits) = (world.bind(9), world.bind(10));
    let datagram = world.datagram(&waits);
    let read_here = (0..20).filter(|_| {
        let looks = world.is_next_to_look(&socket);
        world.seen.readers.lock().expect("no panic").clear();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(2));
                world.wire.send(&datagram).expect("room");
            });
            assert_eq!(waits.recv(&mut [0; 64]).expect("it has come"), 7);
        });
        looks && world.seen.was_read_here()
    });
    // The thread may be there first, after its nap.
    assert!(read_here.count() > 0, "others read for us all the time");
}

//! What users write themselves: devices, congestion controls.

use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use loggia::Host;
use loggia::congestion::{Ack, Control, Own, Window};
use loggia::device::{Device, Notifier, Packet, Properties, pair};

use crate::{connected, hosts_over, pattern, rest};

/// Carries `len` bytes from the first host to the second.
fn carry(hosts: &[Host; 2], len: usize) {
    let (mut here, there) = connected(hosts);
    let data = pattern(len);
    thread::scope(|scope| {
        let reader = scope.spawn(|| rest(there));
        here.write_all(&data).expect("write");
        drop(here);
        assert!(reader.join().expect("no panic") == data);
    });
}

/// A tunnel through datagrams of the machine: each carries a mark and one packet. It has a descriptor, so it is polled.
struct Tunnel {
    socket: UdpSocket,
    strangers: AtomicUsize,
}

const MARK: [u8; 4] = *b"tun1";

/// Two ends of a tunnel over the machine's loopback.
fn tunnel() -> [Tunnel; 2] {
    let sockets = [0; 2].map(|_| UdpSocket::bind("127.0.0.1:0").expect("bind"));
    let addrs = [0, 1].map(|at: usize| sockets[at].local_addr().expect("an address"));
    let [one, two] = sockets;
    [(one, addrs[1]), (two, addrs[0])].map(|(socket, peer)| {
        socket.connect(peer).expect("connect");
        socket.set_nonblocking(true).expect("a mode");
        Tunnel { socket, strangers: AtomicUsize::new(0) }
    })
}

impl Device for Tunnel {
    fn properties(&self) -> Properties {
        Properties::ip(1400)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        let mut room = [0; 2000];
        loop {
            let len = match self.socket.recv(&mut room) {
                // An earlier packet found nobody.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                received => received?,
            };
            match room[..len].strip_prefix(&MARK) {
                Some(packet) => return Ok(packet.into()),
                None => _ = self.strangers.fetch_add(1, Ordering::Relaxed),
            }
        }
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.socket.send(&[&MARK[..], &packet.to_vec()].concat()).map(drop)
    }

    fn descriptor(&self, _: usize) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}

#[test]
fn a_tunnel_through_datagrams() {
    let ends = tunnel();
    // What is no packet is nobody's.
    ends[0].socket.send(b"something else").expect("send");
    carry(&hosts_over(ends), 300_000);
}

/// A device over channels: somebody else's thread carries what goes through them. It tells by its notifier.
struct Channels {
    station: u8,
    leaving: SyncSender<Vec<u8>>,
    arrived: Mutex<Receiver<Vec<u8>>>,
    notifier: Mutex<Option<Notifier>>,
}

impl Device for Channels {
    fn properties(&self) -> Properties {
        Properties::ethernet([2, 0, 0, 0, 0, self.station], 1500)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        match self.arrived.lock().unwrap_or_else(PoisonError::into_inner).try_recv() {
            Ok(packet) => Ok(packet.into()),
            Err(TryRecvError::Empty) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryRecvError::Disconnected) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        match self.leaving.try_send(packet.to_vec()) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TrySendError::Disconnected(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn attach(&self, notifier: Notifier) {
        *self.notifier.lock().unwrap_or_else(PoisonError::into_inner) = Some(notifier);
    }
}

impl Channels {
    fn tell(&self) {
        let notifier = self.notifier.lock().unwrap_or_else(PoisonError::into_inner).clone();
        notifier.inspect(Notifier::ready);
    }
}

/// Two devices and the threads between them, which end with them.
fn channels() -> [Arc<Channels>; 2] {
    let (ends, carriers): (Vec<_>, Vec<_>) = (1..=2)
        .map(|station| {
            let ((leaving, left), (arriving, arrived)) = (sync_channel(20), sync_channel(20));
            let device = Channels { station, leaving, arrived: Mutex::new(arrived), notifier: Mutex::default() };
            (Arc::new(device), (left, arriving))
        })
        .unzip();
    let [one, two] = <[_; 2]>::try_from(ends).unwrap_or_else(|_| panic!("two"));
    let [(from_one, to_one), (from_two, to_two)] = <[_; 2]>::try_from(carriers).unwrap_or_else(|_| panic!("two"));
    for (from, to, (sender, receiver)) in [(from_one, to_two, (&one, &two)), (from_two, to_one, (&two, &one))] {
        let (sender, receiver) = (Arc::downgrade(sender), Arc::downgrade(receiver));
        thread::spawn(move || {
            while let Ok(packet) = from.recv() {
                if to.send(packet).is_err() {
                    return;
                }
                // One has something, the other room.
                for end in [&receiver, &sender] {
                    end.upgrade().inspect(|end| end.tell());
                }
            }
        });
    }
    [one, two]
}

#[test]
fn channels_that_somebody_elses_threads_serve() {
    let hosts = hosts_over(channels());
    carry(&hosts, 300_000);
}

static ACKED: AtomicUsize = AtomicUsize::new(0);

/// It counts what it is told, and never lets more than four segments go.
#[derive(Debug)]
struct Timid;

static TIMID: Own = Own { name: "timid", make: || Box::new(Timid) };

impl Control for Timid {
    fn acked(&mut self, window: &mut Window, ack: &Ack) {
        ACKED.fetch_add(ack.acked as usize, Ordering::Relaxed);
        window.set_cwnd(4 * window.mss());
    }

    fn reduce(&mut self, window: &mut Window) {
        window.reduce(1, 2);
    }
}

#[test]
fn a_congestion_control_of_ones_own() {
    let [one, two] = pair(Properties::ip(1500));
    let client = Host::builder().address("10.0.0.1/24").device(one).own_congestion_control(&TIMID).congestion_control("timid");
    let server = Host::builder().address("10.0.0.2/24").device(two).congestion_control("bbr");
    let hosts = [client.start().expect("a host"), server.start().expect("a host")];
    let (mut here, there) = connected(&hosts);
    here.write_all(&pattern(100_000)).expect("write");
    assert!(here.info().expect("it is TCP").congestion_window <= 10, "it begins with ten segments");
    drop(here);
    assert_eq!(rest(there).len(), 100_000);
    assert!(ACKED.load(Ordering::Relaxed) > 50_000);
    let unknown = Host::builder().congestion_control("nonsense").start().expect_err("there is none");
    assert_eq!(unknown.kind(), io::ErrorKind::InvalidInput);
}

//! Looking on at what hosts do: events and captures.
#![cfg(unix)]

mod capture;
mod events;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use loggia::Host;
use loggia::device::{Device, Memory, Notifier, Packet, Properties, pair};
use loggia::net::{TcpListener, TcpStream};

const SERVER: &str = "10.0.0.2:7";

/// 10.0.0.1 and 10.0.0.2 over these devices.
fn hosts_over([one, two]: [impl Device; 2]) -> [Host; 2] {
    let start = |address: &str, device| Host::builder().address(address).device(device).start().expect("a host");
    [start("10.0.0.1/24", one), start("10.0.0.2/24", two)]
}

fn hosts() -> [Host; 2] {
    hosts_over(pair(Properties::ip(1500)))
}

/// Two ends of a connection, the first host's first.
fn connected([client, server]: &[Host; 2]) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind_on(server, SERVER).expect("bind");
    let here = TcpStream::connect_on(client, SERVER.parse::<SocketAddr>().expect("an address")).expect("connect");
    (here, listener.accept().expect("accept").0)
}

/// Loses the n-th packet with payload that it is given to send.
struct Lossy {
    inner: Memory,
    until: AtomicU32,
}

/// A cable whose first end loses its n-th packet with payload.
fn lossy(n: u32) -> [Lossy; 2] {
    let [one, two] = pair(Properties::ip(1500).coalesce(false));
    [(one, n), (two, u32::MAX)].map(|(inner, n)| Lossy { inner, until: AtomicU32::new(n) })
}

impl Device for Lossy {
    fn properties(&self) -> Properties {
        self.inner.properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        self.inner.receive(queue)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        if packet.len() > 60 && self.until.fetch_sub(1, Ordering::Relaxed) == 1 {
            return Ok(());
        }
        self.inner.send(packet)
    }

    fn flush(&self) {
        self.inner.flush();
    }

    fn attach(&self, notifier: Notifier) {
        self.inner.attach(notifier);
    }
}

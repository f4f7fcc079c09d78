//! Two smoltcp interfaces joined in memory. Its defaults, except the buffers' size, which all subjects share; no Nagle for the ping-pong.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant as Clock};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::workload::{BIG, BUFFER, Pace, WRITE, pattern};

/// Frames under way in one direction, and buffers to use again.
#[derive(Default)]
struct Wire {
    frames: VecDeque<(Vec<u8>, usize)>,
    spare: Vec<Vec<u8>>,
}

struct Port {
    rx: Rc<RefCell<Wire>>,
    tx: Rc<RefCell<Wire>>,
    capabilities: DeviceCapabilities,
}

struct Arrived<'a>(&'a RefCell<Wire>, Vec<u8>, usize);
struct Leaving<'a>(&'a RefCell<Wire>);

impl RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let result = read(&self.1[..self.2]);
        self.0.borrow_mut().spare.push(self.1);
        result
    }
}

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut buffer = self.0.borrow_mut().spare.pop().unwrap_or_default();
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let result = write(&mut buffer[..len]);
        self.0.borrow_mut().frames.push_back((buffer, len));
        result
    }
}

impl Device for Port {
    type RxToken<'a> = Arrived<'a>;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_>, Leaving<'_>)> {
        let (buffer, len) = self.rx.borrow_mut().frames.pop_front()?;
        Some((Arrived(&self.rx, buffer, len), Leaving(&self.tx)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        // As much as a queue of a device would take.
        (self.tx.borrow().frames.len() < 1024).then(|| Leaving(&self.tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

/// One host.
struct Host {
    interface: Interface,
    port: Port,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Host {
    fn new(address: IpAddress, port: Port) -> Self {
        let mut port = port;
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut port, Instant::ZERO);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(address, 24)).expect("room for an address"));
        let mut sockets = SocketSet::new(vec![]);
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        let socket = sockets.add(socket);
        Self { interface, port, sockets, socket }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.port, &mut self.sockets);
    }
}

/// A client and a server on one wire.
struct Pair {
    client: Host,
    server: Host,
    began: Clock,
}

const CLIENT: IpAddress = IpAddress::v4(192, 0, 2, 1);
const SERVER: IpAddress = IpAddress::v4(192, 0, 2, 2);
const PORT: u16 = 80;

impl Pair {
    fn new(mtu: usize, checksums: bool) -> Self {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = mtu;
        if !checksums {
            capabilities.checksum = ChecksumCapabilities::ignored();
        }
        let (up, down) = (Rc::<RefCell<Wire>>::default(), Rc::<RefCell<Wire>>::default());
        let client = Port { rx: down.clone(), tx: up.clone(), capabilities: capabilities.clone() };
        let server = Port { rx: up, tx: down, capabilities };
        Self { client: Host::new(CLIENT, client), server: Host::new(SERVER, server), began: Clock::now() }
    }

    fn step(&mut self) {
        let now = Instant::from_micros(self.began.elapsed().as_micros() as i64);
        self.client.poll(now);
        self.server.poll(now);
    }

    fn connect(&mut self, from: u16) {
        self.server.socket().listen(PORT).expect("listen");
        let client = &mut self.client;
        let socket = client.sockets.get_mut::<Socket<'_>>(client.socket);
        socket.connect(client.interface.context(), (SERVER, PORT), from).expect("connect");
        while !(self.client.socket().may_send() && self.server.socket().may_send()) {
            self.step();
        }
    }
}

/// Does what `pace` says.
pub(crate) fn run(pace: Pace, amount: usize) -> Duration {
    match pace {
        Pace::Bulk { mtu, checksums, .. } => bulk(&mut Pair::new(mtu, checksums), amount),
        Pace::PingPong { .. } => ping_pong(&mut Pair::new(BIG, false), amount),
        Pace::Connect { .. } => connections(&mut Pair::new(BIG, false), amount),
    }
}

fn bulk(pair: &mut Pair, amount: usize) -> Duration {
    pair.connect(40_000);
    let source = pattern(WRITE);
    let mut sink = vec![0u8; WRITE];
    let began = Clock::now();
    let (mut sent, mut received) = (0, 0);
    while received < amount {
        if sent < amount {
            let len = WRITE.min(amount - sent);
            sent += pair.client.socket().send_slice(&source[..len]).expect("open");
        }
        pair.step();
        while pair.server.socket().can_recv() {
            received += pair.server.socket().recv_slice(&mut sink).expect("open");
        }
    }
    began.elapsed()
}

fn ping_pong(pair: &mut Pair, amount: usize) -> Duration {
    pair.connect(40_000);
    let mut byte = [0u8];
    let began = Clock::now();
    for _ in 0..amount {
        pair.client.socket().send_slice(b"x").expect("open");
        while !pair.server.socket().can_recv() {
            pair.step();
        }
        pair.server.socket().recv_slice(&mut byte).expect("open");
        pair.server.socket().send_slice(&byte).expect("open");
        while !pair.client.socket().can_recv() {
            pair.step();
        }
        pair.client.socket().recv_slice(&mut byte).expect("open");
    }
    began.elapsed()
}

fn connections(pair: &mut Pair, amount: usize) -> Duration {
    let mut byte = [0u8];
    let began = Clock::now();
    for number in 0..amount {
        pair.connect(40_000 + (number % 20_000) as u16);
        pair.client.socket().send_slice(b"x").expect("open");
        while !pair.server.socket().can_recv() {
            pair.step();
        }
        pair.server.socket().recv_slice(&mut byte).expect("open");
        // The server closes after the client, so that TIME-WAIT is the client's; its socket is used again at once, which is
        // the only way smoltcp has.
        pair.client.socket().close();
        while pair.server.socket().may_recv() {
            pair.step();
        }
        pair.server.socket().close();
        while pair.server.socket().state() != State::Closed || pair.client.socket().state() != State::TimeWait {
            pair.step();
        }
        pair.client.socket().abort();
    }
    began.elapsed()
}

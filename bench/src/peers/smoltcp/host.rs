//! An interface with its sockets, and two of them joined.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant as Clock;

use loggia_bench::pair::BUFFER;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use super::wire::{Frames, Port, cable};

pub(super) const CLIENT: IpAddress = IpAddress::v4(192, 0, 2, 1);
pub(super) const SERVER: IpAddress = IpAddress::v4(192, 0, 2, 2);
pub(super) const PORT: u16 = 80;

/// A TCP socket with buffers of a size.
pub(super) fn tcp(buffer: usize) -> Socket<'static> {
    let room = || SocketBuffer::new(vec![0; buffer]);
    let mut socket = Socket::new(room(), room());
    socket.set_nagle_enabled(false);
    socket
}

/// One host, with one TCP socket to begin with.
pub(super) struct Host<D: Device> {
    pub(super) interface: Interface,
    pub(super) device: D,
    pub(super) sockets: SocketSet<'static>,
    pub(super) first: SocketHandle,
}

impl<D: Device> Host<D> {
    pub(super) fn new(address: IpAddress, mut device: D) -> Self {
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, Instant::ZERO);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(address, 24)).expect("room for an address"));
        let mut sockets = SocketSet::new(vec![]);
        let first = sockets.add(tcp(BUFFER));
        Self { interface, device, sockets, first }
    }

    pub(super) fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.first)
    }

    pub(super) fn at(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(super) fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
    }

    /// Lets a socket connect to the server.
    pub(super) fn begin(&mut self, handle: SocketHandle, port: u16, from: u16) {
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        socket.connect(self.interface.context(), (SERVER, port), from).expect("connect");
    }
}

type Inside = Port<Rc<RefCell<Frames>>>;

/// A client and a server on one wire, in one thread.
pub(super) struct Pair {
    pub(super) client: Host<Inside>,
    pub(super) server: Host<Inside>,
    time: Time,
}

/// What a pair goes by, as ours do.
enum Time {
    Real(Clock),
    /// A microsecond a step: nobody's clock is read.
    Stepped(i64),
}

impl Pair {
    pub(super) fn new(mtu: usize, checksums: bool) -> Self {
        Self::going_by(Time::Real(Clock::now()), mtu, checksums)
    }

    pub(super) fn stepped(mtu: usize, checksums: bool) -> Self {
        Self::going_by(Time::Stepped(0), mtu, checksums)
    }

    fn going_by(time: Time, mtu: usize, checksums: bool) -> Self {
        let [client, server] = cable(mtu, checksums);
        Self { client: Host::new(CLIENT, client), server: Host::new(SERVER, server), time }
    }

    pub(super) fn step(&mut self) {
        let now = match &mut self.time {
            Time::Real(began) => began.elapsed().as_micros() as i64,
            Time::Stepped(now) => {
                *now += 1;
                *now
            }
        };
        let now = Instant::from_micros(now);
        self.client.poll(now);
        self.server.poll(now);
    }

    /// Joins the first sockets of both.
    pub(super) fn connect(&mut self, from: u16) {
        self.server.socket().listen(PORT).expect("listen");
        let first = self.client.first;
        self.client.begin(first, PORT, from);
        while !(self.client.socket().may_send() && self.server.socket().may_send()) {
            self.step();
        }
    }

    /// Sends `amount` bytes from the first socket of the client to that of the server.
    pub(super) fn bulk(&mut self, amount: usize, source: &[u8], sink: &mut [u8]) {
        let (mut sent, mut received) = (0, 0);
        while received < amount {
            if sent < amount {
                let len = source.len().min(amount - sent);
                sent += self.client.socket().send_slice(&source[..len]).expect("open");
            }
            self.step();
            while self.server.socket().can_recv() {
                received += self.server.socket().recv_slice(sink).expect("open");
            }
        }
    }

    /// A byte there and back between two sockets.
    pub(super) fn ping_pong(&mut self, client: SocketHandle, server: SocketHandle) {
        let mut byte = [0u8];
        self.client.at(client).send_slice(b"x").expect("open");
        while !self.server.at(server).can_recv() {
            self.step();
        }
        self.server.at(server).recv_slice(&mut byte).expect("open");
        self.server.at(server).send_slice(&byte).expect("open");
        while !self.client.at(client).can_recv() {
            self.step();
        }
        self.client.at(client).recv_slice(&mut byte).expect("open");
    }
}

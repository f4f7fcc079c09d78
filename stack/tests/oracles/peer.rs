//! smoltcp as the other host: it and we understand each other, on Ethernet, in both directions, over a link that loses.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Addr, Frame, Instant, SockAddr};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Medium as TheirMedium;
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};

use crate::sim::pattern::Pattern;
use crate::sim::{Conditions, Host, Random, Wire};
use crate::smoltcp_device::Queues;

/// smoltcp's host, ours, and the wires between them.
struct Pair {
    now: Instant,
    ours: Host,
    theirs: Interface,
    device: Queues,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    wires: [Wire; 2],
}

impl Pair {
    fn new(seed: u64, [our_addr, their_addr]: [Addr; 2], conditions: Conditions) -> Self {
        let medium = Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, 1]), vlan: None };
        let link = LinkConfig { name: "eth0".into(), medium, mtu: 1500, offloads: Offloads::default(), queue_limit: 1 << 20 };
        let mut device = Queues::new(TheirMedium::Ethernet, 1514);
        let mac = HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 2]));
        let mut theirs = Interface::new(Config::new(mac), &mut device, smoltcp::time::Instant::ZERO);
        let prefix = if their_addr.is_v4() { 24 } else { 64 };
        theirs.update_ip_addrs(|list| list.push(IpCidr::new(ip(their_addr), prefix)).expect("room"));
        let mut sockets = SocketSet::new(vec![]);
        let buffer = || SocketBuffer::new(vec![0; 32 << 10]);
        let socket = sockets.add(Socket::new(buffer(), buffer()));
        let wires = [1, 2].map(|purpose| Wire::new(conditions, Random::new(seed, purpose)));
        Self { now: Instant::EPOCH, ours: Host::with(seed, our_addr, link, |_| {}), theirs, device, sockets, socket, wires }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    /// Goes to the next moment at which anything happens.
    fn step(&mut self) {
        let now = smoltcp::time::Instant::from_micros(self.now.micros() as i64);
        self.theirs.poll(now, &mut self.device, &mut self.sockets);
        for frame in self.device.leaving.drain(..) {
            self.wires[1].put(self.now, &Frame::from(&frame[..]));
        }
        while let Some(frame) = self.ours.transmit() {
            self.wires[0].put(self.now, &frame);
        }
        let their_next = self.theirs.poll_at(now, &self.sockets);
        let their_next = their_next.map_or(Instant::NEVER, |at| Instant::from_micros(at.total_micros() as u64));
        let next = self.wires.iter().map(Wire::next_arrival).chain([their_next, self.ours.next_deadline()]).min();
        // smoltcp counts in microseconds.
        self.now = next.unwrap_or(Instant::NEVER).max(self.now + Duration::from_micros(1));
        self.ours.advance(self.now);
        while let Some(frame) = self.wires[1].take(self.now) {
            self.ours.receive(frame);
        }
        while let Some(frame) = self.wires[0].take(self.now) {
            self.device.arrived.push_back(frame.to_vec());
        }
    }
}

fn ip(addr: Addr) -> IpAddress {
    if addr.is_v4() { IpAddress::Ipv4(addr.v4_octets().into()) } else { IpAddress::Ipv6(addr.octets().into()) }
}

const BYTES: u64 = 300_000;

fn lossy() -> Conditions {
    Conditions { delay: Duration::from_millis(5), loss: 0.03, duplicate: 0.01, corrupt: 0.01, ..Conditions::default() }
}

fn families() -> [[Addr; 2]; 2] {
    let v6 = |last| Addr::from_v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    [[Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)], [v6(1), v6(2)]]
}

/// Duplicate address detection, so that the link's first packets are not those of a test.
fn settle(pair: &mut Pair) {
    while pair.now < Instant::from_secs(4) {
        pair.step();
    }
}

#[test]
fn we_serve_smoltcp() {
    for addresses in families() {
        let mut pair = Pair::new(3, addresses, lossy());
        settle(&mut pair);
        let (sends, expects) = (Pattern::new(1), Pattern::new(2));
        let listener = pair.ours.listen(addresses[0], 80, 8);
        let remote = IpEndpoint::new(ip(addresses[0]), 80);
        let socket = pair.sockets.get_mut::<Socket<'_>>(pair.socket);
        socket.connect(pair.theirs.context(), remote, 4000).expect("connect");
        let mut ours = None;
        let mut counts = Counts::default();
        while !counts.all_through() {
            assert!(pair.now < Instant::from_secs(300), "it takes too long: {counts:?}");
            ours = ours.or_else(|| pair.ours.accept(listener));
            exchange(&mut pair, ours, &sends, &expects, &mut counts);
            pair.step();
        }
        close_in_order(&mut pair, ours.expect("a connection"));
    }
}

#[test]
fn we_call_smoltcp() {
    for addresses in families() {
        let mut pair = Pair::new(4, addresses, lossy());
        settle(&mut pair);
        let (sends, expects) = (Pattern::new(1), Pattern::new(2));
        pair.socket().listen(80).expect("listen");
        let ours = pair.ours.tcp(addresses[0]);
        pair.ours.connect(ours, SockAddr::new(addresses[1], 80));
        let mut counts = Counts::default();
        while !counts.all_through() {
            assert!(pair.now < Instant::from_secs(300), "it takes too long: {counts:?}");
            exchange(&mut pair, Some(ours), &sends, &expects, &mut counts);
            pair.step();
        }
        close_in_order(&mut pair, ours);
    }
}

/// Bytes written and read at each end.
#[derive(Default, Debug)]
struct Counts {
    we_wrote: u64,
    we_read: u64,
    they_wrote: u64,
    they_read: u64,
}

impl Counts {
    fn all_through(&self) -> bool {
        self.we_read == BYTES && self.they_read == BYTES
    }
}

fn exchange(pair: &mut Pair, ours: Option<loggia_stack::SocketId>, sends: &Pattern, expects: &Pattern, counts: &mut Counts) {
    let mut into = [0; 8192];
    if let Some(ours) = ours {
        while counts.we_wrote < BYTES
            && let Ok(count) = pair.ours.write(ours, sends.at(counts.we_wrote, (BYTES - counts.we_wrote) as usize))
        {
            counts.we_wrote += count as u64;
        }
        while let Ok(count) = pair.ours.read(ours, &mut into) {
            assert!(expects.matches(counts.we_read, &into[..count]));
            counts.we_read += count as u64;
        }
    }
    let theirs = pair.socket();
    if theirs.may_send() && counts.they_wrote < BYTES {
        let piece = expects.at(counts.they_wrote, (BYTES - counts.they_wrote) as usize);
        counts.they_wrote += theirs.send_slice(piece).expect("open") as u64;
    }
    while theirs.can_recv() {
        let count = theirs.recv_slice(&mut into).expect("open");
        assert!(sends.matches(counts.they_read, &into[..count]));
        counts.they_read += count as u64;
    }
}

/// We close, they see it and close, and both are through.
fn close_in_order(pair: &mut Pair, ours: loggia_stack::SocketId) {
    pair.ours.close(ours);
    let until = pair.now + Duration::from_secs(120);
    while pair.socket().state() != State::Closed {
        assert!(pair.now < until, "smoltcp is in {:?}", pair.socket().state());
        if !pair.socket().may_recv() {
            pair.socket().close();
        }
        pair.step();
    }
}

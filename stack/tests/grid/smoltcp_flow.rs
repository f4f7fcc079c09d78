//! One flow of smoltcp over the same wires: what another stack makes of the same place.

use loggia_stack::base::time::Duration;
use loggia_stack::base::{Frame, Instant};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Medium as TheirMedium;
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::sim::{Conditions, Random, Wire};
use crate::smoltcp_device::Queues;

const ADDRESSES: [IpAddress; 2] = [IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 0, 0, 2)];

/// A host of smoltcp with one socket.
struct Host {
    interface: Interface,
    device: Queues,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Host {
    fn new(seed: u64, address: IpAddress, buffer: usize, control: CongestionControl) -> Self {
        let mut device = Queues::new(TheirMedium::Ip, 1500);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut device, smoltcp::time::Instant::ZERO);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(address, 24)).expect("room for an address"));
        let room = || SocketBuffer::new(vec![0; buffer]);
        let mut socket = Socket::new(room(), room());
        socket.set_congestion_control(control);
        let mut sockets = SocketSet::new(vec![]);
        let socket = sockets.add(socket);
        Self { interface, device, sockets, socket }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }

    fn poll(&mut self, now: Instant, wire: &mut Wire) {
        self.interface.poll(time(now), &mut self.device, &mut self.sockets);
        for frame in self.device.leaving.drain(..) {
            wire.put(now, &Frame::from(&frame[..]));
        }
    }

    fn next(&mut self, now: Instant) -> Instant {
        let next = self.interface.poll_at(time(now), &self.sockets);
        next.map_or(Instant::NEVER, |at| Instant::from_micros(at.total_micros() as u64))
    }
}

fn time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(now.micros() as i64)
}

/// Bytes a second that a flow of smoltcp brings over in a time, with buffers of so many bytes.
pub(crate) fn goodput(seed: u64, control: CongestionControl, buffer: usize, time: Duration, conditions: Conditions) -> f64 {
    let mut hosts = [0, 1].map(|number| Host::new(seed + number as u64, ADDRESSES[number], buffer, control));
    let mut wires = [1, 2].map(|purpose| Wire::new(conditions, Random::new(seed, purpose)));
    hosts[1].socket().listen(80).expect("a port");
    let Host { interface, sockets, socket, .. } = &mut hosts[0];
    sockets.get_mut::<Socket<'_>>(*socket).connect(interface.context(), (ADDRESSES[1], 80), 50_000).expect("connects");
    let (mut now, until, data) = (Instant::EPOCH, Instant::EPOCH + time, vec![7; 64 << 10]);
    let mut read = 0;
    while now < until {
        for number in 0..2 {
            while let Some(frame) = wires[number].take(now) {
                hosts[1 - number].device.arrived.push_back(frame.to_vec());
            }
        }
        for number in 0..2 {
            hosts[number].poll(now, &mut wires[number]);
        }
        let writes = hosts[0].socket().send_slice(&data).unwrap_or(0);
        let reads = hosts[1].socket().recv(|bytes| (bytes.len(), bytes.len())).unwrap_or(0);
        read += reads;
        if writes + reads == 0 {
            let next = wires.iter().map(Wire::next_arrival).min().unwrap_or(Instant::NEVER);
            let next = hosts.iter_mut().map(|host| host.next(now)).fold(next, Instant::min);
            // smoltcp counts in microseconds.
            now = next.max(now + Duration::from_micros(1));
        }
    }
    read as f64 / time.as_secs_f64()
}

//! What the fuzz targets share: a host with sockets open on an Ethernet and a raw-IP link, and frames made from random bytes in
//! such a way that they get past the first checks.

use arbitrary::{Arbitrary, Unstructured};
use loggia_stack::Seed;
use loggia_stack::base::{Addr, Cidr, Frame, Instant, LinkId, MsgFlags, SockAddr, SocketId};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, AF_UNIX, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM,
};
use loggia_stack::socket::{Address, Permission};

pub mod frame;

pub use frame::{RandomFrame, RandomStream};

/// Our link address.
pub const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Our addresses: on Ethernet, on the raw-IP link.
pub const V4: [[u8; 4]; 2] = [[10, 0, 0, 1], [10, 0, 1, 1]];
/// The same in IPv6.
pub const V6: [[u8; 16]; 2] =
    [[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]];
/// The port everything is bound to.
pub const PORT: u16 = 7;
/// Memory the host may use; small, so that its bounds are met.
const MEMORY: usize = 4 << 20;

/// A host and what was opened on it.
pub struct Host {
    /// The host.
    pub stack: Stack,
    /// Its links: Ethernet, raw IP.
    pub links: [LinkId; 2],
    /// Sockets, for calls that name one by number.
    pub sockets: Vec<SocketId>,
    now: Instant,
}

impl Host {
    /// A host with listeners and datagram sockets: a router if the first bit of `data` says so, for a router believes other
    /// messages than an end system does.
    pub fn new(data: &[u8]) -> Self {
        let forwards = data.first().is_some_and(|first| first & 1 != 0);
        let mut config = Config { memory: MEMORY, ..Config::default() };
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        config.socket.max_sockets = 200;
        config.network.ipv4.forward = forwards;
        config.network.ipv6.forwarding = forwards;
        let mut stack = Stack::new(config, Seed::from(1), Instant::EPOCH);
        let offloads = Offloads { coalesce: true, ..Offloads::default() };
        let mediums = [("eth0", Medium::Ethernet { mac: Mac(MAC), vlan: None }), ("tun0", Medium::Ip)];
        let links = mediums.map(|(name, medium)| {
            let config = LinkConfig { name: name.into(), medium, mtu: 1500, offloads, queue_limit: 1 << 20 };
            stack.add_link(config).expect("a link")
        });
        for (at, link) in links.into_iter().enumerate() {
            stack.set_up(link, true).expect("up");
            stack.add_address(link, Cidr::new(Addr::from_v4(V4[at]), 24)).expect("an address");
            stack.add_address(link, Cidr::new(Addr::from_v6(V6[at]), 64)).expect("an address");
        }
        let mut host = Self { stack, links, sockets: Vec::new(), now: Instant::EPOCH };
        host.open_sockets();
        host
    }

    fn open_sockets(&mut self) {
        for (family, any) in [(AF_INET, Addr::v4(0, 0, 0, 0)), (AF_INET6, Addr::from_v6([0; 16]))] {
            let address = address(SockAddr::new(any, PORT));
            for ty in [SOCK_STREAM, SOCK_DGRAM] {
                let socket = self.stack.socket(family, ty, 0).expect("a socket");
                // The IPv6 socket takes IPv4 too, which the IPv4 socket has: it may be refused.
                let _ = self.stack.bind(socket, &address);
                if ty == SOCK_STREAM {
                    let _ = self.stack.listen(socket, 4);
                }
                self.sockets.push(socket);
            }
        }
        for (family, protocol) in [(AF_INET, IPPROTO_ICMP), (AF_INET6, IPPROTO_ICMPV6)] {
            self.sockets.push(self.stack.socket(family, SOCK_RAW, protocol).expect("a raw socket"));
        }
        self.sockets.push(self.stack.socket(AF_UNIX, SOCK_DGRAM, 0).expect("a socket"));
    }

    /// Time passes.
    pub fn wait(&mut self, milliseconds: u32) {
        self.now = self.now + core::time::Duration::from_millis(milliseconds.into());
        self.stack.advance(self.now);
        self.drain();
    }

    /// A frame arrives.
    pub fn bring(&mut self, link: LinkId, frame: Frame) {
        self.stack.receive(link, frame);
        self.drain();
    }

    /// Frames arrive together.
    pub fn bring_many(&mut self, link: LinkId, frames: Vec<Frame>) {
        self.stack.receive_many(link, frames);
        self.drain();
    }

    /// Takes all outputs, and checks that memory is within its bound.
    pub fn drain(&mut self) {
        for link in self.links {
            while self.stack.transmit(link).is_some() {}
        }
        while self.stack.next_ready().is_some() {}
        while self.stack.next_event().is_some() {}
        let (used, _) = self.stack.memory();
        // The budget is met by refusing, which an input that is being dealt with may overshoot by its own size.
        assert!(used <= MEMORY + (256 << 10), "{used} bytes in use");
    }

    /// Accepts and reads whatever there is.
    pub fn serve(&mut self) {
        let mut room = [0; 4096];
        for at in 0..self.sockets.len() {
            let socket = self.sockets[at];
            if let Ok((accepted, _)) = self.stack.accept(socket) {
                self.sockets.push(accepted);
            }
            let _ = self.stack.recv(socket, &mut room, MsgFlags::NONE);
        }
        self.drain();
    }
}

/// A socket address as calls take it.
pub fn address(addr: SockAddr) -> Address {
    if addr.addr.is_v4() { Address::Inet(addr) } else { Address::Inet6 { addr, flowinfo: 0 } }
}

/// Runs `step` for each item that can be made from `data`, so many at most.
pub fn each<'a, T: Arbitrary<'a>>(data: &'a [u8], most: usize, mut step: impl FnMut(T)) {
    let mut bytes = Unstructured::new(data);
    for _ in 0..most {
        if bytes.is_empty() {
            return;
        }
        let Ok(item) = T::arbitrary(&mut bytes) else { return };
        step(item);
    }
}

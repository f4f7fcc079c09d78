//! The stack with one link, a virtual clock and the packets that left it.

use std::collections::VecDeque;

use bytes::Bytes;
use loggia_stack::base::{Addr, Cidr, Duration, Frame};
use loggia_stack::link::{LinkConfig, Medium, Offloads, complete_checksum};
use loggia_stack::socket::Permission;
use loggia_stack::{Config, Instant, LinkId, Seed, Stack};

use crate::Setup;

/// The first moment of a run. Not the stack's epoch, so that what happened "long ago" has room before it.
const BEGINNING: Instant = Instant::from_secs(1_000_000);
/// The largest super-segment that the device takes, as packetdrill's own TUN device does.
const LARGEST: u32 = 65_535;

/// A packet that left, and when.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The whole IP packet; of a super-segment the packet that a capture before the device shows.
    pub packet: Vec<u8>,
    /// The moment.
    pub at: Instant,
}

/// The host under test.
#[derive(Debug)]
pub struct Host {
    /// Its stack.
    pub stack: Stack,
    link: LinkId,
    sent: VecDeque<Sent>,
}

impl Host {
    /// A host with its addresses on one link; everything else is reached by it too.
    ///
    /// # Panics
    /// If the addresses cannot be set: the run would mean nothing.
    pub fn new(setup: &Setup) -> Self {
        let mut config = Config::default();
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        let mut stack = Stack::new(config, Seed::from(1), BEGINNING);
        let offloads = Offloads { checksum: true, segmentation: LARGEST, coalesce: false };
        let link = LinkConfig { name: "tun0".into(), medium: Medium::Ip, mtu: setup.mtu, offloads, queue_limit: 64 << 20 };
        let link = stack.add_link(link).expect("the link is valid");
        stack.set_up(link, true).expect("the link exists");
        for address in &setup.addresses {
            stack.add_address(link, *address).expect("the address is valid");
        }
        for any in [Addr::V4_ANY, Addr::V6_ANY] {
            stack.add_route(Cidr { addr: any, prefix: 0 }, None, link, 0).expect("the route is valid");
        }
        Self { stack, link, sent: VecDeque::new() }
    }

    /// The moment.
    pub fn now(&self) -> Instant {
        self.stack.now()
    }

    /// When the stack wants to be woken.
    pub fn next_deadline(&self) -> Instant {
        self.stack.next_deadline()
    }

    /// Time goes to `to`, which is not beyond the next deadline.
    pub fn go_to(&mut self, to: Instant) {
        self.stack.advance(to);
        self.collect();
    }

    /// An IP packet arrives.
    pub fn receive(&mut self, packet: &[u8]) {
        self.stack.receive(self.link, Frame::from(Bytes::copy_from_slice(packet)));
        self.collect();
    }

    /// Notes the moment of what the stack has to send.
    pub fn collect(&mut self) {
        let at = self.now();
        while let Some(mut frame) = self.stack.transmit(self.link) {
            complete_checksum(&mut frame);
            self.sent.push_back(Sent { packet: frame.to_vec(), at });
        }
    }

    /// The oldest packet that left and was not looked at.
    pub fn next_sent(&mut self) -> Option<Sent> {
        self.sent.pop_front()
    }
}

/// Microseconds as packetdrill counts them.
pub fn micros(count: u64) -> Duration {
    Duration::from_micros(count)
}

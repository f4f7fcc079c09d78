//! A host of a world: a stack and where its links lead.

use loggia_stack::base::{Instant, LinkId};
use loggia_stack::engine::Stack;
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};

/// Names a host of a world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub usize);

/// A network interface of a host, always Ethernet.
#[derive(Clone, Debug)]
pub struct PortConfig {
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its address.
    pub mac: Mac,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// The stack may hand over super-segments of up to 64 KiB; only where no link on the way looks at single packets.
    pub large_frames: bool,
}

impl PortConfig {
    pub(super) fn link(&self) -> LinkConfig {
        let segmentation = if self.large_frames { 65_000 } else { 0 };
        LinkConfig {
            name: self.name.clone(),
            medium: Medium::Ethernet { mac: self.mac, vlan: None },
            mtu: self.mtu,
            // Nothing here damages a packet unseen: who does (a link that corrupts, a capture) completes the checksum first.
            offloads: Offloads { checksum: true, segmentation, coalesce: false },
            queue_limit: 16 << 20,
        }
    }
}

/// A host of a world.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    pub(super) stack: Stack,
    pub(super) ports: Vec<Port>,
    pub(super) booked: Instant,
}

/// An interface of a host, and the link it is plugged into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    /// As the stack names it.
    pub(super) link: LinkId,
    /// Which link of the world, and which of its ends.
    pub(super) plug: Option<(usize, usize)>,
}

impl Host {
    /// Its stack, to be asked.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// How many interfaces it has.
    pub fn ports(&self) -> usize {
        self.ports.len()
    }

    /// As the stack names an interface.
    pub fn link(&self, port: usize) -> LinkId {
        self.ports[port].link
    }
}

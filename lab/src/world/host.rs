//! A host of a world: a stack and where its links lead.

use loggia_stack::base::{Instant, LinkId};
use loggia_stack::engine::Stack;
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};

use crate::link::Terms;

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
    /// What the stack hands over, and how its packets are told of.
    pub frames: Frames,
}

/// What a stack hands over to its links. It depends on what all links do that a frame may cross from there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Frames {
    /// Single packets: right everywhere.
    #[default]
    Packets,
    /// Super-segments of up to 64 KiB whose packets have each their own name and fate: where links
    /// [keep them together](crate::link::Terms::keeps_together). What leaves at one moment, one behind the other, leaves together.
    Trains,
    /// Super-segments that are as one packet: where no link [looks at single packets](crate::link::Terms::takes_large_frames).
    Whole,
}

impl Frames {
    /// The most that a link with these terms is for.
    pub fn of(terms: &Terms) -> Self {
        if terms.takes_large_frames() {
            Self::Whole
        } else if terms.keeps_together() {
            Self::Trains
        } else {
            Self::Packets
        }
    }
}

impl PortConfig {
    pub(super) fn link(&self) -> LinkConfig {
        let segmentation = if self.frames == Frames::Packets { 0 } else { 65_000 };
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
    /// The packets of a super-segment are told of one by one.
    pub(super) trains: bool,
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

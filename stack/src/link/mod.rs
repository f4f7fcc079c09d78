//! Layer 1, link: frames in and out, link addresses, large frames cut and joined.
//!
//! Ethernet II with 802.1Q tags, raw-IP links and loopback. ARP (RFC 826, 5227) lives here whole; of neighbour discovery
//! (RFC 4861) the cache and its states live here for both families, while the ICMPv6 messages are the network layer's.
//! Nothing here calls upwards: what the network layer must know waits in [`Links::poll`].
//!
//! Invariants: the neighbour cache and each entry's queue of waiting packets are bounded; a link's output queue is bounded in
//! bytes; a frame larger than the MTU leaves only to a device that said it cuts.

use alloc::string::String;

use crate::base::{Addr, Base, Errno, Frame, LinkId, Timer, Version};

/// A 48-bit link address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// The group address of an IPv4 (RFC 1112 §6.4) or IPv6 (RFC 2464 §7) multicast address.
    pub fn multicast(group: Addr) -> Self {
        let o = group.octets();
        if group.is_v4() {
            Self([0x01, 0x00, 0x5e, o[13] & 0x7f, o[14], o[15]])
        } else {
            Self([0x33, 0x33, o[12], o[13], o[14], o[15]])
        }
    }
}

/// What kind of link it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// What is sent comes back.
    Loopback,
    /// Frames are IP packets without a link header (TUN).
    Ip,
    /// Ethernet II; `vlan` tags everything sent and accepts only that VLAN.
    Ethernet {
        /// Our address.
        mac: Mac,
        /// 802.1Q VLAN identifier.
        vlan: Option<u16>,
    },
}

/// What the device behind a link does itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offloads {
    /// It completes partial transport checksums (or no wire needs them): frames leave with [`Checksum::Partial`](crate::base::Checksum::Partial).
    pub checksum: bool,
    /// The largest super-segment (payload bytes) it cuts itself; 0: frames are cut before they leave.
    pub segmentation: u32,
    /// Join arriving segments of one flow before they go up.
    pub coalesce: bool,
}

/// A link to be added.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its name, e.g. `eth0`; at most 15 bytes.
    pub name: String,
    /// Its kind.
    pub medium: Medium,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// What its device does itself.
    pub offloads: Offloads,
    /// Bytes its output queue holds before packets are discarded (counted after cutting).
    pub queue_limit: usize,
}

/// How a frame was addressed on the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkCast {
    /// To us.
    Unicast,
    /// To a group.
    Multicast,
    /// To all.
    Broadcast,
}

/// Where on the link a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hop {
    /// To the neighbour with this protocol address.
    Neighbour(Addr),
    /// To a multicast group.
    Multicast(Addr),
    /// To all.
    Broadcast,
}

/// An IP packet that came up.
#[derive(Clone, Debug)]
pub struct Received {
    /// By which link.
    pub link: LinkId,
    /// Which family the link header announced.
    pub version: Version,
    /// The frame.
    pub frame: Frame,
    /// Where in the frame the IP header starts.
    pub network: usize,
    /// How it was addressed on the link.
    pub cast: LinkCast,
    /// The sender's link address.
    pub from: Option<Mac>,
}

/// What goes up from the link layer.
#[derive(Clone, Debug)]
pub enum Up {
    /// An IP packet.
    Received(Received),
    /// An IPv6 neighbour must be asked for (the network layer sends the solicitation).
    Solicit {
        /// On which link.
        link: LinkId,
        /// Whom.
        target: Addr,
        /// To this address alone (state PROBE), else to the solicited-node group.
        unicast: Option<Mac>,
    },
    /// A packet was given up because its neighbour does not answer; `network` as in [`Received`].
    Unreachable {
        /// On which link.
        link: LinkId,
        /// The packet.
        frame: Frame,
        /// Where its IP header starts.
        network: usize,
    },
    /// Another station uses an IPv4 address of ours (RFC 5227).
    Conflict {
        /// On which link.
        link: LinkId,
        /// The address.
        addr: Addr,
        /// Whose link address claims it.
        mac: Mac,
    },
    /// Probing (RFC 5227 §2.1) found no other user of an IPv4 address.
    ProbeDone {
        /// On which link.
        link: LinkId,
        /// The address.
        addr: Addr,
    },
}

/// All links of a host.
#[derive(Debug)]
pub struct Links {
    /// What every layer stands on.
    pub base: Base,
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Links {
    // CONTRACT (bodies are the link layer's work):
    pub fn new(base: Base) -> Self {
        Self { base }
    }
    /// Adds a link; its number is one more than the last one's.
    pub fn add(&mut self, config: LinkConfig) -> Result<LinkId, Errno> {
        todo!()
    }
    pub fn remove(&mut self, link: LinkId) -> Result<(), Errno> {
        todo!()
    }
    pub fn config(&self, link: LinkId) -> Option<&LinkConfig> {
        todo!()
    }
    pub fn by_name(&self, name: &str) -> Option<LinkId> {
        todo!()
    }
    pub fn ids(&self) -> alloc::vec::Vec<LinkId> {
        todo!()
    }
    pub fn is_up(&self, link: LinkId) -> bool {
        todo!()
    }
    pub fn set_up(&mut self, link: LinkId, up: bool) {
        todo!()
    }
    pub fn set_mtu(&mut self, link: LinkId, mtu: u32) -> Result<(), Errno> {
        todo!()
    }

    /// A frame from the device.
    pub fn receive(&mut self, link: LinkId, frame: Frame) {
        todo!()
    }
    /// The next thing the network layer must know. Frames sent on loopback come up here as `Received`.
    pub fn poll(&mut self) -> Option<Up> {
        todo!()
    }
    /// Sends an IP packet (network header pushed, `l3_len` set). `ENOBUFS` when the link's queue is full, `ENETDOWN` when it is down.
    pub fn send(&mut self, link: LinkId, hop: Hop, version: Version, frame: Frame) -> Result<(), Errno> {
        todo!()
    }
    /// The next frame for the device, cut and with checksums as its offloads ask.
    pub fn transmit(&mut self, link: LinkId) -> Option<Frame> {
        todo!()
    }
    /// True if the link's queue has room for another packet.
    pub fn has_room(&self, link: LinkId) -> bool {
        todo!()
    }
    /// A timer of [`TimerOwner::Neighbour`](crate::base::TimerOwner::Neighbour) fired.
    pub fn timer(&mut self, timer: Timer) {
        todo!()
    }

    // Protocol addresses, for ARP. The network layer keeps them in step.
    /// Answers ARP for `addr` from now on and announces it (RFC 5227 §2.3).
    pub fn arp_own(&mut self, link: LinkId, addr: Addr) {
        todo!()
    }
    /// Probes for another user of `addr` first; `Conflict` or `ProbeDone` comes up.
    pub fn arp_probe(&mut self, link: LinkId, addr: Addr) {
        todo!()
    }
    pub fn arp_disown(&mut self, link: LinkId, addr: Addr) {
        todo!()
    }

    // The neighbour cache (RFC 4861 §7.3), for neighbour discovery and for the user.
    /// A neighbour advertisement (RFC 4861 §7.2.5).
    pub fn neighbour_advertised(
        &mut self,
        link: LinkId,
        addr: Addr,
        mac: Option<Mac>,
        solicited: bool,
        overrides: bool,
        router: bool,
    ) {
        todo!()
    }
    /// A link address learnt from a solicitation, a router message or a redirect: STALE if it is new (RFC 4861 §7.2.3, 6.3.4, 8.3).
    pub fn neighbour_learnt(&mut self, link: LinkId, addr: Addr, mac: Mac) {
        todo!()
    }
    /// The layer above saw forward progress: REACHABLE (RFC 4861 §7.3.1).
    pub fn neighbour_confirmed(&mut self, link: LinkId, addr: Addr) {
        todo!()
    }
    /// A permanent entry set by the user.
    pub fn neighbour_set(&mut self, link: LinkId, addr: Addr, mac: Mac) -> Result<(), Errno> {
        todo!()
    }
    pub fn neighbour_remove(&mut self, link: LinkId, addr: Addr) {
        todo!()
    }
    /// True if the neighbour is not known to be unreachable, for router choice (RFC 4861 §6.3.6).
    pub fn neighbour_usable(&self, link: LinkId, addr: Addr) -> bool {
        todo!()
    }
    /// `ReachableTime` and `RetransTimer` of a link as advertised by routers, in milliseconds; 0 leaves one as it is.
    pub fn neighbour_times(&mut self, link: LinkId, reachable_ms: u32, retrans_ms: u32) {
        todo!()
    }

    // Link-level multicast filter, reference-counted by the network layer's groups.
    pub fn group_join(&mut self, link: LinkId, group: Addr) {
        todo!()
    }
    pub fn group_leave(&mut self, link: LinkId, group: Addr) {
        todo!()
    }
}

//! What passes between the link layer and the network layer.

use super::mac::Mac;
use crate::base::{Addr, Frame, LinkId, Version};

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

impl Hop {
    /// How a frame that goes there is addressed.
    pub(super) const fn cast(self) -> LinkCast {
        match self {
            Self::Neighbour(_) => LinkCast::Unicast,
            Self::Multicast(_) => LinkCast::Multicast,
            Self::Broadcast => LinkCast::Broadcast,
        }
    }
}

/// An IP packet that came up.
#[derive(Clone, Debug)]
pub struct Received {
    /// By which link.
    pub link: LinkId,
    /// Which family the link header announced.
    pub version: Version,
    /// The frame. Padding of the link is still behind the packet.
    pub frame: Frame,
    /// Where in the frame the IP header starts.
    pub network: usize,
    /// How it was addressed on the link.
    pub cast: LinkCast,
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
    /// Another station uses an IPv4 address of ours (RFC 5227). Of an address that was being probed: the probing is over, and the
    /// address must not be used. Of an address that is ours: it was defended and stays ours (RFC 5227 §2.4 (c)) unless whoever
    /// hears this disowns it; said at most once in [`DEFEND_INTERVAL`](super::DEFEND_INTERVAL).
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

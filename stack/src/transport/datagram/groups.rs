//! The multicast groups of one socket, with the sources each admits (RFC 3376 §2, RFC 3678).

use crate::base::{Addr, LinkId};

/// What to do with a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MembershipAction {
    /// `IP_ADD_MEMBERSHIP`, `IPV6_JOIN_GROUP`, `MCAST_JOIN_GROUP`: any source.
    Join,
    /// `IP_DROP_MEMBERSHIP`, `IPV6_LEAVE_GROUP`, `MCAST_LEAVE_GROUP`
    Leave,
    /// `IP_ADD_SOURCE_MEMBERSHIP`, `MCAST_JOIN_SOURCE_GROUP`: this source and those added before.
    JoinSource(Addr),
    /// `IP_DROP_SOURCE_MEMBERSHIP`, `MCAST_LEAVE_SOURCE_GROUP`; with the last source the group is left.
    LeaveSource(Addr),
    /// `IP_BLOCK_SOURCE`, `MCAST_BLOCK_SOURCE`
    BlockSource(Addr),
    /// `IP_UNBLOCK_SOURCE`, `MCAST_UNBLOCK_SOURCE`
    UnblockSource(Addr),
}

/// A change of a socket's memberships.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MembershipChange {
    /// The group.
    pub group: Addr,
    /// On which link; none: where the route to the group goes, for leaving: any.
    pub link: Option<LinkId>,
    /// What to do.
    pub action: MembershipAction,
}

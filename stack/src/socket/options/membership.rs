//! Group membership in the five forms of the C interface: `ip_mreq`, `ip_mreqn`, `ip_mreq_source`, `ipv6_mreq`, `group_req` and
//! `group_source_req` (RFC 3678).

use super::super::address::Address;
use super::super::layer::{Sockets, on_datagrams};
use super::super::numbers::ip::*;
use super::super::numbers::ipv6::{IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP};
use super::super::record::Kind;
use super::value;
use crate::base::{Addr, Errno, LinkId, SocketId, Version};
use crate::network::Network;
use crate::transport::datagram::{MembershipAction, MembershipChange};

/// Bytes of `struct group_req`: the link, padding, a `sockaddr_storage`.
const GROUP_REQ: usize = 136;
/// Bytes of `struct group_source_req`.
const GROUP_SOURCE_REQ: usize = 264;

impl Sockets {
    /// Joins or leaves as an option of either level says.
    pub(super) fn set_membership(
        &mut self,
        net: &mut Network,
        id: SocketId,
        name: i32,
        value: &[u8],
        version: Version,
    ) -> Result<(), Errno> {
        let kind = self.record(id)?.kind;
        // Linux has this errno for connection-based sockets.
        if matches!(kind, Kind::Tcp(_)) {
            return Err(Errno::EPROTO);
        }
        let change = change(net, name, value, version)?;
        if !change.group.is_multicast() || change.group.version() != version {
            return Err(Errno::EINVAL);
        }
        on_datagrams!(self, kind, |transport, key| transport.membership(net, key, &change), _ => Err(Errno::ENOPROTOOPT))
    }
}

fn change(net: &Network, name: i32, value: &[u8], version: Version) -> Result<MembershipChange, Errno> {
    match (version, name) {
        (Version::V4, IP_ADD_MEMBERSHIP) => mreq(net, value, MembershipAction::Join),
        (Version::V4, IP_DROP_MEMBERSHIP) => mreq(net, value, MembershipAction::Leave),
        (Version::V4, IP_ADD_SOURCE_MEMBERSHIP | IP_DROP_SOURCE_MEMBERSHIP | IP_BLOCK_SOURCE | IP_UNBLOCK_SOURCE) => {
            mreq_source(net, name, value)
        }
        (Version::V6, IPV6_ADD_MEMBERSHIP) => mreq6(value, MembershipAction::Join),
        (Version::V6, IPV6_DROP_MEMBERSHIP) => mreq6(value, MembershipAction::Leave),
        (_, MCAST_JOIN_GROUP) => group_req(value, MembershipAction::Join),
        (_, MCAST_LEAVE_GROUP) => group_req(value, MembershipAction::Leave),
        _ => group_source_req(name, value, version),
    }
}

/// The link that has an address, or none for any.
fn link_of(net: &Network, addr: Addr) -> Result<Option<LinkId>, Errno> {
    if addr.is_unspecified() {
        return Ok(None);
    }
    net.addresses.link_of(addr).map(Some).ok_or(Errno::ENODEV)
}

fn mreq(net: &Network, value: &[u8], action: MembershipAction) -> Result<MembershipChange, Errno> {
    if value.len() < 8 {
        return Err(Errno::EINVAL);
    }
    let link = match value::u32_at(value, 8) {
        Ok(index) if index != 0 => Some(link_id(index)?),
        _ => link_of(net, value::v4_at(value, 4)?)?,
    };
    Ok(MembershipChange { group: value::v4_at(value, 0)?, link, action })
}

/// `struct ip_mreq_source`: group, our address, source.
fn mreq_source(net: &Network, name: i32, value: &[u8]) -> Result<MembershipChange, Errno> {
    if value.len() != 12 {
        return Err(Errno::EINVAL);
    }
    let source = value::v4_at(value, 8)?;
    let action = match name {
        IP_ADD_SOURCE_MEMBERSHIP => MembershipAction::JoinSource(source),
        IP_DROP_SOURCE_MEMBERSHIP => MembershipAction::LeaveSource(source),
        IP_BLOCK_SOURCE => MembershipAction::BlockSource(source),
        _ => MembershipAction::UnblockSource(source),
    };
    Ok(MembershipChange { group: value::v4_at(value, 0)?, link: link_of(net, value::v4_at(value, 4)?)?, action })
}

fn mreq6(value: &[u8], action: MembershipAction) -> Result<MembershipChange, Errno> {
    if value.len() < 20 {
        return Err(Errno::EINVAL);
    }
    Ok(MembershipChange { group: value::v6_at(value, 0)?, link: some_link(value::u32_at(value, 16)?)?, action })
}

fn group_req(value: &[u8], action: MembershipAction) -> Result<MembershipChange, Errno> {
    if value.len() < GROUP_REQ {
        return Err(Errno::EINVAL);
    }
    Ok(MembershipChange { group: stored(&value[8..GROUP_REQ])?, link: some_link(value::u32_at(value, 0)?)?, action })
}

fn group_source_req(name: i32, value: &[u8], version: Version) -> Result<MembershipChange, Errno> {
    if value.len() != GROUP_SOURCE_REQ {
        return Err(Errno::EINVAL);
    }
    let (group, source) = (stored(&value[8..GROUP_REQ])?, stored(&value[GROUP_REQ..])?);
    if group.version() != version || source.version() != version {
        return Err(Errno::EADDRNOTAVAIL);
    }
    let action = match name {
        MCAST_JOIN_SOURCE_GROUP => MembershipAction::JoinSource(source),
        MCAST_LEAVE_SOURCE_GROUP => MembershipAction::LeaveSource(source),
        MCAST_BLOCK_SOURCE => MembershipAction::BlockSource(source),
        _ => MembershipAction::UnblockSource(source),
    };
    Ok(MembershipChange { group, link: some_link(value::u32_at(value, 0)?)?, action })
}

/// The address in a `struct sockaddr_storage`.
fn stored(bytes: &[u8]) -> Result<Addr, Errno> {
    Address::from_bytes(bytes)?.sock_addr().map(|addr| addr.addr).ok_or(Errno::EINVAL)
}

fn some_link(index: u32) -> Result<Option<LinkId>, Errno> {
    if index == 0 { Ok(None) } else { link_id(index).map(Some) }
}

fn link_id(index: u32) -> Result<LinkId, Errno> {
    u16::try_from(index).map(LinkId).map_err(|_| Errno::ENODEV)
}

//! The multicast groups of one socket, with the sources each admits (RFC 3376 §2, RFC 3678).

use alloc::vec::Vec;

use crate::base::{Addr, Errno, LinkId};
use crate::network::Network;

/// `net.ipv4.igmp_max_memberships`; IPv6 has no such limit in Linux, but every list is bounded here.
const MAX_MEMBERSHIPS: usize = 20;
/// `net.ipv4.igmp_max_msf`
const MAX_SOURCES_V4: usize = 10;
/// `net.ipv6.mld_max_msf`
const MAX_SOURCES_V6: usize = 64;

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

/// What the list of sources means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Only these.
    Include,
    /// All but these.
    Exclude,
}

#[derive(Debug)]
struct Membership {
    group: Addr,
    link: LinkId,
    mode: Mode,
    sources: Vec<Addr>,
}

/// All memberships of one socket.
#[derive(Debug, Default)]
pub struct Groups {
    list: Vec<Membership>,
}

impl Groups {
    /// Does what a membership option of `setsockopt` asks, with Linux's errors: `EINVAL` (no group; other mode), `ENODEV`,
    /// `EADDRINUSE` (joined already), `EADDRNOTAVAIL` (not joined; no such source), `ENOBUFS` (too many).
    pub fn apply(&mut self, net: &mut Network, change: &MembershipChange) -> Result<(), Errno> {
        let MembershipChange { group, link, action } = *change;
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        match action {
            MembershipAction::Join => self.join(net, group, link, Mode::Exclude),
            MembershipAction::Leave => {
                let place = self.place(group, link).ok_or(Errno::EADDRNOTAVAIL)?;
                self.leave_at(net, place);
                Ok(())
            }
            MembershipAction::JoinSource(source) => self.join_source(net, group, link, source),
            MembershipAction::LeaveSource(source) => self.leave_source(net, group, link, source),
            MembershipAction::BlockSource(source) => self.in_mode(group, link, Mode::Exclude)?.add(source),
            MembershipAction::UnblockSource(source) => self.in_mode(group, link, Mode::Exclude)?.remove(source),
        }
    }

    /// True if the socket takes a packet from `source` to `group` that came by `link`; `all`: also to groups it has not joined
    /// itself (`IP_MULTICAST_ALL`). Linux's `ip_mc_sf_allow`.
    pub fn admits(&self, group: Addr, source: Addr, link: LinkId, all: bool) -> bool {
        match self.list.iter().find(|member| member.group == group && member.link == link) {
            None => all,
            Some(member) => member.sources.contains(&source) == (member.mode == Mode::Include),
        }
    }

    /// Leaves all groups: the socket goes.
    pub fn leave_all(&mut self, net: &mut Network) {
        while !self.list.is_empty() {
            self.leave_at(net, self.list.len() - 1);
        }
    }

    fn place(&self, group: Addr, link: Option<LinkId>) -> Option<usize> {
        self.list.iter().position(|member| member.group == group && link.is_none_or(|link| link == member.link))
    }

    fn join(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, mode: Mode) -> Result<(), Errno> {
        if link.is_some_and(|link| net.links.config(link).is_none()) {
            return Err(Errno::ENODEV);
        }
        let link = net.join_group(group, link)?;
        let refused = if self.place(group, Some(link)).is_some() {
            Errno::EADDRINUSE
        } else if self.list.len() >= MAX_MEMBERSHIPS {
            Errno::ENOBUFS
        } else {
            self.list.push(Membership { group, link, mode, sources: Vec::new() });
            return Ok(());
        };
        // The route may have to say which link it is: only after the join it is known that there was one already.
        let _ = net.leave_group(group, link);
        Err(refused)
    }

    /// The link may be gone, and the group with it: nobody is left to tell.
    fn leave_at(&mut self, net: &mut Network, place: usize) {
        let member = self.list.remove(place);
        let _ = net.leave_group(member.group, member.link);
    }

    fn join_source(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, source: Addr) -> Result<(), Errno> {
        match self.join(net, group, link, Mode::Include) {
            Ok(()) | Err(Errno::EADDRINUSE) => self.in_mode(group, link, Mode::Include)?.add(source),
            Err(errno) => Err(errno),
        }
    }

    fn leave_source(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, source: Addr) -> Result<(), Errno> {
        let member = self.in_mode(group, link, Mode::Include)?;
        member.remove(source)?;
        // Including nobody means to be no member (RFC 3376 §3.2).
        if member.sources.is_empty()
            && let Some(place) = self.place(group, link)
        {
            self.leave_at(net, place);
        }
        Ok(())
    }

    /// The membership, if its list has this mode; a list without a source takes it on, as in Linux.
    fn in_mode(&mut self, group: Addr, link: Option<LinkId>, mode: Mode) -> Result<&mut Membership, Errno> {
        let place = self.place(group, link).ok_or(Errno::EINVAL)?;
        let member = &mut self.list[place];
        if member.sources.is_empty() {
            member.mode = mode;
        }
        if member.mode == mode { Ok(member) } else { Err(Errno::EINVAL) }
    }
}

impl Membership {
    /// Linux's error for a source that is there already is `EADDRNOTAVAIL` too.
    fn add(&mut self, source: Addr) -> Result<(), Errno> {
        let limit = if self.group.is_v4() { MAX_SOURCES_V4 } else { MAX_SOURCES_V6 };
        if self.sources.contains(&source) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if self.sources.len() >= limit {
            return Err(Errno::ENOBUFS);
        }
        self.sources.push(source);
        Ok(())
    }

    fn remove(&mut self, source: Addr) -> Result<(), Errno> {
        let place = self.sources.iter().position(|one| *one == source).ok_or(Errno::EADDRNOTAVAIL)?;
        self.sources.remove(place);
        Ok(())
    }
}

//! The multicast groups of one socket, with the sources each admits (RFC 3376 §2, RFC 3678).

use alloc::vec::Vec;

use crate::base::{Addr, Errno, LinkId};
use crate::network::Network;
use crate::network::groups::{Mode, SourceFilter};

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

#[derive(Debug)]
struct Membership {
    group: Addr,
    link: LinkId,
    /// Which sources the socket admits; the network layer keeps what all sockets together want.
    filter: SourceFilter,
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
            MembershipAction::Join => self.join(net, group, link, SourceFilter::EVERYTHING).map(|_| ()),
            MembershipAction::Leave => {
                let place = self.place(group, link).ok_or(Errno::EADDRNOTAVAIL)?;
                self.leave_at(net, place);
                Ok(())
            }
            MembershipAction::JoinSource(source) => self.join_source(net, group, link, source),
            MembershipAction::LeaveSource(source) => self.leave_source(net, group, link, source),
            MembershipAction::BlockSource(source) => {
                let place = self.in_mode(net, group, link, Mode::Exclude)?;
                self.add(net, place, source)
            }
            MembershipAction::UnblockSource(source) => {
                let place = self.in_mode(net, group, link, Mode::Exclude)?;
                self.remove(net, place, source)
            }
        }
    }

    /// True if the socket takes a packet from `source` to `group` that came by `link`; `all`: also to groups it has not joined
    /// itself (`IP_MULTICAST_ALL`). Linux's `ip_mc_sf_allow`.
    pub fn admits(&self, group: Addr, source: Addr, link: LinkId, all: bool) -> bool {
        match self.list.iter().find(|member| member.group == group && member.link == link) {
            None => all,
            Some(member) => member.filter.wants(source),
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

    fn join(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, filter: SourceFilter) -> Result<usize, Errno> {
        let link = net.link_for_group(group, link)?;
        if self.place(group, Some(link)).is_some() {
            return Err(Errno::EADDRINUSE);
        }
        if self.list.len() >= MAX_MEMBERSHIPS {
            return Err(Errno::ENOBUFS);
        }
        net.listen(link, group, &SourceFilter::NOTHING, &filter)?;
        self.list.push(Membership { group, link, filter });
        Ok(self.list.len() - 1)
    }

    /// The link may be gone, and the group with it: nobody is left to tell.
    fn leave_at(&mut self, net: &mut Network, place: usize) {
        let member = self.list.remove(place);
        let _ = net.listen(member.link, member.group, &member.filter, &SourceFilter::NOTHING);
    }

    fn join_source(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, source: Addr) -> Result<(), Errno> {
        let link = Some(net.link_for_group(group, link)?);
        match self.join(net, group, link, SourceFilter::NOTHING.with(source)) {
            Ok(_) => Ok(()),
            Err(Errno::EADDRINUSE) => {
                let place = self.in_mode(net, group, link, Mode::Include)?;
                self.add(net, place, source)
            }
            Err(errno) => Err(errno),
        }
    }

    fn leave_source(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, source: Addr) -> Result<(), Errno> {
        let place = self.in_mode(net, group, link, Mode::Include)?;
        self.remove(net, place, source)?;
        // Including nobody means to be no member (RFC 3376 §3.2).
        if self.list[place].filter.is_nothing() {
            self.leave_at(net, place);
        }
        Ok(())
    }

    /// The membership, if its list has this mode; a list without a source takes it on, as in Linux.
    fn in_mode(&mut self, net: &mut Network, group: Addr, link: Option<LinkId>, mode: Mode) -> Result<usize, Errno> {
        let place = self.place(group, link).ok_or(Errno::EINVAL)?;
        let filter = &self.list[place].filter;
        if filter.mode == mode {
            return Ok(place);
        }
        if !filter.sources().is_empty() {
            return Err(Errno::EINVAL);
        }
        self.change(net, place, SourceFilter::new(mode, Vec::new()))?;
        Ok(place)
    }

    /// Linux's error for a source that is there already is `EADDRNOTAVAIL` too.
    fn add(&mut self, net: &mut Network, place: usize, source: Addr) -> Result<(), Errno> {
        let Membership { group, filter, .. } = &self.list[place];
        let limit = if group.is_v4() { MAX_SOURCES_V4 } else { MAX_SOURCES_V6 };
        if filter.lists(source) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if filter.sources().len() >= limit {
            return Err(Errno::ENOBUFS);
        }
        let more = filter.with(source);
        self.change(net, place, more)
    }

    fn remove(&mut self, net: &mut Network, place: usize, source: Addr) -> Result<(), Errno> {
        let filter = &self.list[place].filter;
        if !filter.lists(source) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let fewer = filter.without(source);
        self.change(net, place, fewer)
    }

    fn change(&mut self, net: &mut Network, place: usize, filter: SourceFilter) -> Result<(), Errno> {
        let member = &mut self.list[place];
        net.listen(member.link, member.group, &member.filter, &filter)?;
        member.filter = filter;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Base, Instant};
    use crate::link::{LinkConfig, Links, Medium, Offloads};

    const GROUP: Addr = Addr::v4(239, 1, 1, 1);
    const SRC: Addr = Addr::v4(192, 0, 2, 1);
    const OTHER: Addr = Addr::v4(192, 0, 2, 2);

    fn host() -> (Network, LinkId) {
        let mut net = Network::new(Links::new(Base::new(1.into(), Instant::EPOCH, 1 << 20, 0)));
        let (medium, offloads) = (Medium::Ip, Offloads::default());
        let link = net.add_link(LinkConfig { name: "tun0".into(), medium, mtu: 1500, offloads, queue_limit: 1 << 20 }).unwrap();
        (net, link)
    }

    fn apply(groups: &mut Groups, net: &mut Network, link: LinkId, action: MembershipAction) -> Result<(), Errno> {
        groups.apply(net, &MembershipChange { group: GROUP, link: Some(link), action })
    }

    /// What all sockets together want.
    fn wanted(net: &Network, link: LinkId) -> Option<SourceFilter> {
        net.memberships(link).find(|(group, _)| *group == GROUP).map(|(_, filter)| filter.clone())
    }

    #[test]
    fn the_network_layer_hears_which_sources_a_socket_wants() {
        // RFC 3678 §3, RFC 9776 §3.2
        use MembershipAction::*;
        let (mut net, link) = host();
        let mut groups = Groups::default();
        apply(&mut groups, &mut net, link, JoinSource(SRC)).unwrap();
        assert_eq!(wanted(&net, link), Some(SourceFilter::new(Mode::Include, alloc::vec![SRC])));
        assert_eq!(apply(&mut groups, &mut net, link, JoinSource(SRC)), Err(Errno::EADDRNOTAVAIL));
        assert_eq!(apply(&mut groups, &mut net, link, BlockSource(SRC)), Err(Errno::EINVAL), "other mode");
        assert_eq!(apply(&mut groups, &mut net, link, Join), Err(Errno::EADDRINUSE));
        apply(&mut groups, &mut net, link, JoinSource(OTHER)).unwrap();
        assert!(groups.admits(GROUP, OTHER, link, true));
        apply(&mut groups, &mut net, link, LeaveSource(SRC)).unwrap();
        apply(&mut groups, &mut net, link, LeaveSource(OTHER)).unwrap();
        assert_eq!(wanted(&net, link), None, "with the last source the group is left");
    }

    #[test]
    fn what_one_socket_blocks_another_may_still_hear() {
        use MembershipAction::*;
        let (mut net, link) = host();
        let (mut first, mut second) = (Groups::default(), Groups::default());
        for groups in [&mut first, &mut second] {
            apply(groups, &mut net, link, Join).unwrap();
        }
        apply(&mut first, &mut net, link, BlockSource(SRC)).unwrap();
        assert_eq!(wanted(&net, link), Some(SourceFilter::EVERYTHING));
        assert!(!first.admits(GROUP, SRC, link, true) && second.admits(GROUP, SRC, link, true));
        apply(&mut second, &mut net, link, BlockSource(SRC)).unwrap();
        assert_eq!(wanted(&net, link), Some(SourceFilter::new(Mode::Exclude, alloc::vec![SRC])));
        first.leave_all(&mut net);
        second.leave_all(&mut net);
        assert_eq!(wanted(&net, link), None);
    }

    #[test]
    fn a_socket_has_bounded_memberships_and_sources() {
        let (mut net, link) = host();
        let mut groups = Groups::default();
        let nth = |n: usize| Addr::v4(239, 9, 9, n as u8);
        for n in 0..=MAX_MEMBERSHIPS {
            let change = MembershipChange { group: nth(n), link: Some(link), action: MembershipAction::Join };
            let expected = if n < MAX_MEMBERSHIPS { Ok(()) } else { Err(Errno::ENOBUFS) };
            assert_eq!(groups.apply(&mut net, &change), expected);
        }
        for n in 0..=MAX_SOURCES_V4 {
            let action = MembershipAction::BlockSource(Addr::v4(192, 0, 2, n as u8));
            let expected = if n < MAX_SOURCES_V4 { Ok(()) } else { Err(Errno::ENOBUFS) };
            assert_eq!(groups.apply(&mut net, &MembershipChange { group: nth(0), link: Some(link), action }), expected);
        }
    }
}

//! Joining and leaving, for sockets and for the host's own addresses.

use crate::base::{Addr, Errno, Key, LinkId, Version};
use crate::link::Medium;

use super::super::{Network, RouteQuery};
use super::{Mode, SourceFilter, is_reported, of_all_nodes};

impl Network {
    /// A socket joins a group on a link (chosen by route if none); counted, so that each join needs one leave.
    /// `EINVAL` if it is no group, `ENODEV` if there is no such link or no route. That a socket joins twice (`EADDRINUSE`) or too
    /// many groups (`ENOBUFS`) is the caller's to find.
    pub fn join_group(&mut self, group: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        let link = self.link_for_group(group, link)?;
        self.listen(link, group, &SourceFilter::NOTHING, &SourceFilter::EVERYTHING)?;
        Ok(link)
    }

    /// Undoes one [`Network::join_group`]. `EADDRNOTAVAIL` if there was none.
    ///
    /// A socket that blocked sources leaves by [`Network::listen`] with its whole filter, so that routers hear of one change.
    pub fn leave_group(&mut self, group: Addr, link: LinkId) -> Result<(), Errno> {
        self.listen(link, group, &SourceFilter::EVERYTHING, &SourceFilter::NOTHING)
    }

    /// A socket wants one source more of a group (`IP_ADD_SOURCE_MEMBERSHIP`). Errors as of [`Network::join_group`];
    /// `EADDRNOTAVAIL` if it lists it already is the caller's to find.
    pub fn join_source(&mut self, group: Addr, link: Option<LinkId>, src: Addr) -> Result<LinkId, Errno> {
        let link = self.link_for_group(group, link)?;
        self.listen(link, group, &SourceFilter::NOTHING, &one(Mode::Include, src))?;
        Ok(link)
    }

    /// Undoes one [`Network::join_source`]. `EADDRNOTAVAIL` if there was none.
    pub fn leave_source(&mut self, group: Addr, link: LinkId, src: Addr) -> Result<(), Errno> {
        self.listen(link, group, &one(Mode::Include, src), &SourceFilter::NOTHING)
    }

    /// A socket that joined a group wants a source of it no more (`IP_BLOCK_SOURCE`). `EADDRNOTAVAIL` if nobody joined.
    pub fn block_source(&mut self, group: Addr, link: LinkId, src: Addr) -> Result<(), Errno> {
        self.listen(link, group, &SourceFilter::EVERYTHING, &one(Mode::Exclude, src))
    }

    /// Undoes one [`Network::block_source`]. `EADDRNOTAVAIL` if there was none.
    pub fn unblock_source(&mut self, group: Addr, link: LinkId, src: Addr) -> Result<(), Errno> {
        self.listen(link, group, &one(Mode::Exclude, src), &SourceFilter::EVERYTHING)
    }

    /// A socket's filter for a group on a link changes from `old` to `new`: the `IPMulticastListen` of RFC 9776 §2, of which all
    /// the other calls are cases. [`SourceFilter::NOTHING`] is not being a member.
    ///
    /// `EINVAL` if it is no group or a source cannot be one, `ENODEV` if there is no such link, `EADDRNOTAVAIL` if nobody has `old`.
    pub fn listen(&mut self, link: LinkId, group: Addr, old: &SourceFilter, new: &SourceFilter) -> Result<(), Errno> {
        let sensible = |src: &Addr| src.version() == group.version() && !src.is_multicast() && !src.is_unspecified();
        if !group.is_multicast() || !new.sources().iter().all(sensible) {
            return Err(Errno::EINVAL);
        }
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        match self.groups.find(link, group) {
            Some(key) if self.groups.all[key].wants.covers(old) => self.change_wants(key, old, new),
            None if old.is_nothing() => {
                let key = self.groups.insert(link, group);
                self.change_wants(key, old, new);
            }
            _ => return Err(Errno::EADDRNOTAVAIL),
        }
        Ok(())
    }

    /// The groups of a link that are listened to, those of the host's own addresses among them, with what is wanted of each.
    pub fn memberships(&self, link: LinkId) -> impl Iterator<Item = (Addr, &SourceFilter)> {
        self.groups.on_link(link)
    }

    /// What all sockets want of a group, and what that amounts to.
    fn change_wants(&mut self, key: Key, old: &SourceFilter, new: &SourceFilter) {
        let membership = &mut self.groups.all[key];
        membership.wants.remove(old);
        membership.wants.add(new);
        let merged = membership.wants.merged();
        let before = core::mem::replace(&mut membership.filter, merged);
        let (link, group) = (membership.link, membership.group);
        let (was_nothing, is_nothing) = (before.is_nothing(), membership.filter.is_nothing());
        if was_nothing && !is_nothing {
            self.links.group_join(link, group);
        } else if !was_nothing && is_nothing {
            self.links.group_leave(link, group);
        }
        self.filter_changed(key, &before);
    }

    /// The link of a join: the one asked for, or the one a packet to the group would leave by (Linux's `ip_mc_find_dev`).
    /// `EINVAL` if it is no group, `ENODEV` if there is no such link or no route.
    pub fn link_for_group(&mut self, group: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        if let Some(link) = link {
            return self.links.config(link).map(|_| link).ok_or(Errno::ENODEV);
        }
        let query = RouteQuery { dst: group, src: Addr::any(group.version()), link: None };
        self.route(&query).map(|route| route.link).map_err(|_| Errno::ENODEV)
    }

    /// The host itself joins a group, for an address of its own.
    pub(crate) fn host_join(&mut self, link: LinkId, group: Addr) {
        let joined = self.listen(link, group, &SourceFilter::NOTHING, &SourceFilter::EVERYTHING);
        debug_assert!(joined.is_ok(), "a group of the host's own on a link that exists");
    }

    /// The reverse of [`Network::host_join`].
    pub(crate) fn host_leave(&mut self, link: LinkId, group: Addr) {
        // A link that is being removed has left its groups already.
        let _ = self.listen(link, group, &SourceFilter::EVERYTHING, &SourceFilter::NOTHING);
    }

    /// A new link: it lets in what is for all nodes.
    pub(crate) fn groups_link_added(&mut self, link: LinkId) {
        *self.groups.link_mut(link) = super::LinkGroups::default();
        for group in [super::ALL_SYSTEMS, Addr::ALL_NODES].into_iter().filter(|&group| of_all_nodes(group)) {
            self.links.group_join(link, group);
        }
    }

    /// A link goes: so do its groups, and nobody is told.
    pub(crate) fn groups_link_removed(&mut self, link: LinkId) {
        for version in [Version::V4, Version::V6] {
            for key in self.groups.keys_of(link, version) {
                self.drop_membership(key);
            }
            if let Some(timer) = self.groups.link_mut(link).querier(version).timer.take() {
                self.links.base.timers.cancel(timer);
            }
        }
    }

    /// A link came up: routers are told of all its groups. It went down: nothing is told any more, and what was only being left
    /// is gone.
    pub(crate) fn groups_link_changed(&mut self, link: LinkId, up: bool) {
        for version in [Version::V4, Version::V6] {
            if up {
                self.tell_all(link, version);
            } else {
                self.hush(link, version);
            }
        }
    }

    /// True if routers on this link are told of a group.
    pub(super) fn reports(&self, link: LinkId, group: Addr) -> bool {
        let wired = self.links.config(link).is_some_and(|config| config.medium != Medium::Loopback);
        wired && self.links.is_up(link) && is_reported(group)
    }
}

fn one(mode: Mode, src: Addr) -> SourceFilter {
    SourceFilter::new(mode, alloc::vec![src])
}

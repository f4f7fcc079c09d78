//! Multicast membership: IGMP (RFC 9776) and MLD (RFC 9777).

use crate::base::{Addr, Entropy, Errno, LinkId};

use super::{Network, Packet};

/// Groups this host is a member of.
#[derive(Debug)]
pub struct Groups {}

#[allow(unused_variables, clippy::unused_self)]
impl Groups {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self {}
    }

    /// True if packets from `src` to `group` that come by `link` are for this host.
    pub fn is_member(&self, link: LinkId, group: Addr, src: Addr) -> bool {
        true
    }
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut, clippy::todo)]
impl Network {
    /// An ICMPv6 message of type 130-132, 143 or 206; checksum verified, nothing else.
    pub(crate) fn mld_receive(&mut self, packet: &Packet) {}
    /// An IGMP packet.
    pub(crate) fn igmp_receive(&mut self, packet: &Packet) {}
    pub(crate) fn groups_timer(&mut self, key: u64) {}
    pub(crate) fn groups_link_added(&mut self, link: LinkId) {}
    pub(crate) fn groups_link_removed(&mut self, link: LinkId) {}
    /// The host itself joins a group, for an address of its own.
    pub(crate) fn host_join(&mut self, link: LinkId, group: Addr) {
        self.links.group_join(link, group);
    }
    /// The reverse of [`Network::host_join`].
    pub(crate) fn host_leave(&mut self, link: LinkId, group: Addr) {
        self.links.group_leave(link, group);
    }
    /// A socket joins a group on a link (chosen by route if none); counted, so that each join needs one leave.
    pub fn join_group(&mut self, group: Addr, link: Option<LinkId>) -> Result<LinkId, Errno> {
        todo!()
    }
    /// Undoes one [`Network::join_group`].
    pub fn leave_group(&mut self, group: Addr, link: LinkId) -> Result<(), Errno> {
        todo!()
    }
}

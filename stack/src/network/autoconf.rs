//! Duplicate address detection (RFC 4862, 5227), stateless autoconfiguration, routers.

use crate::base::{Addr, Entropy, LinkId};
use crate::link::Mac;

use super::Network;

/// The state of autoconfiguration.
#[derive(Debug)]
pub struct Autoconf {}

impl Autoconf {
    /// Nothing configured.
    pub fn new(_entropy: &Entropy) -> Self {
        Self {}
    }
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
impl Network {
    pub(crate) fn autoconf_timer(&mut self, key: u64) {}
    pub(crate) fn autoconf_link_added(&mut self, link: LinkId) {}
    pub(crate) fn autoconf_link_removed(&mut self, link: LinkId) {}
    pub(crate) fn autoconf_link_changed(&mut self, link: LinkId, up: bool) {}
    pub(crate) fn autoconf_conflict(&mut self, link: LinkId, addr: Addr, mac: Mac) {}
    pub(crate) fn autoconf_probe_done(&mut self, link: LinkId, addr: Addr) {}
}

//! What a host configures by itself: link-local addresses, duplicate address detection, addresses for advertised prefixes
//! (RFC 4862, RFC 7217), and what it keeps of the routers it hears (RFC 4861 §6.3).
//!
//! | file | what | after |
//! |---|---|---|
//! | `settings` | what a link configures by itself | Linux's `conf/LINK` |
//! | `dad` | nobody else has the address | RFC 4862 §5.4, RFC 7527 |
//! | `stable` | interface identifiers | RFC 7217, RFC 5453 |
//! | `prefix` | from an advertised prefix to an address and its lifetimes | RFC 4862 §5.5 |
//! | `lifetime` | address timers: deprecation, removal | RFC 4862 §5.5.4 |
//!
//! Timers: one for each address that waits for something, one for each link (solicitations, routers, prefixes). A timer's key
//! says which: bit 63 set, a link; else the place of an address in the table.
//!
//! Bounds, whatever routers advertise: [`MAX_ADVERTISED`] addresses, [`MAX_ROUTERS`](super::ndp::MAX_ROUTERS) routers and
//! [`MAX_PREFIXES`](super::ndp::MAX_PREFIXES) prefixes a link.

mod dad;
mod lifetime;
mod prefix;
pub mod settings;
mod stable;
#[cfg(test)]
pub(in crate::network) mod tests;

use alloc::vec::Vec;

use crate::base::{Addr, Cidr, Entropy, Errno, HashKey, LinkId, TimerId};
use crate::link::{Mac, Medium};

use super::Network;
use super::addresses::{Assigned, Origin};
use super::ndp::{Advertiser, Discovery};
pub(crate) use dad::Probing;
pub(crate) use prefix::end_of;
pub use settings::LinkSettings;

/// At most so many addresses are made for advertised prefixes on one link (`max_addresses`).
pub const MAX_ADVERTISED: usize = 16;

/// Set in the keys of timers that belong to a link.
pub(crate) const LINK_TIMER: u64 = 1 << 63;

/// What is kept of a link.
#[derive(Debug)]
pub(crate) struct LinkState {
    /// What it configures by itself.
    pub settings: LinkSettings,
    /// Routers heard, and our asking for them.
    pub discovery: Discovery,
    /// Our advertising, if we are a router here.
    pub advertiser: Option<Advertiser>,
    /// The timer of whatever comes next in `discovery` and `advertiser`.
    pub timer: Option<TimerId>,
}

/// The state of autoconfiguration.
#[derive(Debug)]
pub struct Autoconf {
    /// The secret of RFC 7217 §5.
    secret: HashKey,
    /// By number of the link.
    links: Vec<Option<LinkState>>,
}

impl Autoconf {
    /// Nothing configured.
    pub fn new(entropy: &Entropy) -> Self {
        Self { secret: entropy.key("stable address"), links: Vec::new() }
    }

    /// Identifiers are made of this secret from now on.
    pub(crate) fn set_secret(&mut self, secret: [u8; 16]) {
        self.secret = secret.into();
    }

    /// What is kept of a link that exists.
    pub(crate) fn link(&self, link: LinkId) -> Option<&LinkState> {
        self.links.get(usize::from(link.0))?.as_ref()
    }

    /// What is kept of a link that exists.
    pub(crate) fn link_mut(&mut self, link: LinkId) -> Option<&mut LinkState> {
        self.links.get_mut(usize::from(link.0))?.as_mut()
    }

    fn put(&mut self, link: LinkId, state: Option<LinkState>) {
        let at = usize::from(link.0);
        if self.links.len() <= at {
            self.links.resize_with(at + 1, || None);
        }
        self.links[at] = state;
    }
}

impl Network {
    /// What a link configures by itself.
    pub fn link_settings(&self, link: LinkId) -> Option<&LinkSettings> {
        self.autoconf.link(link).map(|state| &state.settings)
    }

    /// Changes what a link configures by itself, at once: it gets what it shall have, and what it shall not have any more goes.
    /// `ENODEV`
    ///
    /// The settings of links to come are `config.ipv6.link_defaults`.
    pub fn set_link_settings(&mut self, link: LinkId, settings: LinkSettings) -> Result<(), Errno> {
        let state = self.autoconf.link_mut(link).ok_or(Errno::ENODEV)?;
        state.settings = settings;
        if !settings.accept_ra {
            self.forget_routers(link);
        }
        if !settings.accept_ra || !settings.autoconf {
            self.drop_made(link, Origin::Advertised);
        }
        if !settings.link_local {
            self.drop_made(link, Origin::LinkLocal);
        }
        if self.links.is_up(link) {
            self.autoconf_start(link);
        }
        Ok(())
    }

    /// The link's own Ethernet address, if it has one.
    pub(crate) fn mac_of(&self, link: LinkId) -> Option<Mac> {
        match self.links.config(link)?.medium {
            Medium::Ethernet { mac, .. } => Some(mac),
            Medium::Ip | Medium::Loopback => None,
        }
    }

    pub(crate) fn autoconf_timer(&mut self, key: u64) {
        if key & LINK_TIMER != 0 {
            self.discovery_timer(LinkId(key as u16));
        } else {
            self.address_timer(key as u32);
        }
    }

    pub(crate) fn autoconf_link_added(&mut self, link: LinkId) {
        let Some(config) = self.links.config(link) else { return };
        let settings = LinkSettings::for_new_link(&self.config.ipv6.link_defaults, config.medium);
        self.autoconf.put(link, Some(LinkState { settings, discovery: Discovery::default(), advertiser: None, timer: None }));
        self.groups_link_added(link);
        if self.links.is_up(link) {
            self.autoconf_link_changed(link, true);
        }
    }

    pub(crate) fn autoconf_link_removed(&mut self, link: LinkId) {
        // A last word while there is an address to say it from.
        let _ = self.advertise(link, None);
        self.forget_routers(link);
        for key in self.addresses.keys_of(link).to_vec() {
            self.drop_address(key);
        }
        self.autoconf.put(link, None);
    }

    /// A link came up: its addresses are checked anew (RFC 4862 §5.4 "when an interface is (re)initialized"), and routers asked
    /// for. A link went down: what routers said of it is forgotten, as Linux does; configured addresses stay.
    pub(crate) fn autoconf_link_changed(&mut self, link: LinkId, up: bool) {
        self.groups_link_changed(link, up);
        if up {
            self.recheck_addresses(link);
            self.autoconf_start(link);
        } else {
            self.stop_solicitation(link);
            self.forget_routers(link);
            self.drop_made(link, Origin::Advertised);
            self.stop_probing(link);
        }
    }

    /// Gives a link that is up its link-local address and asks for routers.
    fn autoconf_start(&mut self, link: LinkId) {
        let Some(&settings) = self.link_settings(link) else { return };
        let made = |assigned: &Assigned| assigned.origin == Origin::LinkLocal;
        if settings.link_local && self.takes_ipv6(link) && !self.addresses.on_link(link).any(made) {
            self.make_link_local(link, 0);
        }
        if self.addresses.link_local(link).is_some() {
            self.start_solicitation(link);
        }
    }

    /// RFC 8200 §5: IPv6 needs links of at least 1280 bytes.
    pub(crate) fn takes_ipv6(&self, link: LinkId) -> bool {
        self.links.config(link).is_some_and(|config| config.mtu >= 1280)
    }

    /// RFC 4862 §5.3 with the identifier of RFC 7217.
    fn make_link_local(&mut self, link: LinkId, dad_counter: u8) {
        let prefix = Cidr::new(Addr::from_v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 64);
        let Some((addr, dad_counter)) = self.stable_address(link, prefix, dad_counter) else { return };
        let assigned = Assigned { dad_counter, ..Assigned::new(link, Cidr::new(addr, 64), Origin::LinkLocal) };
        self.assign(assigned);
    }
}

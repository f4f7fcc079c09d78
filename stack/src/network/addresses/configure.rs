//! Giving addresses to links and taking them away, with all that hangs on them: ARP, solicited-node groups, routes.

use crate::base::{Addr, AddressNews, Cidr, Duration, Errno, Key, LinkId, Version, What};

use super::super::Network;
use super::{AddrState, Assigned, Origin};

/// Whether it is checked first that nobody else has an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Detection {
    /// IPv6 as the link's settings say; IPv4 is used at once and announced, as Linux does.
    #[default]
    AsLink,
    /// Not: it is usable at once (`IFA_F_NODAD`).
    Skip,
    /// Yes, also for IPv4 (RFC 5227 §2.1).
    Probe,
}

/// An address to be given to a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressConfig {
    /// The address with the length of its network's prefix.
    pub cidr: Cidr,
    /// Whether it is checked first that nobody else has it.
    pub detection: Detection,
    /// How long from now new communication prefers it; `Duration::MAX`: for ever.
    pub preferred: Duration,
    /// How long from now it may be used at all; `Duration::MAX`: for ever.
    pub valid: Duration,
}

impl AddressConfig {
    /// For ever, detection as the link's settings say.
    pub const fn new(cidr: Cidr) -> Self {
        Self { cidr, detection: Detection::AsLink, preferred: Duration::MAX, valid: Duration::MAX }
    }
}

impl Network {
    /// Gives a link an address, with the route to its network. `ENODEV`, `EEXIST`, `EADDRNOTAVAIL` (a group, a broadcast
    /// address, `0.0.0.0`, `::`), `EINVAL` (IPv6 on a link that takes less than 1280 bytes).
    ///
    /// An IPv4 address is usable at once and announced by ARP. An IPv6 address on an Ethernet is tentative until duplicate
    /// detection is done, about a second after the link is up.
    pub fn add_address(&mut self, link: LinkId, addr: Cidr) -> Result<(), Errno> {
        self.add_address_with(link, AddressConfig::new(addr))
    }

    /// Like [`Network::add_address`], with lifetimes and a say about detection. `EINVAL` also if it would be preferred longer
    /// than valid, or valid for no time.
    pub fn add_address_with(&mut self, link: LinkId, config: AddressConfig) -> Result<(), Errno> {
        let addr = config.cidr.addr;
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        if addr.is_unspecified() || addr.is_multicast() || addr.is_limited_broadcast() {
            return Err(Errno::EADDRNOTAVAIL);
        }
        if config.valid.is_zero() || config.preferred > config.valid || !addr.is_v4() && !self.takes_ipv6(link) {
            return Err(Errno::EINVAL);
        }
        if self.addresses.get(link, addr).is_some() {
            return Err(Errno::EEXIST);
        }
        let now = self.links.base.now;
        self.assign(Assigned {
            preferred_until: now + config.preferred,
            valid_until: now + config.valid,
            detection: config.detection,
            ..Assigned::new(link, config.cidr, Origin::Static)
        });
        Ok(())
    }

    /// Takes an address from a link, with the routes that belong to it. `EADDRNOTAVAIL`
    pub fn remove_address(&mut self, link: LinkId, addr: Addr) -> Result<(), Errno> {
        let key = self.addresses.key(link, addr).ok_or(Errno::EADDRNOTAVAIL)?;
        self.drop_address(key);
        Ok(())
    }

    /// All addresses of the host, link by link.
    pub fn addresses(&self) -> impl Iterator<Item = &Assigned> {
        self.addresses.iter()
    }

    /// Puts a new address into the table and makes it usable, or checks first that nobody else has it.
    pub(crate) fn assign(&mut self, assigned: Assigned) {
        let (link, addr) = (assigned.link, assigned.cidr.addr);
        let probed_for = self.is_probed_for(&assigned);
        let key = self.addresses.insert(assigned);
        if !probed_for {
            return self.address_ready(key);
        }
        self.set_state(key, AddrState::Tentative);
        if addr.is_v4() {
            self.links.arp_probe(link, addr);
        } else if self.links.is_up(link) {
            return self.begin_probing(key);
        }
        self.schedule_address(key);
    }

    /// True if it is checked that nobody else has this address before it is used.
    pub(crate) fn is_probed_for(&self, assigned: &Assigned) -> bool {
        let by_settings =
            !assigned.cidr.addr.is_v4() && self.link_settings(assigned.link).is_some_and(|settings| settings.dad_transmits > 0);
        self.mac_of(assigned.link).is_some()
            && match assigned.detection {
                Detection::AsLink => by_settings,
                Detection::Skip => false,
                Detection::Probe => true,
            }
    }

    /// From now on the address is received on and sent from.
    pub(crate) fn address_ready(&mut self, key: Key) {
        let now = self.links.base.now;
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        assigned.dad = None;
        assigned.state = if assigned.preferred_until > now { AddrState::Preferred } else { AddrState::Deprecated };
        // RFC 4862 §5.5.3, RFC 5942 §4: an advertised prefix is on the link only if its own flag says so.
        let brings_route = assigned.origin != Origin::Advertised;
        let newly_routed = brings_route && !core::mem::replace(&mut assigned.routed, true);
        let (link, cidr) = (assigned.link, assigned.cidr);
        self.tell_state(key);
        self.announce(key);
        if newly_routed {
            self.address_usable(link, cidr);
        }
        self.routes.changed();
        self.schedule_address(key);
        if !cidr.addr.is_v4() && cidr.addr.is_link_local() {
            // What was told from nobody meanwhile, routers ignored (RFC 3590 §4).
            self.tell_all(link, Version::V6);
            self.restart_advertising(link);
            self.start_solicitation(link);
        }
    }

    /// Makes a usable address findable on an Ethernet.
    pub(crate) fn announce(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key(key) else { return };
        let (link, addr) = (assigned.link, assigned.cidr.addr);
        if self.mac_of(link).is_none() {
            return;
        }
        if addr.is_v4() { self.links.arp_own(link, addr) } else { self.join_solicited_node(key) }
    }

    /// Takes an address and all that hangs on it away.
    pub(crate) fn drop_address(&mut self, key: Key) {
        self.withdraw(key);
        self.leave_solicited_node(key);
        let Some(assigned) = self.addresses.take(key) else { return };
        let (link, addr) = (assigned.link, assigned.cidr.addr);
        self.links.base.emit(What::Address { link, addr, news: AddressNews::Gone });
        if let Some(timer) = assigned.timer {
            self.links.base.timers.cancel(timer);
        }
        if addr.is_v4() && self.mac_of(link).is_some() {
            self.links.arp_disown(link, addr);
        }
        self.routes.changed();
    }

    /// Takes the route that an address brought away.
    pub(crate) fn withdraw(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        if core::mem::take(&mut assigned.routed) {
            let (link, cidr) = (assigned.link, assigned.cidr);
            self.address_gone(link, cidr);
            let shares =
                |other: &&Assigned| other.routed && other.cidr.prefix == cidr.prefix && other.cidr.network() == cidr.network();
            let heir = self.addresses.on_link(link).find(shares).map(|other| other.cidr);
            if let Some(heir) = heir {
                self.address_usable(link, heir);
            }
        }
    }

    /// Joins the group where an address is solicited (RFC 4291 §2.8), if it has not been joined for it.
    pub(crate) fn join_solicited_node(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        let (link, group) = (assigned.link, assigned.cidr.addr.solicited_node());
        if !core::mem::replace(&mut assigned.solicitable, true) {
            self.host_join(link, group);
        }
    }

    /// The reverse of [`Network::join_solicited_node`].
    pub(crate) fn leave_solicited_node(&mut self, key: Key) {
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        let (link, group) = (assigned.link, assigned.cidr.addr.solicited_node());
        if core::mem::take(&mut assigned.solicitable) {
            self.host_leave(link, group);
        }
    }
}

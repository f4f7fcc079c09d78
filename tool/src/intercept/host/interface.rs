//! The interfaces of a host, as Linux words them.

use loggia_stack::base::{Addr, LinkId, Version};
use loggia_stack::engine::Stack;
use loggia_stack::link::{LinkStats, LinkStatus, Mac, Medium};
use loggia_stack::network::addresses::{AddrState, Assigned};

use super::netlink::numbers;

/// `IFF_LOWER_UP`, which only netlink tells.
const LOWER_UP: u32 = 1 << 16;

/// One interface.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub(super) index: u16,
    pub(super) name: String,
    pub(super) medium: Medium,
    pub(super) mtu: u32,
    pub(super) up: bool,
    pub(super) stats: LinkStats,
    /// In the order in which they were given.
    pub(super) addresses: Vec<Assigned>,
}

/// All interfaces of a host by number.
pub(super) fn all(stack: &Stack) -> Vec<Interface> {
    stack.links().map(|status| interface(stack, &status)).collect()
}

fn interface(stack: &Stack, status: &LinkStatus<'_>) -> Interface {
    Interface {
        index: status.link.0,
        name: status.config.name.clone(),
        medium: status.config.medium,
        mtu: status.config.mtu,
        up: status.up,
        stats: status.stats,
        addresses: stack.assigned().filter(|assigned| assigned.link == status.link).cloned().collect(),
    }
}

impl Interface {
    pub(super) fn link(&self) -> LinkId {
        LinkId(self.index)
    }

    /// `IFF_*`, as netlink tells them.
    pub(super) fn flags(&self) -> u32 {
        let kind = match self.medium {
            Medium::Loopback => libc::IFF_LOOPBACK,
            Medium::Ip => libc::IFF_POINTOPOINT | libc::IFF_NOARP | libc::IFF_MULTICAST,
            Medium::Ethernet { .. } => libc::IFF_BROADCAST | libc::IFF_MULTICAST,
        };
        let running = if self.up { (libc::IFF_UP | libc::IFF_RUNNING) as u32 | LOWER_UP } else { 0 };
        kind as u32 | running
    }

    /// `ARPHRD_*`
    pub(super) fn hardware(&self) -> u16 {
        match self.medium {
            Medium::Loopback => libc::ARPHRD_LOOPBACK,
            Medium::Ip => libc::ARPHRD_NONE,
            Medium::Ethernet { .. } => libc::ARPHRD_ETHER,
        }
    }

    /// Its link address and that of all on the link; none where there are no link addresses.
    pub(super) fn link_addresses(&self) -> Option<(Mac, Mac)> {
        match self.medium {
            Medium::Loopback => Some((Mac::ZERO, Mac::ZERO)),
            Medium::Ip => None,
            Medium::Ethernet { mac, .. } => Some((mac, Mac::BROADCAST)),
        }
    }

    /// Its first IPv4 address, which is the one the older calls know.
    pub(super) fn first_v4(&self) -> Option<&Assigned> {
        self.addresses.iter().find(|assigned| assigned.cidr.addr.is_v4())
    }

    /// Where datagrams for all on an IPv4 address's network go; none where there is no such thing.
    pub(super) fn broadcast(&self, assigned: &Assigned) -> Option<Addr> {
        let has = matches!(self.medium, Medium::Ethernet { .. }) && assigned.cidr.prefix < 31;
        if has { assigned.cidr.broadcast() } else { None }
    }
}

/// `AF_INET` or `AF_INET6`.
pub(super) fn family(addr: Addr) -> u8 {
    match addr.version() {
        Version::V4 => libc::AF_INET as u8,
        Version::V6 => libc::AF_INET6 as u8,
    }
}

/// True for those two.
pub(super) fn is_internet(family: u8) -> bool {
    matches!(i32::from(family), libc::AF_INET | libc::AF_INET6)
}

/// The four or sixteen bytes of an address.
pub(super) fn octets(addr: Addr) -> Vec<u8> {
    if addr.is_v4() { addr.v4_octets().into() } else { addr.octets().into() }
}

/// `RT_SCOPE_*` of an address.
pub(super) fn scope(addr: Addr) -> u8 {
    if addr.is_loopback() {
        libc::RT_SCOPE_HOST
    } else if addr.is_link_local() {
        libc::RT_SCOPE_LINK
    } else {
        libc::RT_SCOPE_UNIVERSE
    }
}

/// `IFA_F_*` of an address.
pub(super) fn address_flags(assigned: &Assigned) -> u32 {
    let state = match assigned.state {
        AddrState::Preferred => 0,
        AddrState::Tentative => numbers::IFA_F_TENTATIVE,
        AddrState::Deprecated => numbers::IFA_F_DEPRECATED,
        AddrState::Duplicate => numbers::IFA_F_TENTATIVE | numbers::IFA_F_DADFAILED,
    };
    state | if assigned.valid_until.is_set() { 0 } else { numbers::IFA_F_PERMANENT }
}

/// The netmask of an IPv4 prefix.
pub(super) fn netmask(prefix: u8) -> Addr {
    Addr::from_v4(u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netmask_has_as_many_ones_as_its_prefix() {
        let masks = [(0, "0.0.0.0"), (1, "128.0.0.0"), (24, "255.255.255.0"), (32, "255.255.255.255")];
        for (prefix, mask) in masks {
            assert_eq!(netmask(prefix).to_string(), mask);
        }
    }
}

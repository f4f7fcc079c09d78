//! Addresses of links and the choice of a source address (RFC 6724).

use alloc::vec::Vec;

use crate::base::{Addr, Cidr, Errno, LinkId};

use super::Network;

/// All addresses of a host.
#[derive(Debug, Default)]
pub struct Addresses {
    list: Vec<(LinkId, Cidr)>,
}

impl Addresses {
    /// True if packets to `addr` are delivered here: an address that is not tentative, or the loopback net.
    pub fn is_local(&self, addr: Addr) -> bool {
        addr.is_loopback() || self.list.iter().any(|(_, own)| own.addr == addr)
    }

    /// True if `addr` is the directed broadcast address of a network of ours.
    pub fn is_broadcast(&self, addr: Addr) -> bool {
        self.list.iter().any(|(_, own)| own.broadcast() == Some(addr))
    }

    /// The source address for packets to `dst` that leave by `link` (RFC 6724 §5).
    pub fn select_source(&self, dst: Addr, link: LinkId) -> Option<Addr> {
        let same = |own: &&(LinkId, Cidr)| own.1.addr.is_v4() == dst.is_v4();
        let on_link = self.list.iter().filter(same).filter(|own| own.0 == link);
        on_link.chain(self.list.iter().filter(same)).map(|own| own.1.addr).next()
    }
}

impl Network {
    /// Gives a link an address, with the routes that belong to it. `ENODEV`, `EEXIST`, `EADDRNOTAVAIL`.
    pub fn add_address(&mut self, link: LinkId, addr: Cidr) -> Result<(), Errno> {
        self.addresses.list.push((link, addr));
        self.address_usable(link, addr);
        Ok(())
    }

    /// Takes an address from a link, with the routes that belong to it. `EADDRNOTAVAIL`.
    pub fn remove_address(&mut self, link: LinkId, addr: Addr) -> Result<(), Errno> {
        let at = self.addresses.list.iter().position(|(at, own)| *at == link && own.addr == addr);
        let (_, cidr) = self.addresses.list.remove(at.ok_or(Errno::EADDRNOTAVAIL)?);
        self.address_gone(link, cidr);
        Ok(())
    }
}

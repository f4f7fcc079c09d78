//! Interface identifiers that are stable in a network and tell nothing outside it (RFC 7217).

use crate::base::{Addr, Cidr, HashKey, LinkId};
use crate::link::Mac;

use super::super::Network;

/// How often an address that was found to be taken is made anew (RFC 7217 §6 `IDGEN_RETRIES`).
pub(super) const IDGEN_RETRIES: u8 = 3;

/// `RID = F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key)` of RFC 7217 §5; there is no `Network_ID`.
/// The link's own address stands for `Net_Iface`: two hosts of one seed differ in it.
fn identifier(secret: &HashKey, prefix: Cidr, link: LinkId, mac: Option<Mac>, dad_counter: u8) -> u64 {
    let mut bytes = [0u8; 26];
    bytes[..16].copy_from_slice(&prefix.network().octets());
    bytes[16] = prefix.prefix;
    match mac {
        Some(mac) => bytes[17..23].copy_from_slice(&mac.0),
        None => bytes[23..25].copy_from_slice(&link.0.to_be_bytes()),
    }
    bytes[25] = dad_counter;
    secret.secret(&bytes)
}

/// Identifiers that nobody may take: subnet-router anycast, reserved anycast, those of IANA's Ethernet block (RFC 5453).
fn reserved(identifier: u64) -> bool {
    identifier == 0
        || (0xfdff_ffff_ffff_ff80..=0xfdff_ffff_ffff_ffff).contains(&identifier)
        || (0x0200_5eff_fe00_0000..=0x0200_5eff_feff_ffff).contains(&identifier)
}

/// The address made of a prefix of at most 64 bits and an identifier.
fn join(prefix: Cidr, identifier: u64) -> Addr {
    let mut octets = prefix.network().octets();
    octets[8..].copy_from_slice(&identifier.to_be_bytes());
    Addr::from_v6(octets)
}

impl Network {
    /// The address for a /64 on a link, and the counter it was made with: `from` or the next that gives an identifier which is
    /// neither reserved nor on the link already. None if the counter ran out.
    pub(super) fn stable_address(&self, link: LinkId, prefix: Cidr, from: u8) -> Option<(Addr, u8)> {
        let mac = self.mac_of(link);
        let secret = &self.autoconf.secret;
        (from..=IDGEN_RETRIES).find_map(|counter| {
            let identifier = identifier(secret, prefix, link, mac, counter);
            let addr = join(prefix, identifier);
            let free = !reserved(identifier) && self.addresses.get(link, addr).is_none();
            free.then_some((addr, counter))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    #[test]
    fn identifiers_are_stable_and_depend_on_everything_they_should() {
        // RFC 7217 §4, §5
        let secret = Entropy::new(7.into()).key("stable address");
        let prefix: Cidr = "2001:db8::/64".parse().unwrap();
        let mac = Some(Mac([2, 0, 0, 0, 0, 1]));
        let this = identifier(&secret, prefix, LinkId(1), mac, 0);
        assert_eq!(this, identifier(&secret, prefix, LinkId(1), mac, 0));
        let others = [
            identifier(&Entropy::new(8.into()).key("stable address"), prefix, LinkId(1), mac, 0),
            identifier(&secret, "2001:db8:1::/64".parse().unwrap(), LinkId(1), mac, 0),
            identifier(&secret, prefix, LinkId(1), Some(Mac([2, 0, 0, 0, 0, 2])), 0),
            identifier(&secret, prefix, LinkId(1), None, 0),
            identifier(&secret, prefix, LinkId(2), None, 0),
            identifier(&secret, prefix, LinkId(1), mac, 1),
        ];
        assert!(others.iter().all(|&other| other != this), "{this:x} {others:x?}");
        let joined = join(prefix, 0x1122_3344_5566_7788);
        assert_eq!(joined, "2001:db8::1122:3344:5566:7788".parse().unwrap());
    }

    #[test]
    fn reserved_identifiers_are_refused() {
        // RFC 5453 §3
        for identifier in [0, 0xfdff_ffff_ffff_ff80, 0xfdff_ffff_ffff_ffff, 0x0200_5eff_fe00_5213] {
            assert!(reserved(identifier), "{identifier:x}");
        }
        assert!(!reserved(1) && !reserved(0xfdff_ffff_ffff_ff7f));
    }
}

//! What a link is: its medium, its device's abilities, its limits.

use alloc::string::String;

use super::mac::Mac;
use crate::base::Errno;

/// What kind of link it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// What is sent comes back.
    Loopback,
    /// Frames are IP packets without a link header (TUN).
    Ip,
    /// Ethernet II; `vlan` tags everything sent and accepts only that VLAN.
    Ethernet {
        /// Our address.
        mac: Mac,
        /// 802.1Q VLAN identifier.
        vlan: Option<u16>,
    },
}

/// What the device behind a link does itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offloads {
    /// It completes partial transport checksums (or no wire needs them): frames leave with [`Checksum::Partial`](crate::base::Checksum::Partial).
    pub checksum: bool,
    /// The largest super-segment (payload bytes) it cuts itself; 0: frames are cut before they leave. One of more than an IPv4 packet can be
    /// long says 0 for its length, as Linux's do (BIG TCP); IPv6 has none.
    /// Without `checksum` it counts as 0, as on Linux: who cuts must make the checksums.
    pub segmentation: u32,
    /// Join arriving segments of one flow before they go up.
    pub coalesce: bool,
}

impl Offloads {
    /// The largest super-segment (payload bytes) that the device cuts; 0: none.
    pub const fn cuts_at_most(&self) -> u32 {
        if self.checksum { self.segmentation } else { 0 }
    }
}

/// A link to be added.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its name, e.g. `eth0`; at most 15 bytes.
    pub name: String,
    /// Its kind.
    pub medium: Medium,
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// What its device does itself.
    pub offloads: Offloads,
    /// Bytes its output queue holds before packets are discarded (counted after cutting). The packet that reaches
    /// the limit is still taken, so that a large frame fits any queue.
    pub queue_limit: usize,
}

/// The smallest MTU: what every IPv4 module must take (RFC 791 §3.1). IPv6 asks for 1280; that is the network layer's to see.
pub const MTU_MIN: u32 = 68;
/// The largest MTU: that of Linux's loopback.
pub const MTU_MAX: u32 = 65_536;

impl LinkConfig {
    /// One whose device does nothing itself, and whose queue holds 1 MiB.
    pub fn new(name: impl Into<String>, medium: Medium, mtu: u32) -> Self {
        Self { name: name.into(), medium, mtu, offloads: Offloads::default(), queue_limit: 1 << 20 }
    }

    /// `EINVAL` for a name, MTU or VLAN that cannot be one, `EADDRNOTAVAIL` for a link address no station can have.
    pub(super) fn check(&self) -> Result<(), Errno> {
        if !valid_name(&self.name) || !valid_mtu(self.mtu) {
            return Err(Errno::EINVAL);
        }
        match self.medium {
            Medium::Ethernet { mac, .. } if !mac.is_station() => Err(Errno::EADDRNOTAVAIL),
            Medium::Ethernet { vlan: Some(vlan), .. } if !(1..=4094).contains(&vlan) => Err(Errno::EINVAL),
            _ => Ok(()),
        }
    }
}

pub(super) fn valid_mtu(mtu: u32) -> bool {
    (MTU_MIN..=MTU_MAX).contains(&mtu)
}

/// As Linux's `dev_valid_name`.
fn valid_name(name: &str) -> bool {
    let plain = |c: char| c != '/' && c != ':' && !c.is_whitespace();
    !name.is_empty() && name.len() <= 15 && name != "." && name != ".." && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_cannot_be_is_refused_with_its_errno() {
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        let check = |name: &str, mtu, mac, vlan| {
            let medium = Medium::Ethernet { mac, vlan };
            LinkConfig { name: name.into(), medium, mtu, offloads: Offloads::default(), queue_limit: 0 }.check()
        };
        assert_eq!(check("eth0", 1500, mac, Some(4094)), Ok(()));
        for name in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-xx"] {
            assert_eq!(check(name, 1500, mac, None), Err(Errno::EINVAL), "{name}");
        }
        assert_eq!(check("eth0", 67, mac, None), Err(Errno::EINVAL));
        assert_eq!(check("eth0", 65_537, mac, None), Err(Errno::EINVAL));
        assert_eq!(check("eth0", 1500, Mac::ZERO, None), Err(Errno::EADDRNOTAVAIL));
        assert_eq!(check("eth0", 1500, Mac::BROADCAST, None), Err(Errno::EADDRNOTAVAIL));
        assert_eq!(check("eth0", 1500, mac, Some(0)), Err(Errno::EINVAL));
        assert_eq!(check("eth0", 1500, mac, Some(4095)), Err(Errno::EINVAL));
    }
}

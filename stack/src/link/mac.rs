//! Link addresses: 48 bits, as of IEEE 802.

use core::fmt;

use crate::base::Addr;

/// A 48-bit link address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// `00:00:00:00:00:00`, which no station has.
    pub const ZERO: Self = Self([0; 6]);

    /// The group address of an IPv4 (RFC 1112 §6.4) or IPv6 (RFC 2464 §7) multicast address.
    pub fn multicast(group: Addr) -> Self {
        let o = group.octets();
        if group.is_v4() {
            Self([0x01, 0x00, 0x5e, o[13] & 0x7f, o[14], o[15]])
        } else {
            Self([0x33, 0x33, o[12], o[13], o[14], o[15]])
        }
    }

    /// True for group addresses, the broadcast address among them.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// True for an address that one station can have: neither a group nor zero.
    pub fn is_station(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::str::FromStr for Mac {
    type Err = ();
    /// Reads `02:00:00:00:00:01`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| matches!(part.len(), 1 | 2)).ok_or(())?;
            *octet = u8::from_str_radix(part, 16).map_err(|_| ())?;
        }
        if parts.next().is_none() { Ok(Self(octets)) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_forms_round_trip() {
        let mac: Mac = "02:00:00:0a:ff:01".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:00:0a:ff:01");
        for wrong in ["", "02:00:00:0a:ff", "02:00:00:0a:ff:01:02", "02:00:00:0a:ff:100", "02:00:00:0a:ff:g1"] {
            assert!(wrong.parse::<Mac>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_map_to_their_link_addresses() {
        let group = |text: &str| Mac::multicast(text.parse().unwrap()).to_string();
        assert_eq!(group("239.129.2.3"), "01:00:5e:01:02:03", "RFC 1112 §6.4: the low 23 bits");
        assert_eq!(group("ff02::1:ff28:9c5a"), "33:33:ff:28:9c:5a", "RFC 2464 §7: the low 32 bits");
    }

    #[test]
    fn a_station_is_neither_group_nor_zero() {
        assert!(Mac([2, 0, 0, 0, 0, 1]).is_station());
        assert!(!Mac::ZERO.is_station() && !Mac::BROADCAST.is_station() && !Mac([1, 0, 0x5e, 0, 0, 1]).is_station());
    }
}

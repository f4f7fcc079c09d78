//! What names an end of communication, for all families: the counterpart of `struct sockaddr`.

use alloc::vec::Vec;
use core::fmt;

use super::numbers::{AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};
use super::semantics::Family;
use crate::base::{Addr, Errno, SockAddr};
use crate::transport::unix::UnixAddress;

/// An address of a socket call.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Address {
    /// `AF_UNSPEC`: `connect` to it dissolves an association; a receive call gives it where there is no sender to name.
    #[default]
    Unspecified,
    /// `AF_INET`
    Inet(SockAddr),
    /// `AF_INET6`; an IPv4 address stands in it mapped (`::ffff:a.b.c.d`).
    Inet6 {
        /// Address, port and scope.
        addr: SockAddr,
        /// `sin6_flowinfo`, in host order.
        flowinfo: u32,
    },
    /// `AF_UNIX`
    Unix(UnixAddress),
}

/// Bytes of `struct sockaddr_in`.
const SOCKADDR_IN: usize = 16;
/// Bytes of `struct sockaddr_in6` without the scope (RFC 2133), which Linux still accepts.
const SOCKADDR_IN6_OLD: usize = 24;
/// Bytes of `struct sockaddr_in6`.
const SOCKADDR_IN6: usize = 28;

impl Address {
    /// `addr` as a socket of `family` names it: IPv4 mapped if that is `AF_INET6`.
    pub(super) fn of(family: Family, addr: SockAddr) -> Self {
        match family {
            Family::Inet6 => Self::Inet6 { addr, flowinfo: 0 },
            Family::Inet | Family::Unix => Self::Inet(addr),
        }
    }

    /// True if it is known at a glance to be the same: nearly all are of IPv4.
    #[inline(always)]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Inet(one), Self::Inet(other)) if one == other)
    }

    /// The internet address in it, if it is one.
    pub fn sock_addr(&self) -> Option<SockAddr> {
        match self {
            Self::Inet(addr) | Self::Inet6 { addr, .. } => Some(*addr),
            Self::Unspecified | Self::Unix(_) => None,
        }
    }

    /// Reads `struct sockaddr` as a call passes it. `EINVAL` if it is too short or too long for its family, `EAFNOSUPPORT` for a family
    /// that is not built.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Errno> {
        let family = bytes.first_chunk().map(|two| u16::from_ne_bytes(*two)).ok_or(Errno::EINVAL)?;
        match i32::from(family) {
            AF_UNSPEC => Ok(Self::Unspecified),
            AF_INET => Self::inet_from_bytes(bytes),
            AF_INET6 => Self::inet6_from_bytes(bytes),
            AF_UNIX => UnixAddress::from_sun_path(&bytes[2..]).map(Self::Unix),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    fn inet_from_bytes(bytes: &[u8]) -> Result<Self, Errno> {
        let bytes: &[u8; SOCKADDR_IN] = bytes.first_chunk().ok_or(Errno::EINVAL)?;
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        Ok(Self::Inet(SockAddr::new(Addr::v4(bytes[4], bytes[5], bytes[6], bytes[7]), port)))
    }

    fn inet6_from_bytes(bytes: &[u8]) -> Result<Self, Errno> {
        let fixed: &[u8; SOCKADDR_IN6_OLD] = bytes.first_chunk().ok_or(Errno::EINVAL)?;
        let port = u16::from_be_bytes([fixed[2], fixed[3]]);
        let flowinfo = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let mut octets = [0; 16];
        octets.copy_from_slice(&fixed[8..24]);
        let scope = bytes[24..].first_chunk().map_or(0, |four| u32::from_ne_bytes(*four));
        Ok(Self::Inet6 { addr: SockAddr { addr: Addr::from_v6(octets), port, scope }, flowinfo })
    }

    /// `struct sockaddr` as a call gives it back; nothing for [`Address::Unspecified`].
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Unspecified => Vec::new(),
            Self::Inet(addr) => {
                let mut bytes = alloc::vec![0; SOCKADDR_IN];
                bytes[..2].copy_from_slice(&(AF_INET as u16).to_ne_bytes());
                bytes[2..4].copy_from_slice(&addr.port.to_be_bytes());
                bytes[4..8].copy_from_slice(&addr.addr.v4_octets());
                bytes
            }
            Self::Inet6 { addr, flowinfo } => {
                let mut bytes = alloc::vec![0; SOCKADDR_IN6];
                bytes[..2].copy_from_slice(&(AF_INET6 as u16).to_ne_bytes());
                bytes[2..4].copy_from_slice(&addr.port.to_be_bytes());
                bytes[4..8].copy_from_slice(&flowinfo.to_be_bytes());
                bytes[8..24].copy_from_slice(&addr.addr.octets());
                bytes[24..].copy_from_slice(&addr.scope.to_ne_bytes());
                bytes
            }
            Self::Unix(address) => {
                let mut bytes = (AF_UNIX as u16).to_ne_bytes().to_vec();
                bytes.extend_from_slice(&address.to_sun_path());
                bytes
            }
        }
    }
}

impl From<SockAddr> for Address {
    fn from(addr: SockAddr) -> Self {
        if addr.addr.is_v4() { Self::Inet(addr) } else { Self::Inet6 { addr, flowinfo: 0 } }
    }
}

impl From<core::net::SocketAddr> for Address {
    fn from(addr: core::net::SocketAddr) -> Self {
        SockAddr::from(addr).into()
    }
}

impl From<UnixAddress> for Address {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

impl core::str::FromStr for Address {
    type Err = core::net::AddrParseError;
    /// Reads `10.0.0.1:80`, `[fd00::1]:80`, and `[::ffff:10.0.0.1]:80` as the name that an IPv6 socket has for the first.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let family = if text.starts_with('[') { Family::Inet6 } else { Family::Inet };
        text.parse().map(|addr| Self::of(family, addr))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unspecified => f.write_str("*"),
            Self::Inet(addr) => fmt::Display::fmt(addr, f),
            Self::Inet6 { addr, .. } if addr.addr.is_v4() => write!(f, "[::ffff:{}]:{}", addr.addr, addr.port),
            Self::Inet6 { addr, .. } => fmt::Display::fmt(addr, f),
            Self::Unix(address) => fmt::Display::fmt(address, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let mut mapped: Address = "[fd00::1]:443".parse().unwrap();
        if let Address::Inet6 { addr, flowinfo } = &mut mapped {
            (addr.addr, addr.scope, *flowinfo) = (Addr::v4(10, 0, 0, 1), 3, 7);
        }
        let path = Address::Unix(UnixAddress::path(b"/run/x").unwrap());
        for address in ["10.0.0.1:80".parse().unwrap(), "[fe80::1]:1".parse().unwrap(), mapped, path] {
            assert_eq!(Address::from_bytes(&address.to_bytes()), Ok(address));
        }
    }

    #[test]
    fn text_round_trips() {
        for (text, is_v6) in [("10.0.0.1:80", false), ("[fd00::1]:80", true), ("[::ffff:10.0.0.1]:80", true)] {
            let address: Address = text.parse().unwrap();
            assert_eq!((alloc::format!("{address}").as_str(), matches!(address, Address::Inet6 { .. })), (text, is_v6));
        }
    }

    #[test]
    fn lengths_are_checked_as_linux_does() {
        let v4 = Address::from(SockAddr::new(Addr::V4_LOOPBACK, 1)).to_bytes();
        let v6 = Address::from(SockAddr::new(Addr::V6_LOOPBACK, 1)).to_bytes();
        assert_eq!(Address::from_bytes(&v4[..15]), Err(Errno::EINVAL));
        assert_eq!(Address::from_bytes(&v6[..23]), Err(Errno::EINVAL));
        assert!(Address::from_bytes(&v6[..24]).is_ok());
        assert_eq!(Address::from_bytes(&[2]), Err(Errno::EINVAL));
        assert_eq!(Address::from_bytes(&[77, 0, 0, 0]), Err(Errno::EAFNOSUPPORT));
    }
}

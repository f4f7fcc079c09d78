//! Where two hosts live: what the link between them is, and the addresses that they have on it.

use loggia_stack::base::{Addr, Cidr, SockAddr};
use loggia_stack::link::{Mac, Medium};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6};

/// Where two hosts live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Site {
    /// A link of packets, IPv4.
    #[default]
    Ipv4,
    /// A link of packets, IPv6.
    Ipv6,
    /// An Ethernet, IPv4.
    Ethernet,
}

impl Site {
    /// The link of host `number`.
    pub fn medium(self, number: u8) -> Medium {
        match self {
            Self::Ipv4 | Self::Ipv6 => Medium::Ip,
            Self::Ethernet => Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, number]), vlan: None },
        }
    }

    /// The address of host `number`.
    pub fn address(self, number: u8) -> Addr {
        match self {
            Self::Ipv4 | Self::Ethernet => Addr::v4(192, 0, 2, number),
            Self::Ipv6 => Addr::from_v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number]),
        }
    }

    /// The same, and which others are on the link.
    pub fn subnet(self, number: u8) -> Cidr {
        Cidr::new(self.address(number), if self == Self::Ipv6 { 64 } else { 24 })
    }

    /// Of sockets.
    pub fn family(self) -> i32 {
        if self == Self::Ipv6 { AF_INET6 } else { AF_INET }
    }

    /// A port of host `number`, as calls take it.
    pub fn name(self, number: u8, port: u16) -> Address {
        let addr = SockAddr::new(self.address(number), port);
        match self {
            Self::Ipv4 | Self::Ethernet => Address::Inet(addr),
            Self::Ipv6 => Address::Inet6 { addr, flowinfo: 0 },
        }
    }
}

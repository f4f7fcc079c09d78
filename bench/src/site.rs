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
    /// An Ethernet, IPv6.
    EthernetIpv6,
}

impl Site {
    /// The link of host `number`.
    pub fn medium(self, number: u8) -> Medium {
        match self {
            Self::Ipv4 | Self::Ipv6 => Medium::Ip,
            Self::Ethernet | Self::EthernetIpv6 => Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, number]), vlan: None },
        }
    }

    /// The address of host `number`.
    pub fn address(self, number: u8) -> Addr {
        match self {
            Self::Ipv4 | Self::Ethernet => Addr::v4(192, 0, 2, number),
            Self::Ipv6 | Self::EthernetIpv6 => Addr::from_v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number]),
        }
    }

    /// The same, and which others are on the link.
    pub fn subnet(self, number: u8) -> Cidr {
        let addr = self.address(number);
        Cidr::new(addr, if addr.is_v4() { 24 } else { 64 })
    }

    /// Of sockets.
    pub fn family(self) -> i32 {
        if self.address(1).is_v4() { AF_INET } else { AF_INET6 }
    }

    /// A port of host `number`, as calls take it.
    pub fn name(self, number: u8, port: u16) -> Address {
        let addr = SockAddr::new(self.address(number), port);
        match self {
            Self::Ipv4 | Self::Ethernet => Address::Inet(addr),
            Self::Ipv6 | Self::EthernetIpv6 => Address::Inet6 { addr, flowinfo: 0 },
        }
    }
}

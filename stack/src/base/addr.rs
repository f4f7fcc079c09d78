//! Addresses: 16 bytes for both families, IPv4 mapped (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2).
//! The split between the families is confined to the header code.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The family of an address: which header carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Version {
    /// IPv4 (RFC 791).
    V4,
    /// IPv6 (RFC 8200).
    V6,
}

/// An IPv4 or IPv6 address in 16 bytes, IPv4 mapped.
///
/// The two unspecified addresses differ: `0.0.0.0` is `::ffff:0.0.0.0`, `::` is all zeros.
///
/// The octets lie in two words, in the order of the wire: of an array of them a compiler that keeps an address in registers makes sixteen loads of a byte.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Addr {
    front: u64,
    back: u64,
}

/// The first four octets of the `back` of an IPv4 address, and which they are.
const MAPPED: u64 = u64::from_ne_bytes([0, 0, 0xff, 0xff, 0, 0, 0, 0]);
const MAPPED_MASK: u64 = u64::from_ne_bytes([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

impl Addr {
    /// `::`
    pub const V6_ANY: Self = Self::from_v6([0; 16]);
    /// `0.0.0.0`
    pub const V4_ANY: Self = Self::v4(0, 0, 0, 0);
    /// `::1`
    pub const V6_LOOPBACK: Self = Self::from_v6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// `127.0.0.1`
    pub const V4_LOOPBACK: Self = Self::v4(127, 0, 0, 1);
    /// `255.255.255.255`
    pub const V4_BROADCAST: Self = Self::v4(255, 255, 255, 255);
    /// `ff02::1`, all nodes on the link.
    pub const ALL_NODES: Self = Self::from_v6([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// `ff02::2`, all routers on the link.
    pub const ALL_ROUTERS: Self = Self::from_v6([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

    /// The IPv4 address `a.b.c.d`.
    #[inline]
    pub const fn v4(a: u8, b: u8, c: u8, d: u8) -> Self {
        Self { front: 0, back: u64::from_ne_bytes([0, 0, 0xff, 0xff, a, b, c, d]) }
    }

    /// The IPv4 address with these octets.
    #[inline]
    pub const fn from_v4([a, b, c, d]: [u8; 4]) -> Self {
        Self::v4(a, b, c, d)
    }

    /// The address with these 16 octets; mapped ones are IPv4 addresses.
    #[inline]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
        Self { front: u64::from_ne_bytes([a, b, c, d, e, f, g, h]), back: u64::from_ne_bytes([i, j, k, l, m, n, o, p]) }
    }

    /// The unspecified address of a family.
    pub const fn any(version: Version) -> Self {
        match version {
            Version::V4 => Self::V4_ANY,
            Version::V6 => Self::V6_ANY,
        }
    }

    /// All 16 octets.
    #[inline]
    pub const fn octets(self) -> [u8; 16] {
        let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (self.front.to_ne_bytes(), self.back.to_ne_bytes());
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The last four octets: those of an IPv4 address.
    #[inline]
    pub const fn v4_octets(self) -> [u8; 4] {
        let [_, _, _, _, a, b, c, d] = self.back.to_ne_bytes();
        [a, b, c, d]
    }

    /// The first two octets.
    const fn first_two(self) -> [u8; 2] {
        let [a, b, ..] = self.front.to_ne_bytes();
        [a, b]
    }

    /// The octets as one number, the first being the most.
    const fn number(self) -> u128 {
        (u64::from_be(self.front) as u128) << 64 | u64::from_be(self.back) as u128
    }

    /// Nothing but zeros if both are the same: for comparisons of several addresses at once.
    #[inline]
    pub(crate) const fn difference(self, other: Self) -> u64 {
        (self.front ^ other.front) | (self.back ^ other.back)
    }

    /// True for IPv4 (mapped) addresses.
    #[inline]
    pub const fn is_v4(self) -> bool {
        (self.front == 0) & (self.back & MAPPED_MASK == MAPPED)
    }

    /// The family whose header carries this address.
    pub fn version(self) -> Version {
        if self.is_v4() { Version::V4 } else { Version::V6 }
    }

    /// True for `0.0.0.0` and `::`.
    pub fn is_unspecified(self) -> bool {
        self == Self::V4_ANY || self == Self::V6_ANY
    }

    /// True for `127.0.0.0/8` and `::1`.
    pub fn is_loopback(self) -> bool {
        if self.is_v4() { self.v4_octets()[0] == 127 } else { self == Self::V6_LOOPBACK }
    }

    /// True for `224.0.0.0/4` and `ff00::/8`.
    pub fn is_multicast(self) -> bool {
        if self.is_v4() { self.v4_octets()[0] & 0xf0 == 0xe0 } else { self.first_two()[0] == 0xff }
    }

    /// True for the limited broadcast address `255.255.255.255`.
    pub fn is_limited_broadcast(self) -> bool {
        self == Self::V4_BROADCAST
    }

    /// True for `169.254.0.0/16` and `fe80::/10`.
    pub fn is_link_local(self) -> bool {
        if self.is_v4() {
            matches!(self.v4_octets(), [169, 254, ..])
        } else {
            matches!(self.first_two(), [0xfe, second] if second & 0xc0 == 0x80)
        }
    }

    /// True for multicast that must not leave the link: `224.0.0.0/24`, `ff01::/16`, `ff02::/16`.
    pub fn is_link_scope_multicast(self) -> bool {
        if self.is_v4() {
            matches!(self.v4_octets(), [224, 0, 0, _])
        } else {
            matches!(self.first_two(), [0xff, second] if matches!(second & 0x0f, 1 | 2))
        }
    }

    /// `ff02::1:ffXX:XXXX`, the solicited-node multicast address (RFC 4291 §2.7.1).
    pub fn solicited_node(self) -> Self {
        let mut octets = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0];
        octets[13..].copy_from_slice(&self.v4_octets()[1..]);
        Self::from_v6(octets)
    }

    /// How many leading bits both addresses share, counted within the family (at most 32 or 128).
    pub fn common_prefix(self, other: Self) -> u8 {
        if self.version() != other.version() {
            return 0;
        }
        let both = self.number() ^ other.number();
        let bits = both.leading_zeros() as u8;
        if self.is_v4() { bits - 96 } else { bits }
    }
}

impl PartialOrd for Addr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Addr {
    /// By their octets.
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl Hash for Addr {
    /// That of the octets, on every machine.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.octets().hash(state);
    }
}

impl From<Ipv4Addr> for Addr {
    fn from(addr: Ipv4Addr) -> Self {
        Self::from_v4(addr.octets())
    }
}

impl From<Ipv6Addr> for Addr {
    fn from(addr: Ipv6Addr) -> Self {
        Self::from_v6(addr.octets())
    }
}

impl From<IpAddr> for Addr {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => addr.into(),
            IpAddr::V6(addr) => addr.into(),
        }
    }
}

impl From<Addr> for IpAddr {
    fn from(addr: Addr) -> Self {
        if addr.is_v4() { Ipv4Addr::from(addr.v4_octets()).into() } else { Ipv6Addr::from(addr.octets()).into() }
    }
}

impl core::str::FromStr for Addr {
    type Err = core::net::AddrParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpAddr>().map(Self::from)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&IpAddr::from(*self), f)
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address with the length of its network's prefix, counted within the family (0-32 or 0-128).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// The address; host bits may be set.
    pub addr: Addr,
    /// Bits of the network part.
    pub prefix: u8,
}

impl Cidr {
    /// `addr/prefix`; a prefix longer than the family's addresses is cut to their length.
    pub fn new(addr: Addr, prefix: u8) -> Self {
        Self { addr, prefix: prefix.min(if addr.is_v4() { 32 } else { 128 }) }
    }

    /// The address alone, as a network of one.
    pub fn host(addr: Addr) -> Self {
        Self::new(addr, 128)
    }

    /// True if `addr` is of this family and within this network.
    pub fn contains(self, addr: Addr) -> bool {
        self.addr.version() == addr.version() && self.addr.common_prefix(addr) >= self.prefix
    }

    /// The IPv4 network's directed broadcast address; none for IPv6 and for /31 and /32 (RFC 3021).
    pub fn broadcast(self) -> Option<Addr> {
        if !self.addr.is_v4() || self.prefix >= 31 {
            return None;
        }
        let host = u32::MAX >> self.prefix;
        Some(Addr::from_v4((u32::from_be_bytes(self.addr.v4_octets()) | host).to_be_bytes()))
    }

    /// The network's own address: host bits cleared. A prefix longer than the family's addresses clears none.
    pub fn network(self) -> Addr {
        let bits = u32::from(self.prefix) + if self.addr.is_v4() { 96 } else { 0 };
        let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits)).unwrap_or(0);
        Addr::from_v6((self.addr.number() & mask).to_be_bytes())
    }
}

impl core::str::FromStr for Cidr {
    type Err = ();
    /// Reads `10.0.0.1/24`, `fd00::1/64`, or an address alone.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (addr, prefix) = match text.split_once('/') {
            Some((addr, prefix)) => (addr, prefix.parse().map_err(|_| ())?),
            None => (text, if text.contains(':') { 128 } else { 32 }),
        };
        let addr: Addr = addr.parse().map_err(|_| ())?;
        if prefix > if addr.is_v4() { 32 } else { 128 } { Err(()) } else { Ok(Self { addr, prefix }) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One end of a transport flow: address, port, and for link-local IPv6 the link it lives on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SockAddr {
    /// The address.
    pub addr: Addr,
    /// The port, in host order.
    pub port: u16,
    /// `sin6_scope_id`: the number of the link, 0 for none.
    pub scope: u32,
}

impl SockAddr {
    /// `addr:port` without a scope.
    pub const fn new(addr: Addr, port: u16) -> Self {
        Self { addr, port, scope: 0 }
    }
}

impl From<core::net::SocketAddr> for SockAddr {
    fn from(from: core::net::SocketAddr) -> Self {
        let scope = match from {
            core::net::SocketAddr::V4(_) => 0,
            core::net::SocketAddr::V6(v6) => v6.scope_id(),
        };
        Self { addr: from.ip().into(), port: from.port(), scope }
    }
}

impl core::str::FromStr for SockAddr {
    type Err = core::net::AddrParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<core::net::SocketAddr>().map(Self::from)
    }
}

impl fmt::Display for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.addr.is_v4(), self.scope) {
            (true, _) => write!(f, "{}:{}", self.addr, self.port),
            (false, 0) => write!(f, "[{}]:{}", self.addr, self.port),
            (false, scope) => write!(f, "[{}%{scope}]:{}", self.addr, self.port),
        }
    }
}

impl fmt::Debug for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn addr(text: &str) -> Addr {
        text.parse().unwrap()
    }

    #[test]
    fn the_two_unspecified_addresses_differ() {
        assert_ne!(Addr::V4_ANY, Addr::V6_ANY);
        assert!(Addr::V4_ANY.is_v4() && !Addr::V6_ANY.is_v4());
        assert!(Addr::V4_ANY.is_unspecified() && Addr::V6_ANY.is_unspecified());
    }

    /// On machines of either order of bytes.
    #[test]
    fn octets_come_back_and_addresses_are_ordered_by_them() {
        let octets: [[u8; 16]; 4] =
            [[0; 16], core::array::from_fn(|at| at as u8), core::array::from_fn(|at| 16 - at as u8), [0xff; 16]];
        let addrs = octets.map(Addr::from_v6);
        assert_eq!(addrs.map(Addr::octets), octets);
        assert!(addrs.is_sorted() && addrs[1] < addrs[2]);
        let v4 = Addr::v4(1, 2, 3, 4);
        assert_eq!((v4.octets(), v4.v4_octets()), ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4], [1, 2, 3, 4]));
        assert!(!Addr::from_v6([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 1, 2, 3, 4]).is_v4());
        assert!(v4 > Addr::V6_LOOPBACK && v4 < addr("1.2.4.0") && v4 < addr("fd00::1"));
    }

    #[test]
    fn networks_contain_their_own_family_only() {
        let lan: Cidr = "10.1.2.3/24".parse().unwrap();
        assert!(lan.contains(addr("10.1.2.200")));
        assert!(!lan.contains(addr("10.1.3.1")));
        assert!(!lan.contains(addr("fd00::1")));
        assert_eq!(lan.network(), addr("10.1.2.0"));
        assert_eq!(lan.broadcast(), Some(addr("10.1.2.255")));
        assert_eq!("10.1.2.3/31".parse::<Cidr>().unwrap().broadcast(), None);
        assert!(Cidr::new(Addr::V6_ANY, 0).contains(addr("2001:db8::1")));
        assert!("10.0.0.1/33".parse::<Cidr>().is_err());
    }

    #[test]
    fn a_prefix_that_cannot_be_counts_as_the_longest() {
        for text in ["10.1.2.3", "fd00::3"] {
            let host = Cidr { addr: addr(text), prefix: u8::MAX };
            assert_eq!(host.network(), addr(text));
            assert_eq!(host.broadcast(), None);
        }
    }

    #[test]
    fn text_forms_round_trip() {
        for text in ["10.0.0.1:80", "[fd00::1]:443"] {
            assert_eq!(text.parse::<SockAddr>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn solicited_node_keeps_the_last_24_bits() {
        assert_eq!(addr("fe80::2aa:ff:fe28:9c5a").solicited_node(), addr("ff02::1:ff28:9c5a"));
    }
}

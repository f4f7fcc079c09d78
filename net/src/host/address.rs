//! How addresses are written.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use loggia_stack::base::{Addr, Cidr};

/// An address with the length of its network's prefix, as `10.0.0.2/24` or `2001:db8::2/64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// `addr` in a network of `len` bits. `InvalidInput` if an address has not so many.
    pub fn new(addr: IpAddr, len: u8) -> io::Result<Self> {
        if len > bits(addr) {
            return Err(invalid(format!("a prefix of {len} bits for {addr}")));
        }
        Ok(Self { addr, len })
    }

    /// All addresses of the family of `addr`: where a default route leads to.
    pub fn any(addr: IpAddr) -> Self {
        let addr = if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        Self { addr, len: 0 }
    }

    /// The address.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Bits of the prefix.
    pub fn prefix_len(&self) -> u8 {
        self.len
    }

    /// True if `addr` is in the network.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.addr.is_ipv4() == addr.is_ipv4() && self.cidr().contains(addr.into())
    }

    pub(super) fn of(cidr: Cidr) -> Self {
        Self { addr: cidr.addr.into(), len: cidr.prefix }
    }

    pub(super) fn cidr(self) -> Cidr {
        Cidr::new(self.addr.into(), self.len)
    }
}

impl FromStr for Prefix {
    type Err = io::Error;

    /// An address without a length stands for itself alone.
    fn from_str(text: &str) -> io::Result<Self> {
        let unreadable = || invalid(format!("{text:?} is not an address with a prefix length, such as 10.0.0.2/24"));
        match text.split_once('/') {
            None => text.parse().map(|addr| Self { addr, len: bits(addr) }).map_err(|_| unreadable()),
            Some((addr, len)) => {
                let addr = addr.parse().map_err(|_| unreadable())?;
                Self::new(addr, len.parse().map_err(|_| unreadable())?)
            }
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

fn bits(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// What can be said where a [`Prefix`] is wanted: one, its text, or an address and a length.
pub trait IntoPrefix {
    /// The prefix. `InvalidInput` if it is none.
    fn into_prefix(self) -> io::Result<Prefix>;
}

impl IntoPrefix for Prefix {
    fn into_prefix(self) -> io::Result<Prefix> {
        Ok(self)
    }
}

impl IntoPrefix for &str {
    fn into_prefix(self) -> io::Result<Prefix> {
        self.parse()
    }
}

impl IntoPrefix for &String {
    fn into_prefix(self) -> io::Result<Prefix> {
        self.parse()
    }
}

impl IntoPrefix for String {
    fn into_prefix(self) -> io::Result<Prefix> {
        self.parse()
    }
}

impl<A: Into<IpAddr>> IntoPrefix for (A, u8) {
    fn into_prefix(self) -> io::Result<Prefix> {
        Prefix::new(self.0.into(), self.1)
    }
}

/// What can be said where an IP address is wanted: one, or its text.
pub trait IntoIp {
    /// The address. `InvalidInput` if it is none.
    fn into_ip(self) -> io::Result<IpAddr>;
}

impl IntoIp for &str {
    fn into_ip(self) -> io::Result<IpAddr> {
        self.parse().map_err(|_| invalid(format!("{self:?} is not an IP address")))
    }
}

impl IntoIp for &String {
    fn into_ip(self) -> io::Result<IpAddr> {
        self.as_str().into_ip()
    }
}

impl IntoIp for String {
    fn into_ip(self) -> io::Result<IpAddr> {
        self.as_str().into_ip()
    }
}

impl IntoIp for IpAddr {
    fn into_ip(self) -> io::Result<IpAddr> {
        Ok(self)
    }
}

impl IntoIp for Ipv4Addr {
    fn into_ip(self) -> io::Result<IpAddr> {
        Ok(self.into())
    }
}

impl IntoIp for Ipv6Addr {
    fn into_ip(self) -> io::Result<IpAddr> {
        Ok(self.into())
    }
}

/// As the core has it.
pub(super) fn addr(ip: impl IntoIp) -> io::Result<Addr> {
    ip.into_ip().map(Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_and_written() {
        for text in ["10.0.0.2/24", "2001:db8::2/64", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Prefix>().expect(text).to_string(), text);
        }
        assert_eq!("10.0.0.2".parse::<Prefix>().expect("an address").to_string(), "10.0.0.2/32");
        assert_eq!("::1".parse::<Prefix>().expect("an address").prefix_len(), 128);
        for text in ["", "/", "10.0.0.2/", "10.0.0.2/33", "10.0.0.2/x", "::/129", "10.0.0/8", "host/8"] {
            assert_eq!(text.parse::<Prefix>().map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput), "{text}");
        }
    }
}

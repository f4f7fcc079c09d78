//! An address of any domain.

use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use loggia_stack::socket::Address;

use crate::socket::{address, error, sock_addr};

/// An address of any domain, as `socket2::SockAddr`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SockAddr(pub(crate) Address);

impl SockAddr {
    /// The internet address, if it is one.
    pub fn as_socket(&self) -> Option<SocketAddr> {
        sock_addr(&self.0).ok()
    }

    /// The internet address, if it is one of IPv4.
    pub fn as_socket_ipv4(&self) -> Option<SocketAddrV4> {
        match self.as_socket()? {
            SocketAddr::V4(v4) => Some(v4),
            SocketAddr::V6(_) => None,
        }
    }

    /// The internet address, if it is one of IPv6.
    pub fn as_socket_ipv6(&self) -> Option<SocketAddrV6> {
        match self.as_socket()? {
            SocketAddr::V4(_) => None,
            SocketAddr::V6(v6) => Some(v6),
        }
    }

    /// The Unix address, if it is one.
    #[cfg(unix)]
    pub fn as_unix(&self) -> Option<crate::unix::SocketAddr> {
        matches!(self.0, Address::Unix(_)).then(|| crate::unix::SocketAddr::new(self.0.clone()))
    }

    /// The address of a Unix path. `InvalidInput`
    #[cfg(unix)]
    pub fn unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        crate::unix::address(path.as_ref()).map(Self)
    }

    /// Reads `struct sockaddr` in Linux's form. `EINVAL`, `EAFNOSUPPORT`
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        Address::from_bytes(bytes).map(Self).map_err(error)
    }

    /// As `struct sockaddr` in Linux's form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }
}

impl fmt::Debug for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_socket() {
            Some(addr) => write!(f, "SockAddr({addr})"),
            None => write!(f, "SockAddr({:?})", self.0),
        }
    }
}

impl From<SocketAddr> for SockAddr {
    fn from(addr: SocketAddr) -> Self {
        Self(address(addr))
    }
}

impl From<SocketAddrV4> for SockAddr {
    fn from(addr: SocketAddrV4) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<SocketAddrV6> for SockAddr {
    fn from(addr: SocketAddrV6) -> Self {
        SocketAddr::from(addr).into()
    }
}

#[cfg(unix)]
impl From<crate::unix::SocketAddr> for SockAddr {
    fn from(addr: crate::unix::SocketAddr) -> Self {
        Self(addr.address())
    }
}

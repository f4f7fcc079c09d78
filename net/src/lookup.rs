//! What can be said where an address is wanted: an address, or a name that the host looks up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::host::Host;

/// The first of the addresses with which `attempt` succeeds; else the last error.
pub(crate) fn first<T>(addrs: Vec<SocketAddr>, mut attempt: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = None;
    for addr in addrs {
        match attempt(addr) {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")))
}

/// As [`std::net::ToSocketAddrs`], for the names that a host knows.
pub trait ToAddrs {
    /// All addresses, best first. [`io::ErrorKind::NotFound`] for a name that the host does not know,
    /// [`io::ErrorKind::InvalidInput`] for text that is neither.
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>>;
}

impl ToAddrs for SocketAddr {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![*self])
    }
}

impl ToAddrs for SocketAddrV4 {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(*self).into()])
    }
}

impl ToAddrs for SocketAddrV6 {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(*self).into()])
    }
}

impl ToAddrs for (IpAddr, u16) {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(*self).into()])
    }
}

impl ToAddrs for (Ipv4Addr, u16) {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(*self).into()])
    }
}

impl ToAddrs for (Ipv6Addr, u16) {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(*self).into()])
    }
}

impl ToAddrs for [SocketAddr] {
    fn to_addrs(&self, _: &Host) -> io::Result<Vec<SocketAddr>> {
        Ok(self.to_vec())
    }
}

impl ToAddrs for (&str, u16) {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        named(host, self.0, self.1)
    }
}

impl ToAddrs for (String, u16) {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        named(host, &self.0, self.1)
    }
}

impl ToAddrs for str {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        if let Ok(addr) = self.parse() {
            return Ok(vec![addr]);
        }
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what} in {self:?}"));
        let (name, port) = self.rsplit_once(':').ok_or_else(|| invalid("no port"))?;
        named(host, name, port.parse().map_err(|_| invalid("no valid port"))?)
    }
}

impl ToAddrs for String {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        self.as_str().to_addrs(host)
    }
}

impl<T: ToAddrs + ?Sized> ToAddrs for &T {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        (**self).to_addrs(host)
    }
}

fn named(host: &Host, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let addrs: Vec<_> = host.lookup(name).into_iter().map(|addr| SocketAddr::new(addr.into(), port)).collect();
    if addrs.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no address is known for the name {name:?}")));
    }
    Ok(addrs)
}

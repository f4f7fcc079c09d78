//! What can be said where an address is wanted: an address, or a name that the host looks up.
//!
//! A host looks among the [names it knows](Host::add_name) first and then asks its [resolver](Host::set_resolver), if it has one: that of
//! the feature `dns`, or whatever implements [`Resolve`].

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::host::Host;
use crate::waiting::block_on;

/// Finds the addresses of names for hosts that do not know them themselves.
pub trait Resolve: Send + Sync {
    /// The addresses of a name, best first. [`NotFound`](io::ErrorKind::NotFound) if it has none, [`TimedOut`](io::ErrorKind::TimedOut) if
    /// nobody answered. The answer may have a clone of the host; a resolver that a host has must not.
    fn addresses(&self, host: &Host, name: &str) -> Looking<Vec<IpAddr>>;
}

/// A question whose answer is on its way. A future for any executor; who has none calls [`wait`](Self::wait).
#[must_use = "nothing is asked unless the answer is awaited"]
pub struct Looking<T>(Pin<Box<dyn Future<Output = io::Result<T>> + Send>>);

impl<T> Looking<T> {
    /// What a future will answer.
    pub fn new(future: impl Future<Output = io::Result<T>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Holds this thread until the answer is there. For hosts in real time.
    pub fn wait(self) -> io::Result<T> {
        block_on(self.0)
    }
}

impl<T> Future for Looking<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Looking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Looking")
    }
}

/// What an address comes to.
pub(crate) enum Asked {
    /// It is known.
    Addrs(io::Result<Vec<SocketAddr>>),
    /// A name that the host's resolver is to be asked for.
    Name(String, u16),
}

impl Asked {
    pub(crate) fn new(host: &Host, addr: &impl ToAddrs) -> Self {
        match addr.to_name() {
            Some((name, port)) if known(host, name).is_empty() && host.resolver().is_some() => Self::Name(name.to_owned(), port),
            _ => Self::Addrs(addr.to_addrs(host)),
        }
    }

    /// The addresses, without holding the thread.
    #[cfg(feature = "tokio")]
    pub(crate) async fn find(self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Addrs(addrs) => addrs,
            Self::Name(name, port) => Ok(with_port(host.resolve(&name).await?, port)),
        }
    }
}

pub(crate) fn with_port(addrs: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    addrs.into_iter().map(|addr| SocketAddr::new(addr, port)).collect()
}

/// What a host can say of a name by itself.
pub(crate) fn known(host: &Host, name: &str) -> Vec<IpAddr> {
    match name.parse() {
        Ok(ip) => vec![ip],
        Err(_) => host.lookup(name),
    }
}

pub(crate) fn unknown(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no address is known for the name {name:?}"))
}

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

/// As [`std::net::ToSocketAddrs`], for the names that a host knows or can ask for.
pub trait ToAddrs {
    /// All addresses, best first; holds the thread while the host's resolver asks for a name. [`io::ErrorKind::NotFound`] for a name that
    /// nobody knows, [`io::ErrorKind::InvalidInput`] for text that is neither, and the resolver's errors.
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>>;

    /// The name and the port, where it says a name: for those who look it up without holding the thread.
    fn to_name(&self) -> Option<(&str, u16)> {
        None
    }
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

    fn to_name(&self) -> Option<(&str, u16)> {
        Some(*self)
    }
}

impl ToAddrs for (String, u16) {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        named(host, &self.0, self.1)
    }

    fn to_name(&self) -> Option<(&str, u16)> {
        Some((&self.0, self.1))
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

    fn to_name(&self) -> Option<(&str, u16)> {
        let (name, port) = self.rsplit_once(':')?;
        let port = port.parse().ok()?;
        self.parse::<SocketAddr>().is_err().then_some((name, port))
    }
}

impl ToAddrs for String {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        self.as_str().to_addrs(host)
    }

    fn to_name(&self) -> Option<(&str, u16)> {
        self.as_str().to_name()
    }
}

impl<T: ToAddrs + ?Sized> ToAddrs for &T {
    fn to_addrs(&self, host: &Host) -> io::Result<Vec<SocketAddr>> {
        (**self).to_addrs(host)
    }

    fn to_name(&self) -> Option<(&str, u16)> {
        (**self).to_name()
    }
}

fn named(host: &Host, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addrs = known(host, name);
    let addrs = if addrs.is_empty() { host.resolve(name).wait()? } else { addrs };
    Ok(with_port(addrs, port))
}

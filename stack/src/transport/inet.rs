//! What every internet socket has, whatever its protocol: ends, the link it is bound to, options of `SOL_SOCKET`, `IPPROTO_IP`
//! and `IPPROTO_IPV6` that decide where packets come from and go to.

use crate::base::event::class;
use crate::base::{Addr, Base, Errno, LinkId, SockAddr, SocketId, Version, What};
use crate::network::{Fragmentation, Network, RouteQuery};

/// Which directions a `shutdown` call closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shutdown {
    /// `SHUT_RD`
    Read,
    /// `SHUT_WR`
    Write,
    /// `SHUT_RDWR`
    Both,
}

/// Whether a socket carries a stream or datagrams: only the latter may be bound to an IPv6 group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// TCP.
    Stream,
    /// UDP, raw, ping.
    Datagram,
}

/// The common part of TCP, UDP and raw sockets.
#[derive(Clone, Debug)]
pub struct Inet {
    /// The socket whose readiness this changes; none until it is accepted or after it was closed.
    pub owner: Option<SocketId>,
    /// Bound or connected local address; unspecified: any.
    pub local: Addr,
    /// Connected remote address; unspecified: none.
    pub remote: Addr,
    /// Local port; 0: not bound.
    pub local_port: u16,
    /// Remote port; 0: not connected.
    pub remote_port: u16,
    /// `SO_BINDTODEVICE`, or the scope of a link-local address; 0: any link.
    pub link: u16,
    /// The socket's family: a [`Version::V6`] socket may carry IPv4 unless `v6only`.
    pub version: Version,
    /// The local address was given by `bind`, not chosen by `connect`.
    pub bound_address: bool,
    /// The local port was given by `bind`, not chosen by `connect`.
    pub bound_port: bool,
    /// `IPV6_V6ONLY`
    pub v6only: bool,
    /// `SO_REUSEADDR`
    pub reuse_addr: bool,
    /// `SO_REUSEPORT`
    pub reuse_port: bool,
    /// It is bound to every port; `local_port` is 0.
    pub every_port: bool,
    /// `IP_FREEBIND` / `IP_TRANSPARENT`: any local address.
    pub freebind: bool,
    /// `IP_RECVERR` / `IPV6_RECVERR`
    pub recv_err: bool,
    /// `IP_TTL` / `IPV6_UNICAST_HOPS`; 0: the stack's default.
    pub hop_limit: u8,
    /// `IP_TOS`
    pub tos: u8,
    /// `IPV6_TCLASS`
    pub tclass: u8,
    /// `IP_MTU_DISCOVER` / `IPV6_MTU_DISCOVER`
    pub fragmentation: Fragmentation,
    /// `SO_ERROR`: reported once, by the next call or `getsockopt`.
    pub error: Option<Errno>,
    /// An error that did not end the socket; reported if it ends by timeout.
    pub soft_error: Option<Errno>,
}

impl Inet {
    /// A fresh socket of a family.
    pub const fn new(version: Version, owner: Option<SocketId>) -> Self {
        Self {
            owner,
            local: Addr::any(version),
            remote: Addr::any(version),
            local_port: 0,
            remote_port: 0,
            link: 0,
            version,
            bound_address: false,
            bound_port: false,
            v6only: false,
            reuse_addr: false,
            reuse_port: false,
            every_port: false,
            freebind: false,
            recv_err: false,
            hop_limit: 0,
            tos: 0,
            tclass: 0,
            fragmentation: Fragmentation::Never,
            error: None,
            soft_error: None,
        }
    }

    /// Takes the pending error (`SO_ERROR`).
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// True after `connect`.
    pub fn is_connected(&self) -> bool {
        !self.remote.is_unspecified()
    }

    /// The local end, as `getsockname` gives it.
    pub fn local_end(&self) -> SockAddr {
        self.end(self.local, self.local_port)
    }

    /// The remote end, as `getpeername` gives it.
    pub fn remote_end(&self) -> SockAddr {
        self.end(self.remote, self.remote_port)
    }

    /// Tells whoever listens which ends the socket has now.
    #[inline(always)]
    pub fn tell_ends(&self, base: &mut Base, protocol: u8) {
        if let Some(socket) = self.owner
            && base.events.wanted(class::CALLS)
        {
            base.emit(What::Named { socket, protocol, local: self.local_end(), peer: self.remote_end() });
        }
    }

    fn end(&self, addr: Addr, port: u16) -> SockAddr {
        let scope = if needs_scope(addr) { u32::from(self.link) } else { 0 };
        SockAddr { addr, port, scope }
    }

    /// Whether `bind` to an address is allowed; says to which link it ties the socket (0: none).
    ///
    /// `EADDRNOTAVAIL` (not ours; any group and broadcast address is fine, for TCP too, as in Linux), `EAFNOSUPPORT`,
    /// `EINVAL` (IPv4 on an IPv6-only socket; link-local without a link; a stream on an IPv6 group), `ENODEV` (no such link).
    pub fn check_bind(&self, net: &Network, local: SockAddr, kind: Kind) -> Result<u16, Errno> {
        let addr = local.addr;
        match (self.version, addr.version()) {
            (Version::V4, Version::V6) => return Err(Errno::EAFNOSUPPORT),
            (Version::V6, Version::V4) if self.v6only => return Err(Errno::EINVAL),
            (_, Version::V6) if kind == Kind::Stream && addr.is_multicast() => return Err(Errno::EINVAL),
            _ => {}
        }
        let link = if needs_scope(addr) && local.scope != 0 { scope_link(local)? } else { self.link };
        if needs_scope(addr) && link == 0 {
            return Err(Errno::EINVAL);
        }
        if link != 0 && net.links.config(LinkId(link)).is_none() {
            return Err(Errno::ENODEV);
        }
        let group = addr.is_multicast() || addr.is_limited_broadcast() || net.is_broadcast(addr);
        let fine = addr.is_unspecified() || group || self.freebind || net.is_local(addr);
        if fine { Ok(link) } else { Err(Errno::EADDRNOTAVAIL) }
    }

    /// Whether packets to `remote` may leave this socket at all, by the families of both ends. With `ENETUNREACH` and
    /// `EAFNOSUPPORT` as Linux gives them.
    pub fn check_family(&self, remote: Addr) -> Result<(), Errno> {
        let fixed = self.local != Addr::V6_ANY;
        match (self.version, remote.version()) {
            (Version::V4, Version::V6) => Err(Errno::EAFNOSUPPORT),
            (Version::V6, Version::V4) if self.v6only || (fixed && !self.local.is_v4()) => Err(Errno::ENETUNREACH),
            (Version::V6, Version::V6) if fixed && self.local.is_v4() => Err(Errno::EAFNOSUPPORT),
            _ => Ok(()),
        }
    }

    /// The link `connect` to `remote` ties the socket to (0: none): the one it is bound to or that of the scope.
    /// `EINVAL` if both are given and differ, or a link-local address has neither.
    pub fn connect_link(&self, remote: SockAddr) -> Result<u16, Errno> {
        if !needs_scope(remote.addr) {
            return Ok(self.link);
        }
        match (self.link, scope_link(remote)?) {
            (0, 0) => Err(Errno::EINVAL),
            (0, link) | (link, 0) => Ok(link),
            (link, scope) if link == scope => Ok(link),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Where `dst` stands for this host itself: `0.0.0.0` and `::` as a destination mean loopback, as in BSD and Linux, where
    /// `0.0.0.0` is the socket's own address if it has one.
    #[inline]
    pub fn destination(&self, net: &Network, dst: Addr) -> Addr {
        if dst.is_unspecified() { self.ourselves(net, dst) } else { dst }
    }

    #[cold]
    #[inline(never)]
    fn ourselves(&self, net: &Network, any: Addr) -> Addr {
        let own = self.source(net);
        match (any.is_v4(), own.is_v4()) {
            (true, true) if !own.is_unspecified() => own,
            (true, _) | (false, true) => Addr::V4_LOOPBACK,
            (false, false) => Addr::V6_LOOPBACK,
        }
    }

    /// The question for the route to `dst` by what the socket is bound to. A group or broadcast address it is bound to is no
    /// source.
    pub fn route_query(&self, net: &Network, dst: Addr) -> RouteQuery {
        let src = self.source(net);
        let src = if src.version() == dst.version() { src } else { Addr::any(dst.version()) };
        RouteQuery { dst, src, link: link_id(self.link) }
    }

    /// The bound address as far as it can be a source; else unspecified.
    pub fn source(&self, net: &Network) -> Addr {
        let none = self.local.is_unspecified() || self.local.is_multicast() || self.local.is_limited_broadcast();
        // What `connect` chose is a source.
        if none || self.bound_address && net.is_broadcast(self.local) { Addr::any(self.local.version()) } else { self.local }
    }

    /// TOS or traffic class of packets to `dst`.
    pub fn traffic_class(&self, dst: Addr) -> u8 {
        if dst.is_v4() { self.tos } else { self.tclass }
    }
}

/// A link's number in socket options, where 0 is none.
pub fn link_id(link: u16) -> Option<LinkId> {
    (link != 0).then_some(LinkId(link))
}

/// True for addresses that mean nothing without a link: IPv6 link-local ones and groups of interface and link scope.
pub fn needs_scope(addr: Addr) -> bool {
    !addr.is_v4() && (addr.is_link_local() || addr.is_link_scope_multicast())
}

/// The link a scope identifier names. `ENODEV` if no link can have that number.
pub fn scope_link(end: SockAddr) -> Result<u16, Errno> {
    u16::try_from(end.scope).map_err(|_| Errno::ENODEV)
}

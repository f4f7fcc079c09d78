//! What every internet socket has, whatever its protocol: ends, the link it is bound to, options of `SOL_SOCKET`, `IPPROTO_IP`
//! and `IPPROTO_IPV6` that decide where packets come from and go to.

use crate::base::{Addr, Errno, SocketId, Version};
use crate::network::Fragmentation;

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
}

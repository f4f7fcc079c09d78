//! Settings of the socket layer, with Linux's names and defaults.

use crate::base::Errno;
use crate::transport::shard::Shard;

/// Whether programs on this host may do what Linux asks a capability for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Permission {
    /// Linux's answer to a program without the capability: `EPERM` or `EACCES`.
    #[default]
    Denied,
    /// As with the capability.
    Granted,
}

impl Permission {
    /// `EPERM` if it is denied.
    pub fn require(self) -> Result<(), Errno> {
        match self {
            Self::Denied => Err(Errno::EPERM),
            Self::Granted => Ok(()),
        }
    }
}

/// Settings of the socket layer.
#[derive(Clone, Debug)]
pub struct Config {
    /// `net.ipv4.ip_local_port_range`; means nothing where a [`shard`](Self::shard) has one of its own.
    pub ip_local_port_range: (u16, u16),
    /// `net.ipv4.ip_unprivileged_port_start`: `bind` to a port below gives `EACCES`. 0 by default: whoever embeds a stack owns it.
    pub ip_unprivileged_port_start: u16,
    /// `net.core.rmem_default`: `SO_RCVBUF` of UDP, raw and `AF_UNIX` sockets, in bytes as `getsockopt` gives it.
    pub rmem_default: u32,
    /// `net.core.wmem_default`: `SO_SNDBUF` likewise.
    pub wmem_default: u32,
    /// `net.core.rmem_max`: the most `SO_RCVBUF` may set (before it is doubled).
    pub rmem_max: u32,
    /// `net.core.wmem_max`: the most `SO_SNDBUF` may set (before it is doubled).
    pub wmem_max: u32,
    /// `net.ipv6.bindv6only`: `IPV6_V6ONLY` of new sockets.
    pub bindv6only: bool,
    /// `net.unix.max_dgram_qlen`
    pub max_dgram_qlen: u32,
    /// `net.ipv4.igmp_max_memberships`: groups a socket may join; the same holds for IPv6 here.
    pub igmp_max_memberships: u32,
    /// `net.ipv4.igmp_max_msf`: sources a socket may name for one group.
    pub igmp_max_msf: u32,
    /// Most sockets at a time; then `ENFILE`.
    pub max_sockets: usize,
    /// Which of several stacks behind the same addresses this one is, if so: connections and datagram sockets then take ephemeral ports whose
    /// answers come to it, of the range that the [rule](crate::transport::shard::Shards::new) was made with; and a TCP `connect` from a port
    /// whose answers do not come here gives `EADDRNOTAVAIL`. A datagram socket may be bound to any other port: a part of what is sent there
    /// comes here.
    pub shard: Option<Shard>,
    /// `CAP_NET_RAW`: raw sockets; without it `EPERM`.
    pub net_raw: Permission,
    /// `CAP_NET_ADMIN`: `SO_MARK`, `SO_SNDBUFFORCE`, `IP_TRANSPARENT` and their kin; without it `EPERM`.
    pub net_admin: Permission,
}

impl Config {
    /// The range of ephemeral ports. That of a shard goes before: by it all of them know whose a port is.
    pub(super) fn port_range(&self) -> (u16, u16) {
        self.shard.map_or(self.ip_local_port_range, |shard| shard.shards.ephemeral())
    }
}

impl Default for Config {
    /// Linux's defaults, a million sockets, no permissions.
    fn default() -> Self {
        Self {
            ip_local_port_range: (32768, 60999),
            ip_unprivileged_port_start: 0,
            rmem_default: 212_992,
            wmem_default: 212_992,
            rmem_max: 212_992,
            wmem_max: 212_992,
            bindv6only: false,
            max_dgram_qlen: 10,
            igmp_max_memberships: 20,
            igmp_max_msf: 10,
            max_sockets: 1 << 20,
            shard: None,
            net_raw: Permission::Denied,
            net_admin: Permission::Denied,
        }
    }
}

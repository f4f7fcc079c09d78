//! Settings of a datagram socket beyond what every internet socket has.

use bytes::Bytes;

use super::Take;
use crate::base::Addr;

/// Which ancillary data a receive call wants. Nothing is computed for them when a datagram arrives: [`Datagram`](super::Datagram)
/// carries all of it, the socket layer hands over what these flags ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecvOptions {
    /// `IP_PKTINFO`
    pub pktinfo: bool,
    /// `IPV6_RECVPKTINFO`
    pub pktinfo6: bool,
    /// `IP_RECVTTL`
    pub ttl: bool,
    /// `IPV6_RECVHOPLIMIT`
    pub hop_limit: bool,
    /// `IP_RECVTOS`
    pub tos: bool,
    /// `IPV6_RECVTCLASS`
    pub tclass: bool,
    /// `IP_RECVOPTS`
    pub options: bool,
    /// `IP_RETOPTS`
    pub retopts: bool,
    /// `IP_ORIGDSTADDR` / `IP_RECVORIGDSTADDR`
    pub orig_dst: bool,
    /// `IPV6_RECVORIGDSTADDR`
    pub orig_dst6: bool,
    /// `IPV6_FLOWINFO`
    pub flow_info: bool,
    /// `IPV6_RECVPATHMTU`
    pub path_mtu: bool,
    /// `IPV6_2292PKTINFO`
    pub old_pktinfo6: bool,
    /// `IPV6_2292HOPLIMIT`
    pub old_hop_limit: bool,
}

/// Settings of a UDP, raw or ping socket. After a change call `options_changed` of its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatagramOptions {
    /// `SO_BROADCAST`: without it a send to a broadcast address is `EACCES`.
    pub broadcast: bool,
    /// `SO_DONTROUTE`
    pub dont_route: bool,
    /// `SO_SNDBUF` in bytes as the kernel counts (what was set, doubled).
    pub sndbuf: usize,
    /// `SO_RCVBUF` in bytes as the kernel counts (what was set, doubled).
    pub rcvbuf: usize,
    /// `IP_MULTICAST_TTL` / `IPV6_MULTICAST_HOPS`; 1 by default.
    pub multicast_hop_limit: u8,
    /// `IP_MULTICAST_LOOP` / `IPV6_MULTICAST_LOOP`: members on this host get a copy.
    pub multicast_loop: bool,
    /// `IP_MULTICAST_IF` / `IPV6_MULTICAST_IF`: the link; 0: by route.
    pub multicast_link: u16,
    /// `IP_MULTICAST_IF`: the source address; unspecified: by route.
    pub multicast_src: Addr,
    /// `IP_MULTICAST_ALL` / `IPV6_MULTICAST_ALL`: also groups that other sockets joined.
    pub multicast_all: bool,
    /// Ancillary data wanted.
    pub recv: RecvOptions,
    /// `IP_OPTIONS`: options of every IPv4 packet sent, padded to four bytes.
    pub ip_options: Option<Bytes>,
    /// `IPV6_FLOWINFO_SEND`'s label; 0: none.
    pub flow_label: u32,
    /// `IPV6_DONTFRAG`
    pub dont_fragment: bool,
    /// `SO_NO_CHECK`: send IPv4 datagrams without a UDP checksum.
    pub no_check: bool,
    /// `UDP_CORK`
    pub cork: bool,
    /// `UDP_SEGMENT`: cut what is sent into datagrams of this size; 0: do not.
    pub segment_size: u16,
    /// `UDP_GRO`: take joined datagrams as they come.
    pub gro: bool,
    /// `IP_HDRINCL` (raw): the caller writes the IP header.
    pub header_included: bool,
    /// `IPV6_CHECKSUM` (raw): where in the payload the kernel keeps a checksum.
    pub checksum_offset: Option<u16>,
    /// `ICMP_FILTER` (raw): bit n set: messages of type n (below 32) are not delivered.
    pub icmp_filter: u32,
    /// `ICMP6_FILTER` (raw): bit n % 32 of word n / 32 set: messages of type n are not delivered.
    pub icmp6_filter: [u32; 8],
}

/// `net.core.rmem_default` and `wmem_default`.
pub const DEFAULT_BUFFER: usize = 212_992;

impl DatagramOptions {
    /// What a call takes of datagrams that are joined.
    #[inline]
    pub const fn take(&self) -> Take {
        if self.gro { Take::Joined } else { Take::One }
    }
}

impl Default for DatagramOptions {
    fn default() -> Self {
        Self {
            broadcast: false,
            dont_route: false,
            sndbuf: DEFAULT_BUFFER,
            rcvbuf: DEFAULT_BUFFER,
            multicast_hop_limit: 1,
            multicast_loop: true,
            multicast_link: 0,
            multicast_src: Addr::V6_ANY,
            multicast_all: true,
            recv: RecvOptions::default(),
            ip_options: None,
            flow_label: 0,
            dont_fragment: false,
            no_check: false,
            cork: false,
            segment_size: 0,
            gro: false,
            header_included: false,
            checksum_offset: None,
            icmp_filter: 0,
            icmp6_filter: [0; 8],
        }
    }
}

//! What passes between the network layer and the transports.

use bytes::Bytes;

use crate::base::{Addr, Checksum, Errno, Frame, LinkId, Rope, Sum};

/// What kind of address a packet is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cast {
    /// One host.
    Unicast,
    /// A group.
    Multicast,
    /// All on a link.
    Broadcast,
}

/// A packet for a transport on this host.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The link it came by.
    pub link: LinkId,
    /// From.
    pub src: Addr,
    /// To: an address of ours, a group or a broadcast address.
    pub dst: Addr,
    /// What kind of address `dst` is; link-level broadcasts count as [`Cast::Broadcast`].
    pub cast: Cast,
    /// The upper protocol (see [`protocol`](super::protocol)).
    pub protocol: u8,
    /// TTL or hop limit as it arrived.
    pub hop_limit: u8,
    /// TOS or traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// IPv6 flow label; 0 for IPv4.
    pub flow_label: u32,
    /// The frame it is in.
    pub frame: Frame,
    /// Where in the frame the IP header starts.
    pub network: usize,
    /// Where in the frame the transport header starts.
    pub transport: usize,
    /// Bytes of transport header and payload; nothing behind them belongs to the packet.
    pub len: usize,
}

impl Packet {
    /// `len` bytes of the transport part from `offset` on; none if it is shorter (or longer than `scratch` and not contiguous).
    pub fn view<'a>(&'a self, offset: usize, len: usize, scratch: &'a mut [u8]) -> Option<&'a [u8]> {
        if offset + len > self.len { None } else { self.frame.view(self.transport + offset, len, scratch) }
    }

    /// The transport part from `offset` to the end, shared.
    pub fn payload(&self, offset: usize) -> Rope {
        self.frame.rope(self.transport + offset, self.len - offset)
    }

    /// The same, moved out of the packet as far as possible: it must not be asked any more for what it carries nor, perhaps, for its headers.
    pub fn take_payload(&mut self, offset: usize) -> Rope {
        let len = self.len - offset;
        if len == 0 { Rope::new() } else { self.frame.take_part(self.transport + offset, len) }
    }

    /// True if the transport checksum over pseudo-header, header and payload is right or known to be.
    #[inline]
    pub fn checksum_ok(&self) -> bool {
        self.frame.checksum != Checksum::Unknown || {
            let sum = Sum::pseudo(self.src, self.dst, self.protocol, self.len);
            self.frame.sum(self.transport, self.len, sum).finish() == 0
        }
    }
}

/// Whether a packet may be cut on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fragmentation {
    /// Never: DF is set, and what is larger than the path MTU is refused (`IP_PMTUDISC_DO`; TCP).
    #[default]
    Never,
    /// By us, to the path MTU; routers must not: DF is set if it fits (`IP_PMTUDISC_WANT`).
    Local,
    /// By anybody: DF is not set (`IP_PMTUDISC_DONT`).
    Anybody,
    /// Never, and the known path MTU does not matter: a probe (`IP_PMTUDISC_PROBE`).
    Probe,
}

/// What a transport says of a packet it sends. The source is that of the [`Route`](super::Route).
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// To.
    pub dst: Addr,
    /// The upper protocol.
    pub protocol: u8,
    /// TTL or hop limit; 0: the stack's default (1 for multicast).
    pub hop_limit: u8,
    /// TOS or traffic class.
    pub traffic_class: u8,
    /// IPv6 flow label.
    pub flow_label: u32,
    /// Whether it may be cut.
    pub fragmentation: Fragmentation,
    /// IPv4 options (padded to four bytes) or the IPv6 extension headers to insert, whole: see `network::output`.
    pub options: Option<Bytes>,
    /// A raw socket wrote the IP header itself (`IP_HDRINCL`): it is the start of the frame.
    pub header_included: bool,
    /// Multicast: members on this host get no copy (`IP_MULTICAST_LOOP` is off).
    pub no_loopback: bool,
    /// Multicast with a hop limit of 0, which `hop_limit` cannot say: only members on this host get it.
    pub host_only: bool,
}

/// What an ICMP error says of the path or the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorCause {
    /// Net, host, protocol or port unreachable and their kin.
    Unreachable,
    /// A packet was too big for the path, whose MTU is given.
    TooBig {
        /// The path MTU.
        mtu: u32,
    },
    /// The hop limit ran out, or reassembly took too long.
    TimeExceeded,
    /// A header field was wrong.
    ParameterProblem,
    /// This host itself could not send (no neighbour).
    Local,
}

/// An ICMP error for the flow that caused it.
#[derive(Clone, Debug)]
pub struct TransportError {
    /// The link it came by.
    pub link: LinkId,
    /// Our address: the source of the quoted packet.
    pub local: Addr,
    /// The destination of the quoted packet.
    pub remote: Addr,
    /// The upper protocol of the quoted packet.
    pub protocol: u8,
    /// The quoted packet from its transport header on, as far as it was quoted (at least 8 bytes).
    pub quoted: Bytes,
    /// Who sent the error.
    pub offender: Addr,
    /// TTL or hop limit of the error as it arrived.
    pub hop_limit: u8,
    /// TOS or traffic class of the error.
    pub traffic_class: u8,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// What it says.
    pub cause: ErrorCause,
    /// The errno Linux maps it to (`icmp_err_convert`, `icmpv6_err_convert`).
    pub errno: Errno,
    /// Linux's "fatal": a connected socket or one that is connecting ends with it; else it is a soft error.
    pub fatal: bool,
}

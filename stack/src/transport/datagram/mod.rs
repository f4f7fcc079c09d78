//! What UDP and raw sockets have in common: a bounded queue of datagrams, each with where it came from; options of
//! `IPPROTO_IP`/`IPPROTO_IPV6` for sending and receiving single datagrams; the error queue (`IP_RECVERR`).

mod calls;
mod endpoint;
mod errors;
mod gathering;
mod groups;
mod options;
mod outgoing;
mod payload;
mod queue;

use bytes::Bytes;

use crate::base::{Addr, Instant, LinkId, SockAddr};
pub(super) use calls::endpoint_calls;
pub use endpoint::{Endpoint, Peer};
pub use errors::{ErrorQueue, QueuedError};
pub use gathering::Gathering;
pub use groups::{Groups, MembershipAction, MembershipChange};
pub use options::{DEFAULT_BUFFER, DatagramOptions, RecvOptions};
pub use outgoing::Prepared;
pub use payload::Payload;
pub use queue::{DatagramQueue, Front, Refused, Run, Take, kept, truesize};

/// A datagram that arrived, with what ancillary data can tell of it.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// The payload (for raw IPv4 sockets: the whole packet from the IP header on).
    pub data: Payload,
    /// The sender. For raw sockets the port is 0.
    pub from: SockAddr,
    /// The destination address it carried (`IP_PKTINFO`).
    pub to: Addr,
    /// The destination port (`IP_ORIGDSTADDR`).
    pub to_port: u16,
    /// The link it came by.
    pub link: LinkId,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// IPv6 flow label.
    pub flow_label: u32,
    /// When it arrived.
    pub at: Instant,
    /// IPv4 options, if there were any (`IP_RECVOPTS`).
    pub options: Option<Bytes>,
    /// It is several, one behind the other, of this many bytes each, the last perhaps less; 0: one.
    pub segment_size: u16,
}

impl Default for Datagram {
    /// No datagram: what an empty place holds.
    fn default() -> Self {
        Self {
            data: Payload::Taken,
            from: SockAddr::default(),
            to: Addr::V6_ANY,
            to_port: 0,
            link: LinkId(0),
            hop_limit: 0,
            tos: 0,
            flow_label: 0,
            at: Instant::EPOCH,
            options: None,
            segment_size: 0,
        }
    }
}

/// What ancillary data of a send call sets for one datagram.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SendControl {
    /// `IP_PKTINFO` / `IPV6_PKTINFO`: source address.
    pub src: Option<Addr>,
    /// `IP_PKTINFO` / `IPV6_PKTINFO`: link; 0: none.
    pub link: u16,
    /// `IP_TTL` / `IPV6_HOPLIMIT`
    pub hop_limit: Option<u8>,
    /// `IP_TOS` / `IPV6_TCLASS`
    pub tos: Option<u8>,
    /// `UDP_SEGMENT`: cut the data into datagrams of this size.
    pub segment_size: Option<u16>,
}

//! ICMP (RFC 792) and ICMPv6 (RFC 4443).

use crate::base::{Addr, Entropy, Errno, LinkId};

use super::{Network, Packet};

/// Rate limits of the ICMP messages we send.
#[derive(Debug)]
pub struct Limits {}

impl Limits {
    pub(crate) fn new(_entropy: &Entropy) -> Self {
        Self {}
    }
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut, clippy::todo)]
impl Network {
    /// Answers `packet` with an ICMP "port unreachable" (rate-limited, RFC 1122 §3.2.2 and RFC 4443 §2.4 rules).
    pub fn port_unreachable(&mut self, packet: &Packet) {
        todo!()
    }
    /// Answers a packet whose protocol nobody handles, raw sockets included.
    pub fn protocol_unreachable(&mut self, packet: &Packet) {
        todo!()
    }
    /// Sends an ICMPv6 message (its checksum field is filled in here) on `link` without asking the routing table, with
    /// hop limit 255 for neighbour discovery or 1 for MLD. `extensions`: whole extension headers to insert (as
    /// [`Outgoing::options`](super::Outgoing::options); the first header's number is `extensions.0`).
    /// `src` may be `::`. Multicast destinations go to their group, others to themselves as neighbours.
    pub(crate) fn send_icmpv6_on_link(
        &mut self,
        link: LinkId,
        src: Addr,
        dst: Addr,
        hop_limit: u8,
        extensions: Option<bytes::Bytes>,
        message: &[u8],
    ) -> Result<(), Errno> {
        todo!()
    }
}

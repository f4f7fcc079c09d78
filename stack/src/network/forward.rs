//! The router (RFC 1812, RFC 8200): packets for others.

use crate::base::Discard;
use crate::link::Received;

use super::ipv4::options::Options;
use super::{Cast, Network, ipv4, ipv6};

impl Network {
    /// Forwards an IPv4 packet.
    pub(super) fn forward_v4(&mut self, received: Received, header: &ipv4::Header, options: &Options, cast: Cast) {
        let _ = (header, options, cast);
        self.not_for_us(&received);
    }

    /// Forwards an IPv6 packet.
    pub(super) fn forward_v6(&mut self, received: Received, header: &ipv6::Header, cast: Cast) {
        let _ = (header, cast);
        self.not_for_us(&received);
    }

    fn not_for_us(&mut self, received: &Received) {
        self.links.base.counters.ip.in_addr_errors += 1;
        self.links.base.discard(Some(received.link), Discard::IpNotForUs, received.frame.len() - received.network);
    }
}

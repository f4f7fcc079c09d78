//! IPv6 for others (RFC 8200 §3, RFC 4291 §2.5.6, RFC 4443).

use crate::base::{Checksum, Version};
use crate::link::{Received, largest_packet};
use crate::network::icmp::types::Problem;
use crate::network::ipv6::{HEADER_LEN, Header};
use crate::network::{Cast, Network};

use super::{about, bare};

impl Network {
    /// Forwards an IPv6 packet, whose hop-by-hop options were processed. Routers never cut it.
    pub(in crate::network) fn forward_v6(&mut self, received: Received, header: &Header, cast: Cast) {
        let _: Option<()> = self.try_forward_v6(received, header, cast);
    }

    fn try_forward_v6(&mut self, mut received: Received, header: &Header, cast: Cast) -> Option<()> {
        let impossible = header.src.is_unspecified() || header.src.is_loopback() || header.dst.is_link_local();
        if !self.config.ipv6.forwarding || cast != Cast::Unicast || impossible {
            return self.not_for_us(&received);
        }
        let (next, hop) = self.next_for_other(&received, header.src, header.dst)?;
        if header.hop_limit <= 1 {
            return self.hops_ran_out(&received);
        }
        if header.src.is_link_local() && next.link != received.link {
            self.icmp_error(&about(&received), Problem::BeyondScope);
            return self.not_for_us(&received);
        }
        if next.link == received.link {
            self.tell_better_hop(&received, header.src, header.dst, hop);
        }
        let mtu = self.link_mtu(next.link, Version::V6);
        if largest_packet(&received.frame, received.network, header.total()) > mtu as usize {
            return self.too_big_for(&received, mtu);
        }
        if !matches!(received.frame.checksum, Checksum::Partial { .. }) {
            // Nobody needs to know where the transport header is.
            received.frame.l3_len = HEADER_LEN as u16;
        }
        let mut frame = bare(received, header.total());
        let header = Header { hop_limit: header.hop_limit - 1, ..*header };
        frame.pull(HEADER_LEN);
        header.emit(frame.push(HEADER_LEN));
        self.links.base.counters.ip.forw_datagrams += 1;
        let sent = self.hand_down(next.link, next.hop, Version::V6, frame);
        self.links.base.counters.ip.out_discards += u64::from(sent.is_err());
        Some(())
    }
}

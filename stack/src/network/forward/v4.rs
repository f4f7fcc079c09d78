//! IPv4 for others (RFC 1812 §5.2, §5.3).

use crate::base::{Addr, Discard, Frame, Version};
use crate::link::{Received, largest_packet};
use crate::network::fragments::cut;
use crate::network::ipv4::options::{self, Options};
use crate::network::ipv4::{HEADER_LEN, Header, MAX_HEADER_LEN};
use crate::network::output::complete_checksum;
use crate::network::routes::Next;
use crate::network::{Cast, Network};

use super::bare;

impl Network {
    /// Forwards an IPv4 packet, whose options were checked.
    pub(in crate::network) fn forward_v4(&mut self, received: Received, header: &Header, options: &Options, cast: Cast) {
        let _: Option<()> = self.try_forward_v4(received, header, options, cast);
    }

    fn try_forward_v4(&mut self, received: Received, header: &Header, found: &Options, cast: Cast) -> Option<()> {
        if !self.config.ipv4.forward || cast != Cast::Unicast || stays_here(header.src) || stays_here(header.dst) {
            return self.not_for_us(&received);
        }
        if usize::from(header.offset) + header.total() - header.len() > 65535 {
            return self.drop_forward(&received, Discard::FragmentMalformed);
        }
        let (next, hop) = self.next_for_other(&received, header.src, header.dst)?;
        if header.ttl <= 1 {
            return self.hops_ran_out(&received);
        }
        if next.link == received.link && !found.source_route {
            self.tell_better_hop(&received, header.src, header.dst, hop);
        }
        let mtu = self.link_mtu(next.link, Version::V4);
        let fits = largest_packet(&received.frame, received.network, header.total()) <= mtu as usize;
        // Joined segments that do not fit the next link cannot be fragmented one by one here: their sender is told as if DF were set.
        if !fits && (header.dont_fragment || received.frame.segment_size > 0) {
            return self.too_big_for(&received, mtu);
        }
        let (header, options, frame) = self.pass_on_v4(received, header, found, next);
        self.links.base.counters.ip.forw_datagrams += 1;
        let sent = if fits {
            self.hand_down(next.link, next.hop, Version::V4, frame)
        } else {
            let frame = complete_checksum(frame, header.len());
            let payload = frame.rope(header.len(), frame.len() - header.len());
            let fragments = cut::v4(&header, &options[..header.len() - HEADER_LEN], payload, mtu as usize)?;
            self.hand_down_fragments(next.link, next.hop, Version::V4, fragments.into_iter())
        };
        self.links.base.counters.ip.out_discards += u64::from(sent.is_err());
        Some(())
    }

    /// The packet with one hop less and this host in its options.
    fn pass_on_v4(
        &self,
        received: Received,
        header: &Header,
        found: &Options,
        next: Next,
    ) -> (Header, [u8; MAX_HEADER_LEN - HEADER_LEN], Frame) {
        let mut frame = bare(received, header.total());
        let mut options = [0; MAX_HEADER_LEN - HEADER_LEN];
        let options_len = header.len() - HEADER_LEN;
        frame.copy_to(HEADER_LEN, &mut options[..options_len]);
        if found.record_route.is_some() || found.timestamp.is_some() {
            let own = self.addresses.select_source(header.dst, next.link, header.dst).unwrap_or(Addr::V4_ANY);
            let time = self.time_of_day();
            options::record(&mut options[..options_len], found, own, time, |addr| self.is_local(addr));
        }
        let header = Header { ttl: header.ttl - 1, ..*header };
        frame.pull(header.len());
        header.emit(&options[..options_len], frame.push(header.len()));
        frame.l3_len = header.header_len.into();
        (header, options, frame)
    }
}

/// RFC 3927 §2.7: link-local addresses; RFC 1812 §4.2.2.11, §5.3.7: those that are nobody's; RFC 1112 §4: class E.
fn stays_here(addr: Addr) -> bool {
    addr.is_link_local() || addr.is_unspecified() || addr.is_loopback() || addr.v4_octets()[0] >= 240
}

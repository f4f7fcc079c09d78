//! IPv4 out: header, DF, fragments.

use alloc::vec::Vec;

use crate::base::{Errno, Frame, Version};
use crate::network::fragments::cut;
use crate::network::ipv4::{HEADER_LEN, Header, MAX_HEADER_LEN};
use crate::network::{Cast, Fragmentation, Network, Outgoing, Route, protocol};

use super::{complete_checksum, longest, said_len};

impl Network {
    pub(super) fn send_v4(&mut self, route: &Route, outgoing: &Outgoing, frame: Frame) -> Result<(), Errno> {
        let total = HEADER_LEN + frame.len();
        let plain =
            outgoing.options.is_none() && route.cast == Cast::Unicast && total <= longest(&self.links, route.link, &frame, total);
        if plain && (frame.segment_size > 0 || total <= self.size_limit(route, Version::V4, outgoing.fragmentation)) {
            self.send_plain_v4(route, outgoing, said_len(total), frame)
        } else {
            self.send_any_v4(route, outgoing, frame)
        }
    }

    /// Nearly every packet: to one host, without options, whole.
    fn send_plain_v4(&mut self, route: &Route, outgoing: &Outgoing, total: u16, mut frame: Frame) -> Result<(), Errno> {
        let dont_fragment = self.sets_df(route, outgoing);
        let header = self.header_v4(route, outgoing, (HEADER_LEN as u8, total), dont_fragment);
        self.count_idents(&header, &frame);
        frame.prepend(&header.plain());
        (frame.l2_len, frame.l3_len) = (0, HEADER_LEN as u16);
        self.hand_down(route.link, route.hop, Version::V4, frame)
    }

    fn send_any_v4(&mut self, route: &Route, outgoing: &Outgoing, mut frame: Frame) -> Result<(), Errno> {
        let options = outgoing.options.as_deref().unwrap_or_default();
        let header_len = HEADER_LEN + options.len();
        let total = header_len + frame.len();
        if header_len > MAX_HEADER_LEN || !header_len.is_multiple_of(4) {
            return Err(Errno::EINVAL);
        }
        let fits = frame.segment_size > 0 || total <= self.size_limit(route, Version::V4, outgoing.fragmentation);
        let refused = !fits && matches!(outgoing.fragmentation, Fragmentation::Never | Fragmentation::Probe);
        if refused || total > longest(&self.links, route.link, &frame, total) {
            self.links.base.counters.ip.frag_fails += u64::from(refused);
            return Err(Errno::EMSGSIZE);
        }
        let dont_fragment = fits && self.sets_df(route, outgoing);
        let header = self.header_v4(route, outgoing, (header_len as u8, said_len(total)), dont_fragment);
        self.count_idents(&header, &frame);
        header.emit(options, frame.push(header_len));
        (frame.l2_len, frame.l3_len) = (0, header_len as u16);
        self.loop_back(route, outgoing, &frame);
        if outgoing.host_only {
            return Ok(());
        }
        if fits {
            return self.hand_down(route.link, route.hop, Version::V4, frame);
        }
        let options = Vec::from(options);
        self.send_v4_fragments(route, &header, &options, frame)
    }

    /// The header of a packet that is not a fragment; `lengths` are its own and that of the packet, in bytes.
    pub(super) fn header_v4(&mut self, route: &Route, outgoing: &Outgoing, lengths: (u8, u16), dont_fragment: bool) -> Header {
        let (header_len, total_len) = lengths;
        Header {
            header_len,
            traffic_class: outgoing.traffic_class,
            total_len,
            ident: self.ident_v4(route, outgoing, dont_fragment),
            dont_fragment,
            more_fragments: false,
            offset: 0,
            ttl: self.hop_limit_for(route, outgoing),
            protocol: outgoing.protocol,
            src: route.src,
            dst: outgoing.dst,
        }
    }

    fn send_v4_fragments(&mut self, route: &Route, header: &Header, options: &[u8], frame: Frame) -> Result<(), Errno> {
        let frame = complete_checksum(frame, header.len());
        let payload = frame.rope(header.len(), frame.len() - header.len());
        let Some(fragments) = cut::v4(header, options, payload, route.mtu as usize) else { return Err(Errno::EMSGSIZE) };
        self.hand_down_fragments(route.link, route.hop, Version::V4, fragments.into_iter())
    }

    /// DF is set unless anybody may cut, or the path is known to take less than we believe (Linux: a locked MTU).
    fn sets_df(&self, route: &Route, outgoing: &Outgoing) -> bool {
        let may_be_locked = match outgoing.fragmentation {
            Fragmentation::Anybody => return false,
            Fragmentation::Probe => return true,
            // Linux's TCP runs with `IP_PMTUDISC_WANT`, by which a locked MTU clears DF.
            Fragmentation::Never => outgoing.protocol == protocol::TCP,
            Fragmentation::Local => true,
        };
        let locked = may_be_locked
            && route.mtu <= self.config.ipv4.min_pmtu
            && self.path_mtu.get(outgoing.dst, self.links.base.now).is_some_and(|found| found.locked);
        !locked
    }

    /// RFC 6864 §4.1: a datagram that nobody cuts needs no ident; it has 0, as Linux's have that belong to no connection.
    fn ident_v4(&mut self, route: &Route, outgoing: &Outgoing, dont_fragment: bool) -> u16 {
        if dont_fragment { 0 } else { self.idents.next(route.src, outgoing.dst, outgoing.protocol) as u16 }
    }

    /// RFC 6864 §4.3: of a transport's super-segment that others may cut each segment has an ident of its own, one more than that of the one before it:
    /// the next packet must not have them too.
    fn count_idents(&mut self, header: &Header, frame: &Frame) {
        if frame.segment_size == 0 || header.dont_fragment {
            return;
        }
        let segments = (frame.len() - usize::from(frame.l4_len)).div_ceil(frame.segment_size.into());
        self.idents.skip(header.src, header.dst, header.protocol, segments.saturating_sub(1) as u32);
    }
}

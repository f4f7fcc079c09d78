//! IPv6 out: header, extension headers, fragments.

use alloc::vec::Vec;

use crate::base::{Errno, Frame, Version};
use crate::network::fragments::cut;
use crate::network::ipv6::{HEADER_LEN, Header, chain};
use crate::network::{Fragmentation, Network, Outgoing, Route};

use super::{MAX_LEN, complete_checksum, push_front};

impl Network {
    pub(super) fn send_v6(&mut self, route: &Route, outgoing: &Outgoing, frame: Frame) -> Result<(), Errno> {
        let (first, extensions) = extensions(outgoing)?;
        let payload_len = extensions.len() + frame.len();
        let total = HEADER_LEN + payload_len;
        let fits = frame.segment_size > 0 || total <= self.size_limit(route, Version::V6, outgoing.fragmentation);
        let refused = !fits && matches!(outgoing.fragmentation, Fragmentation::Never | Fragmentation::Probe);
        if refused || payload_len > MAX_LEN {
            self.links.base.counters.ip.frag_fails += u64::from(refused);
            return Err(Errno::EMSGSIZE);
        }
        let header = self.header_v6(route, outgoing, first, payload_len);
        let mut frame = if extensions.is_empty() { frame } else { push_front(frame, &extensions) };
        let mut bytes = [0; HEADER_LEN];
        header.emit(&mut bytes);
        frame = push_front(frame, &bytes);
        (frame.l2_len, frame.l3_len) = (0, (HEADER_LEN + extensions.len()) as u16);
        self.loop_back(route, outgoing, &frame);
        if outgoing.host_only {
            Ok(())
        } else if fits {
            self.hand_down(route.link, route.hop, Version::V6, frame)
        } else {
            self.send_v6_fragments(route, &header, frame, first)
        }
    }

    /// The header of a packet with so many bytes behind it, of which the `first` header tells what they begin with.
    pub(super) fn header_v6(&self, route: &Route, outgoing: &Outgoing, first: u8, payload_len: usize) -> Header {
        Header {
            traffic_class: outgoing.traffic_class,
            flow_label: outgoing.flow_label,
            payload_len: payload_len as u16,
            next_header: first,
            hop_limit: self.hop_limit_for(route, outgoing),
            src: route.src,
            dst: outgoing.dst,
        }
    }

    fn send_v6_fragments(&mut self, route: &Route, header: &Header, frame: Frame, first: u8) -> Result<(), Errno> {
        let l3_len = usize::from(frame.l3_len);
        let frame = complete_checksum(frame, l3_len);
        let ident = self.idents.next(header.src, header.dst, 0);
        let per_fragment = chain::unfragmentable_len(&frame.rope(HEADER_LEN, l3_len - HEADER_LEN).to_bytes(), first);
        let Some(fragments) = cut::v6(&frame, HEADER_LEN + per_fragment, ident, route.mtu as usize) else {
            return Err(Errno::EMSGSIZE);
        };
        self.hand_down_fragments(route.link, route.hop, Version::V6, fragments.into_iter())
    }
}

/// The number of the first header after the fixed one and the extension headers, complete. `EINVAL` if they are not whole.
fn extensions(outgoing: &Outgoing) -> Result<(u8, Vec<u8>), Errno> {
    let Some((&first, headers)) = outgoing.options.as_deref().and_then(<[u8]>::split_first) else {
        return Ok((outgoing.protocol, Vec::new()));
    };
    let last = chain::last_header(headers, first).ok_or(Errno::EINVAL)?;
    let mut headers = Vec::from(headers);
    headers[last] = outgoing.protocol;
    Ok((first, headers))
}

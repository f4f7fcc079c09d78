//! Super-segments cut in software (GSO), lazily and without copying payload.

use crate::base::frame::HEAD;
use crate::base::{Checksum, Frame, Sum, Version};

use super::layout::{Layout, Transport};

const FIN_PSH: u8 = 0x01 | 0x08;

/// A super-segment on its way to become many frames.
#[derive(Debug)]
pub(crate) struct Cutter {
    frame: Frame,
    layout: Layout,
    /// A copy of all headers.
    head: [u8; HEAD],
    /// The pseudo-header's sum without the length; none for UDP that has no checksum.
    pseudo: Option<Sum>,
    /// Payload bytes that have left.
    done: usize,
    /// Segments that have left.
    segments: usize,
    /// Segments a frame that leaves: one, or more for a device that cuts what is left to cut.
    at_once: usize,
}

/// Bytes that a super-segment of this layout takes on the wire.
pub(crate) fn wire_len(frame: &Frame, layout: &Layout) -> usize {
    let segments = layout.payload_len().div_ceil(usize::from(frame.segment_size.max(1)));
    layout.payload_len() + segments * layout.payload
}

impl Cutter {
    /// Begins to cut `frame` for a device that itself cuts up to `device` payload bytes.
    /// The segment size must not be 0.
    pub(crate) fn new(frame: Frame, layout: Layout, device: usize) -> Self {
        let segment = usize::from(frame.segment_size).max(1);
        let mut head = [0; HEAD];
        frame.copy_to(0, &mut head[..layout.payload]);
        let pseudo = pseudo(&frame, &layout, &head);
        Self { frame, layout, head, pseudo, done: 0, segments: 0, at_once: (device / segment).max(1) }
    }

    /// The next frame; none when all have left.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let left = self.layout.payload_len() - self.done;
        if left == 0 {
            return None;
        }
        let take = left.min(self.at_once * usize::from(self.frame.segment_size.max(1)));
        let mut frame = Frame::new(self.frame.rope(self.layout.payload + self.done, take));
        self.fill_headers(frame.prepend(&self.head[..self.layout.payload]), take);
        self.fill_notes(&mut frame, take);
        self.done += take;
        self.segments += self.at_once;
        Some(frame)
    }

    fn fill_headers(&self, head: &mut [u8], take: usize) {
        self.fill_network(head, take);
        let len = self.layout.payload - self.layout.l4 + take;
        match self.layout.transport {
            Transport::Tcp => self.fill_tcp(&mut head[self.layout.l4..], take),
            Transport::Udp => head[self.layout.l4 + 4..self.layout.l4 + 6].copy_from_slice(&(len as u16).to_be_bytes()),
        }
        if let Some(mut sum) = self.pseudo {
            sum.add_word(len as u32);
            let field = self.layout.l4 + usize::from(self.layout.transport.checksum_offset());
            head[field..field + 2].copy_from_slice(&sum.folded().to_be_bytes());
        }
    }

    /// Lengths; for IPv4 also the identification, one more for each segment (as Linux), and the header checksum.
    fn fill_network(&self, head: &mut [u8], take: usize) {
        let Layout { version, l3, l4, payload, .. } = self.layout;
        let id = u16::from_be_bytes([head[l3 + 4], head[l3 + 5]]);
        fill_lengths(head, version, l3, l4, payload + take, id.wrapping_add(self.segments as u16));
    }

    /// Sequence number; FIN and PSH belong to the last segment. What is told of marks is told by each (RFC 9768 §3.3.3); who says by CWR that
    /// a window was reduced sends that in a single segment.
    fn fill_tcp(&self, tcp: &mut [u8], take: usize) {
        let seq = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]).wrapping_add(self.done as u32);
        tcp[4..8].copy_from_slice(&seq.to_be_bytes());
        if self.done + take < self.layout.payload_len() {
            tcp[13] &= !FIN_PSH;
        }
    }

    fn fill_notes(&self, frame: &mut Frame, take: usize) {
        let Layout { transport, l3, l4, payload, .. } = self.layout;
        frame.l2_len = l3 as u8;
        frame.l3_len = (l4 - l3) as u16;
        frame.l4_len = (payload - l4) as u8;
        frame.segment_size = if take > usize::from(self.frame.segment_size) { self.frame.segment_size } else { 0 };
        frame.checksum = match self.pseudo {
            Some(_) => Checksum::Partial { offset: transport.checksum_offset() },
            None => Checksum::Unknown,
        };
    }
}

/// Sets the length fields of an IP header for a frame that ends at `end`; for IPv4 the identification and checksum too.
pub(super) fn fill_lengths(head: &mut [u8], version: Version, l3: usize, l4: usize, end: usize, id: u16) {
    if version == Version::V6 {
        head[l3 + 4..l3 + 6].copy_from_slice(&((end - l3 - 40) as u16).to_be_bytes());
        return;
    }
    head[l3 + 2..l3 + 4].copy_from_slice(&((end - l3) as u16).to_be_bytes());
    head[l3 + 4..l3 + 6].copy_from_slice(&id.to_be_bytes());
    head[l3 + 10..l3 + 12].fill(0);
    let sum = crate::base::checksum::checksum(&head[l3..l4]);
    head[l3 + 10..l3 + 12].copy_from_slice(&sum.to_be_bytes());
}

/// What all segments' pseudo-headers share. A partial checksum holds it already, with the length of the whole: taking that out
/// again is right also where the destination is not the one of the header (RFC 8200 §8.1, routing headers).
fn pseudo(frame: &Frame, layout: &Layout, head: &[u8]) -> Option<Sum> {
    let at = layout.l4 + usize::from(layout.transport.checksum_offset());
    let field = [head[at], head[at + 1]];
    if let Checksum::Partial { .. } = frame.checksum {
        let len = (layout.end - layout.l4) as u32;
        let mut sum = Sum::new();
        sum.add(&field);
        sum.add_word(!len);
        return Some(sum);
    }
    let unsummed = layout.transport == Transport::Udp && field == [0, 0];
    let (src, dst) = layout.addresses(head);
    (!unsummed).then(|| Sum::pseudo(src, dst, layout.transport.number(), 0))
}

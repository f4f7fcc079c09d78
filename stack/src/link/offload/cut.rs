//! Super-segments cut in software (GSO), lazily and without copying payload.

use crate::base::frame::HEAD;
use crate::base::{Checksum, Frame, Sum, Version};

use super::alike::{FIN, PSH};
use super::complete::field_of;
use super::layout::{Layout, Transport};
use super::model::Model;
use super::template::Template;

/// A super-segment on its way to become many frames.
#[derive(Debug)]
pub(crate) struct Cutter {
    frame: Frame,
    pattern: Pattern,
    /// Segments that have left.
    segments: usize,
    /// Segments a frame that leaves: one, or more for a device that cuts what is left to cut.
    at_once: usize,
    /// Payload bytes that have not left.
    left: usize,
    /// True if the checksums of what leaves are to be complete.
    complete: bool,
    /// What leaves one by one, if all but the last are alike.
    model: Option<Model>,
}

/// What the frames follow from that a super-segment is cut into.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) layout: Layout,
    /// Payload bytes of each segment but the last; not 0.
    pub(super) segment: usize,
    template: Template,
}

/// What the headers of the packets of a super-segment differ in, the last one left out: identification and sequence number.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    network: Option<NetworkStep>,
    transport: Option<TransportStep>,
}

/// Of IPv4.
#[derive(Clone, Copy, Debug)]
struct NetworkStep {
    /// Where the header is.
    at: usize,
    /// The identification of the first, and by how much it grows.
    id: u16,
    step: u16,
    /// The folded sum of all but that.
    sum: u16,
}

/// Of TCP.
#[derive(Clone, Copy, Debug)]
struct TransportStep {
    /// Where the header is.
    at: usize,
    /// The sequence number of the first, and by how much it grows.
    seq: u32,
    step: u32,
}

impl Steps {
    /// Writes the headers of the packets from the `first` on, counted from 0, each to where those of another one stand; none of them is the last.
    ///
    /// # Panics
    /// If one of `heads` is shorter than they are.
    #[inline]
    pub fn write_each<'a>(&self, first: usize, heads: impl Iterator<Item = &'a mut [u8]>) {
        for (n, head) in (first..).zip(heads) {
            if let Some(network) = &self.network {
                network.write(n, head);
            }
            if let Some(transport) = &self.transport {
                transport.write(n, head);
            }
        }
    }
}

impl NetworkStep {
    #[inline]
    fn write(&self, n: usize, head: &mut [u8]) {
        let id = self.id.wrapping_add(self.step.wrapping_mul(n as u16));
        let (sum, carry) = self.sum.overflowing_add(id);
        let header = &mut head[self.at..self.at + 12];
        header[4..6].copy_from_slice(&id.to_be_bytes());
        header[10..12].copy_from_slice(&(!(sum + u16::from(carry))).to_be_bytes());
    }
}

impl TransportStep {
    #[inline]
    fn write(&self, n: usize, head: &mut [u8]) {
        let seq = self.seq.wrapping_add(self.step.wrapping_mul(n as u32));
        head[self.at + 4..self.at + 8].copy_from_slice(&seq.to_be_bytes());
    }
}

/// Bytes that a super-segment of this layout takes on the wire.
pub(crate) fn wire_len(frame: &Frame, layout: &Layout) -> usize {
    cut_len(layout.payload, layout.payload_len(), usize::from(frame.segment_size))
}

/// Bytes that a super-segment of so many bytes of headers and payload takes on the wire.
pub(crate) fn cut_len(headers: usize, payload: usize, segment: usize) -> usize {
    payload + payload.div_ceil(segment.max(1)) * headers
}

impl Cutter {
    /// Begins to cut `frame` for a device that itself cuts up to `device` payload bytes, and completes checksums unless they are to be
    /// `complete`. The segment size must not be 0.
    pub(crate) fn new(frame: Frame, layout: Layout, device: usize, complete: bool) -> Self {
        let pattern = Pattern::new(&frame, layout);
        let at_once = (device / pattern.segment).max(1);
        let model = if at_once == 1 { Model::of(&pattern, &frame, complete) } else { None };
        let left = pattern.layout.payload_len();
        Self { frame, pattern, segments: 0, at_once, left, complete, model }
    }

    /// What is cut.
    pub(crate) const fn transport(&self) -> Transport {
        self.pattern.layout.transport
    }

    /// The next frame; none when all have left.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Frame> {
        if self.left == 0 {
            return None;
        }
        let Pattern { layout, segment, .. } = self.pattern;
        let take = self.left.min(self.at_once * segment);
        let frame = match &self.model {
            Some(model) if take == segment => model.frame(&self.frame, layout.end - self.left),
            _ => self.pattern.frame(&self.frame, self.segments, take, self.complete),
        };
        self.segments += self.at_once;
        self.left -= take;
        Some(frame)
    }

    /// True if all have left.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0
    }
}

impl Pattern {
    /// That of a super-segment of this layout.
    pub(super) fn new(frame: &Frame, layout: Layout) -> Self {
        Self {
            layout,
            segment: usize::from(frame.segment_size).max(1),
            template: Template::new(frame, &layout, pseudo(frame, &layout)),
        }
    }

    /// True if the identification is the same in all segments, or there is none.
    pub(super) fn has_one_ident(&self) -> bool {
        self.template.id_step() == 0
    }

    /// The sum of a segment of UDP with so many bytes of payload, but for that and the checksum; none if it has no checksum.
    pub(super) fn sum(&self, payload: usize) -> Option<Sum> {
        let mut head = self.template.head;
        let (pseudo, header) = self.fill(&mut head[HEAD - self.layout.payload..], 0, payload)?;
        Some(pseudo + header)
    }

    /// Payload bytes of `count` segments from segment `first` on, as far as there are so many.
    pub(super) fn payload(&self, first: usize, count: usize) -> usize {
        self.layout.payload_len().saturating_sub(first * self.segment).min(count * self.segment)
    }

    /// A frame of the `take` payload bytes from segment `first` on, sharing the payload of `whole`.
    pub(super) fn frame(&self, whole: &Frame, first: usize, take: usize, complete: bool) -> Frame {
        let headers = self.layout.payload;
        // Shared before the frame is written, for that waits for the writes before it; moved when it is written.
        let body = whole.rope(headers + first * self.segment, take);
        let mut frame = Frame::with_head(&self.template.head, headers);
        let sums = self.fill(frame.head_mut(), first, take);
        if let Some((pseudo, header)) = sums {
            let field = if complete {
                let sum = whole.sum(headers + first * self.segment, take, pseudo + header);
                field_of(self.layout.transport.checksum_offset(), sum.finish())
            } else {
                frame.checksum = Checksum::Partial { offset: self.layout.transport.checksum_offset() };
                pseudo.folded()
            };
            self.fill_checksum(frame.head_mut(), field);
        }
        self.fill_notes(&mut frame, take);
        frame.body = body;
        frame
    }

    /// The headers of such a frame with a partial checksum, as many of their bytes as there is room for.
    pub(super) fn write(&self, into: &mut [u8], first: usize, take: usize) {
        let headers = self.layout.payload;
        if let Some(head) = into.get_mut(..headers) {
            return self.write_all(head, first, take);
        }
        let mut scratch = [0; HEAD];
        self.write_all(&mut scratch[..headers], first, take);
        let room = into.len();
        into.copy_from_slice(&scratch[..room]);
    }

    fn write_all(&self, head: &mut [u8], first: usize, take: usize) {
        head.copy_from_slice(&self.template.head[HEAD - self.layout.payload..]);
        if let Some((pseudo, _)) = self.fill(head, first, take) {
            self.fill_checksum(head, pseudo.folded());
        }
    }

    /// What its segments but the last differ in.
    pub(super) fn steps(&self) -> Steps {
        let Layout { version, transport, l3, l4, payload, .. } = self.layout;
        let mut network = self.template.network;
        network.add_word(((payload - l3 + self.segment) as u32) << 16);
        let of_network = NetworkStep { at: l3, id: self.template.id(0), step: self.template.id_step(), sum: network.folded() };
        let of_transport = TransportStep { at: l4, seq: self.template.seq, step: self.segment as u32 };
        Steps {
            network: (version == Version::V4).then_some(of_network),
            transport: (transport == Transport::Tcp).then_some(of_transport),
        }
    }

    /// Fills in what the segments from `first` on, `take` payload bytes of them, have of their own. Gives the sums of pseudo-header and transport
    /// header, if there is to be a checksum.
    #[inline(always)] // For every segment.
    fn fill(&self, head: &mut [u8], first: usize, take: usize) -> Option<(Sum, Sum)> {
        self.fill_network(head, first, take);
        let header = match self.layout.transport {
            Transport::Tcp => self.fill_tcp(head, first * self.segment, take),
            Transport::Udp => self.fill_udp(head, take),
        };
        let mut pseudo = self.template.pseudo?;
        pseudo.add_word((self.layout.payload - self.layout.l4 + take) as u32);
        Some((pseudo, header))
    }

    /// Lengths; for IPv4 also the identification and the header checksum.
    #[inline(always)] // For every segment.
    fn fill_network(&self, head: &mut [u8], first: usize, take: usize) {
        let Layout { version, l3, payload, .. } = self.layout;
        let header = &mut head[l3..];
        let len = payload + take - l3;
        if version == Version::V6 {
            header[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
            return;
        }
        let id = self.template.id(first);
        let mut sum = self.template.network;
        sum.add_word((len as u32) << 16 | u32::from(id));
        header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        header[4..6].copy_from_slice(&id.to_be_bytes());
        header[10..12].copy_from_slice(&sum.finish().to_be_bytes());
    }

    /// Sequence number; FIN and PSH belong to the last segment. What is told of marks is told by each (RFC 9768 §3.3.3); who says by CWR that
    /// a window was reduced sends that in a single segment. Gives the header's sum.
    fn fill_tcp(&self, head: &mut [u8], done: usize, take: usize) -> Sum {
        let header = &mut head[self.layout.l4..];
        let last = done + take == self.layout.payload_len();
        let seq = self.template.seq.wrapping_add(done as u32);
        let flags = if last { self.template.flags } else { self.template.flags & !(FIN | PSH) };
        header[4..8].copy_from_slice(&seq.to_be_bytes());
        header[13] = flags;
        let mut sum = self.template.transport;
        sum.add_word(seq);
        sum.add_word(u32::from(flags));
        sum
    }

    /// The length. Gives the header's sum.
    fn fill_udp(&self, head: &mut [u8], take: usize) -> Sum {
        let len = (8 + take) as u16;
        head[self.layout.l4 + 4..self.layout.l4 + 6].copy_from_slice(&len.to_be_bytes());
        let mut sum = self.template.transport;
        sum.add_word(u32::from(len));
        sum
    }

    fn fill_checksum(&self, head: &mut [u8], field: u16) {
        let at = self.layout.l4 + usize::from(self.layout.transport.checksum_offset());
        head[at..at + 2].copy_from_slice(&field.to_be_bytes());
    }

    fn fill_notes(&self, frame: &mut Frame, take: usize) {
        let Layout { l3, l4, payload, .. } = self.layout;
        frame.l2_len = l3 as u8;
        frame.l3_len = (l4 - l3) as u16;
        frame.l4_len = (payload - l4) as u8;
        frame.segment_size = if take > self.segment { self.segment as u16 } else { 0 };
    }
}

/// What all segments' pseudo-headers share. A partial checksum holds it already, with the length of the whole: taking that out
/// again is right also where the destination is not the one of the header (RFC 8200 §8.1, routing headers).
fn pseudo(frame: &Frame, layout: &Layout) -> Option<Sum> {
    let field = frame.read(layout.l4 + usize::from(layout.transport.checksum_offset())).unwrap_or_default();
    if let Checksum::Partial { .. } = frame.checksum {
        let len = (layout.end - layout.l4) as u32;
        let mut sum = Sum::new();
        sum.add(&field);
        sum.add_word(!len);
        return Some(sum);
    }
    let unsummed = layout.transport == Transport::Udp && field == [0u8; 2];
    let mut head = [0; HEAD];
    frame.copy_to(0, &mut head[..layout.payload]);
    let (src, dst) = layout.addresses(&head);
    (!unsummed).then(|| Sum::pseudo(src, dst, layout.transport.number(), 0))
}

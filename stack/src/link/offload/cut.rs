//! Super-segments cut in software (GSO), lazily and without copying payload.

use crate::base::{Checksum, Frame, Rope, Sum, Version};

use super::alike::{FIN, PSH};
use super::layout::{Layout, Transport};
use super::template::Template;

/// A super-segment on its way to become many frames.
#[derive(Debug)]
pub(crate) struct Cutter {
    frame: Frame,
    layout: Layout,
    template: Template,
    /// Payload bytes that have left.
    done: usize,
    /// Segments that have left.
    segments: usize,
    /// Segments a frame that leaves: one, or more for a device that cuts what is left to cut.
    at_once: usize,
    /// True if the checksums of what leaves are to be complete.
    complete: bool,
}

/// Bytes that a super-segment of this layout takes on the wire.
pub(crate) fn wire_len(frame: &Frame, layout: &Layout) -> usize {
    let segments = layout.payload_len().div_ceil(usize::from(frame.segment_size.max(1)));
    layout.payload_len() + segments * layout.payload
}

impl Cutter {
    /// Begins to cut `frame` for a device that itself cuts up to `device` payload bytes, and completes checksums unless they are to be
    /// `complete`. The segment size must not be 0.
    pub(crate) fn new(frame: Frame, layout: Layout, device: usize, complete: bool) -> Self {
        let segment = usize::from(frame.segment_size).max(1);
        let template = Template::new(&frame, &layout);
        Self { frame, layout, template, done: 0, segments: 0, at_once: (device / segment).max(1), complete }
    }

    /// The next frame; none when all have left.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let left = self.layout.payload_len() - self.done;
        if left == 0 {
            return None;
        }
        let take = left.min(self.at_once * usize::from(self.frame.segment_size.max(1)));
        let payload = self.frame.rope(self.layout.payload + self.done, take);
        let mut frame = Frame::with_head(&self.template.head, self.layout.payload, payload);
        self.fill_network(&mut frame, take);
        let header = match self.layout.transport {
            Transport::Tcp => self.fill_tcp(&mut frame, take),
            Transport::Udp => self.fill_udp(&mut frame, take),
        };
        self.fill_checksum(&mut frame, header, take);
        self.fill_notes(&mut frame, take);
        self.done += take;
        self.segments += self.at_once;
        Some(frame)
    }

    /// Lengths; for IPv4 also the identification, one more for each segment (as Linux), and the header checksum.
    fn fill_network(&self, frame: &mut Frame, take: usize) {
        let Layout { version, l3, payload, .. } = self.layout;
        let header = &mut frame.head_mut()[l3..];
        let len = payload + take - l3;
        if version == Version::V6 {
            header[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
            return;
        }
        let id = self.template.id.wrapping_add(self.segments as u16);
        let mut sum = self.template.network;
        sum.add_word((len as u32) << 16 | u32::from(id));
        header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        header[4..6].copy_from_slice(&id.to_be_bytes());
        header[10..12].copy_from_slice(&sum.finish().to_be_bytes());
    }

    /// Sequence number; FIN and PSH belong to the last segment. What is told of marks is told by each (RFC 9768 §3.3.3); who says by CWR that
    /// a window was reduced sends that in a single segment. Gives the header's sum.
    fn fill_tcp(&self, frame: &mut Frame, take: usize) -> Sum {
        let header = &mut frame.head_mut()[self.layout.l4..];
        let last = self.done + take == self.layout.payload_len();
        let seq = self.template.seq.wrapping_add(self.done as u32);
        let flags = if last { self.template.flags } else { self.template.flags & !(FIN | PSH) };
        header[4..8].copy_from_slice(&seq.to_be_bytes());
        header[13] = flags;
        let mut sum = self.template.transport;
        sum.add_word(seq);
        sum.add_word(u32::from(flags));
        sum
    }

    /// The length. Gives the header's sum.
    fn fill_udp(&self, frame: &mut Frame, take: usize) -> Sum {
        let len = (8 + take) as u16;
        frame.head_mut()[self.layout.l4 + 4..self.layout.l4 + 6].copy_from_slice(&len.to_be_bytes());
        let mut sum = self.template.transport;
        sum.add_word(u32::from(len));
        sum
    }

    fn fill_checksum(&self, frame: &mut Frame, header: Sum, take: usize) {
        let Layout { transport, l4, payload, .. } = self.layout;
        let Some(mut pseudo) = self.template.pseudo else { return };
        pseudo.add_word((payload - l4 + take) as u32);
        let field = if self.complete {
            complete(transport, pseudo + header, &frame.body)
        } else {
            frame.checksum = Checksum::Partial { offset: transport.checksum_offset() };
            pseudo.folded()
        };
        let at = l4 + usize::from(transport.checksum_offset());
        frame.head_mut()[at..at + 2].copy_from_slice(&field.to_be_bytes());
    }

    fn fill_notes(&self, frame: &mut Frame, take: usize) {
        let Layout { l3, l4, payload, .. } = self.layout;
        frame.l2_len = l3 as u8;
        frame.l3_len = (l4 - l3) as u16;
        frame.l4_len = (payload - l4) as u8;
        frame.segment_size = if take > usize::from(self.frame.segment_size) { self.frame.segment_size } else { 0 };
    }
}

/// The checksum over headers with this sum and a payload. A datagram's that comes out as 0 is sent as all ones (RFC 768).
fn complete(transport: Transport, headers: Sum, payload: &Rope) -> u16 {
    let mut sum = headers;
    sum.add_rope(payload);
    match sum.finish() {
        0 if transport == Transport::Udp => 0xffff,
        checksum => checksum,
    }
}

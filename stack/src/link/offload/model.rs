//! Datagrams that are cut out of one super-segment and are all of one length: they differ in payload and checksum alone, so that one of them is
//! the model of all.

use super::complete::field_of;
use super::cut::Pattern;
use super::layout::Transport;
use crate::base::frame::{HALF, HEAD, SHORT};
use crate::base::{Frame, Rope, Sum};

/// Bytes of a UDP header.
const UDP: usize = 8;
/// The most bytes of headers of a model: a short payload finds room behind them.
const HEADERS: usize = if HEAD - SHORT < HALF { HEAD - SHORT } else { HALF };

/// What all segments but the last of a super-segment of UDP have in common.
#[derive(Debug)]
pub(super) struct Model {
    /// One of them, without payload; but if that is short, with as many bytes of anything in its place.
    frame: Frame,
    /// Bytes of payload of each.
    segment: usize,
    /// Where the UDP header is.
    l4: usize,
    /// It, and the sum of it and the pseudo-header, if checksums are to be completed.
    unsummed: Option<([u8; UDP], Sum)>,
}

impl Model {
    /// That of the segments of `whole`, if only payload and checksum are each one's own.
    pub(super) fn of(pattern: &Pattern, whole: &Frame, complete: bool) -> Option<Self> {
        let (layout, segment) = (pattern.layout, pattern.segment);
        let is_uniform = layout.transport == Transport::Udp && pattern.has_one_ident();
        if !is_uniform || layout.payload_len() < segment || layout.payload > HEADERS {
            return None;
        }
        let headers = pattern.frame(whole, 0, segment, complete).without_body();
        let unsummed = pattern.sum(segment).filter(|_| complete).map(|sum| {
            let mut header: [u8; UDP] = headers.read(layout.l4).unwrap_or_default();
            header[usize::from(layout.transport.checksum_offset())..].fill(0);
            (header, sum)
        });
        let frame = if segment <= SHORT { headers.with_short(&[0; SHORT][..segment]) } else { headers };
        Some(Self { frame, segment, l4: layout.l4, unsummed })
    }

    /// The segment whose payload begins at `start` of `whole`.
    #[inline(never)] // Segments of TCP pass by.
    pub(super) fn frame(&self, whole: &Frame, start: usize) -> Frame {
        if self.segment > SHORT {
            return self.long(whole.rope(start, self.segment));
        }
        match whole.together(start, self.segment) {
            Some(payload) => self.short(payload),
            None => self.short(&whole.rope(start, self.segment).to_bytes()),
        }
    }

    /// To copy a short payload costs less than to share it.
    #[inline(always)]
    fn short(&self, payload: &[u8]) -> Frame {
        let mut frame = self.frame.with_other_short(payload);
        if let Some((header, mut sum)) = self.unsummed {
            sum.add_short(payload);
            self.complete(&mut frame, header, sum);
        }
        frame
    }

    fn long(&self, payload: Rope) -> Frame {
        let mut frame = self.frame.without_body();
        frame.body = payload;
        if let Some((header, mut sum)) = self.unsummed {
            sum.add_rope(&frame.body);
            self.complete(&mut frame, header, sum);
        }
        frame
    }

    /// The header is written in one piece: whoever reads it next would wait for the parts.
    #[inline(always)]
    fn complete(&self, frame: &mut Frame, mut header: [u8; UDP], sum: Sum) {
        let offset = Transport::Udp.checksum_offset();
        header[usize::from(offset)..].copy_from_slice(&field_of(offset, sum.finish()).to_be_bytes());
        frame.head_mut()[self.l4..][..UDP].copy_from_slice(&header);
    }
}

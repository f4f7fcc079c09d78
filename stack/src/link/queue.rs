//! A link's output queue: bounded in bytes, cut as it leaves.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::config::Offloads;
use super::offload::complete::complete;
use super::offload::cut::{Cutter, cut_len, wire_len};
use super::offload::layout::{Layout, Transport};
use crate::base::{Checksum, Frame};

/// Frames that wait for the device.
#[derive(Debug)]
pub(super) struct OutputQueue {
    frames: VecDeque<Queued>,
    cutter: Option<Cutter>,
    /// Bytes of all that waits, as they will be on the wire.
    bytes: usize,
    /// Of them, bytes of the super-segment that is being cut.
    cutting: usize,
    limit: usize,
}

/// A frame, and its bytes on the wire.
#[derive(Debug)]
struct Queued {
    frame: Frame,
    bytes: usize,
}

/// What our own control messages may take beyond the limit, so that bulk data does not make neighbours be given up.
const CONTROL_RESERVE: usize = 16 << 10;

impl OutputQueue {
    pub(super) const fn new(limit: usize) -> Self {
        Self { frames: VecDeque::new(), cutter: None, bytes: 0, cutting: 0, limit }
    }

    /// True if no frame waits, and none is being cut.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.cutter.is_none()
    }

    /// True if another packet is taken.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < self.limit
    }

    /// Bytes up to the limit, which the last packet may pass.
    pub(super) const fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes)
    }

    /// True if another control message is taken.
    pub(super) const fn has_room_for_control(&self) -> bool {
        self.bytes < self.limit.saturating_add(CONTROL_RESERVE)
    }

    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a frame, link header pushed.
    #[inline(always)]
    pub(super) fn push(&mut self, frame: Frame) {
        let bytes = queued_len(&frame);
        self.push_packet(frame, bytes);
    }

    /// Appends a frame of which so many bytes go onto the wire.
    #[inline(always)]
    pub(super) fn push_packet(&mut self, frame: Frame, bytes: usize) {
        self.bytes += bytes;
        self.frames.push_back(Queued { frame, bytes });
    }

    /// Counts a frame of loopback, which waits elsewhere.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Undoes [`OutputQueue::hold`].
    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// The next frame for a device with these abilities.
    #[inline]
    pub(super) fn pop(&mut self, offloads: &Offloads) -> Option<Frame> {
        let piece = if self.cutter.is_some() { self.next_piece() } else { None };
        let mut frame = piece.or_else(|| self.next_frame(offloads))?;
        if !offloads.checksum {
            complete(&mut frame);
        }
        Some(frame)
    }

    /// Drops all; gives the length of each frame, and of those of UDP that are to be cut, of each datagram's.
    pub(super) fn clear(&mut self) -> Vec<usize> {
        let rest = core::mem::replace(self, Self::new(self.limit));
        let mut gone = Vec::new();
        if let Some(cutter) = rest.cutter {
            put_lengths(cutter, rest.cutting, &mut gone);
        }
        for Queued { frame, bytes } in rest.frames {
            match layout(&frame) {
                Some(layout) => put_lengths(Cutter::new(frame, layout, 0, false), bytes, &mut gone),
                None => gone.push(bytes),
            }
        }
        gone
    }

    #[inline(never)]
    fn next_piece(&mut self) -> Option<Frame> {
        let cutter = self.cutter.as_mut()?;
        let piece = cutter.next();
        if let Some(piece) = piece.as_ref().filter(|_| !cutter.is_done()) {
            let bytes = piece.len().min(self.cutting);
            self.cutting -= bytes;
            self.bytes -= bytes;
        } else {
            // With the last goes whatever was counted too much: a device that cuts too gets fewer headers.
            self.bytes -= core::mem::take(&mut self.cutting);
            self.cutter = None;
        }
        piece
    }

    #[inline]
    fn next_frame(&mut self, offloads: &Offloads) -> Option<Frame> {
        let Queued { frame, bytes } = self.frames.pop_front()?;
        if frame.segment_size == 0 {
            self.bytes -= bytes;
            return Some(frame);
        }
        self.next_of_super_segment(frame, bytes, offloads)
    }

    #[inline(never)]
    fn next_of_super_segment(&mut self, frame: Frame, bytes: usize, offloads: &Offloads) -> Option<Frame> {
        match cut_for(&frame, offloads) {
            Some((layout, device)) => {
                self.cutting = bytes;
                self.cutter = Some(Cutter::new(frame, layout, device, !offloads.checksum));
                self.next_piece()
            }
            None => {
                self.bytes -= bytes;
                Some(frame)
            }
        }
    }
}

/// The lengths of what a cutter still has, `bytes` in all.
fn put_lengths(cutter: Cutter, bytes: usize, into: &mut Vec<usize>) {
    if cutter.transport() == Transport::Tcp {
        return into.push(bytes);
    }
    let mut cutter = cutter;
    while let Some(frame) = cutter.next() {
        into.push(frame.len());
    }
}

/// Bytes on the wire, after cutting.
#[inline]
fn queued_len(frame: &Frame) -> usize {
    if frame.segment_size == 0 { frame.len() } else { super_segment_len(frame) }
}

fn super_segment_len(frame: &Frame) -> usize {
    // What is our own says where its headers end.
    let headers = usize::from(frame.l2_len) + usize::from(frame.l3_len) + usize::from(frame.l4_len);
    if is_unfinished(frame) && frame.l4_len > 0 && headers < frame.len() {
        return cut_len(headers, frame.len() - headers, usize::from(frame.segment_size));
    }
    layout(frame).map_or(frame.len(), |layout| wire_len(frame, &layout))
}

/// The layout of a super-segment.
fn layout(frame: &Frame) -> Option<Layout> {
    if frame.segment_size == 0 { None } else { Layout::of(frame, usize::from(frame.l2_len)) }
}

/// How a frame is to be cut for the device: its layout, and up to which payload the device cuts itself.
/// UDP is always cut here: few devices can, and a receiver must not see the datagrams joined.
fn cut_for(frame: &Frame, offloads: &Offloads) -> Option<(Layout, usize)> {
    let device = offloads.cuts_at_most() as usize;
    // What cannot be too much for the device, headers and all, need not be looked at.
    if frame.segment_size == 0 || (is_unfinished_tcp(frame) && frame.len() <= device) {
        return None;
    }
    let layout = layout(frame)?;
    let device = if layout.transport == Transport::Tcp { device } else { 0 };
    (layout.payload_len() > device).then_some((layout, device))
}

/// True for what is cut and has its checksum left to whoever does it, as all that is our own.
fn is_unfinished(frame: &Frame) -> bool {
    is_unfinished_tcp(frame) || frame.checksum == Checksum::Partial { offset: Transport::Udp.checksum_offset() }
}

fn is_unfinished_tcp(frame: &Frame) -> bool {
    frame.checksum == Checksum::Partial { offset: Transport::Tcp.checksum_offset() }
}

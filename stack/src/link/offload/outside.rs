//! Cutting and completing for those who look at single packets outside of a stack: a link that damages one, a capture.

use super::complete::complete;
use super::cut::{Cutter, wire_len};
use super::layout::Layout;
use crate::base::{Checksum, Frame};

/// Completes the transport checksum of a frame if it is [partial](crate::base::Checksum::Partial): what a device does that puts it
/// on a real wire. After it the receiver verifies the checksum.
pub fn complete_checksum(frame: &mut Frame) {
    complete(frame);
}

/// How many packets a frame stands for, and how many bytes they are on the wire, link headers included: 1 and its length unless it
/// is a super-segment.
pub fn packets(frame: &Frame) -> (usize, usize) {
    match layout(frame) {
        Some(layout) => (layout.payload_len().div_ceil(usize::from(frame.segment_size)).max(1), wire_len(frame, &layout)),
        None => (1, frame.len()),
    }
}

/// The packets a frame stands for, in order, sharing its payload: itself unless it is a super-segment. Their transport checksums are
/// partial.
pub fn cut(frame: Frame) -> impl Iterator<Item = Frame> {
    let (mut whole, mut cutter) = match layout(&frame) {
        Some(layout) if layout.payload_len() > 0 => (None, Some(Cutter::new(frame, layout, 0, false))),
        _ => (Some(frame), None),
    };
    core::iter::from_fn(move || whole.take().or_else(|| cutter.as_mut()?.next()))
}

/// The layout of a super-segment. One that no stack has looked at, from a device with a link header, does not say where that ends; where
/// its checksum begins tells.
fn layout(frame: &Frame) -> Option<Layout> {
    const ETHERNET: [usize; 2] = [14, 18];
    if frame.segment_size == 0 {
        return None;
    }
    let (l2, start) = (usize::from(frame.l2_len), usize::from(frame.l2_len) + usize::from(frame.l3_len));
    let at = |l3| Layout::of(frame, l3);
    match frame.checksum {
        Checksum::Partial { .. } if l2 == 0 => [0].into_iter().chain(ETHERNET).filter_map(at).find(|layout| layout.l4 == start),
        _ => at(l2),
    }
}

/// Bytes of the largest packet, without its link header, that a packet of `total` bytes becomes on the wire; it begins at `network`.
pub(crate) fn largest_packet(frame: &Frame, network: usize, total: usize) -> usize {
    let layout = if frame.segment_size == 0 { None } else { Layout::of(frame, network) };
    let segment = layout.map(|layout| layout.payload - network + usize::from(frame.segment_size));
    segment.map_or(total, |segment| segment.min(total))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::layout::Transport;
    use super::super::samples::Sample;
    use super::*;
    use crate::base::Version;

    #[test]
    fn a_super_segment_is_told_and_cut_into_the_same_packets() {
        for version in [Version::V4, Version::V6] {
            let frame = Sample::new(version, Transport::Tcp, 3500, 1000).frame();
            let told = packets(&frame);
            let pieces: Vec<Frame> = cut(frame).collect();
            assert_eq!(told, (4, pieces.iter().map(Frame::len).sum()));
            assert!(pieces.iter().all(|piece| piece.segment_size == 0 && piece.checksum != Checksum::Unknown));
        }
    }

    /// As a device hands it over: all in one piece, the checksum's place counted from the front.
    #[test]
    fn a_super_segment_with_a_link_header_is_cut_before_anybody_said_where_that_ends() {
        for version in [Version::V4, Version::V6] {
            for link in [0, 14, 18] {
                let sample = Sample::new(version, Transport::Tcp, 3500, 1000).frame();
                let mut frame = Frame::from(&[&[0x46; 18][..link], &sample.to_vec()[..]].concat()[..]);
                (frame.segment_size, frame.checksum) = (1000, sample.checksum);
                frame.l3_len = link as u16 + sample.l3_len;
                let pieces: Vec<Frame> = cut(frame).collect();
                assert_eq!(pieces.len(), 4);
                for piece in pieces {
                    assert_eq!((usize::from(piece.l2_len), piece.l3_len), (link, sample.l3_len));
                }
            }
        }
    }

    #[test]
    fn any_other_frame_is_one_packet_and_stays_as_it_is() {
        let mut frame = Sample::new(Version::V4, Transport::Tcp, 500, 0).frame();
        assert_eq!(packets(&frame), (1, frame.len()));
        let pieces: Vec<Frame> = cut(frame.clone()).collect();
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].to_vec(), frame.to_vec());
        complete_checksum(&mut frame);
        assert_eq!(frame.checksum, Checksum::Unknown);
    }
}

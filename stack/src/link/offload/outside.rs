//! Cutting and completing for those who look at single packets outside of a stack: a link that loses one, a capture.

use super::complete::{complete, field_of};
pub use super::cut::Steps;
use super::cut::{Cutter, Pattern, wire_len};
use super::layout::Layout;
use crate::base::checksum::checksum;
use crate::base::{Checksum, Frame};

/// Completes the transport checksum of a frame if it is [partial](crate::base::Checksum::Partial): what a device does that puts it
/// on a real wire. After it the receiver verifies the checksum.
pub fn complete_checksum(frame: &mut Frame) {
    complete(frame);
}

/// Does in a copy of all bytes of a frame what [`complete_checksum`] does in the frame.
pub fn complete_copy(frame: &Frame, copy: &mut [u8]) {
    let Checksum::Partial { offset } = frame.checksum else { return };
    let start = usize::from(frame.l2_len) + usize::from(frame.l3_len);
    let field = start + usize::from(offset);
    if field + 2 > copy.len() {
        return;
    }
    let sum = field_of(offset, checksum(&copy[start..]));
    copy[field..field + 2].copy_from_slice(&sum.to_be_bytes());
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

/// The packets that a super-segment stands for, told without cutting it: for those who look at each but need not have each as a frame.
#[derive(Clone, Debug)]
pub struct Train {
    pattern: Pattern,
    count: usize,
}

impl Train {
    /// The packets of a frame; none if it is no super-segment, but a packet itself.
    pub fn of(frame: &Frame) -> Option<Self> {
        let layout = layout(frame).filter(|layout| layout.payload_len() > usize::from(frame.segment_size))?;
        let pattern = Pattern::new(frame, layout);
        Some(Self { count: layout.payload_len().div_ceil(pattern.segment), pattern })
    }

    /// How many packets it is.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of headers, those of the link included, that each packet begins with.
    pub fn headers(&self) -> usize {
        self.pattern.layout.payload
    }

    /// Bytes of payload of the `n`-th packet, counted from 0.
    pub fn payload(&self, n: usize) -> usize {
        self.pattern.payload(n, 1)
    }

    /// Where in the payload the `n`-th packet begins.
    pub fn offset(&self, n: usize) -> usize {
        n * self.pattern.segment
    }

    /// The headers of the `n`-th packet, as many bytes of them as there is room for. Its transport checksum is partial.
    pub fn head(&self, n: usize, into: &mut [u8]) {
        self.pattern.write(into, n, self.payload(n));
    }

    /// What the headers of all packets but the last differ in.
    pub fn steps(&self) -> Steps {
        self.pattern.steps()
    }

    /// Packets `first` to `first + count - 1` as one frame that shares the payload of `whole`, the frame this is the train of.
    ///
    /// # Panics
    /// If there are not so many packets, or `whole` is shorter than the frame was.
    pub fn part(&self, whole: &Frame, first: usize, count: usize) -> Frame {
        assert!(first + count <= self.count, "packets {first}+{count} of {}", self.count);
        self.pattern.frame(whole, first, self.pattern.payload(first, count), false)
    }
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

    #[test]
    fn a_copy_is_completed_as_the_frame_is() {
        for (version, transport) in [(Version::V4, Transport::Tcp), (Version::V6, Transport::Udp), (Version::V4, Transport::Udp)]
        {
            let mut frame = Sample::new(version, transport, 333, 0).frame();
            for _ in 0..2 {
                let mut copy = frame.to_vec();
                complete_copy(&frame, &mut copy);
                complete_checksum(&mut frame);
                assert_eq!(copy, frame.to_vec());
            }
        }
    }

    #[test]
    fn a_train_tells_the_packets_that_cutting_gives() {
        for version in [Version::V4, Version::V6] {
            let frame = Sample::new(version, Transport::Tcp, 3500, 1000).frame();
            let train = Train::of(&frame).expect("four packets");
            let pieces: Vec<Frame> = cut(frame.clone()).collect();
            assert_eq!(train.count(), pieces.len());
            for (n, piece) in pieces.iter().enumerate() {
                let whole = piece.to_vec();
                assert_eq!(train.headers() + train.payload(n), whole.len());
                for room in [train.headers(), train.headers() - 1, train.headers() + 3, 10] {
                    let mut head = alloc::vec![0; room];
                    train.head(n, &mut head);
                    let told = room.min(train.headers());
                    assert_eq!(head[..told], whole[..told], "packet {n}, room for {room}");
                }
                assert_eq!(train.part(&frame, n, 1).to_vec(), whole);
            }
            let mut head = pieces[0].to_vec()[..train.headers()].to_vec();
            for (n, piece) in pieces.iter().enumerate().take(train.count() - 1).skip(1) {
                train.steps().write_each(n, [&mut head[..]].into_iter());
                assert_eq!(head, piece.to_vec()[..train.headers()], "packet {n} over the one before it");
            }
            let mut heads = alloc::vec![pieces[0].to_vec()[..train.headers()].to_vec(); 2];
            train.steps().write_each(1, heads.iter_mut().map(|head| &mut head[..]));
            assert!((1..).zip(heads).all(|(n, head)| head == pieces[n].to_vec()[..train.headers()]));
            assert!(Train::of(&pieces[0]).is_none());
        }
    }

    #[test]
    fn a_part_of_a_train_is_cut_into_the_same_packets() {
        for version in [Version::V4, Version::V6] {
            let frame = Sample::new(version, Transport::Tcp, 6500, 1000).frame();
            let train = Train::of(&frame).expect("seven packets");
            let all: Vec<_> = cut(frame.clone()).map(|piece| piece.to_vec()).collect();
            for first in 0..7 {
                for count in 1..=7 - first {
                    let part = train.part(&frame, first, count);
                    assert_eq!(packets(&part).0, count);
                    let pieces: Vec<_> = cut(part).map(|piece| piece.to_vec()).collect();
                    assert_eq!(pieces, all[first..first + count], "{first}+{count}");
                }
            }
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

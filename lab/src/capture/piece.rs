//! A packet that is seen, which may still be one of many in a super-segment.

use loggia_stack::base::Frame;
use loggia_stack::link::{Train, complete_copy};

/// A packet at the border of a host.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A frame: a packet, or a super-segment that is as one.
    Frame(&'a Frame),
    /// One packet of a super-segment.
    Segment {
        /// The super-segment.
        whole: &'a Frame,
        /// Its packets.
        train: &'a Train,
        /// Which of them, counted from 0.
        n: usize,
    },
}

impl Piece<'_> {
    /// Packets of which more bytes than this are kept are kept as frames, which share their payload.
    pub(super) const HEAD: usize = 256;

    /// Bytes, headers included.
    pub fn len(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Segment { train, n, .. } => train.headers() + train.payload(*n),
        }
    }

    /// True if there is not a byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A frame of its own.
    pub(super) fn frame(&self) -> Frame {
        match self {
            Self::Frame(frame) => (*frame).clone(),
            Self::Segment { whole, train, n } => train.part(whole, *n, 1),
        }
    }

    /// How many bytes a capture keeps that keeps `snap` of each packet; none if it has to keep the frame, because it is more than one packet
    /// or because its bytes are many.
    pub(super) fn begins(&self, snap: usize) -> Option<usize> {
        let one = !matches!(self, Self::Frame(frame) if frame.segment_size != 0);
        let kept = self.len().min(snap);
        (one && kept <= Self::HEAD).then_some(kept)
    }

    /// Writes the first bytes; where those are all, with a complete checksum.
    pub(super) fn fill(&self, into: &mut [u8]) {
        match self {
            Self::Frame(frame) => {
                frame.copy_to(0, into);
                if into.len() == frame.len() {
                    complete_copy(frame, into);
                }
            }
            Self::Segment { whole, train, n } if into.len() < self.len() => {
                train.head(*n, into);
                if let Some(payload) = into.get_mut(train.headers()..) {
                    whole.copy_to(train.headers() + train.offset(*n), payload);
                }
            }
            Self::Segment { .. } => Piece::Frame(&self.frame()).fill(into),
        }
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Checksum;
    use loggia_stack::link::{complete_checksum, cut};

    use super::*;

    /// A datagram of 40 bytes on a device that completes checksums, or several of so many and less.
    fn frame(payload: usize) -> Frame {
        let mut frame = Frame::from(&(0..payload).map(|n| n as u8).collect::<Vec<_>>()[..]);
        frame.push(8).copy_from_slice(&[0x10, 0, 0, 9, 0, 8 + payload as u8, 0x12, 0x34]);
        let ip = frame.push(20);
        ip[..4].copy_from_slice(&[0x45, 0, 0, 28 + payload as u8]);
        (ip[8], ip[9]) = (64, 17);
        frame.prepend(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
        (frame.l2_len, frame.l3_len, frame.l4_len) = (14, 20, 8);
        frame.checksum = Checksum::Partial { offset: 6 };
        frame
    }

    #[test]
    fn the_first_bytes_of_a_packet_are_those_of_its_frame() {
        let mut whole = frame(100);
        whole.segment_size = 40;
        let train = Train::of(&whole).expect("three packets");
        let single = frame(40);
        let pieces = (0..3).map(|n| Piece::Segment { whole: &whole, train: &train, n }).chain([Piece::Frame(&single)]);
        let frames = cut(whole.clone()).chain([single.clone()]);
        for (piece, mut frame) in pieces.zip(frames) {
            let partial = frame.to_vec();
            complete_checksum(&mut frame);
            let complete = frame.to_vec();
            assert_eq!(piece.len(), complete.len());
            for snap in [10, 41, 42, 43, 60, 81, 82, 83, 100] {
                let kept = piece.begins(snap).expect("few bytes");
                let mut head = vec![0; kept];
                piece.fill(&mut head);
                let expected = if kept == complete.len() { &complete } else { &partial };
                assert_eq!(head, expected[..kept], "{snap} bytes of {piece:?}");
            }
        }
        assert_eq!(Piece::Frame(&whole).begins(60), None);
        assert_eq!(Piece::Frame(&Frame::from(&[0; 1500][..])).begins(usize::MAX), None);
    }
}

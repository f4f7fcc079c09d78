//! What devices carry.

use bytes::Bytes;
use loggia_stack::base::{Frame, frame};
use loggia_stack::link;

/// One packet: an IP packet, or an Ethernet frame with its header. It may be a large one that stands for many segments of one
/// connection, as large as the device said that it cuts.
#[derive(Clone, Debug)]
pub struct Packet(Frame);

/// What is known of a packet's TCP or UDP checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Checksum {
    /// Nothing. On its way out it is complete.
    Unknown,
    /// It is known to be right.
    Verified,
    /// Whoever puts the packet on a wire completes it: the sum from `start` to the end goes, complemented, to `start + offset`. Received
    /// like this it is trusted.
    Partial {
        /// Where the sum begins, from the packet's start.
        start: u16,
        /// Where it goes, from `start`.
        offset: u16,
    },
}

impl From<Bytes> for Packet {
    fn from(bytes: Bytes) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Packet {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::from(bytes).into())
    }
}

impl From<&[u8]> for Packet {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes).into())
    }
}

impl Packet {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is not a byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its bytes in order, in pieces; none is empty.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let head = Some(self.0.head()).filter(|head| !head.is_empty());
        head.into_iter().chain(self.0.body.chunks())
    }

    /// A copy of its bytes in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Copies as many bytes as there are, or fit, from `at` on; says how many.
    pub fn copy_to(&self, at: usize, into: &mut [u8]) -> usize {
        if at >= self.len() { 0 } else { self.0.copy_to(at, into) }
    }

    /// What is known of its checksum.
    pub fn checksum(&self) -> Checksum {
        match self.0.checksum {
            frame::Checksum::Unknown => Checksum::Unknown,
            frame::Checksum::Verified => Checksum::Verified,
            frame::Checksum::Partial { offset } => {
                Checksum::Partial { start: u16::from(self.0.l2_len) + self.0.l3_len, offset: u16::from(offset) }
            }
        }
    }

    /// Says what is known of its checksum. A partial one that does not lie in the packet counts as unknown.
    pub fn with_checksum(mut self, checksum: Checksum) -> Self {
        self.0.checksum = match checksum {
            Checksum::Unknown => frame::Checksum::Unknown,
            Checksum::Verified => frame::Checksum::Verified,
            Checksum::Partial { start, offset } => match u8::try_from(offset) {
                Ok(offset) if usize::from(start) + usize::from(offset) + 2 <= self.len() => {
                    // Only the sum of the two counts before a layer has found where its header ends.
                    (self.0.l2_len, self.0.l3_len) = (0, start);
                    frame::Checksum::Partial { offset }
                }
                _ => frame::Checksum::Unknown,
            },
        };
        self
    }

    /// Completes a partial checksum.
    pub fn complete_checksum(mut self) -> Self {
        link::complete_checksum(&mut self.0);
        self
    }

    /// Bytes of payload a segment, if it stands for many; 0 if it is one.
    pub fn segment_size(&self) -> u16 {
        self.0.segment_size
    }

    /// Says that it stands for many segments with `size` bytes of payload each, 0: that it is one.
    pub fn with_segment_size(mut self, size: u16) -> Self {
        self.0.segment_size = size;
        self
    }

    /// The packets it stands for, which share its payload: itself, if it is one.
    pub fn cut(self) -> impl Iterator<Item = Packet> {
        link::cut(self.0).map(Packet)
    }

    pub(crate) fn of(frame: Frame) -> Self {
        Self(frame)
    }

    pub(crate) fn into_frame(self) -> Frame {
        self.0
    }

    pub(crate) fn frame(&self) -> &Frame {
        &self.0
    }

    /// Bytes of link, network and transport header at the front, as far as the host wrote them.
    pub(crate) fn header_len(&self) -> u16 {
        u16::from(self.0.l2_len) + self.0.l3_len + u16::from(self.0.l4_len)
    }

    pub(crate) fn link_header_len(&self) -> usize {
        usize::from(self.0.l2_len)
    }
}

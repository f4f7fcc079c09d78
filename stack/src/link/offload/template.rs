//! What the segments of one super-segment have in common.

use crate::base::frame::HEAD;
use crate::base::{Checksum, Frame, Sum, Version};

use super::layout::{Layout, Transport};

/// The headers that all segments of a super-segment share, and their sums. What each has of its own is zero here (lengths, identification,
/// sequence number, flags, checksums): it is added to the sums, so that nobody has to go through a header again for each.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Ends with the headers.
    pub(super) head: [u8; HEAD],
    /// The sum of the IPv4 header.
    pub(super) network: Sum,
    /// The pseudo-header's sum without the length; none for UDP that has no checksum.
    pub(super) pseudo: Option<Sum>,
    /// The sum of the transport header.
    pub(super) transport: Sum,
    /// The identification of an IPv4 header.
    pub(super) id: u16,
    /// Of a TCP header.
    pub(super) seq: u32,
    pub(super) flags: u8,
}

impl Template {
    /// Of a frame whose first one of them, or whole, has these headers.
    pub(super) fn new(frame: &Frame, layout: &Layout) -> Self {
        let &Layout { version, transport, l3, l4, payload, .. } = layout;
        let mut head = [0; HEAD];
        let headers = &mut head[HEAD - payload..];
        frame.copy_to(0, headers);
        let pseudo = pseudo(frame, layout, headers);
        let (network, header) = headers[l3..].split_at_mut(l4 - l3);
        let id = take(network, 4).map_or(0, u16::from_be_bytes);
        let (mut seq, mut flags) = (0, 0);
        match version {
            Version::V4 => [2..6, 10..12].into_iter().for_each(|range| network[range].fill(0)),
            Version::V6 => network[4..6].fill(0),
        }
        match transport {
            Transport::Tcp => {
                seq = take(header, 4).map_or(0, u32::from_be_bytes);
                flags = core::mem::take(&mut header[13]);
            }
            Transport::Udp => header[4..6].fill(0),
        }
        if pseudo.is_some() {
            take::<2>(header, usize::from(transport.checksum_offset()));
        }
        let sum = |bytes: &[u8]| {
            let mut sum = Sum::new();
            sum.add(bytes);
            sum
        };
        let (network, transport) = (sum(network), sum(header));
        Self { head, network, pseudo, transport, id, seq, flags }
    }
}

/// The `N` bytes at `at`, of which zeros are left.
fn take<const N: usize>(bytes: &mut [u8], at: usize) -> Option<[u8; N]> {
    Some(core::mem::replace(bytes.get_mut(at..)?.first_chunk_mut()?, [0; N]))
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

//! What the segments of one super-segment have in common.

use crate::base::frame::HEAD;
use crate::base::{Frame, Sum, Version};

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
    id: u16,
    /// By how much that of each segment is more than that of the one before.
    id_step: u16,
    /// Of a TCP header.
    pub(super) seq: u32,
    pub(super) flags: u8,
}

impl Template {
    /// Of a frame with these headers. `pseudo` is the sum of the pseudo-header without the length; none where there is no checksum.
    pub(super) fn new(frame: &Frame, layout: &Layout, pseudo: Option<Sum>) -> Self {
        let &Layout { version, transport, l3, l4, payload, .. } = layout;
        let mut head = [0; HEAD];
        let headers = &mut head[HEAD - payload..];
        frame.copy_to(0, headers);
        let (network, header) = headers[l3..].split_at_mut(l4 - l3);
        let id = take(network, 4).map_or(0, u16::from_be_bytes);
        let id_step = u16::from(version == Version::V4 && counts_idents(transport, network));
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
        Self { head, network, pseudo, transport, id, id_step, seq, flags }
    }

    /// The identification of the `n`-th segment, counted from 0.
    #[inline]
    pub(super) fn id(&self, n: usize) -> u16 {
        self.id.wrapping_add(self.id_step.wrapping_mul(n as u16))
    }

    /// By how much it grows with each.
    pub(super) fn id_step(&self) -> u16 {
        self.id_step
    }
}

/// True unless all have the same identification: that of a datagram which nobody cuts means nothing (RFC 6864 §4.1), and those of UDP are each as if it
/// had been sent alone. Segments of TCP count, as Linux's do.
fn counts_idents(transport: Transport, network: &[u8]) -> bool {
    const DF: u8 = 0x40;
    transport == Transport::Tcp || network[6] & DF == 0
}

/// The `N` bytes at `at`, of which zeros are left.
fn take<const N: usize>(bytes: &mut [u8], at: usize) -> Option<[u8; N]> {
    Some(core::mem::replace(bytes.get_mut(at..)?.first_chunk_mut()?, [0; N]))
}

//! The link of one transfer, between the TUN device and our stack, and what is seen on it.

use loggia_lab::link::{Cause, Pipe, PipeSeed};
use loggia_stack::base::{Frame, Instant};

use crate::plan::Transfer;

/// Pipes read frames that begin with an Ethernet header; the device's and our packets have none.
const ETHERNET: [u8; 14] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];

/// Ports, sequence number and length (SYN and FIN count) of a TCP segment in an IPv4 packet.
pub(crate) struct Segment {
    pub(crate) src: u16,
    pub(crate) dst: u16,
    seq: u32,
    len: u32,
}

impl Segment {
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let ihl = usize::from(packet.first().filter(|first| *first >> 4 == 4)? & 15) * 4;
        let tcp = packet.get(ihl..).filter(|_| packet[9] == 6)?;
        let two = |at: usize| Some(u16::from_be_bytes(tcp.get(at..at + 2)?.try_into().ok()?));
        let payload = tcp.len().checked_sub(usize::from(*tcp.get(12)? >> 4) * 4)? as u32;
        let flags = u32::from(*tcp.get(13)?);
        let (syn, fin) = (flags >> 1 & 1, flags & 1);
        let seq = u32::from(two(4)?) << 16 | u32::from(two(6)?);
        Some(Self { src: two(0)?, dst: two(2)?, seq, len: payload + syn + fin })
    }
}

/// What the sender of a transfer put onto its link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    /// Segments with something in them.
    pub(crate) segments: u64,
    /// Of them, those with nothing that had not been sent before.
    pub(crate) again: u64,
    /// The end of what was sent.
    end: Option<u32>,
}

impl Sent {
    fn count(&mut self, segment: &Segment) {
        if segment.len == 0 {
            return;
        }
        let end = segment.seq.wrapping_add(segment.len);
        let fresh = self.end.is_none_or(|before| (end.wrapping_sub(before) as i32) > 0);
        self.segments += 1;
        self.again += u64::from(!fresh);
        if fresh {
            self.end = Some(end);
        }
    }
}

/// Both directions.
pub(crate) struct Link {
    pipes: [Pipe; 2],
    pub(crate) sent: Sent,
}

impl Link {
    pub(crate) fn new(transfer: &Transfer) -> Self {
        let pipe = |way: usize| {
            let mut seed = [way as u8; 16];
            seed[..2].copy_from_slice(&transfer.number.to_be_bytes());
            Pipe::new(transfer.terms[way].clone(), PipeSeed(seed))
        };
        Self { pipes: [pipe(0), pipe(1)], sent: Sent::default() }
    }

    /// A packet goes onto it: 0 to the receiver, 1 back.
    pub(crate) fn put(&mut self, now: Instant, way: usize, segment: &Segment, packet: &[u8]) {
        if way == 0 {
            self.sent.count(segment);
        }
        self.pipes[way].put(now, Frame::from(&[&ETHERNET[..], packet].concat()[..]));
        while self.pipes[way].next_fate().is_some() {}
    }

    /// The next packet that has arrived.
    pub(crate) fn take(&mut self, now: Instant, way: usize) -> Option<Vec<u8>> {
        let arrival = self.pipes[way].take(now)?;
        Some(arrival.frame.to_vec().split_off(ETHERNET.len()))
    }

    /// When something happens in a direction.
    pub(crate) fn next(&self, way: usize) -> Instant {
        self.pipes[way].next()
    }

    /// Packets to the receiver that it lost.
    pub(crate) fn lost(&self) -> u64 {
        let dropped = &self.pipes[0].counts().dropped;
        dropped[Cause::Loss as usize] + dropped[Cause::QueueFull as usize]
    }
}

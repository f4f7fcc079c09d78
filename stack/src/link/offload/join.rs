//! Segments of one TCP flow joined as they arrive (GRO).
//!
//! A segment waits here until one that does not fit comes, or until whoever polls finds nothing else to do. At most
//! [`FLOWS`] flows wait, so a look at all of them costs little and a flood of flows holds no memory.
//!
//! Invariants: what goes up of a flow goes up in the order it came; a segment is joined only after its checksum proved right;
//! cutting what was joined gives the same segments again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::base::{Addr, Checksum, Frame, LinkId, Rope, Sum, Version};

use super::super::up::Received;
use super::alike::{self, FIN, PSH};
use super::layout::{Layout, Transport};

/// How many flows wait at most (as Linux's `MAX_GRO_SKBS`).
const FLOWS: usize = 8;
/// How many segments are joined at most: tiny ones would make a long list for little.
const SEGMENTS: u32 = 256;
/// The largest packet joined, by the length field of IPv4.
const LARGEST: usize = 65_535;

const ACK: u8 = 0x10;
const ECE: u8 = 0x40;
const CWR: u8 = 0x80;

/// Segments that wait for more of their flow.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    flows: VecDeque<Flow>,
}

/// A segment of TCP, all of its headers in the head of its frame, and what is asked of them again and again.
#[derive(Debug)]
struct Segment {
    received: Received,
    layout: Layout,
    src: Addr,
    dst: Addr,
    ports: u32,
    seq: u32,
    flags: u8,
}

/// The joined segments of one flow: the first one with all payload.
#[derive(Debug)]
struct Flow {
    first: Segment,
    /// The pseudo-header's sum without the length.
    pseudo: Sum,
    payload: Rope,
    count: u32,
    flags: u8,
}

/// What a packet is to the joiner.
enum Kind {
    /// Not TCP: it may overtake.
    Foreign(Received),
    /// TCP, but of which flow cannot be told (fragments, extension headers).
    Unclear(Received),
    /// A TCP segment.
    Segment(Segment),
}

impl Joiner {
    /// Takes a packet; what is not to wait (or waits no longer) goes `up`, in order.
    pub(crate) fn offer(&mut self, mut received: Received, up: &mut VecDeque<Received>) {
        if let Some(place) = self.flows.iter().position(|flow| flow.is_continued_by(&mut received)) {
            if self.flows[place].append(received) {
                up.extend(self.flows.remove(place).map(Flow::finish));
            }
            return;
        }
        match classify(received) {
            Kind::Foreign(received) => up.push_back(received),
            Kind::Unclear(received) => {
                up.extend(self.flows.drain(..).map(Flow::finish));
                up.push_back(received);
            }
            Kind::Segment(segment) => self.offer_first(segment, up),
        }
    }

    /// A segment that continues no flow: its own, if it waits, goes up before it.
    fn offer_first(&mut self, mut segment: Segment, up: &mut VecDeque<Received>) {
        if let Some(place) = self.flows.iter().position(|flow| flow.first.same_flow(&segment)) {
            up.extend(self.flows.remove(place).map(Flow::finish));
        }
        let joinable = segment.joinable();
        if joinable {
            segment.trust();
        }
        if !joinable || segment.flags & (PSH | FIN) != 0 {
            up.push_back(segment.received);
            return;
        }
        if self.flows.len() >= FLOWS {
            up.extend(self.flush());
        }
        self.flows.push_back(Flow::new(segment));
    }

    /// True if nothing waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// The flow that has waited longest.
    pub(crate) fn flush(&mut self) -> Option<Received> {
        self.flows.pop_front().map(Flow::finish)
    }

    /// Drops what waits of a link; gives the length of each, joined.
    pub(crate) fn forget(&mut self, link: LinkId) -> Vec<usize> {
        let (gone, stay): (VecDeque<Flow>, _) =
            core::mem::take(&mut self.flows).into_iter().partition(|flow| flow.first.received.link == link);
        self.flows = stay;
        gone.into_iter().map(|flow| flow.first.layout.payload + flow.payload.len()).collect()
    }
}

fn classify(mut received: Received) -> Kind {
    let at = received.network;
    let number = match received.version {
        Version::V4 => received.frame.read::<1>(at + 9),
        Version::V6 => received.frame.read::<1>(at + 6),
    };
    match number {
        Some([6]) => {}
        // Hop-by-hop, routing, fragment and destination headers: TCP may come behind.
        Some([0 | 43 | 44 | 60]) if received.version == Version::V6 => return Kind::Unclear(received),
        _ => return Kind::Foreign(received),
    }
    match Layout::of(&received.frame, at) {
        Some(layout) if layout.version == received.version => {
            received.frame.own_head(layout.payload);
            Kind::Segment(Segment::new(received, layout))
        }
        _ => Kind::Unclear(received),
    }
}

impl Segment {
    fn new(received: Received, layout: Layout) -> Self {
        let head = received.frame.head();
        let (src, dst) = layout.addresses(head);
        let tcp = &head[layout.l4..layout.l4 + 20];
        let word = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
        let (ports, seq, flags) = (word(0), word(4), tcp[13]);
        Self { received, layout, src, dst, ports, seq, flags }
    }

    fn head(&self) -> &[u8] {
        &self.received.frame.head()[..self.layout.payload]
    }

    fn network(&self) -> &[u8] {
        &self.head()[self.layout.l3..self.layout.l4]
    }

    fn payload_len(&self) -> usize {
        self.layout.payload_len()
    }

    fn payload(&self) -> Rope {
        self.received.frame.rope(self.layout.payload, self.payload_len())
    }

    fn same_flow(&self, other: &Self) -> bool {
        self.ports == other.ports && self.src == other.src && self.dst == other.dst && self.received.link == other.received.link
    }

    /// True for plain data whose checksums are right.
    fn joinable(&self) -> bool {
        self.layout.plain
            && self.layout.transport == Transport::Tcp
            && self.payload_len() > 0
            && self.flags & ACK != 0
            && self.flags & !(ACK | PSH | FIN | ECE | CWR) == 0
            && self.received.frame.segment_size == 0
            && self.says_its_length()
            && self.checksums_ok()
    }

    /// A length field of 0 stands for "more than 64 KiB" in frames that never left memory, and is malformed in others.
    fn says_its_length(&self) -> bool {
        let at = if self.layout.version == Version::V4 { 2 } else { 4 };
        self.network()[at..at + 2] != [0, 0]
    }

    fn checksums_ok(&self) -> bool {
        (self.layout.version == Version::V6 || crate::base::checksum::checksum(self.network()) == 0)
            && transport_sum_ok(&self.received.frame, self.pseudo(), self.layout.l4, self.layout.end)
    }

    fn pseudo(&self) -> Sum {
        Sum::pseudo(self.src, self.dst, self.layout.transport.number(), 0)
    }

    /// Its checksum was found right: nobody need look again.
    fn trust(&mut self) {
        if self.received.frame.checksum == Checksum::Unknown {
            self.received.frame.checksum = Checksum::Verified;
        }
    }
}

impl Flow {
    fn new(first: Segment) -> Self {
        Self { payload: first.payload(), pseudo: first.pseudo(), count: 1, flags: first.flags, first }
    }

    /// True if `received` is the next segment of this flow, and would come out the same if the whole were cut again. Whatever has the headers of
    /// the first one needs no parsing, for they say the same. Its headers are in its head after that, if it looked like it at first sight.
    #[inline]
    fn is_continued_by(&self, received: &mut Received) -> bool {
        let Segment { received: first, layout, .. } = &self.first;
        let Received { link, version, frame, network, .. } = received;
        let (l3, l4, headers) = (layout.l3, layout.l4, layout.payload);
        if (*link, *version, *network) != (first.link, first.version, first.network)
            || frame.segment_size > 0
            || frame.len() <= headers
        {
            return false;
        }
        // The ports: what is not of this flow is left as it came.
        if frame.read::<4>(l4).map(u32::from_be_bytes) != Some(self.first.ports) {
            return false;
        }
        frame.own_head(headers);
        let (a, b) = (self.first.head(), frame.head());
        b.len() == headers
            && a[..l3] == b[..l3]
            && alike::network(layout.version, &a[l3..l4], &b[l3..l4], self.count as u16)
            && alike::tcp(&a[l4..], &b[l4..])
            && self.counts_on(&b[l4..])
            && self.has_room_for(layout.end_of(b), frame.len())
            && (layout.version == Version::V6 || crate::base::checksum::checksum(&b[l3..l4]) == 0)
            && transport_sum_ok(frame, self.pseudo, l4, layout.end_of(b))
    }

    fn counts_on(&self, tcp: &[u8]) -> bool {
        let next = self.first.seq.wrapping_add(self.payload.len() as u32);
        tcp[4..8] == next.to_be_bytes()
    }

    /// True if a segment that ends at `end` has payload, all of it in its frame, not more than the first, and the whole can be one packet.
    fn has_room_for(&self, end: usize, frame: usize) -> bool {
        let Layout { l3, payload: headers, .. } = self.first.layout;
        let room = self.first.payload_len().min(LARGEST.saturating_sub(headers - l3 + self.payload.len()));
        self.count < SEGMENTS && end > headers && end <= frame && end - headers <= room
    }

    /// Takes the next segment; true if none can come after it.
    fn append(&mut self, received: Received) -> bool {
        let layout = &self.first.layout;
        let mut frame = received.frame;
        let (end, flags) = (layout.end_of(frame.head()), frame.head()[layout.l4 + 13]);
        let payload = frame.take_part(layout.payload, end - layout.payload);
        let last = payload.len() < self.first.payload_len() || flags & (PSH | FIN) != 0;
        self.payload.append(payload);
        self.flags |= flags;
        self.count += 1;
        last
    }

    /// What goes up: the one segment as it came, or a super-segment with a partial checksum, ready to be cut again.
    fn finish(self) -> Received {
        let Self { first, payload, count, flags, .. } = self;
        let mut received = first.received;
        if count > 1 {
            received.frame = super_segment(&first.layout, (first.src, first.dst), received.frame.head(), payload, flags);
        }
        received
    }
}

/// True if the checksum of the transport header and what is behind it, which ends at `end`, is right or known to be. `pseudo` has no length yet.
fn transport_sum_ok(frame: &Frame, pseudo: Sum, l4: usize, end: usize) -> bool {
    frame.checksum != Checksum::Unknown || {
        let mut sum = pseudo;
        sum.add_word((end - l4) as u32);
        frame.sum(l4, end - l4, sum).finish() == 0
    }
}

fn super_segment(layout: &Layout, (src, dst): (Addr, Addr), head: &[u8], payload: Rope, flags: u8) -> Frame {
    let Layout { transport, l3, l4, payload: headers, .. } = *layout;
    let end = headers + payload.len();
    let mut frame = Frame::new(payload);
    let into = frame.push(headers);
    into.copy_from_slice(&head[..headers]);
    fill_lengths(into, layout, end);
    into[l4 + 13] = flags;
    let sum = Sum::pseudo(src, dst, transport.number(), end - l4).folded();
    into[l4 + 16..l4 + 18].copy_from_slice(&sum.to_be_bytes());
    frame.l2_len = l3 as u8;
    frame.l3_len = (l4 - l3) as u16;
    frame.l4_len = (headers - l4) as u8;
    frame.segment_size = layout.payload_len() as u16;
    frame.checksum = Checksum::Partial { offset: transport.checksum_offset() };
    frame
}

/// Sets the length fields of an IP header for a frame that ends at `end`; for IPv4 the header checksum too.
fn fill_lengths(head: &mut [u8], layout: &Layout, end: usize) {
    let header = &mut head[layout.l3..layout.l4];
    let len = end - layout.l3;
    if layout.version == Version::V6 {
        header[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
        return;
    }
    header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    header[10..12].fill(0);
    let sum = crate::base::checksum::checksum(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

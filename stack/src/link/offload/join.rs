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
use super::cut::fill_lengths;
use super::layout::{Layout, Transport};

/// How many flows wait at most (as Linux's `MAX_GRO_SKBS`).
const FLOWS: usize = 8;
/// How many segments are joined at most: tiny ones would make a long list for little.
const SEGMENTS: u32 = 256;
/// The largest packet joined, by the length field of IPv4.
const LARGEST: usize = 65_535;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
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
    /// The identification of an IPv4 header.
    id: u16,
    flags: u8,
}

/// The joined segments of one flow: the first one with all payload.
#[derive(Debug)]
struct Flow {
    first: Segment,
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
    pub(crate) fn offer(&mut self, received: Received, up: &mut VecDeque<Received>) {
        match classify(received) {
            Kind::Foreign(received) => up.push_back(received),
            Kind::Unclear(received) => {
                up.extend(self.flows.drain(..).map(Flow::finish));
                up.push_back(received);
            }
            Kind::Segment(segment) => self.offer_segment(segment, up),
        }
    }

    fn offer_segment(&mut self, mut segment: Segment, up: &mut VecDeque<Received>) {
        let place = self.flows.iter().position(|flow| flow.first.same_flow(&segment));
        let joinable = segment.joinable();
        if let Some(place) = place {
            let flow = &mut self.flows[place];
            if joinable && flow.takes(&segment) {
                let last = segment.payload_len() < flow.first.payload_len() || segment.flags & (PSH | FIN) != 0;
                flow.append(segment);
                if last {
                    up.extend(self.flows.remove(place).map(Flow::finish));
                }
                return;
            }
            up.extend(self.flows.remove(place).map(Flow::finish));
        }
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
        let id = u16::from_be_bytes([head[layout.l3 + 4], head[layout.l3 + 5]]);
        Self { received, layout, src, dst, ports, seq, id, flags }
    }

    fn head(&self) -> &[u8] {
        &self.received.frame.head()[..self.layout.payload]
    }

    fn network(&self) -> &[u8] {
        &self.head()[self.layout.l3..self.layout.l4]
    }

    fn tcp(&self) -> &[u8] {
        &self.head()[self.layout.l4..]
    }

    fn payload_len(&self) -> usize {
        self.layout.payload_len()
    }

    fn payload(&self) -> Rope {
        self.received.frame.rope(self.layout.payload, self.payload_len())
    }

    fn into_payload(self) -> Rope {
        let Self { mut received, layout, .. } = self;
        received.frame.truncate(layout.end);
        received.frame.pull(layout.payload);
        received.frame.into_rope()
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
        if self.layout.version == Version::V4 && crate::base::checksum::checksum(self.network()) != 0 {
            return false;
        }
        let frame = &self.received.frame;
        frame.checksum != Checksum::Unknown || {
            let len = self.layout.end - self.layout.l4;
            let pseudo = Sum::pseudo(self.src, self.dst, self.layout.transport.number(), len);
            frame.sum(self.layout.l4, len, pseudo).finish() == 0
        }
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
        Self { payload: first.payload(), count: 1, flags: first.flags, first }
    }

    /// True if `next` continues the flow and would come out the same if the whole were cut again.
    fn takes(&self, next: &Segment) -> bool {
        self.count < SEGMENTS
            && next.payload_len() <= self.first.payload_len()
            && next.layout.payload - next.layout.l3 + self.payload.len() + next.payload_len() <= LARGEST
            && next.seq == self.first.seq.wrapping_add(self.payload.len() as u32)
            && self.same_link_header(next)
            && self.same_network_header(next)
            && self.same_tcp_header(next)
    }

    fn same_link_header(&self, next: &Segment) -> bool {
        self.first.head()[..self.first.layout.l3] == next.head()[..next.layout.l3]
    }

    /// All but length, checksum and identification, which must count on (or mean nothing: RFC 6864 §4.1, DF set).
    fn same_network_header(&self, next: &Segment) -> bool {
        let (a, b) = (self.first.network(), next.network());
        if self.first.layout.version == Version::V6 {
            return a[..4] == b[..4] && a[6..] == b[6..];
        }
        let counts_on = next.id == self.first.id.wrapping_add(self.count as u16);
        let atomic = a[6] & 0x40 != 0 && next.id == self.first.id;
        (counts_on || atomic) && a[..2] == b[..2] && a[6..10] == b[6..10] && a[12..] == b[12..]
    }

    /// All but sequence number, checksum, PSH and FIN: what is told of marks is the same in all (RFC 9768 §3.3.3).
    fn same_tcp_header(&self, next: &Segment) -> bool {
        let (a, b) = (self.first.tcp(), next.tcp());
        let flags = (a[13] ^ b[13]) & !(PSH | FIN);
        flags == 0 && a[8..13] == b[8..13] && a[14..16] == b[14..16] && a[18..] == b[18..]
    }

    fn append(&mut self, next: Segment) {
        self.flags |= next.flags;
        self.payload.append(next.into_payload());
        self.count += 1;
    }

    /// What goes up: the one segment as it came, or a super-segment with a partial checksum, ready to be cut again.
    fn finish(self) -> Received {
        let Self { first, payload, count, flags } = self;
        let mut received = first.received;
        if count > 1 {
            received.frame = super_segment(&first.layout, (first.src, first.dst), received.frame.head(), payload, flags);
        }
        received
    }
}

fn super_segment(layout: &Layout, (src, dst): (Addr, Addr), head: &[u8], payload: Rope, flags: u8) -> Frame {
    let Layout { version, transport, l3, l4, payload: headers, .. } = *layout;
    let end = headers + payload.len();
    let mut frame = Frame::new(payload);
    let into = frame.push(headers);
    into.copy_from_slice(&head[..headers]);
    let id = u16::from_be_bytes([into[l3 + 4], into[l3 + 5]]);
    fill_lengths(into, version, l3, l4, end, id);
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

//! Segments of one TCP flow joined as they arrive (GRO).
//!
//! A segment waits here until one that does not fit comes, or until whoever polls finds nothing else to do. At most
//! [`FLOWS`] flows wait, so a look at all of them costs little and a flood of flows holds no memory.
//!
//! Invariants: what goes up of a flow goes up in the order it came; a segment is joined only after its checksum proved right;
//! cutting what was joined gives the same segments again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::base::frame::HEAD;
use crate::base::{Addr, Checksum, Frame, LinkId, Rope, Sum, Version};

use super::super::up::Received;
use super::alike::{Alike, FIN, PSH};
use super::layout::{Layout, Transport};
use super::template::Template;

/// How many flows wait at most (as Linux's `MAX_GRO_SKBS`).
const FLOWS: usize = 8;
/// How many segments are joined at most: tiny ones would make a long list for little.
const SEGMENTS: u32 = 256;
/// The longest packet, by the length field of IPv4: nothing longer is joined, or goes up.
pub(in crate::link) const LARGEST: usize = 65_535;

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
    ports: [u8; 4],
    flags: u8,
}

/// The joined segments of one flow: the first one with all payload.
#[derive(Debug)]
struct Flow {
    first: Segment,
    template: Template,
    alike: Alike,
    payload: Rope,
    count: u32,
    flags: u8,
}

/// What a flow says to a segment.
enum Answer {
    /// It does not come next here.
    NotMine,
    /// Its payload was taken.
    Taken,
    /// Its payload was taken, and none can come after it.
    TakenAsLast,
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
    /// Takes the payload of a frame from a device if it comes next in a flow that waits, and says if it did; a flow that is complete with it
    /// goes `up`. Nobody need have looked at the frame: it has the headers of the flow's first, of the link too, so all that was found of those
    /// is true of it.
    #[inline]
    pub(crate) fn continues(&mut self, link: LinkId, frame: &mut Frame, up: &mut VecDeque<Received>) -> bool {
        // Mostly it is of the flow that began last.
        let Some(last) = self.flows.back_mut() else { return false };
        match last.offer(link, frame) {
            Answer::Taken => true,
            other => self.continues_after(other, link, frame, up),
        }
    }

    /// As [`Joiner::continues`], after what the last flow answered.
    #[inline(never)]
    fn continues_after(&mut self, answer: Answer, link: LinkId, frame: &mut Frame, up: &mut VecDeque<Received>) -> bool {
        let (mut place, mut answer) = (self.flows.len() - 1, answer);
        loop {
            match (answer, place) {
                (Answer::Taken, _) => return true,
                (Answer::TakenAsLast, _) => {
                    self.finish(place, up);
                    return true;
                }
                (Answer::NotMine, 0) => return false,
                (Answer::NotMine, _) => {
                    place -= 1;
                    answer = self.flows[place].offer(link, frame);
                }
            }
        }
    }

    #[inline(never)]
    fn finish(&mut self, place: usize, up: &mut VecDeque<Received>) {
        up.extend(self.flows.remove(place).map(Flow::finish));
    }

    /// Takes a packet that continues none of the flows that wait; what is not to wait (or waits no longer) goes `up`, in order.
    #[inline(never)]
    pub(crate) fn offer(&mut self, received: Received, up: &mut VecDeque<Received>) {
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
            self.finish(place, up);
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

/// True unless a packet may overtake whatever waits here: TCP, and what TCP may be behind.
#[inline]
pub(crate) fn is_concerned(received: &Received) -> bool {
    let at = received.network;
    match received.version {
        Version::V4 => received.frame.read(at + 9) == Some([6]),
        // Hop-by-hop, routing, fragment and destination headers.
        Version::V6 => matches!(received.frame.read(at + 6), Some([6 | 0 | 43 | 44 | 60])),
    }
}

fn classify(mut received: Received) -> Kind {
    if !is_concerned(&received) {
        return Kind::Foreign(received);
    }
    let at = received.network;
    match Layout::of(&received.frame, at) {
        Some(layout) if layout.version == received.version => match layout.transport {
            Transport::Tcp => {
                received.frame.own_head(layout.payload);
                Kind::Segment(Segment::new(received, layout))
            }
            // A datagram behind extension headers.
            Transport::Udp => Kind::Foreign(received),
        },
        _ => Kind::Unclear(received),
    }
}

impl Segment {
    fn new(received: Received, layout: Layout) -> Self {
        let head = received.frame.head();
        let (src, dst) = layout.addresses(head);
        let tcp = &head[layout.l4..layout.l4 + 20];
        let (ports, flags) = ([tcp[0], tcp[1], tcp[2], tcp[3]], tcp[13]);
        Self { received, layout, src, dst, ports, flags }
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
        let Segment { received, layout, src, dst, flags, .. } = &first;
        let pseudo = Sum::pseudo(*src, *dst, layout.transport.number(), 0);
        let (template, alike) = (Template::new(&received.frame, layout, Some(pseudo)), Alike::new(layout));
        Self { payload: first.payload(), template, alike, count: 1, flags: *flags, first }
    }

    /// Takes the payload of a frame that came by `link` if it is the next segment of this flow and would come out the same if the whole were cut
    /// again. Whatever has the headers of the first one needs no parsing, for they say the same.
    #[inline]
    fn offer(&mut self, link: LinkId, frame: &mut Frame) -> Answer {
        let Segment { received: first, layout, ports, .. } = &self.first;
        let ours = frame.read(layout.l4) == Some(*ports) && link == first.link;
        if ours { self.offer_of_its_own(frame) } else { Answer::NotMine }
    }

    /// As [`Flow::offer`] for a frame with the flow's ports, which came by its link.
    #[inline(never)]
    fn offer_of_its_own(&mut self, frame: &mut Frame) -> Answer {
        let layout = &self.first.layout;
        if frame.segment_size > 0 || frame.len() <= layout.payload || self.count >= SEGMENTS {
            return Answer::NotMine;
        }
        let copy;
        let area = if frame.head().len() == layout.payload {
            frame.head_area()
        } else {
            copy = frame.copy_of_first(layout.payload);
            &copy
        };
        if !self.alike.are(&self.template.head, area) {
            return Answer::NotMine;
        }
        match Own::of(layout, &area[HEAD - layout.payload..]) {
            Some(own) if self.counts_on(&own, frame.len()) && self.is_sound(&own, frame) => self.append(frame, &own),
            _ => Answer::NotMine,
        }
    }

    /// True if the segment has what comes next: sequence number, identification (or one that means nothing: RFC 6864 §4.1, DF set), no flags but
    /// those that the last one may have (what is told of marks is the same in all: RFC 9768 §3.3.3), payload that is all in its frame, not more
    /// than the first has, and not more than is room for in one packet.
    #[inline]
    fn counts_on(&self, own: &Own, frame: usize) -> bool {
        let Self { first, template, payload, count, .. } = self;
        let Layout { version, l3, payload: headers, .. } = first.layout;
        let atomic = || own.id == template.id(0) && first.network()[6] & 0x40 != 0;
        let room = first.payload_len().min(LARGEST.saturating_sub(headers - l3 + payload.len()));
        own.seq == template.seq.wrapping_add(payload.len() as u32)
            && (version == Version::V6 || own.id == template.id(*count as usize) || atomic())
            && (own.flags ^ template.flags) & !(PSH | FIN) == 0
            && (headers < own.end && own.end <= frame && own.end - headers <= room)
    }

    /// True if the checksums are right or known to be. What the headers share was summed with the first.
    #[inline]
    fn is_sound(&self, own: &Own, frame: &Frame) -> bool {
        let Layout { version, l3, l4, payload: headers, .. } = self.first.layout;
        if version == Version::V4 {
            let mut sum = self.template.network;
            sum.add_word(((own.end - l3) as u32) << 16 | u32::from(own.id));
            sum.add_word(u32::from(own.network_sum));
            if sum.finish() != 0 {
                return false;
            }
        }
        let known = match frame.checksum {
            Checksum::Unknown => false,
            Checksum::Verified => true,
            // Of this header, or it says nothing.
            Checksum::Partial { .. } => usize::from(frame.l2_len) + usize::from(frame.l3_len) == l4,
        };
        let Some(pseudo) = self.template.pseudo.filter(|_| !known) else { return true };
        let mut sum = pseudo + self.template.transport;
        sum.add_word((own.end - l4) as u32);
        sum.add_word(own.seq);
        sum.add_word(u32::from(own.flags) + u32::from(own.transport_sum));
        frame.sum(headers, own.end - headers, sum).finish() == 0
    }

    /// Takes the payload of the next segment. Mostly it stands behind what is here in the same chunk.
    #[inline(always)]
    fn append(&mut self, frame: &mut Frame, own: &Own) -> Answer {
        let headers = self.first.layout.payload;
        let len = own.end - headers;
        let grew = headers.checked_sub(frame.head().len()).is_some_and(|skip| self.payload.grow(&frame.body, skip, len));
        if !grew {
            self.append_chunk(frame, len);
        }
        self.flags |= own.flags;
        self.count += 1;
        let last = len < self.first.payload_len() || own.flags & (PSH | FIN) != 0;
        if last { Answer::TakenAsLast } else { Answer::Taken }
    }

    #[inline(never)]
    fn append_chunk(&mut self, frame: &mut Frame, len: usize) {
        self.payload.append(frame.take_part(self.first.layout.payload, len));
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

/// What a segment has of its own.
struct Own {
    /// Where it ends by its IP header; before its payload if it has none, or says none.
    end: usize,
    id: u16,
    network_sum: u16,
    seq: u32,
    flags: u8,
    transport_sum: u16,
}

impl Own {
    #[inline]
    fn of(layout: &Layout, head: &[u8]) -> Option<Self> {
        let (network, tcp): (&[u8; 20], &[u8; 20]) =
            (head.get(layout.l3..)?.first_chunk()?, head.get(layout.l4..)?.first_chunk()?);
        let word = |bytes: &[u8; 20], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Some(Self {
            end: layout.l3
                + match layout.version {
                    Version::V4 => usize::from(word(network, 2)),
                    Version::V6 => 40 + usize::from(word(network, 4)),
                },
            id: word(network, 4),
            network_sum: word(network, 10),
            seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
            flags: tcp[13],
            transport_sum: word(tcp, 16),
        })
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
pub(super) fn fill_lengths(head: &mut [u8], layout: &Layout, end: usize) {
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

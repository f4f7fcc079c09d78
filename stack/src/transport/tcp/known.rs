//! A segment as nearly all are, with timestamps and no other options, for a connection: looked at once, where it lies. What [`Tcp::receive`] and the
//! layers below it come to for it, in one go; all others go up layer by layer.

use super::Tcp;
use super::arrives::Arrival;
use super::flows::{Flow, Tuple};
use super::header::{Header, USUAL_LEN};
use super::output::transmit;
use crate::base::{Addr, Checksum, Direction, Frame, Key, LinkId, Sum};
use crate::network::{Network, ipv4, protocol, usual};

/// Bytes of all headers.
const HEADERS: usize = ipv4::HEADER_LEN + USUAL_LEN;

impl Tcp {
    /// Receives a frame from a link while nothing waits, if it brings such a segment. Else it is given back, and nothing was done.
    #[inline(always)] // Nobody else has a frame in hand.
    pub fn receive_known(&mut self, net: &mut Network, link: LinkId, mut frame: Frame) -> Option<Frame> {
        let Some(headers) = usual::headers(&frame, protocol::TCP, is_usual) else { return Some(frame) };
        let Some(flow) = self.known_flow(net, link, headers).filter(|_| is_sound(&frame, headers)) else { return Some(frame) };
        if matches!(flow, Flow::TimeWait(_)) {
            return Some(frame);
        }
        let (header, traffic_class) = (Header::of_usual(transport_of(headers)), headers[1]);
        if !net.counts_in(link, frame.len(), 0, false) {
            return None;
        }
        net.links.base.counters.tcp.in_segs += 1;
        match flow {
            Flow::Connection(id) => self.arrives(net, id, Arrival::known(&header, traffic_class, &mut frame, HEADERS)),
            Flow::HalfOpen(key) => self.known_for_half_open(net, key, link, frame, &header),
            Flow::TimeWait(_) => {}
        }
        None
    }

    /// The flow of a segment with these headers, if the network layer would deliver it.
    #[inline(always)]
    fn known_flow(&mut self, net: &Network, link: LinkId, headers: &[u8; HEADERS]) -> Option<Flow> {
        let generation = net.generation();
        self.flows.followed(ends_of(headers), link, generation).or_else(|| self.look_for_known_flow(net, link, headers))
    }

    #[inline(never)]
    fn look_for_known_flow(&mut self, net: &Network, link: LinkId, headers: &[u8; HEADERS]) -> Option<Flow> {
        let [a, b, c, d, e, f, g, h, src_port @ .., k, l] = *ends_of(headers);
        let (remote, local) = (Addr::v4(a, b, c, d), Addr::v4(e, f, g, h));
        let (remote_port, local_port) = (u16::from_be_bytes(src_port), u16::from_be_bytes([k, l]));
        if !net.knows(link, remote, local) {
            return None;
        }
        let flow = self.flows.of_segment(&Tuple { local, remote, local_port, remote_port }, &self.records)?;
        self.flows.leave_trail(ends_of(headers), link, net.generation(), flow);
        Some(flow)
    }

    #[inline(never)] // Once for each connection.
    fn known_for_half_open(&mut self, net: &mut Network, key: Key, link: LinkId, frame: Frame, header: &Header) {
        let Some(mut packet) = usual::packet(link, frame) else { return };
        transmit::report_stateless(&mut net.links.base, Direction::In, header, packet.len - USUAL_LEN);
        self.segment_for_half_open(net, key, &mut packet, header, USUAL_LEN);
    }
}

/// The transport header is such a one.
#[inline(always)]
fn is_usual(headers: &[u8; HEADERS]) -> bool {
    Header::is_usual(transport_of(headers))
}

#[inline(always)]
fn transport_of(headers: &[u8; HEADERS]) -> &[u8; USUAL_LEN] {
    headers.last_chunk().expect("it is a part")
}

/// Addresses and ports, the peer's first.
#[inline(always)]
fn ends_of(headers: &[u8; HEADERS]) -> &[u8; 12] {
    headers[12..].first_chunk().expect("they are a part")
}

/// RFC 9293 MUST-3: the checksum is right or known to be.
#[inline(always)]
fn is_sound(frame: &Frame, headers: &[u8; HEADERS]) -> bool {
    match frame.checksum {
        Checksum::Verified => true,
        // One that begins before a transport header can is nobody's.
        Checksum::Partial { .. } => usize::from(frame.l2_len) + usize::from(frame.l3_len) >= ipv4::HEADER_LEN,
        Checksum::Unknown => {
            let len = frame.len() - ipv4::HEADER_LEN;
            let mut pseudo = Sum::new();
            pseudo.add(&headers[12..20]);
            pseudo.add_word(len as u32);
            pseudo.add_word(u32::from(protocol::TCP));
            frame.sum(ipv4::HEADER_LEN, len, pseudo).finish() == 0
        }
    }
}

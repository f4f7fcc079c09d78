//! A segment as nearly all are, with timestamps and no other options, for a connection, and a SYN with the options that most have: looked at once,
//! where it lies. What [`Tcp::receive`] and the layers below it come to for it, in one go; all others go up layer by layer.

use super::Tcp;
use super::arrives::Arrival;
use super::flows::{Flow, Tuple};
use super::header::{Header, SYN_LEN, USUAL_LEN};
use super::output::transmit;
use crate::base::{Addr, Checksum, Direction, Frame, Key, LinkId, Sum};
use crate::network::{Network, ipv4, protocol, usual};

/// Bytes of all headers.
const HEADERS: usize = ipv4::HEADER_LEN + USUAL_LEN;
/// Those of a SYN with the options that most have.
const SYN_HEADERS: usize = ipv4::HEADER_LEN + SYN_LEN;

impl Tcp {
    /// Receives a frame from a link while nothing waits, if it brings such a segment. Else it is given back, and nothing was done that can be seen.
    #[inline(always)] // Nobody else has a frame in hand.
    pub fn receive_known(&mut self, net: &mut Network, link: LinkId, mut frame: Frame) -> Option<Frame> {
        if frame.len() == SYN_HEADERS {
            // It may carry eight bytes instead.
            frame = self.receive_known_syn(net, link, frame)?;
        }
        let Some(headers) = usual::headers(&frame, protocol::TCP, is_usual) else { return Some(frame) };
        let flow = self.known_flow(net, link, headers).filter(|_| is_sound(&frame, addresses_of(headers)));
        let Some(flow) = flow else { return Some(frame) };
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
        let tuple = tuple_of(ends_of(headers));
        if !net.knows(link, tuple.remote, tuple.local) {
            return None;
        }
        let flow = self.flows.of_segment(&tuple, &self.records)?;
        self.flows.leave_trail(ends_of(headers), link, net.generation(), flow);
        Some(flow)
    }

    /// The same of a SYN, with the options that most have and nothing behind them, that opens a connection or answers for one.
    #[inline(never)]
    fn receive_known_syn(&mut self, net: &mut Network, link: LinkId, mut frame: Frame) -> Option<Frame> {
        let Some(headers) = usual::headers::<SYN_HEADERS>(&frame, protocol::TCP, |_| true) else { return Some(frame) };
        let Some(header) = headers.last_chunk().and_then(Header::of_usual_syn) else { return Some(frame) };
        let (ends, traffic_class) = (*ends_of(headers), headers[1]);
        let tuple = tuple_of(&ends);
        if !net.knows(link, tuple.remote, tuple.local) || !is_sound(&frame, addresses_of(headers)) {
            return Some(frame);
        }
        let flow = self.flows.of_segment(&tuple, &self.records);
        if matches!(flow, Some(Flow::HalfOpen(_) | Flow::TimeWait(_))) {
            return Some(frame);
        }
        if !net.counts_in(link, SYN_HEADERS, 0, false) {
            return None;
        }
        net.links.base.counters.tcp.in_segs += 1;
        match flow {
            Some(Flow::Connection(id)) => {
                self.segment_for_connection(net, id, Arrival::known(&header, traffic_class, &mut frame, SYN_HEADERS));
            }
            _ => {
                let packet = usual::packet(link, frame)?;
                transmit::report_stateless(&mut net.links.base, Direction::In, &header, 0);
                self.segment_without_connection(net, &packet, &header, SYN_LEN);
            }
        }
        // What follows will be of the flow that began.
        if let Some(flow) = self.flows.of_segment(&tuple, &self.records) {
            self.flows.leave_trail(&ends, link, net.generation(), flow);
        }
        None
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
fn ends_of<const LEN: usize>(headers: &[u8; LEN]) -> &[u8; 12] {
    headers[12..].first_chunk().expect("they are a part")
}

#[inline(always)]
fn addresses_of<const LEN: usize>(headers: &[u8; LEN]) -> &[u8; 8] {
    headers[12..].first_chunk().expect("they are a part")
}

fn tuple_of(ends: &[u8; 12]) -> Tuple {
    let [a, b, c, d, e, f, g, h, remote_port @ .., k, l] = *ends;
    Tuple {
        local: Addr::v4(e, f, g, h),
        remote: Addr::v4(a, b, c, d),
        local_port: u16::from_be_bytes([k, l]),
        remote_port: u16::from_be_bytes(remote_port),
    }
}

/// RFC 9293 MUST-3: the checksum is right or known to be.
#[inline(always)]
fn is_sound(frame: &Frame, addresses: &[u8; 8]) -> bool {
    match frame.checksum {
        Checksum::Verified => true,
        // One that begins before a transport header can is nobody's.
        Checksum::Partial { .. } => usize::from(frame.l2_len) + usize::from(frame.l3_len) >= ipv4::HEADER_LEN,
        Checksum::Unknown => {
            let len = frame.len() - ipv4::HEADER_LEN;
            let mut pseudo = Sum::new();
            pseudo.add(addresses);
            pseudo.add_word(len as u32);
            pseudo.add_word(u32::from(protocol::TCP));
            frame.sum(ipv4::HEADER_LEN, len, pseudo).finish() == 0
        }
    }
}

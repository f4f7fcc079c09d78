//! A segment as nearly all are, with timestamps and no other options, for a connection, and a SYN with the options that most have: looked at once,
//! where it lies. What [`Tcp::receive`] and the layers below it come to for it, in one go; all others go up layer by layer.

use core::hint::cold_path;

use super::Tcp;
use super::arrives::Arrival;
use super::flows::{Came, Flow, Tuple};
use super::header::{Header, SYN_LEN, USUAL_LEN};
use super::output::transmit;
use crate::base::{Checksum, Direction, Frame, Key, LinkId, Sum, Version};
use crate::network::family::{Family, V4, V6};
use crate::network::{Network, Packet, protocol, usual};

impl Tcp {
    /// Receives a frame from a link while nothing waits, if it brings such a segment. Else it is given back, and nothing was done that can be seen.
    #[inline(always)] // Nobody else has a frame in hand.
    pub fn receive_known(&mut self, net: &mut Network, link: LinkId, frame: Frame) -> Option<Frame> {
        let frame = self.receive_known_of::<V4>(net, link, frame, 0)?;
        let is_v6 = frame.together(0, 1).is_some_and(|first| first[0] >> 4 == 6);
        let frame = if is_v6 { self.receive_known_v6(net, link, frame)? } else { frame };
        // Those of several segments go up layer by layer.
        if frame.segment_size == 0 { self.receive_known_framed(net, link, frame) } else { Some(frame) }
    }

    #[inline(never)] // Beside the other one it would cost that registers.
    fn receive_known_v6(&mut self, net: &mut Network, link: LinkId, frame: Frame) -> Option<Frame> {
        self.receive_known_of::<V6>(net, link, frame, 0)
    }

    /// The same behind the header of an Ethernet, but for SYNs; or of loopback.
    #[inline(never)] // The same.
    pub(crate) fn receive_known_framed(&mut self, net: &mut Network, link: LinkId, frame: Frame) -> Option<Frame> {
        match net.links.inside_usual(link, &frame) {
            Some((Version::V4, network)) => self.receive_known_of::<V4>(net, link, frame, network),
            Some((Version::V6, network)) => self.receive_known_of::<V6>(net, link, frame, network),
            None => Some(frame),
        }
    }

    /// The same of a packet of a family that begins at `network`.
    #[inline(always)]
    fn receive_known_of<F: Family>(
        &mut self,
        net: &mut Network,
        link: LinkId,
        mut frame: Frame,
        network: usize,
    ) -> Option<Frame> {
        if network == 0 && frame.len() == F::LEN + SYN_LEN {
            cold_path();
            // It may carry eight bytes instead.
            frame = self.receive_known_syn::<F>(net, link, frame)?;
        }
        let Some(headers) = usual::headers::<F, USUAL_LEN>(&frame, network, protocol::TCP, Header::is_usual) else {
            cold_path();
            return Some(frame);
        };
        let Some(flow) = self.known_flow::<F>(net, link, network, headers.ends) else {
            cold_path();
            return Some(frame);
        };
        if matches!(flow, Flow::TimeWait(_)) || !is_sound::<F>(&frame, network, headers.ends) {
            cold_path();
            return Some(frame);
        }
        // One by one: a header in a pair would be made there and moved.
        let header = Header::of_usual(headers.transport);
        let traffic_class = F::traffic_class(headers.network);
        if !net.counts_in(link, frame.len(), network, false) {
            cold_path();
            return None;
        }
        net.links.base.counters.tcp.in_segs += 1;
        match flow {
            Flow::Connection(id) => {
                let headers = network + F::LEN + USUAL_LEN;
                let mut arrival = Arrival::without_payload(&header, traffic_class, frame.len() - headers);
                arrival.take_payload(&mut frame, headers);
                self.arrives(net, id, &mut arrival);
                self.common.spare.keep_frame(frame);
            }
            // Once for each connection.
            Flow::HalfOpen(key) => {
                cold_path();
                if let Some(packet) = F::packet(link, frame, network) {
                    self.known_for_half_open(net, key, packet, &header);
                }
            }
            Flow::TimeWait(_) => {}
        }
        None
    }

    /// The flow of a segment with these ends, if the network layer would deliver it.
    #[inline(always)]
    fn known_flow<F: Family>(&mut self, net: &Network, link: LinkId, network: usize, ends: &F::Ends) -> Option<Flow> {
        let followed = self.flows.followed(ends.as_ref(), Came::new(link, network), net.generation());
        if followed.is_some() {
            return followed;
        }
        cold_path();
        self.look_for_known_flow::<F>(net, link, network, ends)
    }

    #[inline(never)]
    fn look_for_known_flow<F: Family>(&mut self, net: &Network, link: LinkId, network: usize, ends: &F::Ends) -> Option<Flow> {
        let tuple = tuple_of::<F>(ends);
        if !net.knows(link, network, tuple.remote, tuple.local) {
            return None;
        }
        let flow = self.flows.of_segment(&tuple, &self.records)?;
        self.flows.leave_trail(ends.as_ref(), Came::new(link, network), net.generation(), flow);
        Some(flow)
    }

    /// The same of a SYN, with the options that most have and nothing behind them, that opens a connection or answers for one.
    #[inline(never)]
    fn receive_known_syn<F: Family>(&mut self, net: &mut Network, link: LinkId, mut frame: Frame) -> Option<Frame> {
        let usual = usual::headers::<F, SYN_LEN>(&frame, 0, protocol::TCP, |_| true);
        let Some(headers) = usual else { return Some(frame) };
        let Some(header) = Header::of_usual_syn(headers.transport) else { return Some(frame) };
        let (ends, traffic_class) = (*headers.ends, F::traffic_class(headers.network));
        let tuple = tuple_of::<F>(&ends);
        if !net.knows(link, 0, tuple.remote, tuple.local) || !is_sound::<F>(&frame, 0, &ends) {
            return Some(frame);
        }
        let flow = self.flows.of_segment(&tuple, &self.records);
        if matches!(flow, Some(Flow::HalfOpen(_) | Flow::TimeWait(_))) {
            return Some(frame);
        }
        if !net.counts_in(link, frame.len(), 0, false) {
            return None;
        }
        net.links.base.counters.tcp.in_segs += 1;
        match flow {
            Some(Flow::Connection(id)) => {
                let headers = F::LEN + SYN_LEN;
                let mut arrival = Arrival::without_payload(&header, traffic_class, frame.len() - headers);
                arrival.take_payload(&mut frame, headers);
                self.segment_for_connection(net, id, &mut arrival);
                self.common.spare.keep_frame(frame);
            }
            _ => {
                let packet = F::packet(link, frame, 0)?;
                transmit::report_stateless(&mut net.links.base, Direction::In, &header, 0);
                self.segment_without_connection(net, &packet, &header, SYN_LEN);
                self.common.spare.keep_frame(packet.frame);
            }
        }
        // What follows will be of the flow that began.
        if let Some(flow) = self.flows.of_segment(&tuple, &self.records) {
            self.flows.leave_trail(ends.as_ref(), Came::new(link, 0), net.generation(), flow);
        }
        None
    }

    #[inline(never)]
    fn known_for_half_open(&mut self, net: &mut Network, key: Key, mut packet: Packet, header: &Header) {
        transmit::report_stateless(&mut net.links.base, Direction::In, header, packet.len - USUAL_LEN);
        self.segment_for_half_open(net, key, &mut packet, header, USUAL_LEN);
        self.common.spare.keep_frame(packet.frame);
    }
}

/// The flow that the peer's end, which comes first, and ours name.
fn tuple_of<F: Family>(ends: &F::Ends) -> Tuple {
    let ((remote, local), [remote_port, local_port]) = (F::addresses(ends), F::ports(ends));
    Tuple { local, remote, local_port, remote_port }
}

/// RFC 9293 MUST-3: the checksum is right or known to be.
#[inline(always)]
fn is_sound<F: Family>(frame: &Frame, network: usize, ends: &F::Ends) -> bool {
    let transport = network + F::LEN;
    match frame.checksum {
        Checksum::Verified => true,
        // One that begins before a transport header can is nobody's.
        Checksum::Partial { .. } => usize::from(frame.l2_len) + usize::from(frame.l3_len) >= transport,
        Checksum::Unknown => {
            let len = frame.len() - transport;
            let mut pseudo = Sum::new();
            pseudo.add(&ends.as_ref()[..F::ADDRESSES]);
            pseudo.add_word(len as u32);
            pseudo.add_word(u32::from(protocol::TCP));
            frame.sum(transport, len, pseudo).finish() == 0
        }
    }
}
